//! What a subscription asks of those who sign in.

use crate::password::{LEAST_ALONE, MOST};

/// Most words that a subscription may keep out of passwords.
pub const BLOCKED_MAX: usize = 64;
/// Most bytes of one.
pub const BLOCKED_WORD_MAX: usize = 64;
/// Most characters that a subscription may ask for.
pub const LEAST_MOST: u16 = 64;

/// A policy that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Fewer or more characters than may be asked for.
    #[error("a password may be asked for with {LEAST_ALONE} to {LEAST_MOST} characters at least")]
    Least,
    /// Too many words, or one that is none.
    #[error("at most {BLOCKED_MAX} words, each of one to {BLOCKED_WORD_MAX} bytes without control characters")]
    Blocked,
}

/// What a subscription asks of those who sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInPolicy {
    /// Fewest characters of a new password.
    pub password_least: u16,
    /// Words that count for nothing in a password: the organization's name, its products.
    pub blocked: Vec<String>,
}

impl Default for SignInPolicy {
    fn default() -> Self {
        Self { password_least: LEAST_ALONE, blocked: Vec::new() }
    }
}

impl SignInPolicy {
    /// Checks that it can be.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self) -> Result<(), PolicyError> {
        const { assert!(LEAST_MOST as usize <= MOST) };
        if !(LEAST_ALONE..=LEAST_MOST).contains(&self.password_least) {
            return Err(PolicyError::Least);
        }
        let fits = |word: &String| (1..=BLOCKED_WORD_MAX).contains(&word.len()) && !word.chars().any(char::is_control);
        if self.blocked.len() > BLOCKED_MAX || !self.blocked.iter().all(fits) {
            return Err(PolicyError::Blocked);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_asks_for_no_less_than_the_standard_does() {
        let asking = |password_least| SignInPolicy { password_least, ..SignInPolicy::default() }.check();
        assert_eq!((asking(15), asking(64)), (Ok(()), Ok(())));
        assert_eq!((asking(14), asking(65)), (Err(PolicyError::Least), Err(PolicyError::Least)));
        let blocking = |blocked| SignInPolicy { blocked, ..SignInPolicy::default() }.check();
        assert_eq!(blocking(vec!["Acme Inc.".to_owned(); 64]), Ok(()));
        for wrong in [vec!["a".to_owned(); 65], vec![String::new()], vec!["a\n".to_owned()], vec!["a".repeat(65)]] {
            assert_eq!(blocking(wrong), Err(PolicyError::Blocked));
        }
    }
}

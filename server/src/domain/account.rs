//! Accounts: people and programs of a subscription that sign in.

use std::collections::BTreeMap;
use std::fmt;

use super::permission::{Permission, Permissions};

/// Most characters of a name.
pub const NAME_MAX: usize = 64;
/// Most bytes of an e-mail address (RFC 5321, 4.5.3.1.3 and erratum 1690).
pub const EMAIL_MAX: usize = 254;
/// Most bytes of what is before the `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// Most groups of an account.
pub const GROUPS_MAX: usize = 256;
/// Most words that an account is allowed or denied.
pub const WORDS_MAX: usize = 128;
/// Most bytes of settings, as JSON.
pub const SETTINGS_MAX: usize = 16_384;
/// Most characters of the identifier of a device or app.
pub const IDENTIFIER_MAX: usize = 128;
/// Wrong passwords in a row that lock an account until its password is set anew (NIST SP 800-63B-4, 3.2.2).
pub const FAILURES_MAX: u32 = 100;

/// Something about an account that cannot be. Says what was wrong, never what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Not a name.
    #[error("a name is one to {NAME_MAX} of A-Z, a-z, 0-9, `.`, `_` and `-`")]
    Name,
    /// Not an e-mail address.
    #[error("an e-mail address has one `@` between its two parts, no spaces, and at most {EMAIL_MAX} bytes")]
    Email,
    /// Not an identifier.
    #[error("an identifier is one to {IDENTIFIER_MAX} of A-Z, a-z, 0-9, `.`, `_`, `:` and `-`")]
    Identifier,
    /// Not a device.
    #[error("a device is called something of one to {IDENTIFIER_MAX} bytes, without control characters")]
    Device,
    /// Not a word of permissions.
    #[error("a permission is one to {NAME_MAX} of a-z, 0-9, `.`, `_` and `-`")]
    Word,
    /// Too many of something.
    #[error("an account has at most {GROUPS_MAX} groups and {WORDS_MAX} permissions")]
    TooMany,
    /// Settings that are too long.
    #[error("the settings of an account are an object of at most {SETTINGS_MAX} bytes of JSON")]
    Settings,
}

/// What somebody signs in with: written as it was given, found in any case of its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login(String);

impl Login {
    /// The name of an account.
    ///
    /// # Errors
    /// It is empty, too long, or has other characters than letters and digits of ASCII, `.`, `_` and `-`.
    pub fn name(text: &str) -> Result<Self, AccountError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(AccountError::Name) }
    }

    /// The e-mail address of an account.
    ///
    /// # Errors
    /// It is too long, has not one `@` with something before and behind it, or has spaces or control characters.
    pub fn email(text: &str) -> Result<Self, AccountError> {
        let parts = text.split_once('@').filter(|(local, domain)| {
            (1..=LOCAL_MAX).contains(&local.len()) && !domain.is_empty() && !domain.contains('@')
        });
        let is_plain = !text.chars().any(|it| it.is_whitespace() || it.is_control());
        if parts.is_some() && is_plain && text.len() <= EMAIL_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(AccountError::Email)
        }
    }

    /// Whichever of the two `text` is. They share no text: a name has no `@`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        Self::name(text).or_else(|_| Self::email(text))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that it is found by, the same for every case of its letters.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks the identifier that a device or app keeps for itself, so that it can renew its own session.
///
/// # Errors
/// It is empty, too long, or has other characters than letters and digits of ASCII, `.`, `_`, `:` and `-`.
pub fn parse_identifier(text: &str) -> Result<&str, AccountError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let fits = (1..=IDENTIFIER_MAX).contains(&text.len()) && text.bytes().all(allowed);
    if fits { Ok(text) } else { Err(AccountError::Identifier) }
}

/// Checks what an application calls a device.
///
/// # Errors
/// It is empty, too long, or has control characters.
pub fn parse_device(text: &str) -> Result<&str, AccountError> {
    let fits = (1..=IDENTIFIER_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(AccountError::Device) }
}

/// Who an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountKind {
    /// Somebody of the organization.
    #[default]
    Employee,
    /// Somebody else.
    Guest,
}

impl AccountKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Employee, Self::Guest];

    /// Its name in calls, in lists and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Employee => "employee",
            Self::Guest => "guest",
        }
    }
}

/// Whether an account may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountState {
    /// It may.
    #[default]
    Active,
    /// Not now. What it was signed in with is over.
    Suspended,
    /// Never again.
    Left,
}

impl AccountState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Left];

    /// Its name in calls, in lists and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Left => "left",
        }
    }
}

/// What an account may do. Words are the applications' own; those that are the names of permissions of the server mean
/// these, in the account's subscription.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountRights {
    /// Everything.
    pub admin: bool,
    /// May not see what is public (`nopublic`).
    pub restricted: bool,
    /// Numbers of groups, and whether it is in them.
    pub groups: BTreeMap<u32, bool>,
    /// Words, and whether it is allowed what they stand for.
    pub words: BTreeMap<String, bool>,
}

impl AccountRights {
    /// Checks words and numbers.
    ///
    /// # Errors
    /// There are too many, or one cannot be.
    pub fn check(&self) -> Result<(), AccountError> {
        if self.groups.len() > GROUPS_MAX || self.words.len() > WORDS_MAX {
            return Err(AccountError::TooMany);
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let fits = |word: &String| (1..=NAME_MAX).contains(&word.len()) && word.bytes().all(allowed);
        if self.words.keys().all(fits) { Ok(()) } else { Err(AccountError::Word) }
    }

    /// What it may do with the server itself, in its subscription.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        if self.admin {
            return Permissions::ADMIN;
        }
        let allowed = |one: &&Permission| self.words.get(one.name()).copied().unwrap_or_default();
        Permission::ALL.iter().filter(allowed).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_share_no_text_and_are_found_in_any_case() {
        for name in ["max.power", "a", "Max_Power-2", &"a".repeat(64)] {
            assert_eq!(Login::name(name).unwrap().as_str(), name);
            assert!(Login::email(name).is_err());
        }
        for email in ["Max.Power@Company.com", "a@b", "josé@exämple.org", &format!("a@{}", "b".repeat(252))] {
            assert_eq!(Login::email(email).unwrap().as_str(), email);
            assert!(Login::name(email).is_err());
            assert_eq!(Login::parse(email).unwrap().folded(), email.to_lowercase());
        }
        assert_eq!(Login::parse("Max.Power").unwrap().folded(), "max.power");
        for wrong in ["", " ", "a b", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "jos\u{e9}", &"a".repeat(65)] {
            assert!(Login::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Login::email(&format!("a@{}", "b".repeat(253))).is_err());
        assert!(Login::email(&format!("{}@b", "a".repeat(65))).is_err());
    }

    #[test]
    fn identifiers_are_those_of_devices_and_of_apps() {
        for good in ["MyDevice", "95418037-cd82-4ab2-992a-e01370865286", "00:1b:44:11:3a:b7", "app_2.0"] {
            assert_eq!(parse_identifier(good), Ok(good));
        }
        for wrong in ["", "a b", "a/b", "é", &"a".repeat(129)] {
            assert_eq!(parse_identifier(wrong), Err(AccountError::Identifier));
        }
    }

    #[test]
    fn words_that_the_server_knows_are_its_permissions_and_others_are_not() {
        let word = |word: &str, is: bool| (word.to_owned(), is);
        let words = BTreeMap::from([word("status", true), word("enroll", false), word("billing", true)]);
        let rights = AccountRights { words, ..AccountRights::default() };
        assert_eq!(rights.check(), Ok(()));
        assert_eq!(rights.permissions(), Permissions::BASIC);
        assert_eq!(AccountRights { admin: true, ..rights }.permissions(), Permissions::ADMIN);
        assert_eq!(AccountRights::default().permissions(), Permissions::default());
    }

    #[test]
    fn words_and_groups_have_limits() {
        for wrong in ["", "Billing", "a b", &"a".repeat(65)] {
            let words = BTreeMap::from([(wrong.to_owned(), true)]);
            assert_eq!(AccountRights { words, ..AccountRights::default() }.check(), Err(AccountError::Word), "{wrong}");
        }
        let groups = (0..=256).map(|number| (number, true)).collect();
        assert_eq!(AccountRights { groups, ..AccountRights::default() }.check(), Err(AccountError::TooMany));
    }
}

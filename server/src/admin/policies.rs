//! What subscriptions ask of those who sign in: shown and changed.

use super::accounts::{check, is_there};
use super::{Actor, Admin, AdminError};
use crate::domain::name::parse_subscription;
use crate::domain::policy::SignInPolicy;

/// What is to be changed of a policy; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct PolicyChange {
    /// Fewest characters of a new password.
    pub password_least: Option<u16>,
    /// Words that count for nothing in a password, in the place of those that there are.
    pub blocked: Option<Vec<String>>,
}

impl Admin {
    /// What a subscription asks of those who sign in.
    ///
    /// # Errors
    /// [`AdminError::NoSubscription`]; storage failed, or a row is damaged.
    pub async fn policy(&self, subscription: &str) -> Result<SignInPolicy, AdminError> {
        let subscription = parse_subscription(subscription)?.to_owned();
        self.read(move |vault, tx| {
            is_there(tx, &subscription)?;
            vault.policy(tx, &subscription)
        })
        .await
    }

    /// Changes what a subscription asks of those who sign in. Passwords that there are stay good.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it cannot be. [`AdminError::Forbidden`], [`AdminError::NoSubscription`].
    pub async fn update_policy(
        &self,
        subscription: &str,
        change: PolicyChange,
        by: Actor,
    ) -> Result<SignInPolicy, AdminError> {
        let subscription = parse_subscription(subscription)?.to_owned();
        let changed = SignInPolicy {
            password_least: change.password_least.unwrap_or(SignInPolicy::default().password_least),
            blocked: change.blocked.clone().unwrap_or_default(),
        };
        changed.check()?;
        self.write(move |vault, tx| {
            check(vault, tx, by, &subscription)?;
            let before = vault.policy(tx, &subscription)?;
            let policy = SignInPolicy {
                password_least: change.password_least.unwrap_or(before.password_least),
                blocked: change.blocked.unwrap_or(before.blocked),
            };
            vault.set_policy(tx, &subscription, &policy, by, vault.reading())?;
            Ok(policy)
        })
        .await
    }
}

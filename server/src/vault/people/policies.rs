//! What subscriptions ask of those who sign in.

use crate::domain::actor::Actor;
use crate::domain::policy::SignInPolicy;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{PolicyRow, PolicyRows};
use crate::vault::seal::Table;
use crate::vault::{About, Decoder, Encoder, Event, EventKind, Vault, VaultError};

impl Vault {
    /// What a subscription asks of those who sign in; the defaults where it has said nothing.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn policy(&self, tx: &mut dyn Transaction, subscription: &str) -> Result<SignInPolicy, VaultError> {
        Ok(self.policy_row(tx, subscription)?.map_or_else(SignInPolicy::default, |(policy, _)| policy))
    }

    /// Sets what a subscription asks of those who sign in.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn set_policy(
        &self,
        tx: &mut dyn Transaction,
        subscription: &str,
        policy: &SignInPolicy,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        let ver = self.policy_row(tx, subscription)?.map_or(0, |(_, ver)| ver) + 1;
        let mut content = Encoder::new();
        content.u32(policy.password_least.into()).u32(u32::try_from(policy.blocked.len()).unwrap_or(u32::MAX));
        for word in &policy.blocked {
            content.text(word);
        }
        let sealed = self.seal(Table::Policy, &[subscription.as_bytes()], ver, &content);
        tx.put_policy(&PolicyRow { subscription: subscription.to_owned(), sealed })?;
        let about = About::Subscription(subscription.to_owned());
        let event = Event::new(EventKind::PolicyUpdated, about, by, clock.now());
        self.record(tx, &event.with("passwordLeast", u64::from(policy.password_least)))?;
        self.mark_time(tx, clock)
    }

    fn policy_row(
        &self,
        tx: &mut dyn Transaction,
        subscription: &str,
    ) -> Result<Option<(SignInPolicy, u64)>, VaultError> {
        let Some(PolicyRow { sealed, .. }) = tx.policy(subscription)? else { return Ok(None) };
        let content = self.sealer.open(Table::Policy, &[subscription.as_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Policy, &content);
        let password_least = u16::try_from(decoder.u32()?).map_err(|_| decoder.damaged())?;
        let blocked = (0..decoder.u32()?).map(|_| decoder.text()).collect::<Result<Vec<_>, _>>()?;
        decoder.end()?;
        Ok(Some((SignInPolicy { password_least, blocked }, sealed.ver)))
    }
}

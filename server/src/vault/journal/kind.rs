//! The kinds of events, and what they are called outside.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            pub(super) const fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            pub(super) const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name in the log. Several kinds may have the same name outside of it: see
            /// [`Event::name`](super::Event::name).
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

kinds! {
    /// A PIN opened the token.
    Opened = 1 "token.opened",
    /// A device closed the token.
    Closed = 2 "token.closed",
    /// A PIN was wrong.
    PinRejected = 3 "token.pin_rejected",
    /// An operation was right but not executed.
    NotExecuted = 4 "token.not_executed",
    /// The PINs were replaced.
    PinsChanged = 5 "token.pins_changed",
    /// The device's static key was replaced.
    KeyRotated = 6 "token.key_rotated",
    /// The device gave itself up.
    Unenrolled = 7 "token.unenrolled",
    /// A relying party's check ended a single-use opening.
    Consumed = 8 "token.consumed",
    /// A device enrolled.
    Enrolled = 9 "token.enrolled",
    /// Two holders of one device's state were proved.
    CloneProved = 10 "token.clone_proved",
    /// A live device with a foreign state appeared.
    Suspended = 11 "token.clone_suspected",
    /// A device resynced after a restore.
    Resynced = 12 "token.device_resynced",
    /// An administrator blocked the token.
    Blocked = 13 "token.blocked",
    /// An administrator lifted the block.
    Unblocked = 14 "token.unblocked",
    /// An administrator closed the token.
    ForcedClose = 15 "token.force_closed",
    /// An administrator cleared duress.
    DuressCleared = 16 "token.duress_cleared",
    /// An administrator deleted the token.
    Deleted = 17 "token.deleted",
    /// Somebody confirmed the short authentication string.
    Confirmed = 18 "enrollment.confirmed",
    /// A device was revoked: by an administrator, by another device, because its enrollment was called off, or because
    /// another device took its place. That last also for one that gave itself up before: its keys are erased then.
    DeviceRevoked = 19 "token.device_revoked",
    /// An enrollment was offered.
    Offered = 20 "enrollment.offered",
    /// An offer was withdrawn before anybody used it.
    OfferCancelled = 21 "enrollment.cancelled",
    /// A relying party asked the holder to confirm a text.
    ConfirmationAsked = 22 "confirmation.asked",
    /// The holder has answered.
    ConfirmationAnswered = 23 "confirmation.answered",
    /// The relying party does not ask any more.
    ConfirmationCancelled = 24 "confirmation.cancelled",
    /// Nobody answered in time.
    ConfirmationExpired = 25 "confirmation.expired",
    /// A service was created.
    ServiceCreated = 26 "service.created",
    /// The settings of a service were changed.
    ServiceUpdated = 27 "service.updated",
    /// A service was deleted.
    ServiceDeleted = 28 "service.deleted",
    /// An authkey was created.
    AuthkeyCreated = 29 "authkey.created",
    /// An authkey got a new value.
    AuthkeyRotated = 30 "authkey.rotated",
    /// An authkey was revoked.
    AuthkeyRevoked = 31 "authkey.revoked",
    /// A subscription was created.
    SubscriptionCreated = 32 "subscription.created",
    /// A subscription was deleted.
    SubscriptionDeleted = 33 "subscription.deleted",
    /// Deliveries to a webhook failed for so long that they ended.
    WebhookDisabled = 34 "webhook.disabled",
    /// Somebody had deliveries to a webhook begin again.
    WebhookEnabled = 35 "webhook.enabled",
    /// A webhook got a new secret.
    WebhookSecretChanged = 36 "webhook.secret_changed",
    /// Somebody read the audit log.
    AuditExported = 37 "audit.exported",
    /// Retention erased what the journal says of a time long ago.
    AuditErased = 38 "audit.erased",
    /// The database was restored from a backup.
    InstanceRestored = 39 "instance.restored",
    /// The clock was wrong, far in the future, and has been set right.
    ClockCorrected = 40 "instance.clock_corrected",
    /// An operator replaced the server's key ahead of time.
    KeysReplaced = 41 "instance.keys_rotated",
    /// An account was made.
    AccountCreated = 42 "account.created",
    /// What an account is or may do was changed.
    AccountUpdated = 43 "account.updated",
    /// An account got another password.
    PasswordChanged = 44 "account.password_changed",
    /// An account had too many wrong passwords in a row.
    AccountLocked = 45 "account.locked",
    /// An account was removed.
    AccountDeleted = 46 "account.deleted",
    /// Somebody signed in.
    SignedIn = 47 "account.signed_in",
    /// Somebody did not get in.
    SignInFailed = 48 "account.sign_in_failed",
    /// A session was ended by whoever had it.
    SignedOut = 49 "account.signed_out",
    /// All that an account was signed in with was ended.
    SignedOutAll = 50 "account.signed_out_everywhere",
    /// An application was made.
    ApplicationCreated = 51 "application.created",
    /// What an application is was changed.
    ApplicationUpdated = 52 "application.updated",
    /// An application got another appsecret.
    ApplicationSecretChanged = 53 "application.secret_changed",
    /// An application was removed.
    ApplicationDeleted = 54 "application.deleted",
    /// An application got new tokens for an account.
    TokensRefreshed = 55 "account.tokens_refreshed",
    /// A token that is good once was shown again, and with it all that came of it ended.
    TokenReused = 56 "account.token_reused",
    /// A subscription asks other things of those who sign in.
    PolicyUpdated = 57 "subscription.policy_updated",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_numbers_and_names_of_their_own() {
        let mut names = std::collections::HashSet::new();
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_number(kind.number()), Some(*kind));
            assert!(names.insert(kind.name()), "{}", kind.name());
        }
        assert_eq!(EventKind::from_number(0), None);
        assert_eq!(EventKind::from_number(255), None);
    }
}

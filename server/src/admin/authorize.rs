//! Who may do what where.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::{Admin, AdminError, Service};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::authkey::Scope;
use crate::domain::name::{ServiceName, is_authkey, parse_subscription};
use crate::domain::permission::{Permission, Permissions};
use crate::domain::world::ClockReading;
use crate::storage::rows::AccessRows;
use crate::vault::{Authkey, VaultError};

/// Where a call wants to act, as the caller has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessScope<'a> {
    /// In the service with this API name.
    Service(&'a str),
    /// In the subscription with this name.
    Subscription(&'a str),
    /// In the whole instance.
    Instance,
}

/// A call that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The service that the call named; there is one whenever it named a service.
    pub service: Option<Service>,
    /// Where the call may act.
    pub scope: Scope,
    /// Who calls.
    pub by: Actor,
    /// Everything that the authkey allows there.
    pub permissions: Permissions,
}

impl Access {
    /// The service that the call named.
    ///
    /// # Errors
    /// [`AdminError::NoService`]: it named none.
    pub fn service(&self) -> Result<&Service, AdminError> {
        self.service.as_ref().ok_or(AdminError::NoService)
    }

    /// Whether the authkey allows `permission` too.
    #[must_use]
    pub const fn allows(&self, permission: Permission) -> bool {
        self.permissions.allows(permission)
    }
}

impl Admin {
    /// Checks where a call wants to act and its authkey, in this order: 400, 403, 404. An authkey that is unknown,
    /// expired, revoked, without the permission, not good there, or used `from` a foreign network is refused in the
    /// same words, before anything is said about what exists.
    ///
    /// Writes nothing but the time at which an authkey was first found to have expired; its last use is kept in memory
    /// until [`Admin::keep_house`] stores it.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: nothing has such a name. [`AdminError::Forbidden`], [`AdminError::NoService`],
    /// [`AdminError::NoSubscription`]; storage failed, or a row is damaged.
    pub async fn authorize(
        &self,
        scope: AccessScope<'_>,
        authkey: &str,
        permission: Permission,
        from: Option<IpAddr>,
    ) -> Result<Access, AdminError> {
        let scope = match scope {
            AccessScope::Service(name) => Scope::Service(ServiceName::parse(name)?),
            AccessScope::Subscription(name) => Scope::Subscription(parse_subscription(name)?.to_owned()),
            AccessScope::Instance => Scope::Instance,
        };
        if !is_authkey(authkey) {
            return Err(AdminError::Forbidden);
        }
        let value = Zeroizing::new(authkey.to_owned());
        let answer = self
            .read(move |vault, tx| {
                let (key, clock) = (vault.authkey(tx, &value)?, vault.reading());
                let key = match judge(key, &scope, permission, from, clock) {
                    Ok(key) => key,
                    Err(refusal) => return Ok(Answer::Refused(refusal)),
                };
                let service = match &scope {
                    Scope::Service(name) => match vault.service(tx, name)? {
                        Some(service) => Some(service),
                        None => return Err(VaultError::Unknown("service")),
                    },
                    Scope::Subscription(name) if !tx.has_subscription(name)? => {
                        return Err(VaultError::Unknown("subscription"));
                    }
                    Scope::Subscription(_) | Scope::Instance => None,
                };
                let (by, permissions) = (Actor::Authkey(key.number), key.rights.permissions);
                Ok(Answer::Allowed(Access { service, scope, by, permissions }, clock.now()))
            })
            .await?;
        self.admit(answer).await
    }

    /// Lets in, or says why not.
    pub(super) async fn admit(&self, answer: Answer) -> Result<Access, AdminError> {
        match answer {
            Answer::Allowed(access, now) => {
                if let Some(number) = access.by.authkey() {
                    self.uses.note(number, now);
                }
                Ok(access)
            }
            Answer::Refused(Refusal::Forbidden) => Err(AdminError::Forbidden),
            Answer::Refused(Refusal::Expired(end)) => {
                // What was refused because its time is over must not be let in when the clock goes back, not even after
                // a restart. It is refused whether or not that can be written.
                if self.vault.is_end_unmarked(end)
                    && let Err(error) = self.record_time().await
                {
                    tracing::warn!(%error, "the end of an authkey could not be recorded");
                }
                Err(AdminError::Forbidden)
            }
        }
    }
}

/// What an authkey comes to.
pub(super) enum Answer {
    Allowed(Access, UnixSeconds),
    Refused(Refusal),
}

/// Why an authkey is refused; callers are told no difference.
pub(super) enum Refusal {
    Forbidden,
    /// Since then.
    Expired(UnixSeconds),
}

/// The authkey, if it is good for this.
pub(super) fn judge(
    key: Option<Authkey>,
    scope: &Scope,
    permission: Permission,
    from: Option<IpAddr>,
    clock: ClockReading,
) -> Result<Authkey, Refusal> {
    let Some(key) = key else { return Err(Refusal::Forbidden) };
    let rights = &key.rights;
    if !key.is_good(clock) {
        let end = rights.expires_at.filter(|_| rights.is_expired(clock));
        return Err(end.map_or(Refusal::Forbidden, Refusal::Expired));
    }
    let allowed = rights.scope.covers(scope) && rights.permissions.allows(permission) && rights.networks.admit(from);
    if allowed { Ok(key) } else { Err(Refusal::Forbidden) }
}

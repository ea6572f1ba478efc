//! Who may do what where: whatever a call carries ends in one check.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::sign_in::Signed;
use super::{Admin, AdminError, Service, SignInRefusal};
use crate::clock::UnixSeconds;
use crate::domain::account::AccountState;
use crate::domain::actor::Actor;
use crate::domain::authkey::Scope;
use crate::domain::name::{ServiceName, is_authkey, parse_subscription};
use crate::domain::permission::{Permission, Permissions};
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::AccessRows;
use crate::vault::{Account, Authkey, Vault, VaultError};

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

/// What a call carries to say whose it is.
#[derive(Clone)]
pub enum Credential {
    /// An authkey.
    Authkey(Zeroizing<String>),
    /// What somebody was given for signing in; or an authkey, which may be written in the same place.
    Bearer(Zeroizing<String>),
    /// Name or e-mail address, and password.
    Basic {
        /// Name or e-mail address.
        login: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// Whoever said the password of this account before, when it had this epoch.
    Known {
        /// The number of the account.
        account: u64,
        /// Its epoch then.
        epoch: u32,
    },
}

impl Credential {
    /// An authkey.
    #[must_use]
    pub fn authkey(value: &str) -> Self {
        Self::Authkey(Zeroizing::new(value.to_owned()))
    }

    /// Whether it can be what somebody was given for signing in, by its form.
    #[must_use]
    pub fn is_token(&self) -> bool {
        matches!(self, Self::Bearer(value) if is_token(value))
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Authkey(_) => "Authkey",
            Self::Bearer(_) => "Bearer",
            Self::Basic { .. } => "Basic",
            Self::Known { .. } => "Known",
        })
    }
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
    /// Everything that the authkey or account may do there.
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

    /// Whether the authkey or account may do this too.
    #[must_use]
    pub const fn allows(&self, permission: Permission) -> bool {
        self.permissions.allows(permission)
    }
}

impl Admin {
    /// Checks where a call wants to act and what it carries, in this order: 400, 403, 404. An authkey that is unknown,
    /// expired, revoked, without the permission, not good there, or used `from` a foreign network is refused in the
    /// same words, before anything is said about what exists; so is an account.
    ///
    /// Writes nothing but the time at which an authkey was first found to have expired, and what a password leaves
    /// behind; the last use of an authkey is kept in memory until [`Admin::keep_house`] stores it.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: nothing has such a name. [`AdminError::Forbidden`],
    /// [`AdminError::NoService`], [`AdminError::NoSubscription`]; [`AdminError::TooMany`]: too many passwords are looked at; storage failed, or a
    /// row is damaged.
    pub async fn authorize(
        &self,
        scope: AccessScope<'_>,
        credential: &Credential,
        permission: Permission,
        from: Option<IpAddr>,
    ) -> Result<Access, AdminError> {
        let scope = match scope {
            AccessScope::Service(name) => Scope::Service(ServiceName::parse(name)?),
            AccessScope::Subscription(name) => Scope::Subscription(parse_subscription(name)?.to_owned()),
            AccessScope::Instance => Scope::Instance,
        };
        let holder = match credential {
            Credential::Authkey(value) | Credential::Bearer(value) if !is_authkey(value) => {
                return Err(AdminError::Forbidden);
            }
            Credential::Authkey(value) => Holder::Authkey(value.clone()),
            Credential::Bearer(value) if is_token(value) => Holder::Either(value.clone()),
            Credential::Bearer(value) => Holder::Authkey(value.clone()),
            Credential::Basic { login, password } => self.known(&scope, login, password).await?,
            Credential::Known { account, epoch } => Holder::Account { number: *account, epoch: *epoch },
        };
        let answer = self
            .read(move |vault, tx| {
                let clock = vault.reading();
                let held = match holder.rights(vault, tx, &scope, permission, from, clock)? {
                    Ok(held) => held,
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
                let (by, permissions) = held;
                Ok(Answer::Allowed(Access { service, scope, by, permissions }, clock.now()))
            })
            .await?;
        self.admit(answer).await
    }

    /// What stands for whoever said this password, in calls that go on for longer: nobody looks at it twice.
    ///
    /// # Errors
    /// Those of [`Admin::authorize`].
    pub async fn settle(&self, access: &Access, credential: Credential) -> Result<Credential, AdminError> {
        match (access.by, credential) {
            (Actor::Account(account), Credential::Basic { .. }) => {
                let epoch = self.read(move |vault, tx| Ok(vault.account(tx, account)?.map(|account| account.epoch)));
                let epoch = epoch.await?.ok_or(AdminError::Forbidden)?;
                Ok(Credential::Known { account, epoch })
            }
            (_, credential) => Ok(credential),
        }
    }

    /// The account with this name and password, where the call wants to act.
    async fn known(&self, scope: &Scope, login: &str, password: &str) -> Result<Holder, AdminError> {
        let subscription = match scope {
            Scope::Service(name) => name.subscription(),
            Scope::Subscription(name) => name,
            // An account is one of a subscription.
            Scope::Instance => return Err(AdminError::Forbidden),
        };
        match self.who_is_with_password(subscription, login, password).await {
            Ok(who) => Ok(Holder::Account { number: who.account.number, epoch: who.account.epoch }),
            Err(SignInRefusal::Failed(error)) if error != AdminError::NoSubscription => Err(error),
            Err(_) => Err(AdminError::Forbidden),
        }
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
                self.note_end(end).await;
                Err(AdminError::Forbidden)
            }
        }
    }

    /// What was refused because its time is over must not be let in when the clock goes back, not even after a restart.
    /// It is refused whether or not that can be written.
    pub(super) async fn note_end(&self, end: UnixSeconds) {
        if self.vault.is_end_unmarked(end)
            && let Err(error) = self.record_time().await
        {
            tracing::warn!(%error, "the end of an authkey or session could not be recorded");
        }
    }
}

/// Whose call it is, before that is looked at.
enum Holder {
    Authkey(Zeroizing<String>),
    /// Whoever is signed in with this; else an authkey.
    Either(Zeroizing<String>),
    Account {
        number: u64,
        epoch: u32,
    },
}

impl Holder {
    /// Who it is and all that they may do there, if that includes `permission`.
    fn rights(
        &self,
        vault: &Vault,
        tx: &mut dyn Transaction,
        scope: &Scope,
        permission: Permission,
        from: Option<IpAddr>,
        clock: ClockReading,
    ) -> Result<Result<(Actor, Permissions), Refusal>, VaultError> {
        let held = match self {
            Self::Authkey(_) => None,
            Self::Either(value) => match Signed::with(vault, tx, value)? {
                Signed::In(found) => {
                    let permissions = found.1.permissions(&found.0);
                    Some((found.0, permissions))
                }
                Signed::Over(end) => return Ok(Err(Refusal::Expired(end))),
                Signed::Out => None,
            },
            Self::Account { number, epoch } => {
                let account = vault.account(tx, *number)?;
                let is_good = |it: &Account| it.epoch == *epoch && it.state == AccountState::Active;
                let Some(account) = account.filter(is_good) else { return Ok(Err(Refusal::Forbidden)) };
                let permissions = account.rights.permissions();
                Some((account, permissions))
            }
        };
        if let Some((account, permissions)) = held {
            let is_there = Scope::Subscription(account.subscription).covers(scope);
            let allowed = is_there && permissions.allows(permission);
            return Ok(if allowed {
                Ok((Actor::Account(account.number), permissions))
            } else {
                Err(Refusal::Forbidden)
            });
        }
        let key = match self {
            Self::Authkey(value) | Self::Either(value) => vault.authkey(tx, value)?,
            Self::Account { .. } => None,
        };
        let judged = judge(key, scope, permission, from, clock);
        Ok(judged.map(|key| (Actor::Authkey(key.number), key.rights.permissions)))
    }
}

/// Whether `value` has the form of what somebody is given for signing in: 160 bits in hexadecimal.
fn is_token(value: &str) -> bool {
    value.len() == 40 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What an authkey comes to.
pub(super) enum Answer {
    Allowed(Access, UnixSeconds),
    Refused(Refusal),
}

/// Why somebody is refused; callers are told no difference.
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

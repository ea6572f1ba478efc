//! Signing in, what somebody is signed in with, and signing out.
//!
//! A sign-in takes the same way whoever it is for: one look at the rows, one Argon2id, one transaction that writes. Who does
//! not get in is told one thing, whatever it was.

use zeroize::Zeroizing;

use super::{Actor, Admin, AdminError};
use crate::clock::UnixSeconds;
use crate::domain::account::{AccountState, FAILURES_MAX, Login, parse_identifier};
use crate::domain::name::parse_subscription;
use crate::domain::permission::Permissions;
use crate::password::{Password, PasswordHash};
use crate::storage::Transaction;
use crate::storage::rows::AccessRows;
use crate::vault::{
    About, Account, Application, Event, EventKind, Grant, NewSession, Session, TokenKind, Vault, VaultError,
};

/// What somebody signs in with.
pub struct SignIn {
    /// The name of the subscription.
    pub subscription: String,
    /// Name or e-mail address.
    pub login: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// What the device or app calls itself.
    pub identifier: String,
    /// The appsecret of the application, if it is for one.
    pub appsecret: Option<Zeroizing<String>>,
    /// The first second in which the session is no longer good.
    pub expires_at: Option<UnixSeconds>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// A session that was just made. Its token is shown now and never again.
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Its token.
    pub token: Zeroizing<String>,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInRefusal {
    /// Name, password or appsecret is wrong, or the account may not sign in: nobody is told which.
    #[error("name or password is wrong, or may not be used here")]
    Credentials,
    /// The token is not good, or not here.
    #[error("the token is not good here")]
    Token,
    /// Something else is wrong.
    #[error(transparent)]
    Failed(#[from] AdminError),
}

impl From<VaultError> for SignInRefusal {
    fn from(error: VaultError) -> Self {
        Self::Failed(error.into())
    }
}

/// Who calls, and what with.
#[derive(Debug)]
pub struct WhoIs {
    /// The account.
    pub account: Account,
    /// What it is signed in with; `None` for who said name and password with the call.
    pub with: Option<SignedInWith>,
}

/// What somebody is signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedInWith {
    /// A session.
    Session(Session),
    /// An access token of a grant.
    Grant(Grant),
}

impl SignedInWith {
    /// The number of the application that it is for.
    #[must_use]
    pub const fn application(&self) -> Option<u64> {
        match self {
            Self::Session(session) => session.application,
            Self::Grant(grant) => Some(grant.application),
        }
    }

    /// What it allows, of what its account may do.
    #[must_use]
    pub fn permissions(&self, account: &Account) -> Permissions {
        match self {
            Self::Session(_) => account.rights.permissions(),
            Self::Grant(grant) => grant.permissions(account),
        }
    }
}

/// The application that somebody signs in to, as they name it.
#[derive(Default)]
pub(super) struct Wanted {
    /// Its appsecret, if it is for one.
    pub(super) appsecret: Option<Zeroizing<String>>,
    /// What it calls itself, where that has to be said as well.
    pub(super) client: Option<[u8; 16]>,
}

/// What was found of who signs in, before the password is looked at.
struct Found {
    account: Option<u64>,
    hash: Option<PasswordHash>,
    application: Option<Application>,
}

impl Admin {
    /// Signs somebody in: makes a session in the place of the one of the same account, application and identifier.
    ///
    /// # Errors
    /// [`SignInRefusal::Credentials`]. [`AdminError::BadCall`]: the identifier cannot be, or the end is over.
    /// [`AdminError::NoSubscription`]. [`AdminError::TooMany`]: too many passwords are looked at.
    pub async fn sign_in(&self, call: SignIn) -> Result<SignedIn, SignInRefusal> {
        let SignIn { subscription, login, password, identifier, appsecret, expires_at } = call;
        parse_identifier(&identifier).map_err(AdminError::from)?;
        if expires_at.is_some_and(|end| self.vault.reading().has_reached(end)) {
            return Err(AdminError::BadCall("`expdate` is in the past".to_owned()).into());
        }
        let token = self.bearer();
        let kept = token.clone();
        let begin =
            move |vault: &Vault, tx: &mut dyn Transaction, account: &Account, application: Option<&Application>| {
                let new = NewSession { account, application, identifier: &identifier, expires_at };
                vault.begin_session(tx, &new, &kept, vault.reading())
            };
        let wanted = Wanted { appsecret, client: None };
        let session = self.with_password((subscription, login), &password, wanted, begin).await?;
        Ok(SignedIn { session, token })
    }

    /// Who has this name and this password.
    ///
    /// # Errors
    /// As [`Admin::sign_in`].
    pub async fn who_is_with_password(
        &self,
        subscription: &str,
        login: &str,
        password: &str,
    ) -> Result<WhoIs, SignInRefusal> {
        let whom = (subscription.to_owned(), login.to_owned());
        let number =
            self.with_password(whom, password, Wanted::default(), |_, _, account, _| Ok(account.number)).await?;
        Ok(WhoIs { account: self.account(subscription, number).await?, with: None })
    }

    /// Who is signed in with this token, in this subscription. Writes nothing but the time at which one was first found
    /// to have expired.
    ///
    /// # Errors
    /// [`SignInRefusal::Token`]; storage failed, or a row is damaged.
    pub async fn who_is(&self, subscription: &str, token: &str) -> Result<WhoIs, SignInRefusal> {
        let (subscription, token) = (subscription.to_owned(), Zeroizing::new(token.to_owned()));
        match self.read(move |vault, tx| Ok(Signed::with(vault, tx, &token)?.at(&subscription))).await? {
            Signed::In(found) => Ok(WhoIs { account: found.0, with: Some(found.1) }),
            Signed::Over(end) => {
                self.note_end(end).await;
                Err(SignInRefusal::Token)
            }
            Signed::Out => Err(SignInRefusal::Token),
        }
    }

    /// Ends the session with this token, or the grant that it is of.
    ///
    /// # Errors
    /// As [`Admin::who_is`].
    pub async fn sign_out(&self, subscription: &str, token: &str) -> Result<(), SignInRefusal> {
        let (subscription, token) = (subscription.to_owned(), Zeroizing::new(token.to_owned()));
        let ended = self.write(move |vault, tx| match Signed::with(vault, tx, &token)?.at(&subscription) {
            Signed::In(found) => end(vault, tx, &found.0, &found.1).map(|()| true),
            Signed::Over(_) => vault.mark_time(tx, vault.reading()).map(|()| false),
            Signed::Out => Ok(false),
        });
        if ended.await? { Ok(()) } else { Err(SignInRefusal::Token) }
    }

    /// Does `then` for who has this name and this password, in the transaction that says so.
    pub(super) async fn with_password<T: Send + 'static>(
        &self,
        (subscription, login): (String, String),
        password: &str,
        wanted: Wanted,
        then: impl FnOnce(&Vault, &mut dyn Transaction, &Account, Option<&Application>) -> Result<T, VaultError>
        + Send
        + 'static,
    ) -> Result<T, SignInRefusal> {
        parse_subscription(&subscription).map_err(|_| AdminError::NoSubscription)?;
        let passwords = self.passwords()?;
        let permit = passwords.admit().map_err(AdminError::from)?;
        // What nobody is called and nobody has is looked for all the same.
        let login = Login::parse(&login).ok();
        let password = Password::typed(password);
        let (place, wants_application) = (subscription.clone(), wanted.appsecret.is_some());
        let Found { account, hash, application } =
            self.read(move |vault, tx| find(vault, tx, &place, login.as_ref(), &wanted)).await?;
        let salt = hash.as_ref().map(|hash| hash.salt);
        let can_be = password.is_some();
        let password = password.unwrap_or_else(Password::nobodys);
        let is_right = passwords.is_of(permit, password, hash).await.map_err(AdminError::from)? && can_be;
        let done = self.write(move |vault, tx| {
            let clock = vault.reading();
            let account = account.map(|number| vault.account(tx, number)).transpose()?.flatten();
            let application = match &application {
                Some(found) => vault.application(tx, found.number)?.filter(|it| it.active),
                None => None,
            };
            if let Some(mut account) = account {
                // Somebody may have given it another password meanwhile.
                let is_right = is_right && account.password.as_ref().map(|hash| hash.salt) == salt;
                let is_let_in = account.state == AccountState::Active
                    && account.failures < FAILURES_MAX
                    && application.is_some() == wants_application;
                if is_right && is_let_in {
                    if account.failures > 0 {
                        account.failures = 0;
                        vault.put_account(tx, &mut account)?;
                    }
                    return then(vault, tx, &account, application.as_ref()).map(Some);
                }
                if !is_right {
                    account.failures = account.failures.saturating_add(1);
                    vault.put_account(tx, &mut account)?;
                }
                let is_last = !is_right && account.failures == FAILURES_MAX;
                let kind = if is_last { EventKind::AccountLocked } else { EventKind::SignInFailed };
                let about = About::Subscription(account.subscription.clone());
                let event = Event::new(kind, about, Actor::System, clock.now()).with("account", account.number);
                vault.record(tx, &event)?;
            } else {
                let about = About::Subscription(subscription);
                vault.record(tx, &Event::new(EventKind::SignInFailed, about, Actor::System, clock.now()))?;
            }
            vault.mark_time(tx, clock)?;
            Ok(None)
        });
        done.await?.ok_or(SignInRefusal::Credentials)
    }
}

fn find(
    vault: &Vault,
    tx: &mut dyn Transaction,
    subscription: &str,
    login: Option<&Login>,
    wanted: &Wanted,
) -> Result<Found, VaultError> {
    if !tx.has_subscription(subscription)? {
        return Err(VaultError::Unknown("subscription"));
    }
    let account = login.map(|login| vault.account_of(tx, subscription, login)).transpose()?.flatten();
    let application = wanted.appsecret.as_ref().map(|secret| vault.application_of(tx, subscription, secret));
    let is_named = |it: &Application| wanted.client.is_none_or(|client| it.client == client);
    let application = application.transpose()?.flatten().filter(is_named);
    let (account, hash) = account.map(|account| (account.number, account.password)).unzip();
    Ok(Found { account, hash: hash.flatten(), application })
}

/// Ends what somebody is signed in with.
pub(super) fn end(
    vault: &Vault,
    tx: &mut dyn Transaction,
    account: &Account,
    with: &SignedInWith,
) -> Result<(), VaultError> {
    match with {
        SignedInWith::Session(session) => vault.end_session(tx, session, account, vault.reading()),
        SignedInWith::Grant(grant) => vault.end_grant(tx, grant, account, EventKind::SignedOut, vault.reading()),
    }
}

/// The account of a grant, if the grant is good.
pub(super) fn good_grant(
    vault: &Vault,
    tx: &mut dyn Transaction,
    grant: &Grant,
) -> Result<Option<Account>, VaultError> {
    let (account, application) = (vault.account(tx, grant.account)?, vault.application(tx, grant.application)?);
    let (Some(account), Some(application)) = (account, application) else { return Ok(None) };
    Ok(grant.is_good(&account, &application).then_some(account))
}

/// What a token comes to.
pub(super) enum Signed {
    /// Somebody is signed in with it.
    In(Box<(Account, SignedInWith)>),
    /// Somebody was, until then.
    Over(UnixSeconds),
    /// Nobody is.
    Out,
}

impl Signed {
    /// What `token` comes to.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub(super) fn with(vault: &Vault, tx: &mut dyn Transaction, token: &str) -> Result<Self, VaultError> {
        let Some(session) = vault.session(tx, token)? else { return Self::granted(vault, tx, token) };
        let Some(account) = vault.account(tx, session.account)? else { return Ok(Self::Out) };
        let application = session.application.map(|number| vault.application(tx, number)).transpose()?.flatten();
        let clock = vault.reading();
        Ok(match session.expires_at.filter(|end| clock.has_reached(*end)) {
            Some(end) => Self::Over(end),
            None if session.is_good(&account, application.as_ref(), clock) => {
                Self::In(Box::new((account, SignedInWith::Session(session))))
            }
            None => Self::Out,
        })
    }

    fn granted(vault: &Vault, tx: &mut dyn Transaction, token: &str) -> Result<Self, VaultError> {
        let found = vault.granted(tx, token)?;
        let Some((grant, token)) = found.filter(|(_, token)| token.kind == TokenKind::Access) else {
            return Ok(Self::Out);
        };
        let Some(account) = good_grant(vault, tx, &grant)? else { return Ok(Self::Out) };
        if vault.reading().has_reached(token.expires_at) {
            return Ok(Self::Over(token.expires_at));
        }
        Ok(Self::In(Box::new((account, SignedInWith::Grant(grant)))))
    }

    /// The same, as far as it is about this subscription.
    fn at(self, subscription: &str) -> Self {
        match self {
            Self::In(found) if found.0.subscription != subscription => Self::Out,
            signed => signed,
        }
    }
}

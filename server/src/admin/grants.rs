//! Tokens that end: an access token for calls, and a refresh token that is good once, for others of both.
//!
//! A refresh token that is shown again was stolen, or its thief was faster: nobody can tell which, so all that came of it
//! ends, and whoever is right signs in again.

use zeroize::Zeroizing;

use super::sign_in::{Signed, Wanted, end, good_grant};
use super::{Admin, AdminError, SignInRefusal};
use crate::clock::UnixSeconds;
use crate::domain::account::{AccountKind, parse_device};
use crate::storage::Transaction;
use crate::vault::{
    Account, Application, EventKind, Grant, Issued, IssuedToken, NewGrant, TokenKind, Vault, VaultError,
};

/// Seconds for which an access token is good.
pub const ACCESS_SECONDS: u64 = 86_400;
/// Seconds for which a refresh token is good: 90 days.
pub const REFRESH_SECONDS: u64 = 7_776_000;

/// What tokens are asked for with.
pub struct TokenCall {
    /// The name of the subscription.
    pub subscription: String,
    /// Name or e-mail address.
    pub login: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// What the application calls itself.
    pub client: [u8; 16],
    /// Its appsecret.
    pub appsecret: Zeroizing<String>,
    /// What it calls the device: there is one grant for each.
    pub device: String,
}

impl std::fmt::Debug for TokenCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCall").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// Tokens that were just made. They are shown now and never again.
pub struct Tokens {
    /// What they are of.
    pub grant: Grant,
    /// What the application calls itself.
    pub client: [u8; 16],
    /// Who the account is for.
    pub kind: AccountKind,
    /// The name of the subscription.
    pub subscription: String,
    /// For calls, and the first second in which it is no longer good.
    pub access: (Zeroizing<String>, UnixSeconds),
    /// For others of both, likewise.
    pub refresh: (Zeroizing<String>, UnixSeconds),
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("grant", &self.grant).finish_non_exhaustive()
    }
}

/// Values of tokens, before they are good for anything.
struct Values {
    access: Zeroizing<String>,
    refresh: Zeroizing<String>,
}

impl Values {
    /// Both, good from now on.
    fn issued(&self, now: UnixSeconds) -> Issued<'_> {
        Issued {
            access: IssuedToken { value: &self.access, expires_at: now.plus(ACCESS_SECONDS) },
            refresh: Some(IssuedToken { value: &self.refresh, expires_at: now.plus(REFRESH_SECONDS) }),
        }
    }

    fn given(self, grant: Grant, account: &Account, client: [u8; 16], now: UnixSeconds) -> Tokens {
        Tokens {
            grant,
            client,
            kind: account.kind,
            subscription: account.subscription.clone(),
            access: (self.access, now.plus(ACCESS_SECONDS)),
            refresh: (self.refresh, now.plus(REFRESH_SECONDS)),
        }
    }
}

impl Admin {
    /// Signs somebody in to an application, with tokens that end, in the place of those of the same device.
    ///
    /// # Errors
    /// [`SignInRefusal::Credentials`]. [`AdminError::BadCall`]: no device can be called so.
    /// [`AdminError::NoSubscription`]. [`AdminError::TooMany`]: too many passwords are looked at.
    pub async fn grant_tokens(&self, call: TokenCall) -> Result<Tokens, SignInRefusal> {
        let TokenCall { subscription, login, password, client, appsecret, device } = call;
        parse_device(&device).map_err(AdminError::from)?;
        let values = self.token_values();
        let begin =
            move |vault: &Vault, tx: &mut dyn Transaction, account: &Account, application: Option<&Application>| {
                let application = application.ok_or(VaultError::Misuse("nobody is let in to no application"))?;
                let new = NewGrant { account, application, device: &device, scope: None };
                let clock = vault.reading();
                let grant = vault.begin_grant(tx, &new, &values.issued(clock.now()), clock)?;
                Ok(values.given(grant, account, client, clock.now()))
            };
        let wanted = Wanted { appsecret: Some(appsecret), client: Some(client) };
        self.with_password((subscription, login), &password, wanted, begin).await
    }

    /// Gives out other tokens for a refresh token. One that was used before ends all that came of it.
    ///
    /// # Errors
    /// [`SignInRefusal::Token`]; storage failed, or a row is damaged.
    pub async fn refresh_tokens(&self, token: Zeroizing<String>) -> Result<Tokens, SignInRefusal> {
        let values = self.token_values();
        let refreshed = self.write(move |vault, tx| {
            let clock = vault.reading();
            let found = vault.granted(tx, &token)?;
            let Some((grant, refresh)) = found.filter(|(_, token)| token.kind == TokenKind::Refresh) else {
                return Ok(None);
            };
            let Some(account) = good_grant(vault, tx, &grant)? else { return Ok(None) };
            if clock.has_reached(refresh.expires_at) {
                vault.mark_time(tx, clock)?;
                return Ok(None);
            }
            if refresh.is_used {
                vault.end_grant(tx, &grant, &account, EventKind::TokenReused, clock)?;
                return Ok(None);
            }
            let application = vault.application(tx, grant.application)?;
            let client = application.ok_or(VaultError::Misuse("a good grant is of an application"))?.client;
            vault.refresh_grant(tx, (&grant, refresh), &account, &values.issued(clock.now()), clock)?;
            Ok(Some(values.given(grant, &account, client, clock.now())))
        });
        refreshed.await?.ok_or(SignInRefusal::Token)
    }

    /// Ends what this token is of.
    ///
    /// # Errors
    /// [`SignInRefusal::Token`]; storage failed, or a row is damaged.
    pub async fn revoke_token(&self, token: Zeroizing<String>) -> Result<(), SignInRefusal> {
        let ended = self.write(move |vault, tx| {
            let Signed::In(found) = Signed::with(vault, tx, &token)? else { return Ok(false) };
            end(vault, tx, &found.0, &found.1).map(|()| true)
        });
        if ended.await? { Ok(()) } else { Err(SignInRefusal::Token) }
    }

    /// Ends all grants of whoever is signed in with this token.
    ///
    /// # Errors
    /// [`SignInRefusal::Token`]; storage failed, or a row is damaged.
    pub async fn revoke_tokens(&self, token: Zeroizing<String>) -> Result<(), SignInRefusal> {
        let ended = self.write(move |vault, tx| {
            let Signed::In(found) = Signed::with(vault, tx, &token)? else { return Ok(false) };
            vault.end_grants(tx, &found.0, vault.reading()).map(|()| true)
        });
        if ended.await? { Ok(()) } else { Err(SignInRefusal::Token) }
    }

    fn token_values(&self) -> Values {
        Values { access: self.bearer(), refresh: self.bearer() }
    }
}

//! Grants: what an account allowed an application until it ends. An access token is good for calls, a refresh token is good
//! once, for others of both.

use uuid::Builder;

use super::{Account, Application, HELD_MAX, HashOf, accounts};
use crate::clock::UnixSeconds;
use crate::domain::account::AccountState;
use crate::domain::actor::Actor;
use crate::domain::permission::Permissions;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{GrantRow, GrantRows, GrantTokenRow};
use crate::vault::seal::Table;
use crate::vault::{Decoder, Encoder, EventKind, Vault, VaultError, random_id};

/// A grant to be added.
#[derive(Debug)]
pub struct NewGrant<'a> {
    /// Whose it is.
    pub account: &'a Account,
    /// Whom it is for.
    pub application: &'a Application,
    /// What the application calls the device; there is one grant for each.
    pub device: &'a str,
    /// Words, with spaces between them, that it is limited to; `None`: everything that the account may do.
    pub scope: Option<&'a str>,
}

/// Tokens to be given out. They are not kept.
#[derive(Debug)]
pub struct Issued<'a> {
    /// For calls.
    pub access: IssuedToken<'a>,
    /// For others of both.
    pub refresh: Option<IssuedToken<'a>>,
}

/// A token to be given out.
pub struct IssuedToken<'a> {
    /// The token.
    pub value: &'a str,
    /// The first second in which it is no longer good.
    pub expires_at: UnixSeconds,
}

impl std::fmt::Debug for IssuedToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// 16 random bytes, written as a UUID.
    pub id: [u8; 16],
    /// The number of the account.
    pub account: u64,
    /// The number of the application.
    pub application: u64,
    /// What the application calls the device.
    pub device: String,
    /// Words, with spaces between them, that it is limited to.
    pub scope: Option<String>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// Of account and application when it was made.
    epochs: [u32; 2],
}

/// What a token of a grant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Calls.
    Access,
    /// Others of both, once.
    Refresh,
}

/// A token of a grant. Its value is stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantToken {
    /// What it is for.
    pub kind: TokenKind,
    /// The first second in which it is no longer good.
    pub expires_at: UnixSeconds,
    /// Whether what is good once was used.
    pub is_used: bool,
    hash: [u8; 32],
    grant: [u8; 16],
    ver: u64,
}

impl Grant {
    /// Whether it is good, for an account and an application that are what they are now.
    #[must_use]
    pub fn is_good(&self, account: &Account, application: &Application) -> bool {
        let of_application =
            application.number == self.application && application.active && application.epoch == self.epochs[1];
        let of_account = account.number == self.account
            && account.epoch == self.epochs[0]
            && account.state == AccountState::Active
            && account.subscription == application.subscription;
        of_application && of_account
    }

    /// What it allows, of what its account may do.
    #[must_use]
    pub fn permissions(&self, account: &Account) -> Permissions {
        let own = account.rights.permissions();
        let Some(scope) = &self.scope else { return own };
        let is_named = |name: &str| scope.split(' ').any(|word| word == name);
        own.iter().filter(|permission| is_named(permission.name())).collect()
    }
}

impl Vault {
    /// Makes a grant with its first tokens, in the place of the one of the same account, application and device.
    ///
    /// # Errors
    /// Storage failed.
    pub fn begin_grant(
        &self,
        tx: &mut dyn Transaction,
        new: &NewGrant<'_>,
        issued: &Issued<'_>,
        clock: ClockReading,
    ) -> Result<Grant, VaultError> {
        let grant = Grant {
            id: Builder::from_random_bytes(random_id(self.entropy())).into_uuid().into_bytes(),
            account: new.account.number,
            application: new.application.number,
            device: new.device.to_owned(),
            scope: new.scope.map(str::to_owned),
            created_at: clock.now(),
            epochs: [new.account.epoch, new.application.epoch],
        };
        tx.put_grant(&self.grant_row(&grant))?;
        tx.trim_grants(grant.account, HELD_MAX)?;
        self.issue(tx, &grant, issued)?;
        let event = accounts::about(EventKind::SignedIn, new.account, Actor::Account(grant.account), clock);
        self.record(tx, &event.with("application", grant.application).with("device", new.device))?;
        self.mark_time(tx, clock)?;
        Ok(grant)
    }

    /// The grant and the token with this value, good or not.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn granted(&self, tx: &mut dyn Transaction, token: &str) -> Result<Option<(Grant, GrantToken)>, VaultError> {
        // A keyed hash is looked up, so the comparison's timing says nothing about any token.
        let hash = self.found_by(HashOf::Grant, &[token.as_bytes()]);
        let Some(row) = tx.grant_token(&hash)? else { return Ok(None) };
        let token = self.open_grant_token(row)?;
        let grant = GrantRows::grant(tx, &token.grant)?.map(|row| self.open_grant(row)).transpose()?;
        Ok(grant.map(|grant| (grant, token)))
    }

    /// Gives out other tokens for a refresh token, which is used with that. The access tokens before them are over.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn refresh_grant(
        &self,
        tx: &mut dyn Transaction,
        (grant, mut refresh): (&Grant, GrantToken),
        account: &Account,
        issued: &Issued<'_>,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        for row in tx.grant_tokens(&grant.id)? {
            let hash = row.hash;
            if self.open_grant_token(row)?.kind == TokenKind::Access {
                tx.delete_grant_token(&hash)?;
            }
        }
        (refresh.is_used, refresh.ver) = (true, refresh.ver + 1);
        tx.update_grant_token(&self.grant_token_row(&refresh))?;
        self.issue(tx, grant, issued)?;
        let event = accounts::about(EventKind::TokensRefreshed, account, Actor::Account(account.number), clock);
        self.record(tx, &event.with("application", grant.application).with("device", grant.device.as_str()))?;
        self.mark_time(tx, clock)
    }

    /// Ends a grant with all its tokens. `kind` says why.
    ///
    /// # Errors
    /// Storage failed.
    pub fn end_grant(
        &self,
        tx: &mut dyn Transaction,
        grant: &Grant,
        account: &Account,
        kind: EventKind,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        tx.delete_grant(&grant.id)?;
        let event = accounts::about(kind, account, Actor::Account(account.number), clock);
        self.record(tx, &event.with("application", grant.application).with("device", grant.device.as_str()))?;
        self.mark_time(tx, clock)
    }

    /// Ends all grants of an account.
    ///
    /// # Errors
    /// Storage failed.
    pub fn end_grants(
        &self,
        tx: &mut dyn Transaction,
        account: &Account,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        let ended = tx.delete_grants_of(account.number)?;
        let event = accounts::about(EventKind::SignedOut, account, Actor::Account(account.number), clock);
        self.record(tx, &event.with("grants", u64::try_from(ended).unwrap_or(u64::MAX)))?;
        self.mark_time(tx, clock)
    }

    /// Removes what is over of all grants.
    ///
    /// # Errors
    /// Storage failed.
    pub fn sweep_grants(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<usize, VaultError> {
        Ok(tx.sweep_grants(clock.now())?)
    }

    fn issue(&self, tx: &mut dyn Transaction, grant: &Grant, issued: &Issued<'_>) -> Result<(), VaultError> {
        let access = Some((TokenKind::Access, &issued.access));
        let refresh = issued.refresh.as_ref().map(|token| (TokenKind::Refresh, token));
        for (kind, IssuedToken { value, expires_at }) in access.into_iter().chain(refresh) {
            let hash = self.found_by(HashOf::Grant, &[value.as_bytes()]);
            let token = GrantToken { kind, expires_at: *expires_at, is_used: false, hash, grant: grant.id, ver: 1 };
            tx.insert_grant_token(&self.grant_token_row(&token))?;
        }
        Ok(())
    }

    fn grant_row(&self, grant: &Grant) -> GrantRow {
        let Grant { id, account, application, device, scope, created_at, epochs } = grant;
        let numbers = [account.to_le_bytes(), application.to_le_bytes()];
        let slot = self.found_by(HashOf::Grant, &[&numbers[0], &numbers[1], device.as_bytes()]);
        let mut content = Encoder::new();
        content.u64(*application).text(device).flag(scope.is_some()).text(scope.as_deref().unwrap_or_default());
        content.u32(epochs[0]).u32(epochs[1]);
        let binding: [&[u8]; 4] = [id, &numbers[0], &slot, &created_at.get().to_le_bytes()];
        let sealed = self.seal(Table::Grant, &binding, 1, &content);
        GrantRow { id: *id, account: *account, slot, created_at: *created_at, sealed }
    }

    fn open_grant(&self, row: GrantRow) -> Result<Grant, VaultError> {
        let GrantRow { id, account, slot, created_at, sealed } = row;
        let binding: [&[u8]; 4] = [&id, &account.to_le_bytes(), &slot, &created_at.get().to_le_bytes()];
        let content = self.sealer.open(Table::Grant, &binding, &sealed)?;
        let mut decoder = Decoder::new(Table::Grant, &content);
        let (application, device) = (decoder.u64()?, decoder.text()?);
        let (has_scope, scope) = (decoder.flag()?, decoder.text()?);
        let epochs = [decoder.u32()?, decoder.u32()?];
        decoder.end()?;
        Ok(Grant { id, account, application, device, scope: has_scope.then_some(scope), created_at, epochs })
    }

    fn grant_token_row(&self, token: &GrantToken) -> GrantTokenRow {
        let GrantToken { kind, expires_at, is_used, hash, grant, ver } = token;
        let mut content = Encoder::new();
        content.u8(match kind {
            TokenKind::Access => 0,
            TokenKind::Refresh => 1,
        });
        content.flag(*is_used);
        let sealed = self.seal(Table::GrantToken, &[hash, grant, &expires_at.get().to_le_bytes()], *ver, &content);
        GrantTokenRow { hash: *hash, grant: *grant, expires_at: *expires_at, sealed }
    }

    fn open_grant_token(&self, row: GrantTokenRow) -> Result<GrantToken, VaultError> {
        let GrantTokenRow { hash, grant, expires_at, sealed } = row;
        let binding: [&[u8]; 3] = [&hash, &grant, &expires_at.get().to_le_bytes()];
        let content = self.sealer.open(Table::GrantToken, &binding, &sealed)?;
        let mut decoder = Decoder::new(Table::GrantToken, &content);
        let kind = match decoder.u8()? {
            0 => TokenKind::Access,
            1 => TokenKind::Refresh,
            _ => return Err(decoder.damaged()),
        };
        let is_used = decoder.flag()?;
        decoder.end()?;
        Ok(GrantToken { kind, expires_at, is_used, hash, grant, ver: sealed.ver })
    }
}

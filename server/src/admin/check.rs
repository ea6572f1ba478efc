//! A status check by a relying party: its authkey and its question together.
//!
//! Over a network to the database every exchange costs, so there both are one. Beside an embedded database they are
//! separate, as everywhere else.

use std::net::IpAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::authorize::{Answer, judge};
use super::{Access, AccessScope, Actor, Admin, AdminError};
use crate::domain::authkey::Scope;
use crate::domain::name::{ServiceName, UserId, is_authkey};
use crate::domain::permission::Permission;
use crate::domain::status::TokenStatus;
use crate::vault::{Peeked, VaultError};

/// A check that was let in. It says nothing yet: limits may refuse it first.
#[derive(Debug)]
pub struct Check {
    /// Who asks, and in which service.
    pub access: Access,
    found: Found,
}

/// What came along with the authkey.
#[derive(Debug)]
enum Found {
    /// Nothing: it is still to be asked.
    Later,
    NoToken,
    Token(Peeked),
}

impl Admin {
    /// Checks the authkey as [`Admin::authorize`] does, and looks at the user's token.
    ///
    /// # Errors
    /// Those of [`Admin::authorize`].
    pub async fn begin_check(
        &self,
        service: &str,
        authkey: &str,
        user: &UserId,
        from: Option<IpAddr>,
    ) -> Result<Check, AdminError> {
        if !self.is_shared() {
            let access = self.authorize(AccessScope::Service(service), authkey, Permission::Status, from).await?;
            return Ok(Check { access, found: Found::Later });
        }
        let name = ServiceName::parse(service)?;
        if !is_authkey(authkey) {
            return Err(AdminError::Forbidden);
        }
        let (value, user) = (Zeroizing::new(authkey.to_owned()), user.clone());
        let vault = Arc::clone(&self.vault);
        let question = self.store.ask(move |tx| {
            let mut question = vault.question(tx, &name, &value, &user)?;
            let (key, clock) = (question.authkey.take(), question.clock);
            let scope = Scope::Service(name);
            let key = match judge(key, &scope, Permission::Status, from, clock) {
                Ok(key) => key,
                Err(refusal) => return Ok((Answer::Refused(refusal), Found::Later)),
            };
            let service = Some(question.service.clone().ok_or(VaultError::Unknown("service"))?);
            let (by, permissions) = (Actor::Authkey(key.number), key.rights.permissions);
            let found = vault.peek_answer(question)?.map_or(Found::NoToken, Found::Token);
            Ok::<_, VaultError>((Answer::Allowed(Access { service, scope, by, permissions }, clock.now()), found))
        });
        let (answer, found) = question.await?;
        Ok(Check { access: self.admit(answer).await?, found })
    }

    /// The answer to a check, as [`Admin::status`] gives it: a single-use opening ends with the answer 1.
    ///
    /// # Errors
    /// Those of [`Admin::status`].
    pub async fn end_check(&self, check: Check, user: &UserId) -> Result<TokenStatus, AdminError> {
        let (service, by) = (check.access.service()?, check.access.by);
        match check.found {
            Found::Later => self.status(service, user, by).await,
            Found::NoToken => Err(AdminError::NoToken),
            Found::Token(peeked) => self.conclude(service, user, by, peeked).await,
        }
    }
}

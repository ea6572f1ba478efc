//! A status check by a relying party: its authkey and its question together.
//!
//! Over a network to the database every exchange costs, beside an embedded one every change of threads does. So both
//! are one question, whose answer also makes the copies from which the next call for the same status is answered.

use std::net::IpAddr;
use std::sync::Arc;

use cardea_protocol::token::TokenId;
use zeroize::Zeroizing;

use super::authorize::{Answer, judge};
use super::{Access, Actor, Admin, AdminError};
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
    /// `None`: the user has no token.
    found: Option<(TokenId, Peeked)>,
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
        let name = ServiceName::parse(service)?;
        if !is_authkey(authkey) {
            return Err(AdminError::Forbidden);
        }
        let (value, user) = (Zeroizing::new(authkey.to_owned()), user.clone());
        let (vault, copying) = (Arc::clone(&self.vault), self.copying());
        let question = self.store.ask(move |tx| {
            let mut question = vault.question(tx, &name, &value, &user)?;
            let (key, clock) = (question.authkey.take(), question.clock);
            let scope = Scope::Service(name);
            let key = match judge(key, &scope, Permission::Status, from, clock) {
                Ok(key) => key,
                Err(refusal) => return Ok((Answer::Refused(refusal), None)),
            };
            let service = question.service.take().ok_or(VaultError::Unknown("service"))?;
            let found = vault.facts_in(question)?;
            let (by, permissions) = (Actor::Authkey(key.number), key.rights.permissions);
            let peeked = found.as_ref().map(|(id, facts)| (*id, facts.peek(&service.rules, clock)));
            if let (Some(copying), Some((id, facts))) = (copying, found) {
                copying.keep(&value, key, &service, *id.bytes(), &user, facts);
            }
            let access = Access { service: Some(service), scope, by, permissions };
            Ok::<_, VaultError>((Answer::Allowed(access, clock.now()), peeked))
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
        let found = check.found.ok_or(AdminError::NoToken)?;
        self.conclude(service, user, by, found).await
    }
}

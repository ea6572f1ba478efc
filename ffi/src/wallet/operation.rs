//! What a wallet can be asked for: all of it in one table, as that of a token.

use std::sync::Arc;

use cardea_sdk::WalletError;

use super::{Closed, Enrollment, Parts};
use crate::call::{Answer, Work, under_way};
use crate::error::Failure;
use crate::{Cancel, Invitation, Policy, Token};

/// An operation with what it needs. Its answer is what the call of this name returns.
pub(super) enum Operation {
    Tokens,
    Token(String),
    Policy(Arc<Invitation>),
    Enroll(Arc<Invitation>, cardea_sdk::NewPins),
    CloseAll,
}

impl Operation {
    /// Whether it needs nothing but what the wallet holds. The host is not asked for anything then.
    const fn asks_nobody(&self) -> bool {
        matches!(self, Self::Tokens | Self::Token(_))
    }
}

/// Begins `operation`, after the host was asked for what it may need. One that is none ends before that.
#[inline(never)]
pub(super) fn begin(me: Arc<Parts>, cancel: Option<Arc<Cancel>>, operation: Result<Operation, Failure>) -> Work {
    let asked = me.shared.asked(&operation, Operation::asks_nobody);
    under_way(asked, cancel, Box::pin(perform(me, operation)))
}

async fn perform(me: Arc<Parts>, operation: Result<Operation, Failure>) -> Result<Answer, Failure> {
    let (wallet, shared) = (&me.wallet, &me.shared);
    Ok(match operation? {
        Operation::Tokens => {
            let tokens = wallet.tokens().await?.into_iter().map(|token| Token::new(token, shared));
            Box::new(tokens.collect::<Vec<_>>())
        }
        Operation::Token(id) => {
            let key = id.parse().map_err(WalletError::from)?;
            Box::new(Token::new(wallet.token(key).await?, shared))
        }
        Operation::Policy(invitation) => Box::new(Policy::from(&wallet.policy(invitation.inner()).await?)),
        Operation::Enroll(invitation, pins) => {
            let enrolled = wallet.enroll(invitation.inner(), async |_| Ok(pins)).await?;
            Box::new(Enrollment {
                token: Token::new(enrolled.token, shared),
                short_string: enrolled.short_string.map(|(digits, _)| digits),
                short_string_required: enrolled.short_string_required,
            })
        }
        Operation::CloseAll => {
            let closed = wallet.close_all().await?.into_iter().map(|(token, result)| {
                let token = token.to_string();
                match result {
                    Ok(status) => Closed { token, status: Some(shared.status(&status)), code: None, reason: None },
                    Err(error) => {
                        Closed { token, status: None, code: Some(error.code()), reason: Some(error.to_string()) }
                    }
                }
            });
            Box::new(closed.collect::<Vec<_>>())
        }
    })
}

//! Closing everything.

use std::future::poll_fn;
use std::task::Poll;

use super::Wallet;
use crate::error::WalletError;
use crate::operation::{Work, work};
use crate::status::Status;
use crate::store::TokenKey;
use crate::token::Token;

/// Tokens that are closed at one time.
const AT_ONCE: usize = 8;

/// A token that is to be closed.
enum Closing {
    Waits(Token),
    UnderWay(Work<'static, Status>),
    Done(Result<Status, WalletError>),
}

impl Wallet {
    /// Closes all tokens, several at a time, and tells of each what became of it, in the order of [`Wallet::tokens`]. One
    /// that fails keeps no other from being closed.
    ///
    /// Cancel safe, as closing one is: what was sent is found out by the next operation.
    ///
    /// # Errors
    /// [`WalletError::Store`]: which tokens there are could not be read, and none was closed.
    pub async fn close_all(&self) -> Result<Vec<(TokenKey, Result<Status, WalletError>)>, WalletError> {
        let mut all: Vec<(TokenKey, Closing)> =
            self.tokens().await?.into_iter().map(|token| (token.key(), Closing::Waits(token))).collect();
        poll_fn(|context| {
            let mut under_way = 0;
            for (_, closing) in &mut all {
                if under_way == AT_ONCE {
                    break;
                }
                if let Closing::Waits(token) = closing {
                    let token = token.clone();
                    *closing = Closing::UnderWay(work(async move { token.close().await }));
                }
                if let Closing::UnderWay(work) = closing {
                    match work.as_mut().poll(context) {
                        Poll::Ready(result) => *closing = Closing::Done(result),
                        Poll::Pending => under_way += 1,
                    }
                }
            }
            // Whatever still waits does so behind something that is under way.
            if under_way == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let done = all.into_iter().filter_map(|(key, closing)| match closing {
            Closing::Done(result) => Some((key, result)),
            Closing::Waits(_) | Closing::UnderWay(_) => None,
        });
        Ok(done.collect())
    }
}

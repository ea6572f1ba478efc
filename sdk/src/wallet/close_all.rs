//! Closing everything.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::Wallet;
use crate::error::WalletError;
use crate::status::Status;
use crate::store::TokenKey;

/// Tokens that are closed at one time.
const AT_ONCE: usize = 8;

impl Wallet {
    /// Closes all tokens, several at a time, and tells of each what became of it, in the order of [`Wallet::tokens`]. One
    /// that fails keeps no other from being closed.
    ///
    /// Cancel safe, as closing one is: what was sent is found out by the next operation.
    ///
    /// # Errors
    /// [`WalletError::Store`]: which tokens there are could not be read, and none was closed.
    pub async fn close_all(&self) -> Result<Vec<(TokenKey, Result<Status, WalletError>)>, WalletError> {
        let closing = self.tokens().await?.into_iter().map(|token| async move { (token.key(), token.close().await) });
        Ok(stream::iter(closing).buffered(AT_ONCE).collect().await)
    }
}

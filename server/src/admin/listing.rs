//! Tokens as administrators read them. Nothing here ends an opening or says 1 for one that a check would end.

use super::{Admin, AdminError, Service};
use crate::domain::name::UserId;
use crate::vault::{Detail, Progress, TokenEntry};

/// Most tokens that one call reads.
pub const TOKENS_MAX: u32 = 1_000;

impl Admin {
    /// At most `limit` tokens (and at most [`TOKENS_MAX`]) of a service whose user ids follow `after`, in the order of the
    /// bytes of their user ids. Fewer means that there are no more.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn tokens(&self, service: &Service, after: &[u8], limit: u32) -> Result<Vec<TokenEntry>, AdminError> {
        let (service, after, limit) = (service.clone(), after.to_owned(), limit.min(TOKENS_MAX));
        self.read(move |vault, tx| vault.tokens(tx, &service, &after, limit, vault.reading())).await
    }

    /// All there is to know of a user's token.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn detail(&self, service: &Service, user: &UserId) -> Result<Detail, AdminError> {
        let (service, user) = (service.clone(), user.clone());
        self.read(move |vault, tx| vault.detail(tx, &service, &user, vault.reading())).await
    }

    /// How far the enrollment of the user's next device is.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn enrollment_progress(&self, service: &Service, user: &UserId) -> Result<Progress, AdminError> {
        let (service, user) = (service.clone(), user.clone());
        self.read(move |vault, tx| vault.progress(tx, &service, &user, vault.reading())).await
    }

    /// Seals where a page of `list` ended, for the caller to bring back. Every node can open it.
    #[must_use]
    pub fn seal_cursor(&self, list: &str, place: &[u8]) -> String {
        self.vault.seal_cursor(list, place)
    }

    /// The place that [`Admin::seal_cursor`] sealed for the same list.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it is something else.
    pub fn open_cursor(&self, list: &str, cursor: &str) -> Result<Vec<u8>, AdminError> {
        Ok(self.vault.open_cursor(list, cursor)?)
    }
}

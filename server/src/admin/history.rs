//! What has happened to a token.

use serde_json::Value;

use super::{Admin, AdminError, Service};
use crate::domain::name::UserId;
use crate::storage::rows::JournalFilter;
use crate::vault::Reader;

/// Something that has happened to a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// The number of its row in the audit log.
    pub seq: u64,
    /// The event's body, with the receipt if a device has signed. `None` once retention has erased it.
    pub body: Option<Value>,
}

impl Admin {
    /// At most `limit` things that have happened to the user's token, before row `before` if that is given, the newest
    /// first. They say everything, duress included: for who may know.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn history(
        &self,
        service: &Service,
        user: &UserId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<HistoryItem>, AdminError> {
        let (service, user) = (service.clone(), user.clone());
        self.read(move |vault, tx| {
            let token = vault.existing_token(tx, &service, &user)?;
            let filter = JournalFilter::Token(*token.id.bytes());
            // The largest number that a database takes; no row has it.
            let before = before.unwrap_or(i64::MAX as u64);
            let entries = vault.journal_back(tx, &filter, before, limit)?;
            let body = |seq: u64, event: &crate::vault::Event| event.body(seq, Reader::Everything);
            let item = |entry: &crate::vault::Entry| {
                let seq = entry.seq();
                HistoryItem { seq, body: entry.event().map(|event| body(seq, event)) }
            };
            Ok(entries.iter().map(item).collect())
        })
        .await
    }
}

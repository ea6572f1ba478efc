//! Creating things once, however often the caller asks.

use super::{Admin, AdminError};
use crate::storage::Transaction;
use crate::vault::{Repeatable, Vault, VaultError};

impl Admin {
    /// Runs `job`, which answers with a text, unless the same was asked before: then that answer is returned and nothing
    /// happens. Returns whether it was the job that answered.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: something else was asked under the same key. What `job` fails with is not kept.
    pub(super) async fn write_once(
        &self,
        once: Option<Repeatable>,
        job: impl FnOnce(&Vault, &mut dyn Transaction) -> Result<String, VaultError> + Send + 'static,
    ) -> Result<String, AdminError> {
        self.write(move |vault, tx| {
            let Some(once) = once else { return job(vault, tx) };
            if let Some(answer) = vault.recall(tx, &once, vault.reading())? {
                return Ok(answer);
            }
            let answer = job(vault, tx)?;
            vault.remember(tx, &once, &answer, vault.reading())?;
            Ok(answer)
        })
        .await
    }
}

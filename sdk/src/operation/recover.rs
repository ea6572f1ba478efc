//! Finding out what became of a request when nobody asks: as careful as any operation, and it gives way to the holder.

use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::device::Intent;
use tokio::time::sleep;

use super::{Held, Operation, Progress, Work, limited, work};
use crate::error::WalletError;
use crate::store::TokenKey;
use crate::wallet::Inner;

/// How long an operation of this wallet may have to wait: a server may be waiting for it meanwhile. What is cut off here
/// is asked again.
const GRACE: Duration = Duration::from_millis(250);

/// Settles what is pending or unconfirmed, if anything is. [`WalletError::Busy`]: somebody else uses the token, and finds
/// it out himself.
///
/// Cancel safe, as every operation.
pub(crate) fn recover(inner: &Arc<Inner>, key: TokenKey) -> Work<'_, ()> {
    work(async move {
        let progress = Arc::new(Progress::begin(&inner.env));
        let settled = work(async {
            let held = Held::take_behind(inner, key).await?;
            let mut operation = Operation::with(inner, held, Arc::clone(&progress))?;
            let reply = if let Some(settled) = operation.settle().await? {
                settled.reply
            } else if operation.held.record().is_provisional() {
                operation.perform(&Intent::Ping).await?.reply
            } else {
                return Ok(());
            };
            operation.told(reply);
            Ok(())
        });
        tokio::select! {
            biased;
            settled = limited(&progress, settled) => settled,
            () = async { inner.turns.wanted(key).await; sleep(GRACE).await } => Err(WalletError::Busy),
        }
    })
}

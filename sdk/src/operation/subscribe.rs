//! The one exchange that a live session begins with.
//!
//! It is as careful with the token as any operation (lease, store before send, recover what is pending), and shorter: it
//! has a connection before it takes the lease, ends after a few seconds whatever happens, and gives way to the holder.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardea_protocol::device::Intent;
use cardea_protocol::wire::Reply;
use tokio::time::{sleep, timeout};

use super::{Held, Operation, Progress, REPLY_LIMIT, Warm};
use crate::error::WalletError;
use crate::store::TokenKey;
use crate::transport::{Connection, TransportError};
use crate::wallet::Inner;

/// How long the lease may be somebody else's. Servers wait five seconds for the first frame of a connection.
const LEASE_LIMIT: Duration = Duration::from_secs(2);
/// How long an operation of this wallet may have to wait for an exchange that has begun. One round trip is quicker than
/// finding out what became of a request whose answer nobody waited for.
const GRACE: Duration = Duration::from_secs(1);

/// An answered SUBSCRIBE.
pub(crate) struct Subscribed {
    pub(crate) reply: Reply,
    /// The session, if one goes on.
    pub(crate) warm: Option<Warm>,
    /// Of the record after it.
    pub(crate) generation: u64,
}

/// Asks on `connection` for the pushes of `mask`. [`WalletError::Busy`]: somebody else uses the token.
///
/// Cancel safe, as every operation.
pub(crate) async fn subscribe(
    inner: &Arc<Inner>,
    key: TokenKey,
    connection: Box<dyn Connection>,
    mask: u8,
) -> Result<Subscribed, WalletError> {
    let taken = timeout(LEASE_LIMIT, Held::take_behind(inner, key)).await;
    let held = taken.unwrap_or(Err(WalletError::Busy))?;
    let mut operation = Operation::with(inner, held, Arc::new(Progress::begin(&inner.env)))?;
    operation.ready = Mutex::new(Some(connection));
    let intent = Intent::Subscribe { mask };
    let done = tokio::select! {
        biased;
        done = timeout(REPLY_LIMIT, operation.in_session().perform(&intent)) => done,
        () = async { inner.turns.wanted(key).await; sleep(GRACE).await } => return Err(WalletError::Busy),
    };
    let done = done.unwrap_or(Err(TransportError::TimedOut.into()))?;
    Ok(Subscribed { reply: done.reply, warm: done.warm, generation: operation.held.record().generation() })
}

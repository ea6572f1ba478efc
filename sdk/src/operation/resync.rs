//! What to do when a server does not know the hint, as two plain answers on two connections said.

use cardea_protocol::Code;
use cardea_protocol::device::{Confirmed, ResyncAnswer};
use cardea_protocol::wire::Reply;

use super::exchange::ask;
use super::{Operation, Work, work};
use crate::Crypto;

/// What became of a resync.
pub(super) enum Resynced {
    /// The device goes on with a new ratchet key, which is stored.
    Done,
    /// The server knows the hint after all: somebody forged the plain answers.
    Known,
    /// Not allowed: suspended until an administrator looks at it, or not enrolled any more.
    Suspended(Reply),
    /// No authentic answer. Nothing changed.
    Unanswered,
}

impl Operation<'_> {
    pub(super) fn resync(&mut self) -> Work<'_, Resynced> {
        work(async move {
            let time = self.inner.env.wire_time();
            let Ok(mut connection) = self.connect().await else { return Ok(Resynced::Unanswered) };
            let mut resync = self.held.record().resync::<Crypto>(time, &mut self.inner.env.random())?;
            let Ok(bytes) = ask(&mut *connection, resync.frame().bytes()).await else {
                return Ok(Resynced::Unanswered);
            };
            let mut confirm = match resync.receive(self.held.record(), &bytes) {
                ResyncAnswer::Confirm(confirm) => confirm,
                ResyncAnswer::Known => return Ok(Resynced::Known),
                ResyncAnswer::Plain(_) | ResyncAnswer::NotAuthentic => return Ok(Resynced::Unanswered),
            };
            // The old key stays until the live proof is answered: then and only then the new one is stored.
            let frame = confirm.frame().clone();
            let Ok(bytes) = ask(&mut *connection, frame.bytes()).await else { return Ok(Resynced::Unanswered) };
            match confirm.receive(self.held.record(), &bytes) {
                Confirmed::Resynced(step) => {
                    self.held.keep(step).await?;
                    Ok(Resynced::Done)
                }
                Confirmed::Suspended(reply) => {
                    let code = if reply.code == Code::NotEnrolled { reply.code } else { Code::Blocked };
                    Ok(Resynced::Suspended(Reply { code, ..reply }))
                }
                Confirmed::NotAuthentic => Ok(Resynced::Unanswered),
            }
        })
    }
}

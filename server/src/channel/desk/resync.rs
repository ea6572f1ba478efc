//! Resync: R1 only reads; only a live confirm writes.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::{AwaitConfirm, open_resync};
use cardea_protocol::wire::{Op, ResyncRequest};

use super::{Answer, Desk, DeskError, WarmAnswer, is_conflict};
use crate::channel::counts::{Kind, Outcome};
use crate::storage::rows::DeviceKey;

/// A resync whose confirm is awaited.
#[derive(Debug)]
pub(in crate::channel) struct PendingConfirm {
    key: DeviceKey,
    waiting: AwaitConfirm<Dalek>,
}

impl Desk {
    /// Answers R1: the reply and what waits for the confirm, or what to do instead.
    ///
    /// # Errors
    /// Storage or the vault failed.
    pub(in crate::channel) async fn resync(
        &self,
        request: &ResyncRequest<'_>,
    ) -> Result<Result<(Vec<u8>, PendingConfirm), Answer>, DeskError> {
        let answer = match self.respond_resync(request).await {
            // It is counted when it has come to its end.
            Ok(Ok(begun)) => return Ok(Ok(begun)),
            Ok(Err(answer)) => Ok(answer),
            Err(error) => Err(error),
        };
        self.counts.handshake(Kind::Resync, Outcome::of(&answer));
        answer.map(Err)
    }

    async fn respond_resync(
        &self,
        request: &ResyncRequest<'_>,
    ) -> Result<Result<(Vec<u8>, PendingConfirm), Answer>, DeskError> {
        if !self.may_resync() {
            return Ok(Err(self.plain(Code::Overloaded)));
        }
        let keys = self.keys_for(request.epoch()).await?;
        let Some(statics) = keys.by_epoch(request.epoch()).map(|key| &key.pair) else {
            return Ok(Err(self.stale_key(&keys)));
        };
        let Ok(opened) = open_resync::<Dalek>(request, statics) else {
            return Ok(Err(Answer::Drop { failed: true }));
        };
        let (vault, clock, device_static) = (self.vault.clone(), self.vault.reading(), *opened.device_static());
        let views = self.store.read(move |tx| vault.view_by_static(tx, &device_static, clock)).await?;
        // A static key belongs to one device; were there two, neither could be told from the other.
        let [view] = views.as_slice() else { return Ok(Err(Answer::Drop { failed: true })) };
        let reply = view.reply(Op::Resync, Code::Ok);
        let Ok((frame, waiting)) = opened.answer(&view.device.row, &reply, &mut self.vault.random()) else {
            return Ok(Err(Answer::Drop { failed: true }));
        };
        Ok(Ok((frame.bytes().to_vec(), PendingConfirm { key: view.device.key, waiting })))
    }

    /// Answers the confirm after its effect is committed.
    ///
    /// # Errors
    /// Storage or the vault failed.
    pub(in crate::channel) async fn confirm(
        &self,
        pending: &mut PendingConfirm,
        frame: &[u8],
    ) -> Result<WarmAnswer, DeskError> {
        let answer = self.respond_confirm(pending, frame).await;
        self.counts.handshake(Kind::Resync, Outcome::of_confirm(&answer));
        answer
    }

    async fn respond_confirm(&self, pending: &mut PendingConfirm, frame: &[u8]) -> Result<WarmAnswer, DeskError> {
        let key = pending.key;
        let (vault, clock) = (self.vault.clone(), self.vault.reading());
        let view = self.store.read(move |tx| vault.view_by_key(tx, &key, clock)).await?;
        let row = &view.device.row;
        let Ok(next) = pending.waiting.confirm(row, frame) else { return Ok(WarmAnswer::Broken) };
        let (vault, version) = (self.vault.clone(), view.device.version());
        let suspends = next.suspended && !row.suspended;
        // Who is gone or blocked for good changes nothing by knocking.
        if !row.revoked && !row.clone_blocked {
            match self.store.write(move |tx| vault.commit_resync(tx, &key, version, next, vault.reading())).await {
                Ok(_) => {}
                // The device begins its resync anew.
                Err(error) if is_conflict(&error) => return Ok(WarmAnswer::Fenced),
                Err(error) => return Err(error.into()),
            }
        }
        if suspends {
            tracing::warn!("a live device has a foreign key (clone, rollback or lost data): suspended");
        }
        let vault = self.vault.clone();
        let view = self.store.read(move |tx| vault.view_by_key(tx, &key, clock)).await?;
        let reply = pending.waiting.reply(&view.reply(Op::Ping, Code::Ok))?;
        Ok(WarmAnswer::Last(reply.bytes().to_vec()))
    }
}

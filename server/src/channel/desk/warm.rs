//! Warm operations. The ratchet stands still; what fences them is that the row must still stand where this session
//! left it.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::{Opened, Session, WarmOperation};
use cardea_protocol::statement::Extension;
use cardea_protocol::wire::{KeyRecords, LargeReply, LargeRequest, Op, Reply, Signer};

use super::{Decision, Desk, DeskError, RETRIES, WarmAnswer, is_conflict};
use crate::storage::rows::DeviceKey;
use crate::vault::{Action, DeviceView, Operation, PinAction, VaultError};

impl Desk {
    /// Answers a frame of a session. What it changed is committed before this returns.
    ///
    /// # Errors
    /// Storage or the vault failed: nothing was changed, and the connection is to be closed.
    pub(in crate::channel) async fn warm(
        &self,
        session: &mut Session<Dalek>,
        frame: &[u8],
    ) -> Result<WarmAnswer, DeskError> {
        let Ok(operation) = session.open(frame) else { return Ok(WarmAnswer::Broken) };
        let op = operation.request.op();
        let key = DeviceKey { token: *session.token().bytes(), number: *session.device().bytes() };
        for _ in 0..RETRIES {
            let clock = self.vault.reading();
            let vault = self.vault.clone();
            let view = match self.store.read(move |tx| vault.view_by_key(tx, &key, clock)).await {
                Ok(view) => view,
                Err(VaultError::Unknown(_)) => return Ok(WarmAnswer::Fenced),
                Err(error) => return Err(error.into()),
            };
            let row = &view.device.row;
            if !session.owns(row) {
                return Ok(WarmAnswer::Fenced);
            }
            if row.revoked {
                let reply = self.seal(session, op, view.reply(op, Code::NotEnrolled)).await?;
                return Ok(WarmAnswer::Last(reply));
            }
            let statement = operation.statement::<Dalek>(Extension::None);
            let signature = operation.request.signature();
            let attempt = (op.signer() == Signer::Pin).then(|| statement.attempt_key::<Dalek>(signature));
            let refused = row.suspended || row.clone_blocked || view.is_refused(attempt.as_ref());
            if refused {
                let reply = self.seal(session, op, view.reply(op, Code::Blocked)).await?;
                return Ok(WarmAnswer::Last(reply));
            }
            let Decision::Act(action) = self.warm_action(&view, &operation).await? else { continue };
            // What only reads and is never asked after needs no transaction.
            if matches!(action, Action::Observe) {
                return Ok(WarmAnswer::Reply(self.seal(session, op, view.reply(op, Code::Ok)).await?));
            }
            match self.execute(session, &view, operation, action).await {
                Ok(reply) => {
                    let gone = op == Op::Unenroll && reply.code == Code::Ok;
                    let frame = self.seal(session, op, reply).await?;
                    return Ok(if gone { WarmAnswer::Last(frame) } else { WarmAnswer::Reply(frame) });
                }
                Err(DeskError::Vault(error)) if is_conflict(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(WarmAnswer::Fenced)
    }

    async fn warm_action(&self, view: &DeviceView, operation: &WarmOperation) -> Result<Decision, DeskError> {
        let statement = operation.statement::<Dalek>(Extension::None);
        let signature = operation.request.signature();
        let pin = match &operation.request {
            Opened::Small(request) => match request.op {
                Op::Ping | Op::Status | Op::KeyRecords => return Ok(Decision::Act(Action::Observe)),
                Op::Close => {
                    let signed = view.device.verify(&statement, signature);
                    let close = |signed| Decision::Act(Action::Close(signed));
                    return Ok(signed.map_or(Decision::skip(Code::Policy), close));
                }
                Op::Open => PinAction::Open { win: request.win },
                Op::Unenroll => PinAction::Unenroll,
                _ => return Ok(Decision::skip(Code::Policy)),
            },
            Opened::Large(LargeRequest::SetPins(request)) => PinAction::SetPins(request.entries),
            Opened::Large(LargeRequest::Rotate(_)) => PinAction::Rotate,
            Opened::Large(_) => return Ok(Decision::skip(Code::Policy)),
        };
        self.judge(view, pin, operation.request.time(), &statement, signature).await
    }

    async fn execute(
        &self,
        session: &Session<Dalek>,
        view: &DeviceView,
        operation: WarmOperation,
        action: Action,
    ) -> Result<Reply, DeskError> {
        let (vault, fence) = (self.vault.clone(), session.fence());
        let op = operation.request.op();
        let (key, version) = (view.device.key, view.device.version());
        let device = Operation { device: key, version, action };
        let lost = device.lost();
        let applied = self
            .store
            .write(move |tx| {
                vault.apply(tx, device, vault.reading(), |row, answer| {
                    let next = operation.commit(row, &fence, answer.code)?;
                    Some((next, answer.reply(op)))
                })
            })
            .await;
        match applied {
            Ok(applied) => Ok(applied.output),
            Err(error) => {
                if is_conflict(&error) {
                    self.settle(key, lost).await?;
                }
                Err(error.into())
            }
        }
    }

    /// The reply as a frame of the size that its operation has.
    async fn seal(&self, session: &mut Session<Dalek>, op: Op, reply: Reply) -> Result<Vec<u8>, DeskError> {
        if !op.has_large_reply() {
            return Ok(session.reply(&reply)?.bytes().to_vec());
        }
        let large = match op {
            Op::KeyRecords if reply.code == Code::Ok => {
                let (keys, now) = (self.fresh_keys().await?, self.clock.now());
                match keys.current(now) {
                    Some(current) => {
                        let next = keys.next(now).map(|key| key.record);
                        LargeReply::KeyRecords(reply, KeyRecords { current: current.record, next })
                    }
                    None => LargeReply::Plain(Reply { code: Code::Internal, ..reply }),
                }
            }
            _ => LargeReply::Plain(reply),
        };
        Ok(session.reply_large(&large)?.bytes().to_vec())
    }
}

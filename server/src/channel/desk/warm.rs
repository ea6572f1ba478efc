//! Warm operations. The ratchet stands still; what fences them is that the row must still stand where this session
//! left it.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::{Opened, Session, WarmOperation};
use cardea_protocol::statement::Statement;
use cardea_protocol::wire::{LargeRequest, Op, Reply, Signer};

use super::push::granted;
use super::{Decision, Desk, DeskError, RETRIES, WarmAnswer, extension, is_conflict, plain_action, reply_of};
use crate::storage::rows::DeviceKey;
use crate::vault::{Action, DeviceView, Named, Operation, PinAction, VaultError};

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
                self.counts.operation(Some(op), Code::NotEnrolled);
                let reply = self.seal(session, (op, 0), view.reply(op, Code::NotEnrolled)).await?;
                return Ok(WarmAnswer::Last(reply));
            }
            let named = self.named(key, op, operation.request.win()).await?;
            let statement = operation.statement::<Dalek>(extension(named.as_ref()));
            let signature = operation.request.signature();
            let attempt = (op.signer() == Signer::Pin).then(|| statement.attempt_key::<Dalek>(signature));
            let refused = row.suspended || row.clone_blocked || view.is_refused(attempt.as_ref());
            if refused {
                self.counts.operation(Some(op), Code::Blocked);
                let reply = self.seal(session, (op, 0), view.reply(op, Code::Blocked)).await?;
                return Ok(WarmAnswer::Last(reply));
            }
            let Decision::Act(action) = self.warm_action(&view, &operation, named, &statement).await? else { continue };
            // What only reads and is never asked after needs no transaction.
            if matches!(action, Action::Observe) {
                let win = operation.request.win();
                let reply = view.reply(op, Code::Ok);
                self.counts.operation(Some(op), reply.code);
                if op == Op::Subscribe {
                    let granted = granted(win, view.tells_checks());
                    let reply = Reply { aux: Reply::with_waiting(granted.into(), reply.waiting()), ..reply };
                    return Ok(WarmAnswer::Subscribed(session.reply(&reply)?.bytes().to_vec(), granted));
                }
                return Ok(WarmAnswer::Reply(self.seal(session, (op, win), reply).await?));
            }
            match self.execute(session, &view, operation, action).await {
                Ok(reply) => {
                    self.counts.operation(Some(op), reply.code);
                    if let (Opened::Large(LargeRequest::RevokeDevice(request)), Code::Ok) =
                        (&operation.request, reply.code)
                    {
                        self.live.end_device(&DeviceKey { number: *request.device.bytes(), ..key }, u64::MAX);
                    }
                    let gone = op == Op::Unenroll && reply.code == Code::Ok;
                    let frame = self.seal(session, (op, 0), reply).await?;
                    return Ok(if gone { WarmAnswer::Last(frame) } else { WarmAnswer::Reply(frame) });
                }
                Err(DeskError::Vault(error)) if is_conflict(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(WarmAnswer::Fenced)
    }

    async fn warm_action(
        &self,
        view: &DeviceView,
        operation: &WarmOperation,
        named: Option<Named>,
        statement: &Statement,
    ) -> Result<Decision, DeskError> {
        let signature = operation.request.signature();
        let pin = match (&operation.request, &named) {
            (Opened::Small(request), _) if request.op == Op::Open => PinAction::Open { win: request.win },
            (Opened::Small(_), Some(Named::Waiting(id, _))) => PinAction::Confirm { id: *id },
            (Opened::Small(_), _) => PinAction::Unenroll,
            (Opened::Large(LargeRequest::SetPins(request)), _) => PinAction::SetPins(request.entries),
            (Opened::Large(LargeRequest::Rotate(_)), _) => PinAction::Rotate,
            (Opened::Large(LargeRequest::RevokeDevice(request)), _) => PinAction::RevokeDevice(request.device),
            (Opened::Large(LargeRequest::Eval(_)), _) => return Ok(Decision::skip(Code::Policy)),
        };
        let plain = match &operation.request {
            Opened::Small(request) => plain_action(view, (request.op, request.win), named, statement, signature),
            Opened::Large(_) => None,
        };
        match plain {
            Some(action) => Ok(Decision::Act(action)),
            None => self.judge(view, pin, operation.request.time(), statement, signature).await,
        }
    }

    async fn execute(
        &self,
        session: &Session<Dalek>,
        view: &DeviceView,
        operation: WarmOperation,
        action: Action,
    ) -> Result<Reply, DeskError> {
        let (vault, fence) = (self.vault.clone(), session.fence());
        let (op, win) = (operation.request.op(), operation.request.win());
        let (key, version) = (view.device.key, view.device.version());
        let device = Operation { device: key, version, action };
        let lost = device.lost();
        let applied = self
            .store
            .write(move |tx| {
                vault.apply(tx, device, vault.reading(), |row, answer| {
                    let next = operation.commit(row, &fence, answer.code)?;
                    Some((next, reply_of(answer, op, win)))
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
}

//! Cold requests: the server's table of the ratchet, line by line, over real storage.

use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::noise::KeyPair;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, Committed, Dropped, Refusal, Verdict};
use cardea_protocol::statement::Statement;
use cardea_protocol::wire::{ColdRequest, Op, Reply, Request, Signer};

use super::push::granted;
use super::{Answer, Decision, Desk, DeskError, RETRIES, Started, extension, is_conflict, plain_action, reply_of};
use crate::channel::counts::{Kind, Outcome};
use crate::domain::throttle::Gate;
use crate::domain::world::ClockReading;
use crate::storage::{StorageError, Transaction};
use crate::vault::{Action, DeviceView, Named, Operation, PinAction, VaultError, VaultRandom};

/// What came of looking at a request once.
enum Looked {
    Done(Answer),
    /// Somebody else changed the row first: line 1 again.
    Again,
    /// Does not authenticate against this row; there may be another one with the same hint.
    NotThis,
}

impl Desk {
    /// Answers a cold request. What it changed is committed before this returns.
    ///
    /// # Errors
    /// Storage or the vault failed: nothing was changed, and the connection is to be closed.
    pub(in crate::channel) async fn cold(&self, request: &ColdRequest<'_>) -> Result<Answer, DeskError> {
        let answer = self.respond_cold(request).await;
        self.counts.handshake(Kind::Operation, Outcome::of(&answer));
        answer
    }

    async fn respond_cold(&self, request: &ColdRequest<'_>) -> Result<Answer, DeskError> {
        let mut counted = false;
        for _ in 0..RETRIES {
            let clock = self.vault.reading();
            // Line 1.
            let keys = self.keys_for(request.epoch()).await?;
            let Some(statics) = keys.by_epoch(request.epoch()).map(|key| &key.pair) else {
                return Ok(self.stale_key(&keys));
            };
            // Line 2.
            let (vault, hint) = (self.vault.clone(), request.hint());
            let views = self.store.read(move |tx| vault.view_by_hint(tx, hint, clock)).await?;
            if views.is_empty() {
                return Ok(self.plain_failed(Code::UnknownHint));
            }
            let mut looked = Looked::NotThis;
            for view in views {
                looked = self.look(view, request, statics, clock, &mut counted).await?;
                if !matches!(looked, Looked::NotThis) {
                    break;
                }
            }
            match looked {
                Looked::Done(answer) => return Ok(answer),
                Looked::NotThis => return Ok(Answer::Drop { failed: true }),
                Looked::Again => {}
            }
        }
        Ok(self.plain(Code::Overloaded))
    }

    async fn look(
        &self,
        view: DeviceView,
        request: &ColdRequest<'_>,
        statics: &KeyPair,
        clock: ClockReading,
        counted: &mut bool,
    ) -> Result<Looked, DeskError> {
        // What follows is long for a scheduler: whoever waits for this core comes first.
        std::thread::yield_now();
        // Lines 3 to 13 are the protocol's.
        let verdict = match responder::receive::<Dalek>(&view.device.row, request, statics) {
            Err(Dropped::UnknownHint) => return Ok(Looked::Done(self.plain_failed(Code::UnknownHint))),
            Err(Dropped::NotAuthentic) => return Ok(Looked::NotThis),
            Err(_) => return Ok(Looked::Done(Answer::Drop { failed: false })),
            Ok(Verdict::Repeat(reply)) => return Ok(Looked::Done(Answer::reply(reply.bytes()))),
            Ok(verdict) => verdict,
        };
        if !*counted {
            let is_refused = matches!(verdict, Verdict::Refuse(_)) || view.is_refused(None);
            let rate = if is_refused { &self.refusals } else { &self.rate };
            if !rate.allow(&view.device.key, clock.now()) {
                return Ok(Looked::Done(self.plain(Code::Overloaded)));
            }
            *counted = true;
        }
        // Line 7 for blocks that are not in the device's row. They come before the proofs of a clone, as in the table.
        match verdict {
            Verdict::Repeat(reply) => Ok(Looked::Done(Answer::reply(reply.bytes()))),
            Verdict::Refuse(refusal) => self.refuse(&view, None, refusal),
            Verdict::CloneProved if view.is_refused(None) => {
                match responder::receive::<Dalek>(&view.refusing_row(), request, statics) {
                    Ok(Verdict::Refuse(refusal)) => self.refuse(&view, None, refusal),
                    _ => Ok(Looked::Done(Answer::Drop { failed: false })),
                }
            }
            Verdict::CloneProved => self.prove_clone(&view).await,
            Verdict::Recover(recovery) if view.is_refused(None) => {
                self.refuse(&view, Some(Op::Recover), recovery.refuse())
            }
            Verdict::Recover(recovery) => {
                let operation =
                    Operation { device: view.device.key, version: view.device.version(), action: Action::Observe };
                self.commit(operation, (Op::Recover, 0), move |row, reply, random| recovery.commit(row, reply, random))
                    .await
            }
            Verdict::Operation(operation) => {
                let cell = *operation.request();
                let named = self.named(view.device.key, cell.op, cell.win).await?;
                let statement = operation.statement_with(&view.device.row, request, statics, extension(named.as_ref()));
                let attempt =
                    (cell.op.signer() == Signer::Pin).then(|| statement.attempt_key::<Dalek>(&cell.signature));
                if view.is_refused(attempt.as_ref()) {
                    return self.refuse(&view, Some(cell.op), operation.refuse());
                }
                let Decision::Act(action) = self.action(&view, &cell, named, &statement).await? else {
                    return Ok(Looked::Again);
                };
                let device = Operation { device: view.device.key, version: view.device.version(), action };
                self.commit(device, (cell.op, cell.win), move |row, reply, random| operation.commit(row, reply, random))
                    .await
            }
        }
    }

    /// Line 13: what the operation asks, judged.
    async fn action(
        &self,
        view: &DeviceView,
        cell: &Request,
        named: Option<Named>,
        statement: &Statement,
    ) -> Result<Decision, DeskError> {
        let pin = match (cell.op, &named) {
            (Op::Open, _) => PinAction::Open { win: cell.win },
            (Op::Confirm, Some(Named::Waiting(id, _))) => PinAction::Confirm { id: *id },
            _ => PinAction::Unenroll,
        };
        match plain_action(view, (cell.op, cell.win), named, statement, &cell.signature) {
            Some(action) => Ok(Decision::Act(action)),
            None => self.judge(view, pin, cell.time, statement, &cell.signature).await,
        }
    }

    /// Lines 14 and 15: one transaction, or line 1 again.
    async fn commit<F>(&self, operation: Operation, (op, win): (Op, u8), next: F) -> Result<Looked, DeskError>
    where
        F: FnOnce(&Row, &Reply, &mut VaultRandom<'_>) -> Option<Committed<Dalek>> + Send + 'static,
    {
        let vault = self.vault.clone();
        let (key, lost) = (operation.device, operation.lost());
        let applied = self
            .store
            .write(move |tx: &mut dyn Transaction| {
                vault.apply(tx, operation, vault.reading(), |row, answer| {
                    let committed = next(row, &reply_of(answer, op, win), &mut vault.random())?;
                    Some((committed.row, (committed.reply, committed.session)))
                })
            })
            .await;
        match applied {
            Ok(applied) => {
                self.counts.operation(Some(op), applied.answer.code);
                let (reply, session) = applied.output;
                let wants = op == Op::Subscribe && applied.answer.code == Code::Ok;
                let subscription = if wants { granted(win, applied.answer.tells_checks) } else { 0 };
                // The newest accepted handshake has the device, before anybody hears of it.
                let started = match session {
                    Some(session) => {
                        let place = self.live.take(session.token(), session.device(), applied.version);
                        Some(Started { session: Box::new(session), place, subscription })
                    }
                    None => {
                        self.live.end_device(&key, applied.version);
                        None
                    }
                };
                Ok(Looked::Done(Answer::Reply { frame: reply.bytes().to_vec(), started }))
            }
            Err(error) if is_conflict(&error) => {
                self.settle(key, lost).await?;
                Ok(Looked::Again)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// `op` is what was asked, if that was looked at.
    fn refuse(&self, view: &DeviceView, op: Option<Op>, refusal: Refusal<Dalek>) -> Result<Looked, DeskError> {
        self.counts.operation(op, refusal.code());
        // Operation and code are filled in by the refusal itself.
        let reply = view.reply(Op::Ping, refusal.code());
        let frame = refusal.answer(&reply, &mut self.vault.random()).ok_or(DeskError::Protocol)?;
        Ok(Looked::Done(Answer::reply(frame.bytes())))
    }

    async fn prove_clone(&self, view: &DeviceView) -> Result<Looked, DeskError> {
        let (vault, key, version) = (self.vault.clone(), view.device.key, view.device.version());
        let proved = self.store.write(move |tx| vault.clone_proved(tx, &key, version, vault.reading())).await;
        match proved {
            Ok(()) => {
                tracing::warn!(token = %hex(&key.token), "clone proved: token blocked until it is enrolled anew");
                self.live.end(&key.token);
                Ok(Looked::Done(Answer::Drop { failed: false }))
            }
            Err(error) if is_conflict(&error) => Ok(Looked::Again),
            Err(error) => Err(error.into()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

impl Desk {
    /// Line 13 for an operation that a PIN signs, cold or warm: time, count, and four verifications.
    pub(super) async fn judge(
        &self,
        view: &DeviceView,
        action: PinAction,
        time: u32,
        statement: &Statement,
        signature: &[u8; 64],
    ) -> Result<Decision, DeskError> {
        let is_open = matches!(action, PinAction::Open { .. });
        let freshness = if is_open { view.open_freshness } else { view.freshness };
        if freshness.is_stale(time.into()) {
            return Ok(Decision::skip(Code::Stale));
        }
        let Some(slots) = &view.slots else { return Ok(Decision::Again) };
        let (vault, key, version) = (self.vault.clone(), view.device.key, view.device.version());
        let attempt = statement.attempt_key::<Dalek>(signature);
        let counting = move |tx: &mut dyn Transaction| {
            let clock = vault.reading();
            // Of copies that arrive together one is decided first. The others must not count again what was counted,
            // decided and forgotten since they were looked at.
            if vault.view_by_key(tx, &key, clock)?.device.version() != version {
                return Err(VaultError::Storage(StorageError::Conflict));
            }
            vault.count_attempt(tx, &key, attempt, clock)
        };
        match self.store.write(counting).await {
            Ok(Gate::Counted) => {}
            Ok(Gate::Wait { until }) => return Ok(Decision::Act(Action::Skip { code: Code::Wait, until })),
            // Others have used up the tries since.
            Ok(Gate::Blocked) | Err(VaultError::Unknown(_)) => return Ok(Decision::Again),
            Err(error) if is_conflict(&error) => return Ok(Decision::Again),
            Err(error) => return Err(error.into()),
        }
        std::thread::yield_now();
        let judgement = Arc::new(self.vault.judge(slots, statement, signature));
        Ok(Decision::Act(Action::Pin { action, time, judgement }))
    }
}

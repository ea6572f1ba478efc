//! What an operation comes to: freshness, throttle, and which PIN signed it.

use cardea_protocol::Code;
use cardea_protocol::crypto::Provider;
use cardea_protocol::statement::Statement;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{Op, Reply, SetPins, Signer};
use cardea_server::clock::UnixSeconds;
use cardea_server::domain::freshness::Freshness;
use cardea_server::domain::throttle::Gate;
use cardea_server::domain::token::{Closer, DeviceFacts};
use cardea_server::domain::world::cap_of_win;

use super::Stop;
use crate::config::Mutation;
use crate::confirmations::Named;
use crate::database::Database;
use crate::ghost::Role;
use crate::world::World;

/// Decided, not done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    /// Not looked at: stale, or too early.
    pub(super) code: Option<Code>,
    /// Whose PIN it was.
    pub(super) role: Option<Role>,
    /// The key under which the guess was counted.
    pub(super) counted: Option<[u8; 32]>,
    /// The time that was signed.
    time: u32,
    /// Whether the token was under duress when the guess was looked at: other slots hold then.
    under_duress: bool,
    /// Done already, by a server whose rules are broken.
    pub(super) done: Option<Code>,
    /// The question that it answers.
    question: Option<usize>,
}

impl Decided {
    /// Not to be executed; the ratchet goes on with `code`.
    pub(super) const fn skip(code: Option<Code>) -> Self {
        Self { code, role: None, counted: None, time: 0, under_duress: false, done: None, question: None }
    }
}

/// A signed operation, as it is looked at.
pub(super) struct Asked<'a> {
    pub(super) op: Op,
    /// The time that was signed.
    pub(super) time: u32,
    /// What it is about, if it is an answer.
    pub(super) named: Option<Named>,
    pub(super) signature: &'a [u8; 64],
}

/// Something else came first: nothing of this has happened.
#[derive(Debug)]
pub(super) struct Lost;

/// What comes of an operation before anything is written.
pub(super) enum Decision {
    Go(Decided),
    Refuse,
    Drop,
}

impl<P: Provider> World<P> {
    /// Line 13. The attempt is counted in a transaction of its own before it is looked at.
    pub(super) fn decide(&mut self, entry: usize, asked: &Asked<'_>, statement: &Statement, stop: Stop) -> Decision {
        let Asked { op, time, named, signature } = *asked;
        let under_duress = self.database.token.openness().is_under_duress();
        let mut decided = Decided { time, under_duress, ..Decided::skip(None) };
        let limits = self.rules.limits;
        let (now, token_blocked) = (self.seconds(), self.database.token.openness().is_blocked());
        let device = &self.database.devices[entry];
        let guess = statement.attempt_key::<P>(signature);
        let by_statement = self.broken == Some(Mutation::CountByStatement);
        let key = if by_statement { P::sha256(&[statement.bytes()]) } else { guess };
        let pending = op.signer() == Signer::Pin && device.throttle.is_pending(&key);
        if token_blocked || device.throttle.is_blocked(now, limits) && !pending {
            return Decision::Refuse;
        }
        match named {
            Some(Named::Expired) => return Decision::Go(Decided::skip(Some(Code::ConfirmationExpired))),
            Some(Named::Unknown) => return Decision::Go(Decided::skip(Some(Code::ConfirmationUnknown))),
            Some(Named::Waiting(number)) => decided.question = Some(number),
            None => {}
        }
        match op.signer() {
            Signer::Nobody => return Decision::Go(decided),
            Signer::Device => {
                let good = P::ed25519_verify(&device.row.device_key, statement.bytes(), signature);
                return match good {
                    true => Decision::Go(decided),
                    // Another text may have come to stand where the one stood that was signed.
                    false if named.is_some() => Decision::Go(Decided::skip(Some(Code::Policy))),
                    false => Decision::Drop,
                };
            }
            Signer::Pin => {}
        }
        if self.is_stale(entry, op, time) {
            decided.code = Some(Code::Stale);
            return Decision::Go(decided);
        }
        let device = &mut self.database.devices[entry];
        if self.broken == Some(Mutation::VerifyBeforeCount) {
            self.ghost.evaluate(guess);
        }
        match device.throttle.count(key, now, limits) {
            Gate::Counted if pending => {}
            Gate::Counted => self.ghost.count(),
            Gate::Wait { .. } => {
                decided.code = Some(Code::Wait);
                return Decision::Go(decided);
            }
            Gate::Blocked => return Decision::Refuse,
        }
        self.database.high_water = self.database.high_water.max(self.now);
        if stop == Stop::DiesCounted {
            return Decision::Drop;
        }
        self.ghost.evaluate(guess);
        decided.counted = Some(key);
        decided.role = Some(self.judge(entry, statement, signature));
        Decision::Go(decided)
    }

    /// All slots, always.
    fn judge(&self, entry: usize, statement: &Statement, signature: &[u8; 64]) -> Role {
        let device = &self.database.devices[entry];
        let shadow = device.shadow_slots.filter(|_| self.database.token.openness().is_under_duress());
        let slots = shadow.unwrap_or(device.slots);
        let matched = slots.map(|key| P::ed25519_verify(&key, statement.bytes(), signature));
        match matched {
            [true, ..] => Role::Normal,
            [_, rest @ ..] if rest.contains(&true) => {
                if self.is_broken(Mutation::DuressIsNormal) {
                    Role::Normal
                } else {
                    Role::Duress
                }
            }
            _ => Role::Wrong,
        }
    }

    /// Freshness (F6, F7), looked at before the count and again in the transaction: somebody may close in between.
    fn is_stale(&self, entry: usize, op: Op, time: u32) -> bool {
        let closed_at = if op == Op::Open && self.broken != Some(Mutation::NoCloseWins) {
            self.database.token.closed_by_other_than(self.database.devices[entry].row.device)
        } else {
            UnixSeconds::EPOCH
        };
        let time = UnixSeconds::from(time);
        let now = if self.broken == Some(Mutation::NoFreshness) { time } else { self.seconds() };
        Freshness { now, restored_at: UnixSeconds::new(self.database.restored_at), closed_at }.is_stale(time)
    }

    /// The operation itself, part of the transaction of line 14; as the server's vault does it.
    pub(super) fn apply(
        &mut self,
        entry: usize,
        (op, win): (Op, u8),
        pins: Option<&SetPins>,
        decided: &Decided,
        intent: Option<usize>,
    ) -> Result<Code, Lost> {
        if let Some(code) = decided.done {
            return Ok(code);
        }
        let judged = decided.role.is_some();
        let moved = judged && decided.under_duress != self.database.token.openness().is_under_duress();
        if moved || self.database.token.openness().is_blocked() {
            return Err(Lost);
        }
        self.database.high_water = self.database.high_water.max(self.now);
        let code = match decided.code {
            Some(code) => code,
            None => self.execute(entry, (op, win), pins, decided),
        };
        if let Some(intent) = intent {
            self.say(|| format!("operation {intent} ({op:?}) of device {entry} is committed: {code:?}"));
            let question = decided.question.and_then(|number| self.database.questions.get(number));
            self.ghost.intents[intent].named = question.map(|question| question.id);
            self.ghost.execute(intent, entry, code, self.now);
            let device = &self.database.devices[entry];
            if code == Code::PinRejected && device.throttle.is_blocked(self.seconds(), self.rules.limits) {
                self.ghost.token.close(Some(entry), self.now);
            }
        } else {
            self.ghost.violated("only what somebody wanted is executed", || format!("{op:?} of device {entry}"));
        }
        Ok(code)
    }

    fn execute(&mut self, entry: usize, (op, win): (Op, u8), pins: Option<&SetPins>, decided: &Decided) -> Code {
        let now = self.seconds();
        let stale = decided.role.is_some() && self.is_stale(entry, op, decided.time);
        let (limits, window) = (self.rules.limits, self.rules.window);
        let Database { devices, token, waiting, .. } = &mut self.database;
        let device = &mut devices[entry];
        let closer = Closer::Device(device.row.device);
        match (decided.role, decided.counted) {
            (Some(Role::Wrong), Some(key)) => {
                device.throttle.reject(&key);
                if device.throttle.is_blocked(now, limits) {
                    token.close(closer, now);
                }
                return Code::PinRejected;
            }
            (Some(_), Some(key)) if stale => {
                device.throttle.refund(&key);
                return Code::Stale;
            }
            (Some(role), _) => {
                device.throttle.accept();
                if role == Role::Duress {
                    token.enter_duress(now);
                }
            }
            (None, _) => {}
        }
        if let Some(number) = decided.question {
            return self.answer_question(number, op, win);
        }
        match op {
            Op::Open => token.open(now, window, cap_of_win(win)),
            Op::Close => token.close(closer, now),
            Op::SetPins => {
                let slots = pins.map_or(device.slots, |pins| pins.entries.map(|entry| entry.key));
                if token.openness().is_under_duress() {
                    device.shadow_slots = Some(slots);
                } else {
                    device.slots = slots;
                }
            }
            Op::Unenroll => {
                device.gone = !token.openness().is_under_duress();
                token.close(closer, now);
                if self.broken != Some(Mutation::UnenrollKeepsWaiting) {
                    waiting.take_back(now);
                }
            }
            _ => {}
        }
        Code::Ok
    }

    /// Line 15: a good signature gets its count back, a bad one keeps it.
    pub(super) fn settle_lost(&mut self, entry: usize, decided: &Decided) {
        let Some(key) = decided.counted else { return };
        let throttle = &mut self.database.devices[entry].throttle;
        if decided.role == Some(Role::Wrong) {
            throttle.reject(&key);
            return;
        }
        if self.broken != Some(Mutation::NoRefund) {
            throttle.refund(&key);
        }
        let pending = throttle.is_pending(&key);
        self.ghost
            .require(!pending, "a good pin that lost the race leaves no count behind", || format!("device {entry}"));
    }

    /// A reply with the status of the moment.
    pub(super) fn reply(&self, entry: usize, op: Op, code: Code) -> Reply {
        let device = &self.database.devices[entry];
        let now = self.seconds();
        let facts = DeviceFacts {
            enrolled: !device.row.revoked,
            blocked: device.row.suspended || device.throttle.is_blocked(now, self.rules.limits),
        };
        let (status, until): (DeviceStatus, _) = self.database.token.device_status(facts, &self.rules, self.clock());
        Reply {
            op,
            status,
            code,
            tries: device.throttle.tries_left(now, self.rules.limits),
            server_time: now.wire(),
            until: until.wire(),
            aux: Reply::versions(1, 1),
        }
    }
}

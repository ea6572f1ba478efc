//! What is true, kept beside the system and never read by it: every intent and what became of it, and an independent
//! notion of the token. The rules that must hold in every schedule are here.

mod token;

pub(crate) use token::{Role, Token};

use cardea_protocol::Code;
use cardea_server::domain::confirmation::ConfirmationState;

use super::config::Want;

/// A rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: &'static str,
    /// Where.
    pub detail: String,
}

/// Something that somebody wanted once: at most one signature, at most one execution.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    /// Which device wanted it (thieves are devices of their own).
    pub(crate) holder: usize,
    pub(crate) want: Want,
    /// The PIN that was typed.
    pub(crate) pin: u8,
    /// The PIN that takes its place, for a change.
    pub(crate) next_pin: u8,
    /// The time in the signed operation.
    pub(crate) signed_at: u64,
    /// Ephemeral key or operation id.
    pub(crate) id: [u8; 32],
    /// The confirmation that the holder was shown, for an answer.
    pub(crate) about: Option<[u8; 8]>,
    /// The one that stood at its index when the server decided.
    pub(crate) named: Option<[u8; 8]>,
    executed: u32,
    outcome: Option<Code>,
    never: bool,
    /// Before the last restore: what became of it may be forgotten.
    forgotten: bool,
}

/// How often what happened: a schedule in which nothing happens proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Operations with an effect.
    pub executed: u64,
    /// Operations refused as stale.
    pub stale: u64,
    /// Wrong PINs.
    pub wrong: u64,
    /// RECOVERs that said what had become of an attempt.
    pub recovered: u64,
    /// RECOVERs that buried an attempt.
    pub buried: u64,
    /// Accepted frames that came again.
    pub repeated: u64,
    /// Transactions that lost the race.
    pub lost: u64,
    /// Devices resynced.
    pub resynced: u64,
    /// Clones found.
    pub detected: u64,
    /// Messages of thieves that were accepted.
    pub stolen: u64,
    /// Checks answered 1.
    pub open: u64,
    /// Backups restored.
    pub restored: u64,
    /// Looks at approved confirmations.
    pub approved: u64,
    /// Looks at denied ones.
    pub denied: u64,
    /// Looks at ones that were approved under duress.
    pub forced: u64,
}

impl Seen {
    /// Adds what another schedule has seen.
    pub fn add(&mut self, other: &Self) {
        self.executed += other.executed;
        self.stale += other.stale;
        self.wrong += other.wrong;
        self.recovered += other.recovered;
        self.buried += other.buried;
        self.repeated += other.repeated;
        self.lost += other.lost;
        self.resynced += other.resynced;
        self.detected += other.detected;
        self.stolen += other.stolen;
        self.open += other.open;
        self.restored += other.restored;
        self.approved += other.approved;
        self.denied += other.denied;
        self.forced += other.forced;
    }
}

/// Everything that is known but to the system.
#[derive(Debug, Default)]
pub(crate) struct Ghost {
    pub(crate) violation: Option<Violation>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) token: Token,
    /// Newest intent that was executed, by holder.
    newest: Vec<Option<usize>>,
    /// A thief's message reached a server.
    pub(crate) thief_active: bool,
    /// A thief's message was accepted in place of device `n`, and nobody has noticed yet.
    pub(crate) clone_used: Vec<bool>,
    /// Devices that changed their static key after the backup that was restored. The server has lost that key and
    /// cannot know them any more, not even by a resync: they enroll anew.
    pub(crate) stranded: Vec<usize>,
    counted: u32,
    evaluated: Vec<[u8; 32]>,
    /// What was shown last: which intent, and how it ended.
    pub(crate) shown: Option<(usize, Code)>,
    pub(crate) seen: Seen,
}

impl Ghost {
    /// Notes the first violation.
    pub(crate) fn violated(&mut self, rule: &'static str, detail: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { rule, detail: detail() });
        }
    }

    /// Notes a violation unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, rule: &'static str, detail: impl FnOnce() -> String) {
        if !holds {
            self.violated(rule, detail);
        }
    }

    pub(crate) fn intend(
        &mut self,
        holder: usize,
        want: Want,
        (pin, next_pin): (u8, u8),
        signed_at: u64,
        id: [u8; 32],
    ) -> usize {
        let (executed, outcome, never, forgotten) = (0, None, false, false);
        let (about, named) = (None, None);
        self.intents.push(Intent {
            holder,
            want,
            pin,
            next_pin,
            signed_at,
            id,
            about,
            named,
            executed,
            outcome,
            never,
            forgotten,
        });
        self.intents.len() - 1
    }

    pub(crate) fn intent_of(&self, id: &[u8; 32]) -> Option<usize> {
        // A thief may make two operations with one ephemeral key; at most one of them is accepted.
        let same = || self.intents.iter().enumerate().filter(|(_, intent)| intent.id == *id);
        let accepted = same().find(|(_, intent)| intent.outcome.is_some());
        accepted.or_else(|| same().next()).map(|(index, _)| index)
    }

    /// A guess is about to be looked at; `counted` says whether the throttle counted one more just now.
    pub(crate) fn count(&mut self) {
        self.counted += 1;
    }

    pub(crate) fn evaluate(&mut self, guess: [u8; 32]) {
        if !self.evaluated.contains(&guess) {
            self.evaluated.push(guess);
        }
        let (evaluated, counted) = (self.evaluated.len(), self.counted);
        self.require(u32::try_from(evaluated).is_ok_and(|n| n <= counted), "every guess is counted first", || {
            format!("{evaluated} guesses were looked at, {counted} were counted")
        });
    }

    /// The server committed the operation of `intent` for device `entry` at `now` with `code`.
    pub(crate) fn execute(&mut self, intent: usize, entry: usize, code: Code, now: u64) {
        self.serve(entry);
        let role = self.token.role(entry, self.intents[intent].pin);
        let this = &mut self.intents[intent];
        let name = || format!("operation {intent}");
        let (want, signed_at, holder, pins) = (this.want, this.signed_at, this.holder, (this.pin, this.next_pin));
        let (never, before, about, named) = (this.never, this.executed, this.about, this.named);
        this.outcome = Some(code);
        let by_pin = matches!(
            want,
            Want::Open
                | Want::OpenWrong
                | Want::OpenDuress
                | Want::SetPins
                | Want::Rotate
                | Want::Unenroll
                | Want::Approve
                | Want::ApproveDuress
        );
        if by_pin && matches!(code, Code::Ok | Code::PinRejected) {
            // A signature over another text than the server's is as good as one by a wrong pin.
            let is_good = role != Role::Wrong && about == named;
            self.require((code == Code::Ok) == is_good, "only a right pin is accepted", || {
                format!("operation {intent} with a pin that is {role:?} ended with {code:?}")
            });
        }
        match code {
            Code::Stale => self.seen.stale += 1,
            Code::PinRejected => self.seen.wrong += 1,
            _ => {}
        }
        if code != Code::Ok || matches!(want, Want::Status | Want::Ping) {
            return;
        }
        self.seen.executed += 1;
        self.intents[intent].executed += 1;
        self.require(!never, "nothing runs after the answer `never`", name);
        self.require(before == 0, "no operation runs twice", name);
        while self.newest.len() <= holder {
            self.newest.push(None);
        }
        let newest = self.newest[holder];
        self.require(newest.is_none_or(|newest| newest <= intent), "no older operation runs after a newer one", || {
            format!("operation {intent} after {newest:?}")
        });
        self.newest[holder] = Some(intent);
        let opens = matches!(want, Want::Open | Want::OpenWrong | Want::OpenDuress);
        if opens {
            let closed = self.token.closed_by_other(entry);
            self.require(
                closed.is_none_or(|closed| signed_at > closed),
                "a close of somebody else is not undone by an older open",
                || format!("operation {intent} of {signed_at}, closed at {closed:?}"),
            );
            let restored = self.token.restored_at;
            self.require(signed_at >= restored, "nothing from before a restore opens", || {
                format!("operation {intent} of {signed_at}, restored at {restored}")
            });
        }
        if by_pin {
            self.require(now.abs_diff(signed_at) <= 120, "nothing runs later than 120 s after it was sent", || {
                format!("operation {intent} of {signed_at} ran at {now}")
            });
        }
        match want {
            Want::Open | Want::OpenWrong | Want::OpenDuress => self.token.open(entry, role, now),
            Want::Close => self.token.close(Some(entry), now),
            Want::SetPins => self.token.set_pins(entry, role, pins.1, now),
            Want::Unenroll => self.token.unenroll(entry, role, now),
            Want::Rotate => self.token.rotate(entry, role, now),
            Want::Approve | Want::ApproveDuress => {
                self.token.touch(role, now);
                self.answer(intent, true, now);
            }
            Want::Deny => self.answer(intent, false, now),
            Want::Status | Want::Ping => {}
        }
    }

    /// The server takes the operation of `intent` for the answer to a question.
    fn answer(&mut self, intent: usize, approves: bool, now: u64) {
        let Intent { about, named, .. } = self.intents[intent];
        let detail = || format!("operation {intent}");
        self.require(about == named, "an answer is to the text that was shown", detail);
        let Some(before) = named.and_then(|id| self.token.answer(&id, approves, now)) else {
            return self.violated("only what was asked is answered", detail);
        };
        match before {
            ConfirmationState::Pending => {}
            ConfirmationState::Expired => self.violated("nothing is answered after its time", detail),
            ConfirmationState::Cancelled => self.violated("what was taken back is not answered", detail),
            _ => self.violated("a question is answered once", detail),
        }
    }

    /// A device shows its holder that `intent` ended with `code`.
    pub(crate) fn show(&mut self, intent: usize, code: Code) {
        self.shown = Some((intent, code));
        let this = &self.intents[intent];
        // What is refused is not executed, and the server keeps no note of it.
        if this.forgotten || matches!(code, Code::Blocked | Code::NotEnrolled) {
            return;
        }
        let (executed, outcome, want) = (this.executed, this.outcome, this.want);
        if code == Code::Ok && !matches!(want, Want::Status | Want::Ping) {
            self.require(executed == 1, "what is acknowledged has happened", || format!("operation {intent}"));
        }
        let reads = outcome.is_none() && matches!(want, Want::Status | Want::Ping);
        self.require(reads || outcome == Some(code), "what is shown is what happened", || {
            format!("operation {intent} shows {code:?} and ended with {outcome:?}")
        });
    }

    /// The server commits the answer of a RECOVER that declares `id`.
    pub(crate) fn recover(&mut self, id: &[u8; 32], outcome: Option<Code>) {
        let Some(index) = self.intent_of(id) else { return };
        let this = &mut self.intents[index];
        if this.forgotten {
            return;
        }
        let truth = this.outcome;
        this.never |= outcome.is_none();
        match outcome {
            Some(_) => self.seen.recovered += 1,
            None => self.seen.buried += 1,
        }
        self.require(outcome == truth, "a recover tells what became of the attempt", || {
            format!("operation {index} is told as {outcome:?} and ended with {truth:?}")
        });
    }

    /// Device `entry` is about to be served.
    pub(crate) fn serve(&mut self, entry: usize) {
        let ended = self.token.is_ended(entry);
        self.require(!ended, "who is blocked or has given up is not served", || format!("device {entry}"));
    }

    /// A message for device `entry` was accepted: the ratchet advances.
    pub(crate) fn accept(&mut self, entry: usize, by_thief: bool) {
        while self.clone_used.len() <= entry {
            self.clone_used.push(false);
        }
        if by_thief {
            self.seen.stolen += 1;
            self.clone_used[entry] = true;
        } else {
            let used = self.clone_used[entry];
            self.require(!used, "a used clone is found at the original's next contact", || format!("device {entry}"));
        }
    }

    /// The server found a clone, or suspended a device.
    pub(crate) fn detect(&mut self, entry: usize, how: &'static str) {
        self.seen.detected += 1;
        self.token.end(entry);
        let active = self.thief_active;
        self.require(active, "no clone is found where there is none", || format!("device {entry}: {how}"));
        if let Some(used) = self.clone_used.get_mut(entry) {
            *used = false;
        }
    }

    /// The operator restores a backup in which the token was `token`.
    pub(crate) fn restore(&mut self, token: Token, now: u64) {
        self.stranded.extend(self.token.rotated_since(&token));
        self.token = token;
        self.token.restored_at = now;
        self.token.administer(now, false);
        self.token.take_back(None, now);
        self.clone_used.fill(false);
        self.seen.restored += 1;
        // Counts since the backup are lost with it; what was looked at then is not looked at again.
        for intent in &mut self.intents {
            intent.forgotten = true;
        }
    }

    /// Whether the server may still remember what became of it.
    pub(crate) fn is_remembered(&self, intent: usize) -> bool {
        !self.intents[intent].forgotten
    }
}

//! Confirmations: relying parties that ask, take back and look, what the server makes of answers, and what devices have
//! been shown. Texts come to a device by pushes of a session, which are authentic: what it knows is what waited at some
//! earlier moment, and it may answer that long after.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Provider, Random as _};
use cardea_protocol::limits::CONFIRMATIONS_PENDING;
use cardea_protocol::statement::{Extension, Statement};
use cardea_protocol::wire::Op;
use cardea_server::clock::UnixSeconds;
use cardea_server::domain::confirmation::{ConfirmationState, Waiting};

use super::config::Mutation;
use super::network::index;
use super::world::World;

/// A text that a relying party asked the holder to confirm, as the server stores it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) id: [u8; 8],
    text: String,
    expires_at: UnixSeconds,
    /// The index that it was given. Nothing but a broken server looks at it.
    index: u8,
    state: ConfirmationState,
}

/// A text as a device was shown it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) index: u8,
    pub(crate) id: [u8; 8],
    pub(crate) text: String,
}

/// What a CONFIRM or DENY is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// The question with this number.
    Waiting(usize),
    Expired,
    Unknown,
}

impl<P: Provider> World<P> {
    /// How a question stands: as its row says, unless its place was taken back or its time is over.
    fn standing(&self, number: usize) -> ConfirmationState {
        let Question { id, expires_at, state, .. } = &self.database.questions[number];
        match state {
            ConfirmationState::Pending if !self.database.waiting.has(id) => ConfirmationState::Cancelled,
            ConfirmationState::Pending if self.seconds() >= *expires_at => ConfirmationState::Expired,
            state => *state,
        }
    }

    /// How it stands for who answers: otherwise for some servers whose rules are broken.
    fn standing_for_answers(&self, number: usize) -> ConfirmationState {
        use ConfirmationState::{Cancelled, Expired, Pending};
        match (self.broken, self.standing(number)) {
            (Some(Mutation::AnswerLate), Expired) | (Some(Mutation::AnswerCancelled), Cancelled) => Pending,
            (Some(Mutation::AnswerTwice), state) if !matches!(state, Expired | Cancelled) => Pending,
            (_, state) => state,
        }
    }

    /// What an operation is about; `None` if it is no answer.
    pub(super) fn named(&self, op: Op, win: u8) -> Option<Named> {
        if !matches!(op, Op::Confirm | Op::Deny) {
            return None;
        }
        let index = win & 0x0f;
        let place = self.database.waiting.place(index);
        let keeps = matches!(self.broken, Some(Mutation::AnswerTwice | Mutation::AnswerCancelled));
        let found = self.database.questions.iter().rposition(|question| match place {
            Some(place) => question.id == place.id,
            None => keeps && question.index == index,
        });
        let Some(number) = found else { return Some(Named::Unknown) };
        Some(match self.standing_for_answers(number) {
            ConfirmationState::Pending => Named::Waiting(number),
            ConfirmationState::Expired => Named::Expired,
            _ => Named::Unknown,
        })
    }

    /// What was signed: the text that stands at the index is part of it.
    pub(super) fn covering(
        &self,
        named: Option<Named>,
        signature: &[u8; 64],
        entry: usize,
        make: impl Fn(Extension<'_>) -> Statement,
    ) -> Statement {
        let over = |question: &Question| make(Extension::Confirmation { id: &question.id, text: &question.text });
        let Some(Named::Waiting(number)) = named else { return make(Extension::None) };
        let asked = over(&self.database.questions[number]);
        if !self.is_broken(Mutation::AnyText) {
            return asked;
        }
        // A server to which it does not matter which text it was.
        let device = &self.database.devices[entry];
        let keys = || device.slots.iter().chain([&device.row.device_key]);
        let mut all = self.database.questions.iter().map(over);
        all.find(|it| keys().any(|key| P::ed25519_verify(key, it.bytes(), signature))).unwrap_or(asked)
    }

    /// The answer to a question, in the transaction of the operation: the first one is final.
    pub(super) fn answer_question(&mut self, number: usize, op: Op, win: u8) -> Code {
        let standing = match self.is_broken(Mutation::AnswerUnchecked) {
            true => ConfirmationState::Pending,
            false => self.standing_for_answers(number),
        };
        match standing {
            ConfirmationState::Pending => {}
            ConfirmationState::Expired => return Code::ConfirmationExpired,
            _ => return Code::ConfirmationUnknown,
        }
        let forced = self.database.token.openness().is_under_duress() && !self.is_broken(Mutation::ApproveUnderDuress);
        let question = &mut self.database.questions[number];
        question.state = match op {
            Op::Deny => ConfirmationState::Denied { reason: win >> 4 },
            _ if forced => ConfirmationState::Duress,
            _ => ConfirmationState::Approved,
        };
        self.database.waiting.remove(&question.id);
        Code::Ok
    }

    /// Writes down that the time of a question is over, if it is, before anybody is told so.
    fn expire(&mut self, number: usize) {
        let question = &mut self.database.questions[number];
        let is_due = question.state == ConfirmationState::Pending
            && self.database.waiting.has(&question.id)
            && UnixSeconds::new(self.now) >= question.expires_at;
        if is_due {
            question.state = ConfirmationState::Expired;
            self.database.waiting.remove(&question.id);
        }
    }

    /// A relying party asks.
    pub(crate) fn ask_question(&mut self, pick: u32) {
        for number in 0..self.database.questions.len() {
            self.expire(number);
        }
        let mut id = [0; 8];
        self.random.fill(&mut id);
        let now = self.seconds();
        let expires_at = now.plus(u64::from(10 + pick % 60));
        let Some(index) = self.database.waiting.add(Waiting { id, expires_at }, now) else { return };
        self.database.high_water = self.database.high_water.max(self.now);
        let number = self.database.questions.len();
        let text = format!("Pay {number} to Ann");
        self.say(|| format!("a relying party asks question {number}, at index {index}, until {expires_at}"));
        let state = ConfirmationState::Pending;
        self.database.questions.push(Question { id, text, expires_at, index, state });
        self.ghost.token.ask(id, expires_at.get());
    }

    /// A relying party takes a question back.
    pub(crate) fn cancel_question(&mut self, pick: u32) {
        let Some(number) = index(pick, self.database.questions.len()) else { return };
        self.expire(number);
        if self.standing(number) == ConfirmationState::Pending {
            let question = &mut self.database.questions[number];
            question.state = ConfirmationState::Cancelled;
            let id = question.id;
            self.database.waiting.remove(&id);
            self.ghost.token.take_back(Some(id), self.now);
            self.say(|| format!("question {number} is taken back"));
        }
    }

    /// A relying party looks what has become of a question. What it is told must be what is true.
    pub(crate) fn poll_question(&mut self, pick: u32) {
        if let Some(number) = index(pick, self.database.questions.len()) {
            self.poll(number);
        }
    }

    fn poll(&mut self, number: usize) {
        self.expire(number);
        let id = self.database.questions[number].id;
        let told = self.standing(number);
        self.say(|| format!("question {number} is told as {told:?}"));
        let expected = self.ghost.token.became(&id, self.now);
        self.ghost.require(expected == Some(told), "a relying party is told what became of its question", || {
            format!("question {number} is told as {told:?} instead of {expected:?}")
        });
        match told {
            ConfirmationState::Approved => self.ghost.seen.approved += 1,
            ConfirmationState::Denied { .. } => self.ghost.seen.denied += 1,
            ConfirmationState::Duress => self.ghost.seen.forced += 1,
            _ => {}
        }
    }

    /// A relying party looks what has become of everything that was asked.
    pub(super) fn poll_questions(&mut self) {
        for number in 0..self.database.questions.len() {
            self.poll(number);
        }
    }

    /// A device fetches what waits.
    pub(crate) fn fetch_questions(&mut self, device: usize) {
        let now = self.seconds();
        let waiting =
            (0..CONFIRMATIONS_PENDING).filter_map(|index| Some((index, self.database.waiting.at(index, now)?)));
        let shown = waiting.filter_map(|(index, waiting)| {
            let question = self.database.questions.iter().find(|question| question.id == waiting.id)?;
            Some(Shown { index, id: waiting.id, text: question.text.clone() })
        });
        let shown: Vec<_> = shown.collect();
        self.say(|| format!("device {device} is shown {} texts", shown.len()));
        self.devices[device].shown = shown;
    }

    /// The text that a holder answers next, of those that the device has shown.
    pub(super) fn pick_shown(&mut self, device: usize) -> Option<Shown> {
        let this = &mut self.devices[device];
        this.answers = this.answers.wrapping_add(1);
        index(this.answers, this.shown.len()).map(|at| this.shown[at].clone())
    }
}

//! The holder of a device, where nobody sits in front of it: has PINs, is asked, and does what a test said or what is usual.

mod delay;
mod persona;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cardea_sdk::store::TokenKey;
use cardea_sdk::{Approval, Entropy, Pin, Policy, Presence, PresenceError, PresenceRequest, Purpose};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub use delay::Delay;
pub use persona::Persona;

use super::journal::{Journal, Kind};
use super::time::Time;

/// How long a holder who does not look is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much can be said of what is to be done next.
const MOST_NEXT: usize = 1_000;
/// How many questions are remembered that were given up: they come within moments, or have come.
const REMEMBERED: usize = 64;

/// Said instead of a PIN by who was not told any.
pub(super) const UNTOLD: &str =
    "the PINs were chosen before this emulator was started, and are not kept: say the PIN with the call";

/// What a holder does who is asked for a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Outcome {
    /// Types the PIN.
    #[default]
    Approve,
    /// Types a duress PIN.
    Duress,
    /// Types a wrong PIN.
    WrongPin,
    /// Says no.
    Cancel,
    /// Does not look: after a minute nobody is waited for any more.
    Ignore,
    /// Does what [`Human::answer`] says, once it does.
    Wait,
    /// Cannot be asked: the screen of the phone is broken.
    Fail,
}

impl Outcome {
    /// The word for it, the same everywhere.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Duress => "duress",
            Self::WrongPin => "wrong-pin",
            Self::Cancel => "cancel",
            Self::Ignore => "ignore",
            Self::Wait => "wait",
            Self::Fail => "fail",
        }
    }
}

/// What a holder does, and how long that takes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reaction {
    /// What.
    pub outcome: Outcome,
    /// How long.
    pub delay: Delay,
}

impl From<Outcome> for Reaction {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, delay: Delay::default() }
    }
}

/// What is said to a question.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// The holder does this.
    Does(Outcome),
    /// The holder types this PIN, whichever it is.
    Types(Pin),
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self::Does(outcome)
    }
}

impl From<Pin> for Reply {
    fn from(pin: Pin) -> Self {
        Self::Types(pin)
    }
}

/// A question that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its number on this device.
    pub id: u64,
    /// The token.
    pub token: TokenKey,
    /// What the holder knows it by.
    pub service: String,
    /// What for.
    pub purpose: Purpose,
    /// Wrong PINs left, as the server has just said.
    pub tries_left: Option<u8>,
    /// When it was asked, in Unix seconds of the session.
    pub asked_at: u64,
}

/// Why a prompt was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no prompt {0} waits on this device: it was answered, or never asked")]
pub struct NoSuchPrompt(pub u64);

/// The holder of one device.
#[derive(Debug)]
pub struct Human {
    device: Arc<str>,
    random: Arc<dyn Entropy>,
    time: Time,
    journal: Journal,
    numbers: AtomicU64,
    desk: Mutex<Desk>,
}

/// What is going on with a holder.
#[derive(Debug, Default)]
struct Desk {
    persona: Persona,
    usual: Reaction,
    next: VecDeque<Reaction>,
    waiting: Vec<Waiting>,
    /// The SDK's numbers of questions that nobody waits for, and that may yet come.
    given_up: VecDeque<u64>,
    /// Nobody is there any more.
    is_left: bool,
}

/// What a holder is and does.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Habits {
    pub(super) persona: Persona,
    pub(super) usual: Reaction,
    pub(super) next: VecDeque<Reaction>,
}

/// What is asked.
#[derive(Debug)]
struct Question<'a> {
    /// The SDK's.
    number: u64,
    token: TokenKey,
    service: &'a str,
    purpose: &'a Purpose,
    tries_left: Option<u8>,
    policy: &'a Policy,
}

#[derive(Debug)]
struct Waiting {
    /// The SDK's number of the question.
    number: u64,
    prompt: Prompt,
    answer: oneshot::Sender<Reply>,
}

impl Human {
    pub(super) fn new(
        device: Arc<str>,
        random: Arc<dyn Entropy>,
        time: Time,
        journal: Journal,
        usual: Reaction,
    ) -> Self {
        let desk = Mutex::new(Desk { usual, ..Desk::default() });
        Self { device, random, time, journal, numbers: AtomicU64::new(1), desk }
    }

    /// What is done where nothing else is said.
    #[must_use]
    pub fn usual(&self) -> Reaction {
        self.desk().usual
    }

    /// Makes this what is done where nothing else is said.
    pub fn set_usual(&self, reaction: impl Into<Reaction>) {
        self.desk().usual = reaction.into();
    }

    /// Does this once, after what was said before; unless there is too much of that already: whether it will.
    pub fn next(&self, reaction: impl Into<Reaction>) -> bool {
        let mut desk = self.desk();
        let has_room = desk.next.len() < MOST_NEXT;
        if has_room {
            desk.next.push_back(reaction.into());
        }
        has_room
    }

    /// What is to be done next, in order.
    #[must_use]
    pub fn to_come(&self) -> Vec<Reaction> {
        self.desk().next.iter().copied().collect()
    }

    /// Forgets what was to be done next.
    pub fn clear_next(&self) {
        self.desk().next.clear();
    }

    /// The questions that wait, in the order in which they were asked.
    #[must_use]
    pub fn prompts(&self) -> Vec<Prompt> {
        self.desk().waiting.iter().map(|waiting| waiting.prompt.clone()).collect()
    }

    /// Answers a question now, whatever was to be done. [`Outcome::Wait`] leaves it waiting; [`Outcome::Ignore`] ends it as if
    /// the minute were over.
    ///
    /// # Errors
    /// [`NoSuchPrompt`].
    pub fn answer(&self, id: u64, reply: impl Into<Reply>) -> Result<(), NoSuchPrompt> {
        let reply = reply.into();
        let mut desk = self.desk();
        let place = desk.waiting.iter().position(|waiting| waiting.prompt.id == id).ok_or(NoSuchPrompt(id))?;
        if !matches!(reply, Reply::Does(Outcome::Wait)) {
            // Whoever asked may have gone just now.
            let _ = desk.waiting.remove(place).answer.send(reply);
        }
        Ok(())
    }

    /// Who this is.
    #[must_use]
    pub fn persona(&self) -> Persona {
        self.desk().persona.clone()
    }

    /// Makes it somebody with other PINs. What is enrolled keeps those that it has.
    pub fn set_persona(&self, persona: Persona) {
        self.desk().persona = persona;
    }

    /// What the holder is and does.
    pub(super) fn habits(&self) -> Habits {
        let desk = self.desk();
        Habits { persona: desk.persona.clone(), usual: desk.usual, next: desk.next.clone() }
    }

    /// Makes it a holder who is and does this.
    pub(super) fn set_habits(&self, habits: &Habits) {
        let Habits { persona, usual, next } = habits.clone();
        let mut desk = self.desk();
        (desk.persona, desk.usual, desk.next) = (persona, usual, next);
    }

    /// Nobody is there any more: whatever waits is cancelled.
    pub(super) fn leave(&self) {
        let mut desk = self.desk();
        desk.waiting.clear();
        desk.is_left = true;
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and has this done in place of what was to be done.
    pub(crate) fn approve_as(
        &self,
        request: &PresenceRequest,
        instead: Option<Reaction>,
    ) -> Result<Approval, PresenceError> {
        let PresenceRequest { number, token, service, purpose, tries_left, policy, .. } = request;
        let question = Question { number: *number, token: *token, service, purpose, tries_left: *tries_left, policy };
        Handle::current().block_on(self.react(&question, instead))
    }

    async fn react(&self, question: &Question<'_>, instead: Option<Reaction>) -> Result<Approval, PresenceError> {
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (answer, mut answered) = oneshot::channel();
        let reaction = {
            let mut desk = self.desk();
            if desk.is_left || desk.given_up.contains(&question.number) {
                return Err(PresenceError::Cancelled);
            }
            let prompt = Prompt {
                id,
                token: question.token,
                service: question.service.to_owned(),
                purpose: question.purpose.clone(),
                tries_left: question.tries_left,
                asked_at: self.time.now(),
            };
            desk.waiting.push(Waiting { number: question.number, prompt, answer });
            instead.or_else(|| desk.next.pop_front()).unwrap_or(desk.usual)
        };
        let asked = Asked { human: self, id };
        self.journal.note(&self.device, Kind::Asked { prompt: id, token: question.token });
        let usual = async {
            tokio::time::sleep(reaction.delay.draw(&*self.random)).await;
            match reaction.outcome {
                Outcome::Wait => std::future::pending().await,
                Outcome::Ignore => {
                    tokio::time::sleep(PATIENCE).await;
                    Outcome::Ignore
                }
                outcome => outcome,
            }
        };
        let reply = tokio::select! {
            biased;
            // Nobody is there any more, or nobody waits for the answer.
            reply = &mut answered => reply.map_err(|_| PresenceError::Cancelled)?,
            outcome = usual => {
                // Whoever was told that his answer counts is right.
                asked.over();
                answered.try_recv().unwrap_or(Reply::Does(outcome))
            }
        };
        drop(asked);
        let outcome = match reply {
            Reply::Does(outcome) => outcome,
            Reply::Types(pin) => {
                // Which of the holder's PINs it is, if any, is nobody's business.
                self.journal.note(&self.device, Kind::Answered { prompt: id, outcome: Outcome::Approve });
                return Ok(Approval::Pin(pin));
            }
        };
        self.journal.note(&self.device, Kind::Answered { prompt: id, outcome });
        let persona = self.persona();
        persona.approval(outcome, question.policy).ok_or_else(|| match outcome {
            Outcome::Fail => PresenceError::Failed("the emulated holder cannot be asked".into()),
            Outcome::Approve | Outcome::Duress | Outcome::WrongPin if persona.is_untold() => {
                PresenceError::Failed(UNTOLD.into())
            }
            _ => PresenceError::Cancelled,
        })
    }
}

/// A question, for as long as it waits.
struct Asked<'a> {
    human: &'a Human,
    id: u64,
}

impl Asked<'_> {
    /// Nobody can answer any more.
    fn over(&self) {
        self.human.desk().waiting.retain(|waiting| waiting.prompt.id != self.id);
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.over();
    }
}

impl Presence for Human {
    fn approve(&self, request: &PresenceRequest) -> Result<Approval, PresenceError> {
        self.approve_as(request, None)
    }

    /// Takes the question off the desk, which ends the wait for its answer; or keeps it off.
    fn given_up(&self, number: u64) {
        let mut desk = self.desk();
        desk.waiting.retain(|waiting| waiting.number != number);
        if desk.given_up.len() == REMEMBERED {
            desk.given_up.pop_front();
        }
        desk.given_up.push_back(number);
    }
}

#[cfg(test)]
mod tests;

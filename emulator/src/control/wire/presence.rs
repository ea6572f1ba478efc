//! What holders do, and what they are asked.

use std::time::Duration;

use cardea_sdk::{Pin, Purpose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PinText, milliseconds};
use crate::control::problem::Problem;
use crate::engine::{Delay, Human, Outcome, Persona, Prompt, Reaction, Reply};

/// What a holder does who is asked for a PIN, and how long that takes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(in super::super) struct Habit {
    outcome: OutcomeWord,
    delay: DelayWord,
}

/// What a holder does where nothing else is said, and what is done before that.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct PresenceView {
    #[serde(flatten)]
    usual: Habit,
    /// Once each, in order.
    next: Vec<Habit>,
}

impl PresenceView {
    pub(in super::super) fn of(human: &Human) -> Self {
        Self { usual: human.usual().into(), next: human.to_come().into_iter().map(Habit::from).collect() }
    }
}

/// What a holder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum OutcomeWord {
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
    /// Does what is said later, to the prompt.
    Wait,
    /// Cannot be asked.
    Fail,
}

impl OutcomeWord {
    /// All of them, as they are written.
    pub(in super::super) const ALL: [&'static str; 7] =
        ["approve", "duress", "wrong-pin", "cancel", "ignore", "wait", "fail"];
}

/// How long a holder takes: always so long, anything between, or log-normal. None is longer than an hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "DelayMembers")]
pub(in super::super) enum DelayWord {
    /// Always so many milliseconds.
    Fixed { ms: u64 },
    /// Any number of milliseconds between these, each as likely.
    Between {
        #[serde(rename = "fromMs")]
        from_ms: u64,
        #[serde(rename = "toMs")]
        to_ms: u64,
    },
    /// Log-normal: half of the times are shorter than the median.
    LogNormal {
        #[serde(rename = "medianMs")]
        median_ms: u64,
        sigma: f64,
    },
}

/// What a delay is said with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DelayMembers {
    ms: Option<u64>,
    from_ms: Option<u64>,
    to_ms: Option<u64>,
    median_ms: Option<u64>,
    sigma: Option<f64>,
}

impl TryFrom<DelayMembers> for DelayWord {
    type Error = &'static str;

    fn try_from(it: DelayMembers) -> Result<Self, Self::Error> {
        let word = match (it.ms, it.from_ms, it.to_ms, it.median_ms, it.sigma) {
            (Some(ms), None, None, None, None) => Self::Fixed { ms },
            (None, Some(from_ms), Some(to_ms), None, None) => Self::Between { from_ms, to_ms },
            (None, None, None, Some(median_ms), Some(sigma)) => Self::LogNormal { median_ms, sigma },
            _ => return Err("a delay has ms, or fromMs and toMs, or medianMs and sigma"),
        };
        if Delay::from(word).is_possible() {
            Ok(word)
        } else {
            Err("a delay is an hour at most, toMs is not below fromMs, and sigma is from 0 to 10")
        }
    }
}

impl Default for DelayWord {
    fn default() -> Self {
        Self::Fixed { ms: 0 }
    }
}

impl From<OutcomeWord> for Outcome {
    fn from(word: OutcomeWord) -> Self {
        match word {
            OutcomeWord::Approve => Self::Approve,
            OutcomeWord::Duress => Self::Duress,
            OutcomeWord::WrongPin => Self::WrongPin,
            OutcomeWord::Cancel => Self::Cancel,
            OutcomeWord::Ignore => Self::Ignore,
            OutcomeWord::Wait => Self::Wait,
            OutcomeWord::Fail => Self::Fail,
        }
    }
}

impl From<Outcome> for OutcomeWord {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Approve => Self::Approve,
            Outcome::Duress => Self::Duress,
            Outcome::WrongPin => Self::WrongPin,
            Outcome::Cancel => Self::Cancel,
            Outcome::Ignore => Self::Ignore,
            Outcome::Wait => Self::Wait,
            Outcome::Fail => Self::Fail,
        }
    }
}

impl From<DelayWord> for Delay {
    fn from(word: DelayWord) -> Self {
        let time = Duration::from_millis;
        match word {
            DelayWord::Fixed { ms } => Self::Fixed(time(ms)),
            DelayWord::Between { from_ms, to_ms } => Self::Between(time(from_ms), time(to_ms)),
            DelayWord::LogNormal { median_ms, sigma } => Self::LogNormal { median: time(median_ms), sigma },
        }
    }
}

impl From<Delay> for DelayWord {
    fn from(delay: Delay) -> Self {
        match delay {
            Delay::Fixed(time) => Self::Fixed { ms: milliseconds(time) },
            Delay::Between(from, to) => Self::Between { from_ms: milliseconds(from), to_ms: milliseconds(to) },
            Delay::LogNormal { median, sigma } => Self::LogNormal { median_ms: milliseconds(median), sigma },
        }
    }
}

impl From<Habit> for Reaction {
    fn from(habit: Habit) -> Self {
        Self { outcome: habit.outcome.into(), delay: habit.delay.into() }
    }
}

impl From<Reaction> for Habit {
    fn from(reaction: Reaction) -> Self {
        Self { outcome: reaction.outcome.into(), delay: reaction.delay.into() }
    }
}

/// The PINs of a holder.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct PersonaSet {
    /// The one that opens.
    pin: PinText,
    /// Those that open for the eyes of whoever is watching.
    #[serde(default)]
    duress_pins: Vec<PinText>,
}

impl PersonaSet {
    pub(in super::super) fn persona(&self) -> Result<Persona, Problem> {
        persona(&self.pin, &self.duress_pins)
    }
}

/// Who has these PINs.
pub(in super::super) fn persona(pin: &PinText, duress: &[PinText]) -> Result<Persona, Problem> {
    let duress: Vec<&str> = duress.iter().map(PinText::text).collect();
    Persona::new(pin.text(), &duress).map_err(|error| Problem::Engine(cardea_sdk::WalletError::from(error).into()))
}

/// A question that waits for an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PromptView {
    /// Its number on this device.
    prompt: u64,
    token: String,
    service: String,
    /// What for.
    purpose: PurposeWord,
    /// What is to be approved, exactly as it is signed.
    text: Option<String>,
    /// Wrong PINs left, as the server has just said.
    tries_left: Option<u8>,
    /// In Unix seconds of the session.
    asked_at: u64,
}

impl From<&Prompt> for PromptView {
    fn from(prompt: &Prompt) -> Self {
        let text = match &prompt.purpose {
            Purpose::Approve { text } => Some(text.clone()),
            _ => None,
        };
        Self {
            prompt: prompt.id,
            token: prompt.token.to_string(),
            service: prompt.service.clone(),
            purpose: PurposeWord::from(&prompt.purpose),
            text,
            tries_left: prompt.tries_left,
            asked_at: prompt.asked_at,
        }
    }
}

/// What a question is for, in a word.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum PurposeWord {
    /// To open.
    Open,
    /// To approve a text.
    Approve,
    /// To choose other PINs.
    ChangePins,
    /// To give the token up.
    Unenroll,
    /// To revoke another device.
    RevokeDevice,
    /// Something that this version has no word for.
    Other,
}

impl From<&Purpose> for PurposeWord {
    fn from(purpose: &Purpose) -> Self {
        match purpose {
            Purpose::Open => Self::Open,
            Purpose::Approve { .. } => Self::Approve,
            Purpose::ChangePins => Self::ChangePins,
            Purpose::Unenroll => Self::Unenroll,
            Purpose::RevokeDevice => Self::RevokeDevice,
            _ => Self::Other,
        }
    }
}

impl PromptView {
    /// What it is for.
    pub(in super::super) const fn purpose(&self) -> PurposeWord {
        self.purpose
    }
}

/// The questions that wait, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct PromptList {
    pub(in super::super) prompts: Vec<PromptView>,
}

/// The answer to a question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct PromptAnswer {
    outcome: OutcomeWord,
    /// With `approve`: types this PIN, whichever it is, in place of the holder's own.
    #[serde(default)]
    pin: Option<PinText>,
}

impl PromptAnswer {
    /// What is said.
    pub(in super::super) fn reply(&self) -> Result<Reply, Problem> {
        match (&self.pin, self.outcome) {
            (None, outcome) => Ok(Reply::Does(outcome.into())),
            (Some(pin), OutcomeWord::Approve) => {
                let pin = Pin::new(pin.text().as_bytes());
                Ok(pin.map_err(|error| Problem::Engine(cardea_sdk::WalletError::from(error).into()))?.into())
            }
            (Some(_), _) => Err(Problem::BadCall("a pin is typed with the outcome approve".into())),
        }
    }
}

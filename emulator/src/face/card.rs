//! How a token stands, as a person is told: one word, one shape, one tone, and what the server has to do with it.

use super::facts::{Device, Facts, Link, State, Token};

/// From so many seconds before its end an opening is shown as ending.
const ENDING: u64 = 10;

/// What the lock card shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// In a word, in capitals.
    pub word: &'static str,
    /// What that means, for somebody who knows nothing of Cardea.
    pub meaning: String,
    /// The shape, for who sees no color.
    pub shape: Shape,
    /// The color.
    pub tone: Tone,
    /// Seconds until it ends by itself.
    pub left: Option<u64>,
    /// Of how many, when the server said so.
    pub of: Option<u64>,
    /// What the server has to do with it: what it said, and when.
    pub server: String,
    /// What is shown may not be true any more.
    pub is_stale: bool,
}

/// A shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A padlock that is open.
    Open,
    /// A padlock that is closed.
    Closed,
    /// Something that is under way.
    Moving,
    /// A bar: it cannot be opened.
    Barred,
    /// Nothing is there.
    Empty,
    /// Nobody knows.
    Unknown,
}

/// What a color stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Open.
    Good,
    /// Closed, as it should be.
    Calm,
    /// About to change.
    Soon,
    /// Something is wrong.
    Bad,
    /// Nothing to say.
    Quiet,
}

impl Card {
    /// Of a token of a device, at `now` in Unix seconds of the session: the token with this id, or the first.
    #[must_use]
    pub fn of(facts: &Facts, device: &str, token: Option<&str>, now: u64) -> Self {
        match &facts.link {
            Link::Looking => return Self::bare("LOOKING", "Looking for the emulator", Shape::Moving, Tone::Quiet),
            Link::Lost(why) => return Self::bare("GONE", why, Shape::Unknown, Tone::Bad),
            Link::Ended => return Self::bare("GONE", "The emulator was told to end", Shape::Unknown, Tone::Bad),
            Link::Hosting(_) | Link::Attached(_) => {}
        }
        let Some(device) = facts.device(device) else {
            return Self::bare("NO DEVICE", "Make a device to begin", Shape::Empty, Tone::Quiet);
        };
        if let Some(damaged) = &device.damaged {
            let meaning = format!("Its tokens cannot be read: {damaged}");
            return Self::bare("DAMAGED", &meaning, Shape::Unknown, Tone::Bad);
        }
        let token = device.token(token);
        let server = token.map_or_else(|| ("No server knows this device".to_owned(), false), |it| server(it, now));
        let verbs: Vec<&str> = facts.working_on(&device.name).map(|work| work.verb).collect();
        let card = Self::working(&verbs, device).unwrap_or_else(|| Self::standing(token, now));
        Self { server: server.0, is_stale: server.1, ..card }
    }

    fn bare(word: &'static str, meaning: &str, shape: Shape, tone: Tone) -> Self {
        let (meaning, server) = (meaning.to_owned(), String::new());
        Self { word, meaning, shape, tone, left: None, of: None, server, is_stale: false }
    }

    /// Something is under way.
    fn working(verbs: &[&str], device: &Device) -> Option<Self> {
        let is = |verb| verbs.contains(&verb);
        let (word, meaning) = if !device.prompts.is_empty() {
            ("ASKED", "The device asks for the PIN")
        } else if is("enroll") {
            ("ENROLLING", "The device and the server are making keys")
        } else if is("open") {
            ("OPENING", "The server has not answered yet")
        } else if is("close") {
            ("CLOSING", "The server has not answered yet")
        } else if is("unenroll") {
            ("LEAVING", "The token is being given up")
        } else {
            return None;
        };
        Some(Self::bare(word, meaning, Shape::Moving, Tone::Soon))
    }

    /// Nothing is under way.
    fn standing(token: Option<&Token>, now: u64) -> Self {
        let Some(token) = token else {
            let meaning = "Paste an enrollment link to give this device a token";
            return Self::bare("NOT ENROLLED", meaning, Shape::Empty, Tone::Quiet);
        };
        let left = token.ends().map(|ends| ends.saturating_sub(now));
        if !token.confirmed {
            let meaning = "The server has not confirmed the enrollment";
            return Self::bare("NOT CONFIRMED", meaning, Shape::Unknown, Tone::Soon);
        }
        match (token.state, left) {
            (Some(State::Open), Some(0)) => {
                Self::bare("CLOSED", "Its time is over: doors stay shut", Shape::Closed, Tone::Calm)
            }
            (Some(State::Open), left) => Self::open(token, left),
            (Some(State::Closed), _) => {
                Self::bare("CLOSED", "Who asks is told no: doors stay shut", Shape::Closed, Tone::Calm)
            }
            (Some(State::Blocked), Some(0)) | (None, _) => {
                Self::bare("UNKNOWN", "Ask the server how the token stands", Shape::Unknown, Tone::Quiet)
            }
            (Some(State::Blocked), left) => {
                let meaning = "Too many wrong PINs, or blocked by the service";
                Self { left, of: span(token), ..Self::bare("BLOCKED", meaning, Shape::Barred, Tone::Bad) }
            }
            (Some(State::NotEnrolled), _) => {
                let meaning = "The server does not know this token any more";
                Self::bare("REVOKED", meaning, Shape::Barred, Tone::Bad)
            }
        }
    }

    fn open(token: &Token, left: Option<u64>) -> Self {
        let ending = left.is_some_and(|left| left <= ENDING);
        let (meaning, tone) = match ending {
            true => ("Closes by itself in a moment", Tone::Soon),
            false => ("Who asks is told yes: doors open", Tone::Good),
        };
        Self { left, of: span(token), ..Self::bare("OPEN", meaning, Shape::Open, tone) }
    }

    /// How much of the time is left, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for a drawing")]
    pub fn share(&self) -> Option<f32> {
        match (self.left, self.of) {
            (Some(left), Some(of)) if of > 0 => Some((left as f32 / of as f32).clamp(0.0, 1.0)),
            _ => None,
        }
    }
}

/// For how long the state was, when the server said so.
fn span(token: &Token) -> Option<u64> {
    token.ends()?.checked_sub(token.said_at?)
}

/// What the server has to do with what is shown, and whether that may be out of date.
fn server(token: &Token, now: u64) -> (String, bool) {
    let said = token.said_at.map(|at| (at, ago(now.saturating_sub(at))));
    match (token.online, said) {
        (Some(false), Some((at, _))) => (format!("Server not reached. Stale since {}", clock(at)), true),
        (Some(false), None) => ("Server not reached, and it has said nothing yet".to_owned(), true),
        _ if token.is_in_doubt() => ("Something was sent and never answered: ask the server".to_owned(), true),
        (_, Some((at, ago))) => (format!("The server said so {ago}, at {}", clock(at)), false),
        (_, None) => ("The server has said nothing yet".to_owned(), true),
    }
}

/// How long ago, for a person.
fn ago(seconds: u64) -> String {
    match seconds {
        0..=59 => "just now".to_owned(),
        60..=5_399 => format!("{} min ago", seconds / 60),
        5_400..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// The time of day in UTC: hours, minutes and seconds.
pub(crate) fn clock(unix: u64) -> String {
    let day = unix % 86_400;
    format!("{:02}:{:02}:{:02}", day / 3_600, day / 60 % 60, day % 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::facts::{Prompt, Working};
    use super::*;

    const NOW: u64 = 1_000;

    fn token(state: Option<State>) -> Token {
        let said = Some(NOW - 20);
        Token { id: "t".into(), confirmed: true, state, said_at: said, age: Some(0), ..Token::default() }
    }

    fn facts(tokens: Vec<Token>) -> Facts {
        let device = Device { name: "phone".into(), tokens, ..Device::default() };
        let devices = Arc::new(BTreeMap::from([("phone".to_owned(), Arc::new(device))]));
        Facts { link: Link::Hosting("here".into()), devices, ..Facts::default() }
    }

    fn card(token: Token) -> Card {
        Card::of(&facts(vec![token]), "phone", None, NOW)
    }

    #[test]
    fn what_is_open_counts_down_warns_and_is_closed_at_its_end() {
        let open = |remaining| card(Token { remaining, ..token(Some(State::Open)) });
        let long = open(Some(80));
        assert_eq!((long.word, long.shape, long.tone), ("OPEN", Shape::Open, Tone::Good));
        assert_eq!((long.left, long.of, long.share()), (Some(60), Some(80), Some(0.75)));
        assert_eq!(open(Some(30)).tone, Tone::Soon);
        assert_eq!((open(Some(20)).word, open(Some(20)).shape), ("CLOSED", Shape::Closed));
        assert_eq!((open(None).word, open(None).left), ("OPEN", None));
    }

    #[test]
    fn what_is_not_open_says_what_it_is() {
        let word = |state| card(token(state)).word;
        assert_eq!(word(Some(State::Closed)), "CLOSED");
        assert_eq!(word(Some(State::Blocked)), "BLOCKED");
        assert_eq!(word(Some(State::NotEnrolled)), "REVOKED");
        assert_eq!(word(None), "UNKNOWN");
        // What follows a block the server alone knows.
        assert_eq!(card(Token { remaining: Some(5), ..token(Some(State::Blocked)) }).word, "UNKNOWN");
        let unconfirmed = Token { confirmed: false, ..token(Some(State::Open)) };
        assert_eq!(card(unconfirmed).word, "NOT CONFIRMED");
        assert_eq!(Card::of(&facts(vec![]), "phone", None, NOW).word, "NOT ENROLLED");
        assert_eq!(Card::of(&facts(vec![]), "tablet", None, NOW).word, "NO DEVICE");
    }

    #[test]
    fn what_is_under_way_is_shown_in_place_of_what_was() {
        let mut facts = facts(vec![token(Some(State::Closed))]);
        for (verb, word) in [("open", "OPENING"), ("close", "CLOSING"), ("enroll", "ENROLLING"), ("label", "CLOSED")] {
            facts.working = vec![Working { number: 1, device: Some("phone".into()), verb }];
            assert_eq!(Card::of(&facts, "phone", None, NOW).word, word);
        }
        facts.working = vec![Working { number: 1, device: Some("tablet".into()), verb: "open" }];
        assert_eq!(Card::of(&facts, "phone", None, NOW).word, "CLOSED");
        let mut asked = facts.device("phone").unwrap().clone();
        asked.prompts = vec![Prompt::default()];
        facts.devices = Arc::new(BTreeMap::from([("phone".to_owned(), Arc::new(asked))]));
        assert_eq!(Card::of(&facts, "phone", None, NOW).word, "ASKED");
    }

    #[test]
    fn what_may_be_out_of_date_says_since_when() {
        let fresh = card(token(Some(State::Closed)));
        assert_eq!((fresh.server.as_str(), fresh.is_stale), ("The server said so just now, at 00:16:20", false));
        let offline = card(Token { online: Some(false), ..token(Some(State::Open)) });
        assert_eq!((offline.server.as_str(), offline.is_stale), ("Server not reached. Stale since 00:16:20", true));
        assert!(card(Token { pending: true, ..token(Some(State::Open)) }).is_stale);
        // The server has answered what was sent: nothing is to be done with this token.
        assert!(!card(Token { pending: true, ..token(Some(State::Blocked)) }).is_stale);
        assert!(card(Token { said_at: None, ..token(None) }).is_stale);
    }

    #[test]
    fn an_emulator_that_is_gone_is_not_shown_as_if_it_were_there() {
        let mut facts = facts(vec![token(Some(State::Open))]);
        facts.link = Link::Lost("it has ended".into());
        let card = Card::of(&facts, "phone", None, NOW);
        assert_eq!((card.word, card.meaning.as_str(), card.tone), ("GONE", "it has ended", Tone::Bad));
        facts.link = Link::Looking;
        assert_eq!(Card::of(&facts, "phone", None, NOW).word, "LOOKING");
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        assert_eq!(
            [3, 59, 60, 600, 7_200, 400_000].map(ago),
            ["just now", "just now", "1 min ago", "10 min ago", "2 h ago", "4 days ago"]
        );
        assert_eq!(clock(86_399), "23:59:59");
    }
}

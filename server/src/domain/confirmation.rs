//! Confirmations: what a relying party may ask, and which of a token's texts wait.

use cardea_protocol::limits::{CONFIRMATION_TEXT, CONFIRMATIONS_PENDING};
use cardea_protocol::wire::is_showable;

use crate::clock::UnixSeconds;

/// Shortest and longest time within which a confirmation must be answered, in seconds.
pub const EXPIRES_IN: std::ops::RangeInclusive<u32> = 10..=86_400;
/// The time within which a confirmation must be answered unless the caller says otherwise, in seconds.
pub const EXPIRES_IN_DEFAULT: u32 = 120;
/// Longest name of a relying party in bytes.
pub const RELYING_PARTY_MAX: usize = 32;

/// Why a confirmation cannot be asked. Says what was wrong, never what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Nothing to show.
    #[error("the text of a confirmation is empty: say what is to be approved")]
    Empty,
    /// Too long for a device.
    #[error("the text of a confirmation, with the relying party before it, is longer than {CONFIRMATION_TEXT} bytes")]
    TooLong,
    /// The holder would not see what is signed.
    #[error("a confirmation must not contain line breaks, control characters, or characters that hide or reorder text")]
    Hidden,
    /// The name of the relying party is empty or too long.
    #[error("the name of a relying party is empty or longer than {RELYING_PARTY_MAX} bytes")]
    RelyingParty,
    /// Out of range.
    #[error("a confirmation expires after {} to {} seconds", EXPIRES_IN.start(), EXPIRES_IN.end())]
    Expiry,
    /// The holder has enough to read.
    #[error("as many confirmations as a token may have wait already: cancel one, or wait until they are answered")]
    TooMany,
    /// Nobody could answer.
    #[error("the token has no device that could answer: enroll one first")]
    NoDevice,
}

/// What a relying party asks the holder. What is in it has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    text: String,
    relying_party: Option<String>,
    expires_in: u32,
}

impl Ask {
    /// Checks a question: `text` of 1 to 200 bytes, the name of who asks (at most 32 bytes, part of what is shown and
    /// signed), and within how many seconds it must be answered.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(text: &str, relying_party: Option<&str>, expires_in: Option<u32>) -> Result<Self, AskError> {
        let expires_in = expires_in.unwrap_or(EXPIRES_IN_DEFAULT);
        if !EXPIRES_IN.contains(&expires_in) {
            return Err(AskError::Expiry);
        }
        if text.trim().is_empty() {
            return Err(AskError::Empty);
        }
        if relying_party.is_some_and(|name| name.trim().is_empty() || name.len() > RELYING_PARTY_MAX) {
            return Err(AskError::RelyingParty);
        }
        let shown = relying_party.map_or_else(|| text.to_owned(), |name| format!("{name}: {text}"));
        if shown.len() > CONFIRMATION_TEXT {
            return Err(AskError::TooLong);
        }
        if !is_showable(&shown) {
            return Err(AskError::Hidden);
        }
        Ok(Self { text: shown, relying_party: relying_party.map(str::to_owned), expires_in })
    }

    /// What the device shows and signs: the name of the relying party, if it was given, `": "`, and the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who asks.
    #[must_use]
    pub fn relying_party(&self) -> Option<&str> {
        self.relying_party.as_deref()
    }

    /// Seconds within which it must be answered.
    #[must_use]
    pub const fn expires_in(&self) -> u32 {
        self.expires_in
    }
}

/// What became of a confirmation. All but [`ConfirmationState::Pending`] are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfirmationState {
    /// It waits for an answer.
    Pending,
    /// A PIN approved it, without duress.
    Approved,
    /// A device denied it.
    Denied {
        /// As it stands on the wire: 0 unsaid, 1 cancelled, 2 "this was not me", others free up to 15.
        reason: u8,
    },
    /// A PIN approved it under duress: no approval.
    Duress,
    /// Nobody answered in time.
    Expired,
    /// Taken back: by whoever asked, or because the token was restored, given up or enrolled anew.
    Cancelled,
}

impl ConfirmationState {
    /// The state as it is told: an approval under duress reads as an unexplained denial, unless the caller may know.
    #[must_use]
    pub const fn told(self, sees_duress: bool) -> Self {
        match self {
            Self::Duress if !sees_duress => Self::Denied { reason: 0 },
            state => state,
        }
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied { .. } => "denied",
            Self::Duress => "duress",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A confirmation that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub id: [u8; 8],
    /// The first second in which it cannot be answered any more.
    pub expires_at: UnixSeconds,
}

/// The confirmations of a token that wait, each at the index by which devices name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitingList {
    pub(crate) places: [Option<Waiting>; CONFIRMATIONS_PENDING as usize],
    /// Where the next one goes if that place is free: an index that was given up is given again as late as possible.
    pub(crate) next: u8,
}

impl WaitingList {
    /// Adds a confirmation and gives its index; `None` when all places are taken.
    pub fn add(&mut self, waiting: Waiting, now: UnixSeconds) -> Option<u8> {
        let index = (0..CONFIRMATIONS_PENDING)
            .map(|step| (self.next + step) % CONFIRMATIONS_PENDING)
            .find(|index| self.at(*index, now).is_none())?;
        self.places[usize::from(index)] = Some(waiting);
        self.next = (index + 1) % CONFIRMATIONS_PENDING;
        Some(index)
    }

    /// What waits at `index`.
    #[must_use]
    pub fn at(&self, index: u8, now: UnixSeconds) -> Option<Waiting> {
        self.place(index).filter(|waiting| now < waiting.expires_at)
    }

    /// What stands at `index`, expired or not.
    #[must_use]
    pub fn place(&self, index: u8) -> Option<Waiting> {
        self.places.get(usize::from(index)).copied().flatten()
    }

    /// Whether the confirmation has a place, expired or not.
    #[must_use]
    pub fn has(&self, id: &[u8; 8]) -> bool {
        self.places.iter().flatten().any(|waiting| waiting.id == *id)
    }

    /// Frees the place of a confirmation.
    pub fn remove(&mut self, id: &[u8; 8]) {
        for place in &mut self.places {
            if place.is_some_and(|waiting| waiting.id == *id) {
                *place = None;
            }
        }
    }

    /// Takes back what waits. What has expired stays expired.
    pub fn take_back(&mut self, now: UnixSeconds) {
        for place in &mut self.places {
            *place = place.filter(|waiting| now >= waiting.expires_at);
        }
    }

    /// Frees all places, whatever the time.
    pub fn clear(&mut self) {
        self.places = Default::default();
    }

    /// One bit for each index at which something waits.
    #[must_use]
    pub fn mask(&self, now: UnixSeconds) -> u8 {
        (0..CONFIRMATIONS_PENDING).filter(|index| self.at(*index, now).is_some()).map(|index| 1 << index).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_000);

    fn waiting(id: u8, seconds: u64) -> Waiting {
        Waiting { id: [id; 8], expires_at: NOW.plus(seconds) }
    }

    #[test]
    fn what_is_shown_and_signed_begins_with_who_asks() {
        let ask = Ask::new("Pay 20 EUR to Ann", Some("Bank"), None).expect("valid");
        assert_eq!((ask.text(), ask.relying_party(), ask.expires_in()), ("Bank: Pay 20 EUR to Ann", Some("Bank"), 120));
        assert_eq!(Ask::new("ü", None, Some(10)).expect("valid").text(), "ü");
    }

    #[test]
    fn what_a_holder_could_not_read_cannot_be_asked() {
        let refused = |text: &str, party, seconds| Ask::new(text, party, seconds).expect_err("refused");
        assert_eq!(refused("", None, None), AskError::Empty);
        assert_eq!(refused(" \u{a0} ", None, None), AskError::Empty);
        assert_eq!(Ask::new(&"x".repeat(200), None, None).map(drop), Ok(()));
        assert_eq!(refused(&"x".repeat(201), None, None), AskError::TooLong);
        assert_eq!(refused(&"é".repeat(101), None, None), AskError::TooLong);
        assert_eq!(refused(&"x".repeat(198), Some("B"), None), AskError::TooLong);
        for hidden in
            ["a\nb", "a\0", "a\u{7f}", "a\u{85}b", "a\u{202e}b", "a\u{2066}b", "a\u{200f}b", "a\u{2028}b", "\u{feff}a"]
        {
            assert_eq!(refused(hidden, None, None), AskError::Hidden);
            assert_eq!(refused("Pay", Some(hidden), None), AskError::Hidden);
        }
        let long = "x".repeat(33);
        for party in ["", "  ", &long] {
            assert_eq!(refused("Pay", Some(party), None), AskError::RelyingParty);
        }
        for seconds in [0, 9, 86_401, u32::MAX] {
            assert_eq!(refused("Pay", None, Some(seconds)), AskError::Expiry);
        }
        assert!([10, 86_400].into_iter().all(|seconds| Ask::new("Pay", None, Some(seconds)).is_ok()));
    }

    #[test]
    fn three_wait_at_most_and_an_expired_one_makes_room() {
        let mut list = WaitingList::default();
        assert_eq!((1..=3).map(|id| list.add(waiting(id, 10), NOW)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        assert_eq!(list.mask(NOW), 7);
        assert_eq!(list.add(waiting(4, 10), NOW.plus(9)), None);
        assert_eq!(list.mask(NOW.plus(10)), 0);
        assert_eq!(list.add(waiting(4, 30), NOW.plus(10)), Some(0));
        assert!(list.has(&[4; 8]) && !list.has(&[1; 8]) && list.has(&[2; 8]));
        list.clear();
        assert_eq!(list.mask(NOW), 0);
    }

    #[test]
    fn an_index_is_given_again_as_late_as_possible() {
        let mut list = WaitingList::default();
        let mut indexes = Vec::new();
        for id in 0..6 {
            indexes.extend(list.add(waiting(id, 10), NOW));
            list.remove(&[id; 8]);
        }
        assert_eq!(indexes, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn an_approval_under_duress_reads_as_a_denial_to_whoever_must_not_know() {
        assert_eq!(ConfirmationState::Duress.told(false), ConfirmationState::Denied { reason: 0 });
        assert_eq!(ConfirmationState::Duress.told(true).name(), "duress");
        assert_eq!(ConfirmationState::Approved.told(false).name(), "approved");
    }
}

//! What travels: JSON with fields that are all known, so that a misspelled one is told and not passed over.

mod answered;
mod device;
mod evidence;
mod journal;
mod operation;
mod presence;
mod profile;
mod replay;
mod session;
mod state;

use std::fmt;
use std::time::Duration;

use cardea_sdk::{Approval, Pin};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

pub(super) use answered::{
    About, Answered, Changed, ConfirmationList, ConfirmationView, Enrolled, HistoryList, InvitationView, SiblingList,
};
pub(super) use device::{DeviceList, DeviceView, TokenList, TokenView};
#[cfg(feature = "embedded-server")]
pub(super) use evidence::ScenarioQuery;
pub(super) use evidence::{Catalogue, LinesQuery, NewRules, Packets, RuleList, TraceView};
pub(super) use journal::{EntryList, EntryView, JournalQuery};
pub(super) use operation::{
    Answering, Enroll, Forget, Invited, Label, NetworkProfile, NewDevice, Operation, PinChange, Revoke, SetSkew, Which,
    WhichText,
};
pub(super) use presence::{
    DelayWord, Habit, OutcomeWord, PersonaSet, PresenceView, PromptAnswer, PromptList, PromptView,
};
pub use profile::DeviceProfile;
pub(super) use replay::{Replay, ReplayMode, ReplayView};
pub(super) use session::{Advance, ClockView, InVain, NearMiss, NewSession, SessionList, SessionView, SetClock, Until};
pub(super) use state::{
    DifferenceList, Export, Exported, Import, NewName, Save, SnapshotList, SnapshotPath, SnapshotView, With,
};

use super::problem::Problem;

/// A PIN, in a body: neither shown nor kept.
#[derive(ToSchema)]
#[schema(value_type = String, example = "274951", min_length = 6, max_length = 12, pattern = "^[0-9]*$")]
pub(super) struct PinText(Zeroizing<String>);

impl<'de> Deserialize<'de> for PinText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new).map(Self)
    }
}

impl fmt::Debug for PinText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinText")
    }
}

impl PinText {
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// What approves: this PIN, or without one what the holder says.
    pub(super) fn approval(pin: Option<&Self>) -> Result<Approval, Problem> {
        let pin = pin.map(|pin| Pin::new(pin.text().as_bytes())).transpose();
        let pin = pin.map_err(|error| Problem::Engine(cardea_sdk::WalletError::from(error).into()))?;
        Ok(pin.map_or(Approval::Ask, Approval::Pin))
    }
}

/// The session of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the description of the API")]
pub(super) struct SessionPath {
    /// Its name.
    session: String,
}

/// The device of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the description of the API")]
pub(super) struct DevicePath {
    /// The name of the session.
    session: String,
    /// The name of the device.
    device: String,
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

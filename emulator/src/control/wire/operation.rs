//! What devices are to be, and what they are told to do.

use std::time::Duration;

use cardea_sdk::DenyReason;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::PinText;
use super::presence::persona;
use crate::control::problem::Problem;
use crate::engine::{Persona, Profile};

/// A device to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct NewDevice {
    /// Its name: 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-'.
    pub(in super::super) name: String,
    /// The PIN of its holder; one that everybody knows if it is left out.
    #[serde(default)]
    pub(in super::super) pin: Option<PinText>,
    /// Duress PINs beside it.
    #[serde(default)]
    pub(in super::super) duress_pins: Vec<PinText>,
    /// Enrolls it at once; without success it is not made.
    #[serde(default)]
    pub(in super::super) enroll: Option<Invited>,
    /// What it is like from the beginning: a profile of the emulator's configuration.
    #[serde(default)]
    pub(in super::super) profile: Option<String>,
    /// Hears from the beginning what servers say unasked.
    #[serde(default)]
    pub(in super::super) watch: bool,
}

impl NewDevice {
    /// Who holds it, if that was said.
    pub(in super::super) fn persona(&self) -> Result<Option<Persona>, Problem> {
        match &self.pin {
            None if !self.duress_pins.is_empty() => Err(Problem::BadCall("duressPins need a pin beside them".into())),
            None => Ok(None),
            Some(pin) => persona(pin, &self.duress_pins).map(Some),
        }
    }
}

/// An invitation: a link or a code, or a picture of it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Invited {
    /// A link, or a code that is typed.
    pub(in super::super) invitation: Option<String>,
    /// A PNG or JPEG picture of its QR code, in Base64; at most 4 MiB before that.
    pub(in super::super) picture: Option<String>,
    /// The server of a code.
    pub(in super::super) host: Option<String>,
}

/// How to enroll.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct Enroll {
    /// A link, or a code that is typed.
    #[serde(default)]
    pub(in super::super) invitation: Option<String>,
    /// A PNG or JPEG picture of its QR code, in Base64; at most 4 MiB before that.
    #[serde(default)]
    pub(in super::super) picture: Option<String>,
    /// The server of a code.
    #[serde(default)]
    pub(in super::super) host: Option<String>,
    /// The PIN to choose, which the holder has from then on; the holder's own if it is left out.
    #[serde(default)]
    pin: Option<PinText>,
    /// Duress PINs beside it, if the service allows them.
    #[serde(default)]
    duress_pins: Vec<PinText>,
    /// What to call the token on this device.
    #[serde(default)]
    pub(in super::super) label: Option<String>,
}

impl Enroll {
    /// With what.
    pub(in super::super) fn invited(&mut self) -> Invited {
        Invited { invitation: self.invitation.take(), picture: self.picture.take(), host: self.host.take() }
    }

    /// Who holds the device from now on, if that was said.
    pub(in super::super) fn persona(&self) -> Result<Option<Persona>, Problem> {
        match &self.pin {
            None if !self.duress_pins.is_empty() => Err(Problem::BadCall("duressPins need a pin beside them".into())),
            None => Ok(None),
            Some(pin) => persona(pin, &self.duress_pins).map(Some),
        }
    }
}

/// Which token; the only one if nothing is said.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct Which {
    /// The beginning of its id, or its whole label or service name.
    pub(in super::super) token: Option<String>,
    /// A page of the history, from 0.
    pub(in super::super) page: u8,
}

/// Which text of which token; the only one if nothing is said.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct WhichText {
    /// The beginning of the token's id, or its whole label or service name.
    pub(in super::super) token: Option<String>,
    /// The beginning of the text's id.
    pub(in super::super) id: Option<String>,
}

/// What to do with which token.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Operation {
    /// The beginning of its id, or its whole label or service name; the only one if it is left out.
    pub(in super::super) token: Option<String>,
    /// Opens it for at most so long.
    seconds: Option<u64>,
    /// What the holder types; if it is left out, the holder is asked.
    pub(in super::super) pin: Option<PinText>,
}

impl Operation {
    pub(in super::super) fn time(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }
}

/// What to do with a text that waits.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Answering {
    /// The token.
    pub(in super::super) token: Option<String>,
    /// The beginning of the text's id; the only one that waits if it is left out.
    pub(in super::super) id: Option<String>,
    /// What the holder types to approve; if it is left out, the holder is asked.
    pub(in super::super) pin: Option<PinText>,
    /// Why it is denied.
    #[serde(default)]
    #[schema(default = "unsaid")]
    pub(in super::super) reason: DenyWord,
}

/// Why a text is denied.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum DenyWord {
    /// Nobody's business.
    #[default]
    Unsaid,
    /// The holder has changed his mind.
    Cancelled,
    /// The holder did not start what the text is about.
    NotMe,
}

impl From<DenyWord> for DenyReason {
    fn from(word: DenyWord) -> Self {
        match word {
            DenyWord::Unsaid => Self::Unsaid,
            DenyWord::Cancelled => Self::Cancelled,
            DenyWord::NotMe => Self::NotMe,
        }
    }
}

/// New PINs for a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct PinChange {
    #[serde(default)]
    pub(in super::super) token: Option<String>,
    /// The one that is in use; if it is left out, the holder is asked.
    #[serde(default)]
    pub(in super::super) pin: Option<PinText>,
    /// The one that opens from now on.
    new_pin: PinText,
    /// Those for duress. None of the old ones stays.
    #[serde(default)]
    duress_pins: Vec<PinText>,
}

impl PinChange {
    pub(in super::super) fn persona(&self) -> Result<Persona, Problem> {
        persona(&self.new_pin, &self.duress_pins)
    }
}

/// Which device of a token to revoke.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Revoke {
    #[serde(default)]
    pub(in super::super) token: Option<String>,
    /// Its id, eight hexadecimal digits.
    pub(in super::super) device: String,
    /// What the holder types; if it is left out, the holder is asked.
    #[serde(default)]
    pub(in super::super) pin: Option<PinText>,
}

/// What to call a token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Label {
    #[serde(default)]
    pub(in super::super) token: Option<String>,
    /// At most 64 bytes.
    pub(in super::super) label: String,
}

/// Which token to remove from the device without telling its server.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct Forget {
    pub(in super::super) token: Option<String>,
}

/// By how many seconds the device's clock is ahead; behind if negative.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct SetSkew {
    pub(in super::super) skew_seconds: i64,
}

/// What the network of a device is like.
#[derive(Debug, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NetworkProfile {
    /// A name (ideal, offline, 2g, 3g, lossy-wifi, captive, flap, half-open), or an object with its conditions: latencyMs,
    /// jitterMs, bandwidth, loss, limitData, down, halfOpen, captive, flap.
    #[schema(inline, example = "lossy-wifi")]
    pub(in super::super) profile: Profile,
}

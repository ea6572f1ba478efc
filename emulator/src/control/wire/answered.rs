//! What came of what devices were told, and what servers say of their tokens.

use cardea_sdk::{Confirmation, DeviceInfo, Enrollment, HistoryItem, ServiceInfo, Status};
use serde::Serialize;
use utoipa::ToSchema;

use super::device::StateWord;
use crate::engine::{Device, EngineError, Persona, Tokens};
/// A new token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Enrolled {
    token: String,
    /// Six digits to compare with those on the enrolling page, if the service wants that.
    short_string: Option<String>,
    /// Whether the token stays unusable until they were compared.
    short_string_required: bool,
    /// The PINs that it has, where nobody chose any: those that everybody knows.
    well_known_pins: Option<WellKnownPins>,
}

/// PINs that everybody knows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WellKnownPins {
    /// Opens.
    pin: &'static str,
    /// Opens under duress, where the service wants such a PIN.
    duress_pin: Option<&'static str>,
}

impl Enrolled {
    /// As it is with PINs that somebody chose.
    pub(in super::super) fn with_chosen_pins(enrolled: &Enrollment) -> Self {
        Self {
            token: enrolled.token.key().to_string(),
            short_string: enrolled.short_string.as_ref().map(|(digits, _)| digits.clone()),
            short_string_required: enrolled.short_string_required,
            well_known_pins: None,
        }
    }

    /// As it is with the PINs that everybody knows.
    pub(in super::super) async fn with_well_known_pins(enrolled: &Enrollment) -> Result<Self, EngineError> {
        let policy = enrolled.token.summary().await?.policy;
        let pins = Persona::well_known(&policy).map(|(pin, duress_pin)| WellKnownPins { pin, duress_pin });
        Ok(Self { well_known_pins: pins, ..Self::with_chosen_pins(enrolled) })
    }
}

/// Whom an invitation comes from. Nobody was asked, and nothing was used up.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct InvitationView {
    /// The server, for a person to look at.
    pub(in super::super) server: String,
}

/// How a token stands, as its server has just said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Changed {
    /// The token's id.
    token: Option<String>,
    /// The number that relying parties read, as far as a device may know it: 0, 1, 2 or 4.
    status: u8,
    /// The same in a word.
    state: StateWord,
    /// Seconds until that ends by itself.
    remaining: Option<u64>,
    /// Wrong PINs left before the token is blocked.
    tries_left: u8,
    /// How many texts wait to be approved or denied.
    confirmations: u8,
}

impl Changed {
    /// Of the token of the device that is called so.
    pub(in super::super) async fn of(device: &Device, token: Option<&str>, status: Status) -> Self {
        let infos = device.list().await.unwrap_or_default();
        let meant = Tokens(&infos).select(token).ok();
        Self {
            token: meant.map(|info| info.token.clone()),
            status: status.state.number(),
            state: status.state.into(),
            remaining: status.remaining.map(|time| time.as_secs()),
            tries_left: status.tries_left,
            confirmations: status.confirmations,
        }
    }
}

/// A text that was answered, and how the token stands now.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Answered {
    /// approved or denied.
    answer: &'static str,
    confirmation: ConfirmationView,
    #[serde(flatten)]
    now: Changed,
}

impl Answered {
    pub(in super::super) fn of(answer: &'static str, confirmation: &Confirmation, now: Changed) -> Self {
        Self { answer, confirmation: ConfirmationView::from(confirmation), now }
    }
}

/// A text that waits to be approved or denied.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ConfirmationView {
    id: String,
    /// Exactly what is signed.
    text: String,
    /// In Unix seconds, by the server's clock.
    expires_at: u64,
}

impl From<&Confirmation> for ConfirmationView {
    fn from(confirmation: &Confirmation) -> Self {
        Self {
            id: confirmation.id(),
            text: confirmation.text().to_owned(),
            expires_at: confirmation.expires_at().into(),
        }
    }
}

/// The texts that wait.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct ConfirmationList {
    confirmations: Vec<ConfirmationView>,
}

impl ConfirmationList {
    pub(in super::super) fn of(waiting: &[Confirmation]) -> Self {
        Self { confirmations: waiting.iter().map(ConfirmationView::from).collect() }
    }
}

/// What the service calls itself and the holder.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct About {
    service: String,
    user: String,
}

impl From<ServiceInfo> for About {
    fn from(info: ServiceInfo) -> Self {
        Self { service: info.service, user: info.user }
    }
}

/// A device of a token, as its server knows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    device: String,
    /// 0 unknown, 1 Android, 2 iOS, 3 Linux, 4 macOS, 5 Windows, 6 bare metal.
    platform: u8,
    emulated: bool,
    /// Whether it is this device.
    this: bool,
    enrolled_at: u32,
    last_seen: u32,
}

/// The devices of a token.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct SiblingList {
    devices: Vec<Sibling>,
}

impl SiblingList {
    pub(in super::super) fn of(devices: &[DeviceInfo]) -> Self {
        let view = |device: &DeviceInfo| Sibling {
            device: device.device.to_string(),
            platform: device.platform,
            emulated: device.emulated,
            this: device.is_this,
            enrolled_at: device.enrolled_at,
            last_seen: device.last_seen,
        };
        Self { devices: devices.iter().map(view).collect() }
    }
}

/// What was done with a token.
#[derive(Debug, Serialize, ToSchema)]
struct Done {
    /// In Unix seconds, by the server's clock.
    time: u32,
    what: &'static str,
    /// By which device; by an administrator without one.
    device: Option<String>,
}

/// A page of what was done with a token, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct HistoryList {
    history: Vec<Done>,
}

impl HistoryList {
    pub(in super::super) fn of(items: &[HistoryItem]) -> Self {
        let view = |item: &HistoryItem| Done {
            time: item.time,
            what: item.deed.text(),
            device: item.device.map(|device| device.to_string()),
        };
        Self { history: items.iter().map(view).collect() }
    }
}

//! Devices, and what they answer.

use cardea_sdk::{Confirmation, DeviceInfo, DeviceStatus, Enrollment, HistoryItem, ServiceInfo, Status, WalletError};
use serde::Serialize;
use utoipa::ToSchema;

use super::PromptView;
use super::presence::PurposeWord;
use crate::engine::{Device, EngineError, Persona, TokenInfo, Tokens};

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

/// How a token stands, as far as a device may know it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StateWord {
    /// The server knows no token.
    NotEnrolled,
    /// Who asks is told yes.
    Open,
    /// Who asks is told no.
    Closed,
    /// Too many wrong PINs, or an administrator.
    Blocked,
}

impl From<DeviceStatus> for StateWord {
    fn from(state: DeviceStatus) -> Self {
        match state {
            DeviceStatus::NotEnrolled => Self::NotEnrolled,
            DeviceStatus::Open => Self::Open,
            DeviceStatus::Closed => Self::Closed,
            DeviceStatus::Blocked => Self::Blocked,
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

/// A token of a device, and how it stands as far as its server has said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct TokenView {
    /// Its id: that of the token and that of the device, in hexadecimal.
    token: String,
    /// Server's host.
    host: String,
    /// Server's port.
    port: u16,
    /// Name of the service, or empty.
    service: String,
    /// What the holder calls it, or empty.
    label: String,
    /// When it was enrolled, in Unix seconds.
    added_at: u64,
    /// Whether the server has confirmed the enrollment.
    confirmed: bool,
    /// Whether something was sent that was never answered.
    pending: bool,
    #[serde(flatten)]
    standing: StandingView,
}

/// How a token stands, as far as its server has said to this device.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StandingView {
    /// open, closed, blocked, not-enrolled; nothing if the server has not said it, or no token is meant.
    state: Option<StateWord>,
    /// Seconds until the state ends by itself.
    remaining: Option<u64>,
    /// When the server said how the token stands, in Unix seconds of the session.
    said_at: Option<u64>,
    /// How many seconds ago the server said how the token stands.
    age: Option<u64>,
    /// Wrong PINs left before the token is blocked.
    tries_left: Option<u8>,
    /// How many texts wait to be approved or denied.
    confirmations: Option<u8>,
    /// Whether the server was reached when it was last tried.
    online: Option<bool>,
}

impl StandingView {
    fn of(device: &Device, info: &TokenInfo) -> Self {
        let (standing, now) = (device.standing(info.key), device.session_now());
        Self {
            state: standing.state(now).map(StateWord::from),
            remaining: standing.remaining(now),
            said_at: standing.said.map(|said| said.at),
            age: standing.said.map(|said| now.saturating_sub(said.at)),
            tries_left: standing.said.and_then(|said| said.tries_left),
            confirmations: standing.said.map(|said| said.confirmations),
            online: standing.is_online,
        }
    }
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct DeviceView {
    /// Its name.
    pub(in super::super) device: String,
    /// Of the token that was asked for, or the only one.
    #[serde(flatten)]
    standing: StandingView,
    /// Whether it has a token.
    enrolled: bool,
    /// Its tokens, each with how it stands as far as its server has said.
    tokens: Vec<TokenView>,
    /// What the holder is asked first, in a word.
    prompt: Option<PurposeWord>,
    /// The questions that wait for an answer, the oldest first.
    prompts: Vec<PromptView>,
    /// Whether it hears what servers say unasked.
    watched: bool,
    /// Whether a defect of the program has broken it: it does nothing more.
    broken: bool,
    /// What is wrong with where its tokens are kept, if they cannot be read: none are shown then, and whether it is enrolled is
    /// not known. `device reset` makes it new, `device rm` takes it out.
    damaged: Option<String>,
    /// Whether its holder knows a PIN to type. Not after the emulator was started again with tokens whose PINs were chosen: those
    /// are not kept, and calls that need one have to say it.
    knows_pin: bool,
    /// What its network is like: a name, or `custom`.
    network: String,
    /// What its clock shows, and how wrong it is.
    clock: DeviceClockView,
}

/// The clock of a device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeviceClockView {
    /// What it shows, in Unix seconds.
    now: u64,
    /// By how many seconds it is ahead of its session; behind if negative.
    skew_seconds: i64,
}

impl DeviceView {
    /// Of a device, and of the token that is called so.
    pub(in super::super) async fn of(device: &Device, token: Option<&str>) -> Result<Self, EngineError> {
        let infos = device.list().await?;
        let meant = match Tokens(&infos).select(token) {
            Ok(info) => Some(info),
            Err(error) if token.is_some() => return Err(error),
            Err(_) => None,
        };
        Ok(Self::with(device, &infos, meant, None))
    }

    /// Of a device among others, which are shown whatever is wrong with this one.
    pub(in super::super) async fn among_others(device: &Device) -> Result<Self, EngineError> {
        match Self::of(device, None).await {
            Err(EngineError::Wallet(WalletError::Store(error))) => {
                Ok(Self::with(device, &[], None, Some(error.to_string())))
            }
            view => view,
        }
    }

    fn with(device: &Device, infos: &[TokenInfo], meant: Option<&TokenInfo>, damaged: Option<String>) -> Self {
        let prompts: Vec<PromptView> = device.human().prompts().iter().map(PromptView::from).collect();
        Self {
            device: device.name().to_owned(),
            standing: meant.map(|info| StandingView::of(device, info)).unwrap_or_default(),
            enrolled: !infos.is_empty(),
            tokens: infos.iter().map(|info| TokenView::of(device, info)).collect(),
            prompt: prompts.first().map(PromptView::purpose),
            prompts,
            watched: device.is_watched(),
            broken: device.is_broken(),
            damaged,
            knows_pin: !device.human().persona().is_untold(),
            network: device.network().show().to_string(),
            clock: DeviceClockView { now: device.now(), skew_seconds: device.clock().skew() },
        }
    }
}

impl TokenView {
    /// Of the token that is called so.
    ///
    /// # Errors
    /// As [`Device::select`].
    pub(in super::super) async fn named(device: &Device, token: Option<&str>) -> Result<Self, EngineError> {
        let infos = device.list().await?;
        Tokens(&infos).select(token).map(|info| Self::of(device, info))
    }

    fn of(device: &Device, info: &TokenInfo) -> Self {
        Self {
            token: info.token.clone(),
            host: info.host.clone(),
            port: info.port,
            service: info.service.clone(),
            label: info.label.clone(),
            added_at: info.added_at,
            confirmed: info.confirmed,
            pending: info.pending,
            standing: StandingView::of(device, info),
        }
    }
}

/// The devices of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct DeviceList {
    pub(in super::super) devices: Vec<DeviceView>,
}

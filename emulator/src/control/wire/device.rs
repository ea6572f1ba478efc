//! Devices and their tokens.

use cardea_sdk::{DeviceStatus, WalletError};
use serde::Serialize;
use utoipa::ToSchema;

use super::PromptView;
use super::presence::PurposeWord;
use crate::engine::{Device, EngineError, TokenInfo, Tokens};

/// How a token stands, as far as a device may know it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StateWord {
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
    /// Whether it has a token; nothing if that cannot be read.
    enrolled: Option<bool>,
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
    /// What is wrong with where its tokens are kept, if they cannot be read: none are shown then. `device reset` makes it new, `device rm` removes it.
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
    /// Of a device, and of the token that is called so. One whose tokens cannot be read is shown as damaged, unless one of them is
    /// asked for.
    ///
    /// # Errors
    /// As [`Device::select`].
    pub(in super::super) async fn of(device: &Device, token: Option<&str>) -> Result<Self, EngineError> {
        let infos = match device.list().await {
            Err(EngineError::Wallet(WalletError::Store(error))) if token.is_none() => {
                return Ok(Self::with(device, None, None, Some(error.to_string())));
            }
            infos => infos?,
        };
        let meant = match Tokens(&infos).select(token) {
            Ok(info) => Some(info),
            Err(error) if token.is_some() => return Err(error),
            Err(_) => None,
        };
        Ok(Self::with(device, Some(&infos), meant, None))
    }

    fn with(device: &Device, infos: Option<&[TokenInfo]>, meant: Option<&TokenInfo>, damaged: Option<String>) -> Self {
        let prompts: Vec<PromptView> = device.human().prompts().iter().map(PromptView::from).collect();
        Self {
            device: device.name().to_owned(),
            standing: meant.map(|info| StandingView::of(device, info)).unwrap_or_default(),
            enrolled: infos.map(|infos| !infos.is_empty()),
            tokens: infos.into_iter().flatten().map(|info| TokenView::of(device, info)).collect(),
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

/// The tokens of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct TokenList {
    /// Each with how it stands as far as its server has said.
    tokens: Vec<TokenView>,
}

impl TokenList {
    /// Of a device.
    ///
    /// # Errors
    /// As [`Device::list`].
    pub(in super::super) async fn of(device: &Device) -> Result<Self, EngineError> {
        let infos = device.list().await?;
        Ok(Self { tokens: infos.iter().map(|info| TokenView::of(device, info)).collect() })
    }
}

/// The devices of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct DeviceList {
    pub(in super::super) devices: Vec<DeviceView>,
}

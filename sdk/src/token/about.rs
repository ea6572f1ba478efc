//! What a device may read of its token: names, devices, history.

use cardea_protocol::device::Intent;
use cardea_protocol::token::DeviceId;
use cardea_protocol::wire::{LargeReply, Op};

use super::Token;
use crate::approval::Approval;
use crate::error::WalletError;
use crate::operation::{Work, work};
use crate::presence::Purpose;
use crate::status::{Status, accepted};

/// What the holder is to see of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// Name of the service.
    pub service: String,
    /// What the service calls the holder.
    pub user: String,
    /// Foreground, 8-bit RGB.
    pub foreground: [u8; 3],
    /// Background, 8-bit RGB.
    pub background: [u8; 3],
}

/// A device of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// Its id.
    pub device: DeviceId,
    /// 0 unknown, 1 Android, 2 iOS, 3 Linux, 4 macOS, 5 Windows, 6 bare metal.
    pub platform: u8,
    /// It is emulated.
    pub emulated: bool,
    /// It is this device.
    pub is_this: bool,
    /// When it was enrolled, in Unix seconds.
    pub enrolled_at: u32,
    /// When the server last executed anything for it, in Unix seconds.
    pub last_seen: u32,
}

/// What was done with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deed {
    /// It was opened.
    Opened,
    /// It was closed.
    Closed,
    /// Its PINs were changed.
    PinsChanged,
    /// A device got a new key.
    KeyRotated,
    /// A device gave itself up.
    Unenrolled,
    /// A text was approved.
    Approved,
    /// A text was denied.
    Denied,
    /// A device was revoked.
    DeviceRevoked,
    /// A device was taken in again after the server was restored.
    Resynced,
    /// Something that this version does not know, by its number.
    Other(u8),
}

impl Deed {
    fn of(number: u8) -> Self {
        match Op::from_number(number) {
            Some(Op::Open) => Self::Opened,
            Some(Op::Close) => Self::Closed,
            Some(Op::SetPins) => Self::PinsChanged,
            Some(Op::Rotate) => Self::KeyRotated,
            Some(Op::Unenroll) => Self::Unenrolled,
            Some(Op::Confirm) => Self::Approved,
            Some(Op::Deny) => Self::Denied,
            Some(Op::RevokeDevice) => Self::DeviceRevoked,
            Some(Op::Resync) => Self::Resynced,
            _ => Self::Other(number),
        }
    }

    /// In a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::PinsChanged => "PINs changed",
            Self::KeyRotated => "key changed",
            Self::Unenrolled => "device given up",
            Self::Approved => "text approved",
            Self::Denied => "text denied",
            Self::DeviceRevoked => "device revoked",
            Self::Resynced => "device resynced",
            Self::Other(_) => "something else",
        }
    }
}

/// A line of a token's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryItem {
    /// When, in Unix seconds.
    pub time: u32,
    /// What.
    pub deed: Deed,
    /// By which device; `None` for an administrator.
    pub device: Option<DeviceId>,
}

impl Token {
    /// What the holder is to see of the service. The wallet keeps its name, for [`Token::summary`].
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn info(&self) -> Result<ServiceInfo, WalletError> {
        match self.read(&Intent::Info).await? {
            LargeReply::Info(_, info) => {
                let info = ServiceInfo {
                    service: info.service.as_str().to_owned(),
                    user: info.label.as_str().to_owned(),
                    foreground: info.colors[0],
                    background: info.colors[1],
                };
                // It was asked for and is here: a store that does not keep it, or another program that is at the token
                // now, changes nothing about that.
                let _ = self.keep_name(&info.service).await;
                Ok(info)
            }
            other => Err(refusal(&other)),
        }
    }

    fn keep_name<'a>(&'a self, service: &'a str) -> Work<'a, ()> {
        work(async move {
            if self.load().await?.details.service == service {
                return Ok(());
            }
            self.describe(Box::new(|details| details.service = service.to_owned())).await
        })
    }

    /// The devices of the token, this one among them.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn devices(&self) -> Result<Vec<DeviceInfo>, WalletError> {
        match self.read(&Intent::Devices).await? {
            LargeReply::Devices(_, devices) => Ok(devices
                .0
                .into_iter()
                .flatten()
                .map(|entry| DeviceInfo {
                    device: entry.device,
                    platform: entry.platform,
                    emulated: entry.flags & 1 != 0,
                    is_this: entry.flags & 2 != 0,
                    enrolled_at: entry.enrolled_at,
                    last_seen: entry.last_seen,
                })
                .collect()),
            other => Err(refusal(&other)),
        }
    }

    /// A page of at most sixteen lines of what was done with the token, newest first. Page 0 is the newest one.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn history(&self, page: u8) -> Result<Vec<HistoryItem>, WalletError> {
        match self.read(&Intent::History { page }).await? {
            LargeReply::History(_, history) => Ok(history
                .0
                .into_iter()
                .flatten()
                .map(|entry| HistoryItem {
                    time: entry.time,
                    deed: Deed::of(entry.op),
                    device: Some(entry.device).filter(|device| *device.bytes() != [0; 4]),
                })
                .collect()),
            other => Err(refusal(&other)),
        }
    }

    /// Revokes another device of the token, and closes the token. A wrong PIN counts at the server.
    ///
    /// # Errors
    /// [`WalletError`]. Code 13: there is no such other device.
    pub async fn revoke_device(&self, device: DeviceId, approval: impl Into<Approval>) -> Result<Status, WalletError> {
        let key = self.signing_key(approval.into(), Purpose::RevokeDevice).await?;
        self.signed(&|session, record, time| session.revoke_device(record, &key, device, time)).await
    }

    fn read<'a>(&'a self, intent: &'a Intent<'_>) -> Work<'a, LargeReply> {
        work(async move {
            let read = self.operate(Box::new(move |operation| operation.in_session().read(intent)));
            self.observed(read.await)
        })
    }
}

/// Why a large reply has nothing in it.
fn refusal(large: &LargeReply) -> WalletError {
    let reply = large.reply();
    accepted(reply).err().unwrap_or(WalletError::Refused(cardea_protocol::Code::Internal))
}

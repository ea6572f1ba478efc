//! What a token can be asked for: all of it in one table.
//!
//! Each call could as well be a future of its own; as one they are 20 kilobytes less in every library.

use std::sync::Arc;

use cardea_sdk::{DeviceId, Pin, Window};

use super::Parts;
use crate::call::{Answer, Work, under_way};
use crate::confirmation::{Confirmation, DenyReason};
use crate::error::Failure;
use crate::{Cancel, DeviceInfo, HistoryItem, ServiceInfo, TokenInfo};

/// An operation with what it needs. Its answer is what the call of this name returns.
pub(super) enum Operation {
    Info,
    Open(cardea_sdk::Approval, Window),
    Close,
    Status,
    ChangePin(cardea_sdk::Approval, cardea_sdk::NewPins),
    SetDuress(Pin, Vec<Pin>),
    Unenroll(cardea_sdk::Approval),
    Confirmations,
    Approve(Arc<Confirmation>, cardea_sdk::Approval),
    Deny(Arc<Confirmation>, Option<DenyReason>),
    ServiceInfo,
    Devices,
    History(u8),
    RevokeDevice(DeviceId, cardea_sdk::Approval),
    SetLabel(String),
    Forget,
}

impl Operation {
    /// Whether it needs nothing but what the wallet holds. The host is not asked for anything then.
    const fn asks_nobody(&self) -> bool {
        matches!(self, Self::Info | Self::SetLabel(_) | Self::Forget)
    }
}

/// Begins `operation`, after the host was asked for what it may need. One that is none ends before that.
#[inline(never)]
pub(super) fn begin(me: Arc<Parts>, cancel: Option<Arc<Cancel>>, operation: Result<Operation, Failure>) -> Work {
    let asked = me.shared.asked(&operation, Operation::asks_nobody);
    under_way(asked, cancel, Box::pin(perform(me, operation)))
}

async fn perform(me: Arc<Parts>, operation: Result<Operation, Failure>) -> Result<Answer, Failure> {
    let token = &me.token;
    let status = match operation? {
        Operation::Info => return Ok(Box::new(TokenInfo::from(token.summary().await?))),
        Operation::Open(approval, window) => token.open(approval, window).await?,
        Operation::Close => token.close().await?,
        Operation::Status => token.status().await?,
        Operation::ChangePin(current, new) => token.change_pin(current, new).await?,
        Operation::SetDuress(current, duress) => token.set_duress(current, duress).await?,
        Operation::Unenroll(approval) => return Ok(Box::new(token.unenroll(approval).await?)),
        Operation::Confirmations => {
            let waiting = token.confirmations().await?.into_iter().map(Confirmation::new);
            return Ok(Box::new(waiting.collect::<Vec<_>>()));
        }
        Operation::Approve(confirmation, approval) => token.approve(confirmation.inner(), approval).await?,
        Operation::Deny(confirmation, reason) => token.deny(confirmation.inner(), DenyReason::of(reason)).await?,
        Operation::ServiceInfo => return Ok(Box::new(ServiceInfo::from(token.info().await?))),
        Operation::Devices => {
            let devices = token.devices().await?.into_iter().map(DeviceInfo::from);
            return Ok(Box::new(devices.collect::<Vec<_>>()));
        }
        Operation::History(page) => {
            let lines = token.history(page).await?.into_iter().map(HistoryItem::from);
            return Ok(Box::new(lines.collect::<Vec<_>>()));
        }
        Operation::RevokeDevice(device, approval) => token.revoke_device(device, approval).await?,
        Operation::SetLabel(label) => return Ok(Box::new(token.set_label(&label).await?)),
        Operation::Forget => return Ok(Box::new(token.forget().await?)),
    };
    Ok(Box::new(me.shared.status(&status)))
}

//! What an answer means to the holder.

use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::limits::CLOCK_WARNING_SECONDS;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::Reply;

use crate::error::WalletError;

/// How a token stands, as its server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The status.
    pub state: DeviceStatus,
    /// How long it lasts from when the server answered (open or blocked), if it ends by itself.
    pub remaining: Option<Duration>,
    /// Wrong PINs left before the token is blocked.
    pub tries_left: u8,
    /// How many texts wait to be approved or denied.
    pub confirmations: u8,
    /// The server's clock when it answered, in Unix seconds.
    pub server_time: u32,
}

impl Status {
    pub(crate) fn of(reply: &Reply) -> Self {
        Self {
            state: reply.status,
            remaining: remaining(reply),
            tries_left: reply.tries,
            confirmations: u8::try_from(reply.waiting().count_ones()).unwrap_or_default(),
            server_time: reply.server_time,
        }
    }

    /// How far this device's clock is from the server's, in seconds, when that is more than anyone should accept
    /// (five minutes). `now` is the device's clock in Unix seconds.
    #[must_use]
    pub fn clock_difference(&self, now: u64) -> Option<u64> {
        let difference = now.abs_diff(u64::from(self.server_time));
        (difference > u64::from(CLOCK_WARNING_SECONDS)).then_some(difference)
    }
}

fn remaining(reply: &Reply) -> Option<Duration> {
    (reply.until != 0).then(|| Duration::from_secs(reply.until.saturating_sub(reply.server_time).into()))
}

/// The status, if the operation was done.
pub(crate) fn accepted(reply: &Reply) -> Result<Status, WalletError> {
    match reply.code {
        Code::Ok => Ok(Status::of(reply)),
        Code::PinRejected => Err(WalletError::PinRejected { tries_left: reply.tries }),
        Code::Wait => {
            Err(WalletError::Wait { remaining: remaining(reply).unwrap_or_default(), tries_left: reply.tries })
        }
        Code::Blocked => Err(WalletError::Blocked { remaining: remaining(reply) }),
        Code::NotEnrolled => Err(WalletError::NotEnrolled),
        Code::ConfirmationUnknown => Err(WalletError::ConfirmationGone),
        Code::ConfirmationExpired => Err(WalletError::ConfirmationExpired),
        code => Err(WalletError::Refused(code)),
    }
}

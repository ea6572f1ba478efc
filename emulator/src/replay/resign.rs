//! The operations of a trace, done again by a new device: with other keys and other ephemerals, and compared in what comes of them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use cardea_sdk::{Approval, DenyReason, Invitation, Status};

use super::ReplayError;
use super::decisions::{DONE, Decision, NO_ANSWER, decisions, state};
use super::verbatim::permitted;
use crate::engine::{Device, EngineError, Outcome, Session};
use crate::exit::word_of_engine;
use crate::trace::{File, Line};

/// An operation that was done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The number of its frame in the trace.
    pub number: u64,
    /// The operation, as traces call it.
    pub op: String,
    /// What had come of it: `done`, how the token stood, or why not.
    pub recorded: Cow<'static, str>,
    /// What comes of it now; `left-out` for what only one device can do.
    pub now: Cow<'static, str>,
}

impl Step {
    /// Whether as much comes of it.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.recorded == self.now
    }
}

/// Enrolls `device`, which has no token yet, and has its holder want what that of the device `of` in the trace wanted, in the same order;
/// without `of` there is only one. Who typed a wrong PIN does so again. What others did meanwhile is not repeated, nor does time
/// pass between operations.
///
/// # Errors
/// [`ReplayError`]: nothing was done, or the device did not enroll.
pub async fn resign(
    session: &Session,
    recorded: &File,
    of: Option<&str>,
    device: &Device,
    invitation: &Invitation,
) -> Result<Vec<Step>, ReplayError> {
    let wanted = wanted(recorded, of)?;
    permitted(session, &invitation.endpoint().host)?;
    device.enroll(invitation).await?;
    let mut steps = Vec::new();
    for Decision { number, op, win, outcome: recorded } in wanted {
        let now = again(device, &op, win, &recorded).await;
        steps.push(Step { number, op, recorded, now });
    }
    Ok(steps)
}

/// What the holder of the device wanted.
fn wanted(recorded: &File, of: Option<&str>) -> Result<Vec<Decision>, ReplayError> {
    let all: BTreeSet<&str> = recorded.lines.iter().map(|line| &*line.device).collect();
    let nothing = || ReplayError::Nothing(of.map(str::to_owned));
    let of = match of {
        Some(of) => of,
        None if all.len() > 1 => return Err(ReplayError::Several(all.into_iter().map(str::to_owned).collect())),
        None => all.first().ok_or_else(nothing)?,
    };
    let lines: Vec<&Line> = recorded.lines.iter().filter(|line| line.device == of).collect();
    if lines.is_empty() {
        return Err(nothing());
    }
    Ok(decisions(&lines))
}

/// One operation, and what comes of it.
async fn again(device: &Device, op: &str, win: u8, recorded: &str) -> Cow<'static, str> {
    let human = device.human();
    if recorded == "pin-rejected" {
        // Whoever has nothing else to do next has room for it.
        human.next(Outcome::WrongPin);
    }
    let window = (1..32).contains(&win).then(|| Duration::from_secs(1 << win));
    let came = match op {
        "OPEN" => device.open(None, window).await.map(said),
        "CLOSE" => device.close(None).await.map(said),
        "STATUS" => device.status(None).await.map(said),
        "CONFIRM" => device.approve(None, None, Approval::Ask).await.map(|(_, status)| said(status)),
        "DENY" => device.deny(None, None, reason(win)).await.map(|(_, status)| said(status)),
        "SET_PINS" => device.change_pins(None, human.persona(), Approval::Ask).await.map(said),
        "UNENROLL" => device.unenroll(None, Approval::Ask).await.map(|()| DONE),
        "INFO" => device.about(None).await.map(|_| DONE),
        "DEVICES" => device.devices(None).await.map(|_| DONE),
        "HISTORY" => device.history(None, win).await.map(|_| DONE),
        _ => Ok("left-out"),
    };
    // Nobody was asked, if it did not come to that.
    human.clear_next();
    came.unwrap_or_else(|error| failed(&error)).into()
}

const fn said(status: Status) -> &'static str {
    state(status.state)
}

/// The reason of a denial, from the high half of its `win`.
const fn reason(win: u8) -> DenyReason {
    match win >> 4 {
        1 => DenyReason::Cancelled,
        2 => DenyReason::NotMe,
        _ => DenyReason::Unsaid,
    }
}

fn failed(error: &EngineError) -> &'static str {
    match word_of_engine(error) {
        // As a trace has it, where the same is seen from outside.
        "offline" | "not-confirmed" => NO_ANSWER,
        word => word,
    }
}

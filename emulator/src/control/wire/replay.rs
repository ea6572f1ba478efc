//! What is replayed, and what comes of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Invited;
use crate::replay::{Reaction, Replayed, Step};

/// What to replay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Replay {
    /// How.
    pub(in super::super) mode: ReplayMode,
    /// The trace, in lines of JSON.
    pub(in super::super) trace: String,
    /// Only what this device of the trace did; needed to resign if there are several.
    #[serde(default)]
    pub(in super::super) of: Option<String>,
    /// Host and port of a token channel: sends the frames there, and not where they went. Verbatim only.
    #[serde(default)]
    pub(in super::super) to: Option<String>,
    /// The name of the device that is made. To resign only.
    #[serde(default)]
    pub(in super::super) device: Option<String>,
    /// What the device enrolls with. To resign only.
    #[serde(default)]
    pub(in super::super) enroll: Option<Invited>,
}

/// How to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum ReplayMode {
    /// The same frames, byte for byte: an attack.
    Verbatim,
    /// The same operations by a device that is made for it.
    Resign,
}

/// What came of a replay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ReplayView {
    mode: ReplayMode,
    /// Whether as much came of it as has to: nothing new of frames, the same of operations.
    as_expected: bool,
    /// The frames that were sent again.
    frames: Vec<FrameView>,
    /// The operations that were done again.
    operations: Vec<OperationView>,
}

/// A frame that was sent again.
#[derive(Debug, Serialize, ToSchema)]
struct FrameView {
    /// Its number in the trace.
    number: u64,
    /// Whose it was.
    device: String,
    /// What it is.
    frame: &'static str,
    /// The operation in it.
    op: Option<String>,
    /// `recorded` (the server gives the recorded answer), `refused`, `closed`, `silent`, `not-sent` (the connection had ended), `anew`.
    reaction: &'static str,
    /// The code with which it is refused.
    code: Option<u8>,
    /// Whether a server may react so.
    expected: bool,
}

/// An operation that was done again.
#[derive(Debug, Serialize, ToSchema)]
struct OperationView {
    /// The number of its frame in the trace.
    number: u64,
    /// The operation.
    op: String,
    /// What had come of it.
    recorded: String,
    /// What comes of it now; `left-out` for what only the device of the trace can do.
    now: String,
    /// Whether that is the same.
    same: bool,
}

impl ReplayView {
    pub(in super::super) fn verbatim(replayed: &[Replayed]) -> Self {
        let frames = replayed.iter().map(FrameView::of).collect();
        let as_expected = replayed.iter().all(Replayed::is_expected);
        Self { mode: ReplayMode::Verbatim, as_expected, frames, operations: Vec::new() }
    }

    pub(in super::super) fn resigned(steps: &[Step]) -> Self {
        let operations = steps.iter().map(OperationView::of).collect();
        let as_expected = steps.iter().all(Step::is_same);
        Self { mode: ReplayMode::Resign, as_expected, frames: Vec::new(), operations }
    }
}

impl FrameView {
    fn of(frame: &Replayed) -> Self {
        let code = match frame.reaction {
            Reaction::Refused(code) => Some(code),
            _ => None,
        };
        Self {
            number: frame.number,
            device: frame.device.clone(),
            frame: frame.frame.as_str(),
            op: frame.op.clone(),
            reaction: frame.reaction.word(),
            code,
            expected: frame.is_expected(),
        }
    }
}

impl OperationView {
    fn of(step: &Step) -> Self {
        Self {
            number: step.number,
            op: step.op.clone(),
            recorded: step.recorded.clone().into_owned(),
            now: step.now.clone().into_owned(),
            same: step.is_same(),
        }
    }
}

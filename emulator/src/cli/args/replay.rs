//! How to replay a trace.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to replay.
#[derive(Debug, Args)]
pub(in super::super) struct ReplayArguments {
    /// The trace, a .jsonl
    pub(in super::super) trace: PathBuf,
    /// How
    #[arg(long, value_enum, default_value_t)]
    pub(in super::super) mode: ReplayMode,
    /// Only what this device of the trace did
    #[arg(long, value_name = "DEVICE")]
    pub(in super::super) of: Option<String>,
    /// Send the frames to this token channel, and not where they went
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["enroll", "name"])]
    pub(in super::super) to: Option<String>,
    /// To resign: enroll the new device with this link; `-` reads it from standard input
    #[arg(long, value_name = "LINK|-")]
    pub(in super::super) enroll: Option<String>,
    /// To resign: what to call the new device [default: replay]
    #[arg(long, requires = "enroll")]
    pub(in super::super) name: Option<String>,
}

/// How to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in super::super) enum ReplayMode {
    /// The same operations by a new device: does as much come of them?
    #[default]
    Resign,
    /// The same frames byte for byte, as an attacker would who listened
    Verbatim,
}

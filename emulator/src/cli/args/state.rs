//! What commands about states and copies are told.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Final;

/// What a session was at a moment.
#[derive(Debug, Subcommand)]
pub(in super::super) enum SnapVerb {
    /// Keep what the session is now: devices with their tokens, holders, networks and clocks, and its time
    Save {
        /// What to call it
        name: String,
        /// Replace the one of this name
        #[arg(long)]
        replace: bool,
    },
    /// Make the session what it was then; servers are not told
    Load {
        /// What it is called
        name: String,
        #[command(flatten)]
        is_final: Final,
    },
    /// List the snapshots
    List,
    /// Say in what the session is another one now, or in another snapshot
    Diff {
        /// The older one
        name: String,
        /// The newer one; what the session is now unless given
        other: Option<String>,
    },
    /// Forget a snapshot
    Rm {
        /// What it is called
        name: String,
        #[command(flatten)]
        is_final: Final,
    },
}

/// What to export, where to, and who can read it.
#[derive(Debug, Args)]
pub(in super::super) struct ExportArguments {
    /// The device
    pub(in super::super) name: String,
    /// The new file
    pub(in super::super) file: PathBuf,
    #[command(flatten)]
    pub(in super::super) seal: Passphrase,
    /// Do not seal it: whoever can read the file has the device's tokens and its holder's PINs
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(in super::super) insecure_plain: bool,
}

/// What to import.
#[derive(Debug, Args)]
pub(in super::super) struct ImportArguments {
    /// A file that `device export` has made
    pub(in super::super) file: PathBuf,
    /// What to call the device [default: what it was called]
    #[arg(long)]
    pub(in super::super) name: Option<String>,
    #[command(flatten)]
    pub(in super::super) seal: Passphrase,
    /// The file is not sealed
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(in super::super) insecure_plain: bool,
}

/// What a file is sealed with.
#[derive(Debug, Args)]
pub(in super::super) struct Passphrase {
    /// Read the passphrase from the first line of a file [default: from the terminal]
    #[arg(long, value_name = "FILE")]
    pub(in super::super) passphrase_file: Option<PathBuf>,
}

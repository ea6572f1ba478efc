//! `audit` and its commands.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::{ListArgs, Settings};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// Look for rows that were changed, dropped, added or moved. Exit status 1 if there are any.
    Verify(AuditVerifyArgs),
    /// Write the log, or the part of one subscription, as one JSON object a line.
    Export(AuditExportArgs),
    /// Print the head of the log, signed: keep it where the database cannot be reached from.
    Checkpoint(ListArgs),
    /// Print the proof that a row is in the log, or that the log has only grown.
    Proof(AuditProofArgs),
    /// Check what a device has signed, with its public key alone.
    Receipt(AuditReceiptArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AuditVerifyArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// A checkpoint from before that the log has to agree with. Can be repeated.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) checkpoint: Vec<PathBuf>,
    /// Verify this export instead of the database, `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// The identity key of the server that the export is from, in hexadecimal, as `keys show` prints it.
    #[arg(long, value_name = "KEY", requires = "file")]
    pub(in crate::cli) key: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AuditExportArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// Only the rows of this subscription, each with its proof.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: Option<String>,
    /// Prove that the log begins with what it was when it had this many rows, for `audit verify --file` with a
    /// checkpoint of that time. Can be repeated.
    #[arg(long, value_name = "ROWS", requires = "subscription")]
    pub(in crate::cli) since: Vec<u64>,
    /// Leave out what happened: numbers, times and hashes alone.
    #[arg(long)]
    pub(in crate::cli) bare: bool,
    /// Write to this file (mode 0600, it must not exist) instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").args(["row", "since"]).required(true)))]
pub(in crate::cli) struct AuditProofArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// Prove that this row is in the log.
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) row: Option<u64>,
    /// Prove that the log begins with what it was when it had this many rows.
    #[arg(long, value_name = "ROWS")]
    pub(in crate::cli) since: Option<u64>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AuditReceiptArgs {
    /// The receipt, or an item of a history that has one, as JSON; `-` for standard input.
    pub(in crate::cli) file: PathBuf,
    /// The key that must have signed it, in base64url.
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: Option<String>,
    /// The text of the confirmation that it must be about.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) text: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

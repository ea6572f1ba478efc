//! What happened, what was said, and what goes wrong on purpose.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which entries.
#[derive(Debug, Args)]
pub(in super::super) struct JournalArguments {
    /// After the entry of this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in super::super) since: u64,
    /// Of this kind
    #[arg(long)]
    pub(in super::super) kind: Option<String>,
    /// Of this device only
    #[arg(long = "of", value_name = "DEVICE")]
    pub(in super::super) of: Option<String>,
    /// Go on as more happens, until Ctrl-C
    #[arg(short, long, conflicts_with_all = ["kind", "of"])]
    pub(in super::super) follow: bool,
}

/// From 0 to 1.
fn likelihood(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "it is a number from 0 to 1, such as 0.25".to_owned())
}

/// Faults.
#[derive(Debug, Subcommand)]
pub(in super::super) enum FaultVerb {
    /// List what can be made to go wrong, and what is to come of it
    Catalog {
        /// Print the tables of docs/emulator/faults.md
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
    },
    /// Let something go wrong
    Add {
        /// Its name, as in `fault catalog`
        fault: String,
        /// What to call the rule
        #[arg(long)]
        id: Option<String>,
        /// So often at most
        #[arg(long)]
        times: Option<u32>,
        /// So many occasions are let pass first
        #[arg(long)]
        skip: Option<u32>,
        /// How likely it is at an occasion, from 0 to 1
        #[arg(long, value_parser = likelihood)]
        prob: Option<f64>,
        /// What its chance follows from
        #[arg(long)]
        seed: Option<u64>,
        /// What it is about: device=NAME, host=HOST, op=open, dir=in, frame=KIND, message=N; may be given several times
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        on: Vec<(String, String)>,
        /// A parameter of the fault, a number
        #[arg(long, value_name = "NAME=NUMBER", value_parser = pair)]
        param: Vec<(String, String)>,
    },
    /// List the rules, and how often each has happened
    List,
    /// Remove a rule
    Rm {
        /// Its id
        id: String,
    },
    /// Remove all rules
    Clear,
}

/// A name and a value.
pub(in super::super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Traces.
#[derive(Debug, Subcommand)]
pub(in super::super) enum TraceVerb {
    /// Record what devices and servers say, from now on
    Start,
    /// Record nothing more
    Stop,
    /// Say whether it records, and how much
    Show,
    /// Print frames as they are recorded, until Ctrl-C; what is secret is left out
    Tail,
    /// Write what was recorded: FILE.jsonl to read, FILE.pcapng for Wireshark, FILE.keylog with its keys
    Export {
        /// The file; its ending says what to write
        file: PathBuf,
        /// With everything that is secret, also in a .jsonl
        #[arg(long)]
        with_secrets: bool,
    },
    /// Say how a trace differs from another one, whatever the time and the nonces; ends with 3 if it does
    Diff {
        /// The trace, a .jsonl
        first: PathBuf,
        /// The other one
        second: PathBuf,
    },
}

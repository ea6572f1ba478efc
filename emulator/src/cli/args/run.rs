//! How an emulator is to run, in front, in the background and in a face.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// How to run.
#[derive(Debug, Args)]
pub(in super::super) struct RunArguments {
    #[command(flatten)]
    pub(in super::super) conditions: Conditions,
    /// The socket [default: control.sock in the state folder]
    #[arg(long, value_name = "PATH")]
    pub(in super::super) socket: Option<PathBuf>,
    /// Keep nothing: no state folder, devices in memory
    #[arg(long)]
    pub(in super::super) ephemeral: bool,
    /// Make this file when ready
    #[arg(long, value_name = "FILE")]
    pub(in super::super) ready_file: Option<PathBuf>,
    /// Write a line to this open descriptor when ready
    #[arg(long, value_name = "N")]
    pub(in super::super) ready_fd: Option<u32>,
    /// End with the process that started it
    #[arg(long)]
    pub(in super::super) exit_with_parent: bool,
}

/// What the window and the terminal are told.
#[cfg(any(feature = "terminal", feature = "window"))]
#[derive(Debug, Args)]
pub(in super::super) struct FaceArguments {
    /// Where the emulator runs in it, let things go wrong on purpose, towards servers on this machine
    #[arg(long)]
    pub(in super::super) allow_faults: bool,
    /// And towards servers at this host; may be given several times
    #[arg(long, value_name = "HOST", requires = "allow_faults")]
    pub(in super::super) faults_at: Vec<String>,
}

#[cfg(any(feature = "terminal", feature = "window"))]
impl FaceArguments {
    /// What the faults may be aimed at.
    pub(in super::super) fn gate(self) -> crate::faults::Gate {
        if self.allow_faults { crate::faults::Gate::and_hosts(self.faults_at) } else { crate::faults::Gate::closed() }
    }
}

/// How to show everything in a terminal.
#[cfg(feature = "terminal")]
#[derive(Debug, Args)]
pub(in super::super) struct TerminalArguments {
    #[command(flatten)]
    pub(in super::super) face: FaceArguments,
    /// Print one picture of how things are, and end
    #[arg(long)]
    pub(in super::super) once: bool,
    /// How many characters wide the picture is
    #[arg(long, requires = "once", default_value_t = 100, value_parser = clap::value_parser!(u16).range(20..=500))]
    pub(in super::super) width: u16,
    /// How many lines high the picture is
    #[arg(long, requires = "once", default_value_t = 30, value_parser = clap::value_parser!(u16).range(5..=300))]
    pub(in super::super) height: u16,
}

/// An address that only this machine has.
fn here(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "it is an address with a port, such as 127.0.0.1:8430".to_owned())?;
    let is_here = address.ip().is_loopback();
    if is_here { Ok(address) } else { Err("it is not of this machine alone: use 127.0.0.1 or [::1]".to_owned()) }
}

/// What `run` and `up` are told.
#[derive(Debug, Args)]
pub(in super::super) struct Conditions {
    /// Answer HTTP too, on this machine: an address, or any free port of 127.0.0.1
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0", value_parser = here)]
    pub(in super::super) http: Option<SocketAddr>,
    /// Let things go wrong on purpose, towards servers on this machine: see `fault catalog`
    #[arg(long)]
    pub(in super::super) allow_faults: bool,
    /// And towards servers at this host; may be given several times
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub(in super::super) faults_at: Vec<String>,
    /// End when nobody has called for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(in super::super) lease: Option<u64>,
}

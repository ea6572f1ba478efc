//! What every command knows: which emulator, which device, how to reach servers, where PINs come from, how to talk.

use std::path::{Path, PathBuf};

use cardea_sdk::Env;
use clap::{Args, ValueEnum};

use crate::cli::CliError;
use crate::cli::paint::When;
use crate::engine::{Options, Transport};
use crate::log::{Log, Loudness};

/// What every command knows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Which emulator of this user: each has a state folder of its own
    #[arg(short, long, global = true, value_name = "NAME", default_value = "default")]
    pub(crate) instance: String,
    /// State folder [default: $XDG_STATE_HOME/cardea-emulator/INSTANCE]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Tell this running emulator: unix:PATH, or http://ADDRESS with --token-file
    #[arg(long, global = true, value_name = "WHERE")]
    pub(crate) ctl: Option<String>,
    /// The file with the token for HTTP [default: control.token in the state folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Which session of a running emulator
    #[arg(short, long, global = true, value_name = "NAME", default_value = crate::cli::client::DEFAULT)]
    pub(crate) session: String,
    /// Which device
    #[arg(short, long, global = true, value_name = "NAME", default_value = crate::cli::client::MAIN)]
    pub(crate) device: String,
    /// Print one line of JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) talk: Talk,
    #[command(flatten)]
    pub(crate) pins: PinArguments,
    /// Accept services that hash PINs as cheaply as tests do
    #[arg(long, global = true)]
    pub(crate) allow_test_argon2: bool,
    /// How to reach servers
    #[arg(long, global = true, value_enum, value_name = "WAY", default_value_t = Way::Tcp)]
    pub(crate) transport: Way,
    /// Port of the servers' web side, for WebSockets [default: 443, on this machine 8420]
    #[arg(long, global = true, value_name = "PORT")]
    pub(crate) web_port: Option<u16>,
    /// Trust the certificate authorities in this PEM file for WebSockets, in place of those that browsers trust
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) web_ca: Option<PathBuf>,
}

/// How the program talks with who runs it.
#[derive(Debug, Args)]
pub(crate) struct Talk {
    /// The configuration file, in place of those that `config path` says
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Give up on an answer after so long: 500ms, 10s, 2m [for `wait`: 10s]
    #[arg(long, global = true, value_name = "TIME", value_parser = super::verbs::time)]
    pub(crate) timeout: Option<u64>,
    /// Print colors
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub(in crate::cli) color: When,
    /// Ask nothing: who would be asked gets an error that names the option to say it with
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// Yes: give up, revoke, remove or end what the command names without asking
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say every call, too
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Write what is said besides data to this file, too, with every call
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
}

impl Talk {
    /// What it says besides data.
    pub(crate) fn log(&self) -> Result<Log, CliError> {
        let loudness = match (self.quiet, self.verbose) {
            (_, true) => Loudness::Verbose,
            (true, false) => Loudness::Quiet,
            (false, false) => Loudness::Normal,
        };
        let path = self.log_file.as_deref();
        Log::new(loudness, path, Env::os().clock)
            .map_err(|source| CliError::Written { path: path.unwrap_or(Path::new("")).to_owned(), source })
    }
}

/// What cannot be undone.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Final {
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

impl Common {
    /// The folder with the devices.
    pub(crate) fn state_folder(&self) -> Result<PathBuf, CliError> {
        match &self.state {
            Some(state) => Ok(state.clone()),
            None if !crate::engine::is_name(&self.instance) => {
                Err(crate::engine::EngineError::name_of("instance", &self.instance).into())
            }
            None => Ok(instances()?.join(&self.instance)),
        }
    }

    /// What a command line begins with that is about the same emulator.
    pub(crate) fn program(&self) -> String {
        let mut program = "cardea-emulator".to_owned();
        let quoted = |path: &Path| path.display().to_string();
        for (name, value) in [
            ("--state", self.state.as_deref().map(quoted)),
            ("--ctl", self.ctl.clone()),
            ("--instance", Some(self.instance.clone()).filter(|name| name != "default")),
            ("--session", Some(self.session.clone()).filter(|name| name != crate::cli::client::DEFAULT)),
        ] {
            if let Some(value) = value {
                program += &format!(" {name} {value}");
            }
        }
        program
    }

    /// How devices are.
    pub(crate) fn options(&self) -> Options {
        Options {
            allow_test_argon2: self.allow_test_argon2,
            transport: self.transport.into(),
            web_port: self.web_port,
            web_ca: self.web_ca.clone(),
        }
    }
}

/// The folder with the state folders: `$XDG_STATE_HOME/cardea-emulator`, or its place in the home folder.
pub(in crate::cli) fn instances() -> Result<PathBuf, CliError> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_STATE_HOME")
        .or_else(|| Some(folder("HOME")?.join(".local").join("state")))
        .or_else(|| folder("LOCALAPPDATA"))
        .map(|base| base.join("cardea-emulator"))
        .ok_or(CliError::NoStateFolder)
}

/// The folder with the list of those that run, if there is a place for it. No instance is called so.
pub(crate) fn list() -> Option<PathBuf> {
    Some(instances().ok()?.join(".running"))
}

/// How to reach a server.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Way {
    /// A datagram, else TCP, else a WebSocket: the first that works
    Auto,
    /// TCP
    Tcp,
    /// A datagram each way for single operations, TCP for the rest
    Udp,
    /// A WebSocket, which travels where only the web does
    #[value(name = "websocket")]
    WebSocket,
}

impl From<Way> for Transport {
    fn from(way: Way) -> Self {
        match way {
            Way::Auto => Self::Auto,
            Way::Tcp => Self::Tcp,
            Way::Udp => Self::Udp,
            Way::WebSocket => Self::WebSocket,
        }
    }
}

/// Where PINs come from: else from the terminal, or from the holder of a device of a running emulator.
#[derive(Debug, Args)]
pub(crate) struct PinArguments {
    /// Read PINs from a file, one a line, in the order in which they would be asked for
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "pin_fd")]
    pub(in crate::cli) pin_file: Option<PathBuf>,
    /// Read PINs from an open file descriptor, one a line
    #[arg(long, global = true, value_name = "N")]
    pub(in crate::cli) pin_fd: Option<u32>,
}

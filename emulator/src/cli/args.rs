//! What can be said on the command line. No PIN can: other users of the machine see the arguments of a program.

use std::net::SocketAddr;
use std::path::PathBuf;

use cardea_sdk::DenyReason;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::stub::StubArguments;
use crate::engine::Transport;

/// A token without a phone.
///
/// Exit codes: 0 done, 2 usage, 10 wrong PIN, 11 wait, 12 blocked, 13 not enrolled, 14 not confirmed, 15 enrollment code
/// used or wrong, 16 PIN not allowed, 17 no enrollment link or code, 18 no such token, 19 cancelled, 20 network, 21
/// server refused or misbehaved, 22 token in use, 23 no such text waits, 30 state folder, 31 PIN file or terminal, 40 test hashing refused, 70
/// program.
#[derive(Debug, Parser)]
#[command(name = "cardea-emulator", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// State folder [default: $XDG_STATE_HOME/cardea-emulator/default]
    #[arg(long, global = true, value_name = "DIR", env = "CARDEA_EMULATOR_STATE")]
    pub(super) state: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Accept services that hash PINs as cheaply as tests do
    #[arg(long, global = true)]
    pub(super) allow_test_argon2: bool,
    /// How to reach the server
    #[arg(long, global = true, value_enum, value_name = "WAY", default_value_t = Way::Tcp, env = "CARDEA_EMULATOR_TRANSPORT")]
    pub(super) transport: Way,
    /// Port of the server's web side, for WebSockets [default: 443, on this machine 8420]
    #[arg(long, global = true, value_name = "PORT")]
    pub(super) web_port: Option<u16>,
    /// Trust the certificate authorities in this PEM file for WebSockets, in place of those that browsers trust
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) web_ca: Option<PathBuf>,
    #[command(flatten)]
    pub(super) pins: PinArguments,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// How to reach the server.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Way {
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

/// Where PINs come from; the terminal unless told otherwise.
#[derive(Debug, Args)]
pub(super) struct PinArguments {
    /// Read PINs from a file, one a line, in the order in which they would be asked for
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "pin_fd")]
    pub(super) pin_file: Option<PathBuf>,
    /// Read PINs from an open file descriptor, one a line
    #[arg(long, global = true, value_name = "N")]
    pub(super) pin_fd: Option<u32>,
}

/// How to run.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Answer HTTP too, on this machine: an address, or any free port of 127.0.0.1
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    pub(super) http: Option<SocketAddr>,
    /// The socket [default: control.sock in the state folder]
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Write the token for HTTP to this file [default: control.token in the state folder]
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Keep nothing: no state folder, devices in memory
    #[arg(long)]
    pub(super) ephemeral: bool,
    /// Make this file when ready
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// Write a line to this open descriptor when ready
    #[arg(long, value_name = "N")]
    pub(super) ready_fd: Option<u32>,
    /// End when nobody has called for so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) lease: Option<u64>,
    /// End with the process that started it
    #[arg(long)]
    pub(super) exit_with_parent: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run until told to end, and do what programs say over the control API
    ///
    /// Prints one line when ready, with where it is called. Sessions that programs make live in memory; the session
    /// `default` has the devices of the state folder.
    Run(RunArguments),
    /// Accept an enrollment link or typed code, and choose PINs
    ///
    /// A link is a secret until it is used: `-` reads it from standard input, where other users of this machine do not
    /// see it.
    Enroll {
        /// Link, `cardea:` address or typed code; `-` reads it from standard input
        #[arg(value_name = "LINK|CODE|-")]
        invitation: String,
        /// The server of a typed code: a host name; http:// for this machine only
        #[arg(long)]
        host: Option<String>,
        /// What to call the token here (at most 64 bytes)
        #[arg(long, value_parser = label)]
        label: Option<String>,
    },
    /// Open a token with its PIN
    Open {
        /// Beginning of its id, or its label
        token: Option<String>,
        /// At most so many seconds, rounded down to a power of two
        #[arg(long = "for", value_name = "SECONDS")]
        time: Option<u64>,
    },
    /// Close a token
    Close {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// Ask the server how a token stands
    Status {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// List the tokens of this device
    List,
    /// List the texts that wait to be approved or denied
    Confirmations {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// Approve a text with the PIN. What is printed is what is signed
    Approve {
        /// Beginning of its id, or its label
        token: Option<String>,
        /// Beginning of the text's id; the only one that waits unless given
        #[arg(long = "id", value_name = "ID")]
        confirmation: Option<String>,
    },
    /// Deny a text
    Deny {
        /// Beginning of its id, or its label
        token: Option<String>,
        /// Beginning of the text's id; the only one that waits unless given
        #[arg(long = "id", value_name = "ID")]
        confirmation: Option<String>,
        /// Why; the relying party may be told
        #[arg(long, value_enum, default_value_t)]
        reason: Reason,
    },
    /// Say what the service is called, and what it calls the holder
    Info {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// List the devices of a token
    Devices {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// List what was done with a token, newest first
    History {
        /// Beginning of its id, or its label
        token: Option<String>,
        /// Which page of sixteen lines
        #[arg(long, default_value_t = 0)]
        page: u8,
    },
    /// Revoke another device of a token with the PIN, and close the token
    RevokeDevice {
        /// The other device's id, as `devices` says it
        device: String,
        /// Beginning of the token's id, or its label
        token: Option<String>,
    },
    /// Choose new PINs: the current one, the new one, then duress PINs
    ChangePin {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// Set the duress PINs and keep the one that opens: the current one, then up to three duress PINs
    SetDuress {
        /// Beginning of its id, or its label
        token: Option<String>,
    },
    /// Give a token up
    Unenroll {
        /// Beginning of its id, or its label
        token: Option<String>,
        /// Only remove it here; the server is not told and no PIN is needed
        #[arg(long)]
        local: bool,
    },
    /// Run a server in memory, for apps and relying parties that have none
    ///
    /// Prints its addresses, authkeys and enrollment links, then a line that begins with CARDEA_STUB_READY, or all in
    /// one line of JSON. Listens on this machine only. Ends with Ctrl-C or SIGTERM.
    Stub(StubArguments),
}

/// Why a text is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Reason {
    /// Nobody's business
    #[default]
    Unsaid,
    /// The holder has changed his mind
    Cancelled,
    /// The holder did not start what the text is about
    NotMe,
}

impl From<Reason> for DenyReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unsaid => Self::Unsaid,
            Reason::Cancelled => Self::Cancelled,
            Reason::NotMe => Self::NotMe,
        }
    }
}

/// A label that fits; found out before anything is enrolled.
fn label(text: &str) -> Result<String, String> {
    if text.len() <= 64 { Ok(text.to_owned()) } else { Err("longer than 64 bytes".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn no_pin_can_be_an_argument() {
        for arguments in [["x", "open", "--pin=274951"], ["x", "enroll", "--pin"]] {
            assert!(Arguments::try_parse_from(arguments).is_err());
        }
    }

    #[test]
    fn common_options_stand_before_or_after_the_command() {
        let parse = |text: &str| Arguments::try_parse_from(text.split(' ')).unwrap();
        assert!(parse("x --json --state d open --pin-file f").json);
        let arguments = parse("x open abc --for 60 --state d --json --pin-fd 3");
        assert!(arguments.json && arguments.state.is_some() && arguments.pins.pin_fd == Some(3));
        assert!(matches!(arguments.command, Command::Open { token: Some(_), time: Some(60) }));
        assert!(Arguments::try_parse_from("x open --pin-file f --pin-fd 3".split(' ')).is_err());
    }
}

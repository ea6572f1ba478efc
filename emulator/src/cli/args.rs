//! What can be said on the command line. No PIN can: other users of the machine see the arguments of a program.

mod common;
mod evidence;
mod replay;
mod run;
mod state;
mod verbs;

use clap::{Args, Parser, Subcommand};

#[cfg(test)]
pub(super) use common::Way;
pub(super) use common::instances;
pub(crate) use common::{Common, Final, PinArguments, list};
pub(super) use evidence::{FaultVerb, JournalArguments, TraceVerb, pair};
pub(super) use replay::{ReplayArguments, ReplayMode};
pub(super) use run::{Conditions, RunArguments};
pub(super) use state::{ExportArguments, ImportArguments, Passphrase, SnapVerb};
pub(super) use verbs::{
    AnswerArguments, ClockVerb, ConfigShell, DenyArguments, DeviceVerb, Does, EnrollArguments, NetVerb, PromptVerb,
    RelyingVerb, SessionVerb, WaitArguments, delay,
};

#[cfg(feature = "window")]
pub(super) use run::FaceArguments;
#[cfg(feature = "terminal")]
pub(super) use run::TerminalArguments;

use super::config::ConfigVerb;
use super::doctor::DoctorArguments;
use super::scenario::ScenarioCommand;
use super::stub::StubArguments;

/// A token without a phone.
///
/// Commands do what they say by themselves, over the devices of a state folder; or where `cardea-emulator run` (or `up`)
/// runs on that folder, they tell that one. PINs come from the terminal, from --pin-file or from --pin-fd, never from
/// arguments. `--device`, `--session` and `--instance` say whose token is meant.
///
/// What is said the same each time can be in a configuration file (see `config`), and what an option says in the
/// environment: --web-port is CARDEA_EMULATOR_WEB_PORT. An option wins over the environment, and that over files.
#[derive(Debug, Parser)]
#[command(name = "cardea-emulator", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Arguments {
    /// The same, said once: a command that names its device or session is about that one, whatever `--device` and
    /// `--session` say.
    pub(super) fn settled(mut self) -> Self {
        let (session, device) = match &self.command {
            Command::Device(verb) => (None, verb.device()),
            Command::Session(verb) => (verb.session(), None),
            _ => (None, None),
        };
        if let Some(name) = session {
            name.clone_into(&mut self.common.session);
        }
        if let Some(name) = device {
            name.clone_into(&mut self.common.device);
        }
        self
    }
}

/// Which token.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Beginning of its id, or its label; not needed where there is one
    pub(super) token: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Accept an enrollment link or typed code, and choose a PIN
    ///
    /// A link is a secret until it is used: `-` reads it from standard input, where other users of this machine do not
    /// see it.
    Enroll(EnrollArguments),
    /// Open a token with its PIN
    Open {
        #[command(flatten)]
        which: Which,
        /// At most so long, such as 90s or 5m: rounded down to a power of two in seconds, and never longer than the service says
        #[arg(long = "for", value_name = "TIME", value_parser = verbs::seconds)]
        time: Option<u64>,
    },
    /// Close a token
    Close(Which),
    /// Close a token that is open, open one that is closed
    Toggle(Which),
    /// Ask the server how a token stands
    Status {
        #[command(flatten)]
        which: Which,
        /// Say it by the exit code, too: 0 open, 10 not open
        #[arg(long)]
        exit_state: bool,
    },
    /// Tell what happens, as it happens, until Ctrl-C
    Watch,
    /// Wait until something is true of a device, such as "state == 'open' && remaining > 30s"
    Wait(WaitArguments),
    /// List the tokens of the device
    List,
    /// List the texts that wait to be approved or denied
    Confirmations(Which),
    /// Approve a text with the PIN. What is printed is what is signed
    Approve(AnswerArguments),
    /// Deny a text
    Deny(DenyArguments),
    /// Say what the service is called, and what it calls the holder
    Info(Which),
    /// List the devices of a token
    Devices(Which),
    /// List what was done with a token, newest first
    History {
        #[command(flatten)]
        which: Which,
        /// Which page of sixteen lines
        #[arg(long, default_value_t = 0)]
        page: u8,
    },
    /// Revoke another device of a token with the PIN, and close the token
    RevokeDevice {
        /// The other device's id, as `devices` says it
        other: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        is_final: Final,
    },
    /// Choose new PINs: the current one, the new one, then with --duress or from a file those for duress
    ChangePin {
        #[command(flatten)]
        which: Which,
        /// Ask for duress PINs, too
        #[arg(long)]
        duress: bool,
    },
    /// Set the duress PINs and keep the one that opens: the current one, then up to three duress PINs
    SetDuress(Which),
    /// Call a token something, on this device
    Label {
        /// At most 64 bytes
        label: String,
        #[command(flatten)]
        which: Which,
    },
    /// Give a token up
    Unenroll {
        #[command(flatten)]
        which: Which,
        /// Only remove it here; the server is not told and no PIN is needed
        #[arg(long)]
        local: bool,
        #[command(flatten)]
        is_final: Final,
    },
    /// Make, list, show, copy, export and remove devices
    #[command(subcommand)]
    Device(DeviceVerb),
    /// What the holder of a device is asked, and what they do
    #[command(subcommand)]
    Prompt(PromptVerb),
    /// What the network of a device is like
    #[command(subcommand)]
    Net(NetVerb),
    /// The time of the session, and what the clock of a device makes of it
    #[command(subcommand)]
    Clock(ClockVerb),
    /// Sessions of a running emulator, kept apart from each other
    #[command(subcommand)]
    Session(SessionVerb),
    /// Keep what the session of a running emulator is, and make it so again
    #[command(subcommand)]
    Snap(SnapVerb),
    /// List what happened in the session of a running emulator
    Journal(JournalArguments),
    /// Let things go wrong on purpose, in an emulator that was started with --allow-faults
    #[command(subcommand)]
    Fault(FaultVerb),
    /// Record what devices and servers say, frame by frame
    #[command(subcommand)]
    Trace(TraceVerb),
    /// Replay a recorded trace, in an emulator that was started with --allow-faults
    ///
    /// Ends with 3 if something new comes of a frame, or something else of an operation.
    Replay(ReplayArguments),
    /// See what relying parties are told
    #[command(subcommand)]
    Rp(RelyingVerb),
    /// Open the window: devices to look at and to click
    ///
    /// Shows the emulator that runs on the state folder; where none runs, it runs in the window, and commands reach it.
    #[cfg(feature = "window")]
    Window(FaceArguments),
    /// Run until told to end, and do what programs say over the control API
    ///
    /// Prints one line when ready, with where it is called. Sessions that programs make live in memory; the session
    /// `default` has the devices of the state folder.
    Run(RunArguments),
    /// See and do everything in this terminal
    ///
    /// Shows the emulator that runs on the state folder, or runs one itself until it is left. `?` says what keys do.
    #[cfg(feature = "terminal")]
    Terminal(TerminalArguments),
    /// Start `run` in the background, and say where it is called
    Up(Conditions),
    /// End the emulator that runs on the state folder
    Down,
    /// List the running emulators of this user
    Ps,
    /// Look at what keeps an emulator from working well, and say what to do about it
    ///
    /// Makes and changes nothing. Ends with 0 if nothing is wrong.
    Doctor(DoctorArguments),
    /// What options are where they are neither given nor in the environment
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print what this program can do
    Capabilities,
    /// Say which version this program is, and the emulator that runs
    Version,
    /// Print the description of the control API, in OpenAPI 3.1
    Openapi,
    /// Print completions for a shell
    Completions(ConfigShell),
    /// Print the manual page
    Man,
    /// Print the reference of all this, in Markdown
    Reference,
    /// Run a server in memory, for apps and relying parties that have none
    ///
    /// Prints its addresses, authkeys and enrollment links, then a line that begins with CARDEA_STUB_READY, or all in
    /// one line of JSON. Listens on this machine only. Ends with Ctrl-C or SIGTERM.
    Stub(StubArguments),
    /// Run files that say what happens and what is expected, with devices and a server in memory
    ///
    /// Ends with 20 if one fails, or if `check` finds something.
    #[command(subcommand)]
    Scenario(ScenarioCommand),
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
        assert!(parse("x --json --state d open --pin-file f").common.json);
        let Arguments { common, command } = parse("x open abc --for 60 --state d --json --pin-fd 3");
        assert!(common.json && common.state.is_some() && common.pins.pin_fd == Some(3));
        assert!(matches!(command, Command::Open { which: Which { token: Some(_) }, time: Some(60) }));
        assert!(Arguments::try_parse_from("x open --pin-file f --pin-fd 3".split(' ')).is_err());
    }
}

//! What the commands are told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Final;
use super::state::{ExportArguments, ImportArguments};
use crate::relying::Whom;

/// How to enroll.
#[derive(Debug, Args)]
pub(in super::super) struct EnrollArguments {
    /// Link, `cardea:` address or typed code; `-` reads it from standard input
    #[arg(value_name = "LINK|CODE|-", required_unless_present = "qr", conflicts_with = "qr")]
    pub(in super::super) invitation: Option<String>,
    /// Read the link from a picture of a QR code: a file or, in programs that have a window, what `screen` or `clipboard` shows
    #[arg(long, value_name = "FILE|screen|clipboard")]
    pub(in super::super) qr: Option<PathBuf>,
    /// The server of a typed code: a host name; http:// for this machine only
    #[arg(long)]
    pub(in super::super) host: Option<String>,
    /// What to call the token here (at most 64 bytes)
    #[arg(long, value_parser = label)]
    pub(in super::super) label: Option<String>,
    /// Ask for duress PINs, too
    #[arg(long)]
    pub(in super::super) duress: bool,
}

/// A label that fits; found out before anything is enrolled.
fn label(text: &str) -> Result<String, String> {
    if text.len() <= 64 { Ok(text.to_owned()) } else { Err("longer than 64 bytes".to_owned()) }
}

/// Which text to approve.
#[derive(Debug, Args)]
pub(in super::super) struct AnswerArguments {
    /// Beginning of the token's id, or its label
    pub(in super::super) token: Option<String>,
    /// Beginning of the text's id; the only one that waits unless given
    #[arg(long = "id", value_name = "ID")]
    pub(in super::super) confirmation: Option<String>,
}

/// Which text to deny, and why.
#[derive(Debug, Args)]
pub(in super::super) struct DenyArguments {
    #[command(flatten)]
    pub(in super::super) which: AnswerArguments,
    /// Why; the relying party may be told
    #[arg(long, value_enum, default_value_t)]
    pub(in super::super) reason: Reason,
}

/// Why a text is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in super::super) enum Reason {
    /// Nobody's business
    #[default]
    Unsaid,
    /// The holder has changed his mind
    Cancelled,
    /// The holder did not start what the text is about
    NotMe,
}

/// What to wait for.
#[derive(Debug, Args)]
pub(in super::super) struct WaitArguments {
    /// Names of what `device show --json` prints, compared: ==, !=, <, <=, >, >=, joined by &&, || and !
    pub(in super::super) until: String,
    /// Of the whole session: names begin with that of a device, as in "phone.state == 'open'"
    #[arg(long)]
    pub(in super::super) all: bool,
}

/// A time in milliseconds.
pub(super) fn time(text: &str) -> Result<u64, String> {
    let digits = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let factor = match &text[digits..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is a number with ms, s, m or h behind it, such as 500ms".to_owned()),
    };
    let number: u64 = text[..digits].parse().map_err(|_| "a time begins with a number".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "a time is not that long".to_owned())
}

/// A moment.
fn unix(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a moment is Unix seconds, such as 1700000000 (`date +%s` prints those of now)".to_owned())
}

/// A time in whole seconds, as openings last. The service sets the longest.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    match time(text)? {
        whole if whole % 1_000 == 0 && whole >= 2_000 => Ok(whole / 1_000),
        _ => Err("an opening lasts whole seconds, at least 2s".to_owned()),
    }
}

/// Devices.
#[derive(Debug, Subcommand)]
pub(in super::super) enum DeviceVerb {
    /// Make a device
    New {
        /// Its name
        name: String,
        /// Enroll it with this link at once; `-` reads it from standard input
        #[arg(long, value_name = "LINK|-")]
        enroll: Option<String>,
        /// What it is like: a profile of the configuration of the emulator that runs
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// Hear what servers say unasked
        #[arg(long)]
        watch: bool,
    },
    /// List the devices
    List,
    /// Show a device
    Show {
        /// Its name, in place of --device
        name: Option<String>,
    },
    /// Make a second device that is the same: what servers notice once both are used
    Clone {
        /// The first one
        name: String,
        /// What to call the second one
        new: String,
    },
    /// Call a device otherwise
    Rename {
        /// What it is called
        name: String,
        /// What to call it
        new: String,
    },
    /// Make a device as it was when it was new; servers are not told
    Reset {
        /// Its name
        name: String,
        #[command(flatten)]
        is_final: Final,
    },
    /// Write a copy of a device to a file, sealed with a passphrase
    Export(ExportArguments),
    /// Make a device of such a file
    Import(ImportArguments),
    /// Hear what servers say unasked: keep a connection to them
    Listen,
    /// Hear nothing unasked any more
    Rest,
    /// Remove a device with its tokens; no server is told
    Rm {
        /// Its name
        name: String,
        #[command(flatten)]
        is_final: Final,
    },
}

impl DeviceVerb {
    /// The device that it names.
    pub(super) fn device(&self) -> Option<&str> {
        match self {
            Self::New { name, .. }
            | Self::Clone { name, .. }
            | Self::Rename { name, .. }
            | Self::Reset { name, .. }
            | Self::Export(ExportArguments { name, .. })
            | Self::Rm { name, .. } => Some(name),
            Self::Show { name } | Self::Import(ImportArguments { name, .. }) => name.as_deref(),
            Self::List | Self::Listen | Self::Rest => None,
        }
    }
}

/// What a holder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Does {
    /// Types the PIN
    Approve,
    /// Types a duress PIN
    Duress,
    /// Types a wrong PIN
    WrongPin,
    /// Says no
    Cancel,
    /// Does not look
    Ignore,
    /// Does what `prompt answer` says later
    Wait,
    /// Cannot be asked
    Fail,
}

impl Does {
    /// As the control API writes it.
    pub(in super::super) fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// What holders are asked, and what they do.
#[derive(Debug, Subcommand)]
pub(in super::super) enum PromptVerb {
    /// List the questions that wait
    List,
    /// Answer a question now
    Answer {
        /// What to do
        does: Does,
        /// Its number; all that wait unless given
        #[arg(long, value_name = "N")]
        id: Option<u64>,
    },
    /// Say what to do once, after what was said before
    Next {
        /// What to do
        does: Does,
        /// How long that takes: 800ms, 200ms..900ms, or lognormal(800ms,0.4)
        #[arg(long, value_name = "TIME", value_parser = delay)]
        delay: Option<serde_json::Value>,
    },
    /// Say what to do where nothing else is said; without anything, show that
    Policy {
        /// What to do
        does: Option<Does>,
        /// How long that takes: 800ms, 200ms..900ms, or lognormal(800ms,0.4)
        #[arg(long, value_name = "TIME", value_parser = delay, requires = "does")]
        delay: Option<serde_json::Value>,
    },
    /// Forget what was to be done next
    Forget,
    /// Give the holder a PIN, and duress PINs, from --pin-file or the terminal
    Pins,
}

/// A delay, as the control API writes it.
pub(in super::super) fn delay(text: &str) -> Result<serde_json::Value, String> {
    let delay = written(text)?;
    crate::control::is_delay(&delay)?;
    Ok(delay)
}

fn written(text: &str) -> Result<serde_json::Value, String> {
    if let Some((from, to)) = text.split_once("..") {
        return Ok(serde_json::json!({ "fromMs": time(from)?, "toMs": time(to)? }));
    }
    if let Some(inner) = text.strip_prefix("lognormal(").and_then(|text| text.strip_suffix(')')) {
        let (median, sigma) = inner.split_once(',').ok_or("lognormal has a time and a number, as (800ms,0.4)")?;
        let sigma: f64 = sigma.trim().parse().map_err(|_| "the second one of lognormal is a number".to_owned())?;
        return Ok(serde_json::json!({ "medianMs": time(median.trim())?, "sigma": sigma }));
    }
    Ok(serde_json::json!({ "ms": time(text)? }))
}

/// The network of a device.
#[derive(Debug, Subcommand)]
pub(in super::super) enum NetVerb {
    /// Show what it is like
    Show,
    /// Make it like this: ideal, offline, 2g, 3g, lossy-wifi, captive, flap, half-open, or conditions as JSON
    Set {
        /// A name, or an object such as {"latencyMs": 300, "loss": 0.1}
        profile: String,
    },
    /// Make it ideal again
    Clear,
}

/// Time.
#[derive(Debug, Subcommand)]
pub(in super::super) enum ClockVerb {
    /// Show the time of the session
    Show,
    /// Stop it
    Freeze,
    /// Let it go on from where it stands
    Resume,
    /// Make it so late
    Set {
        /// Unix seconds
        #[arg(value_parser = unix)]
        now: u64,
    },
    /// Let time pass at once, as for machines that slept
    Advance {
        /// 90s, 10m, 2h
        #[arg(value_parser = time)]
        time: u64,
    },
    /// Make the device's clock wrong by so many seconds; 0 makes it right
    Skew {
        /// Ahead, or behind if negative
        #[arg(allow_negative_numbers = true)]
        seconds: i64,
    },
}

/// Sessions.
#[derive(Debug, Subcommand)]
pub(in super::super) enum SessionVerb {
    /// Make a session
    New {
        /// Its name; the next number without one
        name: Option<String>,
        /// What its devices draw at random follows from this number
        #[arg(long)]
        seed: Option<u64>,
        /// It ends when nobody has called for so long
        #[arg(long, value_name = "TIME", value_parser = time)]
        lease: Option<u64>,
    },
    /// List them
    List,
    /// Show one
    Show {
        /// Its name, in place of --session
        name: Option<String>,
    },
    /// End one, and remove its devices
    End {
        /// Its name
        name: String,
        #[command(flatten)]
        is_final: Final,
    },
}

impl SessionVerb {
    /// The session that it names.
    pub(super) fn session(&self) -> Option<&str> {
        match self {
            Self::New { name, .. } | Self::Show { name } => name.as_deref(),
            Self::End { name, .. } => Some(name),
            Self::List => None,
        }
    }
}

/// What relying parties are told.
#[derive(Debug, Subcommand)]
pub(in super::super) enum RelyingVerb {
    /// Ask whether a token is open, as a door does. Exit code 0: it is. 10: it is not. Anything else: nobody knows
    Check {
        /// What the service calls the holder
        user: String,
        #[command(flatten)]
        whom: RelyingArguments,
    },
    /// Tell what happens to the tokens of a service, as it happens, until Ctrl-C
    Watch {
        #[command(flatten)]
        whom: RelyingArguments,
    },
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(in super::super) struct RelyingArguments {
    /// Address of the token API
    #[arg(long, value_name = "URL", env = "CARDEA_SERVER")]
    pub(in super::super) server: String,
    /// The service
    #[arg(long, value_name = "NAME", env = "CARDEA_SERVICE")]
    pub(in super::super) service: String,
    /// The file with an authkey that may ask
    #[arg(long, value_name = "FILE", env = "CARDEA_AUTHKEY_FILE")]
    pub(in super::super) authkey_file: PathBuf,
}

impl RelyingArguments {
    /// Who asks.
    pub(in super::super) fn whom(&self) -> Whom {
        let (server, service) = (self.server.clone(), self.service.clone());
        Whom { server, service, authkey_file: self.authkey_file.clone() }
    }
}

/// Which shell.
#[derive(Debug, Args)]
pub(in super::super) struct ConfigShell {
    pub(in super::super) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_and_delays_are_read_as_people_write_them() {
        assert_eq!(["60", "90s", "5m", "2s"].map(|text| seconds(text).unwrap()), [60, 90, 300, 2]);
        assert!(["1", "1500ms", "0"].iter().all(|text| seconds(text).is_err()));
        assert_eq!(
            ["250ms", "3", "10s", "2m", "1h"].map(|text| time(text).unwrap()),
            [250, 3_000, 10_000, 120_000, 3_600_000]
        );
        for wrong in ["", "s", "1d", "-1s", "1.5s", "99999999999999999h", "ms"] {
            assert!(time(wrong).is_err() && seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(delay("800ms").unwrap(), json!({ "ms": 800 }));
        assert_eq!(delay("1s..2s").unwrap(), json!({ "fromMs": 1_000, "toMs": 2_000 }));
        assert_eq!(delay("lognormal(800ms, 0.4)").unwrap(), json!({ "medianMs": 800, "sigma": 0.4 }));
        for wrong in ["lognormal(1s)", "lognormal(1s,x)", "lognormal(1s,NaN)", "1s..", "2s..1s", "2h", "soon"] {
            assert!(delay(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_holder_does_is_called_the_same_as_over_the_control_api() {
        let words: Vec<String> = Does::value_variants().iter().map(|does| does.word()).collect();
        assert_eq!(words, crate::control::outcomes());
    }
}

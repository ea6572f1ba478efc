//! What a person can say, each as calls of the control API and as the command line that does the same.

mod call;
mod line;

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::relying::Whom;

/// Something that is neither shown nor kept: a PIN, an invitation.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Of what was typed or pasted.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// It itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A token of a device; the only one if none is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct On {
    /// The name of the device.
    pub device: String,
    /// The id of the token.
    pub token: Option<String>,
}

/// What a device is enrolled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitation {
    /// A link, or a code that has no host beside it.
    Text(Secret),
    /// A code that a person types, and the server that it is from.
    Code(Secret, String),
    /// A picture of a QR code, PNG or JPEG, and what to call it.
    Picture(Zeroizing<Vec<u8>>, String),
}

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Look at everything again: somebody else may have changed it.
    Refresh,
    /// A device is looked at: what its holder does is fetched, too.
    Look(String),
    /// Open, with the PIN that was typed; without one the holder of the device is asked.
    Open {
        /// Which token.
        on: On,
        /// For at most so long.
        seconds: Option<u64>,
        /// What was typed.
        pin: Option<Secret>,
    },
    /// Close.
    Close(On),
    /// Ask the server how the token stands.
    Status(On),
    /// Accept an invitation.
    Enroll {
        /// The name of the device.
        device: String,
        /// With what.
        invitation: Invitation,
        /// The PIN to choose.
        pin: Secret,
        /// Duress PINs beside it.
        duress: Vec<Secret>,
        /// What to call the token, or empty.
        label: String,
    },
    /// Ask for the texts that wait.
    Confirmations(On),
    /// Approve a text.
    Approve {
        /// Of which token.
        on: On,
        /// The text's id.
        id: String,
        /// What was typed.
        pin: Option<Secret>,
    },
    /// Deny a text.
    Deny {
        /// Of which token.
        on: On,
        /// The text's id.
        id: String,
        /// unsaid, cancelled or not-me.
        reason: &'static str,
    },
    /// Answer a question that waits for the holder.
    Answer {
        /// The name of the device.
        device: String,
        /// The number of the question.
        prompt: u64,
        /// approve, duress, wrong-pin, cancel or ignore.
        does: &'static str,
        /// With approve: what was typed.
        pin: Option<Secret>,
    },
    /// Make a device.
    NewDevice {
        /// Its name.
        name: String,
    },
    /// Remove a device.
    RemoveDevice {
        /// Its name.
        name: String,
    },
    /// Make a second device that is the same as the first one.
    Clone {
        /// The name of the first one.
        device: String,
        /// That of the second one.
        new: String,
    },
    /// Call a device otherwise.
    Rename {
        /// What it is called.
        device: String,
        /// What it is to be called.
        new: String,
    },
    /// Make a device as it was when it was new.
    Reset {
        /// Its name.
        device: String,
    },
    /// Keep what the session is under a name.
    SnapSave(String),
    /// Make the session what it was when this was kept.
    SnapLoad(String),
    /// Forget what was kept.
    SnapRemove(String),
    /// Let a device hear what servers say unasked, or not.
    Watch {
        /// The name of the device.
        device: String,
        /// Whether it does.
        watch: bool,
    },
    /// Call a token something.
    Label {
        /// Which.
        on: On,
        /// What.
        label: String,
    },
    /// Give a token up.
    Unenroll {
        /// Which.
        on: On,
        /// What was typed.
        pin: Option<Secret>,
    },
    /// Remove a token from the device without telling its server.
    Forget(On),
    /// Ask what the service calls itself and the holder.
    About(On),
    /// Ask which devices the token has.
    Siblings(On),
    /// Ask what was done with the token.
    History(On),
    /// Revoke another device of the token.
    Revoke {
        /// Which token.
        on: On,
        /// The id of the other device.
        other: String,
        /// What was typed.
        pin: Option<Secret>,
    },
    /// Choose new PINs.
    ChangePins {
        /// Of which token.
        on: On,
        /// The one in use.
        pin: Secret,
        /// The one that opens from now on.
        new: Secret,
        /// Those for duress; none of the old ones stays.
        duress: Vec<Secret>,
    },
    /// Make the network of a device like this.
    Network {
        /// The name of the device.
        device: String,
        /// ideal, offline, 2g, 3g, lossy-wifi, captive, flap or half-open.
        profile: String,
    },
    /// What the holder does from now on, when asked.
    Habit {
        /// The name of the device.
        device: String,
        /// approve, duress, wrong-pin, cancel, ignore, wait or fail.
        does: String,
    },
    /// What the holder does once.
    Next {
        /// The name of the device.
        device: String,
        /// As for `Habit`.
        does: String,
    },
    /// Give the holder of a device other PINs.
    Persona {
        /// The name of the device.
        device: String,
        /// The one that opens.
        pin: Secret,
        /// Those for duress.
        duress: Vec<Secret>,
    },
    /// Stop the time of the session, or let it go on.
    Freeze(bool),
    /// Let so many seconds pass at once.
    Advance(u64),
    /// Make the clock of a device wrong by so many seconds.
    Skew {
        /// The name of the device.
        device: String,
        /// Ahead, or behind if negative.
        seconds: i64,
    },
    /// Let something go wrong.
    Arm {
        /// The name of the fault.
        fault: String,
        /// So often; always without.
        times: Option<u32>,
        /// To this device; to all without.
        device: Option<String>,
    },
    /// Remove a rule.
    Disarm {
        /// Its id.
        id: String,
    },
    /// Remove all rules.
    ClearFaults,
    /// Record what is said on the wire, or not.
    Trace(bool),
    /// Write what was recorded: .jsonl, .pcapng or .keylog.
    Export(PathBuf),
    /// Write what was done in the session as a scenario that does it again: .yaml.
    Record(PathBuf),
    /// Ask for somebody's token, as a relying party does.
    Check {
        /// Who asks, and where.
        whom: Whom,
        /// What the service calls the holder.
        user: String,
    },
}

/// What was said, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// For a person.
    pub text: String,
    /// The file that was written.
    pub file: Option<PathBuf>,
}

/// The file that a scenario is written to where no other is named.
pub const SCENARIO_FILE: &str = "byhand.yaml";

/// The file that a scenario is written to: what was typed, or [`SCENARIO_FILE`].
#[must_use]
pub fn scenario_file(typed: &str) -> PathBuf {
    let typed = typed.trim();
    if typed.is_empty() { SCENARIO_FILE } else { typed }.into()
}

impl Command {
    /// In a word: that of the command line.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Look(_) => "look",
            Self::Open { .. } => "open",
            Self::Close(_) => "close",
            Self::Status(_) => "status",
            Self::Enroll { .. } => "enroll",
            Self::Confirmations(_) => "confirmations",
            Self::Approve { .. } => "approve",
            Self::Deny { .. } => "deny",
            Self::Answer { .. } => "answer",
            Self::NewDevice { .. } => "new",
            Self::RemoveDevice { .. } => "rm",
            Self::Clone { .. } => "clone",
            Self::Rename { .. } => "rename",
            Self::Reset { .. } => "reset",
            Self::SnapSave(_) | Self::SnapLoad(_) | Self::SnapRemove(_) => "snap",
            Self::Watch { .. } => "watch",
            Self::Label { .. } => "label",
            Self::Unenroll { .. } => "unenroll",
            Self::Forget(_) => "forget",
            Self::About(_) => "info",
            Self::Siblings(_) => "devices",
            Self::History(_) => "history",
            Self::Revoke { .. } => "revoke-device",
            Self::ChangePins { .. } => "change-pin",
            Self::Network { .. } => "net",
            Self::Habit { .. } => "policy",
            Self::Next { .. } => "next",
            Self::Persona { .. } => "pins",
            Self::Freeze(_) | Self::Advance(_) | Self::Skew { .. } => "clock",
            Self::Arm { .. } => "arm",
            Self::Disarm { .. } => "disarm",
            Self::ClearFaults => "clear",
            Self::Trace(_) => "trace",
            Self::Export(_) => "export",
            Self::Record(_) => "record",
            Self::Check { .. } => "check",
        }
    }

    /// The device that it is about.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Open { on, .. }
            | Self::Close(on)
            | Self::Status(on)
            | Self::Confirmations(on)
            | Self::Approve { on, .. }
            | Self::Deny { on, .. }
            | Self::Label { on, .. }
            | Self::Unenroll { on, .. }
            | Self::Forget(on)
            | Self::About(on)
            | Self::Siblings(on)
            | Self::History(on)
            | Self::Revoke { on, .. }
            | Self::ChangePins { on, .. } => Some(&on.device),
            Self::Look(device)
            | Self::Enroll { device, .. }
            | Self::Answer { device, .. }
            | Self::Watch { device, .. }
            | Self::Network { device, .. }
            | Self::Habit { device, .. }
            | Self::Next { device, .. }
            | Self::Persona { device, .. }
            | Self::Skew { device, .. }
            | Self::Clone { device, .. }
            | Self::Rename { device, .. }
            | Self::Reset { device }
            | Self::NewDevice { name: device }
            | Self::RemoveDevice { name: device } => Some(device),
            Self::Refresh
            | Self::SnapSave(_)
            | Self::SnapLoad(_)
            | Self::SnapRemove(_)
            | Self::Freeze(_)
            | Self::Advance(_)
            | Self::Arm { .. }
            | Self::Disarm { .. }
            | Self::ClearFaults
            | Self::Trace(_)
            | Self::Export(_)
            | Self::Record(_)
            | Self::Check { .. } => None,
        }
    }

    /// The token that it is about.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Confirmations(on) | Self::About(on) | Self::Siblings(on) | Self::History(on) => on.token.as_deref(),
            _ => None,
        }
    }

    /// What came of it, for a person; nothing where what is shown says it already.
    pub(super) fn said(&self, answer: &Value) -> Option<String> {
        let text = match self {
            Self::Enroll { .. } => match (answer["shortString"].as_str(), answer["shortStringRequired"] == true) {
                (Some(digits), true) => format!("Enrolled. Confirm on the enrolling page that it shows {digits}"),
                (Some(digits), false) => format!("Enrolled. The enrolling page shows {digits} too"),
                (None, _) => "Enrolled".to_owned(),
            },
            Self::Approve { .. } => "Approved".to_owned(),
            Self::Deny { .. } => "Denied".to_owned(),
            Self::Unenroll { .. } => "The token is given up".to_owned(),
            Self::Forget(_) => "The token is removed here; its server was not told".to_owned(),
            Self::Revoke { .. } => "The other device is revoked, and the token is closed".to_owned(),
            Self::ChangePins { .. } => "The PINs are changed".to_owned(),
            Self::Persona { .. } => "The holder has these PINs from now on".to_owned(),
            Self::Label { label, .. } => format!("Called {label}"),
            Self::NewDevice { name } => format!("Made {name}"),
            Self::RemoveDevice { name } => format!("Removed {name}"),
            Self::Clone { device, new } => format!("{new} is a copy of {device}"),
            Self::Rename { device, new } => format!("{device} is called {new}"),
            Self::Reset { device } => format!("{device} is as if it were new"),
            Self::SnapSave(name) => format!("Kept as {name}"),
            Self::SnapLoad(name) => format!("Everything is as it was at {name}"),
            Self::SnapRemove(name) => format!("Forgot {name}"),
            Self::Arm { fault, .. } => format!("Armed: {fault}"),
            Self::Next { does, .. } => format!("Next time: {does}"),
            Self::ClearFaults => "Nothing goes wrong on purpose any more".to_owned(),
            _ => return None,
        };
        Some(text)
    }
}

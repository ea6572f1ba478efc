//! Every form that there is: its title, what it is for, and its fields.

use super::{Field, Form, Holds, Purpose};
use crate::face::On;

impl Form {
    pub(in crate::terminal) fn open(on: On, title: &str) -> Self {
        let fields = vec![Field::new("PIN", Holds::Pin)];
        let note = "Any of the PINs. Left empty, the holder of the device is asked";
        Self::new(format!("Open {title}"), note, Purpose::Open(on), fields)
    }

    pub(in crate::terminal) fn approve(on: On, id: String, text: &str) -> Self {
        let note = format!("What is signed: {text}");
        let fields = vec![Field::new("PIN", Holds::Pin)];
        Self::new("Approve".into(), &note, Purpose::Approve(on, id), fields)
    }

    pub(in crate::terminal) fn answer(device: String, prompt: u64, what: &str) -> Self {
        let note = format!("{what}. Left empty, the holder types the PIN they have");
        let fields = vec![Field::new("PIN", Holds::Pin)];
        Self::new("Approve".into(), &note, Purpose::Answer(device, prompt), fields)
    }

    pub(in crate::terminal) fn enroll(device: String) -> Self {
        let mut fields = vec![
            Field::new("Link or code", Holds::Invitation),
            Field::new("Server of a code", Holds::Text),
            Field::new("Name for it", Holds::Text),
        ];
        fields.extend(pins_twice("New PIN"));
        let note =
            "Paste the link, or type the code and its server. Duress PINs, up to three with spaces, may stay empty";
        Self::new(format!("Enroll {device}"), note, Purpose::Enroll(device), fields)
    }

    pub(in crate::terminal) fn change_pins(on: On, title: &str) -> Self {
        let mut fields = vec![Field::new("PIN in use", Holds::Pin)];
        fields.extend(pins_twice("New PIN"));
        let note = "None of the old PINs stays. Duress PINs, up to three with spaces, may stay empty";
        Self::new(format!("New PINs for {title}"), note, Purpose::ChangePins(on), fields)
    }

    pub(in crate::terminal) fn persona(device: String) -> Self {
        let fields = pins_twice("PIN").into();
        let note = "What the holder types who is asked. The server is not told";
        Self::new(format!("PINs that the holder of {device} knows"), note, Purpose::Persona(device), fields)
    }

    pub(in crate::terminal) fn new_device() -> Self {
        let fields = vec![Field::new("Name", Holds::Text)];
        Self::new(
            "New device".into(),
            "1 to 48 letters, digits, dots, hyphens and underscores; no dot or hyphen at the beginning",
            Purpose::NewDevice,
            fields,
        )
    }

    pub(in crate::terminal) fn advance() -> Self {
        let fields = vec![Field::new("Seconds", Holds::Number)];
        Self::new("Let time pass".into(), "For the devices; a server has its own clock", Purpose::Advance, fields)
    }

    pub(in crate::terminal) fn skew(device: String) -> Self {
        let fields = vec![Field::new("Seconds", Holds::Number)];
        let title = format!("Make the clock of {device} wrong");
        Self::new(title, "Ahead, or behind with a minus", Purpose::Skew(device), fields)
    }

    pub(in crate::terminal) fn write() -> Self {
        let fields = vec![Field::new("File", Holds::Text)];
        let note = ".yaml: what was done in this session, for `scenario run`, with no PIN in it. .jsonl, .pcapng or \
                    .keylog: the frames that were recorded. Left empty: byhand.yaml";
        Self::new("Write what was done or said".into(), note, Purpose::Write, fields)
    }

    pub(in crate::terminal) fn label(on: On) -> Self {
        let fields = vec![Field::new("Name for it", Holds::Text)];
        Self::new("Call the token".into(), "On this device only", Purpose::Label(on), fields)
    }

    pub(in crate::terminal) fn unenroll(on: On, title: &str) -> Self {
        let fields = vec![Field::new("PIN", Holds::Pin)];
        let note = "Its server is told, and the token is gone. Left empty, the holder of the device is asked";
        Self::new(format!("Give {title} up"), note, Purpose::Unenroll(on), fields)
    }

    pub(in crate::terminal) fn revoke(on: On, other: String) -> Self {
        let fields = vec![Field::new("PIN", Holds::Pin)];
        let note =
            "It can never open the token again, and the token is closed. Left empty, the holder of the device is asked";
        Self::new(format!("Revoke the device {other}"), note, Purpose::Revoke(on, other), fields)
    }

    pub(in crate::terminal) fn forget(on: On, title: &str) -> Self {
        let note = "Its server is not told, and other devices go on. Type yes";
        Self::new(
            format!("Remove {title} here only"),
            note,
            Purpose::Forget(on),
            vec![Field::new("Really", Holds::Text)],
        )
    }

    pub(in crate::terminal) fn remove_device(device: String) -> Self {
        let note = "It is gone with all its tokens, and no server is told. Type yes";
        let title = format!("Remove the device {device}");
        Self::new(title, note, Purpose::Remove(device), vec![Field::new("Really", Holds::Text)])
    }

    pub(in crate::terminal) fn snap_save() -> Self {
        let fields = vec![Field::new("Name", Holds::Text)];
        let note = "Devices with their tokens, holders, networks and clocks, and the time of the session";
        Self::new("Keep everything as it is".into(), note, Purpose::SnapSave, fields)
    }

    pub(in crate::terminal) fn snap_load(name: String) -> Self {
        let note = "What is there now is gone, and no server is told. Type yes";
        Self::new(format!("Go back to {name}"), note, Purpose::SnapLoad(name), vec![Field::new("Really", Holds::Text)])
    }

    pub(in crate::terminal) fn copy(device: String) -> Self {
        let fields = vec![Field::new("Name of the copy", Holds::Text)];
        let note = "It has the same tokens and keys: servers find out once both are used";
        Self::new(format!("Copy the device {device}"), note, Purpose::Clone(device), fields)
    }

    pub(in crate::terminal) fn rename(device: String) -> Self {
        let fields = vec![Field::new("Name", Holds::Text)];
        Self::new(format!("Call the device {device} otherwise"), "", Purpose::Rename(device), fields)
    }

    pub(in crate::terminal) fn reset(device: String) -> Self {
        let note = "Its tokens are gone, and no server is told. Type yes";
        let fields = vec![Field::new("Really", Holds::Text)];
        Self::new(format!("Make the device {device} new"), note, Purpose::Reset(device), fields)
    }

    pub(in crate::terminal) fn check() -> Self {
        let labels = ["Token API", "Service", "Whose token", "Authkey file"];
        let fields = labels.into_iter().map(|label| Field::new(label, Holds::Text)).collect();
        let note = "What a door, a server or a deployment is told that asks for somebody's token";
        Self::new("Ask as a relying party".into(), note, Purpose::Check, fields)
    }
}

/// Fields for PINs that nobody sees: each is typed twice.
fn pins_twice(first: &'static str) -> [Field; 4] {
    let again = "The same again";
    [
        Field::new(first, Holds::Pin),
        Field::new(again, Holds::Pin),
        Field::new("Duress PINs", Holds::Pins),
        Field::new(again, Holds::Pins),
    ]
}

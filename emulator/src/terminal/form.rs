//! A form: fields that are typed or pasted into, and what is said when they are filled in. PINs are never shown, not even how
//! many digits there are.

mod field;
mod forms;

use cardea_sdk::Pin;

use crate::face::{Command, Invitation, On, Secret, Whom, why_no_pins};

pub(super) use field::{Field, Holds};

/// A form that is filled in.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) title: String,
    /// What it is for, for a person.
    pub(super) note: String,
    pub(super) fields: Vec<Field>,
    /// The field that is typed into.
    pub(super) at: usize,
    /// Why it could not be sent.
    pub(super) problem: Option<String>,
    purpose: Purpose,
}

/// What is said when it is filled in.
#[derive(Debug)]
enum Purpose {
    Open(On),
    Approve(On, String),
    Answer(String, u64),
    Enroll(String),
    ChangePins(On),
    Persona(String),
    NewDevice,
    Advance,
    Skew(String),
    Write,
    Check,
    Label(On),
    Unenroll(On),
    Revoke(On, String),
    Forget(On),
    Remove(String),
    SnapSave,
    SnapLoad(String),
    Clone(String),
    Rename(String),
    Reset(String),
}

impl Form {
    fn new(title: String, note: &str, purpose: Purpose, fields: Vec<Field>) -> Self {
        Self { title, note: note.to_owned(), fields, at: 0, problem: None, purpose }
    }

    /// The field that is typed into.
    pub(super) fn field(&mut self) -> &mut Field {
        let at = self.at.min(self.fields.len() - 1);
        &mut self.fields[at]
    }

    /// Removes the last character, or all.
    pub(super) fn remove(&mut self, all: bool) {
        let text = &mut self.field().text;
        let keep = if all { 0 } else { text.char_indices().next_back().map_or(0, |(at, _)| at) };
        text.truncate(keep);
    }

    /// Goes to the next field; whether there is one.
    pub(super) const fn next(&mut self) -> bool {
        let is_last = self.at + 1 >= self.fields.len();
        if !is_last {
            self.at += 1;
        }
        !is_last
    }

    pub(super) const fn previous(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// What is said with it; or why it cannot be, and the form is at the field that is wrong.
    pub(super) fn filled(&mut self) -> Option<Command> {
        match self.command() {
            Ok(command) => Some(command),
            Err((field, problem)) => {
                (self.at, self.problem) = (field, Some(problem));
                None
            }
        }
    }

    fn command(&self) -> Result<Command, (usize, String)> {
        Ok(match &self.purpose {
            Purpose::Open(on) => Command::Open { on: on.clone(), seconds: None, pin: self.perhaps(0)? },
            Purpose::Approve(on, id) => Command::Approve { on: on.clone(), id: id.clone(), pin: self.perhaps(0)? },
            Purpose::Answer(device, prompt) => {
                Command::Answer { device: device.clone(), prompt: *prompt, does: "approve", pin: self.perhaps(0)? }
            }
            Purpose::Enroll(device) => {
                let (device, label) = (device.clone(), self.text(2).trim().to_owned());
                let (invitation, (pin, duress)) = (self.invitation()?, self.new_pins(3)?);
                Command::Enroll { device, invitation, label, pin, duress }
            }
            Purpose::ChangePins(on) => {
                let (pin, (new, duress)) = (self.pin(0)?, self.new_pins(1)?);
                Command::ChangePins { on: on.clone(), pin, new, duress }
            }
            Purpose::Persona(device) => {
                let (pin, duress) = self.new_pins(0)?;
                Command::Persona { device: device.clone(), pin, duress }
            }
            Purpose::NewDevice => Command::NewDevice { name: self.name("device")? },
            Purpose::SnapSave => Command::SnapSave(self.name("snapshot")?),
            Purpose::SnapLoad(name) => self.really().map(|()| Command::SnapLoad(name.clone()))?,
            Purpose::Clone(device) => Command::Clone { device: device.clone(), new: self.name("device")? },
            Purpose::Rename(device) => Command::Rename { device: device.clone(), new: self.name("device")? },
            Purpose::Reset(device) => self.really().map(|()| Command::Reset { device: device.clone() })?,
            Purpose::Advance => Command::Advance(self.number(0)?),
            Purpose::Skew(device) => Command::Skew { device: device.clone(), seconds: self.number(0)? },
            Purpose::Check => {
                let [server, service, user, file] = [self.said(0)?, self.said(1)?, self.said(2)?, self.said(3)?];
                Command::Check { whom: Whom { server, service, authkey_file: file.into() }, user }
            }
            Purpose::Write => self.writes()?,
            Purpose::Label(on) => Command::Label { on: on.clone(), label: self.said(0)? },
            Purpose::Unenroll(on) => Command::Unenroll { on: on.clone(), pin: self.perhaps(0)? },
            Purpose::Revoke(on, other) => {
                Command::Revoke { on: on.clone(), other: other.clone(), pin: self.perhaps(0)? }
            }
            Purpose::Forget(on) => self.really().map(|()| Command::Forget(on.clone()))?,
            Purpose::Remove(name) => self.really().map(|()| Command::RemoveDevice { name: name.clone() })?,
        })
    }

    /// What the name of the file says.
    fn writes(&self) -> Result<Command, (usize, String)> {
        let file = crate::face::scenario_file(self.text(0));
        match file.extension().and_then(std::ffi::OsStr::to_str) {
            Some("yaml" | "yml") => Ok(Command::Record(file)),
            Some("jsonl" | "pcapng" | "keylog") => Ok(Command::Export(file)),
            _ => Err((0, "end it in .yaml, .jsonl, .pcapng or .keylog: that says what is written".to_owned())),
        }
    }

    /// A name for something.
    fn name(&self, of: &'static str) -> Result<String, (usize, String)> {
        let name = self.text(0).trim().to_owned();
        let problem = || (0, crate::engine::EngineError::name_of(of, &name).to_string());
        if crate::engine::is_name(&name) { Ok(name) } else { Err(problem()) }
    }

    /// What cannot be undone is said in a word.
    fn really(&self) -> Result<(), (usize, String)> {
        if self.text(0).trim() == "yes" { Ok(()) } else { Err((0, "type yes, or leave with Esc".to_owned())) }
    }

    /// What may not be empty.
    fn said(&self, field: usize) -> Result<String, (usize, String)> {
        let text = self.text(field).trim();
        if text.is_empty() { Err((field, "this has to be said".to_owned())) } else { Ok(text.to_owned()) }
    }

    fn text(&self, field: usize) -> &str {
        &self.fields[field].text
    }

    fn number<T: std::str::FromStr>(&self, field: usize) -> Result<T, (usize, String)> {
        self.text(field).parse().map_err(|_| (field, "a number of seconds, such as 60".to_owned()))
    }

    fn invitation(&self) -> Result<Invitation, (usize, String)> {
        let (text, host) = (self.text(0), self.text(1).trim());
        match (text.is_empty(), host.is_empty()) {
            (true, _) => Err((0, "paste the link, or type the code".to_owned())),
            (false, true) => Ok(Invitation::Text(Secret::new(text))),
            (false, false) => Ok(Invitation::Code(Secret::new(text), host.to_owned())),
        }
    }

    fn pin(&self, field: usize) -> Result<Secret, (usize, String)> {
        checked(self.text(field)).map_err(|problem| (field, problem))
    }

    fn perhaps(&self, field: usize) -> Result<Option<Secret>, (usize, String)> {
        if self.text(field).is_empty() { Ok(None) } else { self.pin(field).map(Some) }
    }

    /// New PINs: the one in this field, and those for duress two fields on. Each is typed twice, because nobody sees it.
    fn new_pins(&self, field: usize) -> Result<(Secret, Vec<Secret>), (usize, String)> {
        let pin = self.pin(field)?;
        self.same(field)?;
        let duress: Vec<&str> = self.text(field + 2).split(' ').filter(|pin| !pin.is_empty()).collect();
        self.same(field + 2)?;
        for (at, duress) in [(field, &[][..]), (field + 2, &duress)] {
            if let Some(problem) = why_no_pins(pin.reveal(), duress) {
                return Err((at, problem));
            }
        }
        Ok((pin, duress.into_iter().map(Secret::new).collect()))
    }

    fn same(&self, field: usize) -> Result<(), (usize, String)> {
        let is_same = self.text(field) == self.text(field + 1);
        if is_same { Ok(()) } else { Err((field + 1, "not the same: type it again".to_owned())) }
    }
}

/// A PIN, if it is one; the problem never repeats it.
fn checked(text: &str) -> Result<Secret, String> {
    match Pin::new(text.as_bytes()) {
        Ok(_) => Ok(Secret::new(text)),
        Err(error) => Err(error.to_string()),
    }
}

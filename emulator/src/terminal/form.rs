//! A form: fields that are typed or pasted into, and what is said when they are filled in. PINs are never shown, not even how
//! many digits there are.

use cardea_sdk::Pin;
use zeroize::Zeroizing;

use crate::face::{Command, Invitation, On, Secret};

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
    Record,
}

/// A field.
pub(super) struct Field {
    pub(super) label: &'static str,
    pub(super) holds: Holds,
    text: Zeroizing<String>,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Field").field("label", &self.label).finish_non_exhaustive()
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Words.
    Text,
    /// A link or a typed code.
    Invitation,
    /// A number, perhaps with a sign.
    Number,
    /// A PIN.
    Pin,
    /// Any number of PINs, with spaces between them.
    Pins,
}

impl Holds {
    const fn most(self) -> usize {
        match self {
            Self::Text => 255,
            Self::Invitation => 4096,
            Self::Number => 12,
            Self::Pin => 12,
            Self::Pins => 38,
        }
    }

    fn takes(self, it: char) -> bool {
        match self {
            Self::Text => !it.is_control(),
            Self::Invitation => !it.is_control() && !it.is_whitespace(),
            Self::Number => it.is_ascii_digit() || it == '-',
            Self::Pin => it.is_ascii_digit(),
            Self::Pins => it.is_ascii_digit() || it == ' ',
        }
    }
}

impl Field {
    fn new(label: &'static str, holds: Holds) -> Self {
        // Never moved while it grows: no copy is left behind.
        Self { label, holds, text: Zeroizing::new(String::with_capacity(holds.most() + 4)) }
    }

    /// Types or pastes into it; what does not belong there is left out.
    pub(super) fn add(&mut self, text: &str) {
        for it in text.chars().filter(|it| self.holds.takes(*it)) {
            if self.text.len() + it.len_utf8() <= self.holds.most() {
                self.text.push(it);
            }
        }
    }

    /// What may be seen of it.
    pub(super) fn shown(&self) -> String {
        match (self.holds, self.text.is_empty()) {
            (_, true) => String::new(),
            (Holds::Pin | Holds::Pins, _) => "typed, not shown".to_owned(),
            // What follows the # is the secret.
            (Holds::Invitation, _) => match self.text.split_once('#') {
                Some((before, _)) => format!("{before}#… ({} characters)", self.text.len()),
                None => self.text.to_string(),
            },
            _ => self.text.to_string(),
        }
    }
}

impl Form {
    fn new(title: String, note: &str, purpose: Purpose, fields: Vec<Field>) -> Self {
        Self { title, note: note.to_owned(), fields, at: 0, problem: None, purpose }
    }

    pub(super) fn open(on: On, title: &str) -> Self {
        let fields = vec![Field::new("PIN", Holds::Pin)];
        let note = "Any of the PINs. Left empty, the holder of the device is asked";
        Self::new(format!("Open {title}"), note, Purpose::Open(on), fields)
    }

    pub(super) fn approve(on: On, id: String, text: &str) -> Self {
        let note = format!("What is signed: {text}");
        let fields = vec![Field::new("PIN", Holds::Pin)];
        Self::new("Approve".into(), &note, Purpose::Approve(on, id), fields)
    }

    pub(super) fn answer(device: String, prompt: u64, what: &str) -> Self {
        let note = format!("{what}. Left empty, the holder types the PIN they have");
        let fields = vec![Field::new("PIN", Holds::Pin)];
        Self::new("Approve".into(), &note, Purpose::Answer(device, prompt), fields)
    }

    pub(super) fn enroll(device: String) -> Self {
        let fields = vec![
            Field::new("Link or code", Holds::Invitation),
            Field::new("Server of a code", Holds::Text),
            Field::new("Name for it", Holds::Text),
            Field::new("New PIN", Holds::Pin),
            Field::new("The same again", Holds::Pin),
            Field::new("Duress PINs", Holds::Pins),
            Field::new("The same again", Holds::Pins),
        ];
        let note =
            "Paste the link, or type the code and its server. Duress PINs, up to three with spaces, may stay empty";
        Self::new(format!("Enroll {device}"), note, Purpose::Enroll(device), fields)
    }

    pub(super) fn change_pins(on: On, title: &str) -> Self {
        let fields = vec![
            Field::new("PIN in use", Holds::Pin),
            Field::new("New PIN", Holds::Pin),
            Field::new("The same again", Holds::Pin),
            Field::new("Duress PINs", Holds::Pins),
            Field::new("The same again", Holds::Pins),
        ];
        let note = "None of the old PINs stays. Duress PINs, up to three with spaces, may stay empty";
        Self::new(format!("New PINs for {title}"), note, Purpose::ChangePins(on), fields)
    }

    pub(super) fn persona(device: String) -> Self {
        let fields = vec![
            Field::new("PIN", Holds::Pin),
            Field::new("The same again", Holds::Pin),
            Field::new("Duress PINs", Holds::Pins),
            Field::new("The same again", Holds::Pins),
        ];
        let note = "What the holder types who is asked. The server is not told";
        Self::new(format!("PINs that the holder of {device} knows"), note, Purpose::Persona(device), fields)
    }

    pub(super) fn new_device() -> Self {
        let fields = vec![Field::new("Name", Holds::Text)];
        Self::new("New device".into(), "Small letters, digits and hyphens", Purpose::NewDevice, fields)
    }

    pub(super) fn advance() -> Self {
        let fields = vec![Field::new("Seconds", Holds::Number)];
        Self::new("Let time pass".into(), "For the devices; a server has its own clock", Purpose::Advance, fields)
    }

    pub(super) fn skew(device: String) -> Self {
        let fields = vec![Field::new("Seconds", Holds::Number)];
        let title = format!("Make the clock of {device} wrong");
        Self::new(title, "Ahead, or behind with a minus", Purpose::Skew(device), fields)
    }

    pub(super) fn record() -> Self {
        let fields = vec![Field::new("File", Holds::Text)];
        let note = "What was done in this session, for `scenario run`. No PIN is in it. Left empty: byhand.yaml";
        Self::new("Write what was done as a scenario".into(), note, Purpose::Record, fields)
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
            Purpose::Enroll(device) => Command::Enroll {
                device: device.clone(),
                invitation: self.invitation()?,
                label: self.text(2).trim().to_owned(),
                pin: self.twice(3)?,
                duress: self.duress(5)?,
            },
            Purpose::ChangePins(on) => {
                Command::ChangePins { on: on.clone(), pin: self.pin(0)?, new: self.twice(1)?, duress: self.duress(3)? }
            }
            Purpose::Persona(device) => {
                Command::Persona { device: device.clone(), pin: self.twice(0)?, duress: self.duress(2)? }
            }
            Purpose::NewDevice => {
                let name = self.text(0).trim().to_owned();
                if !crate::engine::is_name(&name) {
                    return Err((0, crate::engine::EngineError::name(&name).to_string()));
                }
                Command::NewDevice { name }
            }
            Purpose::Advance => Command::Advance(self.number(0)?),
            Purpose::Skew(device) => Command::Skew { device: device.clone(), seconds: self.number(0)? },
            Purpose::Record => Command::Record(crate::face::scenario_file(self.text(0))),
        })
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

    /// What is in this field and the next, because nobody sees it.
    fn twice(&self, field: usize) -> Result<Secret, (usize, String)> {
        let pin = self.pin(field)?;
        self.same(field)?;
        Ok(pin)
    }

    fn duress(&self, field: usize) -> Result<Vec<Secret>, (usize, String)> {
        self.same(field)?;
        let all = self.text(field).split(' ').filter(|pin| !pin.is_empty()).map(checked);
        all.collect::<Result<_, _>>().map_err(|problem| (field, problem))
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

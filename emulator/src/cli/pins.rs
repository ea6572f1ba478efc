//! PINs from the terminal, a file or a descriptor: never from arguments or the environment, never echoed, wiped.

#[cfg(unix)]
mod unseen;

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use cardea_sdk::{Pin, WalletError};
use zeroize::Zeroizing;

use super::CliError;
use super::args::PinArguments;
use crate::engine::EngineError;

/// No file of PINs is longer.
const LONGEST: u64 = 4096;
const MOST_DURESS: usize = 3;

/// Where PINs come from.
pub(super) enum Pins {
    Terminal,
    /// Nobody is asked.
    Nobody,
    /// Lines not used yet, the last first.
    Lines(Vec<Zeroizing<Vec<u8>>>),
}

impl Pins {
    /// Opens the source. A file is read at once.
    pub(super) fn open(arguments: &PinArguments, no_input: bool) -> Result<Self, CliError> {
        let path = match (&arguments.pin_file, arguments.pin_fd) {
            (None, None) if no_input => return Ok(Self::Nobody),
            (None, None) => return Ok(Self::Terminal),
            (Some(path), _) => path.clone(),
            (None, Some(descriptor)) => Path::new("/dev/fd").join(descriptor.to_string()),
        };
        let failed = |source| CliError::Input { path: path.clone(), source };
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST).unwrap_or_default()));
        File::open(&path).map_err(failed)?.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Self {
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        let mut lines: Vec<_> = lines.map(|line| Zeroizing::new(line.to_vec())).collect();
        lines.reverse();
        Self::Lines(lines)
    }

    /// Whether they come from a file or a descriptor.
    pub(super) const fn are_given(&self) -> bool {
        matches!(self, Self::Lines(_))
    }

    /// The PIN that is in use.
    pub(super) fn current(&mut self) -> Result<Text, CliError> {
        self.next("PIN")?.ok_or(CliError::TooFewPins)
    }

    /// A new set: the PIN that opens; then duress PINs, all that are given, or those that a person is asked for.
    pub(super) fn new_set(&mut self, ask_duress: bool) -> Result<(Text, Vec<Text>), CliError> {
        let normal = self.twice("new PIN")?.ok_or(CliError::TooFewPins)?;
        let duress = if ask_duress || self.are_given() { self.duress()? } else { Vec::new() };
        Ok((normal, duress))
    }

    /// Up to three duress PINs.
    pub(super) fn duress(&mut self) -> Result<Vec<Text>, CliError> {
        let mut pins = Vec::new();
        while pins.len() < MOST_DURESS
            && let Some(pin) = self.twice("duress PIN, empty for no more")?
        {
            pins.push(pin);
        }
        Ok(pins)
    }

    /// A PIN that is typed twice, because nobody sees it.
    fn twice(&mut self, what: &str) -> Result<Option<Text>, CliError> {
        let Self::Terminal = self else { return self.next(what) };
        let first = prompt(what)?;
        if first.is_empty() {
            return Ok(None);
        }
        if *first != *prompt("the same again")? {
            return Err(CliError::PinsDiffer);
        }
        Ok(Some(pin(&first)?))
    }

    fn next(&mut self, what: &str) -> Result<Option<Text>, CliError> {
        let line = match self {
            Self::Terminal => Some(prompt(what)?),
            Self::Nobody => return Err(CliError::NoTerminal),
            Self::Lines(lines) => lines.pop(),
        };
        line.filter(|line| !line.is_empty()).map(|line| pin(&line)).transpose()
    }
}

/// A PIN.
pub(super) type Text = Zeroizing<String>;

/// What is a PIN, as text.
fn pin(text: &[u8]) -> Result<Text, CliError> {
    Pin::new(text).map_err(|error| EngineError::from(WalletError::from(error)))?;
    // Digits only.
    Ok(Zeroizing::new(text.iter().copied().map(char::from).collect()))
}

/// A passphrase: the first line of a file, or what is typed, twice if it is a new one.
pub(super) fn passphrase(file: Option<&Path>, is_new: bool) -> Result<Text, CliError> {
    let typed = match file {
        Some(path) => {
            let failed = |source| CliError::Input { path: path.to_owned(), source };
            let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST).unwrap_or_default()));
            File::open(path).map_err(failed)?.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
            Zeroizing::new(bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii().to_vec())
        }
        None => prompt("passphrase")?,
    };
    if file.is_none() && is_new && *typed != *prompt("the same again")? {
        return Err(CliError::PinsDiffer);
    }
    let text = std::str::from_utf8(&typed).map_err(|_| CliError::Usage("the passphrase is no text".into()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn prompt(what: &str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    // Without a terminal there is nobody to ask, and nobody to see the question.
    if !std::io::stderr().is_terminal() && !std::io::stdin().is_terminal() {
        return Err(CliError::NoTerminal);
    }
    #[cfg(unix)]
    let typed = unseen::ask(&format!("{what}: "));
    #[cfg(not(unix))]
    let typed = rpassword::prompt_password(format!("{what}: "));
    let typed = typed.map_err(|source| CliError::Input { path: "the terminal".into(), source })?;
    Ok(Zeroizing::new(typed.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_pin_a_line_in_the_order_of_the_questions() {
        let mut pins = Pins::parse(b"274951\r\n 836402 \n\n518364");
        assert!(pins.current().is_ok());
        assert_eq!(pins.duress().unwrap().len(), 2);
        assert!(matches!(pins.current(), Err(CliError::TooFewPins)));
    }

    #[test]
    fn what_is_no_pin_is_refused_without_repeating_it() {
        let Err(error) = Pins::parse(b"27495x").current() else { panic!("accepted") };
        assert!(!error.to_string().contains("27495"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let arguments = PinArguments { pin_file: Some("/nowhere/pin".into()), pin_fd: None };
        let Err(error) = Pins::open(&arguments, false) else { panic!("opened") };
        assert!(error.to_string().contains("/nowhere/pin"), "{error}");
    }
}

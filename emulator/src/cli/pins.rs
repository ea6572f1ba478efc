//! PINs from the terminal, a file or a descriptor: never from arguments or the environment, never echoed, wiped.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use cardea_sdk::{NewPins, Pin, Policy, WalletError};
use zeroize::Zeroizing;

use super::CliError;
use super::args::PinArguments;

/// No file of PINs is longer.
const LONGEST: u64 = 4096;
const MOST_DURESS: usize = 3;

/// Where PINs come from.
pub(super) enum Pins {
    Terminal,
    /// Lines not used yet, the last first.
    Lines(Vec<Zeroizing<Vec<u8>>>),
}

impl Pins {
    /// Opens the source. A file is read at once.
    pub(super) fn open(arguments: &PinArguments) -> Result<Self, CliError> {
        let path = match (&arguments.pin_file, arguments.pin_fd) {
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

    /// The PIN that is in use.
    pub(super) fn current(&mut self) -> Result<Pin, CliError> {
        self.next("PIN")?.ok_or(CliError::TooFewPins)
    }

    /// A new set: the PIN that opens, then duress PINs if the service allows them.
    pub(super) fn new_set(&mut self, policy: &Policy) -> Result<NewPins, CliError> {
        let (min, max) = (policy.pin_min, policy.pin_max);
        let digits = if min == max { min.to_string() } else { format!("{min} to {max}") };
        let normal = self.twice(&format!("new PIN ({digits} digits)"))?.ok_or(CliError::TooFewPins)?;
        let duress = if policy.duress { self.duress()? } else { Vec::new() };
        Ok(NewPins { normal, duress, biometric: None })
    }

    /// Up to three duress PINs.
    pub(super) fn duress(&mut self) -> Result<Vec<Pin>, CliError> {
        let mut pins = Vec::new();
        while pins.len() < MOST_DURESS
            && let Some(pin) = self.twice("duress PIN, empty for no more")?
        {
            pins.push(pin);
        }
        Ok(pins)
    }

    /// A PIN that is typed twice, because nobody sees it.
    fn twice(&mut self, what: &str) -> Result<Option<Pin>, CliError> {
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

    fn next(&mut self, what: &str) -> Result<Option<Pin>, CliError> {
        let line = match self {
            Self::Terminal => Some(prompt(what)?),
            Self::Lines(lines) => lines.pop(),
        };
        Ok(line.filter(|line| !line.is_empty()).map(|line| pin(&line)).transpose()?)
    }
}

fn pin(text: &[u8]) -> Result<Pin, WalletError> {
    Ok(Pin::new(text)?)
}

fn prompt(what: &str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    // Without a terminal there is nobody to ask, and nobody to see the question.
    if !std::io::stderr().is_terminal() && !std::io::stdin().is_terminal() {
        return Err(CliError::NoTerminal);
    }
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
        let Err(error) = Pins::open(&arguments) else { panic!("opened") };
        assert!(error.to_string().contains("/nowhere/pin"), "{error}");
    }
}

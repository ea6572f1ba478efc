//! Questions of the program itself: whether something is really to be done.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use super::CliError;

/// No answer is longer.
const LONGEST: u64 = 64;

/// Asks whether to do `what`, if somebody is there who can be asked.
pub(super) fn whether(what: &str, no_input: bool) -> Result<(), CliError> {
    if no_input || !io::stdin().is_terminal() {
        return Err(CliError::NotSure(what.to_owned()));
    }
    // What is asked is seen even where data goes to a file.
    let mut errors = io::stderr();
    let asked = write!(errors, "{what}? [y/N] ").and_then(|()| errors.flush());
    asked.map_err(CliError::Output)?;
    if is_yes(&mut io::stdin().lock())? { Ok(()) } else { Err(CliError::Declined) }
}

/// Whether the answer is yes: anything that is not is no.
fn is_yes(input: &mut impl BufRead) -> Result<bool, CliError> {
    let mut line = Vec::new();
    let read = io::Read::take(input, LONGEST).read_until(b'\n', &mut line);
    read.map_err(|source| CliError::Input { path: "the terminal".into(), source })?;
    let line = line.trim_ascii().to_ascii_lowercase();
    Ok(line == b"y" || line == b"yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (line, is) in
            [("y\n", true), ("Yes\r\n", true), ("\n", false), ("", false), ("no\n", false), ("yess\n", false)]
        {
            assert_eq!(is_yes(&mut line.as_bytes()).unwrap(), is, "{line:?}");
        }
    }
}

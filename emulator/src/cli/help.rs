//! What people are told who ask for help: the commands in the order in which they are needed, and what to type.

mod examples;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _};

use super::args::Arguments;
use crate::suggest::nearest;
pub(super) use examples::EXAMPLES;

/// All commands, by what they are for.
pub(super) const GROUPS: [(&str, &[&str]); 8] = [
    (
        "Look and click",
        &[
            #[cfg(feature = "window")]
            "window",
            #[cfg(feature = "terminal")]
            "terminal",
        ],
    ),
    ("Every day", &["enroll", "open", "close", "toggle", "status", "list", "wait", "watch"]),
    ("Texts to approve or deny", &["confirmations", "approve", "deny"]),
    ("A token", &["info", "devices", "history", "label", "change-pin", "set-duress", "revoke-device", "unenroll"]),
    ("An emulator that runs, for tests", &["run", "up", "down", "ps", "session", "device"]),
    ("What happens to its devices", &["prompt", "net", "clock", "snap", "fault", "journal", "trace", "replay"]),
    ("Servers, relying parties, files that run", &["stub", "rp", "scenario"]),
    ("This program", &["config", "doctor", "capabilities", "version", "openapi", "completions", "man", "reference"]),
];

/// Options that are seldom needed: `--help` tells of them, `-h` does not.
const SELDOM: [&str; 6] = ["state", "ctl", "token_file", "transport", "web_port", "web_ca"];

/// An error about an option that is not known, with the one that was probably meant.
pub(super) fn with_meant(mut error: clap::Error, mut program: Command, given: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return error };
    if error.kind() != ErrorKind::UnknownArgument || error.get(ContextKind::SuggestedArg).is_some() {
        return error;
    }
    program.build();
    let command = given
        .iter()
        .skip(1)
        .fold(&program, |at, word| word.to_str().and_then(|word| at.find_subcommand(word)).unwrap_or(at));
    let known: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
    let meant =
        unknown.strip_prefix("--").and_then(|unknown| nearest(unknown, known)).map(|meant| format!("--{meant}"));
    if let Some(meant) = meant {
        error.remove(ContextKind::Suggested);
        error.insert(ContextKind::SuggestedArg, ContextValue::String(meant));
    }
    error
}

/// The command line, with all that is said about it.
pub(super) fn command() -> Command {
    let command = Arguments::command().mut_args(|option| {
        let is_seldom = SELDOM.contains(&option.get_id().as_str());
        option.hide_short_help(is_seldom)
    });
    let template = template(&command);
    with_examples(command, "").help_template(template).after_long_help(exit_codes())
}

/// What `--help` says: the commands by group where clap would list them.
fn template(command: &Command) -> String {
    let heading = command.get_styles().get_header();
    let literal = command.get_styles().get_literal();
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (group, names) in GROUPS {
        // Writing to a text does not fail.
        let _ = write!(text, "\n{heading}{group}:{heading:#}\n");
        for name in names {
            // One that this program was built without is not told of.
            let Some(about) = command.find_subcommand(name).and_then(Command::get_about) else { continue };
            let _ = writeln!(text, "  {literal}{name:<13}{literal:#}  {about}");
        }
    }
    let _ = write!(text, "\n{heading}Common options:{heading:#}\n{{options}}\n\n{heading}First steps:{heading:#}\n");
    text += "  cardea-emulator enroll -        paste the link, Enter, Ctrl-D; then choose a PIN\n";
    text += "  cardea-emulator open            open the token with that PIN\n";
    text += "  cardea-emulator help COMMAND    what a command takes, with examples{after-help}\n";
    text
}

/// Adds to each command what is typed for it.
fn with_examples(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let mut command = names.iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |inner| with_examples(inner, path.trim_start()))
    });
    if let Some((_, examples)) = EXAMPLES.iter().find(|(known, _)| *known == path) {
        let heading = command.get_styles().get_header();
        let mut text = format!("{heading}Examples:{heading:#}");
        for (line, what) in *examples {
            let _ = write!(text, "\n  cardea-emulator {line}\n      {what}");
        }
        command = command.after_help(text);
    }
    command
}

fn exit_codes() -> String {
    let styles = Arguments::command().get_styles().get_header().to_owned();
    let mut text = format!("{styles}Exit codes:{styles:#}");
    for (code, what) in crate::exit::CODES {
        let _ = write!(text, "\n  {code:>3}  {what}");
    }
    text
}

/// All commands that do something, with the words that they are called by.
pub(super) fn leaves(command: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    for inner in command.get_subcommands() {
        let name = inner.get_name();
        if inner.has_subcommands() {
            found.extend(leaves(inner).into_iter().map(|(path, leaf)| (format!("{name} {path}"), leaf)));
        } else {
            found.push((name.to_owned(), inner));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser as _;

    use super::*;

    #[test]
    fn an_option_that_is_misspelled_is_told_with_the_one_that_was_meant() {
        for (line, said) in [
            ("x open --fro 5s", Some("'--for'")),
            ("x device new --enrol y", Some("'--enroll'")),
            ("x --stat y open", Some("'--state'")),
            ("x open --entirely", None),
        ] {
            let given: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let error = command().try_get_matches_from(&given).unwrap_err();
            let text = with_meant(error, command(), &given).to_string();
            assert_eq!(text.contains("a similar argument exists"), said.is_some(), "{text}");
            assert!(said.is_none_or(|said| text.contains(said)), "{text}");
        }
    }

    #[test]
    fn every_command_is_in_one_group() {
        let command = command();
        let known: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), known, "the groups of cli/help.rs");
        assert_eq!(listed.len(), known.len(), "none is there twice");
    }

    #[test]
    fn every_command_has_an_example_and_every_example_can_be_typed() {
        let command = command();
        let leaves = leaves(&command);
        for (path, _) in &leaves {
            assert!(EXAMPLES.iter().any(|(known, _)| known == path), "no example for `{path}` in cli/help/examples.rs");
        }
        for (path, examples) in EXAMPLES {
            assert!(leaves.iter().any(|(known, _)| known == path), "`{path}` is no command");
            assert!(!examples.is_empty(), "`{path}`");
            for (line, what) in *examples {
                assert!(line.contains(path) && !what.is_empty(), "{line}");
                if let Err(error) = Arguments::try_parse_from(words(&format!("cardea-emulator {line}"))) {
                    panic!("`{line}`: {error}");
                }
            }
        }
    }

    /// The words of a line, as a shell takes them up to a pipe.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for letter in line.chars() {
            match (quote, letter) {
                (None, '\'' | '"') => quote = Some(letter),
                (Some(open), letter) if open == letter => quote = None,
                (None, '|' | '<' | '>') => break,
                (None, ' ') => words.push(String::new()),
                (_, letter) => words.last_mut().expect("there is one").push(letter),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn help_says_every_command_first_steps_and_every_exit_code() {
        let long = command().render_long_help().to_string();
        for (group, names) in GROUPS {
            assert!(long.contains(&format!("\n{group}:\n")), "{group}");
            for name in names {
                assert!(long.contains(&format!("\n  {name} ")), "{name}");
            }
        }
        for (code, what) in crate::exit::CODES {
            assert!(long.contains(&format!("{code:>3}  {what}")), "{code}");
        }
        assert!(long.contains("First steps:"));
        // What is seldom needed is only in the long one.
        let short = command().render_help().to_string();
        assert!(long.contains("--web-port") && !short.contains("--web-port") && short.contains("--pin-file"));
    }
}

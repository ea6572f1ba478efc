//! The commands and their options, as the command line has them.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::cell;
use crate::cli::config::Config;
use crate::cli::help;

/// The part with all commands, and the options that all have.
pub(super) fn write(text: &mut String) {
    let command = help::command();
    let leaves = help::leaves(&command);
    let of = |name: &str| {
        let is_of = |path: &str| path.split(' ').next() == Some(name);
        leaves.iter().filter(move |(path, _)| is_of(path)).collect::<Vec<_>>()
    };
    *text += "## Commands\n\n";
    for (group, names) in help::GROUPS {
        let links = names.iter().flat_map(|name| of(name));
        let links: Vec<String> = links.map(|(path, _)| format!("[`{path}`](#{})", path.replace(' ', "-"))).collect();
        // Writing to a text does not fail.
        let _ = writeln!(text, "- {group}: {}", links.join(", "));
    }
    *text += "\n### Common options\n\nThey stand before or after the command.\n\n";
    arguments(text, command.get_arguments());
    for (path, leaf) in help::GROUPS.iter().flat_map(|(_, names)| *names).flat_map(|name| of(name)) {
        one(text, path, leaf);
    }
}

fn one(text: &mut String, path: &str, leaf: &Command) {
    let about = leaf.get_long_about().or_else(|| leaf.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "### `{path}`\n\n");
    for paragraph in about.split("\n\n") {
        let _ = write!(text, "{}.\n\n", paragraph.trim_end_matches('.'));
    }
    arguments(text, leaf.get_arguments());
    *text += "```sh\n";
    for (line, what) in help::EXAMPLES.iter().filter(|(known, _)| *known == path).flat_map(|(_, lines)| *lines) {
        let _ = writeln!(text, "cardea-emulator {line}    # {what}");
    }
    *text += "```\n\n";
}

fn arguments<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let rows: Vec<String> = arguments.filter(|it| !it.is_hide_set()).map(row).collect();
    if !rows.is_empty() {
        let _ = write!(text, "| argument | is |\n|---|---|\n{}\n", rows.concat());
    }
}

fn row(it: &Arg) -> String {
    let value = || {
        let names = it.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
        if names.is_empty() { it.get_id().as_str().to_uppercase() } else { names.join(" ") }
    };
    let takes = it.get_action().takes_values();
    let name = match (it.get_short(), it.get_long()) {
        (None, None) if it.is_required_set() => value(),
        (None, None) => format!("[{}]", value()),
        (short, long) => {
            let short = short.map(|short| format!("-{short}"));
            let long = long.map(|long| format!("--{long}"));
            let names = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
            if takes { format!("{names} {}", value()) } else { names }
        }
    };
    let mut what = it.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults = it.get_default_values().iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(" ");
    if takes && !defaults.is_empty() && !it.is_hide_default_value_set() {
        what += &format!(" [default: `{defaults}`]");
    }
    if let Some(variable) = it.get_env() {
        what += &format!(" [environment: `{}`]", variable.to_string_lossy());
    }
    let mut row = format!("| `{}` | {}", cell(&name), cell(&what));
    for value in it.get_possible_values().iter().filter(|_| takes) {
        let says = value.get_help().map(|help| format!(": {help}")).unwrap_or_default();
        row += &format!("<br>`{}`{}", value.get_name(), cell(&says));
    }
    row + " |\n"
}

/// Variables that stand for options, and for what.
pub(super) fn environment() -> Vec<(String, String)> {
    // As it is where no file says anything.
    let command = Config::default().command();
    let inner = help::leaves(&command).into_iter().flat_map(|(_, leaf)| leaf.get_arguments());
    let mut found: Vec<(String, String)> = Vec::new();
    for it in command.get_arguments().chain(inner) {
        let (Some(variable), Some(long)) = (it.get_env(), it.get_long()) else { continue };
        let name = variable.to_string_lossy().into_owned();
        let what = it.get_help().map(ToString::to_string).unwrap_or_default();
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, format!("`--{long}`: {what}")));
        }
    }
    found
}

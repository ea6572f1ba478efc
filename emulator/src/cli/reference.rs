//! The reference, in Markdown: all of it is taken from where the program takes it. `docs/emulator/reference.md` is this.

mod calls;
mod commands;
mod schema;

use std::fmt::Write as _;

use serde_json::Value;

use super::CliError;
use crate::exit::{CODES, RETRYABLE, WORDS};
use crate::faults::{Layer, catalogue};

/// What is read from the environment beside what options say of it.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("XDG_STATE_HOME", "the folder with the state folders is `cardea-emulator` in it; else in `~/.local/state`"),
    ("NOTIFY_SOCKET", "`run` tells systemd there that it is ready"),
    ("CARDEA_SEED", "what devices of tests draw at random: `cardea_emulator::testing`, and the fixtures"),
    ("CARDEA_EMULATOR", "for the fixtures: the program; see [fixtures.md](fixtures.md#which-programs) for theirs"),
];

/// All of it.
pub(super) fn page() -> Result<String, CliError> {
    let api: Value = serde_json::from_str(&crate::control::description()).unwrap_or_default();
    let mut text =
        "# Reference\n\nEverything that the emulator can be told, says and ends with. `cargo xtask docs` makes \
                    this page from the program; `cardea-emulator reference` prints it.\n\n"
            .to_owned();
    for (name, place) in PARTS {
        // Writing to a text does not fail.
        let _ = writeln!(text, "- [{name}](#{place})");
    }
    text.push('\n');
    commands::write(&mut text);
    environment(&mut text);
    pairs(&mut text, "Exit codes", ["exit code", "means"], CODES.iter().map(|(code, what)| (code.to_string(), *what)));
    text += "## Error words\n\n`error.code` of what `--json` prints, and `code` of a problem of the control API. They stay \
             the same; messages may change. Those that pass by themselves have `retryable` beside them: ";
    text += &RETRYABLE.map(|word| format!("`{word}`")).join(", ");
    text += ".\n\n";
    table(&mut text, ["word", "means"], WORDS.iter().map(|(word, what)| ((*word).to_owned(), *what)));
    text += "## Kinds of journal entries\n\n`kind` in `journal`, `watch` and the events of the control API.\n\n";
    table(&mut text, ["kind", "says"], crate::control::kinds().iter().map(|(kind, what)| ((*kind).to_owned(), *what)));
    calls::waiting(&mut text, &api);
    calls::capabilities(&mut text, &api);
    faults(&mut text);
    schema::scenarios(&mut text);
    calls::calls(&mut text, &api);
    Ok(text)
}

/// The parts of the page, and where they are.
const PARTS: [(&str, &str); 10] = [
    ("Commands", "commands"),
    ("Environment", "environment"),
    ("Exit codes", "exit-codes"),
    ("Error words", "error-words"),
    ("Kinds of journal entries", "kinds-of-journal-entries"),
    ("What can be waited for", "what-can-be-waited-for"),
    ("What this version can do", "what-this-version-can-do"),
    ("Faults", "faults"),
    ("Steps of scenarios", "steps-of-scenarios"),
    ("Calls of the control API", "calls-of-the-control-api"),
];

fn environment(text: &mut String) {
    let mut known: Vec<(String, String)> = commands::environment();
    known.extend(ENVIRONMENT.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())));
    known.sort();
    *text += "## Environment\n\nAn option wins over the environment.\n\n";
    table(text, ["variable", "is"], known.iter().map(|(name, what)| (name.clone(), what.as_str())));
}

fn faults(text: &mut String) {
    *text += "## Faults\n\n[faults.md](faults.md#all-faults) says what each does, and what device and server are to make \
              of it; `fault catalog` prints the same.\n\n";
    let names = |layer: Layer| {
        let names = catalogue().filter(|entry| entry.layer == layer).map(|entry| format!("`{}`", entry.name));
        names.collect::<Vec<_>>().join(", ")
    };
    *text += "| layer | faults |\n|---|---|\n";
    for layer in Layer::ALL {
        let _ = writeln!(text, "| {} | {} |", layer.name(), names(layer));
    }
    text.push('\n');
}

fn pairs<'a>(text: &mut String, title: &str, head: [&str; 2], rows: impl Iterator<Item = (String, &'a str)>) {
    let _ = write!(text, "## {title}\n\n");
    table(text, head, rows);
}

/// A table with a column of code and one of words.
fn table<'a>(text: &mut String, [left, right]: [&str; 2], rows: impl Iterator<Item = (String, &'a str)>) {
    let _ = write!(text, "| {left} | {right} |\n|---|---|\n");
    for (code, what) in rows {
        let _ = writeln!(text, "| `{}` | {} |", cell(&code), cell(what));
    }
    text.push('\n');
}

/// Text in a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_contents_lead_to_its_parts() {
        let page = page().unwrap();
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, PARTS.map(|(name, _)| name));
        for (name, place) in PARTS {
            assert_eq!(name.to_lowercase().replace(' ', "-"), place);
        }
    }

    #[test]
    fn it_has_every_command_variable_kind_fault_step_and_call() {
        let page = page().unwrap();
        for needed in [
            "### `prompt next`",
            "| `CARDEA_EMULATOR_STATE` |",
            "| `closed-token-checked` |",
            "`clone-first`",
            "| `enroll` |",
            "| `POST /v1/sessions/{session}/devices/{device}/open` |",
            "| `remaining` |",
            "| `outcomes` |",
            "| 130 |",
        ] {
            assert!(page.contains(&needed.replace("| 130 |", "| `130` |")), "{needed}");
        }
    }
}

//! The `cargo xtask` commands in the documents are commands that there are.

use anyhow::Result;

use super::Findings;
use crate::workspace::Workspace;

const START: &str = "cargo xtask ";

/// Parses every `cargo xtask ...` of every Markdown file the way the command line would be.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("commands");
    for file in workspace.files()? {
        if file.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let Some(text) = workspace.text(&file)? else { continue };
        for (line, words) in commands(&text) {
            findings.saw();
            if let Err(error) = crate::parse(&words) {
                let words = words.join(" ");
                findings.wrong(format!("{}:{line}: {START}{words}: {error}", file.display()));
            }
        }
    }
    Ok(findings)
}

/// The arguments of each command, up to a comment or the end of its code, with a number for each placeholder.
fn commands(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (start, _) in line.match_indices(START) {
            let command = line[start + START.len()..].split(['`', '#', '|']).next().unwrap_or_default();
            let is_placeholder = |word: &str| word.chars().all(|c| c.is_ascii_uppercase());
            let number_for = |word: &str| if is_placeholder(word) { "1".to_owned() } else { word.to_owned() };
            found.push((number + 1, command.split_whitespace().map(number_for).collect()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(text: &str) -> bool {
        let commands = commands(text);
        assert_eq!(commands.len(), 1);
        crate::parse(&commands[0].1).is_ok()
    }

    #[test]
    fn commands_in_prose_and_blocks_are_parsed() {
        assert!(parses("run `cargo xtask simulate --schedules N --seed S` and"));
        assert!(parses("cargo xtask test --only lint     # the static checks"));
        assert!(parses("`cargo xtask help` lists"));
    }

    #[test]
    fn a_command_that_is_not_there_is_found() {
        assert!(!parses("`cargo xtask tset`"));
        assert!(!parses("`cargo xtask lint --only x`"));
    }
}

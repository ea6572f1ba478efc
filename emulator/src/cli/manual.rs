//! The manual page, in the language of `man`: the program, then each command.

use std::fmt::Write as _;

use clap::Arg;
use clap_mangen::Man;

use super::{CliError, help};

/// All of it in one page.
pub(super) fn page() -> Result<String, CliError> {
    let mut command = help::command();
    let mut text = written(|bytes| Man::new(command.clone()).render(bytes))?;
    command.build();
    text += ".SH \"COMMANDS IN FULL\"\n";
    for (path, leaf) in help::leaves(&command) {
        // Writing to a text does not fail.
        let _ = writeln!(text, ".SS \"cardea\\-emulator {}\"", path.replace('-', "\\-"));
        // What all commands know stands above.
        let is_above = |it: &Arg| it.is_global_set() || it.get_id() == "help";
        let man = Man::new(leaf.clone().mut_args(|it| if is_above(&it) { it.hide(true) } else { it }));
        let mut parts = written(|bytes| {
            man.render_synopsis_section(bytes)?;
            man.render_description_section(bytes)?;
            if leaf.get_arguments().any(|it| !is_above(it)) {
                man.render_options_section(bytes)?;
            }
            Ok(())
        })?;
        // Headings of parts of a part.
        for heading in ["SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            parts = parts.replace(&format!(".SH {heading}\n"), ".PP\n");
        }
        text += &parts;
        for (line, what) in help::EXAMPLES.iter().filter(|(known, _)| *known == path).flat_map(|(_, lines)| *lines) {
            let line = line.replace('\\', "\\\\").replace('-', "\\-");
            let _ = writeln!(text, ".TP\n\\fBcardea\\-emulator {line}\\fR\n{what}");
        }
    }
    Ok(text)
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(CliError::Output)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The completions for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut help::command(), "cardea-emulator", &mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    // For bash, the generator calls a program with a hyphen in its name otherwise where it looks it up than where it notes it.
    text.replace("cardea__subcmd__emulator", "cardea__emulator")
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;

    #[test]
    fn the_manual_page_has_every_command_with_its_options() {
        let page = page().unwrap();
        let command = help::command();
        for (path, leaf) in help::leaves(&command) {
            let heading = format!(".SS \"cardea\\-emulator {}\"\n", path.replace('-', "\\-"));
            let (_, part) = page.split_once(&heading).unwrap_or_else(|| panic!("no part for `{path}`"));
            let part = part.split_once(".SS ").map_or(part, |(part, _)| part);
            for option in leaf.get_arguments().filter_map(Arg::get_long).filter(|name| *name != "help") {
                assert!(part.contains(&format!("\\-\\-{}", option.replace('-', "\\-"))), "{path} --{option}: {part}");
            }
        }
    }

    #[test]
    fn completions_have_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let text = completions(shell);
            let command = help::command();
            for (path, _) in help::leaves(&command) {
                for word in path.split(' ') {
                    assert!(text.contains(word), "{shell}: {path}");
                }
                let name = path.replace(['-', ' '], "__subcmd__");
                assert!(shell != Shell::Bash || text.contains(&format!("cardea__emulator__subcmd__{name}")), "{path}");
            }
        }
    }
}

//! Colors, for who reads at a terminal. They say nothing that words do not say, too.

use std::io::IsTerminal as _;

use clap::{ColorChoice, ValueEnum};

/// When to print colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum When {
    /// At a terminal, unless NO_COLOR is in the environment
    #[default]
    Auto,
    /// Into files and pipes, too
    Always,
    /// Nowhere
    Never,
}

impl From<When> for ColorChoice {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

/// Colors, where they are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Paint {
    out: bool,
    errors: bool,
}

impl Paint {
    pub(super) fn new(when: When) -> Self {
        match when {
            When::Always => Self { out: true, errors: true },
            When::Never => Self::default(),
            When::Auto => {
                let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let plain = is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                Self {
                    out: !plain && std::io::stdout().is_terminal(),
                    errors: !plain && std::io::stderr().is_terminal(),
                }
            }
        }
    }

    /// What went wrong, on standard error.
    pub(super) fn bad(self, text: &str) -> String {
        painted(self.errors, "1;31", text)
    }

    /// A word of data in the color of what it says.
    pub(super) fn word(self, word: &str, text: &str) -> String {
        let color = match word {
            "open" | "ok" => "32",
            "blocked" | "wrong" => "31",
            _ => "33",
        };
        painted(self.out, color, text)
    }
}

fn painted(is: bool, color: &str, text: &str) -> String {
    if is { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_no_color_gets_none() {
        assert_eq!(Paint::new(When::Always).word("open", "open"), "\u{1b}[32mopen\u{1b}[0m");
        assert_eq!(Paint::new(When::Never).word("open", "open"), "open");
        assert_eq!(Paint::new(When::Never).bad("no"), "no");
    }
}

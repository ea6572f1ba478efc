//! What must not be said in which room: the invariants of ARCHITECTURE.md that go through the middle of a crate, where
//! cargo sees no arrow.

use std::path::Path;

use anyhow::Result;

use super::Findings;
use super::files::is_rust;
use super::words::is_test;
use crate::workspace::Workspace;

/// Words that product code in a folder must not contain.
struct Rule {
    folder: &'static str,
    /// Below `folder`, but free to say it.
    except: Option<&'static str>,
    words: &'static [&'static str],
    why: &'static str,
}

const RULES: [Rule; 5] = [
    Rule {
        folder: "protocol-spec/src",
        except: None,
        words: &["std::", "alloc::", "extern crate", "Instant", "SystemTime", "println!", "tracing::", "log::"],
        why: "the core has no heap, clock, socket or log (invariant 1)",
    },
    Rule {
        folder: "server/src",
        except: Some("server/src/vault"),
        words: &["slots::Role", "Role::Normal", "Role::Duress", "pub enum Role", "pub(crate) enum Role"],
        why: "only the vault names the role of a slot (invariant 3)",
    },
    Rule {
        folder: "server/src/vault",
        except: None,
        words: &["pub enum Role", "pub(crate) enum Role", "pub(super) enum Role", "pub use slots::Role"],
        why: "the role of a slot stays in its file (invariant 3)",
    },
    Rule {
        folder: "server/src/domain",
        except: None,
        words: &[
            "async ",
            "tokio",
            "rusqlite",
            "axum",
            "std::fs",
            "std::net",
            "std::env",
            "std::time",
            "getrandom",
            "SystemClock",
            "crate::storage",
            "crate::vault",
            "crate::http",
            "crate::channel",
            "crate::config",
            "crate::entropy",
        ],
        why: "the domain is pure: time and randomness in, effects out (invariant 6)",
    },
    Rule {
        folder: "sdk/src",
        except: None,
        words: &["cardea_emulator", "mod fault", "feature = \"fault"],
        why: "misbehavior is not compiled into what ships (invariant 7)",
    },
];

/// A type that must not be able to say something.
struct Silence {
    file: &'static str,
    declaration: &'static str,
    word: &'static str,
}

/// No type that faces a device can express duress (invariant 3).
const SILENCES: [Silence; 1] =
    [Silence { file: "protocol-spec/src/token.rs", declaration: "pub enum DeviceStatus {", word: "duress" }];

/// Reads every product file against the rules.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("files in rooms with rules");
    for file in workspace.files()? {
        if !is_rust(&file) || is_test(&file) {
            continue;
        }
        let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.is_for(&file)).collect();
        if rules.is_empty() {
            continue;
        }
        findings.saw();
        let text = workspace.text(&file)?.unwrap_or_default();
        for rule in rules {
            for (line, word) in rule.broken_in(&text) {
                findings.wrong(format!("{}:{line}: `{word}`: {}", file.display(), rule.why));
            }
        }
    }
    for silence in SILENCES {
        let text = workspace.text(silence.file.as_ref())?.unwrap_or_default();
        if let Some(problem) = silence.broken_in(&text) {
            findings.wrong(format!("{}: {problem}", silence.file));
        }
    }
    Ok(findings)
}

impl Rule {
    fn is_for(&self, file: &Path) -> bool {
        // A room is a folder and the file beside it.
        let covers = |folder: &str| file.starts_with(folder) || file == Path::new(&format!("{folder}.rs"));
        covers(self.folder) && !self.except.is_some_and(covers)
    }

    fn broken_in(&self, text: &str) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("#[cfg(test)]") {
                break;
            }
            let code = line.split("//").next().unwrap_or_default();
            found.extend(self.words.iter().filter(|word| says(code, word)).map(|word| (number + 1, *word)));
        }
        found
    }
}

impl Silence {
    fn broken_in(&self, text: &str) -> Option<String> {
        let Some((_, rest)) = text.split_once(self.declaration) else {
            return Some(format!("no `{}`; say in xtask/src/lint/rooms.rs where it went", self.declaration));
        };
        let body = rest.split("\n}").next().unwrap_or_default().to_lowercase();
        body.contains(self.word).then(|| format!("`{}` knows the word {}", self.declaration, self.word))
    }
}

/// Whether `word` stands in `code`, not as the end of a longer one.
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(file: &str, text: &str) -> usize {
        RULES.iter().filter(|rule| rule.is_for(Path::new(file))).map(|rule| rule.broken_in(text).len()).sum()
    }

    #[test]
    fn a_word_is_forbidden_in_its_room_only() {
        assert_eq!(broken("server/src/domain/world.rs", "use rusqlite::Row;"), 1);
        assert_eq!(broken("server/src/domain.rs", "use rusqlite::Row;"), 1);
        assert_eq!(broken("server/src/storage/rows.rs", "use rusqlite::Row;"), 0);
        assert_eq!(broken("server/src/http/token.rs", "match x { Role::Duress => 1 }"), 1);
        assert_eq!(broken("server/src/vault/slots.rs", "match x { Role::Duress => 1 }"), 0);
        assert_eq!(broken("server/src/vault/slots.rs", "pub(super) enum Role {"), 1);
    }

    #[test]
    fn comments_tests_and_longer_words_do_not_count() {
        assert_eq!(broken("protocol-spec/src/noise.rs", "//! no std:: here"), 0);
        assert_eq!(broken("protocol-spec/src/noise.rs", "#[cfg(test)]\nmod tests { use std::vec; }"), 0);
        assert_eq!(broken("protocol-spec/src/noise.rs", "let dialog::X = y; no_std::z"), 0);
        assert_eq!(broken("protocol-spec/src/noise.rs", "use std::vec;"), 1);
    }

    #[test]
    fn a_type_that_learns_the_word_is_found() {
        let broken = |text: &str| SILENCES[0].broken_in(text).is_some();
        assert!(!broken("pub enum DeviceStatus {\n    Open,\n}\n// duress"));
        assert!(broken("pub enum DeviceStatus {\n    Open,\n    Duress,\n}"));
        assert!(broken("pub enum Renamed {\n}"));
    }
}

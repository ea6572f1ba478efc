//! ARCHITECTURE.md names what guards each invariant, and those guards exist.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Findings;
use crate::test;
use crate::workspace::Workspace;

const DOCUMENT: &str = "ARCHITECTURE.md";
const CHAPTER: &str = "## Invariants";

/// A test or a part of `cargo xtask test`.
#[derive(Debug, PartialEq, Eq)]
enum Guard<'a> {
    Test { file: &'a str, name: &'a str },
    Part(&'a str),
}

/// Follows every guard to its test or part.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("invariants");
    let text = workspace.text(DOCUMENT.as_ref())?.unwrap_or_default();
    let chapter = text.split(CHAPTER).nth(1).with_context(|| format!("{DOCUMENT} has no chapter \"{CHAPTER}\""))?;
    let parts: BTreeSet<&str> = test::part_names().into_iter().collect();
    for (number, invariant) in invariants(chapter) {
        findings.saw();
        let guards = guards(&invariant);
        if guards.is_empty() {
            findings.wrong(format!("{DOCUMENT}: invariant {number} names no guard"));
        }
        for guard in guards {
            match guard {
                Guard::Part(name) if parts.contains(name) => {}
                Guard::Part(name) => findings.wrong(format!("{DOCUMENT}: invariant {number}: no part {name}")),
                Guard::Test { file, name } => {
                    let text = workspace.text(Path::new(file)).ok().flatten().unwrap_or_default();
                    if !text.contains(&format!("fn {name}(")) {
                        findings.wrong(format!("{DOCUMENT}: invariant {number}: no test {name} in {file}"));
                    }
                }
            }
        }
    }
    Ok(findings)
}

/// The numbered items with their continuation lines.
fn invariants(chapter: &str) -> Vec<(u32, String)> {
    let mut items: Vec<(u32, String)> = Vec::new();
    for line in chapter.lines().take_while(|line| !line.starts_with("## ")) {
        let number = line.split_once(". ").and_then(|(number, _)| number.parse().ok());
        match (number, items.last_mut()) {
            (Some(number), _) => items.push((number, line.to_owned())),
            (None, Some((_, text))) if line.starts_with("   ") => {
                text.push(' ');
                text.push_str(line.trim());
            }
            (None, _) => {}
        }
    }
    items
}

/// What stands after "Guard:": code spans with `file#name`, and `part` before a code span with a part's name.
fn guards(invariant: &str) -> Vec<Guard<'_>> {
    let Some((_, list)) = invariant.split_once("Guard:") else { return Vec::new() };
    let pieces: Vec<&str> = list.split('`').collect();
    let spans = pieces.iter().zip(pieces.iter().skip(1)).step_by(2);
    spans
        .filter_map(|(before, span)| match span.split_once('#') {
            Some((file, name)) => Some(Guard::Test { file, name }),
            None => before.trim_end().ends_with("part").then_some(Guard::Part(span)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_items_over_several_lines() {
        let items = invariants("\nintro\n\n1. one\n   more\n2. two\n\nAfter. All\n## Next\n3. no");
        assert_eq!(items, [(1, "1. one more".to_owned()), (2, "2. two".to_owned())]);
    }

    #[test]
    fn reads_tests_and_parts() {
        let text = "1. `not this`. Guard: part `no-std`, `server/src/x.rs#a_test` and `neither`.";
        let expected = [Guard::Part("no-std"), Guard::Test { file: "server/src/x.rs", name: "a_test" }];
        assert_eq!(guards(text), expected);
        assert!(guards("1. `x.rs#y` without the word").is_empty());
    }
}

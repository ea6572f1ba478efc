//! The demo runs, and it prints what the README says it prints.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// What stands before the example in the README.
const MARK: &str = "```console\n$ cargo xtask demo\n";

/// Runs the demo on the programs that are built already, and holds its output against the README.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let readme = workspace.text("README.md".as_ref())?.unwrap_or_default();
    let example = readme.split(MARK).nth(1).and_then(|rest| rest.split("```").next());
    let example = example.with_context(|| format!("the README has no example that begins with {MARK:?}"))?;

    let mut demo = Command::new(workspace.program("xtask"));
    demo.current_dir(&workspace.root).args(["demo", "--no-build"]);
    let text = process::logged(&mut demo, &workspace.log("demo"))?;

    let mut printed = text.lines();
    let mut count = 0;
    for line in example.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "…") {
        count += 1;
        if !printed.any(|printed| matches(printed, line)) {
            bail!("the README shows a line that the demo did not print, or not there:\n{line}\nIt printed:\n{text}");
        }
    }
    Outcome::passed(format!("{count} lines of the README are true"))
}

/// Whether a printed line is as the example says; `…` stands for anything, and amounts of space do not count.
pub(super) fn matches(printed: &str, example: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (printed, example) = (squeeze(printed), squeeze(example));
    let pieces: Vec<&str> = example.split('…').collect();
    let [first, middle @ .., last] = pieces.as_slice() else { return printed == example };
    let Some(mut rest) = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_stands_for_anything() {
        assert!(matches("ask   ok   0.1 s  curl 'http://x'", "ask ok … curl '…'"));
        assert!(matches("{\"status\":2}   closed", "{\"status\":2} closed"));
        assert!(matches("in 12 s", "in …"));
    }

    #[test]
    fn anything_else_must_be_there() {
        assert!(!matches("{\"status\":1}   open", "{\"status\":2} open"));
        assert!(!matches("ask ok curl 'http://x' and more", "ask ok … curl '…'x"));
        assert!(matches(r#"{"a":[{}],"b":1}"#, r#"{…"a":…}"#), "what ends it is looked for at the end");
        assert!(!matches("1 passed, 0 failed, 0 skipped!", "… passed, 0 failed, 0 skipped"));
    }
}

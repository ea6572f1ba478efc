//! Architecture decision records: numbered without gaps, each with the same three chapters.

use anyhow::Result;

use super::Findings;
use crate::workspace::Workspace;

const CHAPTERS: [&str; 3] = ["## Context", "## Decision", "## Consequences"];

/// Looks through `docs/adr`.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("records");
    let mut expected = 1;
    for file in workspace.files()? {
        let Ok(name) = file.strip_prefix("docs/adr") else { continue };
        findings.saw();
        let name = name.to_string_lossy();
        match number(&name) {
            Some(number) if number == expected => {}
            Some(number) => {
                findings.wrong(format!("{}: number {number:04} where {expected:04} is next", file.display()))
            }
            None => findings.wrong(format!("{}: the name is not NNNN-some-words.md", file.display())),
        }
        expected += 1;
        let text = workspace.text(&file)?.unwrap_or_default();
        if !text.starts_with("# ") {
            findings.wrong(format!("{}: the first line is not its title", file.display()));
        }
        for chapter in CHAPTERS {
            if !text.lines().any(|line| line.starts_with(chapter)) {
                findings.wrong(format!("{}: no chapter \"{chapter}\"", file.display()));
            }
        }
    }
    Ok(findings)
}

fn number(name: &str) -> Option<u32> {
    let (number, words) = name.strip_suffix(".md")?.split_once('-')?;
    let lower = words.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (number.len() == 4 && lower && !words.is_empty()).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_number_of_a_record() {
        assert_eq!(number("0007-some-words.md"), Some(7));
        assert_eq!(number("7-some-words.md"), None);
        assert_eq!(number("0007-Some.md"), None);
        assert_eq!(number("0007.md"), None);
    }
}

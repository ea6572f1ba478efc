//! Words that must not stand in the code: unfinished work, switched-off tests, tests that wait for real time.

use std::path::Path;

use anyhow::Result;

use super::Findings;
use super::files::is_rust;
use crate::workspace::Workspace;

/// Forbidden everywhere. In two pieces each, so that this file does not contain them.
const ANYWHERE: [(&str, &str); 4] = [("todo", "!("), ("unimplemented", "!("), ("#[", "ignore"), ("thread::", "sleep")];
/// Forbidden in tests: a test that sleeps is slow where it passes and wrong where the machine is slower.
const IN_TESTS: [(&str, &str); 1] = [("time::", "sleep(")];

/// Looks through every Rust file.
pub(crate) fn forbidden(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("Rust files");
    for file in workspace.files()? {
        if !is_rust(&file) {
            continue;
        }
        findings.saw();
        let Some(text) = workspace.text(&file)? else { continue };
        for (line, word) in in_text(&text, is_test(&file)) {
            findings.wrong(format!("{}:{line}: {word}", file.display()));
        }
    }
    Ok(findings)
}

fn in_text(text: &str, all_of_it_is_test: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut test = all_of_it_is_test;
    for (number, line) in text.lines().enumerate() {
        test |= line.trim_start().starts_with("#[cfg(test)]");
        let words = ANYWHERE.iter().chain(IN_TESTS.iter().filter(|_| test));
        for word in words.map(|(start, end)| format!("{start}{end}")) {
            if line.contains(&word) {
                found.push((number + 1, word));
            }
        }
    }
    found
}

/// Whether the whole file is test code.
pub(super) fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests") || file.file_name().is_some_and(|name| name == "tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_is_found_anywhere() {
        let text = format!("fn a() {{\n    {}{}\"later\")\n}}", "to", "do!(");
        assert_eq!(in_text(&text, false), [(2, format!("{}{}", "to", "do!("))]);
    }

    #[test]
    fn sleeping_is_found_in_tests_only() {
        let text = format!("tokio::time{}(x);\n#[cfg(test)]\nmod tests {{ tokio::time{}(y); }}", "::sleep", "::sleep");
        let lines: Vec<usize> = in_text(&text, false).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3]);
        assert_eq!(in_text(&text, true).len(), 2);
    }

    #[test]
    fn test_files_are_told_by_their_path() {
        assert!(is_test(Path::new("server/tests/it/main.rs")));
        assert!(is_test(Path::new("server/src/vault/tests.rs")));
        assert!(!is_test(Path::new("server/src/vault.rs")));
    }
}

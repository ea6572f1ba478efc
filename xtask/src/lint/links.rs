//! Links between the project's documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::Findings;
use crate::workspace::Workspace;

/// Follows every relative link of every Markdown file to a tracked file or folder.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("links");
    let files = workspace.files()?;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let Some(text) = workspace.text(file)? else { continue };
        for (line, target) in links(&text) {
            findings.saw();
            let goal = resolve(file.parent().unwrap_or(Path::new("")), target);
            if !goal.is_some_and(|goal| files.iter().any(|file| file.starts_with(&goal))) {
                findings.wrong(format!("{}:{line}: {target} leads nowhere", file.display()));
            }
        }
    }
    Ok(findings)
}

/// The relative link targets outside code, with their line numbers and without their anchors.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second piece stands between backticks.
        for prose in line.split('`').step_by(2) {
            for (start, _) in prose.match_indices("](") {
                let target = prose[start + 2..].split([')', ' ']).next().unwrap_or_default();
                let target = target.split('#').next().unwrap_or_default();
                if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                    found.push((number + 1, target));
                }
            }
        }
    }
    found
}

/// The path from the root; none when it leaves the project.
fn resolve(folder: &Path, target: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_relative_links_outside_code() {
        let text =
            "[a](x.md) and [b](https://host.example/) `[c](y.md)`\n```\n[d](z.md)\n```\n[`e`](w.md#part) [f](#here)";
        assert_eq!(links(text), [(1, "x.md"), (5, "w.md")]);
    }

    #[test]
    fn resolves_within_the_project_only() {
        assert_eq!(resolve(Path::new("docs/adr"), "../../README.md"), Some(PathBuf::from("README.md")));
        assert_eq!(resolve(Path::new("docs"), "../../README.md"), None);
        assert_eq!(resolve(Path::new("docs"), "/etc/passwd"), None);
    }
}

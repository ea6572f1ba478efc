//! Names, lengths and origins of files.

use std::path::Path;

use anyhow::Result;

use super::Findings;
use crate::workspace::Workspace;

/// Past this many lines a Rust file probably holds more than one thing.
const LONG: usize = 400;
/// Past this many lines it certainly does.
const TOO_LONG: usize = 600;

/// Top folders of build machines and homes, each of which is followed by a name in a real path.
const MACHINE_FOLDERS: [&str; 6] = ["work", "farm", "root", "home", "Users", "builds"];
/// Parts of host names that only a package registry or its mirror has. In two pieces each, so that this file does not
/// contain them.
const REGISTRY_HOSTS: [(&str, &str); 9] = [
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("registry.", "npmjs"),
    ("registry.", "yarnpkg"),
    ("files.", "pythonhosted"),
    ("deb.", "debian.org"),
    ("proxy.", "golang"),
    (".jfrog", ".io"),
    ("repo1.", "maven"),
];

/// No `mod.rs`, and files short enough to be read in one go.
pub(crate) fn names_and_lengths(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("Rust files");
    for file in workspace.files()? {
        if !is_rust(&file) {
            continue;
        }
        findings.saw();
        if file.file_name().is_some_and(|name| name == "mod.rs") {
            findings.wrong(format!("{}: name it after the module, beside its folder", file.display()));
        }
        let lines = workspace.text(&file)?.map_or(0, |text| text.lines().count());
        if lines > TOO_LONG {
            findings.wrong(format!("{}: {lines} lines; {TOO_LONG} is the limit", file.display()));
        } else if lines > LONG {
            findings.remark(format!("{}: {lines} lines; aim for {LONG}", file.display()));
        }
    }
    Ok(findings)
}

/// Nothing in the project tells on which machine it was made, or depends on one. Lock files are exempt.
pub(crate) fn machine_traces(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("files");
    let hosts = REGISTRY_HOSTS.map(|(start, end)| format!("{start}{end}"));
    for file in workspace.files()? {
        if is_lock(&file) {
            continue;
        }
        let Some(text) = workspace.text(&file)? else { continue };
        findings.saw();
        for (number, line) in text.lines().enumerate() {
            if let Some(path) = machine_path(line) {
                findings.wrong(format!("{}:{}: a path of one machine: {path}", file.display(), number + 1));
            }
            if let Some(host) = hosts.iter().find(|host| line.contains(*host)) {
                findings.wrong(format!("{}:{}: the host of a registry: {host}", file.display(), number + 1));
            }
        }
    }
    Ok(findings)
}

/// The first absolute path below one of [`MACHINE_FOLDERS`], if the line has one.
fn machine_path(line: &str) -> Option<&str> {
    for (start, _) in line.match_indices('/') {
        let before = line[..start].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-') {
            continue;
        }
        let path = &line[start..];
        let Some((folder, rest)) = path[1..].split_once('/') else { continue };
        if MACHINE_FOLDERS.contains(&folder) && rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '.') {
            return Some(path.split_whitespace().next().unwrap_or(path));
        }
    }
    None
}

pub(super) fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

fn is_lock(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".lock") || name.ends_with("-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_paths_of_a_machine() {
        for folder in MACHINE_FOLDERS {
            let path = format!("/{folder}/someone/.x");
            assert_eq!(machine_path(&format!("see {path} for it")), Some(path.as_str()));
            assert_eq!(machine_path(&format!("cd={path}")), Some(path.as_str()));
        }
    }

    #[test]
    fn leaves_relative_paths_and_addresses_alone() {
        assert_eq!(machine_path("protocol-spec/work/x"), None);
        assert_eq!(machine_path("https://host.example/home/page"), None);
        assert_eq!(machine_path("/home/ is a folder"), None);
        assert_eq!(machine_path("/token/status"), None);
    }

    #[test]
    fn lock_files_are_exempt() {
        assert!(is_lock(Path::new("Cargo.lock")));
        assert!(is_lock(Path::new("a/package-lock.json")));
        assert!(!is_lock(Path::new("a/lock.json")));
    }
}

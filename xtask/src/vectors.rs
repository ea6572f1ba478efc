//! Published test vectors never change: their digests are recorded once, in a file that `sha256sum -c` reads too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::lint::Findings;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

const FOLDER: &str = "protocol-spec/vectors";
const RECORD: &str = "protocol-spec/vectors/SHA256SUMS";

/// What to do with the vectors.
#[derive(Args)]
pub(crate) struct Options {
    /// Record vector files that are new; files that were recorded before must still be as they were
    #[arg(long)]
    add: bool,
}

/// Digests by path relative to [`FOLDER`].
type Digests = BTreeMap<String, String>;

/// Checks the recorded files; with `--add` records the new ones.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    if options.add {
        report.part("new vectors", || add(&workspace));
    }
    report.part("vectors", || check(&workspace)?.verdict());
    Ok(report.finish())
}

/// Compares the vector files with the record.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    Ok(compare(&recorded(&workspace.root)?, &present(workspace)?))
}

fn add(workspace: &Workspace) -> Result<Outcome> {
    let mut digests = recorded(&workspace.root)?;
    let before = digests.len();
    for (name, digest) in present(workspace)? {
        digests.entry(name).or_insert(digest);
    }
    let mut text = String::new();
    for (name, digest) in &digests {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{digest}  {name}");
    }
    fs::write(workspace.root.join(RECORD), text).with_context(|| format!("cannot write {RECORD}"))?;
    Outcome::passed(format!("{} files", digests.len() - before))
}

fn compare(recorded: &Digests, present: &Digests) -> Findings {
    let mut findings = Findings::of("vector files");
    for (name, digest) in present {
        findings.saw();
        match recorded.get(name) {
            Some(before) if before == digest => {}
            Some(_) => findings.wrong(format!("{FOLDER}/{name} was changed; add a new file instead")),
            None => findings.wrong(format!("{FOLDER}/{name} is not recorded; run `cargo xtask vectors --add`")),
        }
    }
    for name in recorded.keys().filter(|name| !present.contains_key(*name)) {
        findings.wrong(format!("{FOLDER}/{name} is gone; published vectors stay"));
    }
    findings
}

fn recorded(root: &Path) -> Result<Digests> {
    let file = root.join(RECORD);
    if !file.exists() {
        return Ok(Digests::new());
    }
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {RECORD}"))?;
    text.lines()
        .map(|line| {
            let (digest, name) = line.split_once("  ").with_context(|| format!("{RECORD}: not a digest: {line}"))?;
            Ok((name.to_owned(), digest.to_owned()))
        })
        .collect()
}

fn present(workspace: &Workspace) -> Result<Digests> {
    let is_data = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "json");
    let mut digests = Digests::new();
    for file in workspace.files()?.into_iter().filter(is_data) {
        let Ok(name) = file.strip_prefix(FOLDER) else { continue };
        let content =
            fs::read(workspace.root.join(&file)).with_context(|| format!("cannot read {}", file.display()))?;
        let mut digest = String::new();
        for byte in Sha256::digest(&content) {
            // Writing to a String cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        digests.insert(name.to_string_lossy().replace('\\', "/"), digest);
    }
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(pairs: &[(&str, &str)]) -> Digests {
        pairs.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect()
    }

    #[test]
    fn changed_new_and_removed_files_are_told_apart() {
        let recorded = digests(&[("same.json", "1"), ("changed.json", "2"), ("gone.json", "3")]);
        let present = digests(&[("same.json", "1"), ("changed.json", "x"), ("new.json", "4")]);
        let findings = compare(&recorded, &present);
        let wrong = findings.all_wrong();
        assert_eq!(wrong.len(), 3);
        assert!(wrong[0].contains("changed.json was changed"));
        assert!(wrong[1].contains("new.json is not recorded"));
        assert!(wrong[2].contains("gone.json is gone"));
    }
}

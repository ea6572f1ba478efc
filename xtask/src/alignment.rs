//! `cargo xtask alignment`: whether native libraries can be loaded where memory pages have 16 KiB, as on newer Android
//! devices. Looks into folders and into jar, aar, apk and zip files.

mod elf;
pub(crate) mod zip;

#[cfg(test)]
pub(crate) mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::jvm;
use crate::report::{Outcome, Report};

/// Kinds of files that are looked into.
const ARCHIVES: [&str; 4] = ["aar", "apk", "jar", "zip"];

/// What to look at.
#[derive(Args)]
pub(crate) struct Options {
    /// Libraries, archives, or folders with either
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// Checks each path.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut report = Report::new();
    for path in &options.paths {
        report.part(&path.display().to_string(), || check(path)?.verdict());
    }
    Ok(report.finish())
}

/// What was found in the libraries of one path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// 64-bit libraries whose segments are aligned as they must be.
    aligned: usize,
    /// 32-bit libraries: devices with large pages do not run them.
    narrow: usize,
    /// What is wrong, with the library's name.
    wrong: Vec<String>,
}

impl Found {
    /// A failure if any library is wrong, or none was there: a check that saw nothing has shown nothing.
    pub(crate) fn verdict(&self) -> Result<Outcome> {
        if !self.wrong.is_empty() {
            bail!("{}", self.wrong.join("\n"));
        }
        if self.aligned == 0 {
            bail!("no 64-bit library is there");
        }
        Outcome::passed(format!("{} libraries aligned to 16 KiB, {} of 32 bits", self.aligned, self.narrow))
    }

    fn library(&mut self, name: &str, bytes: &[u8]) {
        match elf::check(bytes) {
            Ok(elf::Width::Wide) => self.aligned += 1,
            Ok(elf::Width::Narrow) => self.narrow += 1,
            Err(problem) => self.wrong.push(format!("{name}: {problem}")),
        }
    }

    fn archive(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let libraries = zip::contents(bytes, is_library).with_context(|| format!("cannot read {name}"))?;
        for (inner, bytes) in libraries {
            self.library(&format!("{name}!{inner}"), &bytes);
        }
        Ok(())
    }
}

/// Looks at every library in `path`, which is one, or contains some.
///
/// # Errors
///
/// A file cannot be read, or is no archive though it is named like one.
pub(crate) fn check(path: &Path) -> Result<Found> {
    let files = if path.is_dir() { jvm::files(path)? } else { vec![path.to_owned()] };
    let mut found = Found::default();
    for file in files {
        let name = file.display().to_string();
        let read = || fs::read(&file).with_context(|| format!("cannot read {name}"));
        if is_library(&name) {
            found.library(&name, &read()?);
        } else if is_archive(&file) {
            found.archive(&name, &read()?)?;
        } else if file == path {
            bail!("{name} is neither a library (.so) nor an archive ({})", ARCHIVES.join(", "));
        }
    }
    Ok(found)
}

/// Also with a version after the ending, as in `libx.so.1`.
fn is_library(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.ends_with(".so") || name.contains(".so.")
}

fn is_archive(file: &Path) -> bool {
    file.extension().is_some_and(|extension| ARCHIVES.iter().any(|archive| extension.eq_ignore_ascii_case(archive)))
}

//! The Swift package: built and tested by the Swift of a newer Debian, in a folder of its own, against a real server.
//!
//! Swift comes with a newer Debian than tests may run on, so the part makes a small system below `target/` once. It runs there in
//! namespaces of its own: what it mounts and starts is gone when it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::bindings::{self, swift};
use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// The release whose Swift is used, and what is installed there. Whoever changes these gets a new system.
const RELEASE: &str = "trixie";
const PACKAGES: &str = "swiftlang,libc6-dev,libstdc++-14-dev";
/// Where the project is in that system.
const PLACE: &str = "cardea";
/// What is tested, as folders of the project.
const TESTED: [&str; 2] = ["ffi/bindings/swift", "ffi/examples/ios"];

/// Runs `swift test` in the package and in the example.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    if cfg!(not(target_os = "linux")) || !is_root()? {
        return Ok(Outcome::Skipped(format!(
            "the Swift of Debian {RELEASE} runs in a system of its own, which only root can make"
        )));
    }
    bindings::build(workspace)?;
    let system = system(workspace)?;
    assemble(workspace, &system.join(PLACE))?;
    let mut count = 0;
    for folder in TESTED {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let text = process::logged(&mut inside(&system, folder), &workspace.log(&format!("swift-{name}")))?;
        match executed(&text) {
            Some((tests @ 1.., 0)) => count += tests,
            found => bail!("tests and skipped tests of {folder}: {found:?}"),
        }
    }
    Outcome::passed(format!("{count} tests"))
}

fn is_root() -> Result<bool> {
    Ok(process::output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// The system with Swift, made if it is not there whole.
fn system(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("swift");
    let (system, mark, wanted) = (folder.join("system"), folder.join("system.made"), format!("{RELEASE} {PACKAGES}\n"));
    if fs::read_to_string(&mark).is_ok_and(|made| made == wanted) {
        return Ok(system);
    }
    if system.exists() {
        // Nothing is mounted there: mounts end with the namespace that they were made in.
        fs::remove_dir_all(&system).with_context(|| format!("cannot remove {}", system.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut make = Command::new("debootstrap");
    make.args(["--variant=minbase", &format!("--include={PACKAGES}"), RELEASE]).arg(&system);
    process::logged(&mut make, &workspace.log("swift-system"))?;
    // What was downloaded is installed now.
    fs::remove_dir_all(system.join("var/cache/apt/archives")).context("cannot remove the downloaded packages")?;
    fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(system)
}

/// Puts packages, generated code, library, server and scenarios where Swift finds them.
fn assemble(workspace: &Workspace, place: &Path) -> Result<()> {
    for folder in TESTED {
        let to = place.join(folder);
        // What Swift has built stays.
        for entry in fs::read_dir(&to).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name() != ".build" {
                let path = entry.path();
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        swift::copy(&workspace.root.join(folder), &to)?;
    }
    swift::generate(workspace, &workspace.target().join("swift/generated"), &place.join(TESTED[0]).join("Sources"))?;
    let library = bindings::library_name();
    for (from, to) in [
        (bindings::library(workspace), place.join("lib").join(&library)),
        (workspace.program("cardea-server"), place.join("bin/cardea-server")),
        (workspace.root.join("ffi/conformance"), place.join("conformance")),
        (workspace.root.join("docs/sdk.md"), place.join("quickstart.md")),
    ] {
        swift::copy(&from, &to)?;
    }
    Ok(())
}

/// `swift test` in a folder of the system, with namespaces of its own.
fn inside(system: &Path, folder: &str) -> Command {
    let script = format!(
        "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
         PATH=/usr/local/bin:/usr/bin:/bin LD_LIBRARY_PATH=/{PLACE}/lib CARDEA_SERVER=/{PLACE}/bin/cardea-server \
         CARDEA_SCENARIOS=/{PLACE}/conformance CARDEA_QUICKSTART=/{PLACE}/quickstart.md \
         swift test --disable-sandbox --package-path /{PLACE}/{folder} -Xlinker -L/{PLACE}/lib"
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script]).arg(system);
    command
}

/// How many tests XCTest has executed in all, and how many it skipped.
fn executed(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().rfind(|line| line.trim_start().starts_with("Executed "))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let before = |word: &str| {
        let at = words.iter().position(|found| found.trim_end_matches([',', ')']).starts_with(word))?;
        words[at.checked_sub(1)?].trim_start_matches('(').parse().ok()
    };
    Some((
        before("test")?,
        if line.contains("skipped") { before("skipped").or_else(|| before("tests")).unwrap_or(1) } else { 0 },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_many_tests_were_executed_and_skipped() {
        let text = "Test Suite 'A' passed\n\t Executed 3 tests, with 0 failures (0 unexpected) in 0.1 (0.1) seconds\n\
                    Test Suite 'All tests' passed\n\t Executed 12 tests, with 0 failures (0 unexpected) in 1 (1) seconds\n";
        assert_eq!(executed(text), Some((12, 0)));
        let skipped = "\t Executed 12 tests, with 2 tests skipped and 0 failures (0 unexpected) in 1 (1) seconds\n";
        assert!(executed(skipped).is_some_and(|(_, skipped)| skipped > 0));
        assert_eq!(executed("nothing"), None);
    }
}

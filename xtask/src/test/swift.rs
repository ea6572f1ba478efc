//! The Swift package: built and tested by the Swift of a newer Debian, in a folder of its own, against a real server.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::bindings::{self, swift};
use crate::process;
use crate::report::Outcome;
use crate::swift::{PLACE, System};
use crate::workspace::Workspace;

/// The package, as a folder of the project.
const PACKAGE: &str = "ffi/bindings/swift";
/// What is tested, as folders of the project.
const TESTED: [&str; 2] = [PACKAGE, "ffi/examples/ios"];
/// The package as phones get it, in the system.
const LEAN: &str = "lean";

/// Runs `swift test` in the package and in the example, and compiles the package as phones get it.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let system = match System::provide(workspace)? {
        Ok(system) => system,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    bindings::build(workspace)?;
    assemble(workspace, &system)?;
    let settings = [
        ("LD_LIBRARY_PATH", format!("/{PLACE}/lib")),
        ("CARDEA_LIBRARY", format!("/{PLACE}/lib/{}", bindings::library_name())),
        ("CARDEA_SERVER", format!("/{PLACE}/bin/cardea-server")),
        ("CARDEA_SCENARIOS", format!("/{PLACE}/conformance")),
        ("CARDEA_QUICKSTART", format!("/{PLACE}/quickstart.md")),
        // How often one test does what it does, for whoever has the time.
        ("CARDEA_CYCLES", std::env::var("CARDEA_CYCLES").unwrap_or_default()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut count = 0;
    for folder in TESTED {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let mut command = swift_in(&system, &settings, "test", folder);
        let text = process::logged(&mut command, &workspace.log(&format!("swift-{name}")))?;
        match executed(&text) {
            Some((tests @ 1.., 0)) => count += tests,
            found => bail!("tests and skipped tests of {folder}: {found:?}"),
        }
    }
    process::logged(&mut swift_in(&system, &[], "build", LEAN), &workspace.log("swift-lean"))?;
    Outcome::passed(format!("{count} tests, and the package for phones compiles"))
}

/// `swift test` or `swift build` of a package in the system.
fn swift_in(system: &System, settings: &[(&str, &str)], verb: &str, folder: &str) -> std::process::Command {
    let (package, library) = (format!("/{PLACE}/{folder}"), format!("-L/{PLACE}/lib"));
    let arguments = ["swift", verb, "--disable-sandbox", "--package-path", &package, "-Xlinker", &library];
    system.command(settings, &arguments)
}

/// Puts packages, generated code, library, server and scenarios where Swift finds them.
fn assemble(workspace: &Workspace, system: &System) -> Result<()> {
    for folder in TESTED {
        system.put(&workspace.root.join(folder), folder)?;
    }
    let generated = workspace.target().join("swift/generated");
    let sources = system.place().join(PACKAGE).join("Sources");
    swift::generate(workspace, &bindings::library(workspace), &generated, &sources)?;
    for (from, to) in [
        (bindings::library(workspace), format!("lib/{}", bindings::library_name())),
        (workspace.program("cardea-server"), "bin/cardea-server".to_owned()),
        (workspace.root.join("ffi/conformance"), "conformance".to_owned()),
        (workspace.root.join("docs/sdk.md"), "quickstart.md".to_owned()),
    ] {
        swift::copy(&from, &system.place().join(to))?;
    }
    lean(workspace, &system.put(&workspace.root.join(PACKAGE), LEAN)?)
}

/// Makes of a copy of the package what phones get: without tests, and without what features bring.
fn lean(workspace: &Workspace, package: &Path) -> Result<()> {
    for left_out in ["Tests", swift::FULL] {
        fs::remove_dir_all(package.join(left_out)).with_context(|| format!("{PACKAGE} has no {left_out}"))?;
    }
    let generated = workspace.target().join("swift/generated-lean");
    swift::generate(workspace, &bindings::lean(workspace)?, &generated, &package.join("Sources"))
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

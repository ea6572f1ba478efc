//! The Swift package: its sources with the generated code, and on macOS the XCFramework that it links.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::bindings::{self, swift};
use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Where the package is.
const SOURCE: &str = "ffi/bindings/swift";
/// What a package for others consists of.
const PARTS: [&str; 3] = ["Package.swift", "README.md", "Sources"];

/// Assembles the package in `target/package/swift`, and makes the XCFramework where that is possible.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    bindings::build(workspace)?;
    let (source, package) = (workspace.root.join(SOURCE), workspace.target().join("package/swift/Cardea"));
    // What an older one had must not be in this one.
    let _ = fs::remove_dir_all(&package);
    for part in PARTS {
        swift::copy(&source.join(part), &package.join(part))?;
    }
    let generated = workspace.target().join("swift/generated");
    swift::generate(workspace, &generated, &package.join("Sources"))?;
    if cfg!(not(target_os = "macos")) {
        return Outcome::passed(format!(
            "sources in {}; CardeaFFI.xcframework skipped: only macOS with Xcode can make it",
            package.display()
        ));
    }
    let mut script = Command::new(source.join("xcframework.sh"));
    process::logged(script.arg(&generated), &workspace.log("package-swift"))?;
    let name = "CardeaFFI.xcframework";
    swift::copy(&source.join(name), &package.join(name))?;
    Outcome::passed(format!("{}", package.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use std::path::Path;

    use anyhow::Context as _;

    use super::*;

    /// A program that writes down how it was called, and makes the file after `-output`.
    const FAKE: &str = "#!/bin/sh\necho \"$(basename \"$0\") $*\" >> \"$CALLS\"\n\
                        while [ $# -gt 0 ]; do [ \"$1\" = -output ] && mkdir -p \"$(dirname \"$2\")\" && touch \"$2\"; shift; done\n";

    fn program(folder: &Path, name: &str, text: &str) -> Result<()> {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
    }

    #[test]
    fn the_script_builds_every_target_and_joins_what_belongs_together() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("project").join(SOURCE);
        let tools = folder.path().join("tools");
        fs::create_dir_all(&place)?;
        fs::create_dir_all(&tools)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SOURCE).join("xcframework.sh");
        program(&place, "xcframework.sh", &fs::read_to_string(script)?)?;
        for name in ["cargo", "lipo", "xcodebuild"] {
            program(&tools, name, FAKE)?;
        }
        fs::write(folder.path().join("CardeaFFI.h"), "")?;
        let (calls, path) = (folder.path().join("calls"), std::env::var("PATH")?);
        let mut run = Command::new(place.join("xcframework.sh"));
        run.arg(folder.path()).env("CALLS", &calls).env("PATH", format!("{}:{path}", tools.display()));
        process::output(&mut run)?;
        let calls = fs::read_to_string(calls)?;
        let count = |word: &str| calls.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!((count("cargo build"), count("lipo"), count("xcodebuild")), (5, 2, 1), "{calls}");
        let last = calls.lines().last().unwrap_or_default();
        assert_eq!(last.matches("-library").count(), 3, "{last}");
        assert!(
            last.contains("aarch64-apple-ios/release-ffi") && last.contains("simulator/") && last.contains("macos/")
        );
        let map = folder.path().join("project/target/xcframework/include/CardeaFFI/module.modulemap");
        assert!(fs::read_to_string(map)?.starts_with("module CardeaFFI {"));
        // A compiler that fails ends it, and no framework is left.
        program(&tools, "cargo", "#!/bin/sh\nexit 1\n")?;
        assert!(process::output(&mut run).is_err());
        assert!(!place.join("CardeaFFI.xcframework").exists());
        Ok(())
    }
}

//! The programs under test.
//!
//! Cargo tells a test where the programs of its own package are, but these belong to other packages, and
//! `cargo test -p cardea-tests` does not build them. They are expected where cargo puts them: in the folder of the profile,
//! which is that of a running program, and the one above that of a running test. Beside each program cargo leaves a list of the sources that it was made of; when the program is not
//! there, or older than one of those, it is built first.
//!
//! The server is another one where `CARDEA_SERVER` names it: `cargo xtask cross-version` plays the scenarios against
//! servers of other versions.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The server's program.
pub fn server() -> &'static Path {
    &programs().server
}

/// Whether it is that of this tree: one of another version knows other options.
pub(super) fn is_our_server() -> bool {
    std::env::var_os("CARDEA_SERVER").is_none()
}

/// The emulator's program.
pub fn emulator() -> &'static Path {
    &programs().emulator
}

/// The PAM module.
pub fn pam_module() -> &'static Path {
    &programs().pam_module
}

struct Programs {
    server: PathBuf,
    emulator: PathBuf,
    pam_module: PathBuf,
}

fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows its own program");
        let beside = test.parent().expect("a program is in a folder");
        let in_deps = beside.ends_with("deps").then(|| beside.parent()).flatten();
        let folder = in_deps.unwrap_or(beside).to_owned();
        let program = |name: &str| folder.join(format!("{name}{EXE_SUFFIX}"));
        let module = format!("{DLL_PREFIX}pam_cardea{DLL_SUFFIX}");
        let other = std::env::var_os("CARDEA_SERVER").map(PathBuf::from);
        let is_given = other.is_some();
        let programs = Programs {
            server: other.unwrap_or_else(|| program("cardea-server")),
            emulator: program("cardea-emulator"),
            pam_module: folder.join(module),
        };
        let ours = [&programs.emulator, &programs.pam_module, &programs.server];
        let ours = if is_given { &ours[..2] } else { &ours };
        if !ours.iter().all(|program| is_fresh(program)) {
            build(&folder);
        }
        programs
    })
}

/// Whether the program is at least as new as everything that it was made of.
fn is_fresh(program: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let Some(built) = changed(program) else { return false };
    let Ok(list) = fs::read_to_string(program.with_extension("d")) else { return false };
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    // Spaces in paths are escaped.
    sources
        .replace("\\ ", "\0")
        .split_whitespace()
        .all(|source| changed(Path::new(&source.replace('\0', " "))).is_some_and(|time| time <= built))
}

fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Cargo describes the running test in these; a build script must not take them for its own.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(name);
        }
    }
    cargo.args([
        "build",
        "--quiet",
        "-p",
        "cardea-server",
        "-p",
        "cardea-emulator",
        "-p",
        "cardea-pam",
        "--target-dir",
    ]);
    cargo.arg(folder.parent().expect("a profile has a folder in the target folder"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be started");
    assert!(status.success(), "the programs under test cannot be built");
}

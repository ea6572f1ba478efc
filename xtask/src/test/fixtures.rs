//! What test suites in other languages drive the emulator with: each fixture with its example, a login page in a real
//! browser, against a real server. All of them show what `conformance.txt` lists.

mod tutorial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::build_all;
use crate::jvm;
use crate::package::python::environment_in;
use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

pub(crate) use tutorial::{cookbook, run as tutorial};

/// Where they are.
pub(crate) const FOLDER: &str = "emulator/fixtures";
/// Most lines of code in a fixture: it only wraps calls.
const LINES: usize = 300;
/// JUnit and what it is made of.
const JUNIT: [&str; 6] = [
    "junit5",
    "libapiguardian-java",
    "libopentest4j-java",
    "libopentest4j-reporting-java",
    "libpicocli-java",
    "libunivocity-parsers-java",
];

/// The plugin for pytest: its types, its tests and its example, as installed.
pub(crate) fn pytest(workspace: &Workspace) -> Result<Outcome> {
    let bin = plugin(workspace, "debug")?;
    let source = workspace.root.join(FOLDER).join("pytest");
    short(&source.join("src"))?;
    let mut types = Command::new(bin.join("mypy"));
    types
        .current_dir(&source)
        .args(["--strict", "--no-error-summary", "--cache-dir"])
        .arg(workspace.target().join("fixtures/mypy"))
        .args(["src/pytest_cardea", "example", "tests", "bench"])
        .env("MYPYPATH", "example:tests");
    process::logged(&mut types, &workspace.log("fixtures-pytest-types"))?;
    let mut tests = Command::new(bin.join("pytest"));
    tests.current_dir(&source).args(["-v", "-p", "no:cacheprovider"]).env("PYTHONDONTWRITEBYTECODE", "1");
    let text = process::logged(with_programs(&mut tests, workspace, "debug"), &workspace.log("fixtures-pytest"))?;
    let passed: Vec<&str> = text.lines().filter(|line| line.contains(" PASSED")).collect();
    conforms(workspace, &passed)?;
    ensure!(!text.contains(" SKIPPED"), "some tests were skipped");
    Outcome::passed(format!("{} tests", passed.len()))
}

/// The fixture for Playwright: its types, its tests and its example.
pub(crate) fn playwright(workspace: &Workspace) -> Result<Outcome> {
    build(workspace, "debug")?;
    let source = workspace.root.join(FOLDER).join("playwright");
    short(&source)?;
    // Beside what npm installs, which is not for the folder of the project.
    let place = workspace.target().join("fixtures/playwright");
    for old in ["example", "tests"] {
        let _ = fs::remove_dir_all(place.join(old));
    }
    for file in
        jvm::files(&source)?.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "node_modules"))
    {
        let copy = place.join(file.strip_prefix(&source)?);
        fs::create_dir_all(copy.parent().context("a file is in a folder")?)?;
        fs::copy(file, &copy).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    let (lock, stamp) = (fs::read(source.join("package-lock.json"))?, place.join("installed"));
    if !fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        let mut npm = Command::new("npm");
        npm.current_dir(&place).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        process::logged(&mut npm, &workspace.log("fixtures-playwright-npm"))?;
        fs::write(&stamp, lock)?;
    }
    let installed = |program: &str| {
        let mut command = Command::new(place.join("node_modules/.bin").join(program));
        command.current_dir(&place);
        command
    };
    process::logged(installed("tsc").arg("--noEmit"), &workspace.log("fixtures-playwright-types"))?;
    let mut tests = installed("playwright");
    tests.arg("test").env("CARDEA_OUTPUT", place.join("output")).env("CARDEA_CHROMIUM", chromium()?);
    let log = workspace.log("fixtures-playwright");
    let text = process::logged(with_programs(&mut tests, workspace, "debug"), &log)?;
    let passed: Vec<&str> = text.lines().filter(|line| line.contains('✓') || line.contains(" ok ")).collect();
    conforms(workspace, &passed)?;
    ensure!(!text.contains(" skipped") && !text.contains(" flaky"), "some tests were skipped, or passed later only");
    Outcome::passed(format!("{} tests", passed.len()))
}

/// The extension for JUnit: its tests and its example, in parallel.
pub(crate) fn junit(workspace: &Workspace) -> Result<Outcome> {
    if !jvm::has_debian() {
        return Ok(Outcome::Skipped(format!("no apt-get and dpkg-deb here, which bring {}", JUNIT.join(", "))));
    }
    build(workspace, "debug")?;
    let source = workspace.root.join(FOLDER).join("junit/src");
    short(&source.join("main"))?;
    let place = workspace.target().join("fixtures/junit");
    let debian = place.join("debian");
    if !debian.is_dir() {
        let unpacked = jvm::unpacked(&place, &JUNIT, &workspace.log("fixtures-junit-debian"))?;
        fs::rename(unpacked, &debian).context("cannot put JUnit in place")?;
    }
    let mut classes: Vec<PathBuf> = fs::read_dir(debian.join("usr/share/java"))?
        .map(|file| file.map(|file| file.path()))
        .collect::<std::io::Result<_>>()?;
    // The rest are other names for these, another copy of all of them, and engines of other kinds of tests.
    let is_left_out = |name: &str| ["standalone", "vintage", "suite", "runner"].iter().any(|part| name.contains(part));
    classes.retain(|jar| {
        let name = jar.file_name().unwrap_or_default().to_string_lossy();
        jar.is_file() && !jar.is_symlink() && name.ends_with(".jar") && !is_left_out(&name)
    });
    for unit in ["main", "test"] {
        let out = place.join(unit);
        let _ = fs::remove_dir_all(&out);
        let mut javac = Command::new("javac");
        javac.args(["-Xlint:all,-path", "-Werror", "--release", "17", "-d"]).arg(&out).arg("-cp");
        javac.arg(jvm::class_path(&classes)?).args(jvm::files(&source.join(unit).join("java"))?);
        process::logged(&mut javac, &workspace.log(&format!("fixtures-junit-{unit}")))?;
        classes.push(out);
    }
    let mut tests = Command::new("java");
    tests.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]).arg(jvm::class_path(&classes)?);
    tests.args(["org.junit.platform.console.ConsoleLauncher", "--disable-banner", "--disable-ansi-colors"]);
    tests.args(["--details=tree", "--details-theme=ascii", "--fail-if-no-tests", "--scan-class-path"]);
    tests.arg(place.join("test")).arg("--config=junit.jupiter.execution.parallel.enabled=true");
    tests.arg("--config=junit.jupiter.execution.parallel.mode.default=concurrent");
    let text = process::logged(with_programs(&mut tests, workspace, "debug"), &workspace.log("fixtures-junit"))?;
    let passed: Vec<&str> = text.lines().filter(|line| line.ends_with("[OK]")).collect();
    conforms(workspace, &passed)?;
    let count =
        text.lines().find_map(|line| line.trim_start_matches(['[', ' ']).strip_suffix(" tests successful      ]"));
    let skipped = !text.contains("[         0 tests skipped         ]");
    match count {
        Some(count) if !skipped => Outcome::passed(format!("{count} tests")),
        _ => bail!("JUnit did not say how many tests passed, or some were skipped"),
    }
}

/// Builds what all of them drive, and installs the plugin for pytest; returns the folder of its programs.
pub(crate) fn plugin(workspace: &Workspace, profile: &str) -> Result<PathBuf> {
    build(workspace, profile)?;
    let source = workspace.root.join(FOLDER).join("pytest");
    let wanted = source.join("requirements-dev.txt");
    let log = workspace.log("fixtures-pytest-venv");
    let bin = environment_in(&workspace.target().join("fixtures/venv"), &wanted, &log)?;
    let mut install = Command::new(bin.join("pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]);
    install.args(["--no-build-isolation", "--force-reinstall"]).arg(&source);
    process::logged(&mut install, &workspace.log("fixtures-pytest-install"))?;
    Ok(bin)
}

/// Tells a fixture where the programs are.
pub(crate) fn with_programs<'a>(command: &'a mut Command, workspace: &Workspace, profile: &str) -> &'a mut Command {
    for (name, program) in [("CARDEA_EMULATOR", "cardea-emulator"), ("CARDEA_SERVER", "cardea-server")] {
        command.env(name, workspace.target().join(profile).join(program));
    }
    command.env_remove("CARDEA_SEED")
}

fn build(workspace: &Workspace, profile: &str) -> Result<()> {
    if profile == "debug" {
        return build_all(workspace, "fixtures-build");
    }
    let mut build = process::cargo(&workspace.root);
    build.args(["build", "--quiet", "--locked", "--profile", profile, "-p", "cardea-server", "-p", "cardea-emulator"]);
    process::logged(&mut build, &workspace.log("fixtures-build")).map(drop)
}

/// Where Chromium is: Playwright looks for its own otherwise.
fn chromium() -> Result<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&places).map(|folder| folder.join("chromium")).find(|path| path.is_file());
    found.context("chromium is not on the search path")
}

/// Every behavior of the list is among the lines of tests that passed.
fn conforms(workspace: &Workspace, passed: &[&str]) -> Result<()> {
    let list = fs::read_to_string(workspace.root.join(FOLDER).join("conformance.txt"))?;
    for name in list.lines() {
        if !passed.iter().any(|line| line.replace('_', " ").contains(name)) {
            bail!("no test that passed is called \"{name}\", which every fixture has to show");
        }
    }
    Ok(())
}

/// A fixture only wraps calls: it is short.
fn short(folder: &Path) -> Result<()> {
    let mut lines = 0;
    for file in jvm::files(folder)? {
        let is_code = |end: &str| file.extension().is_some_and(|extension| extension == end);
        let is_aside = file
            .components()
            .any(|part| ["node_modules", "example", "tests"].iter().any(|name| part.as_os_str() == *name));
        if !is_aside && (is_code("py") || is_code("js") || is_code("java")) {
            lines += fs::read_to_string(&file)?.lines().filter(|line| says_something(line)).count();
        }
    }
    ensure!((1..LINES).contains(&lines), "{} has {lines} lines of code, not less than {LINES}", folder.display());
    Ok(())
}

/// Whether a line is neither blank nor a comment nor an import.
fn says_something(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty()
        && !["//", "/*", "*", "#", "\"\"\"", "import ", "package "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_blank_lines_and_comments_say_nothing() {
        for line in
            ["", "  ", "// a", "    /** A. */", "     * a", "# a", "    \"\"\"A.\"\"\"", "import a", "package a;"]
        {
            assert!(!says_something(line), "{line:?}");
        }
        for line in ["a = 1", "}", "    return important"] {
            assert!(says_something(line), "{line:?}");
        }
    }
}

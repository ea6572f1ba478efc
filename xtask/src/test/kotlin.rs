//! The Kotlin binding: generated from the built library, compiled, and tested on a JVM that knows nothing else against
//! real server processes. What is for Android is compiled against stand-ins for the few classes of Android that it uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::bindings;
use crate::jvm::{self, Android, Binding, FOLDER, Toolchain, Unit, class_path, sources};
use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

const EXAMPLE: &str = "ffi/examples/android/app/src";
const QUICKSTARTS: &str = "docs/sdk.md";
/// The class with the entry point of the tests.
const RUNNER: &str = "dev.cardea.test.RunnerKt";

/// Builds, generates, compiles and runs the tests of the binding and of its example.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let toolchain = match jvm::provide(workspace)? {
        Ok(toolchain) => toolchain,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    bindings::build(workspace)?;
    let library = bindings::library(workspace);

    let binding = Binding::make(workspace, &toolchain, &library)?;
    let android = android(workspace, &toolchain, &binding)?;
    let tests = tests(workspace, &toolchain, &binding, android)?;
    let text = run_tests(workspace, &binding, tests)?;
    let counts = counts(&text).context("the runner did not say how many tests it ran")?;
    if counts.passed == 0 || counts.failed + counts.skipped > 0 {
        bail!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    }
    Outcome::passed(format!("{} tests", counts.passed))
}

/// Compiles what is for Android: against the library that phones get, and what tests run over the one that they load.
fn android(workspace: &Workspace, toolchain: &Toolchain, binding: &Binding) -> Result<Vec<PathBuf>> {
    let aar = Android::make(workspace, toolchain, &bindings::lean(workspace)?)?;
    let compile = |name, sources, uses: &[PathBuf]| {
        let arguments = vec!["-Werror".to_owned()];
        Unit { name, sources, uses: uses.to_vec(), friends: Vec::new(), arguments }.compile(workspace, toolchain)
    };
    let mut uses = binding.class_path(toolchain);
    uses.push(aar.stubs.clone());
    let ours = sources(&workspace.root.join(FOLDER).join("src/android/kotlin"))?;
    let ours = compile("cardea-android", ours, &uses)?;
    uses.push(ours.clone());
    let example = sources(&workspace.root.join(EXAMPLE).join("main/kotlin"))?;
    let example = compile("cardea-example", example, &uses)?;
    Ok(vec![aar.stubs, ours, example])
}

/// Compiles the tests; returns the class path that they run with, themselves last.
fn tests(
    workspace: &Workspace,
    toolchain: &Toolchain,
    binding: &Binding,
    android: Vec<PathBuf>,
) -> Result<Vec<PathBuf>> {
    let mut all = sources(&workspace.root.join(FOLDER).join("src/test/kotlin"))?;
    all.extend(sources(&workspace.root.join(EXAMPLE).join("test/kotlin"))?);
    all.push(quickstart(workspace)?);
    let mut uses = binding.class_path(toolchain);
    uses.extend(toolchain.testing());
    uses.extend(android);
    let friends = vec![binding.high.clone()];
    let tests = Unit { name: "kotlin-tests", sources: all, uses: uses.clone(), friends, arguments: Vec::new() }
        .compile(workspace, toolchain)?;
    uses.push(tests);
    Ok(uses)
}

fn run_tests(workspace: &Workspace, binding: &Binding, classes: Vec<PathBuf>) -> Result<String> {
    let tests = classes.last().context("no tests were compiled")?.clone();
    // The quickstart makes a wallet in the working directory.
    let place = workspace.target().join("jvm/run");
    fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
    let libraries = binding.library.parent().context("the library is nowhere")?;
    let mut command = Command::new("java");
    command
        .current_dir(&place)
        .args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arg(format!("-Djna.library.path={}", libraries.display()))
        .arg("-cp")
        .arg(class_path(&classes)?)
        .arg(RUNNER)
        .arg(tests)
        .env("CARDEA_SERVER", workspace.program("cardea-server"))
        .env("CARDEA_LIBRARY", &binding.library)
        .env("CARDEA_SCENARIOS", workspace.root.join("ffi/conformance"));
    process::logged(&mut command, &workspace.log("kotlin"))
}

/// Kotlin's quickstart, as printed, in a file of its own.
fn quickstart(workspace: &Workspace) -> Result<PathBuf> {
    let text = workspace.text(Path::new(QUICKSTARTS))?.with_context(|| format!("{QUICKSTARTS} is not UTF-8"))?;
    let code = code_block(&text, "kotlin").with_context(|| format!("{QUICKSTARTS} has no Kotlin"))?;
    let lines = code.lines().count();
    if lines > 15 {
        bail!("{QUICKSTARTS}: the quickstart for Kotlin has {lines} lines, more than 15");
    }
    let folder = workspace.target().join("jvm/quickstart");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let file = folder.join("Quickstart.kt");
    fs::write(&file, code).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The first block of code in `language`.
fn code_block<'a>(text: &'a str, language: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(&format!("```{language}\n"))?;
    after.split_once("\n```").map(|(code, _)| code)
}

/// What the runner counted.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// Reads the runner's closing line: `N passed, N failed, N skipped`.
fn counts(text: &str) -> Option<Counts> {
    text.lines().rev().find_map(|line| {
        let mut numbers = line
            .split(", ")
            .zip([" passed", " failed", " skipped"])
            .map(|(part, word)| part.strip_suffix(word).and_then(|number| number.parse().ok()));
        let mut next = || numbers.next().flatten();
        Some(Counts { passed: next()?, failed: next()?, skipped: next()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_runner_counted() {
        let text = "ok a\nFAILED b\n12 passed, 1 failed, 0 skipped\n";
        assert_eq!(counts(text), Some(Counts { passed: 12, failed: 1, skipped: 0 }));
        assert_eq!(counts("OK (2 tests)"), None);
        assert_eq!(counts("2 passed, x failed, 0 skipped"), None);
    }

    #[test]
    fn the_first_block_of_the_language_is_taken() {
        let text = "```python\na\n```\n\n```kotlin\nfun main() {\n}\n```\n```kotlin\nother\n```";
        assert_eq!(code_block(text, "kotlin"), Some("fun main() {\n}"));
        assert_eq!(code_block(text, "swift"), None);
    }
}

//! Build, tests and documentation, all with the same profile and features so that nothing is built twice.

use anyhow::{Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Builds every target of the workspace: programs, libraries, tests and benchmarks.
pub(crate) fn build(workspace: &Workspace) -> Result<Outcome> {
    all(workspace, "build")?;
    Outcome::passed("all targets")
}

/// The same for parts that need some of it, and for those that run at one time: what another selection of targets builds
/// has other features, and takes the place of programs that run. What the command says is in the log of this name.
pub(crate) fn all(workspace: &Workspace, log: &str) -> Result<()> {
    let mut command = process::cargo(&workspace.root);
    command.args(["build", "--quiet", "--locked", "--workspace", "--all-targets"]);
    process::logged(&mut command, &workspace.log(log)).map(drop)
}

/// Runs the unit tests, the integration tests and the examples in the documentation.
pub(crate) fn tests(workspace: &Workspace) -> Result<Outcome> {
    let mut command = process::cargo(&workspace.root);
    command.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    let counts = Counts::of(&process::logged(&mut command, &workspace.log("tests"))?);
    if counts.passed == 0 || counts.ignored > 0 {
        bail!("{} tests passed and {} were ignored", counts.passed, counts.ignored);
    }
    Outcome::passed(format!("{} tests", counts.passed))
}

/// Builds the documentation; a warning is an error.
pub(crate) fn docs(workspace: &Workspace) -> Result<Outcome> {
    let mut command = process::cargo(&workspace.root);
    command.args(["doc", "--quiet", "--locked", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    process::logged(&mut command, &workspace.log("docs"))?;
    Outcome::passed("")
}

/// The sums over all `test result:` lines.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) ignored: u64,
}

impl Counts {
    /// Reads what `cargo test` printed.
    pub(crate) fn of(text: &str) -> Self {
        let mut counts = Self::default();
        for line in text.lines().filter(|line| line.starts_with("test result:")) {
            counts.passed += number_before(line, " passed");
            counts.ignored += number_before(line, " ignored");
        }
        counts
    }
}

fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_the_result_lines() {
        let text = "test a ... ok\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                    test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(Counts::of(text), Counts { passed: 15, ignored: 1 });
        assert_eq!(Counts::of("nothing ran"), Counts::default());
    }
}

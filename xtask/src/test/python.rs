//! The Python binding: generated from the built library, then tested by a Python that knows nothing else.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Generates the binding and runs `ffi/bindings/python/tests` with unittest.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut build = process::cargo(&workspace.root);
    // The same command as the part `build`, so that features and artifacts are the same.
    build.args(["build", "--quiet", "--locked", "--workspace", "--all-targets"]);
    process::logged(&mut build, &workspace.log("python-build"))?;

    let name = format!("{}cardea_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = workspace.target().join("debug").join(&name);
    let generated = workspace.target().join("python");
    let mut generate = Command::new(workspace.program(&bindgen(workspace)?));
    generate
        .current_dir(&workspace.root)
        .arg("generate")
        .arg(&library)
        .args(["--language", "python", "--no-format", "--out-dir"])
        .arg(&generated);
    process::logged(&mut generate, &workspace.log("python-generate"))?;
    std::fs::copy(&library, generated.join(&name)).with_context(|| format!("cannot copy {name}"))?;

    let package = workspace.root.join("ffi/bindings/python");
    let mut search: Vec<PathBuf> = vec![generated, package.clone()];
    if package.join("src").is_dir() {
        search.push(package.join("src"));
    }
    let mut tests = Command::new("python3");
    tests
        .current_dir(&workspace.root)
        .args(["-B", "-m", "unittest", "discover", "-v", "-s"])
        .arg(package.join("tests"))
        .env("PYTHONPATH", std::env::join_paths(search)?)
        .env("CARDEA_SERVER", workspace.program("cardea-server"));
    let text = process::logged(&mut tests, &workspace.log("python"))?;
    let Some(count) = ran(&text) else { bail!("unittest did not say how many tests it ran") };
    if count == 0 || text.contains("skipped=") {
        bail!("{count} tests ran, or some were skipped");
    }
    Outcome::passed(format!("{count} tests"))
}

fn bindgen(workspace: &Workspace) -> Result<String> {
    let package = workspace.crates.iter().find(|package| package.name == "cardea-bindgen");
    let mut targets = package.into_iter().flat_map(|package| &package.targets);
    let program = targets.find(|target| target.kind.iter().any(|kind| kind == "bin"));
    Ok(program.context("cardea-bindgen has no program")?.name.clone())
}

fn ran(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("Ran "))?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_many_tests_ran() {
        assert_eq!(ran("...\nRan 7 tests in 0.1s\n\nOK"), Some(7));
        assert_eq!(ran("OK"), None);
    }
}

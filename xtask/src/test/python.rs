//! The Python package: types, tests against a real server, and the wheel with the library of the tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::bindings::{self, Language};
use crate::package::python::{SOURCE, environment, rehearse};
use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Puts the package together as a wheel would, checks its types, and runs its tests.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    bindings::build(workspace)?;
    let site = workspace.target().join("python/site");
    assemble(workspace, &bindings::library(workspace), &site)?;
    let tools = environment(workspace)?;
    let source = workspace.root.join(SOURCE);

    let mut types = Command::new(tools.join("mypy"));
    types
        .current_dir(&source)
        .args(["--strict", "--no-error-summary", "--cache-dir"])
        .arg(workspace.target().join("python/mypy"))
        .arg("--explicit-package-bases")
        .arg(site.join("cardea"))
        .args(["tests", "examples"])
        .env("MYPYPATH", std::env::join_paths([&site, &source.join("tests")])?);
    process::logged(&mut types, &workspace.log("python-types"))?;

    let mut tests = Command::new(tools.join("pytest"));
    tests
        .current_dir(&source)
        .args(["-p", "no:cacheprovider", "-ra"])
        .env("PYTHONPATH", &site)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CARDEA_SERVER", workspace.program("cardea-server"));
    let text = process::logged(&mut tests, &workspace.log("python"))?;
    let Some(count) = passed(&text) else { bail!("pytest did not say how many tests passed") };
    if count == 0 || text.contains(" skipped") || text.contains(" xfailed") {
        bail!("{count} tests passed, or some were skipped");
    }
    rehearse(workspace)?;
    Outcome::passed(format!("{count} tests, and a wheel that was installed"))
}

/// Puts the package with the generated module and the library in it into `site`, as an installed wheel has them.
pub(crate) fn assemble(workspace: &Workspace, library: &Path, site: &Path) -> Result<()> {
    let package = site.join("cardea");
    let _ = fs::remove_dir_all(site);
    let native = package.join("_ffi");
    fs::create_dir_all(&native).with_context(|| format!("cannot create {}", native.display()))?;
    for file in fs::read_dir(workspace.root.join(SOURCE).join("src/cardea"))? {
        let path = file?.path();
        if path.is_file() {
            fs::copy(&path, package.join(path.file_name().unwrap_or_default()))?;
        }
    }
    bindings::generate_from(workspace, library, Language::Python, &native)?;
    fs::write(native.join("__init__.py"), "from .cardea_ffi import *  # NOQA\n")?;
    fs::copy(library, native.join(bindings::library_name()))?;
    Ok(())
}

fn passed(text: &str) -> Option<u64> {
    let line = text.lines().rfind(|line| line.contains(" passed"))?;
    line.split(" passed").next()?.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_many_tests_passed() {
        assert_eq!(passed("....\n7 passed in 0.12s"), Some(7));
        assert_eq!(passed("==== 12 passed, 1 warning in 3.4s ===="), Some(12));
        assert_eq!(passed("1 failed in 0.12s"), None);
    }
}

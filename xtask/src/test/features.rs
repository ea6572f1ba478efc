//! The SDK and the bindings library with less than everything: phones get neither TLS nor image decoders, and nothing
//! may come to need them unnoticed.

use anyhow::{Context as _, Result, bail};

use super::cargo::Counts;
use crate::process;
use crate::report::Outcome;
use crate::workspace::{Package, Workspace};

const CRATES: [&str; 2] = ["cardea-sdk", "cardea-ffi"];

/// Lints and tests both without any feature, and compiles them with each single one.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut features = Vec::new();
    let mut tests = 0;
    for name in CRATES {
        let package = workspace.crates.iter().find(|package| package.name == name);
        let own = single(package.with_context(|| format!("no crate is named {name}"))?);
        let log = |what: &str| workspace.log(&format!("features-{name}-{what}"));
        let lean = |arguments: &[&str]| {
            let mut command = process::cargo(&workspace.root);
            command.args(arguments).args(["--quiet", "--locked", "-p", name, "--no-default-features"]);
            command
        };
        process::logged(lean(&["clippy", "--all-targets"]).args(["--", "-D", "warnings"]), &log("clippy"))?;
        let counts = Counts::of(&process::logged(lean(&["test"]).args(["--lib", "--tests"]), &log("tests"))?);
        if counts.passed == 0 || counts.ignored > 0 {
            bail!("{name} without features: {} tests passed and {} were ignored", counts.passed, counts.ignored);
        }
        tests += counts.passed;
        for feature in own {
            let mut check = lean(&["check"]);
            process::logged(check.args(["--features", feature]), &log(feature))?;
            features.push(feature.to_owned());
        }
    }
    Outcome::passed(format!("{} single features, {tests} tests without any", features.len()))
}

/// The features that are no names for several others.
fn single(package: &Package) -> Vec<&str> {
    let names = package.features.keys().map(String::as_str);
    names.filter(|name| !matches!(*name, "default" | "all")).collect()
}

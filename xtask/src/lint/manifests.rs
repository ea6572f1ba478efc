//! Manifests: one place for versions and lints.

use std::path::Path;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::Findings;
use crate::workspace::Workspace;

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
/// Crates that may switch a lint of the workspace off at single places, with the decision behind it: there the lint is
/// `deny` in place of `forbid`.
const EXCEPTIONS: [(&str, &str); 1] = [("cardea-pam", "unsafe_code")]; // docs/adr/0018-pam-module.md

const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

/// Every member inherits versions and lints from the workspace. A member with lints of its own has at least the
/// workspace's.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("manifests");
    let root = workspace.toml(Path::new("Cargo.toml"))?;
    let shared = root.get("workspace").and_then(|table| table.get("lints")).context("no [workspace.lints]")?;
    for package in &workspace.crates {
        let (path, manifest) = workspace.manifest(package)?;
        findings.saw();
        let excepted = EXCEPTIONS.iter().find(|(name, _)| *name == package.name).map(|(_, lint)| *lint);
        for problem in check_manifest(&manifest, shared, excepted) {
            findings.wrong(format!("{}: {problem}", path.display()));
        }
    }
    Ok(findings)
}

fn check_manifest(manifest: &Table, shared: &Value, excepted: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    for key in INHERITED {
        if !is_inherited(manifest.get("package").and_then(|package| package.get(key))) {
            problems.push(format!("package.{key} is not inherited from the workspace"));
        }
    }
    let lints = manifest.get("lints");
    if !is_inherited(lints) {
        problems.extend(missing_lints(lints, shared, excepted));
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    let scopes =
        std::iter::once(manifest).chain(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
    for scope in scopes {
        for table in DEPENDENCY_TABLES {
            let dependencies = scope.get(table).and_then(Value::as_table);
            for (name, dependency) in dependencies.into_iter().flatten() {
                if !is_inherited(Some(dependency)) {
                    problems
                        .push(format!("{table}.{name} has a version of its own; the workspace's manifest declares it"));
                }
            }
        }
    }
    problems
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")) == Some(&Value::Boolean(true))
}

fn missing_lints(own: Option<&Value>, shared: &Value, excepted: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    for (tool, lints) in shared.as_table().into_iter().flatten() {
        for (lint, level) in lints.as_table().into_iter().flatten() {
            let own = own.and_then(|own| own.get(tool)).and_then(|own| own.get(lint));
            let needed = strictness(Some(level));
            let needed = if excepted == Some(lint) { needed.min(2) } else { needed };
            if strictness(own) < needed {
                problems.push(format!("lints.{tool}.{lint} is weaker than in the workspace"));
            }
        }
    }
    problems
}

fn strictness(level: Option<&Value>) -> u8 {
    let level = level.map(|level| level.get("level").unwrap_or(level)).and_then(Value::as_str);
    match level {
        Some("warn") => 1,
        Some("deny") => 2,
        Some("forbid") => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                           license.workspace = true\npublish.workspace = true\n";

    fn problems(rest: &str) -> Vec<String> {
        let shared: Table = "rust = { unsafe_code = 'forbid', missing_docs = 'warn' }".parse().unwrap();
        check_manifest(&format!("{PACKAGE}{rest}").parse().unwrap(), &Value::Table(shared), None)
    }

    #[test]
    fn inheriting_everything_is_fine() {
        assert!(problems("[lints]\nworkspace = true\n[dependencies]\nanyhow.workspace = true").is_empty());
    }

    #[test]
    fn a_version_of_its_own_is_named() {
        let found = problems("[lints]\nworkspace = true\n[target.'cfg(unix)'.dev-dependencies]\nlibc = '0.2'");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("dev-dependencies.libc"));
    }

    #[test]
    fn own_lints_must_hold_those_of_the_workspace() {
        assert!(problems("[lints.rust]\nunsafe_code = 'forbid'\nmissing_docs = { level = 'deny' }").is_empty());
        assert_eq!(problems("[lints.rust]\nunsafe_code = 'deny'\nmissing_docs = 'warn'").len(), 1);
        assert_eq!(problems("").len(), 2);
    }

    #[test]
    fn what_is_not_inherited_is_named() {
        let shared = Value::Table(Table::new());
        assert_eq!(
            check_manifest(&"[package]\nversion = '1.0.0'".parse().unwrap(), &shared, None).len(),
            INHERITED.len()
        );
    }
}

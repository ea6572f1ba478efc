//! Licenses, duplicate versions and sources of everything the products are built from, by the rules of `deny.toml`.
//!
//! cargo-deny reads the same file. This check needs nothing but cargo, so that it always runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::{Findings, OUTSIDE, spdx};
use crate::workspace::{self, Package, Workspace};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The rules, as far as they are used here.
struct Rules {
    allowed: Vec<String>,
    exceptions: BTreeMap<String, Vec<String>>,
    /// `name@version` of versions that are there beside another one, each with a reason.
    duplicates: BTreeSet<String>,
}

/// Checks what the lock files of the workspace and of the crates outside it bring in.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("packages");
    let rules = Rules::read(&workspace.toml(Path::new("deny.toml"))?)?;
    let packages =
        workspace::metadata(&workspace.root, &workspace.root.join("Cargo.toml"), &["--locked", "--all-features"])?
            .packages;
    origins(&packages, &rules, &mut findings);
    duplicates(&packages, &rules, &mut findings);
    for folder in OUTSIDE {
        let manifest = workspace.root.join(folder).join("Cargo.toml");
        let packages = workspace::metadata(&workspace.root, &manifest, &["--locked", "--all-features"])?.packages;
        origins(&packages, &rules, &mut findings);
    }
    Ok(findings)
}

impl Rules {
    fn read(file: &Table) -> Result<Self> {
        let licenses = file.get("licenses").context("deny.toml has no [licenses]")?;
        let mut exceptions = BTreeMap::new();
        for exception in array(licenses.get("exceptions")) {
            let name = exception.get("crate").and_then(Value::as_str).context("an exception names no crate")?;
            exceptions.insert(name.to_owned(), strings(exception.get("allow")));
        }
        let mut duplicates = BTreeSet::new();
        for skip in array(file.get("bans").and_then(|bans| bans.get("skip"))) {
            let name = skip.get("crate").and_then(Value::as_str).context("a skip names no crate")?;
            skip.get("reason").and_then(Value::as_str).with_context(|| format!("the skip of {name} has no reason"))?;
            duplicates.insert(name.to_owned());
        }
        Ok(Self { allowed: strings(licenses.get("allow")), exceptions, duplicates })
    }

    fn allows(&self, package: &str, license: &str) -> bool {
        let exception = self.exceptions.get(package);
        self.allowed.iter().chain(exception.into_iter().flatten()).any(|allowed| allowed == license)
    }
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn strings(value: Option<&Value>) -> Vec<String> {
    array(value).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn origins(packages: &[Package], rules: &Rules, findings: &mut Findings) {
    for package in packages {
        findings.saw();
        let name = format!("{} {}", package.name, package.version);
        match package.source.as_deref() {
            None | Some(CRATES_IO) => {}
            Some(other) => findings.wrong(format!("{name} comes from {other}")),
        }
        // Our own crates outside the workspace are not published and inherit nothing.
        let Some(expression) = package.license.as_deref() else {
            if package.source.is_some() {
                findings.wrong(format!("{name} names no license"));
            }
            continue;
        };
        if !spdx::holds(expression, &|license| rules.allows(&package.name, license)) {
            findings.wrong(format!("{name} is under {expression}, which deny.toml does not allow"));
        }
    }
}

fn duplicates(packages: &[Package], rules: &Rules, findings: &mut Findings) {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    let mut needless = rules.duplicates.clone();
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        let unexplained = versions.iter().filter(|version| !needless.remove(&format!("{name}@{version}"))).count();
        if unexplained > 1 {
            let versions: Vec<&str> = versions.iter().copied().collect();
            findings
                .wrong(format!("{name} is there as {}; deny.toml has to explain all but one", versions.join(" and ")));
        }
    }
    for skip in needless {
        findings.wrong(format!("deny.toml explains {skip}, which is no duplicate any more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "[licenses]\nallow = ['MIT']\nexceptions = [{ crate = 'odd', allow = ['MPL-2.0'] }]\n\
                         [bans]\nskip = [{ crate = 'twice@1.0.0', reason = 'because' }]";

    fn package(name: &str, version: &str, license: &str, source: &str) -> Package {
        let text = format!(
            r#"{{"name":"{name}","version":"{version}","license":{license},"source":{source},"manifest_path":"Cargo.toml",
               "dependencies":[],"features":{{}},"targets":[]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn wrong(packages: &[Package]) -> Vec<String> {
        let rules = Rules::read(&RULES.parse().unwrap()).unwrap();
        let mut findings = Findings::of("packages");
        origins(packages, &rules, &mut findings);
        duplicates(packages, &rules, &mut findings);
        findings.all_wrong().to_vec()
    }

    fn explained() -> [Package; 2] {
        let source = format!(r#""{CRATES_IO}""#);
        [package("twice", "1.0.0", r#""MIT""#, &source), package("twice", "2.0.0", r#""MIT""#, &source)]
    }

    #[test]
    fn an_explained_duplicate_is_fine() {
        assert!(wrong(&explained()).is_empty());
    }

    #[test]
    fn an_unexplained_or_outlived_duplicate_is_not() {
        let [old, new] = explained();
        let third = package("twice", "3.0.0", r#""MIT""#, "null");
        assert_eq!(wrong(&[old, new, third]).len(), 1);
        let [old, _] = explained();
        assert!(wrong(&[old])[0].contains("no duplicate any more"));
    }

    #[test]
    fn licenses_and_sources_are_checked() {
        let [old, new] = explained();
        let odd = package("odd", "1.0.0", r#""MPL-2.0""#, "null");
        let foreign = package("foreign", "1.0.0", r#""MPL-2.0""#, r#""git+https://host.example/x""#);
        let silent = package("silent", "1.0.0", "null", &format!(r#""{CRATES_IO}""#));
        assert_eq!(wrong(&[old, new, odd, foreign, silent]).len(), 3);
    }

    #[test]
    fn a_skip_needs_a_reason() {
        let rules = "[licenses]\n[bans]\nskip = [{ crate = 'twice@1.0.0' }]".parse().unwrap();
        assert!(Rules::read(&rules).is_err());
    }
}

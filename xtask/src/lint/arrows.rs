//! Which crate may know which: the arrows of ARCHITECTURE.md.

use anyhow::Result;

use super::{Findings, OUTSIDE};
use crate::workspace::{self, Dependency, Package, Workspace};

/// Every member of the workspace with the crates it may depend on, tests and builds included.
const ARROWS: [(&str, &[&str]); 10] = [
    ("cardea-protocol", &[]),
    ("cardea-sdk", &["cardea-protocol"]),
    ("cardea-server", &["cardea-protocol"]),
    ("cardea-emulator", &["cardea-sdk"]),
    ("cardea-ffi", &["cardea-sdk"]),
    ("cardea-tests", &["cardea-protocol", "cardea-sdk", "cardea-emulator", "cardea-ffi", "cardea-server"]),
    ("cardea-simulation", &["cardea-protocol", "cardea-server"]),
    ("cardea-bindgen", &[]),
    ("cardea-pam", &[]),
    ("xtask", &[]),
];

/// The same for the crates outside the workspace. They exist to look at the core, and the fuzz targets at what else
/// strangers may send to devices.
const OUTSIDE_ARROWS: [(&str, &[&str]); 2] =
    [("cardea-fuzz", &["cardea-protocol", "cardea-sdk"]), ("cardea-no-std-check", &["cardea-protocol"])];

/// Arrows that exist only behind a feature which is off by default.
const OPTIONAL_ARROWS: [(&str, &str, &str); 1] = [("cardea-emulator", "cardea-server", "embedded-server")];

/// A feature that is for one crate only: what it brings must not be in what ships. The feature's crate, the feature, and who
/// may turn it on.
const INSIDE: [(&str, &str, &str); 1] = [("cardea-sdk", "observe", "cardea-emulator")];

/// Checks the members and the crates outside the workspace.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::of("arrows");
    for package in &workspace.crates {
        check_in(&ARROWS, package, &mut findings);
    }
    for folder in OUTSIDE {
        let manifest = workspace.root.join(folder).join("Cargo.toml");
        for package in &workspace::metadata(&workspace.root, &manifest, &["--no-deps"])?.packages {
            check_in(&OUTSIDE_ARROWS, package, &mut findings);
        }
    }
    Ok(findings)
}

fn check_in(plan: &[(&str, &[&str])], package: &Package, findings: &mut Findings) {
    match plan.iter().find(|(name, _)| *name == package.name) {
        Some((_, allowed)) => check_package(package, allowed, findings),
        None => findings.wrong(format!("{} is not in the plan of crates (xtask/src/lint/arrows.rs)", package.name)),
    }
    for (of, feature, who) in INSIDE {
        if package.name != who && turns_on(package, of, feature) {
            findings.wrong(format!("{} turns on {of}'s `{feature}`, which is for {who} only", package.name));
        }
    }
}

/// Whether a crate turns on a feature of another one, or of itself, for whoever takes the crate.
fn turns_on(package: &Package, of: &str, feature: &str) -> bool {
    let by_dependency = |it: &Dependency| it.name == of && it.features.iter().any(|on| on == feature);
    let by_feature = |on: &String| {
        let named = on.strip_prefix(of).and_then(|rest| rest.trim_start_matches('?').strip_prefix('/'));
        named == Some(feature) || package.name == of && on == feature
    };
    package.dependencies.iter().any(by_dependency) || package.features.values().flatten().any(by_feature)
}

fn check_package(package: &Package, allowed: &[&str], findings: &mut Findings) {
    for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
        findings.saw();
        if !allowed.contains(&dependency.name.as_str()) && !is_behind_feature(package, dependency) {
            findings.wrong(format!(
                "{} depends on {} ({}): not an arrow of ARCHITECTURE.md",
                package.name,
                dependency.name,
                dependency.kind.as_deref().unwrap_or("normal"),
            ));
        }
    }
}

fn is_behind_feature(package: &Package, dependency: &Dependency) -> bool {
    OPTIONAL_ARROWS.iter().any(|(from, to, feature)| {
        let default = package.features.get("default");
        package.name == *from
            && dependency.name == *to
            && dependency.optional
            && dependency.kind.is_none()
            && !default.is_some_and(|on| on.iter().any(|on| on == feature || on.contains(to)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, dependency: &str, features: &str) -> usize {
        let text = format!(
            r#"{{"name":"{name}","version":"0.1.0","license":null,"source":null,"manifest_path":"Cargo.toml",
               "dependencies":[{dependency}],"features":{features},"targets":[]}}"#
        );
        let package: Package = serde_json::from_str(&text).unwrap();
        let mut findings = Findings::of("arrows");
        let plan = [&ARROWS[..], &OUTSIDE_ARROWS].concat();
        check_in(&plan, &package, &mut findings);
        findings.all_wrong().len()
    }

    #[test]
    fn an_arrow_of_the_plan_is_fine_and_any_other_is_not() {
        let to = |name: &str, kind: &str| format!(r#"{{"name":"{name}","kind":{kind},"optional":false,"path":"x"}}"#);
        assert_eq!(findings("cardea-sdk", &to("cardea-protocol", "null"), "{}"), 0);
        assert_eq!(findings("cardea-sdk", &to("cardea-server", "null"), "{}"), 1);
        assert_eq!(findings("cardea-sdk", &to("cardea-server", r#""dev""#), "{}"), 1);
        assert_eq!(findings("cardea-server", &to("cardea-tests", r#""build""#), "{}"), 1);
        assert_eq!(findings("cardea-fuzz", &to("cardea-protocol", "null"), "{}"), 0);
        assert_eq!(findings("cardea-fuzz", &to("cardea-sdk", "null"), "{}"), 0);
        assert_eq!(findings("cardea-fuzz", &to("cardea-server", "null"), "{}"), 1);
        assert_eq!(findings("cardea-no-std-check", &to("cardea-sdk", "null"), "{}"), 1);
        assert_eq!(findings("cardea-else", "", "{}"), 1);
    }

    #[test]
    fn the_emulator_sees_the_server_only_behind_its_feature() {
        let to = |optional: bool| format!(r#"{{"name":"cardea-server","kind":null,"optional":{optional},"path":"x"}}"#);
        let feature = r#"{"embedded-server":["dep:cardea-server"]}"#;
        assert_eq!(findings("cardea-emulator", &to(true), feature), 0);
        assert_eq!(findings("cardea-emulator", &to(false), feature), 1);
        let on_by_default = r#"{"default":["embedded-server"],"embedded-server":["dep:cardea-server"]}"#;
        assert_eq!(findings("cardea-emulator", &to(true), on_by_default), 1);
    }

    #[test]
    fn what_only_the_emulator_may_turn_on_is_off_everywhere_else() {
        let sdk = |features: &str| {
            format!(r#"{{"name":"cardea-sdk","kind":null,"optional":false,"path":"x","features":{features}}}"#)
        };
        assert_eq!(findings("cardea-emulator", &sdk(r#"["observe"]"#), "{}"), 0);
        assert_eq!(findings("cardea-ffi", &sdk(r#"["websocket"]"#), r#"{"all":["cardea-sdk/websocket"]}"#), 0);
        assert_eq!(findings("cardea-ffi", &sdk(r#"["observe"]"#), "{}"), 1);
        for feature in [r#""cardea-sdk/observe""#, r#""cardea-sdk?/observe""#] {
            assert_eq!(findings("cardea-ffi", &sdk("[]"), &format!(r#"{{"all":[{feature}]}}"#)), 1);
        }
        assert_eq!(findings("cardea-sdk", "", r#"{"default":["websocket"],"observe":[]}"#), 0);
        assert_eq!(findings("cardea-sdk", "", r#"{"default":["observe"],"observe":[]}"#), 1);
        assert_eq!(findings("cardea-sdk", "", r#"{"all":["observe"],"observe":[]}"#), 1);
    }
}

//! `cardea-server doctor`: finds what is wrong, makes nothing, and says what to do.

use std::path::Path;

use serde_json::Value;

use crate::process::{run, text};

/// Exit status, what it printed, and on standard error.
fn doctor(data: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let folder = data.display().to_string();
    let output = run(&[&["doctor", "--data-dir", &folder], more].concat());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn verdicts(data: &Path) -> Vec<(String, String)> {
    let (_, out, err) = doctor(data, &["--json"]);
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let member = |finding: &Value, name: &str| finding[name].as_str().expect("text").to_owned();
    let findings = value["findings"].as_array().expect("a list");
    findings.iter().map(|finding| (member(finding, "what"), member(finding, "verdict"))).collect()
}

fn says(data: &Path, what: &str, verdict: &str) -> bool {
    verdicts(data).contains(&(what.to_owned(), verdict.to_owned()))
}

#[test]
fn where_nothing_is_it_says_how_to_begin_and_makes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (code, out, err) = doctor(&data, &[]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("cardea-server init") && err.contains("to mend"), "{out}{err}");
    assert!(!data.exists());
}

#[test]
fn a_new_server_is_well_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let made = run(&["init", "--data-dir", &data.display().to_string()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let (code, out, err) = doctor(&data, &[]);
    assert_eq!(code, Some(0), "{out}{err}");
    for what in ["database", "clock", "services", "authkeys", "data.dir"] {
        assert!(says(&data, what, "ok"), "{what}: {out}");
    }
    assert!(out.contains("public.url") && out.contains("0 to mend"), "{out}");
    let (_, out, _) = doctor(&data, &["--set", "public.url=https://token.example", "--set", "http.listen=0.0.0.0:0"]);
    assert!(out.contains("ok       public.url") && out.contains("warning  tls"), "{out}");

    std::fs::rename(data.join("vault.key"), folder.path().join("vault.key")).expect("moved");
    let (code, out, _) = doctor(&data, &[]);
    assert_eq!(code, Some(1));
    assert!(out.contains("bad      database") && out.contains("vault.key"), "{out}");
    assert!(!data.join("vault.key").exists(), "no other key is made");
}

#[test]
fn the_unit_shows_how_the_master_key_becomes_a_credential() {
    let unit = include_str!("../../../integrations/systemd/cardea-server.service");
    for line in ["#LoadCredential=vault.key:", "#LoadCredentialEncrypted=vault.key:"] {
        assert!(unit.lines().any(|have| have.starts_with(line)), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn a_master_key_that_is_provided_is_used_looked_at_and_never_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let (data, key) = (folder.path().join("data"), folder.path().join("credential"));
    let setting = format!("keys.master_key_file={}", key.display());
    let init = || run(&["init", "--data-dir", &data.display().to_string(), "--set", &setting]);
    let made = init();
    assert!(!made.status.success() && text(&made.stderr).contains("is missing"), "{}", text(&made.stderr));
    assert!(!key.exists() && !data.join("vault.key").exists());

    std::fs::write(&key, format!("cardea1-vault-key:{}\n", "5a".repeat(32))).expect("written");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o440)).expect("changed");
    // The first try has made an empty database; nothing is sealed in it.
    let made = init();
    assert!(made.status.success() && text(&made.stdout).contains("credential"), "{}", text(&made.stderr));
    assert!(!data.join("vault.key").exists());
    let (code, out, err) = doctor(&data, &["--set", &setting]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("ok       master key"), "{out}");

    std::fs::copy(&key, data.join("vault.key")).expect("copied");
    assert!(doctor(&data, &["--set", &setting]).1.contains("warning  master key"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o444)).expect("changed");
    let (code, out, _) = doctor(&data, &["--set", &setting]);
    assert!(code == Some(1) && out.contains("bad      master key"), "{out}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_read_has_to_be_mended() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    assert!(run(&["init", "--data-dir", &data.display().to_string()]).status.success());
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("changed");
    assert!(says(&data, "data.dir", "bad"));
    assert_eq!(doctor(&data, &[]).0, Some(1));
}

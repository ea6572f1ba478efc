//! `cardea-server audit`, as a process, over a database that somebody edits.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-server"));
    command.stdin(Stdio::null()).args(arguments).output().expect("the program runs")
}

fn done(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("text").to_owned()
}

#[test]
fn a_log_is_verified_exported_and_checked_elsewhere_and_edits_are_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, file) = (path(folder.path(), "data"), path(folder.path(), "export.jsonl"));
    done(&["init", "--data-dir", &data, "--json"]);
    let keys: Value = serde_json::from_str(&done(&["keys", "show", "--data-dir", &data, "--json"])).expect("json");
    let key = keys["identity"].as_str().expect("text");

    let rotated: Value = serde_json::from_str(&done(&["keys", "rotate", "--data-dir", &data, "--json"])).expect("json");
    assert_eq!(rotated["identity"], keys["identity"]);
    assert_ne!(rotated["keyRecord"], keys["keyRecord"]);

    let kept = path(folder.path(), "checkpoint");
    done(&["audit", "export", "--data-dir", &data, "--out", &file]);
    std::fs::write(&kept, done(&["audit", "checkpoint", "--data-dir", &data])).expect("written");
    let verified = done(&["audit", "verify", "--data-dir", &data, "--checkpoint", &kept, "--json"]);
    let verified: Value = serde_json::from_str(&verified).expect("json");
    assert_eq!((&verified["holds"], &verified["findings"]), (&true.into(), &Value::Array(Vec::new())));

    // The file and the key are enough, and nothing of the file may be missing.
    let checked = done(&["audit", "verify", "--file", &file, "--key", key, "--checkpoint", &kept, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&checked).expect("json")["rows"], verified["rows"]);
    let exported = std::fs::read_to_string(&file).expect("read");
    assert!(exported.contains("audit.exported") && exported.contains("instance.keys_rotated"));
    let shorter = path(folder.path(), "shorter.jsonl");
    let lines: Vec<&str> = exported.lines().collect();
    std::fs::write(&shorter, lines[..lines.len() - 1].join("\n")).expect("written");
    refused(&["audit", "verify", "--file", &shorter, "--key", key]);
    refused(&["audit", "verify", "--file", &file, "--key", &"5".repeat(64)]);
    refused(&["audit", "verify", "--file", &file, "--key", "short"]);
    refused(&["audit", "export", "--data-dir", &data, "--out", &file]);

    let proof: Value =
        serde_json::from_str(&done(&["audit", "proof", "--data-dir", &data, "--row", "1"])).expect("json");
    assert!(proof["checkpoint"].as_str().expect("text").starts_with("cardea.audit/"));
    done(&["audit", "proof", "--data-dir", &data, "--since", "1"]);
    refused(&["audit", "proof", "--data-dir", &data, "--row", "9999"]);

    // Somebody takes the newest row away, head and all that is found with it included.
    let attacker = rusqlite::Connection::open(Path::new(&data).join("cardea.db")).expect("opens");
    attacker.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)", []).expect("edited");
    let findings = refused(&["audit", "verify", "--data-dir", &data]);
    assert!(findings.contains("missing") && findings.contains("does not hold"), "{findings}");
}

#[test]
fn a_receipt_that_proves_nothing_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = path(folder.path(), "receipt.json");
    for text in ["", "{}", "{\"statement\":\"AA\",\"signature\":\"AA\",\"publicKey\":\"AA\"}"] {
        std::fs::write(&file, text).expect("written");
        refused(&["audit", "receipt", &file]);
    }
    refused(&["audit", "receipt", &path(folder.path(), "missing")]);
}

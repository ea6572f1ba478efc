//! `cardea-emulator scenario` as a process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn scenario(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cardea-emulator")).arg("scenario").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn what_is_printed_to_begin_with_runs_and_fails_with_20_where_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first.yaml");
    let new = scenario(&["new", "my first one"]);
    fs::write(&file, &new.stdout).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(scenario(&["check", file]).status.code(), Some(0));
    let report = folder.path().join("report.xml");
    let run =
        scenario(&["run", folder.path().to_str().unwrap(), "--format", "junit", "--out", report.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    assert!(text(&run.stdout).ends_with("1 passed, 0 failed\n"), "{}", text(&run.stdout));
    assert!(fs::read_to_string(&report).unwrap().contains("<testcase name=\"my first one\""));

    let wrong = text(&new.stdout).replace("{answer: closed}", "{answer: open}");
    fs::write(file, wrong).unwrap();
    let run = scenario(&["run", file, "--seed", "5", "--json"]);
    assert_eq!(run.status.code(), Some(20));
    let lines: Vec<Value> = text(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["seed"], &lines[0]["failure"]["line"]), (&5.into(), &11.into()), "{lines:?}");
    assert_eq!(lines[1]["failed"], 1);
}

#[test]
fn slips_are_found_without_running_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("slip.yaml"), "cardea-scenario: 1\nname: x\ndevices: [a]\nsteps: [{opne: a}]\n").unwrap();
    fs::write(path("idle.yml"), "cardea-scenario: 1\nname: x\ndevices: [a]\nsteps: [{enroll: a}]\n").unwrap();
    fs::write(path("notes.txt"), "no scenario").unwrap();
    let found = scenario(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(found.status.code(), Some(20));
    let said = text(&found.stdout);
    assert!(said.contains("slip.yaml: line 4, column 10: there is no verb `opne`: did you mean `open`?"), "{said}");
    assert!(said.contains("nothing is expected anywhere") && said.ends_with("2 read, 2 to mend\n"), "{said}");

    let run = scenario(&["run", &path("slip.yaml")]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("did you mean `open`?"), "{}", text(&run.stderr));
    for arguments in [&["run", "/nowhere.yaml"][..], &["run", &path("idle.yml"), "--tag", "none"], &["run"], &["dance"]]
    {
        assert_eq!(scenario(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_shipped_ones_are_read_from_their_folder_and_the_schema_is_json() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let run = scenario(&["run", shipped.to_str().unwrap(), "--tag", "first", "--format", "tap"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    assert!(text(&run.stdout).starts_with("TAP version 14\n1..6\nok 1 - "), "{}", text(&run.stdout));
    let schema: Value = serde_json::from_slice(&scenario(&["schema"]).stdout).unwrap();
    assert_eq!(schema["title"], "Cardea scenario");
}

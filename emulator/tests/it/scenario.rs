//! `cardea-emulator scenario` as a process.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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
    assert!(text(&run.stdout).starts_with("TAP version 14\nok 1 - "), "{}", text(&run.stdout));
    let schema: Value = serde_json::from_slice(&scenario(&["schema"]).stdout).unwrap();
    assert_eq!(schema["title"], "Cardea scenario");
}

#[test]
fn what_came_of_the_first_is_told_while_the_next_one_runs_and_an_unwritable_file_before_either() {
    use std::io::{BufRead as _, BufReader};

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let begins = "cardea-scenario: 1\nname: x\ndevices: [alice]\ntimeout: 1h\n";
    let does = "steps:\n  - {enroll: alice, expect: {device: {alice: closed}}}\n";
    fs::write(path("1.yaml"), format!("{begins}{does}")).unwrap();
    // This one never ends while anybody looks.
    fs::write(path("2.yaml"), format!("{begins}stub: [{{match: {{channel: any}}, do: {{delay: 5m}}}}]\n{does}"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
    let mut child = command.args(["scenario", "run", &path("")]).stdout(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let _ended = Ended(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    assert!(line.starts_with("ok      x ("), "{line}");

    let refused = scenario(&["run", &path("2.yaml"), "--format", "junit", "--out", &path("nowhere/out.xml")]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("nowhere/out.xml"), "{}", text(&refused.stderr));
}

/// A program that runs until this is dropped.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program that says one line of JSON when it is ready.
fn started(arguments: &[&str]) -> (Ended, Value) {
    use std::io::{BufRead as _, BufReader};

    let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
    let mut child = command.args(arguments).arg("--json").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    (Ended(child), said)
}

#[test]
fn what_a_person_did_is_written_down_checked_and_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (_stub, stub) = started(&["stub", "--enroll", "joe"]);
    let link = stub["enroll"][0]["link"].as_str().unwrap();
    let (_run, _) = started(&["run", "--state", &at("state"), "--allow-test-argon2"]);
    let by_hand = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
        command.args(["--state", &at("state"), "--device", "joe"]).args(arguments).output().unwrap()
    };
    let done = |arguments: &[&str]| {
        let output = by_hand(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        output
    };
    // Another device does nothing, and is not written down.
    done(&["device", "new", "idle"]);
    // Only as much time passes as is said.
    done(&["clock", "freeze"]);
    done(&["device", "new", "joe", "--enroll", link]);
    done(&["prompt", "next", "wrong-pin"]);
    assert_eq!(by_hand(&["open"]).status.code(), Some(4));
    done(&["open"]);
    done(&["clock", "advance", "20s"]);
    done(&["close"]);

    let file = at("recorded.yaml");
    done(&["scenario", "record", &file, "--name", "by hand"]);
    let recorded = fs::read_to_string(&file).unwrap();
    for piece in ["name: \"by hand\"", "next: wrong-pin", "error: wrong-pin", "advance: 20s", "\"joe\": closed"] {
        assert!(recorded.contains(piece), "{piece}: {recorded}");
    }
    assert!(!recorded.contains("idle") && !recorded.contains("sleep"), "{recorded}");
    let check = scenario(&["check", &file]);
    assert_eq!(check.status.code(), Some(0), "{}\n{recorded}", text(&check.stdout));
    let run = scenario(&["run", &file]);
    assert_eq!(run.status.code(), Some(0), "{}\n{recorded}", text(&run.stdout));

    // What is there already is not lost by a slip.
    assert_eq!(by_hand(&["scenario", "record", &file]).status.code(), Some(2));
    done(&["scenario", "record", &file, "--yes"]);
    assert!(text(&done(&["scenario", "record"]).stdout).starts_with("cardea-scenario: 1\n"));
}

#[test]
fn a_device_that_had_its_token_before_is_enrolled_in_what_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").to_str().unwrap().to_owned();
    let (_stub, stub) = started(&["stub", "--enroll", "joe"]);
    let link = stub["enroll"][0]["link"].as_str().unwrap();
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
        let output = command.args(["--state", &state, "--allow-test-argon2"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).to_owned()
    };
    let pins = folder.path().join("pins");
    fs::write(&pins, "274951\n").unwrap();
    program(&["enroll", link, "--pin-file", pins.to_str().unwrap()]);
    let (_run, _) = started(&["run", "--state", &state, "--allow-test-argon2"]);
    program(&["open", "--pin-file", pins.to_str().unwrap()]);
    let recorded = program(&["scenario", "record"]);
    let file = folder.path().join("recorded.yaml");
    fs::write(&file, &recorded).unwrap();
    let run = scenario(&["run", file.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(0), "{}\n{recorded}", text(&run.stdout));
}

//! Commands that name what they are about: a device, a session, a snapshot.
#![cfg(unix)]

use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cardea-emulator");

/// An emulator in a folder of its own. Killed when this is dropped.
struct Desk {
    folder: TempDir,
    running: Child,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Command::new(PROGRAM);
        let mut running = run.arg("--state").arg(folder.path()).arg("run").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(running.stdout.as_mut().unwrap()), &mut line).unwrap();
        Self { folder, running }
    }

    /// How a command ends that nobody can be asked about, and what it prints for programs.
    fn said(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = Command::new(PROGRAM);
        command.arg("--state").arg(self.folder.path()).arg("--json").args(arguments).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (output.status.code().unwrap(), said)
    }
}

#[test]
fn what_is_said_names_the_device_and_the_session_that_the_command_names() {
    let desk = Desk::new();
    for (arguments, session, device) in [
        (&["-d", "other", "device", "new", "phone"][..], "default", "phone"),
        (&["device", "show", "phone"], "default", "phone"),
        (&["device", "clone", "phone", "copy"], "default", "phone"),
        (&["device", "rename", "copy", "second"], "default", "copy"),
        (&["device", "export", "second", "FILE", "--insecure-plain"], "default", "second"),
        (&["device", "rm", "second", "--yes"], "default", "second"),
        (&["device", "import", "FILE", "--insecure-plain"], "default", "second"),
        (&["device", "reset", "second", "--yes"], "default", "second"),
        (&["-s", "default", "session", "new", "checkout"], "checkout", "main"),
        (&["session", "show", "checkout"], "checkout", "main"),
        (&["-s", "checkout", "session", "show"], "checkout", "main"),
        (&["session", "end", "checkout", "--yes"], "checkout", "main"),
    ] {
        let file = desk.folder.path().join("file");
        let arguments: Vec<_> =
            arguments.iter().map(|it| if *it == "FILE" { file.to_str().unwrap() } else { it }).collect();
        let (code, said) = desk.said(&arguments);
        assert_eq!(
            (code, &said["meta"]["session"], &said["meta"]["device"]),
            (0, &session.into(), &device.into()),
            "{said}"
        );
    }
}

#[test]
fn nobody_is_asked_about_what_is_not_there() {
    let desk = Desk::new();
    assert_eq!(desk.said(&["device", "new", "phone"]).0, 0);
    assert_eq!(desk.said(&["snap", "save", "before"]).0, 0);
    assert_eq!(desk.said(&["session", "new", "checkout"]).0, 0);
    for (verb, there, missing, code) in [
        (&["device", "rm"], "phone", "phne", "no-device"),
        (&["device", "reset"], "phone", "phne", "no-device"),
        (&["snap", "load"], "before", "befor", "no-snapshot"),
        (&["snap", "rm"], "before", "befor", "no-snapshot"),
        (&["session", "end"], "checkout", "chekout", "no-session"),
    ] {
        let (exit, said) = desk.said(&[verb[0], verb[1], missing]);
        assert_eq!((exit, &said["error"]["code"]), (7, &code.into()), "{said}");
        let (exit, said) = desk.said(&[verb[0], verb[1], there]);
        assert_eq!((exit, &said["error"]["code"]), (2, &"not-sure".into()), "{said}");
        let (exit, said) = desk.said(&[verb[0], verb[1], there, "--dry-run"]);
        assert_eq!((exit, &said["data"]["dryRun"]), (0, &true.into()), "{said}");
    }
    // Nothing of it was done.
    assert_eq!(desk.said(&["device", "show", "phone"]).0, 0);
    assert_eq!(desk.said(&["session", "show", "checkout"]).0, 0);
    assert_eq!(desk.said(&["snap", "diff", "before"]).0, 0);
}

#[test]
fn what_is_damaged_is_all_that_is_shown_of_a_device() {
    let desk = Desk::new();
    let said = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).arg("--state").arg(desk.folder.path()).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(said(&["device", "new", "phone"]), "phone  no token\n");
    assert_eq!(said(&["device", "show", "phone"]), "phone  no token\nno token: enroll one\n");
    drop(desk.said(&["down"]));
    fs::write(desk.folder.path().join("devices/phone/store.key"), "short").unwrap();
    let shown = said(&["device", "show", "phone"]);
    assert!(shown.starts_with("phone  damaged: ") && shown.lines().count() == 1, "{shown}");
}

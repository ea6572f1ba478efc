//! `cardea-emulator stub` as a process.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A stub that does not outlive its test.
struct Stub {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Stub {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"))
            .arg("stub")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Ends it as a supervisor does; what it says at last, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let ended = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(ended.success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code())
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(http: &str, target: &str) -> String {
    let address = http.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(unix)]
#[test]
fn it_says_all_that_an_app_needs_and_counts_what_its_script_did() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.yaml");
    fs::write(
        &script,
        "cardea-stub: 1\nrules:\n  - {name: busy, match: {path: /token/status}, times: 1, do: {code: 503}}\n",
    )
    .unwrap();
    let mut stub = Stub::start(&["--json", "--enroll", "joe", "--script", script.to_str().unwrap()]);
    let ready = stub.json();
    let text = |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("{name}: {ready}")).to_owned();
    assert_eq!((&ready["ready"], &ready["enroll"][0]["user"]), (&true.into(), &"joe".into()));
    let (http, service, key) = (text("http"), text("service"), text("statusKey"));
    assert!(http.starts_with("http://127.0.0.1:") && text("channel").starts_with("127.0.0.1:"));
    assert!(ready["enroll"][0]["link"].as_str().unwrap().starts_with(&format!("{http}/e#")));
    let target = format!("/token/status?id=joe&service={service}&authKey={key}");
    assert!(get(&http, &target).starts_with("HTTP/1.1 503"));
    assert!(get(&http, &target).ends_with(r#"{"status":0}"#));
    let (last, code) = stub.end();
    assert_eq!(code, Some(0));
    let last: Value = serde_json::from_str(&last).unwrap();
    let rule = &last["rules"][0];
    assert_eq!((&rule["name"], &rule["seen"], &rule["hits"]), (&"busy".into(), &2.into(), &1.into()));
}

#[cfg(unix)]
#[test]
fn people_get_commands_to_copy_and_programs_a_line_to_wait_for() {
    let mut stub = Stub::start(&["--enroll", "joe", "--window", "5"]);
    let mut text = String::new();
    while !text.contains("CARDEA_STUB_READY http=http://127.0.0.1:") {
        let line = stub.line();
        assert!(!line.is_empty(), "{text}");
        text += &line;
    }
    assert!(
        text.contains("cardea-emulator --allow-test-argon2 enroll") && text.contains("/token/status?id=joe"),
        "{text}"
    );
    assert!(!text.contains('\u{2588}'), "a picture for a pipe: {text}");
    assert_eq!(stub.end().1, Some(0));
}

#[test]
fn what_cannot_be_used_ends_it_at_once_with_the_place_of_the_slip() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.yaml");
    fs::write(&script, "cardea-stub: 1\nruels: []\n").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, expected) in [
        (
            ["--script", script.to_str().unwrap()],
            "line 2, column 1: there is no field `ruels` here: did you mean `rules`?",
        ),
        (["--script", "/nowhere/script"], "cannot read /nowhere/script"),
        (["--port", &port], "cannot listen on port"),
        (["--service", "no-underscore"], ""),
        (["--enroll", ""], "is no user id"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
        let output = command.arg("stub").args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let expected_code = if arguments[0] == "--port" { 8 } else { 2 };
        assert_eq!(output.status.code(), Some(expected_code), "{arguments:?} {error}");
        assert!(error.contains(expected), "{arguments:?} {error}");
    }
}

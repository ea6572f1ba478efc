//! `cardea-emulator run`: found, called and ended as programs do it.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cardea-emulator");

/// An emulator that runs. Killed when this is dropped.
struct Running {
    child: Child,
    /// What it printed when it was ready.
    line: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::of(Command::new(PROGRAM).arg("run").args(arguments))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).env_remove("CARDEA_EMULATOR_STATE").spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, line }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The value of `name=` in its line.
    fn said(&self, name: &str) -> &str {
        let word = self.line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        word.unwrap_or_else(|| panic!("no {name} in {:?}", self.line))
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    (folder, path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What the socket answers.
fn call(socket: &Path, method: &str, path: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn refused(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(PROGRAM).arg("run").args(arguments).output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn it_says_where_it_is_called_and_only_its_owner_can() {
    let (_folder, state) = folder();
    let mut running = Running::start(&["--state", text(&state), "--http"]);
    assert!(running.line.starts_with("CARDEA_EMULATOR_READY ctl=unix:"), "{}", running.line);
    let socket = PathBuf::from(running.said("ctl").strip_prefix("unix:").unwrap());
    let token = PathBuf::from(running.said("token-file"));
    assert_eq!(running.said("pid"), running.child.id().to_string());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&socket), mode(&token)), (0o700, 0o600, 0o600));
    assert!(call(&socket, "GET", "/v1/sessions").contains("{\"sessions\":[\"default\"]}"));
    assert!(call(&socket, "GET", "/ready").starts_with("HTTP/1.1 200"));
    assert!(call(&socket, "DELETE", "/v1/sessions/default").contains("default-session"));

    let (code, error) = refused(&["--state", text(&state)]);
    assert!(code == 8 && error.contains("runs already"), "{code} {error}");
    assert!(call(&socket, "GET", "/live").starts_with("HTTP/1.1 200"), "the first one is not harmed");

    assert!(call(&socket, "POST", "/v1/shutdown").starts_with("HTTP/1.1 204"));
    assert_eq!(running.wait().code(), Some(0));
    let left: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["control.lock"]);
}

#[test]
fn a_file_that_is_no_token_is_neither_replaced_nor_removed_and_what_was_killed_leaves_none() {
    let (folder, state) = folder();
    let file = folder.path().join("token");
    fs::write(&file, "somebody's notes").unwrap();
    let arguments = ["--state", text(&state), "--http", "--token-file", text(&file)];
    let (code, error) = refused(&arguments);
    assert!(code == 8 && error.contains("is no token of an emulator"), "{code} {error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's notes");
    fs::remove_file(&file).unwrap();
    let mut killed = Running::start(&arguments);
    killed.signal("-KILL");
    killed.wait();
    let left = fs::read_to_string(&file).unwrap();
    let again = Running::start(&arguments);
    assert_ne!(fs::read_to_string(&file).unwrap(), left);
    drop(again);

    let begin = || {
        let mut command = Command::new(PROGRAM);
        command.env("XDG_STATE_HOME", folder.path()).args(["run", "--ephemeral", "--http"]);
        Running::of(&mut command)
    };
    let mut killed = begin();
    let token = PathBuf::from(killed.said("token-file"));
    assert!(token.starts_with(folder.path()), "{}", token.display());
    killed.signal("-KILL");
    killed.wait();
    drop(begin());
    assert!(!token.exists());
}

#[test]
fn who_wants_what_the_one_that_runs_has_not_is_told_so() {
    let (_folder, state) = folder();
    let up = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let output = command.args(["--state", text(&state), "up"]).args(more).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let _running = Running::start(&["--state", text(&state), "--allow-faults", "--faults-at", "id.example"]);
    let faults = ["--allow-faults", "--faults-at", "ID.example."];
    for has in [&[][..], &["--allow-faults"], &faults] {
        assert_eq!(up(has).0, 0, "{has:?}");
    }
    let lacks = [
        (&["--http"][..], "without --http: "),
        (&["--allow-faults", "--faults-at", "other.example"], "without --faults-at other.example: "),
        (&["--http", "127.0.0.1:7", "--allow-faults", "--faults-at", "b"], "--http 127.0.0.1:7 and --faults-at b: "),
    ];
    for (options, without) in lacks {
        let (code, error) = up(options);
        assert!(code == 8 && error.contains(without) && error.contains("`down`"), "{code} {error}");
    }
}

#[test]
fn signals_end_it_and_what_was_killed_is_no_obstacle() {
    let (_folder, state) = folder();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut running = Running::start(&["--state", text(&state)]);
        running.signal(signal);
        assert_eq!(running.wait().code(), Some(code));
        assert!(!state.join("control.sock").exists());
    }
    let mut running = Running::start(&["--state", text(&state)]);
    running.signal("-KILL");
    assert_eq!(running.wait().code(), None);
    assert!(state.join("control.sock").exists());
    let mut running = Running::start(&["--state", text(&state)]);
    running.signal("-TERM");
    assert_eq!(running.wait().code(), Some(143));
}

#[test]
fn who_waits_for_it_is_told_when_it_is_ready() {
    let (folder, _) = folder();
    let (file, other, notified) = (folder.path().join("ready"), folder.path().join("fd"), folder.path().join("notify"));
    let systemd = UnixDatagram::bind(&notified).unwrap();
    let script = format!(
        "exec {PROGRAM} run --json --ephemeral --http --ready-file '{}' --ready-fd 3 3>'{}'",
        text(&file),
        text(&other)
    );
    let mut running = Running::of(Command::new("sh").args(["-c", &script]).env("NOTIFY_SOCKET", &notified));
    let said: serde_json::Value = serde_json::from_str(&running.line).unwrap();
    assert_eq!(said["pid"], running.child.id());
    assert!(said["http"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert_eq!(said["socket"], serde_json::Value::Null);
    for path in [file, other] {
        assert_eq!(fs::read_to_string(path).unwrap(), running.line);
    }
    let mut datagram = [0; 64];
    let length = systemd.recv(&mut datagram).unwrap();
    assert_eq!(&datagram[..length], b"READY=1");
    let token = PathBuf::from(said["tokenFile"].as_str().unwrap());
    assert_eq!(fs::read_to_string(&token).unwrap().len(), 64);
    running.signal("-TERM");
    running.wait();
    assert!(!token.exists());
}

#[test]
fn it_ends_when_nobody_calls_or_its_parent_is_gone() {
    let mut running = Running::start(&["--ephemeral", "--http", "--lease", "1"]);
    assert_eq!(running.wait().code(), Some(0));

    // The shell ends at once; what it started has its standard output, which ends with it.
    let script = format!("{PROGRAM} run --ephemeral --http --exit-with-parent & read line <&9; exit 0");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 9<&0; {script}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("CARDEA_EMULATOR_READY"), "{line}");
    drop(shell.stdin.take());
    shell.wait().unwrap();
    assert_eq!(output.read_to_string(&mut line).unwrap(), 0, "it goes on without its parent");
}

#[test]
fn what_it_cannot_use_is_told_and_nothing_is_left() {
    let (folder, state) = folder();
    let root = folder.path();
    fs::create_dir(root.join("shared")).unwrap();
    fs::set_permissions(root.join("shared"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(root.join("file"), "").unwrap();
    let at = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = busy.local_addr().unwrap().to_string();
    let long = at(&"a".repeat(100));
    for (arguments, code, said) in [
        (&["--ephemeral", "--http", "0.0.0.0:0"][..], 2, "it is not of this machine alone"),
        (&["--ephemeral", "--http", &taken], 8, &*taken),
        (&["--ephemeral", "--socket", &at("file")], 8, "is no socket"),
        (&["--ephemeral", "--socket", &at("shared/s")], 8, "others can write to"),
        (&["--ephemeral", "--socket", &at("nowhere/s")], 8, "nowhere"),
        (&["--ephemeral", "--socket", &long], 2, "too long for a socket"),
        (&["--state", &at("file")], 8, "file"),
        (&["--state", text(&state), "--ready-file", &at("nowhere/ready")], 8, "nowhere/ready"),
        (&["--ephemeral", "--http", "--ready-fd", "97"], 8, "97"),
        (&["--ephemeral", "--http", "--lease", "0"], 2, "0 is not in 1..=86400"),
        (&["--ephemeral", "--http", "here"], 2, "it is an address with a port"),
    ] {
        let (found, error) = refused(arguments);
        assert!(found == code && error.contains(said), "{arguments:?}: {found} {error}");
    }
    let nowhere = Command::new(PROGRAM).args(["run", "--ephemeral"]).env_clear().output().unwrap();
    let said = String::from_utf8(nowhere.stderr).unwrap();
    assert!(nowhere.status.code() == Some(2) && said.contains("no place for a socket"), "{said}");
    let left: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_could_not_start_in_the_background_is_no_success() {
    let (_folder, state) = folder();
    for (arguments, code, said) in [
        (&["up", "--http", "0.0.0.0:0"][..], 2, "it is not of this machine alone"),
        (&["up", "--json", "--http", "0.0.0.0:0"], 2, "it is not of this machine alone"),
    ] {
        let output = Command::new(PROGRAM).arg("--state").arg(&state).args(arguments).output().unwrap();
        let told = [&output.stdout[..], &output.stderr[..]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert_eq!(output.status.code(), Some(code), "{told:?}");
        assert!(told.concat().contains(said) && !told.concat().contains("\"ok\":true"), "{told:?}");
    }
}

#[test]
fn a_device_whose_token_cannot_be_read_is_named_and_hinders_no_other() {
    let (_folder, state) = folder();
    let running = Running::start(&["--state", text(&state)]);
    let said = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(["--state", text(&state), "--json"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for name in ["one", "two"] {
        said(&["device", "new", name]);
    }
    let token = state.join("devices/two").join(format!("{}-{}.token", "ab".repeat(16), "cd".repeat(4)));
    fs::write(&token, "twenty bytes of junk").unwrap();

    let list = said(&["device", "list"]);
    assert!(list.contains(r#""device":"one""#) && list.contains(r#""damaged":""#), "{list}");
    said(&["--device", "one", "wait", "enrolled == false"]);
    let refused =
        Command::new(PROGRAM).args(["--state", text(&state), "--device", "two", "open", "--no-input"]).output();
    assert!(!refused.unwrap().status.success(), "it opens nothing");

    let unsure = ["--state", text(&state), "--no-input", "device", "reset", "two"];
    assert!(!Command::new(PROGRAM).args(unsure).status().unwrap().success() && token.exists(), "nobody was sure");
    said(&["device", "reset", "two", "--yes"]);
    assert!(!token.exists() && !said(&["device", "list"]).contains(r#""damaged":""#));
    drop(running);
}

#[test]
fn a_device_that_could_not_be_made_or_was_removed_is_not_found_again() {
    let (_folder, state) = folder();
    let running = Running::start(&["--state", text(&state)]);
    let exit = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(["--state", text(&state)]).args(arguments).output().unwrap();
        output.status.code()
    };
    assert_eq!(exit(&["device", "new", "kept"]), Some(0));
    // Nobody listens on a port that was never given to anybody.
    assert_eq!(exit(&["device", "new", "begun", "--enroll", &crate::process::link(1)]), Some(5));
    assert_eq!(exit(&["device", "new", "gone"]), Some(0));
    assert_eq!(exit(&["device", "rm", "gone", "--yes"]), Some(0));
    let names: Vec<_> = fs::read_dir(state.join("devices")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["kept"]);
    drop(running);
}

#[test]
fn a_device_whose_key_cannot_be_read_keeps_no_other_from_living_and_is_made_new() {
    let (_folder, state) = folder();
    let said = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(["--json", "--state", text(&state)]).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    for device in ["good", "bad"] {
        assert_eq!(said(&["device", "new", device]).0, 0);
    }
    let key = state.join("devices/bad/store.key");
    for spoilt in [Some(&b"short"[..]), Some(&[7; 33]), Some(b""), None] {
        match spoilt {
            Some(spoilt) => fs::write(&key, spoilt).unwrap(),
            // There is a token, and nothing to read it with.
            None => {
                fs::write(key.with_file_name(format!("{}-{}.token", "ab".repeat(16), "cd".repeat(4))), "").unwrap();
                fs::remove_file(&key).unwrap();
            }
        }
        let running = Running::start(&["--state", text(&state)]);
        let (code, list) = said(&["device", "list"]);
        assert!(code == 0 && list.contains("good") && list.contains("store.key"), "{list}");
        assert_eq!(said(&["-d", "good", "list"]).0, 0);
        // Whoever asks for its tokens is not told that it has none.
        assert_eq!(said(&["-d", "bad", "list"]).0, 8);
        let (code, shown) = said(&["-d", "bad", "device", "show"]);
        assert!(code == 0 && shown.contains("store.key") && shown.contains(r#""enrolled":null"#), "{shown}");
        assert_eq!(said(&["-d", "bad", "wait", "damaged != null"]).0, 0);
        let (code, saved) = said(&["snap", "save", "without"]);
        assert!(code == 0 && saved.contains(r#""damaged":["bad"]"#), "{saved}");
        assert_eq!(said(&["device", "reset", "bad", "--yes"]).0, 0);
        assert_eq!(said(&["-d", "bad", "list"]).0, 0);
        drop(running);
        let _ = fs::remove_file(state.join("control.sock"));
    }
    assert_eq!(said(&["device", "list"]).0, 0);
}

#[test]
fn a_descriptor_that_is_told_keeps_what_was_written_before() {
    let (folder, state) = folder();
    let log = folder.path().join("log");
    fs::write(&log, "before\n").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" run --state \"$1\" --ready-fd 3 3>>\"$2\"", PROGRAM, text(&state), text(&log)]);
    let running = Running::of(&mut shell);
    let written = fs::read_to_string(&log).unwrap();
    assert!(written.starts_with("before\n{") && written.ends_with("}\n"), "{written}");
    drop(running);
}

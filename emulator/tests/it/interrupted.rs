//! Ctrl-C, wherever a command waits: it ends at once, and leaves nothing behind that is in the way.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cardea-emulator");

fn begin(state: &Path, arguments: &[&str]) -> Child {
    // Whoever runs this in the background may have taken the signal from all that it starts.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", PROGRAM, "--state"]).arg(state).args(arguments);
    command.env_remove("CARDEA_EMULATOR_STATE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: Child) -> Output {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

/// As a shell has it: a signal's number and 128.
fn code(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| 128 + signal)).unwrap()
}

/// What a command says that tells of tokens of the state folder.
fn tokens(state: &Path) -> String {
    let listed = begin(state, &["--json", "list"]).wait_with_output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    String::from_utf8(listed.stdout).unwrap()
}

#[test]
fn who_waits_for_an_emulator_that_does_not_answer_ends() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("silent.sock");
    let silent = UnixListener::bind(&socket).unwrap();
    let at = format!("unix:{}", socket.to_str().unwrap());
    for arguments in [
        &["wait", "state == 'open'"][..],
        &["watch"],
        &["status"],
        &["close"],
        &["trace", "tail"],
        &["journal"],
        &["snap", "save", "before"],
        &["scenario", "record", "byhand.yaml"],
        &["terminal", "--once"],
    ] {
        let child = begin(&folder.path().join("state"), &[&["--ctl", &at], arguments].concat());
        // It is asked, and says nothing.
        let (mut asked, _) = silent.accept().unwrap();
        assert_ne!(asked.read(&mut [0; 64]).unwrap(), 0, "{arguments:?}");
        let ended = interrupt(child);
        assert_eq!((code(ended.status), &*ended.stdout), (130, &b""[..]), "{arguments:?}: {ended:?}");
    }
    assert!(!Path::new("byhand.yaml").exists());
}

#[test]
fn who_reads_on_is_told_when_the_emulator_is_gone() {
    use std::io::{BufRead as _, BufReader};

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    for (signal, ends) in [("-KILL", 1), ("-TERM", 0)] {
        let mut emulator = begin(&state, &["run"]);
        let mut ready = String::new();
        BufReader::new(emulator.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        let made = begin(&state, &["device", "new", signal.trim_start_matches('-')]).wait_with_output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut reader = begin(&state, &["--json", "journal", "--follow"]);
        // It reads once it has printed something.
        let mut line = String::new();
        BufReader::new(reader.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let sent = Command::new("kill").args([signal, &emulator.id().to_string()]).status().unwrap();
        assert!(sent.success());
        emulator.wait().unwrap();
        let ended = reader.wait_with_output().unwrap();
        assert_eq!(code(ended.status), ends, "{signal}: {ended:?}");
    }
}

#[test]
fn an_enrollment_that_is_left_in_the_middle_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let link = crate::process::link(server.local_addr().unwrap().port());
    let pins = folder.path().join("pins");
    fs::write(&pins, "274951\n").unwrap();
    let child = begin(&state, &["enroll", &link, "--pin-file", pins.to_str().unwrap()]);
    let (mut asked, _) = server.accept().unwrap();
    assert_ne!(asked.read(&mut [0; 64]).unwrap(), 0);
    let ended = interrupt(child);
    assert_eq!((code(ended.status), &*ended.stdout), (130, &b""[..]), "{ended:?}");
    // The state folder is nobody's, and has no token.
    assert!(tokens(&state).contains(r#""tokens":[]"#), "{}", tokens(&state));
}

#[cfg(feature = "embedded-server")]
#[test]
fn scenarios_that_are_left_say_nothing_of_how_they_ended() {
    use std::os::unix::fs::OpenOptionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endless.yaml");
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let mut child =
        begin(&folder.path().join("state"), &["scenario", "run", file.to_str().unwrap(), "--format", "junit"]);
    // It reads what does not end; until it does, there is nobody to write for.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let mut writer = loop {
        match fs::OpenOptions::new().write(true).custom_flags(flags).open(&file) {
            Ok(writer) => break writer,
            Err(error) => assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::NXIO.raw_os_error()), "{error}"),
        }
        assert_eq!(child.try_wait().unwrap(), None, "it has not begun to read");
        std::thread::yield_now();
    };
    std::io::Write::write_all(&mut writer, b"name: endless\n").unwrap();
    let ended = interrupt(child);
    assert_eq!((code(ended.status), &*ended.stdout), (130, &b""[..]), "{ended:?}");
}

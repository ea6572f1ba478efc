use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// An enrollment link for a server on `port` of this machine, with made-up keys.
pub(super) fn link(port: u16) -> String {
    let mut payload = vec![1, 7, 0x80, 0, 0, 0, 0, 0, 0, 1];
    payload.extend([2; 32]);
    // The X25519 base point is as good a public key as any.
    payload.push(9);
    payload.extend([0; 31]);
    payload.extend(port.to_le_bytes());
    payload.push(9);
    payload.extend(b"127.0.0.1");
    format!("cardea:{}", base64url(&payload))
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for at in 0..=chunk.len() {
            let index = number >> (18 - 6 * at) & 0x3f;
            text.push(char::from(ALPHABET[usize::try_from(index).unwrap()]));
        }
    }
    text
}

/// A port that nobody listens on.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Emulator {
    folder: TempDir,
}

impl Emulator {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn wallet(&self) -> PathBuf {
        self.folder.path().join("devices/main")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"))
            .env_remove("CARDEA_EMULATOR_STATE")
            .arg("--state")
            .arg(self.folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that ended without reading has closed its end.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn pin_file(&self, text: &str) -> String {
        let path = self.folder.path().join("pin");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&said["schema"], &said["ok"]), (&"cardea-emulator/1".into(), &(code(output) == 0).into()));
    said
}

#[test]
fn a_new_state_folder_has_no_token() {
    let emulator = Emulator::new();
    let listed = emulator.run(&["list", "--json"]);
    assert_eq!(code(&listed), 0);
    assert_eq!(json(&listed)["data"], serde_json::json!({ "tokens": [] }));
    for command in ["open", "close", "status", "unenroll", "change-pin", "set-duress", "toggle"] {
        let output = emulator.run(&[command]);
        assert!(code(&output) == 7 && error(&output).contains("enroll one first"), "{command}: {output:?}");
    }
}

#[test]
fn usage_errors_are_2() {
    let emulator = Emulator::new();
    assert_eq!(code(&emulator.run(&["dance"])), 2);
    assert_eq!(code(&emulator.run(&["open", "--pin", "274951"])), 2);
    assert!(error(&emulator.run(&["opne"])).contains("'open'"));
    // A typed code needs to know its server.
    assert_eq!(code(&emulator.run(&["enroll", "8XDJ-CEH1GP"])), 2);
    for (arguments, ended, said) in [
        (&["--device", "../x", "list"][..], 2, "no name for a device"),
        (&["--ctl", "ftp://x", "list"], 2, "--ctl is unix:PATH"),
        (&["--device", "other", "list"], 7, "no device called"),
        (&["device", "new", "a", "--enroll", "cardea:x"], 2, "who is to choose its PIN"),
    ] {
        let output = emulator.run(arguments);
        assert!(code(&output) == ended && error(&output).contains(said), "{arguments:?}: {output:?}");
    }
}

#[test]
fn what_needs_a_running_emulator_is_9_without_one() {
    let emulator = Emulator::new();
    for command in [
        &["net", "show"][..],
        &["clock", "show"],
        &["prompt", "list"],
        &["session", "list"],
        &["journal"],
        &["down"],
        &["--session", "other", "list"],
        &["--ctl", "unix:/nowhere/s", "list"],
    ] {
        let output = emulator.run(command);
        assert_eq!(code(&output), 9, "{command:?}: {output:?}");
    }
    assert_eq!(json(&emulator.run(&["net", "show", "--json"]))["error"]["code"], "not-running");
}

#[test]
fn what_is_no_invitation_is_2() {
    let emulator = Emulator::new();
    for text in ["https://id.example/", "cardea:AAAA", "http://id.example/e#AQHm", "cardea:"] {
        let output = emulator.run(&["enroll", text, "--json"]);
        assert_eq!((code(&output), &json(&output)["error"]["code"]), (2, &"no-invitation".into()), "{text}");
    }
    // Found out before any server is asked.
    let output = emulator.run_with(&["enroll", "-", "--host", "127.0.0.1:1"], "no code\n");
    assert_eq!(code(&output), 2, "{output:?}");
    for picture in ["/nowhere/code.png", "/dev/null"] {
        let output = emulator.run(&["enroll", "--qr", picture]);
        assert_eq!(code(&output), 2, "{output:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_5_and_leaves_nothing() {
    let emulator = Emulator::new();
    let link = link(closed_port());
    let pins = emulator.pin_file("274951\n");
    for output in [
        emulator.run(&["enroll", &link, "--pin-file", &pins]),
        emulator.run_with(&["enroll", "-", "--pin-file", &pins], &link),
    ] {
        assert_eq!(code(&output), 5, "{}", error(&output));
        assert!(error(&output).contains("127.0.0.1"), "{}", error(&output));
    }
    let server = format!("127.0.0.1:{}", closed_port());
    assert_eq!(code(&emulator.run(&["enroll", "8XDJ-CEH1GP", "--host", &server, "--pin-file", &pins])), 5);
    assert_eq!(json(&emulator.run(&["list", "--json"]))["data"]["tokens"], serde_json::json!([]));
}

#[test]
fn an_error_never_repeats_a_link_or_a_pin() {
    let emulator = Emulator::new();
    let link = link(closed_port());
    let pins = emulator.pin_file("27495x\n");
    for arguments in [&["enroll", &link, "--pin-file", &pins][..], &["--json", "enroll", &link, "--pin-file", &pins]] {
        let output = emulator.run(arguments);
        assert_ne!(code(&output), 0);
        let text = format!("{}{}", error(&output), String::from_utf8_lossy(&output.stdout));
        assert!(!text.contains(&link["cardea:".len()..]) && !text.contains("27495"), "{text}");
    }
}

#[test]
fn errors_as_json_have_the_codes_of_the_sdk_and_of_the_program() {
    let emulator = Emulator::new();
    let output = emulator.run(&["enroll", "cardea:AAAA", "--json"]);
    let said = json(&output);
    assert_eq!((&said["error"]["number"], &said["error"]["exit"]), (&111.into(), &2.into()));
    assert_eq!((&said["meta"]["device"], &said["meta"]["session"]), (&"main".into(), &"default".into()));
    assert!(said["error"]["message"].is_string() && output.stderr.is_empty());
}

#[test]
fn a_pin_source_that_cannot_be_read_is_2() {
    let emulator = Emulator::new();
    let output = emulator.run(&["open", "--pin-file", "/nowhere/pin", "--json"]);
    assert_eq!((code(&output), &json(&output)["error"]["code"]), (2, &"pins".into()));
    #[cfg(unix)]
    assert_eq!(code(&emulator.run(&["open", "--pin-fd", "97"])), 2);
}

/// Puts a file in the place of a token's.
fn token_file(wallet: &Path, content: &[u8]) {
    fs::create_dir_all(wallet).unwrap();
    fs::write(wallet.join(format!("{}-{}.token", "ab".repeat(16), "cd".repeat(4))), content).unwrap();
}

#[test]
fn a_state_folder_that_cannot_be_used_is_8_and_said_to_be_why() {
    let damaged: [(&[u8], &str); 4] = [
        (b"", "0 bytes"),
        (b"something else entirely", "damaged"),
        (b"cardeatk\x02 and what a later version writes", "update the program"),
        (b"cardeatk\x01 cut short", "cut short"),
    ];
    for (content, why) in damaged {
        let emulator = Emulator::new();
        assert_eq!(code(&emulator.run(&["list"])), 0);
        token_file(&emulator.wallet(), content);
        let output = emulator.run(&["list"]);
        assert_eq!(code(&output), 8);
        assert!(error(&output).contains(why), "{}", error(&output));
    }
    // Tokens without their key.
    let emulator = Emulator::new();
    token_file(&emulator.wallet(), b"");
    let output = emulator.run(&["list"]);
    assert_eq!(code(&output), 8);
    assert!(error(&output).contains("store.key"), "{}", error(&output));
    // A file where the folder should be.
    let emulator = Emulator::new();
    fs::write(emulator.folder.path().join("devices"), b"").unwrap();
    assert_eq!(code(&emulator.run(&["list"])), 8);
}

#[cfg(unix)]
#[test]
fn the_state_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let emulator = Emulator::new();
    emulator.run(&["list"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&emulator.wallet()), 0o700);
    assert_eq!(mode(&emulator.wallet().join("store.key")), 0o600);
}

#[test]
fn every_exit_code_is_in_the_help() {
    let help = String::from_utf8(Emulator::new().run(&["--help"]).stdout).unwrap();
    let codes = [
        "0 done",
        "1 the program",
        "2 usage",
        "3 not in time",
        "4 refused",
        "5 the server cannot",
        "6 the server is not",
        "7 no such",
        "8 in use",
        "9 no emulator",
        "10 `status --exit-state`, `rp check`: not open",
        "11 nobody knows",
        "20 a scenario",
        "130 ended by Ctrl-C",
        "143 ended by SIGTERM",
    ];
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in codes {
        assert!(help.contains(code), "{code}: {help}");
    }
}

#[test]
fn it_describes_itself_for_shells_readers_and_programs() {
    let emulator = Emulator::new();
    let said = |arguments: &[&str]| String::from_utf8(emulator.run(arguments).stdout).unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(said(&["completions", shell]).contains("change-pin"), "{shell}");
    }
    assert!(said(&["man"]).starts_with(".ie") && said(&["man"]).contains("cardea\\-emulator"));
    let description: serde_json::Value = serde_json::from_str(&said(&["openapi"])).unwrap();
    assert!(description["paths"]["/v1/sessions/{session}/wait"]["post"].is_object());
    assert!(said(&["capabilities"]).contains("wrong-pin"));
}

#[test]
fn usage_errors_are_json_too_where_that_was_asked_for() {
    let emulator = Emulator::new();
    for arguments in [&["--json", "opne"][..], &["open", "--for", "x", "--json"], &["--json", "--nope"]] {
        let output = emulator.run(arguments);
        let said = json(&output);
        assert_eq!((code(&output), &said["ok"], &said["error"]["code"]), (2, &false.into(), &"usage".into()), "{said}");
        assert!(!said["error"]["message"].as_str().unwrap().contains("error:"), "{said}");
    }
    let output = emulator.run(&["--json", "open", "--help"]);
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("Usage:"));
}

#[test]
fn what_cannot_be_written_is_said_so() {
    let emulator = Emulator::new();
    let output = emulator.run(&["--log-file", "/nowhere/log", "list"]);
    assert_eq!(code(&output), 2);
    assert!(error(&output).contains("cannot write /nowhere/log"), "{}", error(&output));
}

#[test]
#[cfg(unix)]
fn whoever_reads_no_further_is_not_told_about_it() {
    let program = env!("CARGO_BIN_EXE_cardea-emulator");
    let script = "set -o pipefail; \"$0\" man | head -1";
    let output = Command::new("bash").args(["-c", script, program]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    let emulator = Emulator::new();
    fs::write(&script, emulator.run(&["completions", "bash"]).stdout).unwrap();
    let completed = |words: &[&str]| {
        let script = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; {}; echo \"${{COMPREPLY[*]}}\"",
            script.display(),
            words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1,
            "_cardea__emulator cardea-emulator \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"",
        );
        let output = Command::new("bash").args(["--norc", "-c", &script]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for (words, expected) in [
        (&["cardea-emulator", "op"][..], "open openapi"),
        (&["cardea-emulator", "device", "sh"], "show"),
        (&["cardea-emulator", "revoke-device", "--pin-fi"], "--pin-file"),
        (&["cardea-emulator", "scenario", "run", "--repe"], "--repeat"),
        (&["cardea-emulator", "prompt", "next", "app"], "approve"),
    ] {
        assert_eq!(completed(words), expected, "{words:?}");
    }
}

#[test]
fn a_run_of_nothing_is_no_success() {
    let output = Emulator::new().run(&["scenario", "run", "--repeat", "0", "x.yaml"]);
    assert_eq!(code(&output), 2, "{output:?}");
}

#[test]
fn what_is_no_emulator_is_told_from_one() {
    use std::io::Read as _;

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", server.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "0".repeat(64)).unwrap();
    let output = Emulator::new().run(&["--ctl", &at, "--token-file", token.to_str().unwrap(), "list"]);
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(code(&output) == 1 && said.contains("no emulator"), "{output:?}");
}

//! What options are that are not given: the environment, files, and what `config` says of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::process::link;

/// A folder to work in, and one's own place for configurations.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(desk.own().parent().unwrap()).unwrap();
        fs::create_dir(desk.here()).unwrap();
        desk
    }

    fn here(&self) -> std::path::PathBuf {
        self.folder.path().join("here")
    }

    fn own(&self) -> std::path::PathBuf {
        self.folder.path().join("config/cardea-emulator/config.toml")
    }

    fn write(&self, own: &str, here: &str) {
        fs::write(self.own(), own).unwrap();
        fs::write(self.here().join("cardea-emulator.toml"), here).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
        command.env_clear().env("HOME", self.folder.path()).current_dir(self.here());
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn data(output: &Output) -> Value {
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["data"].take()
}

#[test]
fn an_option_wins_over_the_environment_that_over_the_folder_and_that_over_ones_own_file() {
    let desk = Desk::new();
    desk.write(
        "web_port = 1\ntransport = 'udp'\ntimeout = '1s'\nweb_ca = 'ca.pem'\n",
        "web_port = 2\ntransport = 'auto'\ntimeout = '2s'\n",
    );
    let mut command = desk.command(&["config", "print", "--json", "--timeout", "4s"]);
    command.env("CARDEA_EMULATOR_TIMEOUT", "3s").env("CARDEA_EMULATOR_TRANSPORT", "websocket");
    let print = data(&command.output().unwrap());
    let of = |name: &str| (print["values"][name].clone(), print["origins"][name].as_str().unwrap().to_owned());
    assert_eq!(of("timeout"), ("4s".into(), "an option".to_owned()));
    assert_eq!(of("transport"), ("websocket".into(), "CARDEA_EMULATOR_TRANSPORT".to_owned()));
    assert_eq!(of("web_port"), (2.into(), "cardea-emulator.toml:1".to_owned()));
    assert_eq!(of("web_ca").1, format!("{}:4", desk.own().display()));
    assert_eq!(of("color"), ("auto".into(), "the default".to_owned()));

    // What it prints is a file that says the same.
    let text = said(&desk.run(&["config", "print", "--origin"]));
    assert!(text.contains("web_port = 2 # cardea-emulator.toml:1\n"), "{text}");
    let again = desk.folder.path().join("again.toml");
    fs::write(&again, text).unwrap();
    let again = desk.run(&["--config", again.to_str().unwrap(), "config", "print", "--json"]);
    let first = data(&desk.run(&["config", "print", "--json"]));
    assert_eq!(data(&again)["values"], first["values"], "{}", error(&again));
}

#[test]
fn a_file_that_cannot_be_used_stops_everything_but_what_mends_it() {
    let desk = Desk::new();
    desk.write("", "trasport = 'tcp'\n");
    let output = desk.run(&["list", "--json"]);
    let problem: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), &problem["error"]["code"]), (2, &"configuration".into()));
    let text = problem["error"]["message"].as_str().unwrap();
    assert_eq!(text, "cardea-emulator.toml:1: there is no `trasport`: did you mean `transport`?");
    let check = desk.run(&["config", "check"]);
    assert_eq!((code(&check), said(&check)), (2, format!("{text}\n2 read, 1 to mend\n")));
    for command in [&["config", "path"][..], &["config", "schema"], &["man"], &["completions", "bash"]] {
        assert_eq!(code(&desk.run(command)), 0, "{command:?}");
    }
    // Another file does not need this one.
    let good = desk.folder.path().join("good.toml");
    fs::write(&good, "profiles.slow = { net = '2g' }\n").unwrap();
    assert_eq!(code(&desk.run(&["-c", good.to_str().unwrap(), "list"])), 0);
    let named = desk.command(&["list"]).env("CARDEA_EMULATOR_CONFIG", "/nowhere/c.toml").output().unwrap();
    assert!(code(&named) == 2 && error(&named).contains("/nowhere/c.toml"), "{named:?}");
}

#[test]
fn the_schema_knows_what_a_file_may_say() {
    let desk = Desk::new();
    let schema: Value = serde_json::from_slice(&desk.run(&["config", "schema"]).stdout).unwrap();
    let properties = &schema["properties"];
    assert_eq!(properties["transport"]["enum"][1], "tcp");
    assert_eq!(properties["run"]["properties"]["faults_at"]["type"], "array");
    assert_eq!(schema["additionalProperties"], false);
    for absent in ["json", "yes", "config", "pin_fd"] {
        assert!(properties.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn nobody_is_asked_who_said_so_and_the_error_names_the_option() {
    let desk = Desk::new();
    for arguments in [&["--no-input", "prompt", "pins"][..], &["session", "end", "x"]] {
        assert_eq!(code(&desk.run(arguments)), 9, "nothing runs: {arguments:?}");
    }
    let enroll = desk.run(&["--no-input", "enroll", &link(1)]);
    assert!(code(&enroll) == 2 && error(&enroll).contains("use --pin-file or --pin-fd"), "{enroll:?}");
    let wrong = desk.command(&["list"]).env("CARDEA_EMULATOR_NO_INPUT", "perhaps").output().unwrap();
    assert_eq!(code(&wrong), 2, "{wrong:?}");
}

#[test]
fn colors_are_for_who_wants_them() {
    let desk = Desk::new();
    let colored = |arguments: &[&str]| error(&desk.run(arguments)).contains('\u{1b}');
    assert!(!colored(&["close"]));
    assert!(colored(&["close", "--color", "always"]) && colored(&["--color=always", "colse"]));
    assert!(!colored(&["colse", "--color", "never"]));
    let painted = desk.command(&["close"]).env("CARDEA_EMULATOR_COLOR", "always").output().unwrap();
    assert!(error(&painted).contains('\u{1b}'));
}

#[test]
fn what_is_said_goes_to_the_log_and_nothing_but_errors_is_heard_by_who_wants_quiet() {
    let desk = Desk::new();
    let log = desk.folder.path().join("log");
    let log = log.to_str().unwrap();
    let loud = desk.run(&["list", "-v"]);
    assert!(error(&loud).contains("GET /v1/sessions/default/devices/main"), "{loud:?}");
    let quiet = desk.run(&["list", "--quiet", "--log-file", log]);
    assert_eq!((code(&quiet), error(&quiet)), (0, String::new()));
    assert!(fs::read_to_string(log).unwrap().contains("GET /v1/sessions/default/devices/main"));
    assert_eq!(code(&desk.run(&["list", "-q", "-v"])), 2);
    let missing = desk.run(&["list", "--log-file", "/nowhere/log"]);
    assert!(code(&missing) == 2 && error(&missing).contains("/nowhere/log"), "{missing:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(Path::new(log)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_doctor_says_what_is_wrong_and_how_to_mend_it_and_ends_so() {
    let desk = Desk::new();
    let well = desk.run(&["doctor", "--json"]);
    assert_eq!(code(&well), 0, "{well:?}");
    let findings = data(&well)["findings"].take();
    assert_eq!(findings[0]["what"], "state");
    assert!(findings[0]["text"].as_str().unwrap().contains("is not there yet"), "{findings}");
    assert!(!desk.folder.path().join("state").exists(), "it makes nothing");

    // A device that has neither tokens nor a key for them stays so.
    assert_eq!(code(&desk.run(&["device", "new", "phone"])), 0);
    let device = desk.folder.path().join("state/cardea-emulator/default/devices/phone");
    fs::remove_file(device.join("store.key")).unwrap();
    let empty = desk.run(&["doctor"]);
    assert!(code(&empty) == 0 && said(&empty).contains("1 device with 0 tokens"), "{empty:?}");
    assert!(!device.join("store.key").exists(), "it makes nothing");

    // A state folder that is none, one that others can write, and one that somebody else's program has left broken.
    let file = desk.here().join("file");
    fs::write(&file, "").unwrap();
    let none = desk.run(&["--state", file.to_str().unwrap(), "doctor"]);
    assert!(code(&none) == 8 && said(&none).contains("wrong    state"), "{none:?}");
    let nowhere = desk.run(&["doctor", "--server", "http://127.0.0.1:1", "--json"]);
    let problem: Value = serde_json::from_slice(&nowhere.stdout).unwrap();
    assert_eq!((code(&nowhere), &problem["ok"], &problem["error"]["code"]), (5, &false.into(), &"unwell".into()));
    let last = problem["data"]["findings"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["verdict"]), (&"web".into(), &"wrong".into()));
    assert!(last["mend"].as_str().unwrap().contains("whether the server runs"), "{last}");
}

#[cfg(unix)]
#[test]
fn a_doctor_looks_at_the_rights_of_the_state_folder() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::new();
    let state = desk.here().join("s");
    fs::create_dir(&state).unwrap();
    for (mode, ended, line) in [
        (0o777, 8, "wrong    rights       others can write to"),
        (0o755, 0, "warning  rights       others can look into"),
        (0o700, 0, "ok       state"),
    ] {
        fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
        let output = desk.run(&["--state", state.to_str().unwrap(), "doctor"]);
        assert!(code(&output) == ended && said(&output).contains(line), "{mode:o}: {output:?}");
    }
    fs::create_dir_all(state.join("devices/phone")).unwrap();
    fs::set_permissions(state.join("devices/phone"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(code(&desk.run(&["--state", state.to_str().unwrap(), "device", "new", "tablet"])), 0);
    let look = || {
        let output = desk.run(&["--state", state.to_str().unwrap(), "doctor"]);
        let text = said(&output);
        let line = text.lines().find(|line| line.contains("phone is damaged")).unwrap_or_else(|| panic!("{output:?}"));
        assert!(line.starts_with("wrong    device ") && line.contains("`device reset phone` makes it new"), "{line}");
        assert!(text.contains("ok       devices      1 device with 0 tokens can be read"), "{text}");
        assert_eq!(code(&output), 8);
    };
    look();
    // The same of one that runs.
    assert_eq!(code(&desk.run(&["--state", state.to_str().unwrap(), "up"])), 0);
    look();
    assert_eq!(code(&desk.run(&["--state", state.to_str().unwrap(), "down"])), 0);
}

#[test]
fn what_the_environment_says_to_nobody_is_told_with_what_was_meant() {
    let desk = Desk::new();
    let mut listed = desk.command(&["list"]);
    listed.envs([("CARDEA_EMULATOR_SESION", "one"), ("CARDEA_EMULATOR_COLOR", "never"), ("CARDEA_SERVER", "x")]);
    let listed = listed.output().unwrap();
    let told = "CARDEA_EMULATOR_SESION is in the environment, and no option is called so: did you mean CARDEA_EMULATOR_SESSION?";
    assert_eq!((code(&listed), error(&listed).contains(told)), (0, true), "{}", error(&listed));
    assert_eq!(error(&listed).matches("environment").count(), 1, "{}", error(&listed));
    let quiet = desk.command(&["list", "-q"]).env("CARDEA_EMULATOR_SESION", "one").output().unwrap();
    assert_eq!(error(&quiet), "");
}

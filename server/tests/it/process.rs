//! The program itself, as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardea-server"));
    command.stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program runs")
}

pub(crate) fn run_in(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    program().args(arguments).envs(environment.iter().copied()).output().expect("the program runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running server; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) ready: Value,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_by(program(), arguments)
    }

    /// With this environment.
    pub(crate) fn start_in(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = program();
        command.envs(environment.iter().copied());
        Self::start_by(command, arguments)
    }

    /// The same in a shell that allows it so many open files.
    #[cfg(unix)]
    pub(crate) fn start_with_few_files(files: u32, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.stdin(Stdio::null());
        shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_cardea-server")]);
        Self::start_by(shell, arguments)
    }

    /// The same, ended by a hangup unless it does something about it, also where the tests themselves outlive one.
    #[cfg(unix)]
    fn start_with_a_terminal(arguments: &[&str]) -> Self {
        let mut env = Command::new("env");
        env.stdin(Stdio::null()).args(["--default-signal=HUP", env!("CARGO_BIN_EXE_cardea-server")]);
        Self::start_by(env, arguments)
    }

    fn start_by(mut command: Command, arguments: &[&str]) -> Self {
        let mut child = command
            .args(arguments)
            .args(["--http", "127.0.0.1:0", "--channel", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("text");
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("no ready line but {line:?}: {}", rest(child.stderr.take()));
        });
        Self { child, ready }
    }

    pub(crate) fn address(&self) -> String {
        self.ready["http"].as_str().and_then(|url| url.strip_prefix("http://")).expect("a URL").to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill exists").success());
    }

    /// Asks it to stop; its exit status and everything it logged.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let log = rest(self.child.stderr.take());
        (self.child.wait().expect("a child").code(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rest(stderr: Option<ChildStderr>) -> String {
    let mut log = String::new();
    let _ = stderr.expect("piped").read_to_string(&mut log);
    log
}

/// Sends `request` as it is and gives back everything until the server closes.
pub(crate) async fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn dev_serves_says_where_logs_no_secret_stops_on_request_and_leaves_nothing() {
    let server = Running::start(&["dev", "--log", "trace"]);
    let dev = &server.ready["dev"];
    let member = |name: &str| dev[name].as_str().unwrap_or_else(|| panic!("no {name}: {dev}")).to_owned();
    let (folder, status_key, admin_key) = (member("dataDir"), member("statusKey"), member("adminKey"));
    let body = format!(r#"{{"id":"joe-the-user","service":"default_demo","authKey":"{admin_key}"}}"#);
    let post = format!(
        "POST /token/enroll HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let enrolled = exchange(&server.address(), &post).await;
    let target = format!("/token/status?id=joe-the-user&service=default_demo&authKey={status_key}");
    let asked =
        exchange(&server.address(), &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(asked.ends_with(r#"{"status":0}"#), "{asked}");
    for (path, key, expected) in [
        ("subscription/list", &admin_key, 200),
        ("service/list?subscription=default", &admin_key, 200),
        ("audit/checkpoint", &admin_key, 200),
        ("subscription/list", &status_key, 403),
    ] {
        let head = format!("Host: x\r\nAuthorization: apikey {key}\r\nConnection: close");
        let answer = exchange(&server.address(), &format!("GET /token/{path} HTTP/1.1\r\n{head}\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{path}: {answer}");
    }
    let misplaced = format!("GET /{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    exchange(&server.address(), &misplaced).await;

    assert!(Path::new(&folder).is_dir());
    let (status, log) = server.stop();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!Path::new(&folder).exists());
    let offer: Value = serde_json::from_str(enrolled.split("\r\n\r\n").nth(1).unwrap_or_default()).expect("JSON");
    for secret in ["link", "uri", "code"] {
        let secret = offer[secret].as_str().expect("a text");
        assert!(!log.contains(secret), "the log has {secret}");
    }
    for secret in [&status_key, &admin_key, "joe-the-user"] {
        assert!(!log.contains(secret), "the log has {secret}");
    }
}

#[cfg(unix)]
#[test]
fn a_server_that_may_open_too_few_files_for_its_connections_says_so_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    assert!(run(&["init", "--data-dir", &data]).status.success());
    for (connections, warns) in [("100", true), ("50", false)] {
        let limits = [format!("http.max_connections={connections}"), "channel.max_connections=100".to_owned()];
        let run = ["run", "--data-dir", &data, "--set", &limits[0], "--set", &limits[1]];
        let (status, log) = Running::start_with_few_files(256, &run).stop();
        assert_eq!(status, Some(0), "{log}");
        assert_eq!(log.contains("LimitNOFILE") && log.contains("needed=264"), warns, "{connections}: {log}");
    }
}

#[tokio::test]
async fn dev_keeps_its_folder_keys_and_service_when_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("data");
    let dir = dir.to_str().expect("text");
    let first = Running::start(&["dev", "--data-dir", dir]);
    let key = first.ready["dev"]["statusKey"].clone();
    assert_eq!(first.stop().0, Some(0));
    let second = Running::start(&["dev", "--data-dir", dir]);
    assert_eq!(second.ready["dev"]["statusKey"], key);
    let third = run(&["dev", "--data-dir", dir, "--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"]);
    assert_eq!(third.status.code(), Some(1));
    assert!(text(&third.stderr).contains("another server"), "{}", text(&third.stderr));
    assert!(TcpStream::connect(second.address()).await.is_ok(), "the first one is not disturbed");
}

#[tokio::test]
async fn a_server_is_set_up_from_the_command_line_while_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("data");
    let dir = dir.to_str().expect("text");
    let init = run(&["init", "--data-dir", dir, "--service", "default_door", "--json"]);
    assert!(init.status.success(), "{}", text(&init.stderr));
    let init: Value = serde_json::from_slice(&init.stdout).expect("JSON");
    assert!(init["statusKey"].is_string() && init["adminKey"].is_string(), "{init}");
    assert_eq!(run(&["init", "--data-dir", dir]).status.code(), Some(1), "not twice");

    let ready_file = folder.path().join("ready.json");
    let server = Running::start(&["run", "--data-dir", dir, "--ready-file", ready_file.to_str().expect("text")]);
    let written: Value = serde_json::from_slice(&std::fs::read(&ready_file).expect("there")).expect("JSON");
    assert_eq!((&written, written["dev"].is_null()), (&server.ready, true));

    let created = run(&["service", "create", "--data-dir", dir, "default_gate", "--window", "0"]);
    assert!(created.status.success(), "{}", text(&created.stderr));
    let services = text(&run(&["service", "list", "--data-dir", dir]).stdout);
    assert!(services.contains("default_gate") && services.contains("single use"), "{services}");

    let value = "a-key-that-was-given-0123456789";
    let mut create = program()
        .args([
            "authkey",
            "create",
            "--data-dir",
            dir,
            "--service",
            "default_gate",
            "--name",
            "web",
            "--value-file",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    create.stdin.take().expect("piped").write_all(format!("{value}\n").as_bytes()).expect("written");
    let created = create.wait_with_output().expect("a child");
    assert!(created.status.success() && !text(&created.stdout).contains(value));
    let listed = run(&["authkey", "list", "--data-dir", dir, "--json"]);
    assert!(!text(&listed.stdout).contains(value));
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    let id = listed.iter().find(|key| key["name"] == "web").expect("listed")["id"].to_string();

    let ask = async || {
        let target = format!("/token/status?id=nobody&service=default_gate&authKey={value}");
        exchange(&server.address(), &format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).await
    };
    assert!(ask().await.starts_with("HTTP/1.1 404"), "the running server knows the new service and key");
    assert!(run(&["authkey", "revoke", "--data-dir", dir, &id]).status.success());
    assert!(ask().await.starts_with("HTTP/1.1 403"), "and that it was revoked");
    assert_eq!(run(&["authkey", "revoke", "--data-dir", dir, &id]).status.code(), Some(1));
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn what_cannot_work_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("text");
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let occupied = occupied.local_addr().expect("an address").to_string();
    for (arguments, status, reason) in [
        (&["run", "--data-dir", "/nonexistent/cardea"][..], 1, "/nonexistent/cardea"),
        (&["run", "--config", "/nonexistent/cardea.toml"], 1, "/nonexistent/cardea.toml"),
        (&["run", "--set", "http.listenn=x"], 1, "http.listenn"),
        (&["dev", "--http", "0.0.0.0:0"], 1, "loopback only"),
        (&["dev", "--data-dir", dir, "--http", &occupied], 1, "cannot listen on"),
        (&["service", "create", "--data-dir", "/nonexistent/cardea", "default_x"], 1, "/nonexistent/cardea"),
        (
            &[
                "authkey",
                "create",
                "--data-dir",
                dir,
                "--service",
                "default_demo",
                "--name",
                "x",
                "--permissions",
                "root",
            ],
            1,
            "permissions are",
        ),
        (&["run", "--test-clock"], 2, "--test-clock"),
        (&["authkey", "create", "--name", "x"], 2, "--service"),
        (&["fly"], 2, "fly"),
        (&[], 2, "Usage"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(reason), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_printed_configuration_is_a_configuration() {
    let printed = run(&["config"]);
    assert!(printed.status.success());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cardea.toml");
    std::fs::write(&file, &printed.stdout).expect("written");
    let output = run(&["run", "--config", file.to_str().expect("text"), "--data-dir", "/nonexistent/cardea"]);
    assert!(text(&output.stderr).contains("/nonexistent/cardea"), "the file was accepted: {}", text(&output.stderr));
}

#[tokio::test]
async fn the_operator_sees_and_changes_a_token_beside_the_running_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("text");
    let server = Running::start(&["dev", "--data-dir", data]);
    let key = |name: &str| server.ready["dev"][name].as_str().expect("a key").to_owned();
    let body = format!(r#"{{"id":"joe","service":"default_demo","authKey":"{}"}}"#, key("adminKey"));
    let request = format!(
        "POST /token/enroll HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(exchange(&server.address(), &request).await.starts_with("HTTP/1.1 200"));
    let told = async || {
        let target = format!("/token/status?id=joe&service=default_demo&authKey={}", key("statusKey"));
        let answer = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        exchange(&server.address(), &answer).await.rsplit_once("\r\n\r\n").expect("a body").1.to_owned()
    };
    let token = |what: &str| run(&["token", what, "--data-dir", data, "default_demo", "joe"]);
    assert_eq!(text(&token("status").stdout), "0\n");
    assert!(token("block").status.success());
    assert_eq!((text(&token("status").stdout).as_str(), told().await.as_str()), ("4\n", r#"{"status":4}"#));
    for what in ["unblock", "close", "clear-duress"] {
        assert!(token(what).status.success(), "{what}");
        assert_eq!(told().await, r#"{"status":0}"#);
    }
    assert!(token("delete").status.success());
    let gone = token("status");
    assert!(!gone.status.success() && text(&gone.stderr).contains("no token"), "{}", text(&gone.stderr));
    let other = run(&["token", "status", "--data-dir", data, "default_other", "joe"]);
    assert!(text(&other.stderr).contains("there is no service default_other"), "{}", text(&other.stderr));
}

#[tokio::test]
async fn a_hangup_ends_a_service_only_when_it_has_a_terminal_to_lose() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().display().to_string();
    let init = run(&["init", "--data-dir", &data]);
    assert!(init.status.success(), "{}", text(&init.stderr));
    let server = Running::start(&["run", "--data-dir", &data]);
    for _ in 0..3 {
        server.signal("-HUP");
        let answer = exchange(&server.address(), "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_eq!(server.stop().0, Some(0));

    let mut person = Running::start_with_a_terminal(&["dev"]);
    person.signal("-HUP");
    assert_eq!(person.child.wait().expect("a child").code(), None, "ended by the signal");
}

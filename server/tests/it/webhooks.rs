//! `cardea-server webhook`: the same as the API has, on the data of a server that runs.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::Value;

use crate::process::{Running, run, text};

/// A receiver that answers with these statuses, one call each; what it was sent.
fn receiver(statuses: &'static [u16]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    let calls = std::thread::spawn(move || statuses.iter().map(|status| serve(&listener, *status)).collect());
    (url, calls)
}

fn serve(listener: &TcpListener, status: u16) -> String {
    let (mut stream, _) = listener.accept().expect("a call");
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let whole = loop {
        let read = stream.read(&mut buffer).expect("read");
        assert!(read > 0, "the call is whole");
        bytes.extend_from_slice(&buffer[..read]);
        let call = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = call.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0_usize) {
            break call;
        }
    };
    stream.write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").as_bytes()).expect("sent");
    whole
}

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Whether a command was done, and what it said.
    fn tool(&self, arguments: &[&str]) -> (bool, String, String) {
        let local = ["--set", "webhook.allow_http=true", "--set", "webhook.allow_private=true"];
        let output = run(&[arguments, &["--data-dir", &self.data()], &local].concat());
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let (done, out, err) = self.tool(arguments);
        assert!(done, "{arguments:?}: {out}{err}");
        out
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

#[test]
fn a_webhook_is_shown_tried_given_another_secret_and_enabled_while_the_server_runs() {
    let site = Site { folder: tempfile::tempdir().expect("a folder") };
    let server = Running::start(&["dev", "--data-dir", &site.data()]);
    let (url, calls) = receiver(&[204, 500]);

    let made = site.json(&["service", "create", "default_door", "--webhook", &url]);
    let first = made["webhookSecret"].as_str().expect("shown once").to_owned();
    let state = site.json(&["webhook", "show", "default_door"]);
    assert_eq!((&state["url"], &state["enabled"], &state["failures"]), (&url.into(), &true.into(), &0.into()));
    assert!(!state.to_string().contains(&first), "{state}");
    assert!(site.done(&["webhook", "show", "default_door"]).contains("waitingTokens"));

    assert!(site.done(&["webhook", "test", "default_door"]).contains("delivered"));
    let (done, out, err) = site.tool(&["webhook", "test", "default_door", "--json"]);
    assert!(!done && out.contains(r#""delivered":false"#) && err.contains("500"), "{out}{err}");
    let calls = calls.join().expect("two calls");
    assert!(calls.iter().all(|call| call.contains("webhook.test")), "{calls:?}");

    let second = site.done(&["webhook", "secret", "default_door"]);
    let third = site.json(&["webhook", "secret", "default_door"])["secret"].as_str().expect("a secret").to_owned();
    assert!(second.trim().len() == third.len() && second.trim() != third && third != first);
    assert_eq!(site.json(&["webhook", "enable", "default_door"])["enabled"], true);

    let (status, log) = server.stop();
    assert_eq!(status, Some(0), "{log}");
    for secret in [&first, second.trim(), &third] {
        assert!(!log.contains(secret), "the log has a secret");
    }
}

#[test]
fn authorities_that_cannot_be_used_keep_the_server_from_starting() {
    let site = Site { folder: tempfile::tempdir().expect("a folder") };
    site.done(&["init", "--service", "default_door"]);
    let file = site.folder.path().join("ca.pem");
    let setting = format!("webhook.ca_file={}", file.display());
    let listen = ["--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"];
    for content in [None, Some("no certificate")] {
        if let Some(content) = content {
            std::fs::write(&file, content).expect("written");
        }
        let (done, _, err) = site.tool(&[&["run", "--set", &setting], &listen[..]].concat());
        assert!(!done && err.contains("webhook.ca_file") && err.contains("ca.pem"), "{err}");
        let (done, out, _) = site.tool(&["doctor", "--set", &setting]);
        assert!(!done && out.contains("bad      webhook"), "{out}");
    }
}

#[test]
fn what_has_no_webhook_and_what_is_no_service_is_said_so() {
    let site = Site { folder: tempfile::tempdir().expect("a folder") };
    site.done(&["init", "--service", "default_door"]);
    for command in ["show", "test", "secret", "enable"] {
        let (done, _, err) = site.tool(&["webhook", command, "default_door"]);
        assert!(!done && err.contains("no webhook"), "{command}: {err}");
        let (done, _, err) = site.tool(&["webhook", command, "default_other"]);
        assert!(!done && err.contains("no such service"), "{command}: {err}");
        let (done, _, err) = site.tool(&["webhook", command, "Door"]);
        assert!(!done && !err.is_empty(), "{command}: {err}");
    }
    let (done, _, err) = site.tool(&["service", "create", "default_b", "--no-duress", "--silent-alarm"]);
    assert!(!done && err.contains("silent alarm"), "{err}");
    let (done, _, err) = site.tool(&["authkey", "revoke", "99"]);
    assert!(!done && err.contains("no authkey"), "{err}");
}

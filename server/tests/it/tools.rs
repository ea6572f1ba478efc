//! Commands that work on the data of a running server, which answers statuses from memory.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{Running, exchange};

fn tool(arguments: &[&str], data: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cardea-server"))
        .args(arguments)
        .args(["--data-dir", data])
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

/// Everything that a call for the status of joe comes back with.
async fn ask(address: &str, key: &str) -> String {
    let target = format!("/token/status?id=joe&service=default_demo&authKey={key}");
    exchange(address, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn what_a_tool_has_changed_shows_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    let server = Running::start(&["dev", "--data-dir", &data]);
    let dev: &Value = &server.ready["dev"];
    let key = dev["statusKey"].as_str().expect("a key").to_owned();
    let admin = dev["adminKey"].as_str().expect("a key").to_owned();
    let address = server.address();
    let body = format!(r#"{{"id":"joe","service":"default_demo","authKey":"{admin}"}}"#);
    let post = format!(
        "POST /token/enroll HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(exchange(&address, &post).await.starts_with("HTTP/1.1 200 "));
    for _ in 0..4 {
        for _ in 0..3 {
            assert!(ask(&address, &key).await.ends_with(r#"{"status":0}"#));
        }
        let (done, text) = tool(&["token", "block", "default_demo", "joe"], &data);
        assert!(done, "{text}");
        for _ in 0..3 {
            assert!(ask(&address, &key).await.ends_with(r#"{"status":4}"#));
        }
        let (done, text) = tool(&["token", "unblock", "default_demo", "joe"], &data);
        assert!(done, "{text}");
    }
    let (done, text) = tool(&["authkey", "list", "--json"], &data);
    assert!(done, "{text}");
    let keys: Value = serde_json::from_str(&text).expect("JSON");
    let keys = keys.as_array().or_else(|| keys["authkeys"].as_array()).expect("a list");
    let number = keys
        .iter()
        .find(|key| key["name"] == "dev-status")
        .map(|key| key["number"].as_u64().or_else(|| key["id"].as_u64()).expect("a number"));
    ask(&address, &key).await;
    let (done, text) = tool(&["authkey", "revoke", &number.expect("there").to_string()], &data);
    assert!(done, "{text}");
    assert!(ask(&address, &key).await.starts_with("HTTP/1.1 403 "));
    let (status, log) = server.stop();
    assert_eq!(status, Some(0), "{log}");
}

#[tokio::test]
async fn a_tool_that_cannot_reach_the_server_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    let server = Running::start(&["dev", "--data-dir", &data]);
    let socket = folder.path().join("data/cache.sock");
    // The server is there and has its lock; somebody has taken the socket away.
    while !is_locked(folder.path()) {
        tokio::task::yield_now().await;
    }
    std::fs::remove_file(&socket).expect("there");
    let (done, text) = tool(&["service", "create", "default_other"], &data);
    assert!(!done && text.contains("stop it"), "{text}");
    let _ = server.stop();
    let (done, text) = tool(&["service", "create", "default_other"], &data);
    assert!(done, "{text}");
}

fn is_locked(folder: &std::path::Path) -> bool {
    let file = std::fs::OpenOptions::new().write(true).open(folder.join("data/cache.lock"));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

//! Calls that make something, repeated: the next server on the same data gives the answer that the last one gave.

use serde_json::{Value, json};

use crate::process::{Running, exchange};

const SERVICE: &str = "default_demo";

/// Status and body of a call.
async fn post(server: &Running, path: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = exchange(&server.address(), &(head + &body)).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {head}")), body.to_owned())
}

/// The items of a list.
async fn items(server: &Running, target: &str) -> Vec<Value> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = exchange(&server.address(), &request).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["items"].as_array().expect("a list").clone()
}

/// How often each thing that the calls make was made: offers for three users, and authkeys of one name.
async fn made(server: &Running, key: &str) -> [usize; 4] {
    let mut made = [0; 4];
    for (place, user) in ["joe", "ann", "bob"].into_iter().enumerate() {
        let history = items(server, &format!("/token/history?id={user}&service={SERVICE}&authKey={key}")).await;
        made[place] = history.iter().filter(|item| item["type"] == "enrollment.offered").count();
    }
    let keys = items(server, &format!("/token/authkey/list?service={SERVICE}&authKey={key}")).await;
    made[3] = keys.iter().filter(|key| key["name"] == "web").count();
    made
}

#[tokio::test]
async fn what_was_answered_is_answered_again_by_the_next_server_on_the_same_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    let start = || Running::start(&["dev", "--data-dir", &data]);
    let mut server = start();
    let key = server.ready["dev"]["adminKey"].as_str().expect("a key").to_owned();
    let calls = [
        ("/token/enroll", json!({ "id": "joe", "service": SERVICE, "idempotencyKey": "one", "authKey": key })),
        (
            "/token/enroll",
            json!({
                "users": [{ "id": "ann" }, { "id": "bob" }], "service": SERVICE, "idempotencyKey": "many", "authKey": key,
            }),
        ),
        (
            "/token/authkey/create",
            json!({
                "service": SERVICE, "name": "web", "permissions": "admin", "idempotencyKey": "one", "authKey": key,
            }),
        ),
    ];
    let mut first = Vec::new();
    for (path, body) in &calls {
        first.push(post(&server, path, body).await);
    }
    assert!(first.iter().all(|(status, _)| *status == 200), "{first:?}");
    assert_eq!(made(&server, &key).await, [1; 4]);
    for is_killed in [false, true] {
        if !is_killed {
            server.signal("-TERM");
        }
        // Waits for its end, and kills it if it has not been asked to stop.
        drop(server);
        server = start();
        for ((path, body), first) in calls.iter().zip(&first) {
            assert_eq!(&post(&server, path, body).await, first, "{path}: the same bytes");
            let mut other = body.clone();
            other["authKey"] = "another-key-01234567".into();
            assert_eq!(post(&server, path, &other).await.0, 403, "not before it is known who calls");
            let mut other = body.clone();
            match other.get_mut("name") {
                Some(name) => *name = "api".into(),
                None => other["qr"] = (body.get("id").is_none()).into(),
            }
            let (status, refused) = post(&server, path, &other).await;
            assert!(status == 400 && refused.contains("idempotencyKey") && !refused.contains('1'), "{refused}");
        }
        assert_eq!(made(&server, &key).await, [1; 4], "nothing happened again");
    }

    // Another authkey has keys of its own, and takes nothing away from this one.
    let created: Value = serde_json::from_str(&first[2].1).expect("JSON");
    let mut foreign = calls[0].1.clone();
    foreign["authKey"] = ["value", "key"].iter().find_map(|name| created.get(name)).expect("a value").clone();
    let (status, theirs) = post(&server, calls[0].0, &foreign).await;
    assert_eq!(status, 200, "{theirs}");
    assert_ne!(theirs, first[0].1, "nobody gets another's answer");
    assert_eq!(post(&server, calls[0].0, &foreign).await, (200, theirs));
    assert_eq!(post(&server, calls[0].0, &calls[0].1).await, first[0]);
    assert_eq!(made(&server, &key).await, [2, 1, 1, 1]);
}

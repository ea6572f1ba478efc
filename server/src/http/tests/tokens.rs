//! What the calls about tokens do, over the wire.

use serde_json::{Value, json};

use super::support::{ADMIN_KEY, Server, State};

impl Server {
    async fn call(&self, path: &str, mut members: Value) -> (u16, Value) {
        members["authKey"] = ADMIN_KEY.into();
        let answer = self.post(path, &members.to_string()).await;
        (answer.status, answer.json())
    }

    async fn look(&self, target: &str) -> (u16, Value) {
        let answer = self.get(&format!("{target}&authKey={ADMIN_KEY}")).await;
        (answer.status, answer.json())
    }
}

fn about(id: &str) -> Value {
    json!({ "id": id, "service": "default_demo" })
}

const JOE: &str = "id=joe&service=default_demo";

#[tokio::test]
async fn close_and_clear_duress_end_what_they_say() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    assert_eq!(server.call("/token/close", about("joe")).await, (200, json!({ "closed": true })));
    assert_eq!(server.status("joe").await, 2);
    server.token("joe", State::Duress).await;
    let (_, detail) = server.look(&format!("/token/detail?{JOE}")).await;
    assert_eq!(detail["duress"]["since"], json!(1_800_000_000), "{detail}");
    server.call("/token/close", about("joe")).await;
    assert_eq!(server.status("joe").await, 3, "closing ends no duress");
    assert_eq!(server.call("/token/duress/clear", about("joe")).await, (200, json!({ "duress": false })));
    assert_eq!(server.status("joe").await, 2);
    let (_, detail) = server.look(&format!("/token/detail?{JOE}")).await;
    assert_eq!(detail["duress"], Value::Null);
}

#[tokio::test]
async fn an_enrollment_can_be_followed_and_cancelled() {
    let server = Server::start().await;
    let (status, offer) = server.call("/token/enroll", about("joe")).await;
    assert_eq!(status, 200);
    let progress = async || server.look(&format!("/token/enroll/progress?{JOE}")).await;
    assert_eq!(progress().await, (200, json!({ "state": "waiting", "expiresAt": offer["expiresAt"] })));
    let (_, detail) = server.look(&format!("/token/detail?{JOE}")).await;
    assert_eq!(detail["enrollment"], json!({ "expiresAt": offer["expiresAt"] }));
    assert_eq!(server.call("/token/enroll/cancel", about("joe")).await, (200, json!({ "cancelled": true })));
    assert_eq!(progress().await, (200, json!({ "state": "none" })));
    let (status, problem) = server.call("/token/enroll/cancel", about("joe")).await;
    assert_eq!((status, &problem["error"]), (400, &json!("bad-call")));
    let (status, problem) = server.call("/token/enroll/confirm", about("joe")).await;
    assert_eq!((status, &problem["error"]), (400, &json!("bad-call")));
    server.call("/token/enroll", about("joe")).await;
    server.post("/dev/clock", r#"{"advance":600}"#).await;
    assert_eq!(progress().await.1["state"], "expired");
    server.token("joe", State::Closed).await;
    assert_eq!(progress().await, (200, json!({ "state": "enrolled" })));
    assert_eq!(server.look("/token/enroll/progress?id=eve&service=default_demo").await.0, 404);
}

#[tokio::test]
async fn many_are_enrolled_in_one_call_and_each_gets_an_answer() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    let users = json!([{ "id": "ann" }, { "id": "joe" }, { "id": "José +1" }, { "id": "joe2", "addDevice": true }]);
    let (status, answer) = server.call("/token/enroll", json!({ "service": "default_demo", "users": users })).await;
    assert_eq!(status, 200, "{answer}");
    let items = answer["items"].as_array().expect("a list");
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["ann", "joe", "José +1", "joe2"]);
    for at in [0, 2, 3] {
        assert!(items[at]["link"].is_string() && items[at].get("qrSvg").is_none(), "{answer}");
    }
    assert_eq!((&items[1]["error"], &items[1]["code"]), (&json!("bad-call"), &json!(4000)));
    assert_eq!(server.status("joe").await, 2, "joe's device is untouched");
    assert_eq!(server.status("ann").await, 0);
    let twice = json!({ "service": "default_demo", "users": [{ "id": "ann" }, { "id": "ann" }] });
    assert_eq!(server.call("/token/enroll", twice).await.0, 400);
    let both = json!({ "service": "default_demo", "id": "bob", "users": [{ "id": "ann" }] });
    assert_eq!(server.call("/token/enroll", both).await.0, 400);
    let none: Vec<_> = (0..101).map(|number| json!({ "id": format!("u{number}") })).collect();
    assert_eq!(server.call("/token/enroll", json!({ "service": "default_demo", "users": none })).await.0, 400);
    assert_eq!(server.call("/token/enroll", json!({ "service": "default_demo" })).await.0, 400);
    let torn =
        json!({ "service": "default_demo", "users": [{ "id": "cid", "addDevice": true, "replaceDevice": true }] });
    let (_, answer) = server.call("/token/enroll", torn).await;
    assert_eq!(answer["items"][0]["error"], "bad-call");
    assert_eq!(server.look("/token/detail?id=cid&service=default_demo").await.0, 404, "no token was made");
    let drawn = json!({ "service": "default_demo", "qr": true, "users": [{ "id": "dan" }] });
    let (_, answer) = server.call("/token/enroll", drawn).await;
    assert!(answer["items"][0]["qrSvg"].as_str().is_some_and(|svg| svg.contains("<svg")), "{answer}");
    let plain = json!({ "service": "default_demo", "qr": false, "id": "dan" });
    assert!(server.call("/token/enroll", plain).await.1.get("qrSvg").is_none());
}

#[tokio::test]
async fn a_repeated_call_gets_the_same_bytes_and_does_nothing() {
    let server = Server::start().await;
    let call = |more: &str| {
        format!(r#"{{"id":"joe","service":"default_demo","authKey":"{ADMIN_KEY}","idempotencyKey":"k-1"{more}}}"#)
    };
    let first = server.post("/token/enroll", &call("")).await;
    assert_eq!(first.status, 200, "{first:?}");
    server.post("/dev/clock", r#"{"advance":60}"#).await;
    // The same, written otherwise.
    let again = server.post("/token/enroll", &call(" ").replace("joe", "j\\u006fe")).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    let other = server.post("/token/enroll", &call(r#","qr":false"#)).await;
    assert_eq!(other.status, 400, "{other:?}");
    assert!(other.body.contains("idempotencyKey") && !other.body.contains('1'), "{other:?}");
    let fresh = server.post("/token/enroll", &call("").replace("k-1", "k-2")).await;
    assert_ne!(fresh.body, first.body);
    server.post("/dev/clock", r#"{"advance":86400}"#).await;
    let later = server.post("/token/enroll", &call("")).await;
    assert_eq!(later.status, 200);
    assert_ne!(later.body, first.body, "a day has passed");
}

#[tokio::test]
async fn of_equal_calls_at_once_one_happens_and_all_get_its_answer() {
    let server = std::sync::Arc::new(Server::start().await);
    let body =
        r#"{"service":"default_demo","authKey":"KEY","idempotencyKey":"same","users":[{"id":"ann"},{"id":"bob"}]}"#;
    let body = body.replace("KEY", ADMIN_KEY);
    let calls = (0..16).map(|_| {
        let (server, body) = (std::sync::Arc::clone(&server), body.clone());
        tokio::spawn(async move { server.post("/token/enroll", &body).await })
    });
    let mut answers = std::collections::HashSet::new();
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.expect("no panic");
        assert_eq!(answer.status, 200, "{answer:?}");
        answers.insert(answer.body);
    }
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_its_authkey_and_its_call_and_failures_are_not_kept() {
    let server = Server::start().await;
    let other = crate::admin::KeyScope::Service("default_demo".to_owned());
    let permissions = crate::domain::permission::Permissions::ADMIN;
    let other = server.key(crate::admin::NewKey::new(other, "other", permissions)).await;
    let body = |key: &str| {
        json!({ "id": "joe", "service": "default_demo", "idempotencyKey": "k", "authKey": key }).to_string()
    };
    let first = server.post("/token/enroll", &body(ADMIN_KEY)).await;
    let second = server.post("/token/enroll", &body(&other)).await;
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.body, second.body, "nobody gets another's answer");
    server.token("eve", State::Closed).await;
    let call = json!({ "id": "eve", "service": "default_demo", "idempotencyKey": "x" });
    assert_eq!(server.call("/token/enroll", call.clone()).await.0, 400, "eve has a device");
    server.call("/token/delete", about("eve")).await;
    assert_eq!(server.call("/token/enroll", call).await.0, 200, "a failure may be tried again");
}

#[tokio::test]
async fn tokens_are_listed_in_pages_without_letting_anybody_in() {
    let server = Server::start_single_use().await;
    for (id, state) in [("a", State::Open), ("b", State::Closed), ("c", State::Blocked), ("d", State::Pending)] {
        server.token(id, state).await;
    }
    let (status, all) = server.look("/token/list?service=default_demo").await;
    assert_eq!((status, &all["next"]), (200, &Value::Null), "{all}");
    let statuses = |answer: &Value| -> Vec<(String, u64)> {
        let items = answer["items"].as_array().expect("a list").iter();
        items
            .map(|it| (it["id"].as_str().expect("text").to_owned(), it["status"].as_u64().expect("a number")))
            .collect()
    };
    let named = |list: &[(&str, u64)]| list.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect::<Vec<_>>();
    assert_eq!(statuses(&all), named(&[("a", 2), ("b", 2), ("c", 4), ("d", 0)]));
    assert_eq!((&all["items"][0]["unused"], all["items"][1].get("unused")), (&json!(true), None));
    assert_eq!(all["items"][0]["until"], json!(1_800_000_060));
    let (_, detail) = server.look("/token/detail?id=a&service=default_demo").await;
    assert_eq!((&detail["status"], &detail["unused"]), (&json!(2), &json!(true)), "{detail}");
    assert_eq!(server.status("a").await, 1, "the opening is still there");
    assert_eq!(server.status("a").await, 2);

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = server.look(&format!("/token/list?service=default_demo&limit=1{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(statuses(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, named(&[("a", 2), ("b", 2), ("c", 4), ("d", 0)]));
    let (_, blocked) = server.look("/token/list?service=default_demo&status=4&limit=1").await;
    assert_eq!(statuses(&blocked), named(&[("c", 4)]));
    let (_, open) = server.look("/token/list?service=default_demo&status=1").await;
    assert_eq!((statuses(&open), &open["next"]), (Vec::new(), &Value::Null));
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let server = Server::start().await;
    server.create_service("default_other").await;
    for id in ["a", "b"] {
        server.token(id, State::Closed).await;
    }
    let (_, page) = server.look("/token/list?service=default_demo&limit=1").await;
    let next = page["next"].as_str().expect("more").to_owned();
    assert_eq!(server.look(&format!("/token/list?service=default_demo&limit=9&cursor={next}")).await.0, 200);
    let changed = format!("{}{}", &next[..next.len() - 1], if next.ends_with('A') { 'B' } else { 'A' });
    for target in [
        format!("/token/list?service=default_other&cursor={next}"),
        format!("/token/list?service=default_demo&status=2&cursor={next}"),
        format!("/token/confirmation/list?service=default_demo&cursor={next}"),
        format!("/token/list?service=default_demo&cursor={changed}"),
        "/token/list?service=default_demo&cursor=AAAA".to_owned(),
        "/token/list?service=default_demo&cursor=1".to_owned(),
    ] {
        let (status, problem) = server.look(&target).await;
        assert_eq!((status, &problem["error"]), (400, &json!("bad-call")), "{target}: {problem}");
        assert!(!problem.to_string().contains('1'), "{problem}");
    }
}

#[tokio::test]
async fn a_token_shows_its_devices_and_one_can_be_revoked() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let (_, detail) = server.look(&format!("/token/detail?{JOE}")).await;
    let device = &detail["devices"][0];
    for (member, value) in [
        ("state", json!("active")),
        ("enrolledAt", json!(1_800_000_000)),
        ("platform", json!("unknown")),
        ("emulated", json!(false)),
        ("failures", json!(0)),
        ("blockedUntil", Value::Null),
    ] {
        assert_eq!(device[member], value, "{detail}");
    }
    let id = device["device"].as_str().expect("text").to_owned();
    assert_eq!(detail["token"].as_str().map(str::len), Some(32));
    let revoke = async |device: &str| {
        server.call("/token/device/revoke", json!({ "id": "joe", "service": "default_demo", "device": device })).await
    };
    assert_eq!(revoke("00000000").await.1["error"], "unknown-device");
    assert_eq!(revoke(&id).await, (200, json!({ "revoked": true })));
    assert_eq!(server.status("joe").await, 0, "the open token is not open any more");
    assert_eq!(revoke(&id).await.0, 404);
    let (_, detail) = server.look(&format!("/token/detail?{JOE}")).await;
    assert_eq!(detail["devices"], json!([]));
    server.token("joe", State::Blocked).await;
    let (_, detail) = server.look(&format!("/token/detail?{JOE}")).await;
    assert_eq!(detail["blocks"], json!(["administrator"]));
}

#[tokio::test]
async fn a_holder_is_asked_and_the_question_taken_back() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    let ask = json!({ "id": "joe", "service": "default_demo", "text": "Pay 420.00 EUR to Ann", "idempotencyKey": "p" });
    let (status, asked) = server.call("/token/confirmation", ask.clone()).await;
    assert_eq!(
        (status, &asked["state"], &asked["expiresAt"]),
        (200, &json!("pending"), &json!(1_800_000_120)),
        "{asked}"
    );
    assert_eq!(server.call("/token/confirmation", ask).await.1, asked, "asked once");
    let id = asked["confirmation"].as_str().expect("text");
    let poll = format!("/token/confirmation?service=default_demo&confirmation={id}");
    let (_, found) = server.look(&poll).await;
    assert_eq!(
        (&found["id"], &found["text"], &found["state"]),
        (&json!("joe"), &json!("Pay 420.00 EUR to Ann"), &json!("pending"))
    );
    let (_, list) = server.look("/token/confirmation/list?service=default_demo&id=joe&state=pending").await;
    assert_eq!((list["items"].as_array().map(Vec::len), &list["items"][0]), (Some(1), &found));
    let (status, taken) =
        server.call("/token/confirmation/cancel", json!({ "service": "default_demo", "confirmation": id })).await;
    assert_eq!((status, taken), (200, json!({ "confirmation": id, "state": "cancelled" })));
    assert_eq!(server.look(&poll).await.1["state"], "cancelled");
    let unknown = "/token/confirmation?service=default_demo&confirmation=0000000000000000";
    assert_eq!(server.look(unknown).await.1["error"], "unknown-confirmation");
    for (member, value) in [
        ("text", json!(" ")),
        ("text", json!("a\u{202e}b")),
        ("text", json!("x".repeat(201))),
        ("relyingParty", json!("  ")),
        ("relyingParty", json!("x".repeat(33))),
        ("expiresIn", json!(9)),
        ("expiresIn", json!(86_401)),
    ] {
        let mut ask = json!({ "id": "joe", "service": "default_demo", "text": "Pay" });
        ask[member] = value;
        let (status, problem) = server.call("/token/confirmation", ask.clone()).await;
        assert_eq!(status, 400, "{ask}: {problem}");
        assert!(
            problem["message"].as_str().is_some_and(|text| text.contains(&format!("`{member}`"))),
            "{ask}: {problem}"
        );
        assert!(!problem.to_string().contains('1'), "{problem}");
    }
}

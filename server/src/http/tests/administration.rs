//! Services, authkeys and subscriptions over the wire.

use serde_json::{Value, json};

use super::support::{ADMIN_KEY, INSTANCE_KEY, STATUS_KEY, Server, State};

async fn post(server: &Server, path: &str, key: &str, mut members: Value) -> (u16, Value) {
    members["authKey"] = key.into();
    let answer = server.post(path, &members.to_string()).await;
    assert!(answer.status == 200 || !answer.body.contains('1'), "{path}: {answer:?}");
    (answer.status, answer.json())
}

async fn get(server: &Server, target: &str, key: &str) -> (u16, Value) {
    let answer = server.get(&format!("{target}authKey={key}")).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_service_is_created_changed_listed_and_deleted() {
    let server = Server::start().await;
    let new = json!({ "service": "default_door", "window": 900, "label": "Front door", "idempotencyKey": "d" });
    let (status, made) = post(&server, "/token/service/create", ADMIN_KEY, new.clone()).await;
    assert_eq!((status, &made["window"], &made["label"]), (200, &json!(900), &json!("Front door")), "{made}");
    assert_eq!(post(&server, "/token/service/create", ADMIN_KEY, new).await.1, made, "created once");
    let (status, _) = post(&server, "/token/service/create", ADMIN_KEY, json!({ "service": "default_door" })).await;
    assert_eq!(status, 400, "the name is taken");
    let show = async || get(&server, "/token/service?service=default_door&", ADMIN_KEY).await;
    assert_eq!(show().await, (200, made.clone()));
    let change = json!({
        "service": "default_door", "window": 0, "openingLifetime": 30, "duress": true, "silentAlarm": true,
        "biometric": true, "emulated": false, "pinMin": 7, "pinMax": 8, "attempts": 5, "unblockAfter": 600,
        "shortString": "required", "enrollmentSeconds": 300, "devices": 3, "label": "Door", "webhook": "https://hook.example/x",
    });
    let (status, changed) = post(&server, "/token/service/update", ADMIN_KEY, change.clone()).await;
    assert_eq!(status, 200, "{changed}");
    for (member, value) in change.as_object().expect("an object") {
        assert_eq!(&changed[member], value, "{member}");
    }
    assert!(changed["webhookSecret"].is_string(), "shown once: {changed}");
    assert!(show().await.1.get("webhookSecret").is_none());
    let (_, less) =
        post(&server, "/token/service/update", ADMIN_KEY, json!({ "service": "default_door", "webhook": null })).await;
    assert_eq!((&less["webhook"], &less["devices"]), (&Value::Null, &json!(3)));
    let torn = json!({ "service": "default_door", "pinMin": 9, "pinMax": 8 });
    assert_eq!(post(&server, "/token/service/update", ADMIN_KEY, torn).await.0, 400);
    // There is a silent alarm now, which nothing could raise any more.
    let (status, refused) = post(&server, "/token/service/update", ADMIN_KEY, no_duress("default_door")).await;
    assert_eq!((status, &refused["error"]), (400, &json!("bad-call")));
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("silent alarm")), "{refused}");
    assert_eq!(show().await.1["duress"], true, "what is refused changes nothing");

    let (_, list) = get(&server, "/token/service/list?subscription=default&limit=1&", ADMIN_KEY).await;
    assert_eq!(list["items"][0]["service"], "default_demo");
    let next = format!("/token/service/list?subscription=default&cursor={}&", list["next"].as_str().expect("more"));
    let (_, list) = get(&server, &next, ADMIN_KEY).await;
    assert_eq!((&list["items"][0]["service"], &list["next"]), (&json!("default_door"), &Value::Null));

    server.token("joe", State::Closed).await;
    let demo = json!({ "service": "default_demo" });
    assert_eq!(post(&server, "/token/service/delete", ADMIN_KEY, demo).await.0, 400, "it has tokens");
    let demo = json!({ "service": "default_demo", "force": true });
    assert_eq!(post(&server, "/token/service/delete", ADMIN_KEY, demo).await, (200, json!({ "deleted": true })));
    assert_eq!(get(&server, "/token/service?service=default_demo&", ADMIN_KEY).await.0, 404);
}

fn no_duress(service: &str) -> Value {
    json!({ "service": service, "duress": false })
}

#[tokio::test]
async fn a_silent_alarm_without_duress_pins_is_refused_in_whichever_order_it_is_asked_for() {
    let server = Server::start().await;
    let refused = async |path: &str, call: Value| {
        let (status, answer) = post(&server, path, ADMIN_KEY, call.clone()).await;
        assert_eq!(status, 400, "{path} {call}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|text| text.contains("silent alarm")), "{answer}");
    };
    let both = |service: &str| json!({ "service": service, "duress": false, "silentAlarm": true });
    refused("/token/service/create", both("default_door")).await;
    refused("/token/service/update", both("default_demo")).await;
    let update = async |call: Value| post(&server, "/token/service/update", ADMIN_KEY, call).await;
    assert_eq!(update(no_duress("default_demo")).await.0, 200);
    refused("/token/service/update", json!({ "service": "default_demo", "silentAlarm": true })).await;
    let again = json!({ "service": "default_demo", "duress": true, "silentAlarm": true });
    assert_eq!(update(again).await.0, 200);
    refused("/token/service/update", no_duress("default_demo")).await;
    let neither = json!({ "service": "default_demo", "duress": false, "silentAlarm": false });
    assert_eq!(update(neither).await.0, 200);
}

#[tokio::test]
async fn an_authkey_is_created_used_rotated_and_revoked() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let new = json!({ "service": "default_demo", "name": "door", "permissions": ["status"], "idempotencyKey": "a" });
    let (status, made) = post(&server, "/token/authkey/create", ADMIN_KEY, new.clone()).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(post(&server, "/token/authkey/create", ADMIN_KEY, new).await.1, made, "created once");
    let check = async |value: &str| get(&server, "/token/status?id=joe&service=default_demo&", value).await.0;
    let value = made["value"].as_str().expect("text").to_owned();
    assert_eq!(check(&value).await, 200);
    let rotate = json!({ "service": "default_demo", "authkey": made["authkey"], "overlap": 60 });
    let (status, rotated) = post(&server, "/token/authkey/rotate", ADMIN_KEY, rotate).await;
    assert_eq!(status, 200, "{rotated}");
    let fresh = rotated["value"].as_str().expect("text").to_owned();
    assert_eq!((check(&value).await, check(&fresh).await), (200, 200));
    server.post("/dev/clock", r#"{"advance":60}"#).await;
    assert_eq!((check(&value).await, check(&fresh).await), (403, 200));
    let itself = json!({ "service": "default_demo", "name": "self", "permissions": "admin" });
    let (_, itself) = post(&server, "/token/authkey/create", ADMIN_KEY, itself).await;
    let (own, number) = (itself["value"].as_str().expect("text"), &itself["authkey"]);
    for (overlap, expected) in [(0, 400), (60, 200)] {
        let call = json!({
            "service": "default_demo", "authkey": number, "overlap": overlap, "idempotencyKey": format!("b{overlap}"),
        });
        let (status, answer) = post(&server, "/token/authkey/rotate", own, call.clone()).await;
        assert_eq!(status, expected, "{answer}");
        assert_eq!(post(&server, "/token/authkey/rotate", own, call).await, (expected, answer), "the same again");
    }
    let revoke = json!({ "service": "default_demo", "authkey": rotated["authkey"] });
    assert_eq!(post(&server, "/token/authkey/revoke", ADMIN_KEY, revoke).await, (200, json!({ "revoked": true })));
    assert_eq!(check(&fresh).await, 403);
    let (_, list) = get(&server, "/token/authkey/list?service=default_demo&", ADMIN_KEY).await;
    let items = list["items"].as_array().expect("a list");
    assert_eq!(
        (items.len() - 2, &items[0]["name"], &items[0]["scope"]),
        (2, &json!("door"), &json!({ "service": "default_demo" }))
    );
    assert_eq!((&items[0]["permissions"], &items[0]["replacedBy"]), (&json!(["status"]), &rotated["authkey"]));
    assert!(!list.to_string().contains(&value) && !list.to_string().contains(&fresh));
    for (member, wrong) in [
        ("permissions", json!(["root"])),
        ("permissions", json!([])),
        ("networks", json!(["10.0.0.1/8"])),
        ("networks", json!(["nowhere"])),
        ("value", json!("short")),
        ("value", json!("not an authkey at all")),
        ("expiresAt", json!(5)),
    ] {
        let mut new = json!({ "service": "default_demo", "name": "x", "permissions": "basic" });
        new[member] = wrong;
        assert_eq!(post(&server, "/token/authkey/create", ADMIN_KEY, new.clone()).await.0, 400, "{new}");
    }
    let taken = json!({ "service": "default_demo", "name": "x", "permissions": "basic", "value": STATUS_KEY });
    assert_eq!(post(&server, "/token/authkey/create", ADMIN_KEY, taken).await.0, 400, "the value is in use");
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_and_nobody_reaches_other_peoples_authkeys() {
    let server = Server::start().await;
    let few = json!({ "service": "default_demo", "name": "few", "permissions": ["services", "status"] });
    let (_, few) = post(&server, "/token/authkey/create", ADMIN_KEY, few).await;
    let few = few["value"].as_str().expect("text");
    for (path, call) in [
        ("/token/authkey/create", json!({ "service": "default_demo", "name": "x", "permissions": ["delete"] })),
        ("/token/authkey/create", json!({ "service": "default_demo", "name": "x", "permissions": "admin" })),
        ("/token/authkey/create", json!({ "subscription": "default", "name": "x", "permissions": ["status"] })),
        ("/token/service/create", json!({ "service": "default_new" })),
        ("/token/subscription/create", json!({ "name": "other" })),
    ] {
        assert_eq!(post(&server, path, few, call.clone()).await.0, 403, "{path} {call}");
    }
    let same = json!({ "service": "default_demo", "name": "x", "permissions": ["status"] });
    assert_eq!(post(&server, "/token/authkey/create", few, same).await.0, 200);
    let (_, all) = get(&server, "/token/authkey/list?subscription=default&", ADMIN_KEY).await;
    let admin = all["items"].as_array().expect("a list").iter().find(|it| it["scope"]["subscription"] == "default");
    let number = &admin.expect("the tenant's authkeys")["authkey"];
    for path in ["/token/authkey/revoke", "/token/authkey/rotate"] {
        let call = json!({ "service": "default_demo", "authkey": number });
        let (status, answer) = post(&server, path, few, call).await;
        assert_eq!(
            (status, &answer["error"]),
            (404, &json!("unknown-authkey")),
            "{path}: it is not one of the service"
        );
        let call = json!({ "service": "default_demo", "authkey": 999 });
        assert_eq!(post(&server, path, few, call).await, (status, answer), "{path}: others look like none");
        let call = json!({ "service": "default_demo", "authkey": 0 });
        assert_eq!(post(&server, path, few, call).await.0, 400, "{path}: there is no such number");
    }
}

#[tokio::test]
async fn subscriptions_are_for_authkeys_of_the_instance() {
    let server = Server::start().await;
    let new = json!({ "name": "clinic-north", "idempotencyKey": "c" });
    let (status, made) = post(&server, "/token/subscription/create", INSTANCE_KEY, new.clone()).await;
    assert_eq!((status, &made["name"]), (200, &json!("clinic-north")), "{made}");
    assert_eq!(post(&server, "/token/subscription/create", INSTANCE_KEY, new).await.1, made);
    let (_, list) = get(&server, "/token/subscription/list?", INSTANCE_KEY).await;
    let names: Vec<_> = list["items"].as_array().expect("a list").iter().map(|it| it["name"].as_str()).collect();
    assert_eq!(names, [Some("clinic-north"), Some("default")]);
    for (path, call) in [
        ("/token/subscription/create", json!({ "name": "x" })),
        ("/token/subscription/delete", json!({ "name": "clinic-north" })),
    ] {
        assert_eq!(post(&server, path, ADMIN_KEY, call).await.0, 403, "{path}");
    }
    let delete =
        async |name: &str| post(&server, "/token/subscription/delete", INSTANCE_KEY, json!({ "name": name })).await.0;
    assert_eq!((delete("default").await, delete("clinic-north").await, delete("clinic-north").await), (400, 200, 404));
}

#[tokio::test]
async fn a_webhook_says_how_it_stands_and_can_be_tried() {
    let server = Server::start().await;
    let demo = json!({ "service": "default_demo" });
    let show = async || get(&server, "/token/webhook?service=default_demo&", ADMIN_KEY).await;
    assert_eq!(show().await.0, 400, "it has none");
    for call in ["test", "secret", "enable"] {
        assert_eq!(post(&server, &format!("/token/webhook/{call}"), ADMIN_KEY, demo.clone()).await.0, 400, "{call}");
    }
    let change = json!({ "service": "default_demo", "webhook": "https://127.0.0.1:9/x" });
    let (_, changed) = post(&server, "/token/service/update", ADMIN_KEY, change).await;
    let (status, state) = show().await;
    assert_eq!((status, &state["enabled"], &state["failures"]), (200, &json!(true), &json!(0)), "{state}");
    let (status, tried) = post(&server, "/token/webhook/test", ADMIN_KEY, demo.clone()).await;
    assert_eq!((status, &tried["delivered"]), (200, &json!(false)), "loopback is refused: {tried}");
    assert!(tried["error"].is_string(), "{tried}");
    let (_, renewed) = post(&server, "/token/webhook/secret", ADMIN_KEY, demo.clone()).await;
    assert!(renewed["secret"].is_string() && renewed["secret"] != changed["webhookSecret"], "{renewed}");
    assert_eq!(
        post(&server, "/token/webhook/enable", ADMIN_KEY, demo).await,
        (200, json!({ "enabled": true, "erased": 0 }))
    );
    assert_eq!(get(&server, "/token/webhook?service=default_demo&", STATUS_KEY).await.0, 403);
}

#[tokio::test]
async fn authkeys_of_the_whole_instance_are_left_to_the_operator() {
    let server = Server::start().await;
    let (status, listed) = get(&server, "/token/authkey/list?subscription=default&", INSTANCE_KEY).await;
    let numbers: Vec<u64> =
        listed["items"].as_array().expect("a list").iter().filter_map(|key| key["authkey"].as_u64()).collect();
    assert!(status == 200 && !numbers.is_empty(), "{listed}");
    let new = json!({ "name": "second", "permissions": "admin" });
    assert_eq!(post(&server, "/token/authkey/create", INSTANCE_KEY, new).await.0, 400);
    assert_eq!(get(&server, "/token/authkey/list?", INSTANCE_KEY).await.0, 400);
    for number in 1..=numbers.iter().max().map_or(9, |most| most + 9) {
        for (scope, name) in [("service", "default_demo"), ("subscription", "default")] {
            if !numbers.contains(&number) {
                let call = json!({ scope: name, "authkey": number });
                let (status, answer) = post(&server, "/token/authkey/revoke", INSTANCE_KEY, call).await;
                assert_eq!(status, 404, "{number}: {answer}");
            }
        }
    }
    assert_eq!(get(&server, "/token/subscription/list?", INSTANCE_KEY).await.0, 200, "it is still good");
}

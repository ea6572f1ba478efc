//! Every call of the table, with everything that can be wrong with it.

use serde_json::{Map, Value, json};

use super::support::{ADMIN_KEY, Answer, INSTANCE_KEY, STATUS_KEY, Server, State};
use crate::admin::{KeyScope, NewKey};
use crate::domain::permission::{Permission, Permissions};
use crate::http::{Kind, Parameter, Reach, Route, Verb, routes};

/// A value that is right in form for this parameter of this call.
fn sample(route: &Route, parameter: &Parameter) -> Value {
    match (parameter.name, parameter.kind) {
        ("service", _) if route.reach == Reach::ServiceToBe => json!("default_fresh"),
        ("networks", _) => json!(["192.0.2.0/24"]),
        ("permissions", Kind::Either(_)) => json!(["services"]),
        ("type", _) => json!("token.opened"),
        ("value", _) => json!("a-value-of-my-own-0"),
        ("email", _) => json!("joe@example.org"),
        ("password", _) => json!("correct horse battery staple"),
        ("name", Kind::Text { .. }) if route.path.starts_with("/auth/account") => json!("joe.doe"),
        ("name", Kind::Subscription) => json!("default"),
        (_, Kind::User) => json!("joe"),
        (_, Kind::Service) => json!("default_demo"),
        (_, Kind::Subscription) => json!("default"),
        (_, Kind::Authkey) => json!(ADMIN_KEY),
        (_, Kind::Text { .. }) => json!("a text"),
        (_, Kind::UrlOrNull(_)) => json!("https://hook.example/cardea"),
        (_, Kind::Word(words)) => json!(words[0]),
        (_, Kind::Hex(bytes)) => json!("0".repeat(2 * bytes)),
        (_, Kind::Idempotency) => json!("key-7"),
        (_, Kind::Cursor) => json!("AAAA"),
        (_, Kind::Flag) => json!(false),
        ("groups", Kind::Flags) => json!({ "7": true }),
        (_, Kind::Flags) => json!({ "notes": true }),
        (_, Kind::Object(_)) => json!({ "lang": "en_US" }),
        (_, Kind::OrNull(kind)) => sample(route, &Parameter { kind: *kind, ..*parameter }),
        (_, Kind::Number { least, .. }) => json!(least),
        (_, Kind::List { each, .. }) => json!([sample(route, &Parameter::required("", *each))]),
        (_, Kind::Record(parameters)) => {
            let members = parameters.iter().filter(|member| member.required);
            members.map(|member| (member.name.to_owned(), sample(route, member))).collect::<Map<_, _>>().into()
        }
        (_, Kind::Either(kinds)) => sample(route, &Parameter::required("", kinds[0])),
    }
}

/// The parameters of a call that is right in form.
fn call(route: &Route) -> Map<String, Value> {
    let one_of: &[&str] = match route.reach {
        Reach::ServiceOrSubscription => &["service"],
        _ if route.path == "/token/enroll" => &["id"],
        _ if route.path == "/token/audit/proof" => &["event"],
        _ => &[],
    };
    let wanted = |parameter: &&Parameter| parameter.required || one_of.contains(&parameter.name);
    route.parameters.iter().filter(wanted).map(|it| (it.name.to_owned(), sample(route, it))).collect()
}

fn encoded(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The request for a call, with a key in the Authorization header.
fn request(route: &Route, members: &Map<String, Value>, key: &str) -> String {
    match route.verb {
        Verb::Get => {
            let pairs = members.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
            let query = pairs.collect::<Vec<_>>().join("&");
            raw_get(route, &query, key)
        }
        Verb::Post => raw_post(route, &Value::Object(members.clone()).to_string(), key),
    }
}

fn raw_get(route: &Route, query: &str, key: &str) -> String {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let head = format!("GET {}{query} HTTP/1.1\r\nHost: x\r\n", route.path);
    format!("{head}Authorization: apikey {key}\r\nConnection: close\r\n\r\n")
}

fn raw_post(route: &Route, body: &str, key: &str) -> String {
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", route.path, body.len());
    format!("{head}Authorization: apikey {key}\r\nConnection: close\r\n\r\n{body}")
}

/// A key that may make the call, as far as its scope goes.
fn scoped_key(route: &Route) -> &'static str {
    match route.reach {
        Reach::Instance | Reach::SubscriptionOrInstance => INSTANCE_KEY,
        _ => ADMIN_KEY,
    }
}

#[track_caller]
fn assert_bad(answer: &Answer, what: &str, why: &str) {
    assert_eq!(answer.status, 400, "{what}: {why}: {answer:?}");
    assert!(!answer.body.contains('1') && answer.body.contains("bad-call"), "{what}: {why}: {answer:?}");
    assert_eq!(answer.header("connection"), Some("close"), "{what}: {why}: {answer:?}");
}

#[test]
fn no_two_calls_share_method_and_path_and_every_path_is_below_token_or_auth() {
    let mut seen = std::collections::HashSet::new();
    for route in routes() {
        assert!(route.path.starts_with("/token/") || route.path.starts_with("/auth/"), "{}", route.path);
        assert!(seen.insert((route.verb == Verb::Get, route.path)), "{}", route.path);
        let mut names: Vec<_> = route.all_parameters().map(|parameter| parameter.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{}", route.path);
    }
}

#[tokio::test]
async fn each_call_is_allowed_by_its_own_permission_alone() {
    let server = Server::start_unlimited().await;
    let mut keys = Vec::new();
    for permission in Permission::ALL.iter().copied() {
        let permissions: Permissions = [permission].into_iter().collect();
        let mut made = Vec::new();
        for scope in [KeyScope::Subscription("default".to_owned()), KeyScope::Instance] {
            made.push(server.key(NewKey::new(scope, "one", permissions)).await);
        }
        keys.push((permission, made));
    }
    for route in routes() {
        server.token("joe", State::Closed).await;
        for (permission, made) in &keys {
            let needs_instance = matches!(route.reach, Reach::Instance | Reach::SubscriptionOrInstance);
            let answer = server.head(&request(route, &call(route), &made[usize::from(needs_instance)])).await;
            let what = format!("{} with {permission:?}: {answer:?}", route.path);
            let forbidden = answer.status == 403 && answer.body.contains("\"forbidden\"");
            assert_eq!(forbidden, *permission != route.permission, "{what}");
            assert!(answer.status < 500, "{what}");
        }
    }
}

#[tokio::test]
async fn an_authkey_of_another_service_or_subscription_is_refused_whatever_exists() {
    let server = Server::start_unlimited().await;
    server.create_service("other_demo").await;
    server.create_service("default_other").await;
    let mut keys = Vec::new();
    for scope in [KeyScope::Subscription("other".to_owned()), KeyScope::Service("default_other".to_owned())] {
        keys.push(server.key(NewKey::new(scope, "foreign", Permissions::ADMIN)).await);
    }
    keys.push("unknown-key-000000".to_owned());
    keys.push("no key".to_owned());
    for route in routes() {
        for key in &keys {
            for (service, subscription) in [("default_demo", "default"), ("default_none", "none")] {
                let mut members = call(route);
                if let Some(value) = members.get_mut("service") {
                    *value = service.into();
                }
                if let Some(value) = members.get_mut("subscription") {
                    *value = subscription.into();
                }
                let answer = server.head(&request(route, &members, key)).await;
                assert_eq!(answer.status, 403, "{} {key}: {answer:?}", route.path);
                assert!(answer.body.contains("\"forbidden\"") && !answer.body.contains('1'), "{answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_parameter_may_be_wrong_in_every_way_and_is_then_refused_by_name() {
    let server = Server::start_unlimited().await;
    server.token("joe", State::Closed).await;
    for route in routes() {
        for parameter in route.all_parameters() {
            let what = format!("{} {}", route.path, parameter.name);
            let name = parameter.name;
            for key in [scoped_key(route), "wrong-key-00000000"] {
                let mut good = call(route);
                if parameter.required {
                    good.remove(name);
                    assert_bad(&server.head(&request(route, &good, key)).await, &what, "missing");
                }
                for (why, text) in wrong(route, parameter) {
                    let mut members = call(route);
                    members.remove(name);
                    let answer = server.head(&request_with(route, &members, name, &text, key)).await;
                    assert_bad(&answer, &what, why);
                    assert!(
                        answer.body.contains(&format!("`{name}`")) || why == "encoding",
                        "{what} {why}: {answer:?}"
                    );
                }
                let mut members = call(route);
                members.remove(name);
                let value = sample(route, parameter);
                let twice = match route.verb {
                    Verb::Get => format!("{}&{name}={}", encoded(&value), encoded(&value)),
                    Verb::Post => format!("{value},\"{name}\":{value}"),
                };
                assert_bad(&server.head(&request_with(route, &members, name, &twice, key)).await, &what, "repeated");
            }
        }
        let mut members = call(route);
        members.insert("extra".to_owned(), json!("x"));
        assert_bad(&server.head(&request(route, &members, scoped_key(route))).await, route.path, "unknown member");
    }
    assert_eq!(server.status("joe").await, 2, "nothing has happened");
}

/// The request with one more member as it stands, for what no JSON library would write.
fn request_with(route: &Route, members: &Map<String, Value>, name: &str, text: &str, key: &str) -> String {
    match route.verb {
        Verb::Get => {
            let pairs = members.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
            let pairs: Vec<_> = pairs.chain([format!("{name}={text}")]).collect();
            raw_get(route, &pairs.join("&"), key)
        }
        Verb::Post => {
            let members = Value::Object(members.clone()).to_string();
            let comma = if members == "{}" { "" } else { "," };
            raw_post(route, &format!("{}{comma}\"{name}\":{text}}}", &members[..members.len() - 1]), key)
        }
    }
}

/// Texts that are no value of this parameter, each with what is wrong.
fn wrong(route: &Route, parameter: &Parameter) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if route.verb == Verb::Get {
        wrong.extend(["%", "%4", "%zz", "%ff", "%c3"].map(|text| ("encoding", text.to_owned())));
        match parameter.kind {
            // What no authkey can be is an unknown one.
            Kind::Authkey => return wrong,
            Kind::User | Kind::Text { .. } => {}
            _ => wrong.push(("another type", "a%20b!".to_owned())),
        }
        wrong.push(("empty", String::new()));
        wrong.push(("too long", "9".repeat(2_000)));
        return wrong;
    }
    let types: &[&str] = match parameter.kind {
        Kind::Authkey => return [("type", "7"), ("type", "null"), ("type", "[]")].map(|(a, b)| (a, b.into())).into(),
        Kind::Flag => &["\"true\"", "0", "null", "[]", "{}"],
        Kind::Number { .. } => &["\"7\"", "-5", "0.5", "null", "true", "99999999999999999999"],
        Kind::List { .. } => &["\"joe\"", "7", "null", "{}", "[]", "[null]", "[[]]"],
        Kind::Record(_) => &["[]", "7"],
        Kind::UrlOrNull(_) => &["7", "true", "\"\""],
        Kind::OrNull(Kind::Number { .. }) => &["\"7\"", "-5", "0.5", "true", "99999999999999999999"],
        Kind::OrNull(_) => &["7", "true", "\"\""],
        Kind::Flags => &["7", "null", "[]", "{\"7\":1}", "{\"7\":true,\"7\":true}"],
        Kind::Object(_) => &["7", "null", "[]", "{\"a\":1,\"a\":1}", "{\"a\":[{\"b\":1,\"b\":2}]}"],
        Kind::Either(_) => &["7", "null", "true", "{}", "\"\""],
        _ => &["7", "null", "true", "[\"joe\"]", "{\"a\":\"b\"}", "\"\""],
    };
    wrong.extend(types.iter().map(|text| ("another type", (*text).to_owned())));
    if !matches!(parameter.kind, Kind::Flag | Kind::Number { .. } | Kind::Record(_) | Kind::List { .. }) {
        wrong.push(("too long", format!("\"{}\"", "9".repeat(3_000))));
    }
    wrong
}

#[tokio::test]
async fn odd_user_ids_arrive_as_they_are_whatever_the_call() {
    let server = Server::start_unlimited().await;
    let ids = [
        "joe+t@x.com",
        "José",
        "joe b",
        "a[1]",
        "o'b",
        "joe&service=zz",
        "joe#1",
        "nul\0nul",
        "%41",
        "😀",
        "é".repeat(127).as_str(),
    ]
    .map(str::to_owned);
    for id in ids {
        server.token(&id, State::Closed).await;
        for route in routes() {
            if !route.parameters.iter().any(|parameter| parameter.name == "id") || route.path == "/token/delete" {
                continue;
            }
            let mut members = call(route);
            members.insert("id".to_owned(), id.as_str().into());
            if route.path == "/token/enroll" {
                members.insert("replaceDevice".to_owned(), true.into());
            }
            let answer = server.head(&request(route, &members, ADMIN_KEY)).await;
            // Found: what else the call wants may be missing.
            assert!(
                matches!(answer.status, 200 | 204 | 400)
                    || answer.body.contains("unknown-device")
                    || answer.body.contains("not-open"),
                "{} {id:?}: {answer:?}",
                route.path
            );
            if route.path == "/token/enroll" {
                continue;
            }
            members.insert(
                "id".to_owned(),
                format!("{}x", &id[..id.char_indices().last().map_or(0, |(at, _)| at)]).into(),
            );
            let other = server.head(&request(route, &members, ADMIN_KEY)).await;
            assert!(other.body.contains("unknown-token"), "{} {id:?}: {other:?}", route.path);
        }
        let gone = request(
            routes().iter().find(|route| route.path == "/token/delete").expect("there"),
            &json!({ "id": id, "service": "default_demo" }).as_object().expect("an object").clone(),
            ADMIN_KEY,
        );
        assert_eq!(server.raw(&gone).await.status, 200, "{id:?}");
        assert_eq!(server.raw(&gone).await.status, 404, "{id:?}");
    }
}

#[tokio::test]
async fn the_wrong_method_is_refused_with_the_right_ones_everywhere() {
    let server = Server::start_unlimited().await;
    for route in routes() {
        let both = routes().iter().filter(|other| other.path == route.path).count() == 2;
        let allow = match (both, route.verb) {
            (true, _) => "GET, POST",
            (false, Verb::Get) => "GET",
            (false, Verb::Post) => "POST",
        };
        let methods: &[&str] = if both {
            &["HEAD", "PUT"]
        } else if route.verb == Verb::Get {
            &["HEAD", "POST"]
        } else {
            &["GET", "HEAD"]
        };
        for method in methods {
            let head = format!("{method} {} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n", route.path);
            let answer = server.raw(&format!("{head}Authorization: apikey {STATUS_KEY}\r\n\r\n")).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {}", route.path);
        }
    }
}

//! `/{instance}/auth/v1`: the calls of ZeyOS's document as they are printed, and what can be wrong with them.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::support::{ADMIN_KEY, Answer, Server};
use crate::admin::{AccountChange, Actor, Application, NewPerson, SignIn};
use crate::domain::account::{AccountRights, AccountState};
use crate::password::Cost;

const PASSWORD: &str = "MySecretPwd-of-Max";
const WRONG: &str = "Unauthorized: Invalid credentials";
const BAD_TOKEN: &str = "Unauthorized: Invalid token for bearer authentication";

/// A server with the account that the document has.
async fn server() -> (Server, u64) {
    limited(|_| {}).await
}

async fn limited(change: impl FnOnce(&mut crate::config::LimitsConfig)) -> (Server, u64) {
    let server = Server::start_limited(|config| {
        let limits = &mut config.limits;
        (limits.wrong_authkeys, limits.wrong_passwords_per_address) = (0, 0);
        (limits.wrong_passwords_per_name, limits.wrong_passwords_per_application) = (0, 0);
        config.password.memory_kib = Cost::TEST.memory;
        config.password.passes = Cost::TEST.passes;
        change(limits);
    })
    .await;
    let settings = json!({ "lang": "de_DE", "columns": [1, 2.5, -3] });
    let new = NewPerson {
        email: Some("max.power@company.com".to_owned()),
        password: Some(PASSWORD.to_owned().into()),
        rights: AccountRights {
            admin: false,
            restricted: true,
            groups: [(1, true), (7, false), (13, true)].into(),
            words: [("billing", false), ("enroll", true), ("status", true)]
                .map(|(word, is)| (word.to_owned(), is))
                .into(),
        },
        contact: Some(42),
        settings: settings.as_object().expect("an object").clone(),
        ..NewPerson::new("default", "max.power")
    };
    let account = server.admin.create_account(new, Actor::Operator).await.expect("a new account");
    (server, account.number)
}

impl Server {
    /// A call with this method and, if it has one, this Authorization header.
    async fn auth(&self, method: &str, path: &str, authorization: Option<&str>) -> Answer {
        let authorization = authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        self.raw(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{authorization}Connection: close\r\n\r\n")).await
    }

    async fn form(&self, instance: &str, form: &str) -> Answer {
        self.body(instance, "application/x-www-form-urlencoded", form).await
    }

    async fn body(&self, instance: &str, kind: &str, body: &str) -> Answer {
        let head = format!("POST /{instance}/auth/v1/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        let length = body.len();
        self.raw(&format!("{head}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")).await
    }

    /// The token of a session of the account, with this identifier.
    async fn signed_in(&self, identifier: &str) -> String {
        let form = format!("name=max.power&password={PASSWORD}&identifier={identifier}");
        let answer = self.form("default", &form).await;
        answer.json()["token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    async fn application(&self) -> (Application, String) {
        let made = self.admin.create_application("default", "an app", Actor::Operator).await.expect("an application");
        (made.application, made.secret.as_str().to_owned())
    }
}

fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{login}:{password}").as_bytes()))
}

#[track_caller]
fn assert_text(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, text), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{answer:?}");
    assert_headers(answer);
}

#[track_caller]
fn assert_headers(answer: &Answer) {
    for (name, value) in [
        ("cache-control", "no-cache, no-store"),
        ("expires", "Fri, 29 Aug 1997 07:14:00 GMT"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} {answer:?}");
    }
}

#[tokio::test]
async fn the_steps_of_the_document_work_as_printed() {
    let (server, user) = server().await;
    let login = format!("name=max.power&password={PASSWORD}&identifier=MyDevice");
    let answer = server.form("default", &login).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_headers(&answer);
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    assert!(token.len() == 40 && token.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{token}");
    let expected = "\"application\":null,\"token\":\"TOKEN\",\"identifier\":\"MyDevice\",\"expdate\":null}";
    assert_eq!(answer.body.replace(&token, "TOKEN"), format!("{{\"user\":{user},{expected}"));

    let bearer = format!("Bearer {token}");
    let answer = server.auth("GET", "/default/auth/v1/", Some(&bearer)).await;
    assert_eq!(answer.status, 200);
    assert_headers(&answer);
    let info = json!({
        "auth": { "user": user, "application": null, "lang": "de_DE" },
        "user": user, "contact": 42, "name": "max.power", "email": "max.power@company.com",
    });
    assert_eq!(answer.json(), info);
    let answer = server.auth("GET", "/default/auth/v1/?access=1&settings=1", Some(&bearer)).await;
    let mut whole = info;
    whole["admin"] = false.into();
    whole["nopublic"] = true.into();
    whole["apionly"] = false.into();
    whole["groups"] = json!({ "1": true, "7": false, "13": true });
    whole["permissions"] = json!({ "billing": false, "enroll": true, "status": true });
    whole["settings"] = json!({ "lang": "de_DE", "columns": [1, 2.5, -3] });
    assert_eq!(answer.json(), whole);

    for path in ["/default/auth/v1/", "/default/auth/v1"] {
        let answer = server.auth("HEAD", path, Some(&bearer)).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    let answer = server.auth("GET", "/default/auth/v1/logout", Some(&bearer)).await;
    assert_eq!((answer.status, answer.body.as_str(), answer.header("content-length")), (205, "", Some("0")));
    for (method, path) in
        [("GET", "/default/auth/v1/"), ("HEAD", "/default/auth/v1/"), ("GET", "/default/auth/v1/logout")]
    {
        let answer = server.auth(method, path, Some(&bearer)).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        let challenge = "Bearer realm=\"default\", error=\"invalid_token\"";
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{answer:?}");
        if method == "GET" {
            assert_text(&answer, 401, BAD_TOKEN);
        }
    }
}

#[tokio::test]
async fn an_application_names_itself_by_its_appsecret() {
    let (server, user) = server().await;
    let (application, secret) = server.application().await;
    let body = json!({
        "name": "MAX.Power@company.com", "password": PASSWORD, "identifier": "95418037-cd82-4ab2-992a-e01370865286",
        "appsecret": secret, "expdate": 1_900_000_000, "otp": null, "client": "something else",
    });
    let answer = server.body("default", "application/json; charset=utf-8", &body.to_string()).await;
    let said = answer.json();
    let parts = [&said["user"], &said["application"], &said["expdate"]];
    assert_eq!(parts.map(Value::as_u64), [Some(user), Some(application.number), Some(1_900_000_000)], "{answer:?}");
    let bearer = format!("bearer {}", said["token"].as_str().expect("a token"));
    let info = server.auth("GET", "/default/auth/v1/", Some(&bearer)).await.json();
    assert_eq!(info["auth"]["application"], application.number);

    // Another appsecret ends nothing; an application that is not active ends everything at once.
    server.admin.renew_appsecret("default", application.number, Actor::Operator).await.expect("renewed");
    assert_eq!(server.auth("HEAD", "/default/auth/v1/", Some(&bearer)).await.status, 204);
    let again = server.body("default", "application/json", &body.to_string()).await;
    assert_text(&again, 401, WRONG);
    let inactive = server.admin.update_application("default", application.number, None, Some(false), Actor::Operator);
    inactive.await.expect("updated");
    assert_eq!(server.auth("HEAD", "/default/auth/v1/", Some(&bearer)).await.status, 401);
}

#[tokio::test]
async fn nobody_is_told_what_was_wrong_with_a_sign_in() {
    let (server, user) = server().await;
    let (_, secret) = server.application().await;
    let suspended = || AccountChange { state: Some(AccountState::Suspended), ..AccountChange::default() };
    let wrong = [
        "name=max.power&password=wrong&identifier=d".to_owned(),
        format!("name=nobody&password={PASSWORD}&identifier=d"),
        format!("name=%00&password={PASSWORD}&identifier=d"),
        format!("name={}&password={PASSWORD}&identifier=d", "a".repeat(5_000)),
        format!("name=max.power&password={}&identifier=d", "a".repeat(5_000)),
        format!("name=max.power&password={PASSWORD}&identifier=d&appsecret={}", "0".repeat(40)),
        format!("name=max.power&password=wrong&identifier=d&appsecret={secret}"),
    ];
    let mut answers = Vec::new();
    for form in &wrong {
        answers.push(server.form("default", form).await);
    }
    server.admin.update_account("default", user, suspended(), Actor::Operator).await.expect("suspended");
    answers.push(server.form("default", &format!("name=max.power&password={PASSWORD}&identifier=d")).await);
    for answer in answers {
        assert_text(&answer, 401, WRONG);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"default\""));
    }
}

#[tokio::test]
async fn malformed_calls_are_told_what_to_change() {
    let (server, _) = server().await;
    let right = format!("name=max.power&password={PASSWORD}&identifier=d");
    for (form, says) in [
        (format!("password={PASSWORD}&identifier=d"), "`name` is missing"),
        ("name=max.power&identifier=d".to_owned(), "`password` is missing"),
        (format!("name=max.power&password={PASSWORD}"), "`identifier` is missing"),
        (format!("{right}&name=joe"), "a member is repeated"),
        (format!("name=max.power&password={PASSWORD}&identifier=a%2Fb"), "an identifier is one to 128"),
        (format!("{right}&expdate=soon"), "`expdate` must be a whole number"),
        (format!("{right}&expdate=-5"), "`expdate` must be a whole number"),
        (format!("{right}&expdate=872838840"), "`expdate` is in the past"),
        (format!("{right}&x=%zz"), "a parameter has a broken encoding"),
    ] {
        let answer = server.form("default", &form).await;
        assert_eq!(answer.status, 400, "{form} {answer:?}");
        assert!(answer.body.starts_with("Bad Request: ") && !answer.body.contains('1'), "{form} {answer:?}");
        assert!(answer.body.contains(&says.replace("128", &crate::http::spell::spell(128))), "{form} {answer:?}");
        assert_headers(&answer);
    }
    for (kind, body) in [("text/plain", right.as_str()), ("application/json", right.as_str()), ("", "")] {
        assert_eq!(server.body("default", kind, body).await.status, 400, "{kind}");
    }
    let huge = format!("{right}&x={}", "a".repeat(100_000));
    assert_eq!(server.form("default", &huge).await.status, 413);
    for query in ["?access=2", "?access=1&access=1", "?other=1", "?access"] {
        let answer = server.auth("GET", &format!("/default/auth/v1/{query}"), Some("Bearer x")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    for value in ["Bearer", "Digest x", "apikey status-key-012345", "Basic !", "Bearer a\r\nAuthorization: Bearer b"] {
        let answer = server.auth("GET", "/default/auth/v1/", Some(value)).await;
        assert_eq!(answer.status, 400, "{value}");
    }
    for instance in ["nobody", "Default", "a%0d%0ab", "%ff"] {
        let answer = server.form(instance, &right).await;
        assert!([400, 404].contains(&answer.status) && answer.header("www-authenticate").is_none(), "{answer:?}");
        let answer = server.auth("GET", &format!("/{instance}/auth/v1/"), None).await;
        assert!([400, 401].contains(&answer.status), "{answer:?}");
    }
}

#[tokio::test]
async fn other_methods_and_browsers_are_told_what_there_is() {
    let (server, _) = server().await;
    for (method, path, allow) in [
        ("POST", "/default/auth/v1/", "GET, HEAD, OPTIONS"),
        ("GET", "/default/auth/v1/login", "POST, OPTIONS"),
        ("HEAD", "/default/auth/v1/logout", "GET, OPTIONS"),
        ("DELETE", "/default/auth/v1/logout", "GET, OPTIONS"),
    ] {
        let answer = server.auth(method, path, None).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    for (path, methods) in
        [("/default/auth/v1/", "GET, HEAD"), ("/default/auth/v1/login", "POST"), ("/default/auth/v1/logout", "GET")]
    {
        let answer = server.auth("OPTIONS", path, None).await;
        assert_eq!((answer.status, answer.header("access-control-allow-methods")), (204, Some(methods)));
        assert_eq!(answer.header("access-control-allow-headers"), Some("Authorization, Content-Type"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert_headers(&answer);
    }
    assert_text(
        &server.auth("GET", "/default/auth/v1/other", None).await,
        404,
        "Not Found: there is nothing at this path",
    );
    assert_eq!(server.get("/default/auth/v1").await.status, 401);
}

#[tokio::test]
async fn credentials_are_told_apart_and_nothing_needs_to_be_ended_twice() {
    let (server, user) = server().await;
    let right = basic("max.power", PASSWORD);
    let info = server.auth("GET", "/default/auth/v1/", Some(&right)).await.json();
    assert_eq!((info["user"].as_u64(), &info["auth"]["application"]), (Some(user), &Value::Null));
    assert_eq!(server.auth("HEAD", "/default/auth/v1/", Some(&right)).await.status, 204);
    assert_eq!(server.auth("GET", "/default/auth/v1/logout", Some(&right)).await.status, 204);
    assert_eq!(server.auth("GET", "/default/auth/v1/logout", None).await.status, 204);
    let wrong = basic("max.power", "wrong");
    assert_text(&server.auth("GET", "/default/auth/v1/", Some(&wrong)).await, 401, WRONG);
    assert_text(&server.auth("GET", "/default/auth/v1/logout", Some(&wrong)).await, 401, WRONG);
    assert_text(&server.auth("GET", "/default/auth/v1/", None).await, 401, "Unauthorized: Missing credentials");
    for token in ["0".repeat(40), "x".to_owned(), ADMIN_KEY.to_owned()] {
        let answer = server.auth("GET", "/default/auth/v1/", Some(&format!("Bearer {token}"))).await;
        assert_text(&answer, 401, BAD_TOKEN);
    }
    // A session of one subscription is none of another.
    server.admin.create_subscription("other", Actor::Operator).await.expect("a subscription");
    let bearer = format!("Bearer {}", server.signed_in("one").await);
    assert_text(&server.auth("GET", "/other/auth/v1/", Some(&bearer)).await, 401, BAD_TOKEN);
    assert_text(&server.auth("GET", "/other/auth/v1/logout", Some(&bearer)).await, 401, BAD_TOKEN);
    assert_eq!(server.auth("HEAD", "/default/auth/v1/", Some(&bearer)).await.status, 204);
}

#[tokio::test]
async fn a_session_is_renewed_by_its_own_identifier_and_ends_when_it_was_to_end() {
    let (server, user) = server().await;
    let (first, other) = (server.signed_in("one").await, server.signed_in("two").await);
    let again = server.signed_in("one").await;
    let is_good = async |token: &str| {
        server.auth("HEAD", "/default/auth/v1/", Some(&format!("Bearer {token}"))).await.status == 204
    };
    assert!(!is_good(&first).await && is_good(&other).await && is_good(&again).await);
    let end = server.now().get() + 60;
    let form = format!("name=max.power&password={PASSWORD}&identifier=short&expdate={end}");
    let short = server.form("default", &form).await.json()["token"].as_str().expect("a token").to_owned();
    server.advance(59);
    assert!(is_good(&short).await);
    server.advance(1);
    assert!(!is_good(&short).await && is_good(&other).await);
    server.admin.set_password("default", user, "another good password", Actor::Operator).await.expect("changed");
    assert!(!is_good(&other).await && !is_good(&again).await);
}

#[tokio::test]
async fn wrong_passwords_are_limited_by_name_address_and_application_and_right_ones_are_not() {
    let (server, _) = limited(|limits| limits.wrong_passwords_per_name = 3).await;
    for _ in 0..5 {
        server.signed_in("one").await;
    }
    for number in 0..3 {
        let answer = server.form("default", "name=Max.Power&password=wrong&identifier=d").await;
        assert_eq!(answer.status, 401, "{number}");
    }
    // Now a right one is not heard either, whichever way it is said.
    let form = format!("name=max.power&password={PASSWORD}&identifier=d");
    let answer = server.form("default", &form).await;
    assert_text(&answer, 429, "Too Many Requests: there were too many calls of this kind, try again later");
    assert_eq!(answer.header("retry-after"), Some("60"));
    let right = basic("max.power", PASSWORD);
    assert_eq!(server.auth("GET", "/default/auth/v1/", Some(&right)).await.status, 429);
    let status = "/token/status?id=joe&service=default_demo";
    assert_eq!(server.auth("GET", status, Some(&right)).await.status, 429);
    server.advance(60);
    assert_eq!(server.form("default", &form).await.status, 200);

    let (server, _) = limited(|limits| limits.wrong_passwords_per_address = 2).await;
    for name in ["a", "b"] {
        assert_eq!(server.form("default", &format!("name={name}&password=wrong&identifier=d")).await.status, 401);
    }
    assert_eq!(server.form("default", &form).await.status, 429);
    // Who was signed in before is not kept out by others behind the same address.
    assert_eq!(server.auth("GET", "/default/auth/v1/", Some("Bearer x")).await.status, 401);

    let (server, _) = limited(|limits| limits.wrong_passwords_per_application = 1).await;
    let (_, secret) = server.application().await;
    let wrong = format!("name=a&password=wrong&identifier=d&appsecret={secret}");
    let right = format!("{form}&appsecret={secret}");
    assert_eq!(server.form("default", &wrong).await.status, 401);
    assert_eq!((server.form("default", &right).await.status, server.form("default", &form).await.status), (429, 200));
}

#[tokio::test]
async fn whoever_is_signed_in_may_call_the_token_api_as_far_as_their_permissions_go() {
    let (server, user) = server().await;
    server.token("joe", super::support::State::Closed).await;
    let token = server.signed_in("one").await;
    let status = "/token/status?id=joe&service=default_demo";
    let right = basic("max.power@company.com", PASSWORD);
    for authorization in [format!("Bearer {token}"), right] {
        let answer = server.auth("GET", status, Some(&authorization)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{\"status\":2}"), "{authorization}");
        let detail = "/token/enroll/progress?id=joe&service=default_demo";
        assert_eq!(server.auth("GET", detail, Some(&authorization)).await.status, 200);
        // Nothing else was given to the account, and nothing of another subscription.
        let list = "/auth/account/list?subscription=default";
        assert_eq!(server.auth("GET", list, Some(&authorization)).await.status, 403, "{authorization}");
        let elsewhere = "/token/status?id=joe&service=other_demo";
        assert_eq!(server.auth("GET", elsewhere, Some(&authorization)).await.status, 403, "{authorization}");
        let instance = "/token/subscription/list";
        assert_eq!(server.auth("GET", instance, Some(&authorization)).await.status, 403, "{authorization}");
    }
    // A token is no authkey, and one that is over is nothing.
    let answer = server.get(&format!("{status}&authKey={token}")).await;
    assert_eq!(answer.status, 403);
    server.admin.end_sessions("default", user, Actor::Operator).await.expect("ended");
    for path in [status, "/token/enroll/progress?id=joe&service=default_demo"] {
        let answer = server.auth("GET", path, Some(&format!("Bearer {token}"))).await;
        assert_eq!((answer.status, &answer.json()["error"]), (403, &json!("forbidden")), "{answer:?}");
    }
    assert_eq!(server.auth("GET", status, Some(&basic("max.power", "wrong"))).await.status, 403);
}

#[tokio::test]
async fn an_administrator_manages_accounts_and_applications_by_bearer() {
    let (server, user) = server().await;
    let change = AccountChange { admin: Some(true), ..AccountChange::default() };
    server.admin.update_account("default", user, change, Actor::Operator).await.expect("changed");
    let bearer = format!("Bearer {}", server.signed_in("console").await);
    let post = async |path: &str, body: Value| {
        let (body, length) = (body.to_string(), body.to_string().len());
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {bearer}\r\n");
        server.raw(&format!("{head}Content-Length: {length}\r\n\r\n{body}")).await
    };
    let new = json!({
        "subscription": "default", "name": "joe", "password": "correct horse battery staple", "kind": "guest",
        "groups": { "7": true }, "permissions": { "notes": true }, "settings": { "theme": -1.5 }, "contact": null,
        "idempotencyKey": "key-7",
    });
    let made = post("/auth/account/create", new.clone()).await;
    assert_eq!(
        (made.status, &made.json()["name"], &made.json()["groups"]),
        (200, &json!("joe"), &json!({ "7": true }))
    );
    assert_eq!(post("/auth/account/create", new).await.body, made.body);
    let number = made.json()["account"].clone();
    let which = json!({ "subscription": "default", "account": number });
    let with = |member: &str, value: Value| {
        let mut body = which.clone();
        body[member] = value;
        body
    };
    let changed = post("/auth/account/update", with("email", json!("joe@example.org"))).await.json();
    assert_eq!((&changed["email"], &changed["kind"]), (&json!("joe@example.org"), &json!("guest")));
    let changed = post("/auth/account/update", with("email", Value::Null)).await.json();
    assert_eq!(changed["email"], Value::Null);
    let weak = post("/auth/account/password", with("password", json!("password"))).await;
    assert_eq!((weak.status, &weak.json()["error"]), (400, &json!("bad-call")));
    assert_eq!(
        post("/auth/account/password", with("password", json!("staple battery horse correct"))).await.status,
        200
    );
    let listed = server.auth("GET", "/auth/account/list?subscription=default&limit=1", Some(&bearer)).await.json();
    assert_eq!(listed["items"][0]["account"], user);
    let next =
        format!("/auth/account/list?subscription=default&limit=1&cursor={}", listed["next"].as_str().expect("more"));
    let rest = server.auth("GET", &next, Some(&bearer)).await.json();
    assert_eq!((&rest["items"][0]["account"], &rest["next"]), (&number, &Value::Null));
    let found = server.auth("GET", "/auth/account/list?subscription=default&login=JOE", Some(&bearer)).await.json();
    assert_eq!(found["items"][0]["account"], number);
    let none = server.auth("GET", "/auth/account/list?subscription=default&login=eve", Some(&bearer)).await.json();
    assert_eq!(none, json!({ "items": [], "next": null }));
    assert_eq!(post("/auth/account/logout", which.clone()).await.json(), json!({ "ended": true }));
    assert_eq!(post("/auth/account/delete", which.clone()).await.json(), json!({ "deleted": true }));
    assert_eq!(post("/auth/account/delete", which).await.json()["error"], "unknown-account");

    let app = post("/auth/application/create", json!({ "subscription": "default", "name": "an app" })).await.json();
    let which = json!({ "subscription": "default", "application": app["application"] });
    let renewed = post("/auth/application/secret", which.clone()).await.json();
    assert!(renewed["appsecret"].is_string() && renewed["appsecret"] != app["appsecret"]);
    let mut off = which.clone();
    off["active"] = false.into();
    assert_eq!(post("/auth/application/update", off).await.json()["active"], false);
    let listed = server.auth("GET", "/auth/application/list?subscription=default", Some(&bearer)).await.json();
    assert!(listed["items"][0].get("appsecret").is_none() && listed["items"][0]["name"] == "an app");
    assert_eq!(post("/auth/application/delete", which).await.json(), json!({ "deleted": true }));
}

#[tokio::test]
async fn nobody_in_the_log_can_be_taken_for_somebody_else() {
    // What comes from a call is never a line or a header of its own.
    let (server, _) = server().await;
    let form = format!("name=max.power&password={PASSWORD}&identifier=a%0d%0aX-Evil%3a+b");
    let answer = server.form("default", &form).await;
    assert_eq!((answer.status, answer.header("x-evil")), (400, None));
    let call = SignIn {
        subscription: "default".to_owned(),
        login: "max.power".to_owned(),
        password: PASSWORD.to_owned().into(),
        identifier: "a\r\nb".to_owned(),
        appsecret: None,
        expires_at: None,
    };
    assert!(server.admin.sign_in(call).await.is_err());
}

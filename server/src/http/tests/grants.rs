//! `/v1/tokens`: every step of Zenoti's document, and what can be wrong with them.

use serde_json::{Value, json};

use super::support::{ADMIN_KEY, Answer, Server, State};
use crate::admin::{AccountChange, Actor, Application, NewPerson};
use crate::config::LimitsConfig;
use crate::domain::account::{AccountKind, AccountRights, AccountState};
use crate::password::Cost;
use crate::vault::EventKind;

const PASSWORD: &str = "MySecretPwd-of-Max";

struct Scene {
    server: Server,
    account: u64,
    application: Application,
    secret: String,
}

async fn scene() -> Scene {
    limited(|_| {}).await
}

async fn limited(change: impl FnOnce(&mut LimitsConfig)) -> Scene {
    let server = Server::start_limited(|config| {
        config.password.memory_kib = Cost::TEST.memory;
        config.password.passes = Cost::TEST.passes;
        let limits = &mut config.limits;
        (limits.wrong_passwords_per_name, limits.tokens_per_organization) = (0, 0);
        change(limits);
    })
    .await;
    let new = NewPerson {
        password: Some(PASSWORD.to_owned().into()),
        rights: AccountRights { words: [("status".to_owned(), true)].into(), ..AccountRights::default() },
        ..NewPerson::new("default", "max.power")
    };
    let account = server.admin.create_account(new, Actor::Operator).await.expect("an account").number;
    let made = server.admin.create_application("default", "an app", Actor::Operator).await.expect("an application");
    Scene { server, account, application: made.application, secret: made.secret.as_str().to_owned() }
}

impl Scene {
    fn call(&self) -> Value {
        json!({
            "account_name": "default", "user_name": "max.power", "password": PASSWORD, "grant_type": "password",
            "app_id": self.application.client_id().to_uppercase(), "app_secret": self.secret,
            "device_id": "the tablet at the door",
        })
    }

    async fn send(&self, method: &str, path: &str, authorization: &str, body: &str) -> Answer {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}");
        let length = body.len();
        self.server
            .raw(&format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"))
            .await
    }

    async fn post(&self, body: &Value) -> Answer {
        self.send("POST", "/v1/tokens", "", &body.to_string()).await
    }

    /// Access token and refresh token of a new sign-in.
    async fn tokens(&self, device: &str) -> (String, String) {
        let mut call = self.call();
        call["device_id"] = device.into();
        pair(&self.post(&call).await)
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.post(&json!({ "refresh_token": token, "grant_type": "refresh_token" })).await
    }

    /// Whether the token is good for what its account may do.
    async fn is_good(&self, token: &str) -> bool {
        let head = format!("Authorization: bearer {token}\r\n");
        match self.send("GET", "/token/status?id=joe&service=default_demo", &head, "").await.status {
            404 => true,
            403 => false,
            status => panic!("{status}"),
        }
    }

    async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send("DELETE", path, &format!("Authorization: bearer {token}\r\n"), "").await
    }

    async fn kinds(&self) -> Vec<EventKind> {
        self.server.happened().await
    }
}

#[track_caller]
fn pair(answer: &Answer) -> (String, String) {
    let said = answer.json();
    let text = |name: &str| said["credentials"][name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    let said = answer.json();
    assert_eq!(said["error"]["code"], status, "{answer:?}");
    assert!(said["error"]["message"].is_string() && said.get("credentials").is_none(), "{answer:?}");
}

#[tokio::test]
async fn the_steps_of_the_document_work_as_printed() {
    let scene = scene().await;
    let answer = scene.post(&scene.call()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let said = answer.json();
    assert_eq!(said["error"], Value::Null);
    let given = &said["credentials"];
    assert_eq!((&given["token_type"], &given["user_type"]), (&json!("bearer"), &json!("Employee")));
    assert_eq!(given["app_id"], scene.application.client_id());
    assert_eq!(given["access_token_expiry"], "2027-01-16T08:00:00Z");
    assert_eq!(given["refresh_token_expiry"], "2027-04-15T08:00:00Z");
    assert_eq!(given["token_id"].as_str().map(str::len), Some(36));
    let (access, refresh) = pair(&answer);
    assert!(scene.is_good(&access).await && !scene.is_good(&refresh).await, "a refresh token is for nothing else");

    // The organization's key is for everything, the token for what its account may do.
    scene.server.token("joe", State::Closed).await;
    let status = "/token/status?id=joe&service=default_demo";
    for authorization in [format!("apikey {ADMIN_KEY}"), format!("bearer {access}"), format!("Bearer {access}")] {
        let answer = scene.send("GET", status, &format!("Authorization: {authorization}\r\n"), "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{\"status\":2}"));
    }
    let detail = "/token/detail?id=joe&service=default_demo";
    let answer = scene.send("GET", detail, &format!("Authorization: bearer {access}\r\n"), "").await;
    assert_eq!(answer.status, 403);
    scene.server.admin.delete(&scene.server.demo().await, &user("joe"), Actor::Operator).await.expect("deleted");

    // A new pair, and the ones before it are over.
    let (newer, again) = pair(&scene.refresh(&refresh).await);
    assert!(!scene.is_good(&access).await && scene.is_good(&newer).await);
    let answer = scene.delete("/v1/tokens", &newer).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "error": null })));
    assert!(!scene.is_good(&newer).await);
    assert_refused(&scene.refresh(&again).await, 401);
}

fn user(name: &str) -> crate::domain::name::UserId {
    crate::domain::name::UserId::parse(name).expect("a user id")
}

#[tokio::test]
async fn a_refresh_token_that_is_shown_twice_ends_all_that_came_of_it() {
    let scene = scene().await;
    let (_, stolen) = scene.tokens("one").await;
    let (other, _) = scene.tokens("two").await;
    let (access, refresh) = pair(&scene.refresh(&stolen).await);
    let (access, refresh) = {
        assert!(scene.is_good(&access).await);
        pair(&scene.refresh(&refresh).await)
    };
    assert_refused(&scene.refresh(&stolen).await, 401);
    assert!(!scene.is_good(&access).await && scene.is_good(&other).await, "nothing of another device");
    assert_refused(&scene.refresh(&refresh).await, 401);
    assert!(scene.kinds().await.contains(&EventKind::TokenReused));
}

#[tokio::test]
async fn of_two_who_refresh_at_once_nobody_keeps_a_token_that_the_other_has() {
    let scene = scene().await;
    let (_, refresh) = scene.tokens("one").await;
    let (one, two) = tokio::join!(scene.refresh(&refresh), scene.refresh(&refresh));
    let done: Vec<_> = [one, two].into_iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(done.len(), 1);
    assert!(!scene.is_good(&pair(&done[0]).0).await, "the second one was a reuse");
}

#[tokio::test]
async fn tokens_end_with_time_a_new_sign_in_the_password_the_account_and_the_application() {
    let scene = scene().await;
    let admin = &scene.server.admin;
    let (access, refresh) = scene.tokens("one").await;
    let (again, _) = scene.tokens("one").await;
    assert!(!scene.is_good(&access).await && scene.is_good(&again).await);
    assert_refused(&scene.refresh(&refresh).await, 401);

    let (access, refresh) = scene.tokens("two").await;
    scene.server.advance(86_399);
    assert!(scene.is_good(&access).await);
    scene.server.advance(1);
    assert!(!scene.is_good(&access).await);
    let (access, refresh) = pair(&scene.refresh(&refresh).await);
    assert!(scene.is_good(&access).await);
    scene.server.advance(7_776_000);
    assert_refused(&scene.refresh(&refresh).await, 401);

    let (access, refresh) = scene.tokens("three").await;
    admin.set_password("default", scene.account, PASSWORD, Actor::Operator).await.expect("changed");
    assert!(!scene.is_good(&access).await);
    assert_refused(&scene.refresh(&refresh).await, 401);

    let (access, refresh) = scene.tokens("four").await;
    let state = |state| AccountChange { state: Some(state), ..AccountChange::default() };
    for next in [AccountState::Left, AccountState::Active] {
        admin.update_account("default", scene.account, state(next), Actor::Operator).await.expect("changed");
        assert!(!scene.is_good(&access).await, "{next:?}");
        assert_refused(&scene.refresh(&refresh).await, 401);
    }

    let (access, refresh) = scene.tokens("five").await;
    for active in [false, true] {
        let number = scene.application.number;
        admin.update_application("default", number, None, Some(active), Actor::Operator).await.expect("changed");
        assert!(!scene.is_good(&access).await, "{active}");
        assert_refused(&scene.refresh(&refresh).await, 401);
    }
    let (access, _) = scene.tokens("six").await;
    admin.delete_application("default", scene.application.number, Actor::Operator).await.expect("deleted");
    assert!(!scene.is_good(&access).await);
}

#[tokio::test]
async fn all_tokens_of_whoever_asks_are_revoked_at_once_and_nobody_elses() {
    let scene = scene().await;
    let new = NewPerson {
        password: Some(PASSWORD.to_owned().into()),
        kind: AccountKind::Guest,
        rights: AccountRights { words: [("status".to_owned(), true)].into(), ..AccountRights::default() },
        ..NewPerson::new("default", "eve")
    };
    scene.server.admin.create_account(new, Actor::Operator).await.expect("an account");
    let mut call = scene.call();
    call["user_name"] = "eve".into();
    let answer = scene.post(&call).await;
    assert_eq!(answer.json()["credentials"]["user_type"], "Guest");
    let eves = pair(&answer).0;
    let (one, two) = (scene.tokens("one").await, scene.tokens("two").await);
    assert_eq!(scene.delete("/v1/tokens/sessions/revoke", &one.0).await.status, 200);
    assert!(!scene.is_good(&one.0).await && !scene.is_good(&two.0).await && scene.is_good(&eves).await);
    assert_refused(&scene.refresh(&two.1).await, 401);
    assert_refused(&scene.delete("/v1/tokens/sessions/revoke", &one.0).await, 401);
}

#[tokio::test]
async fn whatever_is_wrong_is_refused_in_the_same_words_or_says_what_to_change() {
    let scene = scene().await;
    let other = scene.server.admin.create_application("default", "other", Actor::Operator).await.expect("made");
    let with = |name: &str, value: Value| {
        let mut call = scene.call();
        call[name] = value;
        call
    };
    let mut texts = std::collections::HashSet::new();
    for call in [
        with("password", json!("wrong")),
        with("user_name", json!("nobody")),
        with("app_secret", json!("0".repeat(64))),
        with("app_secret", json!(other.secret.as_str())),
        with("app_id", json!(other.application.client_id())),
        with("app_id", json!("00000000-0000-0000-0000-000000000000")),
    ] {
        let answer = scene.post(&call).await;
        assert_refused(&answer, 401);
        texts.insert(answer.body);
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
    for name in ["account_name", "user_name", "password", "grant_type", "app_id", "app_secret", "device_id"] {
        let mut call = scene.call();
        call.as_object_mut().expect("an object").remove(name);
        let answer = scene.post(&call).await;
        assert_refused(&answer, 400);
        assert!(answer.body.contains(&format!("`{name}` is missing")), "{answer:?}");
    }
    for (name, value) in [
        ("grant_type", json!("implicit")),
        ("app_id", json!("an app")),
        ("device_id", json!("a\nb")),
        ("device_id", json!("x".repeat(200))),
        ("user_name", json!(7)),
    ] {
        assert_refused(&scene.post(&with(name, value)).await, 400);
    }
    assert_refused(&scene.post(&with("account_name", json!("nowhere"))).await, 404);
    assert_refused(&scene.post(&json!({ "grant_type": "refresh_token" })).await, 400);
    let (access, _) = scene.tokens("one").await;
    for token in [access.as_str(), &"0".repeat(40), "x", "", ADMIN_KEY] {
        let answer = scene.refresh(token).await;
        assert_refused(&answer, if token.is_empty() { 400 } else { 401 });
    }
    assert!(scene.is_good(&access).await);
    for (method, path, allow) in
        [("GET", "/v1/tokens", "POST, DELETE"), ("POST", "/v1/tokens/sessions/revoke", "DELETE")]
    {
        let answer = scene.send(method, path, "", "").await;
        assert_refused(&answer, 405);
        assert_eq!(answer.header("allow"), Some(allow));
    }
    assert_refused(&scene.send("DELETE", "/v1/tokens", "", "").await, 401);
    assert_refused(&scene.send("DELETE", "/v1/tokens", "Authorization: apikey x\r\n", "").await, 401);
    assert_refused(&scene.send("GET", "/v1/tokens/other", "", "").await, 404);
    assert_refused(&scene.send("POST", "/v1/tokens", "", "{").await, 400);
}

#[tokio::test]
async fn calls_of_an_organization_are_limited_and_told_how_many_are_left() {
    let scene = limited(|limits| limits.tokens_per_organization = 2).await;
    let rates = |answer: &Answer| {
        let names = ["organization-ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
        names.map(|name| answer.header(name).unwrap_or_else(|| panic!("{answer:?}")).to_owned())
    };
    let answer = scene.post(&scene.call()).await;
    assert_eq!((answer.status, rates(&answer)), (200, ["2;w=60;b=2", "1", "60"].map(str::to_owned)));
    scene.server.advance(10);
    let answer = scene.refresh(&pair(&answer).1).await;
    assert_eq!((answer.status, rates(&answer)), (200, ["2;w=60;b=2", "0", "50"].map(str::to_owned)));
    let answer = scene.post(&scene.call()).await;
    assert_refused(&answer, 429);
    assert_eq!((rates(&answer)[1].as_str(), answer.header("retry-after")), ("0", Some("50")));
    scene.server.advance(50);
    assert_eq!(scene.post(&scene.call()).await.status, 200);
}

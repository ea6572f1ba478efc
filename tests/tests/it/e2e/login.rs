//! A login page whose door is a token, in a real browser, with an emulated token: the example for tests in Rust
//! (`emulator/fixtures/conformance.txt`, docs/emulator/fixtures.md).

mod webdriver;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Router, serve};
use cardea_emulator::engine::{Device, EngineError, Outcome};
use cardea_emulator::testing::Emulator;
use cardea_sdk::WalletError;
use cardea_sdk::relying_party::RelyingParty;
use cardea_tests::harness::{Browser, Site};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, block_in_place};

const FORM: &str = r#"<form method="post"><input name="user"><button>Log in</button></form>"#;
const SHUT: &str = "Open your token, then try again";

/// The page, until it is dropped.
struct Page {
    url: String,
    serving: JoinHandle<()>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Page {
    /// The smallest page whose door is a token: whoever's token is open gets in, and nobody else.
    async fn serve(door: RelyingParty) -> Self {
        let page = get(async || Html(html(FORM))).post(log_in).with_state(door);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let serving = tokio::spawn(async { serve(listener, Router::new().route("/", page)).await.expect("served") });
        Self { url, serving }
    }
}

async fn log_in(State(door): State<RelyingParty>, sent: String) -> (StatusCode, Html<String>) {
    let mut fields = form_urlencoded::parse(sent.as_bytes());
    let user = fields.find(|(name, _)| name == "user").map(|(_, user)| user).unwrap_or_default();
    // What cannot be asked or understood is not open.
    match door.status(&user).await {
        Ok(status) if status.is_open() => {
            (StatusCode::OK, Html(html(&format!("<h1>Welcome, {}</h1>", escaped(&user)))))
        }
        _ => (StatusCode::FORBIDDEN, Html(html(&format!("<h1>{SHUT}</h1>{FORM}")))),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn html(body: &str) -> String {
    format!("<!doctype html><title>Login</title>{body}")
}

/// Whom the page asks.
fn door(site: &Site) -> RelyingParty {
    RelyingParty::new(&format!("http://{}", site.http()), &site.service, site.status_key.as_str()).expect("set up")
}

/// A test: a server, a login page in front of it, a browser, and devices.
struct Scene {
    site: Site,
    page: Page,
    browser: Browser,
    emulator: Emulator,
}

impl Scene {
    async fn new() -> Self {
        let site = block_in_place(Site::dev);
        let page = Page::serve(door(&site)).await;
        Self { site, page, browser: block_in_place(Browser::start), emulator: Emulator::start().expect("a session") }
    }

    /// The device of a new user.
    async fn token(&self, user: &str) -> Device {
        let device = self.emulator.add(user).await.expect("a free name");
        let link = block_in_place(|| self.site.offer(user).link);
        device.enroll(&device.invitation(&link, None).await.expect("a link")).await.expect("enrolled");
        device
    }

    /// Logs a user in, as a person does; returns what the page says.
    fn log_in(&self, user: &str) -> String {
        block_in_place(|| {
            self.browser.go(&self.page.url);
            self.browser.fill("[name=user]", user);
            self.browser.click("button");
            self.browser.text("h1")
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_page_lets_in_whose_token_is_open_and_nobody_else() {
    let scene = Scene::new().await;
    let joe = scene.token("joe").await;
    let other = scene.token("other").await;

    assert_eq!(scene.log_in("joe"), SHUT);
    joe.open(None, None).await.expect("opened");
    assert_eq!(scene.log_in("joe"), "Welcome, joe");
    assert_eq!(scene.log_in("other"), SHUT);
    joe.close(None).await.expect("closed");
    assert_eq!(scene.log_in("joe"), SHUT);
    assert_eq!(scene.log_in("nobody"), SHUT);

    // Who says no, or types something wrong, does not get in.
    other.human().next(Outcome::Cancel);
    let denied = other.open(None, None).await;
    assert!(matches!(denied, Err(EngineError::Wallet(WalletError::Cancelled))), "{denied:?}");
    assert_eq!(scene.log_in("other"), SHUT);
    other.human().next(Outcome::WrongPin);
    let wrong = other.open(None, None).await;
    assert!(matches!(wrong, Err(EngineError::Wallet(WalletError::PinRejected { .. }))), "{wrong:?}");
    assert_eq!(scene.log_in("other"), SHUT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_waits_for_an_answer_lets_in_when_it_is_given() {
    let scene = Scene::new().await;
    let joe = scene.token("joe").await;
    joe.human().set_usual(Outcome::Wait);
    let opening = {
        let joe = joe.clone();
        tokio::spawn(async move { joe.open(None, None).await })
    };
    let prompt = loop {
        let seen = scene.emulator.journal().newest();
        match joe.human().prompts().first() {
            Some(prompt) => break prompt.id,
            None => scene.emulator.journal().after(seen).await,
        };
    };
    assert_eq!(scene.log_in("joe"), SHUT);
    joe.human().answer(prompt, Outcome::Approve).expect("it waits");
    opening.await.expect("no panic").expect("opened");
    assert_eq!(scene.log_in("joe"), "Welcome, joe");
}

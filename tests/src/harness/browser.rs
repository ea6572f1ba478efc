//! A real browser without a window: Chromium, driven over WebDriver.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{http, ports, wait};

/// The name under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Control pressed with A, then everything released: marks what is in a field.
const SELECT_ALL: &str = "\u{e009}a\u{e000}";

/// A browser with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one that reaches nothing but this machine.
    #[must_use]
    pub fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("cardea-browser-").tempdir().expect("a temporary folder");
        // It says which port it took only when it ends.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let mut driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs chromedriver: install chromium and chromium-driver");
        wait::until("chromedriver answers", || {
            assert!(driver.try_wait().expect("a child can be asked").is_none(), "chromedriver ended");
            (http::request_by_length(address, "GET", "/status", "").code == 200).then_some(())
        });
        let arguments = [
            "--headless=new".to_owned(),
            // Tests run as root, for whom Chromium has no sandbox. It sees pages of our own only.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1280,1600".to_owned(),
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let mut browser = Self { driver, address, session: String::new(), _profile: profile };
        let session = browser.call("POST", "/session", &wanted);
        browser.session = session["sessionId"].as_str().expect("a session has an id").to_owned();
        browser
    }

    /// Opens a page.
    pub fn go(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Runs a function body in the page and returns its result.
    #[must_use]
    pub fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the page has an element for `css` that can be seen, and clicks it.
    pub fn click(&self, css: &str) {
        let element = self.element(css);
        self.command("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Puts `text` into the field at `css` in place of what is there.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.command("POST", &format!("/element/{element}/value"), &json!({ "text": format!("{SELECT_ALL}{text}") }));
    }

    /// Waits until there is an element for `css` that has text, and returns the text.
    #[must_use]
    pub fn text(&self, css: &str) -> String {
        let css = json!(css);
        let script = format!("const e = document.querySelector({css}); return e && e.innerText.trim()");
        wait::until(&format!("text at {css}"), || {
            self.run(&script).as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        })
    }

    /// What the page complained about: failed requests, broken policies, uncaught errors.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|entry| entry["level"] == "SEVERE").map(ToString::to_string).collect()
    }

    /// What the page looks like, as a PNG in base64.
    #[must_use]
    pub fn picture(&self) -> String {
        self.command("GET", "/screenshot", &Value::Null).as_str().expect("a picture is text").to_owned()
    }

    fn element(&self, css: &str) -> String {
        let script = "const e = document.querySelector(arguments[0]); \
                      if (e) e.scrollIntoView({block: 'center', behavior: 'instant'}); \
                      return e && e.getClientRects().length ? e : null";
        wait::until(&format!("an element {css}"), || {
            let found = self.command("POST", "/execute/sync", &json!({ "script": script, "args": [css] }));
            found[ELEMENT].as_str().map(str::to_owned)
        })
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http::request_by_length(self.address, method, path, &body);
        assert_eq!(answer.code, 200, "{method} {path} {body}: {}", answer.text());
        answer.json()["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The driver would leave its browser behind.
            let path = format!("/session/{}", self.session);
            let _ = http::request_by_length(self.address, "DELETE", &path, "");
        }
        // It may have ended by itself.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

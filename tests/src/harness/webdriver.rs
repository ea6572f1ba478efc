//! A client of WebDriver: of a browser's driver, and of whatever else speaks it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{http, wait};

/// The name under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Control pressed with A, then everything released: marks what is in a field.
const SELECT_ALL: &str = "\u{e009}a\u{e000}";

/// A session at a remote end. It does not end by itself.
#[derive(Debug)]
pub struct WebDriver {
    address: SocketAddr,
    /// Whole lines.
    headers: String,
    session: String,
}

impl WebDriver {
    /// Begins a session with these capabilities.
    #[must_use]
    pub fn begin(address: SocketAddr, headers: &str, wanted: &Value) -> Self {
        let mut driver = Self::to(address, headers);
        driver.start(wanted);
        driver
    }

    /// Without a session yet.
    pub(super) fn to(address: SocketAddr, headers: &str) -> Self {
        Self { address, headers: headers.to_owned(), session: String::new() }
    }

    /// Begins the session.
    pub(super) fn start(&mut self, wanted: &Value) {
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = self.done("POST", "/session", &wanted);
        self.session = session["sessionId"].as_str().expect("a session has an id").to_owned();
    }

    /// Ends the session, and is of no more use.
    #[must_use]
    pub fn end(self) -> Self {
        self.command("DELETE", "", &Value::Null);
        self
    }

    /// Ends the session, if the remote end is still there.
    pub(super) fn quit(&self) {
        if self.session.is_empty() {
            return;
        }
        let _ = self.call("DELETE", &format!("/session/{}", self.session), &Value::Null);
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

    /// A command that succeeds; its value.
    pub fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.done(method, &format!("/session/{}{path}", self.session), body)
    }

    /// A command that fails; the status, and what is said.
    #[must_use]
    pub fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.call(method, &format!("/session/{}{path}", self.session), body);
        assert_ne!(answer.code, 200, "{method} {path}: {}", answer.text());
        (answer.code, answer.json()["value"].clone())
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

    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body);
        assert_eq!(answer.code, 200, "{method} {path} {body}: {}", answer.text());
        answer.json()["value"].clone()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> http::Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::request_by_length(self.address, method, path, &self.headers, &body)
    }
}

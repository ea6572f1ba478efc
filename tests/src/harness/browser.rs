//! A real browser without a window: Chromium, driven over WebDriver.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::webdriver::WebDriver;
use super::{http, ports, wait};

/// A browser with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    session: WebDriver,
    driver: Child,
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
            (http::request_by_length(address, "GET", "/status", "", "").code == 200).then_some(())
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
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        // Whatever comes of it, the driver is ended.
        let mut browser = Self { session: WebDriver::to(address, ""), driver, _profile: profile };
        browser.session.start(&wanted);
        browser
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
}

impl Deref for Browser {
    type Target = WebDriver;

    fn deref(&self) -> &WebDriver {
        &self.session
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver would leave its browser behind.
        self.session.quit();
        // It may have ended by itself.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

//! A server that has one of everything, so that every call has something to succeed on.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::live::Object;
use crate::process;
use crate::workspace::Workspace;

const SERVICE: &str = "default_demo";
/// Where people compare six digits before a token counts.
const COMPARED: &str = "default_compared";
const PIN: &str = "27495163";
/// An account that nobody changes.
const LOGIN: &str = "staying";
const PASSWORD: &str = "a password for the stage alone";
/// Nothing answers there.
const WEBHOOK: &str = "http://127.0.0.1:9/cardea";

/// `cardea-server dev` on free ports, and devices. Dropping it ends it.
pub(super) struct Stage {
    child: Child,
    pub(super) url: String,
    /// An authkey for the whole instance.
    pub(super) key: String,
    emulator: PathBuf,
    folder: TempDir,
}

impl Stage {
    pub(super) fn start(workspace: &Workspace) -> Result<Self> {
        let log = workspace.log("api-server");
        if let Some(parent) = log.parent() {
            fs::create_dir_all(parent)?;
        }
        let log = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let folder = tempfile::Builder::new().prefix("cardea-api-").tempdir().context("cannot make a folder")?;
        let mut child = Command::new(workspace.program("cardea-server"))
            .args(["dev", "--json", "--test-argon2", "--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"])
            .args(["--set", "webhook.allow_http=true", "--window", "3600"])
            .current_dir(workspace.target())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start cardea-server")?;
        let mut line = String::new();
        let out = child.stdout.take().context("its output is a pipe")?;
        let read = BufReader::new(out).read_line(&mut line);
        let emulator = workspace.program("cardea-emulator");
        let mut stage = Self { child, url: String::new(), key: String::new(), emulator, folder };
        read.context("the server says nothing")?;
        let ready: Value = serde_json::from_str(&line).context("the server did not say where it listens")?;
        stage.url = text(&ready["http"])?;
        stage.key = text(&ready["dev"]["adminKey"])?;
        fs::write(stage.folder.path().join("pin"), PIN)?;
        Ok(stage)
    }

    /// Makes the objects that the examples of the calls are to be about.
    ///
    /// # Errors
    ///
    /// The server refused.
    pub(super) fn objects(&self) -> Result<Vec<Object>> {
        self.post("service/update", json!({ "service": SERVICE, "webhook": WEBHOOK }))?;
        for service in ["default_kept", "default_gone"] {
            self.post("service/create", json!({ "service": service }))?;
        }
        self.post("service/create", json!({ "service": COMPARED, "shortString": "required" }))?;
        self.post("subscription/create", json!({ "name": "gone" }))?;
        for (user, service) in [("joe", SERVICE), ("closer", SERVICE), ("traveller", SERVICE), ("newcomer", COMPARED)] {
            self.enroll(user, service)?;
        }
        // Something that the gate lets through.
        self.emulator("joe", &["open"])?;
        for user in ["leaver", "sinner", "doubter"] {
            self.post("enroll", json!({ "id": user, "service": SERVICE }))?;
        }
        let ask = || self.post("confirmation", json!({ "id": "joe", "service": SERVICE, "text": "Yes?" }));
        let (shown, cancelled) = (ask()?["confirmation"].clone(), ask()?["confirmation"].clone());
        let mut keys = Vec::new();
        for name in ["turning", "leaving"] {
            let new = json!({ "service": SERVICE, "name": name, "permissions": "basic" });
            keys.push(self.post("authkey/create", new)?["authkey"].clone());
        }
        let detail = self.get("detail?id=traveller&service=default_demo")?;
        let device = detail["devices"][0]["device"].clone();
        ensure!(device.is_string(), "no device: {detail}");
        let mut accounts = Vec::new();
        for name in [LOGIN, "changing", "leaving"] {
            let new = json!({ "subscription": "default", "name": name, "password": PASSWORD });
            accounts.push(self.call("/auth/account/create", new)?["account"].clone());
        }
        let mut applications = Vec::new();
        for name in ["staying", "changing", "leaving"] {
            let new = json!({ "subscription": "default", "name": name });
            applications.push(self.call("/auth/application/create", new)?);
        }
        let [turning, leaving] = keys.try_into().ok().context("two authkeys")?;
        Ok(vec![
            ("/token/enroll", "id", "stranger".into()),
            ("/token/enroll/confirm", "id", "newcomer".into()),
            ("/token/enroll/confirm", "service", COMPARED.into()),
            ("/token/enroll/cancel", "id", "doubter".into()),
            // Each of these closes the token.
            ("/token/close", "id", "closer".into()),
            ("/token/unblock", "id", "closer".into()),
            ("/token/duress/clear", "id", "closer".into()),
            ("/token/block", "id", "sinner".into()),
            ("/token/delete", "id", "leaver".into()),
            ("/token/device/revoke", "id", "traveller".into()),
            ("/token/device/revoke", "device", device),
            ("/token/confirmation", "confirmation", shown),
            ("/token/confirmation/cancel", "confirmation", cancelled),
            ("/token/service/update", "service", "default_kept".into()),
            ("/token/service/update", "webhook", WEBHOOK.into()),
            ("/token/service/delete", "service", "default_gone".into()),
            ("/token/subscription/delete", "name", "gone".into()),
            ("/token/authkey/rotate", "authkey", turning),
            ("/token/authkey/revoke", "authkey", leaving),
            ("/token/audit/proof", "event", 2.into()),
            ("/auth/account", "account", accounts[0].clone()),
            ("/auth/account/update", "account", accounts[1].clone()),
            ("/auth/account/password", "account", accounts[1].clone()),
            ("/auth/account/logout", "account", accounts[1].clone()),
            ("/auth/account/delete", "account", accounts[2].clone()),
            ("/auth/application/update", "application", applications[1]["application"].clone()),
            ("/auth/application/secret", "application", applications[1]["application"].clone()),
            ("/auth/application/delete", "application", applications[2]["application"].clone()),
            ("/v1/tokens", "user_name", LOGIN.into()),
            ("/v1/tokens", "password", PASSWORD.into()),
            ("/v1/tokens", "app_id", applications[0]["clientId"].clone()),
            ("/v1/tokens", "app_secret", applications[0]["appsecret"].clone()),
            ("/{instance}/auth/v1/login", "name", LOGIN.into()),
            ("/{instance}/auth/v1/login", "password", PASSWORD.into()),
            ("/{instance}/auth/v1/login", "appsecret", applications[0]["appsecret"].clone()),
        ])
    }

    /// What somebody carries who signs in with each call.
    pub(super) fn signs_in_with(&self) -> String {
        format!("Basic {}", data_encoding::BASE64.encode(format!("{LOGIN}:{PASSWORD}").as_bytes()))
    }

    /// The token of a session that is called so.
    pub(super) fn session(&self, identifier: &str) -> Result<String> {
        let new = json!({ "name": LOGIN, "password": PASSWORD, "identifier": identifier });
        let path = "/default/auth/v1/login";
        let mut curl = self.curl(path, "20");
        curl.args(["--header", "Content-Type: application/json", "--data-raw", &new.to_string()]);
        text(&answer(path, &process::output(&mut curl)?)?["token"])
    }

    /// How the call at `path`, whose answer does not end, begins its answer: the head, in lower case.
    pub(super) fn begins(&self, path: &str) -> Result<String> {
        let mut curl = self.curl(&format!("{path}?service={SERVICE}&after=0"), "20");
        let mut curl = curl.args(["--no-buffer", "--include"]).stdout(Stdio::piped()).spawn()?;
        let mut head = String::new();
        if let Some(output) = curl.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line?;
                if line.trim().is_empty() {
                    break;
                }
                head += &line.to_lowercase();
                head.push('\n');
            }
        }
        // It would go on.
        let _ = curl.kill();
        curl.wait()?;
        Ok(head)
    }

    fn enroll(&self, user: &str, service: &str) -> Result<()> {
        let link = text(&self.post("enroll", json!({ "id": user, "service": service }))?["link"])?;
        self.emulator(user, &["enroll", &link])
    }

    fn emulator(&self, user: &str, what: &[&str]) -> Result<()> {
        let folder = self.folder.path();
        let mut emulator = Command::new(&self.emulator);
        emulator.arg("--state").arg(folder.join(user)).arg("--allow-test-argon2").args(what);
        process::output(emulator.arg("--pin-file").arg(folder.join("pin"))).map(drop)
    }

    fn get(&self, call: &str) -> Result<Value> {
        answer(call, &process::output(&mut self.curl(&format!("/token/{call}"), "20"))?)
    }

    fn post(&self, call: &str, body: Value) -> Result<Value> {
        self.call(&format!("/token/{call}"), body)
    }

    fn call(&self, call: &str, body: Value) -> Result<Value> {
        let mut curl = self.curl(call, "20");
        answer(call, &process::output(curl.args(["--data-raw", &body.to_string()]))?)
    }

    fn curl(&self, target: &str, seconds: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--max-time", seconds, "--header", &format!("Authorization: apikey {}", self.key)]);
        curl.arg(format!("{}{target}", self.url));
        curl
    }
}

fn answer(call: &str, text: &str) -> Result<Value> {
    let answer: Value = serde_json::from_str(text).with_context(|| format!("{call}: {text}"))?;
    ensure!(answer.get("error").is_none(), "{call}: {answer}");
    Ok(answer)
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("the server did not say all")
}

impl Drop for Stage {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A server and its folder.

use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::device::Device;
use super::http::{self, Answer};
use super::offer::Offer;
use super::process::{self, Killer, Output};
use super::{ports, programs, wait};

/// A PIN for tests: long enough not to stand in a log by chance.
const PIN: &str = "27495163";

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `run` instead of `dev`.
    pub run: bool,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Environment.
    pub environment: Vec<(String, String)>,
    /// A shell line to run first in the process that becomes the server, for example `ulimit -f 100`.
    pub prepare: Option<String>,
}

/// A folder with a server in it. Dropping it ends the server, and deletes the folder.
#[derive(Debug)]
pub struct Site {
    server: Option<Child>,
    /// What the server wrote to its ready file.
    pub ready: Value,
    /// Name of the service that the calls below use.
    pub service: String,
    /// Authkey that reads the status.
    pub status_key: String,
    /// Authkey that does everything.
    pub admin_key: String,
    /// How the server is started next time.
    pub start: Start,
    /// Where the test clock stood last.
    now: Option<u64>,
    secrets: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl Site {
    /// A PIN.
    pub const PIN: &str = PIN;

    /// An empty folder, without a server.
    #[must_use]
    pub fn empty() -> Self {
        Self::empty_in(&std::env::temp_dir())
    }

    fn empty_in(place: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("cardea-e2e-").tempdir_in(place);
        let folder = folder.expect("a temporary folder can be made");
        Self {
            server: None,
            ready: Value::Null,
            service: String::new(),
            status_key: String::new(),
            admin_key: String::new(),
            start: Start::default(),
            now: None,
            secrets: Arc::default(),
            folder,
        }
    }

    /// `cardea-server dev` on a test clock and with PINs that are hashed cheaply, with openings of a minute.
    #[must_use]
    pub fn dev() -> Self {
        Self::dev_with(&["--window", "60"])
    }

    /// The same with other arguments.
    #[must_use]
    pub fn dev_with(arguments: &[&str]) -> Self {
        Self::dev_at(&std::env::temp_dir(), arguments)
    }

    /// The same with its data in a folder below `place`.
    #[must_use]
    pub fn dev_at(place: &Path, arguments: &[&str]) -> Self {
        let mut site = Self::empty_in(place);
        site.start.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        site.up();
        site.use_dev_service();
        site
    }

    /// `init`, then `run`.
    #[must_use]
    pub fn run() -> Self {
        Self::run_with(Vec::new())
    }

    /// The same with an environment, which all programs of the server get.
    #[must_use]
    pub fn run_with(environment: Vec<(String, String)>) -> Self {
        let mut site = Self::empty();
        site.start.run = true;
        site.start.environment = environment;
        let keys: Value = serde_json::from_str(&site.tool(&["init", "--json"]).out).expect("init prints JSON");
        site.service = text(&keys["service"]);
        site.status_key = text(&keys["statusKey"]);
        site.admin_key = text(&keys["adminKey"]);
        site.hide(&[site.status_key.clone(), site.admin_key.clone()]);
        site.up();
        site
    }

    /// Another node over the same database: the same key in a folder of its own.
    #[must_use]
    pub fn beside(&self) -> Self {
        self.beside_with(self.start.environment.clone())
    }

    /// The same with another environment.
    #[must_use]
    pub fn beside_with(&self, environment: Vec<(String, String)>) -> Self {
        let mut node = Self::empty();
        (node.start, node.now) = (Start { environment, ..self.start.clone() }, self.now);
        (node.service, node.status_key, node.admin_key) =
            (self.service.clone(), self.status_key.clone(), self.admin_key.clone());
        node.secrets = Arc::clone(&self.secrets);
        node.now = self.now;
        fs::create_dir_all(node.data()).expect("a folder can be made");
        fs::copy(self.data().join("vault.key"), node.data().join("vault.key")).expect("the key can be copied");
        node.up();
        node
    }

    /// Makes the calls below use the service of `dev`.
    pub fn use_dev_service(&mut self) {
        let dev = self.ready["dev"].clone();
        self.service = text(&dev["service"]);
        self.status_key = text(&dev["statusKey"]);
        self.admin_key = text(&dev["adminKey"]);
        self.hide(&[self.status_key.clone(), self.admin_key.clone()]);
    }

    /// Starts the server and waits until it is ready.
    pub fn up(&mut self) {
        if let Err(ended) = self.try_up() {
            panic!("the server ended: {ended:?}\n{}", self.log());
        }
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// How it ended instead.
    pub fn try_up(&mut self) -> Result<(), Output> {
        assert!(self.server.is_none(), "it runs already");
        let ready = self.folder().join("ready.json");
        let _ = fs::remove_file(&ready);
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log can be opened");
        let before = self.log().len();
        let mut command = self.server_command();
        command.arg("--data-dir").arg(self.data()).arg("--ready-file").arg(&ready);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().expect("the server can be started");
        let text = wait::until("the server comes up", || match child.try_wait().expect("a child can be asked") {
            Some(status) => Some(Err(status)),
            None => fs::read_to_string(&ready).ok().map(Ok),
        });
        match text {
            Ok(text) => {
                self.server = Some(child);
                self.ready = serde_json::from_str(&text).expect("the ready file is JSON");
                if !self.start.run && self.now.is_none() {
                    // From now on it goes on by command only, over restarts too.
                    self.advance(0);
                }
                Ok(())
            }
            Err(status) => Err(Output { code: status.code(), out: String::new(), err: self.log().split_off(before) }),
        }
    }

    fn server_command(&self) -> Command {
        let Start { run, arguments, environment, prepare } = &self.start;
        let mut command = match prepare {
            None => process::command(programs::server()),
            Some(line) => {
                let mut shell = process::command(Path::new("sh"));
                shell.arg("-c").arg(format!("{line}; exec \"$0\" \"$@\"")).arg(programs::server());
                shell
            }
        };
        command.arg(if *run { "run" } else { "dev" });
        if !*run {
            command.arg("--test-argon2");
            if programs::is_our_server() {
                command.arg("--exit-with-parent");
            }
            command.arg(self.now.map_or_else(|| "--test-clock".to_owned(), |now| format!("--test-clock={now}")));
        }
        for flag in ["--http", "--channel"] {
            if !arguments.iter().any(|argument| argument == flag) {
                command.args([flag, &self.place(flag)]);
            }
        }
        command.args(arguments);
        command.envs(environment.iter().cloned());
        command
    }

    /// The place of last time, because devices have noted it, or a free one.
    fn place(&self, flag: &str) -> String {
        if self.ready.is_null() {
            return format!("127.0.0.1:{}", ports::free());
        }
        if flag == "--http" { self.http().to_string() } else { self.channel().to_string() }
    }

    /// Ends the server at once, as when the power fails.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.server.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks the server to stop, and returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.server.take().expect("it runs");
        Killer::of(&child).terminate();
        child.wait().expect("a child can be waited for").code()
    }

    /// Kills the server and starts it again.
    pub fn power_failure(&mut self) {
        self.kill();
        self.up();
    }

    /// Ends the server from elsewhere.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer::of(self.server.as_ref().expect("it runs"))
    }

    /// Whether the server still runs.
    pub fn is_up(&mut self) -> bool {
        self.server.as_mut().is_some_and(|child| child.try_wait().expect("a child can be asked").is_none())
    }

    /// Runs another command of the server's program on the same data. It goes by the system's clock: beside a test clock it
    /// must not write, because a server whose clock is behind what was noted trusts it no more.
    #[must_use]
    pub fn tool(&self, arguments: &[&str]) -> Output {
        let mut command = process::command(programs::server());
        command.args(arguments).arg("--data-dir").arg(self.data()).envs(self.start.environment.iter().cloned());
        process::output(&mut command)
    }

    /// The temporary folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("server.log")
    }

    /// All that the server has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = File::open(self.log_path()) {
            std::io::Read::read_to_end(&mut file, &mut text).expect("a log can be read");
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits for a line in the log that contains all of `pieces`.
    pub fn logged(&self, pieces: &[&str]) -> String {
        wait::until(&format!("{pieces:?} in the log"), || {
            self.log().lines().find(|line| pieces.iter().all(|piece| line.contains(piece))).map(str::to_owned)
        })
    }

    /// Notes secrets that must not appear in the log.
    pub fn hide(&self, secrets: &[String]) {
        self.secrets.lock().expect("no one panics with it").extend_from_slice(secrets);
    }

    /// All secrets that were used.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.lock().expect("no one panics with it").clone()
    }

    /// Where the API is.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        let address = self.ready["http"].as_str().and_then(|text| text.split_once("://")?.1.parse().ok());
        address.expect("the ready file has it")
    }

    /// Where the token channel is.
    #[must_use]
    pub fn channel(&self) -> SocketAddr {
        self.ready["channel"].as_str().and_then(|text| text.parse().ok()).expect("the ready file has it")
    }

    /// Moves the test clock.
    pub fn advance(&mut self, seconds: u64) {
        let answer = http::post(self.http(), "/dev/clock", &json!({ "advance": seconds }));
        self.now = Some(answer.json()["now"].as_u64().expect("the clock tells the time"));
    }

    /// Where the test clock stands.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.now.expect("the clock has been set")
    }

    /// The path and query that ask for a status.
    #[must_use]
    pub fn status_target(&self, user: &str) -> String {
        format!("/token/status?id={user}&service={}&authKey={}", self.service, self.status_key)
    }

    /// Asks for a status, as a relying party.
    #[must_use]
    pub fn ask(&self, user: &str) -> Answer {
        http::get(self.http(), self.status_target(user).as_bytes())
    }

    /// The status, which must be an answer.
    #[must_use]
    #[track_caller]
    pub fn status(&self, user: &str) -> u8 {
        let answer = self.ask(user);
        let status = answer.text();
        let number = status.strip_prefix("{\"status\":").and_then(|rest| rest.strip_suffix('}'));
        let number = number.and_then(|number| number.parse().ok()).filter(|_| answer.code == 200);
        number.unwrap_or_else(|| panic!("no status: {answer:?}"))
    }

    /// `POST /token/<what>` about the service itself, with the key that does everything.
    #[must_use]
    pub fn manage(&self, what: &str, more: &Value) -> Answer {
        let mut body = json!({ "service": self.service, "authKey": self.admin_key });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        http::post(self.http(), &format!("/token/{what}"), &body)
    }

    /// `GET /token/<what>` about the service, with the key that does everything; `more` is more of the query.
    #[must_use]
    pub fn look(&self, what: &str, more: &str) -> Answer {
        let target = format!("/token/{what}?service={}&authKey={}{more}", self.service, self.admin_key);
        http::get(self.http(), target.as_bytes())
    }

    /// `POST /token/<what>` with the key that does everything.
    #[must_use]
    pub fn call(&self, what: &str, user: &str, more: &Value) -> Answer {
        let mut body = json!({ "id": user, "service": self.service, "authKey": self.admin_key });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        http::post(self.http(), &format!("/token/{what}"), &body)
    }

    /// An offer to enroll.
    #[must_use]
    pub fn offer(&self, user: &str) -> Offer {
        self.offer_with(user, &Value::Null)
    }

    /// An offer to enroll, with options.
    #[must_use]
    pub fn offer_with(&self, user: &str, options: &Value) -> Offer {
        let answer = self.call("enroll", user, options);
        assert_eq!(answer.code, 200, "{answer:?}");
        let answer = answer.json();
        let offer =
            Offer { link: text(&answer["link"]), uri: text(&answer["uri"]), code: text(&answer["code"]), answer };
        let payload = offer.uri.strip_prefix("cardea:").expect("it has the scheme").to_owned();
        self.hide(&[payload, offer.code.clone(), offer.code.replace('-', "")]);
        offer
    }

    /// An empty device.
    #[must_use]
    pub fn device(&self, name: &str) -> Device {
        Device::new(self.folder().join(name), !self.start.run, Arc::clone(&self.secrets))
    }

    /// A device that is enrolled for `user` with [`Site::PIN`].
    #[must_use]
    pub fn enrolled(&self, user: &str) -> Device {
        self.enrolled_with(user, &[PIN])
    }

    /// A device that is enrolled for `user` with these PINs, duress PINs after the first.
    #[must_use]
    pub fn enrolled_with(&self, user: &str, pins: &[&str]) -> Device {
        let device = self.device(user);
        device.run(&["enroll", &self.offer(user).link], pins).ended(0);
        device
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}---", self.log());
            return;
        }
        let log = self.log();
        for secret in self.secrets() {
            assert!(!log.contains(&secret), "the log has a secret of {} characters:\n{log}", secret.len());
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

//! What the demo stands on: a folder, the server's process, and the calls of its other two players.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use super::http;
use crate::clock::Stopwatch;
use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// The person in the demo.
pub(super) const USER: &str = "alice";
/// Any six digits will do that are not among the ones everybody takes.
const PIN: &str = "274951\n";
/// How long the server may take to say that it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked for.
const START_PAUSE: Duration = Duration::from_millis(50);

/// The demo's stage. Dropping it ends the server and deletes the folder.
pub(super) struct Stage {
    // The order matters: processes go before the folder they write to.
    window: Option<Running>,
    server: Option<Running>,
    folder: TempDir,
    service: Option<Service>,
    link: Option<String>,
    programs: Programs,
    emulator_log: PathBuf,
    interrupt: Receiver<()>,
}

struct Programs {
    server: PathBuf,
    emulator: PathBuf,
}

/// What the server writes to its ready file.
#[derive(Deserialize)]
struct Ready {
    /// `http://` and the address.
    http: String,
    channel: SocketAddr,
    dev: Dev,
}

/// What `dev` has set up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dev {
    service: String,
    status_key: String,
    admin_key: String,
}

/// The running server, as the demo needs it.
pub(super) struct Service {
    /// Where it takes HTTP.
    pub(super) http: SocketAddr,
    /// Where it takes devices.
    pub(super) channel: SocketAddr,
    /// The service that `dev` made.
    pub(super) name: String,
    /// The key that may ask for the status.
    status_key: String,
    /// The key that may do everything.
    admin_key: String,
}

impl Service {
    fn parse(ready: &[u8]) -> Result<Self> {
        let ready: Ready = serde_json::from_slice(ready).context("the ready file has another form")?;
        let http = ready.http.strip_prefix("http://").and_then(|address| address.parse().ok());
        Ok(Self {
            http: http.with_context(|| format!("no address: {}", ready.http))?,
            channel: ready.channel,
            name: ready.dev.service,
            status_key: ready.dev.status_key,
            admin_key: ready.dev.admin_key,
        })
    }
}

/// A child that does not outlive its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    /// Makes the folder and starts listening for Ctrl-C.
    pub(super) fn new(workspace: &Workspace) -> Result<Self> {
        let (send, interrupt) = mpsc::channel();
        let handler = move || {
            // The receiver is gone only when the demo is at its end anyway.
            let _ = send.send(());
        };
        ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")?;
        let folder = tempfile::Builder::new().prefix("cardea-demo-").tempdir().context("cannot make a folder")?;
        let programs =
            Programs { server: workspace.program("cardea-server"), emulator: workspace.program("cardea-emulator") };
        private_file(&folder.path().join("pin"))?.write_all(PIN.as_bytes())?;
        let emulator_log = workspace.log("demo-emulator");
        Ok(Self { window: None, server: None, folder, service: None, link: None, programs, emulator_log, interrupt })
    }

    /// Starts `cardea-server dev` on free ports and waits until it is ready.
    pub(super) fn start_server(&mut self, window: u32) -> Result<()> {
        let ready_file = self.path("ready.json");
        let log = File::create(self.path("server.log"))?;
        let mut command = player(&self.programs.server);
        command
            .arg("dev")
            .arg("--data-dir")
            .arg(self.path("server"))
            .arg("--ready-file")
            .arg(&ready_file)
            .args(["--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"])
            .args(["--window", &window.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn().context("cannot start cardea-server")?;
        self.server = Some(Running(child));
        self.service = Some(self.wait_until_ready(&ready_file)?);
        Ok(())
    }

    fn wait_until_ready(&mut self, file: &Path) -> Result<Service> {
        let watch = Stopwatch::start();
        loop {
            if let Some(Running(child)) = &mut self.server
                && let Some(status) = child.try_wait()?
            {
                bail!("the server ended at once ({status}):\n{}", self.server_log());
            }
            // It appears all at once.
            if let Ok(ready) = fs::read(file) {
                return Service::parse(&ready);
            }
            if watch.elapsed() > START_LIMIT {
                bail!("the server is not ready after {} seconds:\n{}", START_LIMIT.as_secs(), self.server_log());
            }
            self.pause(START_PAUSE)?;
        }
    }

    fn server_log(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// The running server.
    pub(super) fn service(&self) -> Result<&Service> {
        self.service.as_ref().context("the server does not run")
    }

    /// Opens the emulator's window, which the emulator runs in from then on; whether it did.
    pub(super) fn open_window(&mut self) -> Result<bool> {
        let log = File::create(self.path("window.log"))?;
        let mut command = player(&self.programs.emulator);
        command.arg("--state").arg(self.path("emulator")).arg("window");
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        self.window = Some(Running(child.context("cannot start cardea-emulator")?));
        let watch = Stopwatch::start();
        // It is there when it can be called.
        while !self.path("emulator").join("control.json").exists() {
            if !self.has_window() || watch.elapsed() > START_LIMIT {
                self.window = None;
                return Ok(false);
            }
            self.pause(START_PAUSE)?;
        }
        Ok(true)
    }

    /// Whether the window is open.
    pub(super) fn has_window(&mut self) -> bool {
        self.window.as_mut().is_some_and(|Running(child)| matches!(child.try_wait(), Ok(None)))
    }

    /// Waits until somebody closes the window.
    ///
    /// # Errors
    ///
    /// The demo was interrupted.
    pub(super) fn wait_for_window(&mut self) -> Result<()> {
        while self.has_window() {
            self.pause(START_PAUSE)?;
        }
        Ok(())
    }

    /// Asks the server for an enrollment, as the service's web site would. Returns the link.
    pub(super) fn offer(&mut self) -> Result<String> {
        #[derive(Deserialize)]
        struct Offer {
            link: String,
        }
        let service = self.service()?;
        let call = json!({ "id": USER, "service": service.name, "authKey": service.admin_key });
        let answer = http::post(service.http, "/token/enroll", &call)?;
        ensure!(answer.status == 200, "the server refused: {} {}", answer.status, answer.body);
        let offer: Offer = serde_json::from_str(&answer.body).context("the answer has no link")?;
        self.link = Some(offer.link.clone());
        Ok(offer.link)
    }

    /// Has the emulator do something that needs the PIN.
    pub(super) fn emulator(&self, what: &str) -> Result<()> {
        self.check_interrupt()?;
        let mut command = player(&self.programs.emulator);
        command.arg("--state").arg(self.path("emulator")).arg(what);
        if what == "enroll" {
            command.arg(self.link.as_ref().context("there is no link yet")?);
        }
        command.arg("--pin-file").arg(self.path("pin"));
        process::logged(&mut command, &self.emulator_log).map(drop)
    }

    /// Asks for the status, as a relying party. Returns the address that was asked and the whole body.
    pub(super) fn status(&self) -> Result<(String, String)> {
        self.check_interrupt()?;
        let service = self.service()?;
        let target = format!("/token/status?id={USER}&service={}&authKey={}", service.name, service.status_key);
        let answer = http::get(service.http, &target)?;
        ensure!(answer.status == 200, "the server refused: {} {}", answer.status, answer.body);
        Ok((format!("http://{}{target}", service.http), answer.body))
    }

    /// Lets time pass.
    ///
    /// # Errors
    ///
    /// The demo was interrupted.
    pub(super) fn pause(&self, time: Duration) -> Result<()> {
        match self.interrupt.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => bail!("interrupted"),
        }
    }

    fn check_interrupt(&self) -> Result<()> {
        self.pause(Duration::ZERO)
    }

    /// Waits for Ctrl-C.
    pub(super) fn wait_for_interrupt(&self) {
        // Either way there is nothing more to wait for.
        let _ = self.interrupt.recv();
    }

    /// Commands to copy into another terminal.
    pub(super) fn how_to_play(&self) -> Result<String> {
        let (url, _) = self.status()?;
        let emulator = format!("{} --state {}", self.programs.emulator.display(), self.path("emulator").display());
        let pin_file = self.path("pin");
        Ok(format!(
            "# Whoever has to know asks:\n\
             curl '{url}'\n\
             # The holder opens the token for a few seconds (without the file, type the PIN {shown}), closes it, looks at it:\n\
             {emulator} open --pin-file {pin}\n{emulator} close\n{emulator} status",
            shown = pin(),
            pin = pin_file.display()
        ))
    }

    /// Ends the server and deletes the folder.
    pub(super) fn clear(mut self) -> Result<Outcome> {
        drop(self.window.take());
        drop(self.server.take());
        let path = self.folder.path().to_owned();
        self.folder.close().context("cannot delete the demo's folder")?;
        ensure!(!path.exists(), "{} is still there", path.display());
        Outcome::passed("server ended, folder deleted")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The PIN of the person in the demo.
pub(super) fn pin() -> &'static str {
    PIN.trim_end()
}

/// A program that sees none of the caller's own Cardea configuration.
fn player(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARDEA_")) {
        command.env_remove(name);
    }
    command
}

fn private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot create {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_server_says() {
        let text = r#"{"http":"http://127.0.0.1:8420","channel":"127.0.0.1:8421","pid":7,"version":"0.1.0",
                       "dev":{"dataDir":"x","service":"default_demo","statusKey":"b","adminKey":"a"}}"#;
        let service = Service::parse(text.as_bytes()).unwrap();
        assert_eq!((service.http.port(), service.name.as_str()), (8420, "default_demo"));
        assert!(Service::parse(br#"{"http":"127.0.0.1:8420"}"#).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_pin_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("pin");
        let file = private_file(&path).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(private_file(&path).is_err());
    }
}

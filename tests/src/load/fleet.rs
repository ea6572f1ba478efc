//! Many devices that open again and again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cardea_sdk::transport::Connector;
use cardea_sdk::{Builder, Clock, Entropy, Env, Invitation, NewPins, OsEntropy, Pin, Token, Wallet, Window};
use serde_json::{Value, json};

use crate::harness::Site;

const PIN: &[u8] = b"27495163";

/// A clock that stands where the server's stands.
#[derive(Debug)]
pub(super) struct Standing(pub(super) u64);

impl Clock for Standing {
    fn now(&self) -> u64 {
        self.0
    }
}

/// A token on a device in memory.
pub(super) async fn enrolled(link: &str, now: u64) -> Token {
    enroll(Wallet::builder(), link, now).await
}

/// The same, reaching its server by `connector`.
pub(super) async fn enrolled_over(link: &str, now: u64, connector: Arc<dyn Connector>) -> Token {
    enroll(Wallet::builder().connector(connector), link, now).await
}

/// One more token in the wallet of this folder.
pub(super) async fn enrolled_in(folder: &Path, link: &str, now: u64) {
    drop(enroll(Wallet::builder().folder(folder), link, now).await);
}

async fn enroll(builder: Builder, link: &str, now: u64) -> Token {
    let env = Env { clock: Arc::new(Standing(now)), entropy: Arc::new(OsEntropy) as Arc<dyn Entropy> };
    let builder = builder.env(env).allow_test_argon2(true).emulated(true).recover_in_background(false);
    let wallet = builder.open().await.expect("a wallet");
    let invitation = Invitation::from_link(link).expect("the server makes links");
    let pins = NewPins { normal: pin(), duress: Vec::new(), biometric: None };
    wallet.enroll(&invitation, async |_| Ok(pins)).await.expect("it can enroll").token
}

pub(super) fn pin() -> Pin {
    Pin::new(PIN).expect("it is a good PIN")
}

/// A fleet in a process of its own, at the lowest priority.
#[derive(Debug)]
pub(super) struct Fleet {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Fleet {
    /// Enrolls `devices` devices.
    pub(super) fn start(site: &Site, devices: usize) -> Self {
        let links: Vec<String> = (0..devices).map(|number| site.offer(&format!("device{number}")).link).collect();
        let program = std::env::current_exe().expect("a program knows itself");
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(program).arg("fleet").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("`nice` is everywhere");
        let input = child.stdin.take().expect("it is a pipe");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut fleet = Self { child, input, output };
        fleet.tell(&json!({ "links": links, "now": site.time() }).to_string());
        assert_eq!(fleet.hear()["ready"], devices);
        fleet
    }

    /// Begins to open.
    pub(super) fn go(&mut self) {
        self.tell("go");
    }

    /// Ends, and says how many openings were acknowledged.
    pub(super) fn stop(mut self) -> u64 {
        self.tell("stop");
        let openings = self.hear()["openings"].as_u64().expect("the fleet counts");
        self.child.wait().expect("a child can be waited for");
        openings
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the fleet listens");
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the fleet speaks");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

/// The process of a fleet: reads what to do on standard input and says what became of it on standard output.
///
/// # Panics
/// An opening fails: what is slow may be measured, what is wrong may not.
pub fn run_fleet() {
    let mut lines = std::io::stdin().lines().map(|line| line.expect("standard input is text"));
    let task: Value = serde_json::from_str(&lines.next().expect("a task")).expect("the task is JSON");
    let links: Vec<String> = serde_json::from_value(task["links"].clone()).expect("links");
    let now = task["now"].as_u64().expect("a time");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let tokens = runtime.block_on(async {
        let mut tokens = Vec::new();
        for link in &links {
            tokens.push(enrolled(link, now).await);
        }
        tokens
    });
    println!("{}", json!({ "ready": tokens.len() }));
    assert_eq!(lines.next().as_deref(), Some("go"));
    let (count, stopped) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let tasks: Vec<_> = tokens
        .into_iter()
        .map(|token| {
            let (count, stopped) = (Arc::clone(&count), Arc::clone(&stopped));
            runtime.spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    token.open(pin(), Window::Service).await.expect("it opens");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    assert_eq!(lines.next().as_deref(), Some("stop"));
    let openings = count.load(Ordering::Relaxed);
    stopped.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("no device fails");
        }
    });
    println!("{}", json!({ "openings": openings }));
}

//! What an app pays that has the SDK in it and does nothing: how soon a token can be used after its process has
//! started, and what a wallet takes that nobody uses.
//!
//! The app is the program `app`, which is small and has nothing in it but the SDK.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::cpu;
use super::fleet::enrolled_in;
use super::getter::now;
use super::report::{Line, Sample};
use crate::harness::{Site, until};

/// Tokens of the idle wallet.
const TOKENS: usize = 20;
/// What they may take above a process without a wallet, in KiB.
const MEMORY_LIMIT: f64 = 2048.0;
/// How soon a token must be usable, in microseconds.
const READY_LIMIT: f64 = 20_000.0;

/// Starts the app `rounds` times with a wallet of one token, and once with one of twenty.
///
/// # Panics
/// The app does not work at all.
#[must_use]
pub fn app(rounds: usize) -> Vec<Line> {
    let site = Site::dev_with(&["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let (one, twenty) = (site.folder().join("one"), site.folder().join("twenty"));
    runtime.block_on(async {
        enrolled_in(&one, &site.offer("ada").link, site.time()).await;
        for number in 0..TOKENS {
            enrolled_in(&twenty, &site.offer(&format!("user{number}")).link, site.time()).await;
        }
    });
    let (mut listed, mut status) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let began = now();
        let mut app = App::start(Some(&one));
        assert_eq!(app.hear(), "tokens 1");
        let at_tokens = began.elapsed();
        app.tell("status");
        assert_eq!(app.hear(), "closed");
        let at_status = began.elapsed();
        app.end();
        // The first one reads the program from disk.
        if round > 0 {
            for (all, time) in [(&mut listed, at_tokens), (&mut status, at_status)] {
                all.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
            }
        }
    }
    let (listed, status) = (Sample::new(listed), Sample::new(status));
    let said = |what: &str, sample: &Sample| {
        let (p50, p99) = (sample.percentile(50) / 1_000.0, sample.percentile(99) / 1_000.0);
        Line::said(what, format!("{p50:.2} ms p50, {p99:.2} ms p99, {} starts", sample.len()))
    };
    let mut lines = vec![
        said("from the start of the process to its tokens", &listed),
        said("from the start of the process to the first status", &status),
        Line::at_most("the same in ms", (status.percentile(50) / 10.0).round() / 100.0, READY_LIMIT / 1_000.0),
    ];
    lines.extend(idle(&twenty));
    lines
}

/// A wallet that nobody uses, beside a process without one.
fn idle(folder: &Path) -> Vec<Line> {
    let mut empty = App::start(None);
    assert_eq!(empty.hear(), "tokens 0");
    let mut app = App::start(Some(folder));
    assert_eq!(app.hear(), format!("tokens {TOKENS}"));
    // What read the folder ends by itself.
    let threads =
        until("the threads that read the folder end", || (app.threads() <= empty.threads()).then(|| app.threads()));
    let sockets = app.sockets();
    let (with, without) = (cpu::memory(app.pid()), cpu::memory(empty.pid()));
    let above = super::report::number(with.saturating_sub(without));
    empty.end();
    app.end();
    vec![
        Line::at_most("threads of a process with an idle wallet", super::report::number(threads), 1.0),
        Line::at_most("sockets of a process with an idle wallet", super::report::number(sockets), 0.0),
        Line::said("resident without a wallet, with one of 20 tokens", format!("{without} KiB, {with} KiB")),
        Line::at_most("resident KiB of an idle wallet of 20 tokens", above, MEMORY_LIMIT),
    ]
}

/// The app in a process of its own.
struct App {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl App {
    fn start(folder: Option<&Path>) -> Self {
        let program = std::env::current_exe().expect("a program knows itself").with_file_name("app");
        let mut command = Command::new(&program);
        command.args(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let input = child.stdin.take().expect("it is a pipe");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        Self { child, input, output }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the app listens");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the app speaks");
        line.trim_end().to_owned()
    }

    fn pid(&self) -> u64 {
        self.child.id().into()
    }

    fn threads(&self) -> u64 {
        let path = format!("/proc/{}/task", self.pid());
        std::fs::read_dir(path).expect("it runs").count() as u64
    }

    fn sockets(&self) -> u64 {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("it runs");
        let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count() as u64
    }

    fn end(self) {
        let Self { mut child, input, output } = self;
        drop((input, output));
        assert!(child.wait().expect("a child can be waited for").success());
    }
}

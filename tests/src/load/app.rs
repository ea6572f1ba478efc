//! What an app pays that has the SDK in it and does nothing: how soon a token can be used after its process has
//! started, and what a wallet takes that nobody uses.
//!
//! Whatever is asked of a server is stored before it is sent, and flushed; a disk is not what is measured here, so that the
//! wallets lie in memory that looks like one.
//!
//! The app is the program `app`, which is small and has nothing in it but the SDK.

use std::path::Path;

use super::fleet::enrolled_in;
use super::getter::now;
use super::place::in_memory;
use super::program::Program;
use super::report::{Line, Sample};
use crate::harness::until;

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
    let site = in_memory();
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
        let mut app = start(Some(&one));
        assert_eq!(app.hear(), "tokens 1");
        let at_tokens = began.elapsed();
        app.tell("status 1");
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
    let mut empty = start(None);
    assert_eq!(empty.hear(), "tokens 0");
    let mut app = start(Some(folder));
    assert_eq!(app.hear(), format!("tokens {TOKENS}"));
    // What read the folder ends by itself.
    let threads =
        until("the threads that read the folder end", || (app.threads() <= empty.threads()).then(|| app.threads()));
    // The runtime itself may have some.
    let sockets = app.sockets().saturating_sub(empty.sockets());
    let (with, without) = (app.memory(), empty.memory());
    let above = super::report::number(with.saturating_sub(without));
    empty.end();
    app.end();
    vec![
        Line::at_most("threads of a process with an idle wallet", super::report::number(threads), 1.0),
        Line::at_most("sockets of an idle wallet", super::report::number(sockets), 0.0),
        Line::said("resident without a wallet, with one of 20 tokens", format!("{without} KiB, {with} KiB")),
        Line::at_most("resident KiB of an idle wallet of 20 tokens", above, MEMORY_LIMIT),
    ]
}

fn start(folder: Option<&Path>) -> Program {
    let mut command = Program::app();
    if let Some(folder) = folder {
        command.arg("folder").arg(folder);
    }
    Program::start(command)
}

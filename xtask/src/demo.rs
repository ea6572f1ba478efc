//! `cargo xtask demo`: a server, a relying party and a token, each in its own process, over the real protocol.
//!
//! Whatever happens, the processes are ended and the folder is deleted: both hang on values that are dropped when the
//! demo ends, fails, or is interrupted.

mod http;
mod stage;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::clock::Stopwatch;
use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;
use stage::Stage;

/// Seconds that an opening lasts in the demo.
const WINDOW: u32 = 5;
/// How much longer than the window the status may take to go back to closed.
const GRACE: Duration = Duration::from_secs(10);
/// How often the status is asked for while waiting for it to change.
const PAUSE: Duration = Duration::from_millis(200);

/// How to run the demo.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave everything running to play with, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Open no window, even where there is a display
    #[arg(long)]
    no_window: bool,
    /// Use the programs that are built already
    #[arg(long, hide = true)]
    no_build: bool,
}

/// Runs the demo.
pub(crate) fn run(options: Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut stage = Stage::new(&workspace)?;
    let mut report = Report::new();
    play(&mut report, &workspace, &mut stage, &options);
    report.part("clean-up", || stage.clear());
    Ok(report.finish())
}

/// Plays all steps in turn and stops at the first that fails.
fn play(report: &mut Report, workspace: &Workspace, stage: &mut Stage, options: &Options) {
    let passed = (options.no_build || report.printing_part("build", || build(workspace)))
        && report.part("server", || start_server(stage))
        && (options.no_window || !has_display() || report.part("window", || open_window(stage)))
        && report.part("offer", || offer(stage))
        && report.part("enroll", || {
            stage.emulator("enroll")?;
            Outcome::passed("the emulator has taken the link; its holder has chosen a PIN")
        })
        && report.part("ask", || ask(stage, 2, "closed"))
        && report.part("open", || {
            stage.emulator("open")?;
            Outcome::passed("cardea-emulator open, with the PIN")
        })
        && report.part("ask again", || ask(stage, 1, "open"))
        && report.part("wait", || wait_until_closed(stage));
    if passed && options.keep {
        report.printing_part("keep", || keep(stage));
    } else if passed && stage.has_window() {
        report.printing_part("look", || look(stage));
    }
}

fn build(workspace: &Workspace) -> Result<Outcome> {
    let mut command = process::cargo(&workspace.root);
    command.args(["build", "-p", "cardea-server", "-p", "cardea-emulator"]);
    process::shown_to_the_end(&mut command)?;
    Outcome::passed("cardea-server, cardea-emulator")
}

fn start_server(stage: &mut Stage) -> Result<Outcome> {
    stage.start_server(WINDOW)?;
    let service = stage.service()?;
    Outcome::passed(format!("{}, token channel {}, SQLite in a temporary folder", service.http, service.channel))
}

fn offer(stage: &mut Stage) -> Result<Outcome> {
    let link = stage.offer()?;
    // Terminals are mostly dark: what is printed is the light part of the code.
    let code = QrCode::new(&link)?.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Outcome::passed(format!(
        "user {} of service {} enrolls with\n\n{code}\n\n{link}\n",
        stage::USER,
        stage.service()?.name
    ))
}

fn ask(stage: &Stage, expected: u8, word: &str) -> Result<Outcome> {
    let (url, answer) = stage.status()?;
    ensure!(answer == body(expected), "expected {}, got {answer}", body(expected));
    Outcome::passed(format!("curl '{url}'\n    {answer}   {word}"))
}

fn wait_until_closed(stage: &Stage) -> Result<Outcome> {
    let watch = Stopwatch::start();
    let limit = Duration::from_secs(WINDOW.into()) + GRACE;
    loop {
        let (_, answer) = stage.status()?;
        if answer == body(2) {
            return Outcome::passed(format!("{answer}   closed by itself, {WINDOW} seconds after it was opened"));
        }
        ensure!(answer == body(1), "expected {} or {}, got {answer}", body(1), body(2));
        if watch.elapsed() > limit {
            bail!("still open after {} seconds", limit.as_secs());
        }
        stage.pause(PAUSE)?;
    }
}

fn keep(stage: &Stage) -> Result<Outcome> {
    println!("\n{}\n\nCtrl-C ends everything and deletes the folder.\n", stage.how_to_play()?);
    stage.wait_for_interrupt();
    Outcome::passed("interrupted")
}

/// Whether there is a screen for the emulator's window.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn open_window(stage: &mut Stage) -> Result<Outcome> {
    match stage.open_window()? {
        true => Outcome::passed("cardea-emulator window: watch the token in it"),
        false => Outcome::passed("the window did not open here: the demo goes on without"),
    }
}

fn look(stage: &mut Stage) -> Result<Outcome> {
    println!(
        "\nThe token is in the window: open it with the PIN {}.\nClosing the window ends the demo.\n",
        stage::pin()
    );
    stage.wait_for_window()?;
    Outcome::passed("the window was closed")
}

fn body(status: u8) -> String {
    format!(r#"{{"status":{status}}}"#)
}

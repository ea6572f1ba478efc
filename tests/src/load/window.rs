//! What the emulator's window takes of a core where nobody does anything: it is open on a screen that nobody sees, before a real
//! server, with a device that is enrolled, closed and listens.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::caller::Caller;
use super::cpu::Threads;
use super::report::Line;
use crate::harness::{Site, emulator, pause, until};

/// What it may take of a core at rest, in percent.
const LIMIT: f64 = 0.1;
/// For so long it counts down, to see that it is drawn at all.
const COUNTING: Duration = Duration::from_secs(10);

/// A process, killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Leaves the window alone for so many seconds.
///
/// # Panics
/// Screen, window or server do not work at all.
#[must_use]
pub fn window(seconds: u64) -> Vec<Line> {
    // Its clock goes on, as the window's does.
    let site = Site::run();
    let (_screen, display) = screen();
    let state = site.folder().join("window");
    let window = opened(&state, &display);
    let pid = window.0.id().into();
    let mut caller =
        until("the window's socket", || UnixStream::connect(state.join("control.sock")).ok().map(Caller::at));
    let main = "/v1/sessions/default/devices/main";
    until("the window's device", || {
        let shown = caller.call("GET", "/v1/sessions/default/devices", &Value::Null);
        shown["devices"].as_array().filter(|devices| !devices.is_empty()).map(|_| ())
    });
    caller.call("POST", &format!("{main}/enroll"), &json!({ "invitation": site.offer("ada").link }));
    until("a closed token that listens", || {
        let shown = caller.call("GET", main, &Value::Null);
        (shown["tokens"][0]["state"] == "closed" && shown["watched"] == true).then_some(())
    });
    // What came of that has been drawn by then.
    pause(Duration::from_secs(5));
    let rest = Duration::from_secs(seconds);
    let at_rest = over(pid, rest);
    caller.call("POST", &format!("{main}/open"), &Value::Null);
    let counting = over(pid, COUNTING);
    let percent = |used: Duration, of: Duration| 100.0 * used.as_secs_f64() / of.as_secs_f64();
    let (at_rest_percent, counting_percent) = (percent(at_rest, rest), percent(counting, COUNTING));
    assert!(counting_percent > at_rest_percent, "a window that counts down is drawn each second");
    vec![
        Line::said("the window at rest", format!("{} ms of a core in {seconds} s", at_rest.as_millis())),
        Line::at_most("the same in percent of a core", at_rest_percent, LIMIT),
        Line::said("percent of a core while it counts down, with its pixels", format!("{counting_percent:.2}")),
    ]
}

/// A screen, and its name.
fn screen() -> (Process, String) {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb starts (apt-get install xvfb)");
    let mut line = String::new();
    let output = child.stdout.take().expect("it is a pipe");
    BufReader::new(output).read_line(&mut line).expect("it says its name");
    (Process(child), format!(":{}", line.trim()))
}

fn opened(state: &Path, display: &str) -> Process {
    let mut command = Command::new(emulator());
    command.arg("--state").arg(state).arg("window").env("DISPLAY", display);
    for name in ["CARDEA_EMULATOR_STATE", "WAYLAND_DISPLAY"] {
        command.env_remove(name);
    }
    Process(command.stdin(Stdio::null()).spawn().expect("the emulator can be started"))
}

/// What the process takes while nobody touches it.
fn over(pid: u64, time: Duration) -> Duration {
    let mut threads = Threads::of(pid);
    let before = threads.used();
    let second = Duration::from_secs(1);
    // One that ends is missed for a second at most.
    for _ in 0..time.as_secs() {
        pause(second);
        threads.look(pid);
    }
    threads.used() - before
}

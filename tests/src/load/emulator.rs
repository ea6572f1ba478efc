//! What a test waits for: until the emulator is ready, and until a server has acknowledged what a device was told over the
//! control API.
//!
//! The server is a development server that commits before it answers. It answers at once, and not on its grid, which is told
//! besides. Its disk is not what is measured, so that its data is in memory that looks like one.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::Argon2Class;
use serde_json::{Value, json};

use super::caller::{Caller, Running};
use super::cpu;
use super::getter::now;
use super::place::{in_memory, in_memory_as_it_comes};
use super::report::{Line, Sample};
use crate::harness::{Site, pause};

/// Most milliseconds until it is ready with one device.
const READY_LIMIT: f64 = 300.0;
/// Most milliseconds of an opening beyond Argon2id.
const OPEN_LIMIT: f64 = 20.0;
/// So many waits are parked.
const WAITS: usize = 1_000;
/// What they may take of a core, in percent.
const WAITS_LIMIT: f64 = 1.0;

/// Starts the emulator `starts` times on a state folder with one device, and opens `openings` times each way.
///
/// # Panics
/// Emulator or server do not work at all.
#[must_use]
pub fn emulator(starts: usize, openings: usize) -> Vec<Line> {
    let site = in_memory();
    let state = site.folder().join("emulator");
    enrolled(&state, &site);
    let mut lines = ready(&state, starts);
    let argon2id = argon2id();
    lines.push(Line::said("Argon2id of a test, taken off below", format!("{:.2} ms p50", ms(&argon2id, 50))));
    let running = Running::start(Some(&state));
    running.http().stand("default", &site);
    for times in [
        opening("over HTTP", &mut running.http(), openings, &site),
        opening("at the socket", &mut running.socket(), openings, &site),
    ] {
        lines.push(times.0);
        lines.push(Line::at_most("p50 beyond Argon2id in ms", ms(&times.1, 50) - ms(&argon2id, 50), OPEN_LIMIT));
    }
    lines.extend(waits(&running));
    drop(running);
    let on_grid = in_memory_as_it_comes();
    let state = on_grid.folder().join("emulator");
    enrolled(&state, &on_grid);
    let running = Running::start(Some(&state));
    running.http().stand("default", &on_grid);
    lines.push(opening("of a server on its grid, over HTTP,", &mut running.http(), openings, &on_grid).0);
    lines
}

/// Leaves one device with a token in a state folder.
fn enrolled(state: &Path, site: &Site) {
    let running = Running::start(Some(state));
    let mut caller = running.http();
    caller.stand("default", site);
    let enroll = json!({ "invitation": site.offer("ada").link });
    caller.call("POST", "/v1/sessions/default/devices", &json!({ "name": "phone", "enroll": enroll }));
}

fn ready(state: &Path, starts: usize) -> Vec<Line> {
    let mut times = Vec::new();
    for round in 0..=starts {
        let began = now();
        let running = Running::start(Some(state));
        let time = began.elapsed();
        let shown = running.http().call("GET", "/v1/sessions/default/devices", &Value::Null);
        assert_eq!(shown["devices"][0]["enrolled"], true, "{shown}");
        // The first one reads the program from disk.
        if round > 0 {
            times.push(nanos(time));
        }
    }
    let times = Sample::new(times);
    let said = format!("{:.1} ms p50, {:.1} ms worst, {} starts", ms(&times, 50), ms(&times, 100), times.len());
    vec![
        Line::said("from the start of `run` to ready, with one device", said),
        Line::at_most("the worst of them in ms", ms(&times, 100), READY_LIMIT),
    ]
}

fn opening<S: Read + Write>(way: &str, caller: &mut Caller<S>, rounds: usize, site: &Site) -> (Line, Sample) {
    let phone = "/v1/sessions/default/devices/phone";
    let mut times = Vec::new();
    for round in 0..=rounds {
        let began = now();
        let opened = caller.call("POST", &format!("{phone}/open"), &Value::Null);
        let time = began.elapsed();
        assert_eq!((&opened["state"], site.status("ada")), (&json!("open"), 1), "{opened}");
        caller.call("POST", &format!("{phone}/close"), &Value::Null);
        // The first one fills caches.
        if round > 0 {
            times.push(nanos(time));
        }
    }
    let times = Sample::new(times);
    let said = format!("{:.1} ms p50, {:.1} ms p99, {} openings", ms(&times, 50), ms(&times, 99), times.len());
    (Line::said(&format!("from the call to open {way} to its answer"), said), times)
}

/// What it costs that many wait for what does not come.
fn waits(running: &Running) -> Vec<Line> {
    let body = json!({ "until": "state == 'open'", "timeoutMs": 600_000 });
    let waiting: Vec<_> = (0..WAITS)
        .map(|_| {
            let mut caller = running.http();
            caller.ask("POST", "/v1/sessions/default/devices/phone/wait", &body);
            caller
        })
        .collect();
    let (seconds, before) = (Duration::from_secs(10), cpu::time(running.pid()));
    // What came before is over within the first of them.
    pause(Duration::from_secs(1));
    let parked = cpu::time(running.pid());
    pause(seconds);
    let used = cpu::time(running.pid()) - parked;
    drop(waiting);
    let said = format!("{} ms of a core in {} s", used.as_millis(), seconds.as_secs());
    vec![
        Line::said("to park the waits", format!("{} ms of a core", (parked - before).as_millis())),
        Line::said(&format!("{WAITS} parked waits"), said),
        Line::at_most("the same in percent of a core", 100.0 * used.as_secs_f64() / seconds.as_secs_f64(), WAITS_LIMIT),
    ]
}

/// Argon2id as devices do it for a service of a test.
fn argon2id() -> Sample {
    let times = (0..200).map(|_| {
        let began = now();
        let cost = Argon2Class::Test.cost();
        let blocks = usize::try_from(cost.memory_kib).expect("it is small");
        let mut memory = vec![<Dalek as Provider>::PinBlock::default(); blocks];
        let key = Dalek::argon2id(b"274951", &Secret::new([7; 32]), cost, &mut memory);
        std::hint::black_box(key.expect("there is enough memory"));
        nanos(began.elapsed())
    });
    Sample::new(times.collect())
}

fn ms(sample: &Sample, percent: usize) -> f64 {
    sample.percentile(percent) / 1_000.0
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

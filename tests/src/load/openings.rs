//! Durable openings by many devices at once, and status checks beside them.

use std::path::Path;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider as _};

use super::cpu;
use super::fleet::Fleet;
use super::getter::{Getter, now};
use super::report::{Line, Sample, median, number};
use crate::harness::{Site, pause};

/// Devices that open at the same time.
const DEVICES: usize = 64;
/// Turns of disk and memory, so that whatever else the machine does meanwhile falls on both.
const TURNS: usize = 5;
/// Where files are in memory and a flush costs nothing.
const NO_FLUSH: &str = "/dev/shm";

/// Opens for about `seconds` on the disk and as long where flushes are free, in turns. Required: at least 0.8 of the
/// throughput, and status checks within twice their idle 99th percentile.
///
/// # Panics
/// Server or devices do not work at all.
#[must_use]
pub fn openings(seconds: u64) -> Vec<Line> {
    let time = Duration::from_secs(seconds) / u32::try_from(TURNS).expect("few");
    let has_memory = Path::new(NO_FLUSH).is_dir();
    let (mut disk, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        disk.push(load(None, time));
        if has_memory {
            memory.push(load(Some(Path::new(NO_FLUSH)), time));
        }
    }
    let middle = |of: fn(&Measured) -> f64, turns: &[Measured]| median(turns.iter().map(of).collect());
    let mut lines = vec![
        Line::said(
            "durable cold openings, 64 devices: on the disk",
            format!("{:.0}/s", middle(|turn| turn.rate, &disk)),
        ),
        Line::said("server CPU per opening", format!("{:.0} us", middle(|turn| turn.cpu, &disk))),
        Line::said("of which cryptography that cannot be left out", format!("{:.0} us", cryptography())),
    ];
    if has_memory {
        let ratios = disk.iter().zip(&memory).map(|(disk, memory)| disk.rate / memory.rate).collect();
        let rate = middle(|turn| turn.rate, &memory);
        lines.push(Line::said("the same where flushes are free", format!("{rate:.0}/s")));
        lines.push(Line::at_least("throughput with flushes to that without", median(ratios), 0.8));
    } else {
        lines.push(Line::said("the same where flushes are free", format!("skipped: there is no {NO_FLUSH}")));
    }
    let (idle, loaded): (Vec<_>, Vec<_>) = disk.into_iter().map(|turn| (turn.idle, turn.loaded)).unzip();
    let (idle, loaded) = (Sample::merged(idle), Sample::merged(loaded));
    for (what, sample) in [("idle", &idle), ("under that load", &loaded)] {
        let (p50, p99) = (sample.percentile(50), sample.percentile(99));
        let figure = format!("{p50:.0} us p50, {p99:.0} us p99, {} checks", sample.len());
        lines.push(Line::said(&format!("status checks, {what}"), figure));
    }
    let ratio = loaded.percentile(99) / idle.percentile(99);
    lines.push(Line::at_most("status checks: p99 under load to idle", ratio, 2.0));
    lines
}

struct Measured {
    /// Openings per second.
    rate: f64,
    /// Microseconds of the server per opening.
    cpu: f64,
    idle: Sample,
    loaded: Sample,
}

fn load(place: Option<&Path>, time: Duration) -> Measured {
    let arguments = ["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0"];
    let site = place.map_or_else(|| Site::dev_with(&arguments), |place| Site::dev_at(place, &arguments));
    let pid = site.ready["pid"].as_u64().expect("the ready file has it");
    let mut fleet = Fleet::start(&site, DEVICES);
    let mut getter = Getter::new(site.http(), &site.status_target("device0"));
    let idle = checks(&mut getter, time);
    fleet.go();
    // Until all devices are at it.
    let _ = checks(&mut getter, Duration::from_millis(500));
    let (began, before) = (now(), cpu::time(pid));
    let loaded = checks(&mut getter, time);
    let (passed, used) = (began.elapsed(), cpu::time(pid).saturating_sub(before));
    // The fleet counts from its start, half a second earlier.
    let openings = number(fleet.stop()) * passed.as_secs_f64() / (passed.as_secs_f64() + 0.5);
    Measured { rate: openings / passed.as_secs_f64(), cpu: used.as_secs_f64() * 1e6 / openings, idle, loaded }
}

/// A check every few milliseconds.
fn checks(getter: &mut Getter, time: Duration) -> Sample {
    let began = now();
    let mut times = Vec::new();
    while began.elapsed() < time {
        times.push(getter.get().1);
        pause(Duration::from_millis(5));
    }
    Sample::new(times)
}

/// Microseconds of what the server has to compute for an opening whatever the code around it: four Diffie-Hellman
/// computations and a key pair of `KKpsk0`, and four signatures to verify, one for each slot.
fn cryptography() -> f64 {
    const ROUNDS: u32 = 1_000;
    let secret = Secret::new([7; 32]);
    let public = Dalek::x25519_public(&Secret::new([9; 32]));
    let (key, signature) = (Dalek::ed25519_public(&secret), Dalek::ed25519_sign(&secret, b"statement"));
    // By the clock of the process: on a busy machine the wait for a core does not count.
    let pid = u64::from(std::process::id());
    let before = cpu::time(pid);
    for _ in 0..ROUNDS {
        let _ = std::hint::black_box(Dalek::x25519_public(std::hint::black_box(&secret)));
        for _ in 0..4 {
            let _ = std::hint::black_box(Dalek::x25519(std::hint::black_box(&secret), &public));
            let _ = std::hint::black_box(Dalek::ed25519_verify(std::hint::black_box(&key), b"statement", &signature));
        }
    }
    cpu::time(pid).saturating_sub(before).as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

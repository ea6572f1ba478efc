//! What an emulated device takes of memory, with many of them in one process.
//!
//! Counted is what is resident of the emulator's process, as the kernel says it, before the devices were made and after all
//! of them were enrolled and many had opened: records, keys, the journal, and whatever the allocator keeps for itself. The
//! sockets of devices that are watched are the kernel's, and not in it.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::caller::{Caller, Running};
use super::cpu;
use super::getter::now;
use super::report::{Line, number};
use crate::harness::Site;

/// What may be resident at most for each device, in KiB.
const LIMIT: f64 = 4.0;
/// So many are enrolled, opened and removed before, so that what any number of devices needs is there.
const BEFORE: usize = 500;
/// Users in one call to the server.
const AT_ONCE: usize = 100;
/// Calls at a time.
const THREADS: usize = 4;
/// Every one of so many is opened, and seen to be open by the server.
const EVERY: usize = 7;

/// Enrolls `count` devices in one process on two cores, and opens many of them.
///
/// # Panics
/// A device cannot be enrolled or opened, or the server does not see it open.
#[must_use]
pub fn devices(count: usize) -> Vec<Line> {
    let most = format!("channel.max_connections={}", 2 * count + 100);
    let each = format!("channel.max_connections_per_address={}", 2 * count + 100);
    let set =
        ["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0", "--set", &most, "--set", &each];
    let site = super::place::in_memory_with(&set);
    let running = Running::start(None);
    enroll(&running, &site, "before", BEFORE);
    open(&running, &site, "before", BEFORE, 1);
    running.http().call("DELETE", "/v1/sessions/before", &Value::Null);

    let before = cpu::memory(running.pid());
    let began = now();
    enroll(&running, &site, "many", count);
    let (enrolled, time) = (cpu::memory(running.pid()), began.elapsed());
    let began = now();
    let opened = open(&running, &site, "many", count, EVERY);
    let (after, opening) = (cpu::memory(running.pid()), began.elapsed());
    let each = |more: u64| number(more.saturating_sub(before)) / number(count as u64);
    let mut lines = vec![
        Line::said("devices in one process, enrolled in", format!("{count}, {:.0} s", time.as_secs_f64())),
        Line::said(
            "of them opened, as the server says, and closed",
            format!("{opened}, {:.0} s", opening.as_secs_f64()),
        ),
        Line::said("resident before, once enrolled, at the end", format!("{before} KiB, {enrolled} KiB, {after} KiB")),
        Line::at_most("resident KiB of each device", each(enrolled.max(after)), LIMIT),
    ];
    lines.push(watched(&running, count, after));
    lines
}

/// The same devices, each with a connection on which it hears what its server says. Nothing is required of it.
fn watched(running: &Running, count: usize, before: u64) -> Line {
    let watch = |number: usize, caller: &mut Caller<_>| {
        caller.call("POST", &format!("/v1/sessions/many/devices/d{number}/watch"), &Value::Null);
    };
    in_turn(running, 0..count, &watch);
    let connected = || cpu::files(running.pid()) >= count as u64;
    crate::harness::until("all devices are connected", || connected().then_some(()));
    let more = number(cpu::memory(running.pid()).saturating_sub(before)) / number(count as u64);
    Line::said("resident KiB more of each that is watched", format!("{more:.2}"))
}

/// Makes a session with so many devices, each with a token of its own.
fn enroll(running: &Running, site: &Site, session: &str, count: usize) {
    running.http().session(session, site);
    let links = invite(site, session, count);
    let make = |number: usize, caller: &mut Caller<_>| {
        let new = json!({ "name": format!("d{number}"), "enroll": { "invitation": links[number] } });
        caller.call("POST", &format!("/v1/sessions/{session}/devices"), &new);
    };
    in_turn(running, 0..count, &make);
}

/// Invites so many users, many with one call.
fn invite(site: &Site, session: &str, count: usize) -> Vec<String> {
    let mut server = Caller::server(site);
    let mut links = Vec::with_capacity(count);
    for first in (0..count).step_by(AT_ONCE) {
        let users = (first..count.min(first + AT_ONCE)).map(|number| json!({ "id": format!("{session}{number}") }));
        let body = json!({ "service": site.service, "users": users.collect::<Vec<_>>() });
        let said = server.call("POST", "/token/enroll", &body);
        let items = said["items"].as_array().expect("items");
        links.extend(items.iter().map(|item| item["link"].as_str().expect("a link").to_owned()));
    }
    links
}

/// Opens every one of so many, asks the server, and closes it again; says how many there were.
fn open(running: &Running, site: &Site, session: &str, count: usize, every: usize) -> usize {
    let act = |number: usize, caller: &mut Caller<_>| {
        let (device, user) = (format!("/v1/sessions/{session}/devices/d{number}"), format!("{session}{number}"));
        let opened = caller.call("POST", &format!("{device}/open"), &Value::Null);
        assert_eq!((&opened["state"], site.status(&user)), (&json!("open"), 1), "{user}: {opened}");
        caller.call("POST", &format!("{device}/close"), &Value::Null);
    };
    let chosen = (0..count).step_by(every);
    let opened = chosen.len();
    in_turn(running, chosen, &act);
    opened
}

/// Does something with each number, some at a time.
fn in_turn(
    running: &Running,
    numbers: impl Iterator<Item = usize> + Send,
    act: &(impl Fn(usize, &mut Caller<std::net::TcpStream>) + Sync),
) {
    let numbers = Mutex::new(numbers);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut caller = running.http();
                loop {
                    let next = numbers.lock().expect("no one panics with it").next();
                    let Some(number) = next else { return };
                    act(number, &mut caller);
                }
            });
        }
    });
}

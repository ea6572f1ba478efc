//! `kill -9` at every point of an exchange: what was acknowledged holds, what was not is done again or refused, and
//! nothing is half of either.

use std::sync::mpsc;
use std::time::Duration;

use cardea_tests::harness::{Device, Event, Killer, Proxy, Ran, Site, pause};
use serde_json::json;

const PIN: &str = Site::PIN;

/// How long the server is left at work after it got a frame, in microseconds: from not at all to long enough.
const WORK: [u64; 4] = [0, 1_000, 4_000, 11_000];

/// A point to kill at: an event, and for how long the others go on meanwhile.
#[derive(Debug, Clone, Copy)]
struct Point(Event, Duration);

/// The points of an operation with so many frames each way.
fn points(frames: usize) -> Vec<Point> {
    let mut points = vec![Point(Event::Connected(0), Duration::ZERO)];
    for frame in 0..frames {
        points.push(Point(Event::Asking(frame), Duration::ZERO));
        points.extend(WORK.map(|work| Point(Event::Asked(frame), Duration::from_micros(work))));
        points.push(Point(Event::Answering(frame), Duration::ZERO));
        points.push(Point(Event::Answered(frame), Duration::ZERO));
        points.push(Point(Event::Answered(frame), Duration::from_millis(3)));
    }
    points
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Device,
    Both,
}

/// Runs the device through the proxy, kills at the point, puts the server back, and waits for the device's end.
fn run(site: &mut Site, proxy: &Proxy, victim: Victim, point: Point, device: &Device, what: &[&str]) -> Ran {
    let (tell_victims, victims) = mpsc::channel::<Vec<Killer>>();
    let (tell_death, death) = mpsc::channel();
    let mut armed = Some(tell_death);
    proxy.at(move |event| {
        if event == point.0
            && let Some(tell_death) = armed.take()
        {
            pause(point.1);
            for killer in victims.recv().unwrap_or_default() {
                killer.kill();
            }
            // Nobody listens when only the device was to die.
            let _ = tell_death.send(());
        }
    });
    let running = device.start(what, &[PIN]);
    let killers = match victim {
        Victim::Server => vec![site.killer()],
        Victim::Device => vec![running.killer()],
        Victim::Both => vec![running.killer(), site.killer()],
    };
    tell_victims.send(killers).expect("the proxy listens");
    // Every point is reached: an operation has all its frames when nothing goes wrong before.
    death.recv_timeout(Duration::from_secs(30)).expect("the point is reached");
    if victim != Victim::Device {
        site.power_failure();
    }
    running.finish()
}

/// What must hold after an opening that ended like this.
fn check_opening(site: &Site, device: &Device, ran: &Ran, about: &str) {
    let before = site.status("joe");
    if ran.code == 0 {
        assert_eq!(before, 1, "{about}: acknowledged and lost: {ran:?}");
    } else {
        assert!(["killed", "not-confirmed", "offline"].contains(&&*ran.word()), "{about}: {ran:?}");
        assert!([1, 2].contains(&before), "{about}: {before}");
    }
    // Device and relying party agree, now that there is an answer again.
    let said = device.status();
    assert_eq!(said.code, 0, "{about}: {said:?}");
    assert_eq!(said.json()["status"], json!(site.status("joe")), "{about}");
    // A guess is counted before it is looked at; the next right one gives the count back.
    let tries = said.json()["triesLeft"].as_u64();
    assert!(tries == Some(10) || (ran.code != 0 && tries == Some(9)), "{about}: {said:?}");
    device.close().ended(0);
    assert_eq!(site.status("joe"), 2, "{about}");
    assert_eq!(device.open(PIN).ended(0).json()["triesLeft"], 10, "{about}");
    assert_eq!(site.status("joe"), 1, "{about}");
    device.close().ended(0);
}

fn openings(victim: Victim, points: impl Iterator<Item = Point>) {
    let mut site = Site::dev();
    let proxy = Proxy::to(site.channel());
    let device = site.device("joe");
    device.run(&["enroll", &site.offer("joe").through(proxy.port())], &[PIN]).ended(0);
    for point in points {
        let ran = run(&mut site, &proxy, victim, point, &device, &["open"]);
        proxy.at(|_| {});
        check_opening(&site, &device, &ran, &format!("{victim:?} at {point:?}"));
    }
}

#[test]
fn the_server_dies_while_a_token_is_opened() {
    // Each is followed by a retry after a second.
    openings(Victim::Server, points(1).into_iter());
}

#[test]
fn the_device_dies_while_a_token_is_opened() {
    openings(Victim::Device, points(1).into_iter());
}

#[test]
fn both_die_while_a_token_is_opened() {
    openings(Victim::Both, points(1).into_iter());
}

/// What must hold after an enrollment that ended like this.
fn check_enrollment(site: &Site, user: &str, device: &Device, ran: &Ran, about: &str) {
    let status = site.status(user);
    if ran.code == 0 {
        assert_eq!(status, 2, "{about}: acknowledged and lost: {ran:?}");
        device.open(PIN).ended(0);
        assert_eq!(site.status(user), 1, "{about}");
        return;
    }
    assert!(
        ["killed", "not-enrolled", "not-confirmed", "code-used", "already-enrolled", "offline", "refused", "server"]
            .contains(&&*ran.word()),
        "{about}: {ran:?}"
    );
    assert!([0, 2].contains(&status), "{about}: {status}");
    let listed = device.run(&["list"], &[]).ended(0).json();
    let tokens = listed["tokens"].as_array().expect("a list");
    assert!(tokens.len() <= 1, "{about}: {listed}");
    let opened = device.open(PIN);
    if opened.code == 0 {
        assert_eq!(site.status(user), 1, "{about}");
        return;
    }
    // Not known, not there, or left over: then the server has no device either, and the next offer is taken.
    assert!(["not-enrolled", "no-such-token", "refused", "server"].contains(&&*opened.word()), "{about}: {opened:?}");
    assert_eq!(site.status(user), 0, "{about}: {opened:?}");
    let ran = device.run(&["enroll", &site.offer(user).link], &[PIN]);
    assert_eq!(ran.code, 0, "{about}: {ran:?}");
    device.open(PIN).ended(0);
    assert_eq!(site.status(user), 1, "{about}");
}

fn enrollments(victim: Victim, points: impl Iterator<Item = Point>) {
    let mut site = Site::dev();
    let proxy = Proxy::to(site.channel());
    for (number, point) in points.enumerate() {
        let user = format!("u{number}");
        let device = site.device(&user);
        let link = site.offer(&user).through(proxy.port());
        let ran = run(&mut site, &proxy, victim, point, &device, &["enroll", &link]);
        proxy.at(|_| {});
        check_enrollment(&site, &user, &device, &ran, &format!("{victim:?} at {point:?}"));
    }
}

#[test]
fn the_server_dies_while_a_device_is_enrolled() {
    enrollments(Victim::Server, points(2).into_iter());
}

#[test]
fn the_device_dies_while_it_is_enrolled() {
    enrollments(Victim::Device, points(2).into_iter());
}

#[test]
fn both_die_while_a_device_is_enrolled() {
    enrollments(Victim::Both, points(2).into_iter());
}

#[test]
fn the_power_fails_while_many_devices_open_and_close() {
    let mut site = Site::dev();
    let users: Vec<String> = (0..6).map(|number| format!("u{number}")).collect();
    let devices: Vec<Device> = users.iter().map(|user| site.enrolled(user)).collect();
    for round in 0..6_u64 {
        let what = if round % 2 == 0 { "open" } else { "close" };
        let pins: &[&str] = if what == "open" { &[PIN] } else { &[] };
        let running: Vec<_> = devices.iter().map(|device| device.start(&[what], pins)).collect();
        pause(Duration::from_millis(20 + 23 * round));
        site.power_failure();
        for ((running, device), user) in running.into_iter().zip(&devices).zip(&users) {
            let ran = running.finish();
            match &*ran.word() {
                "" => assert_eq!(site.status(user), if what == "open" { 1 } else { 2 }, "{user}: {ran:?}"),
                "not-confirmed" | "offline" => {}
                _ => panic!("{user}: {ran:?}"),
            }
            let said = device.status().ended(0).json();
            assert_eq!(said["status"], json!(site.status(user)), "{user}");
        }
    }
}

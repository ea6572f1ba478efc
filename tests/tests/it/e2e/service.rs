//! A server that is stopped while it is used, or used too much.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cardea_tests::harness::{Site, get, until};

use super::clients::denied;

const PIN: &str = Site::PIN;

#[test]
fn a_stop_in_the_middle_of_everything_answers_or_refuses_and_forgets_nothing() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    let (http, target) = (site.http(), site.status_target("joe"));
    let answered = AtomicUsize::new(0);
    let (answered, target) = (&answered, &target);
    let unanswered = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                loop {
                    let answer = get(http, target.as_bytes());
                    match answer.code {
                        200 => assert_eq!(answer.body, b"{\"status\":1}"),
                        // Stopping, or gone.
                        0 | 503 => {
                            denied(&answer);
                            if answer.code == 0 {
                                return;
                            }
                        }
                        _ => panic!("{answer:?}"),
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let unanswered = device.start(&["status"], &[]);
        until("answers", || (answered.load(Ordering::Relaxed) > 20).then_some(()));
        assert_eq!(site.stop(), Some(0));
        unanswered
    });
    let log = site.log();
    assert!(log.contains("stopping") && log.trim_end().ends_with("stopped"), "{log}");
    site.up();
    // It asks until somebody answers, unless nobody was there to begin with.
    assert!(["", "offline"].contains(&&*unanswered.finish().word()));
    assert_eq!(site.status("joe"), 1);
    device.close().ended(0);
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn a_caller_that_dawdles_holds_a_stop_up_for_the_grace_period_only() {
    let mut site = Site::run();
    assert_eq!(site.stop(), Some(0));
    site.start.arguments = vec!["--set".to_owned(), "shutdown.grace=1".to_owned()];
    site.up();
    let mut dawdler = TcpStream::connect(site.http()).unwrap();
    dawdler.write_all(b"GET /token/status?id=1 HTTP/1.1\r\nHost:").unwrap();
    let mut silent = TcpStream::connect(site.channel()).unwrap();
    silent.write_all(&[0, 200, 1]).unwrap();
    assert_eq!(site.stop(), Some(0));
    let mut left = Vec::new();
    let _ = dawdler.read_to_end(&mut left);
    assert!(!left.contains(&b'1') || left.starts_with(b"HTTP/1.1 "), "{left:?}");
}

#[test]
fn a_second_signal_stops_at_once() {
    let mut site = Site::dev();
    let mut dawdler = TcpStream::connect(site.http()).unwrap();
    dawdler.write_all(b"GET /token/status?id=1 HTTP/1.1\r\nHost:").unwrap();
    // Both have been accepted in order: who gets an answer knows that the dawdler is in.
    let _ = site.ask("nobody");
    site.killer().terminate();
    site.logged(&["stopping"]);
    assert_eq!(site.stop(), Some(130));
}

#[test]
fn who_is_turned_away_by_a_busy_server_is_told_nothing_that_opens() {
    let mut site = Site::run();
    site.enrolled("joe").open(PIN).ended(0);
    assert_eq!(site.stop(), Some(0));
    site.start.arguments = vec!["--set".to_owned(), "http.max_connections=2".to_owned()];
    site.up();
    let hold = || TcpStream::connect(site.http()).unwrap();
    let held = [hold(), hold()];
    let answer = until("a refusal", || Some(site.ask("joe")).filter(|answer| answer.code != 200));
    assert!([0, 503].contains(&answer.code), "{answer:?}");
    denied(&answer);
    drop(held);
    until("room again", || Some(site.ask("joe")).filter(|answer| answer.code == 200));
    assert_eq!(site.status("joe"), 1);
}

//! Checks of closed tokens, as they are counted for the devices that listen.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::support::{ADMIN_KEY, STATUS_KEY, Server, State};
use crate::checks::Listening;
use crate::storage::rows::DeviceKey;

/// The service tells its devices, or not.
async fn tell(server: &Server, tell: bool, window: u32) {
    let change = json!({
        "service": "default_demo", "authKey": ADMIN_KEY, "tellChecks": tell, "window": window, "silentAlarm": false,
    });
    assert_eq!(server.post("/token/service/update", &change.to_string()).await.status, 200);
}

/// The ways in which a relying party asks: from memory, through the table of calls, and as a reverse proxy does.
const WAYS: [&str; 3] = ["/token/status?id=joe", "/token/status?id=%6aoe", "/token/gate?id=joe"];

async fn ask(server: &Server, way: &str) -> u16 {
    server.get(&format!("{way}&service=default_demo&authKey={STATUS_KEY}")).await.status
}

async fn listening(server: &Server) -> (DeviceKey, Listening) {
    let device = server.device("joe").await;
    (device, server.admin.checks().listen(device.token))
}

#[expect(clippy::disallowed_methods, reason = "any moment will do")]
fn now() -> Instant {
    Instant::now()
}

/// What a device is told by now, long after it was told anything else.
fn news(server: &Server, listening: &mut Listening, later: &mut Instant) -> Option<(u16, u32)> {
    *later += Duration::from_secs(100);
    server.admin.checks().announce(*later);
    listening.news()
}

#[tokio::test]
async fn a_check_counts_whichever_way_it_takes_if_the_token_is_closed_and_the_service_tells_it() {
    let server = Server::start_on_disk().await;
    let mut later = now();
    for way in WAYS {
        tell(&server, false, 60).await;
        let (device, mut listening) = listening(&server).await;
        ask(&server, way).await;
        ask(&server, way).await;
        assert_eq!(news(&server, &mut listening, &mut later), None, "{way}: nobody wants it told");
        tell(&server, true, 60).await;
        ask(&server, way).await;
        ask(&server, way).await;
        let time = server.now().wire();
        assert_eq!(news(&server, &mut listening, &mut later), Some((2, time)), "{way}");
        server.open(device, 0).await;
        ask(&server, way).await;
        assert_eq!(news(&server, &mut listening, &mut later), None, "{way}: it was open");
        server.advance(61);
        ask(&server, way).await;
        assert_eq!(news(&server, &mut listening, &mut later), Some((1, time + 61)), "{way}: the window is over");
    }
}

#[tokio::test]
async fn what_was_refused_is_no_check() {
    let server = Server::start_limited(|config| config.limits.checks_per_token = 3).await;
    tell(&server, true, 60).await;
    let (_, mut listening) = listening(&server).await;
    let codes = [ask(&server, WAYS[0]).await, ask(&server, WAYS[1]).await, ask(&server, WAYS[0]).await];
    assert_eq!(codes, [200; 3]);
    for way in [WAYS[0], WAYS[1]] {
        assert_eq!(ask(&server, way).await, 429);
    }
    let wrong = "/token/status?id=joe&service=default_demo&authKey=wrong-key-0123456";
    assert_eq!(server.get(wrong).await.status, 403);
    assert_eq!(news(&server, &mut listening, &mut now()).map(|(count, _)| count), Some(3));
}

#[tokio::test]
async fn a_blocked_token_and_one_without_devices_have_no_closed_checks() {
    let server = Server::start_on_disk().await;
    tell(&server, true, 60).await;
    let (_, mut listening) = listening(&server).await;
    let service = server.demo().await;
    let user = crate::domain::name::UserId::parse("joe").expect("valid");
    server.admin.block(&service, &user, crate::admin::Actor::Operator).await.expect("blocked");
    ask(&server, WAYS[0]).await;
    assert_eq!(news(&server, &mut listening, &mut now()), None);
    server.token("joe", State::Pending).await;
    ask(&server, WAYS[0]).await;
    assert_eq!(news(&server, &mut listening, &mut now()), None);
}

/// What a device hears that is opened with PIN 0 or 1, while relying parties go on asking.
async fn heard(pin: usize, silent: bool, window: u32) -> Vec<Option<(u16, u32)>> {
    let server = Server::start_on_disk().await;
    tell(&server, true, window).await;
    let change = json!({ "service": "default_demo", "authKey": ADMIN_KEY, "silentAlarm": silent });
    assert_eq!(server.post("/token/service/update", &change.to_string()).await.status, 200);
    let (device, mut listening) = listening(&server).await;
    let (mut later, mut heard) = (now(), Vec::new());
    // Opened twice; the second time with the other PIN, which acts in the same world as the first.
    for (round, wait) in [(0, 0), (1, 7), (2, 70), (3, 1)] {
        for (number, way) in WAYS.iter().enumerate() {
            for _ in 0..=(round + number) % 3 {
                ask(&server, way).await;
                heard.push(news(&server, &mut listening, &mut later));
            }
        }
        match round {
            0 => server.open(device, pin).await,
            2 => server.open(device, if pin == 0 { 0 } else { 1 - pin }).await,
            _ => {}
        }
        for way in WAYS {
            ask(&server, way).await;
            ask(&server, way).await;
        }
        heard.push(news(&server, &mut listening, &mut later));
        server.advance(wait);
    }
    heard
}

#[tokio::test]
async fn under_duress_the_same_checks_are_told_as_without() {
    for (silent, window) in [(false, 60), (true, 60), (false, 0), (true, 0)] {
        let safe = heard(0, silent, window).await;
        // A single-use opening ends with the first of six checks, any other one is open for all of them.
        let opened = if window == 0 { Some(5) } else { None };
        let counts: Vec<Option<u16>> = safe.iter().map(|news| news.map(|(count, _)| count)).collect();
        assert!(counts.contains(&opened) && counts.contains(&Some(6)), "{safe:?}");
        assert_eq!(safe, heard(1, silent, window).await, "silent {silent}, window {window}");
    }
}

use cardea_sdk::SystemClock;
use cardea_sdk::transport::memory::{MemoryConnection, MemoryListener, network};
use cardea_sdk::transport::{Connection, Connector, Endpoint, TransportError};
use tokio::time::timeout;

use super::*;
use crate::engine::Time;

fn server() -> Endpoint {
    Endpoint { host: "id.example".into(), port: 8421 }
}

fn device(seed: u64) -> (Network, Arc<dyn Connector>, MemoryListener) {
    let journal = Journal::new(Time::with(Arc::new(SystemClock)));
    let here = Network::new(Luck::new(Seed::new(seed), "network".into()), "phone".into(), journal);
    let (connector, listener) = network();
    let over = here.over(Arc::new(connector));
    (here, over, listener)
}

async fn connected(over: &dyn Connector, listener: &mut MemoryListener) -> (Box<dyn Connection>, MemoryConnection) {
    let near = over.connect(&server()).await.unwrap();
    (near, listener.accept().await.unwrap())
}

fn custom(json: &str) -> Profile {
    serde_json::from_str(json).unwrap()
}

/// How long frames took there and back.
async fn times(seed: u64, profile: Profile) -> Vec<Duration> {
    let (here, over, mut listener) = device(seed);
    here.set(profile).unwrap();
    let (mut near, mut far) = connected(&*over, &mut listener).await;
    let mut times = Vec::new();
    for _ in 0..8 {
        let began = now();
        near.send(&[1; 100]).await.unwrap();
        far.receive().await.unwrap();
        times.push(now() - began);
        far.send(&[2; 100]).await.unwrap();
        near.receive().await.unwrap();
        times.push(now() - began);
    }
    times
}

#[test]
fn names_and_numbers_are_read_and_nothing_else() {
    for named in Named::ALL {
        assert_eq!(named.name().parse(), Ok(named));
        assert_eq!(custom(&format!("{:?}", named.name())), named.into());
        named.conditions().checked_by_profile();
    }
    let profile = custom(r#"{"latencyMs": 300, "loss": 0.1, "flap": {"upMs": 5, "downMs": 6}, "limitData": 7}"#);
    let text = serde_json::to_string(&profile).unwrap();
    assert_eq!(custom(&text), profile);
    assert_eq!(serde_json::to_string(&Profile::from(Named::G2)).unwrap(), "\"2g\"");
    for (json, error) in [
        ("\"4g\"", "no network is called \"4g\""),
        ("{\"latency\": 1}", "unknown field `latency`, expected one of `latencyMs`"),
        ("{\"latencyMs\": -1}", "invalid value"),
        ("{\"latencyMs\": 3600001}", "an hour at most"),
        ("{\"loss\": 1.5}", "from 0 to 1"),
        ("{\"bandwidth\": 0}", "at least one byte"),
        ("{\"flap\": {\"upMs\": 0, \"downMs\": 1}}", "from 1 ms to an hour"),
        ("{\"flap\": {\"upMs\": 1, \"downMs\": 1, \"x\": 1}}", "unknown field `x`"),
        ("{\"down\": true, \"captive\": true}", "exclude each other"),
        ("7", "the name of a network, or an object"),
        ("null", "the name of a network, or an object"),
    ] {
        let refused = serde_json::from_str::<Profile>(json).unwrap_err().to_string();
        assert!(refused.contains(error), "{json}: {refused}");
    }
    let nan = Conditions { loss: f64::NAN, ..Conditions::default() };
    assert_eq!(device(1).0.set(nan), Err(ProfileError::Loss));
}

impl Conditions {
    fn checked_by_profile(self) {
        Profile::from(self).checked().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_ideal_network_adds_nothing_and_loses_nothing() {
    assert_eq!(times(1, Named::Ideal.into()).await, [Duration::ZERO; 16]);
}

#[tokio::test(start_paused = true)]
async fn frames_take_as_long_as_they_were_told_to() {
    let profile = custom(r#"{"latencyMs": 40, "bandwidth": 10000}"#);
    let ms = Duration::from_millis;
    // 100 bytes are 10 ms of 10 kB/s.
    assert_eq!(times(1, profile).await, [ms(50), ms(100)].repeat(8));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_run_and_another_one_another() {
    for profile in [Named::G2, Named::LossyWifi] {
        let first = times(7, profile.into()).await;
        assert_eq!(times(7, profile.into()).await, first, "{profile:?}");
        assert_ne!(times(8, profile.into()).await, first, "{profile:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_network_nothing_is_reached_and_connections_break() {
    let (here, over, mut listener) = device(1);
    let (mut near, _far) = connected(&*over, &mut listener).await;
    let receiving = tokio::spawn(async move { (near.receive().await.is_err(), near) });
    tokio::task::yield_now().await;
    here.set(Named::Offline).unwrap();
    assert_eq!(here.show(), Named::Offline.into());
    let (is_broken, mut near) = receiving.await.unwrap();
    assert!(is_broken);
    assert!(matches!(over.connect(&server()).await, Err(TransportError::Unreachable { .. })));
    here.clear();
    assert!(near.send(b"x").await.is_err(), "what broke stays broken");
    let (mut near, mut far) = connected(&*over, &mut listener).await;
    near.send(b"y").await.unwrap();
    assert_eq!(far.receive().await.unwrap(), "y");
}

#[tokio::test(start_paused = true)]
async fn half_open_everything_vanishes_and_nobody_is_told() {
    let (here, over, mut listener) = device(1);
    let (mut near, mut far) = connected(&*over, &mut listener).await;
    here.set(Named::HalfOpen).unwrap();
    near.send(b"x").await.unwrap();
    let minute = Duration::from_secs(60);
    assert!(timeout(minute, near.receive()).await.is_err());
    assert!(timeout(minute, far.receive()).await.is_err());
    assert!(timeout(minute, over.connect(&server())).await.is_err());
    here.clear();
    assert!(timeout(minute, near.receive()).await.is_err(), "what vanished is missing for ever");
    connected(&*over, &mut listener).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_answers_in_place_of_the_server_is_no_frame() {
    let (here, over, mut listener) = device(1);
    let (mut near, _far) = connected(&*over, &mut listener).await;
    here.set(Named::Captive).unwrap();
    assert!(near.receive().await.is_err(), "connections of before are gone");
    let mut portal = over.connect(&server()).await.unwrap();
    assert!(timeout(Duration::from_secs(5), portal.receive()).await.is_err(), "it does not begin");
    portal.send(&[7; 128]).await.unwrap();
    assert!(matches!(portal.receive().await, Err(TransportError::Broken(_))));
}

#[tokio::test(start_paused = true)]
async fn a_network_that_flaps_breaks_connections_each_time_and_comes_back() {
    let (here, over, mut listener) = device(1);
    here.set(Named::Flap).unwrap();
    let (mut near, _far) = connected(&*over, &mut listener).await;
    let began = now();
    assert!(near.receive().await.is_err());
    assert_eq!(now() - began, Duration::from_secs(5));
    assert!(over.connect(&server()).await.is_err());
    tokio::time::advance(Duration::from_secs(2)).await;
    let (mut near, _far) = connected(&*over, &mut listener).await;
    // Nobody looks while it is down.
    tokio::time::advance(Duration::from_secs(7)).await;
    assert!(near.send(b"x").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_so_much_and_no_more() {
    let (here, over, mut listener) = device(1);
    here.set(custom(r#"{"limitData": 250}"#)).unwrap();
    let (mut near, mut far) = connected(&*over, &mut listener).await;
    near.send(&[1; 128]).await.unwrap();
    far.send(&[2; 63]).await.unwrap();
    far.send(&[3; 63]).await.unwrap();
    near.receive().await.unwrap();
    assert!(matches!(near.receive().await, Err(TransportError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_has_come_is_not_lost_by_who_gives_up_waiting() {
    let (here, over, mut listener) = device(1);
    here.set(custom(r#"{"latencyMs": 100}"#)).unwrap();
    let (mut near, mut far) = connected(&*over, &mut listener).await;
    far.send(b"x").await.unwrap();
    for _ in 0..4 {
        assert!(timeout(Duration::from_millis(20), near.receive()).await.is_err());
    }
    assert_eq!(timeout(Duration::from_millis(30), near.receive()).await.unwrap().unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_which_nothing_gets_through_breaks() {
    let (here, over, mut listener) = device(1);
    let (mut near, mut far) = connected(&*over, &mut listener).await;
    here.set(custom(r#"{"loss": 1}"#)).unwrap();
    assert!(matches!(near.send(b"x").await, Err(TransportError::TimedOut)));
    far.send(b"x").await.unwrap();
    assert!(matches!(near.receive().await, Err(TransportError::TimedOut)));
}

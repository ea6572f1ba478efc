//! Connections through proxies that say whose they are.

use cardea_protocol::Code;
use cardea_protocol::device::Intent;
use cardea_server::config::ChannelConfig;

use crate::channel_support::*;

/// A world behind proxies on this machine.
async fn proxied() -> World {
    let trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    let config = ChannelConfig { trusted_proxies, max_connections_per_address: 3, ..config() };
    Setup { config, ..Setup::default() }.start().await
}

/// A connection that the proxy says is of `client`.
async fn of(world: &World, client: &str) -> Wire {
    let mut wire = Wire::connect(world.address()).await;
    wire.raw(format!("PROXY TCP4 {client} 192.0.2.1 4711 8421\r\n").as_bytes()).await;
    wire
}

/// Whether a client is let in and answered.
async fn answers(world: &World, client: &str) -> bool {
    let mut wire = of(world, client).await;
    wire.send(&[0x21; 128]).await;
    wire.receive().await.is_some_and(|frame| frame[0] == 0x80 | Code::VersionUnsupported.number())
}

#[tokio::test]
async fn limits_mean_the_client_and_not_the_proxy() {
    let world = proxied().await;
    let mut held = Vec::new();
    for client in ["198.51.100.1", "198.51.100.2"] {
        for _ in 0..3 {
            let mut wire = of(&world, client).await;
            // Half a frame: the connection stays, and is known to be counted once the next one is refused.
            wire.raw(&[0]).await;
            held.push(wire);
        }
    }
    while answers(&world, "198.51.100.1").await || answers(&world, "198.51.100.2").await {}
    assert!(answers(&world, "198.51.100.3").await);
    for wire in &mut held[..3] {
        wire.finish().await;
        assert_eq!(wire.receive().await, None);
    }
    assert!(answers(&world, "198.51.100.1").await);
    assert!(!answers(&world, "198.51.100.2").await);
}

#[tokio::test]
async fn failures_of_one_client_close_no_door_of_another() {
    let world = proxied().await;
    for _ in 0..60 {
        let mut wire = of(&world, "198.51.100.1").await;
        wire.send(&[0x11; 20]).await;
        assert_eq!(wire.receive().await, None);
    }
    assert!(!answers(&world, "198.51.100.1").await);
    assert!(answers(&world, "198.51.100.2").await);
    world.clock.advance(60);
    assert!(answers(&world, "198.51.100.1").await);
}

#[tokio::test]
async fn a_connection_without_a_header_is_closed_unanswered() {
    let world = proxied().await;
    assert!(Wire::ask(world.address(), &[0x21; 128]).await.is_none());
    assert!(Wire::throw(world.address(), b"PROXY TCP4 198.51.100.1 192.0.2.1 4711 99999\r\n").await.is_empty());
    assert!(Wire::throw(world.address(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.is_empty());
    assert!(answers(&world, "198.51.100.1").await);
}

#[tokio::test]
async fn nobody_is_believed_unless_the_operator_says_so() {
    let world = World::new().await;
    // Without a trusted proxy the header is the first frame, and none.
    assert!(Wire::throw(world.address(), b"PROXY TCP4 198.51.100.1 192.0.2.1 4711 8421\r\n").await.is_empty());
    let mut phone = world.enroll().await;
    assert_eq!(phone.ask(&world, &Intent::Ping).await.code, Code::Ok);
}

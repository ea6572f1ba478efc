//! The token channel in WebSockets at `/channel` of the API.

use std::net::SocketAddr;
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Answer, Delivered, Intent, Received, Session};
use cardea_protocol::wire::Push;
use cardea_server::config::{ChannelConfig, Sources};
use cardea_server::http::{Api, HttpServer};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::channel_support::*;

/// A world whose API takes WebSockets.
async fn with(config: ChannelConfig) -> (World, SocketAddr) {
    let world = Setup { config, ..Setup::default() }.start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let http = Sources::default().load().expect("the defaults").http;
    let node = &world.node;
    let api = Api::new(std::sync::Arc::clone(&node.admin), &http, 1, None).with_channel(node.channel.clone());
    let server = HttpServer::new(listener, api.router(), http, Duration::from_secs(60), node.shutdown.clone());
    tokio::spawn(server.run());
    (world, address)
}

type Web = WebSocketStream<TcpStream>;

async fn connect(address: SocketAddr) -> Result<Web, Error> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    client_async(format!("ws://{address}/channel"), stream).await.map(|(web, _)| web)
}

async fn web(address: SocketAddr) -> Web {
    connect(address).await.expect("a WebSocket")
}

async fn send(web: &mut Web, frame: &[u8]) {
    web.send(Message::Binary(frame.to_vec().into())).await.expect("sent");
}

async fn receive(web: &mut Web) -> Vec<u8> {
    match web.next().await {
        Some(Ok(Message::Binary(frame))) => frame.to_vec(),
        other => panic!("no frame: {other:?}"),
    }
}

/// The code with which the server closes.
async fn closed(web: &mut Web) -> CloseCode {
    match web.next().await {
        Some(Ok(Message::Close(Some(frame)))) => frame.code,
        other => panic!("not closed: {other:?}"),
    }
}

/// What a plain HTTP call gets, as status and body.
async fn call(address: SocketAddr, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(format!("{head}\r\nHost: x\r\n\r\n").as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.split(' ').nth(1).expect("a status").to_owned(), body.to_owned())
}

/// A session, begun with a PING.
async fn session(world: &World, phone: &mut Phone, web: &mut Web) -> Session<Dalek> {
    let mut attempt = phone.start(world, &Intent::Ping);
    send(web, attempt.frame().bytes()).await;
    let Received::Answered(step) = attempt.receive(&phone.record, &receive(web).await) else { panic!("no answer") };
    let (record, answer) = step.stored();
    phone.record = record;
    match answer {
        Answer::Operation { session: Some(session), .. } => session,
        _ => panic!("no session"),
    }
}

#[tokio::test]
async fn the_same_bytes_open_a_token_and_a_session_goes_on() {
    let (world, address) = with(config()).await;
    let mut phone = world.enroll().await;
    let mut web = web(address).await;
    let mut warm = session(&world, &mut phone, &mut web).await;
    for pin in [WRONG, NORMAL] {
        let key = phone.key(pin);
        let request = warm.request(&phone.record, &Intent::Open { window: 0, key: &key }, world.now()).unwrap();
        send(&mut web, request.frame().bytes()).await;
        assert!(matches!(warm.receive(&receive(&mut web).await), Ok(Delivered::Reply(_))));
    }
    assert_eq!(world.status().await, 1);
    // A connection over TCP takes over: one device, one session, whatever carries it.
    assert_eq!(phone.status(&world).await.code, Code::Ok);
    let pushed = receive(&mut web).await;
    assert!(matches!(warm.receive(&pushed), Ok(Delivered::Push(Push::Revoked(_)))));
    assert_eq!(closed(&mut web).await, CloseCode::Normal);
}

#[tokio::test]
async fn a_frame_may_come_in_fragments_and_pings_are_answered_meanwhile() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    let (world, address) = with(config()).await;
    let mut phone = world.enroll().await;
    let mut web = web(address).await;
    let mut attempt = phone.start_open(&world, NORMAL);
    let (first, second) = attempt.frame().bytes().split_at(50);
    let first = Frame::message(first.to_vec(), OpCode::Data(Data::Binary), false);
    let second = Frame::message(second.to_vec(), OpCode::Data(Data::Continue), true);
    web.send(Message::Frame(first)).await.expect("sent");
    web.send(Message::Ping(vec![1, 2].into())).await.expect("sent");
    assert!(matches!(web.next().await, Some(Ok(Message::Pong(content))) if content[..] == [1, 2]));
    web.send(Message::Frame(second)).await.expect("sent");
    let answer = receive(&mut web).await;
    assert!(matches!(attempt.receive(&phone.record, &answer), Received::Answered(_)));
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn what_is_no_frame_is_told_so_and_counts_as_a_failure() {
    let config = ChannelConfig { max_failures_per_minute: 5, ..config() };
    let (world, address) = with(config).await;
    let _phone = world.enroll().await;
    let image = world.image().await;
    for (message, code) in [
        (Message::Text("x".repeat(128).into()), CloseCode::Unsupported),
        (Message::Binary(vec![0x11; 561].into()), CloseCode::Size),
        (Message::Binary(Vec::new().into()), CloseCode::Protocol),
        (Message::Binary(vec![0x14; 128].into()), CloseCode::Protocol),
        (Message::Binary(vec![0x11; 129].into()), CloseCode::Protocol),
    ] {
        let mut web = web(address).await;
        web.send(message).await.expect("sent");
        assert_eq!(closed(&mut web).await, code);
    }
    assert_eq!(world.image().await, image);
    // The address has used up its failures, for every way in.
    assert!(matches!(connect(address).await, Err(Error::Http(response)) if response.status() == 503));
    assert!(Wire::ask(world.address(), &[0x21; 128]).await.is_none());
    world.clock.advance(60);
    let mut web = web(address).await;
    send(&mut web, &[0x21; 128]).await;
    assert_eq!(receive(&mut web).await[0], 0x80 | Code::VersionUnsupported.number());
    assert_eq!(closed(&mut web).await, CloseCode::Normal);
}

#[tokio::test]
async fn connections_of_all_kinds_share_one_limit() {
    let (world, address) = with(ChannelConfig { max_connections_per_address: 2, ..config() }).await;
    let first = web(address).await;
    let _second = Wire::connect(world.address()).await;
    // Over TCP one is let in without a word, so that it has to be asked.
    assert!(Wire::ask(world.address(), &[0x21; 128]).await.is_none());
    assert!(matches!(connect(address).await, Err(Error::Http(response)) if response.status() == 503));
    drop(first);
    while connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_says_nothing_is_closed_and_an_idle_session_ends_in_order() {
    let (handshake_timeout, idle_timeout) = (Duration::from_millis(50), Duration::from_millis(50));
    let (world, address) = with(ChannelConfig { handshake_timeout, idle_timeout, ..config() }).await;
    let mut silent = web(address).await;
    assert_eq!(closed(&mut silent).await, CloseCode::Normal);
    let mut phone = Phone::enroll(&world, &world.offer().await, &[NORMAL]).await;
    let mut idle = web(address).await;
    session(&world, &mut phone, &mut idle).await;
    assert_eq!(closed(&mut idle).await, CloseCode::Normal);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let (world, address) = with(config()).await;
    let mut phone = world.enroll().await;
    let (mut idle, mut silent) = (web(address).await, web(address).await);
    session(&world, &mut phone, &mut idle).await;
    let (_, first, second) = tokio::join!(world.node.stop(), closed(&mut idle), closed(&mut silent));
    assert_eq!((first, second), (CloseCode::Away, CloseCode::Away));
}

#[tokio::test]
async fn what_does_not_ask_for_a_websocket_gets_an_answer_of_the_api() {
    let (_world, address) = with(config()).await;
    let key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    for head in [
        "GET /channel HTTP/1.1".to_owned(),
        format!("GET /channel HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}"),
        format!("GET /channel HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n{key}"),
        format!("GET /channel HTTP/1.1\r\nConnection: close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{key}"),
        format!("GET /channel HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Version: 13\r\n{key}"),
        "GET /channel HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AA==".to_owned(),
    ] {
        let (status, body) = call(address, &head).await;
        assert_eq!(status, "400", "{head}");
        assert!(!body.contains('1'), "{body}");
    }
    assert_eq!(call(address, "POST /channel HTTP/1.1\r\nContent-Length: 0").await.0, "405");
    assert_eq!(call(address, "HEAD /channel HTTP/1.1").await.0, "405");
}

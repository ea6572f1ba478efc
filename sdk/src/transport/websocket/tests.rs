use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;

async fn pair() -> (Box<dyn Connection>, WebSocketStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Endpoint { host: "127.0.0.1".into(), port: 1 };
    let connector = WebSocketConnector::new().port(port);
    let accept = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
    let (device, server) = tokio::join!(connector.connect(&server), accept);
    (device.unwrap(), server)
}

#[tokio::test]
async fn one_frame_is_one_binary_message() {
    let (mut device, mut server) = pair().await;
    device.send(&[7; 560]).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Binary(vec![7; 560].into()));
    for message in [Message::Ping(vec![1].into()), Message::Binary(vec![9; 63].into())] {
        server.send(message).await.unwrap();
    }
    assert_eq!(device.receive().await.unwrap(), [9; 63][..]);
    assert_eq!(server.next().await.unwrap().unwrap(), Message::Pong(vec![1].into()));
    assert!(device.repetition().is_none());
}

#[tokio::test]
async fn a_dropped_receive_loses_nothing() {
    let (mut device, mut server) = pair().await;
    tokio::select! {
        biased;
        _ = device.receive() => panic!("nothing was sent"),
        () = std::future::ready(()) => {}
    }
    server.send(Message::Binary(vec![9; 63].into())).await.unwrap();
    assert_eq!(device.receive().await.unwrap(), [9; 63][..]);
}

#[tokio::test]
async fn what_is_no_frame_breaks_the_connection_and_what_ends_it_closes_it() {
    for message in [Message::Text("1".into()), Message::Binary(vec![0; FRAME_MAX + 1].into())] {
        let (mut device, mut server) = pair().await;
        server.send(message).await.unwrap();
        assert!(matches!(device.receive().await, Err(TransportError::Broken(_))));
    }
    let (mut device, mut server) = pair().await;
    server.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).await.unwrap();
    assert!(matches!(device.receive().await, Err(TransportError::Closed)));
    let (mut device, server) = pair().await;
    drop(server);
    assert!(device.receive().await.is_err());
}

#[tokio::test]
async fn a_web_server_that_knows_no_channel_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Endpoint { host: "127.0.0.1".into(), port: 1 };
    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        stream
    };
    let connector = WebSocketConnector::new().port(port);
    let (refused, _stream) = tokio::join!(connector.connect(&server), answer);
    assert!(matches!(refused, Err(TransportError::Unreachable { .. })));
}

#[tokio::test]
async fn where_nobody_listens_the_system_says_so_once() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let server = Endpoint { host: "127.0.0.1".into(), port: 1 };
    let refused = WebSocketConnector::new().port(port).connect(&server).await;
    let Err(TransportError::Unreachable { source, .. }) = refused else { panic!("somebody listens") };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
    assert!(std::error::Error::source(&source).is_none(), "what it says is not said again by its cause");
}

#[tokio::test]
async fn with_tls_nothing_travels_in_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Endpoint { host: "127.0.0.1".into(), port: 1 };
    let connector = WebSocketConnector::new().port(port).tls(tls::web().unwrap());
    let first_byte = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap()
    };
    let (refused, byte) = tokio::join!(connector.connect(&server), first_byte);
    assert_eq!(byte, 0x16, "a TLS handshake, and nothing in clear");
    assert!(matches!(refused, Err(TransportError::Unreachable { .. })));
}

#[test]
fn without_tls_only_this_machine_is_asked() {
    for (host, is_local) in [("127.0.0.1", true), ("[::1]", true), ("localhost", true), ("id.example", false)] {
        assert_eq!(WebSocketConnector::new().tls_for(host).unwrap().is_none(), is_local, "{host}");
    }
    let forced = WebSocketConnector::new().tls(tls::web().unwrap());
    assert!(forced.tls_for("localhost").unwrap().is_some());
}

#[test]
fn what_is_no_authority_is_refused() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no PEM", broken, "-----BEGIN CERTIFICATE-----\n"] {
        let refused = WebSocketConnector::new().authorities(pem.as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{pem}");
    }
}

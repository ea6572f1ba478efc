//! A plain TCP connection that can send anything, and counts.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Wire {
    stream: TcpStream,
    /// Every write, and every frame read, with its prefix: positive to the server, negative from it.
    pub(crate) traffic: Vec<i32>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, traffic: Vec::new() }
    }

    /// Sends bytes as they are. A peer that has closed already is no failure of the test.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &[u8]) {
        let mut bytes = u16::try_from(frame.len()).expect("a frame").to_be_bytes().to_vec();
        bytes.extend(frame);
        self.traffic.push(i32::try_from(bytes.len()).expect("small"));
        self.raw(&bytes).await;
    }

    /// The next frame; `None` when the server has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Vec<u8>> {
        let mut prefix = [0; 2];
        self.stream.read_exact(&mut prefix).await.ok()?;
        let mut frame = vec![0; usize::from(u16::from_be_bytes(prefix))];
        self.stream.read_exact(&mut frame).await.ok()?;
        self.traffic.push(-i32::try_from(frame.len() + 2).expect("small"));
        Some(frame)
    }

    /// No more bytes from here.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Sends one frame on a new connection; what comes back until the server closes or has answered once.
    pub(crate) async fn ask(address: SocketAddr, frame: &[u8]) -> Option<Vec<u8>> {
        let mut wire = Self::connect(address).await;
        wire.send(frame).await;
        wire.receive().await
    }

    /// Sends bytes on a new connection and nothing after them; everything that comes back until the server closes.
    pub(crate) async fn throw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        let mut wire = Self::connect(address).await;
        wire.raw(bytes).await;
        let mut answer = Vec::new();
        let _ = wire.stream.read_to_end(&mut answer).await;
        answer
    }
}

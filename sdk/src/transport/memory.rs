//! Connections in memory, for tests: the other end of each is handed to whoever plays the server.

use bytes::Bytes;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{BoxFuture, Connection, Connector, Endpoint, TransportError};

/// Connects in memory.
#[derive(Debug, Clone)]
pub struct MemoryConnector(UnboundedSender<MemoryConnection>);

/// Where the server's ends of connections arrive.
#[derive(Debug)]
pub struct MemoryListener(UnboundedReceiver<MemoryConnection>);

/// One end of a connection in memory. Dropping it closes the other end.
#[derive(Debug)]
pub struct MemoryConnection {
    send: UnboundedSender<Bytes>,
    receive: UnboundedReceiver<Bytes>,
}

/// A connector and the listener that its connections arrive at. Without the listener nothing can be reached.
#[must_use]
pub fn network() -> (MemoryConnector, MemoryListener) {
    let (send, receive) = mpsc::unbounded_channel();
    (MemoryConnector(send), MemoryListener(receive))
}

impl MemoryListener {
    /// The next connection; `None` when every connector is gone.
    pub async fn accept(&mut self) -> Option<MemoryConnection> {
        self.0.recv().await
    }
}

impl Connector for MemoryConnector {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let (to_server, from_device) = mpsc::unbounded_channel();
            let (to_device, from_server) = mpsc::unbounded_channel();
            self.0.send(MemoryConnection { send: to_device, receive: from_device }).map_err(|_| {
                let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
                TransportError::Unreachable { server: server.clone(), source }
            })?;
            Ok(Box::new(MemoryConnection { send: to_server, receive: from_server }) as Box<dyn Connection>)
        })
    }
}

impl Connection for MemoryConnection {
    fn way(&self) -> &'static str {
        "memory"
    }

    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        let sent = self.send.send(Bytes::copy_from_slice(frame)).map_err(|_| TransportError::Closed);
        Box::pin(std::future::ready(sent))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move { self.receive.recv().await.ok_or(TransportError::Closed) })
    }
}

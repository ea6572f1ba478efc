//! How servers are reached.

use std::path::PathBuf;
use std::sync::Arc;

use cardea_sdk::transport::Connector;
use cardea_sdk::transport::auto::automatic;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::transport::websocket::WebSocketConnector;

use super::EngineError;

/// How devices are to be.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Accept services that hash PINs as cheaply as tests do.
    pub allow_test_argon2: bool,
    /// How servers are reached.
    pub transport: Transport,
    /// Port of the server's web side, for WebSockets: `None` for 443, or 8420 if it is this machine.
    pub web_port: Option<u16>,
    /// A PEM file with the certificate authorities that WebSockets trust in place of those that browsers trust.
    pub web_ca: Option<PathBuf>,
}

/// How frames travel to a server. They are the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// A datagram for a single exchange, else TCP, else a WebSocket: the first that works.
    Auto,
    /// TCP.
    #[default]
    Tcp,
    /// Datagrams for single exchanges, repeated as the specification says; TCP for everything else.
    Udp,
    /// WebSockets, which travel where only the web does.
    WebSocket,
}

impl Options {
    pub(super) fn connector(&self) -> Result<Arc<dyn Connector>, EngineError> {
        let mut websocket =
            self.web_port.map_or_else(WebSocketConnector::new, |port| WebSocketConnector::new().port(port));
        if let Some(path) = &self.web_ca {
            let trusted = std::fs::read(path).and_then(|pem| websocket.authorities(&pem));
            websocket = trusted.map_err(|source| EngineError::Authorities { path: path.clone(), source })?;
        }
        Ok(match self.transport {
            Transport::Auto => Arc::new(automatic(websocket)),
            Transport::Tcp => Arc::new(TcpConnector),
            Transport::Udp => Arc::new(UdpConnector::new(Arc::new(TcpConnector))),
            Transport::WebSocket => Arc::new(websocket),
        })
    }
}

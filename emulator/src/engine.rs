//! Emulated devices. Prints nothing and asks nobody: that is for the faces in front of it.

mod token;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::transport::Connector;
use cardea_sdk::transport::auto::automatic;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::transport::websocket::WebSocketConnector;
use cardea_sdk::{Enrollment, Invitation, NewPins, Pin, Policy, Status, Token, Wallet, WalletError, Window};

pub use token::{State, TokenInfo, Tokens};

/// How a device is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Accept services that hash PINs as cheaply as tests do.
    pub allow_test_argon2: bool,
    /// How servers are reached.
    pub transport: Transport,
    /// Port of the server's web side, for WebSockets: `None` for 443, or 8420 if it is this machine.
    pub web_port: Option<u16>,
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
    fn connector(&self) -> Arc<dyn Connector> {
        let websocket = self.web_port.map_or_else(WebSocketConnector::new, |port| WebSocketConnector::new().port(port));
        match self.transport {
            Transport::Auto => Arc::new(automatic(websocket)),
            Transport::Tcp => Arc::new(TcpConnector),
            Transport::Udp => Arc::new(UdpConnector::new(Arc::new(TcpConnector))),
            Transport::WebSocket => Arc::new(websocket),
        }
    }
}

/// Why a device did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The SDK says so.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// A typed code needs to know its server.
    #[error("a typed code needs its server: give --host")]
    HostMissing,
    /// No token fits the name.
    #[error("no token of this device is called {0:?}")]
    NoSuchToken(String),
    /// There is no token at all.
    #[error("this device has no token: enroll one first")]
    NoToken,
    /// More than one token fits.
    #[error("several tokens fit, say which: {}", .0.join(", "))]
    Ambiguous(Vec<String>),
}

/// A device: one wallet in a state folder.
#[derive(Debug)]
pub struct Device {
    wallet: Wallet,
}

impl Device {
    /// Opens the device in the state folder `folder`, making it if there is none.
    ///
    /// # Errors
    /// [`EngineError::Wallet`] with what is wrong with the folder.
    pub async fn open(folder: &Path, options: Options) -> Result<Self, EngineError> {
        let wallet = Wallet::builder()
            .folder(folder.join("devices").join("main"))
            .emulated(true)
            .connector(options.connector())
            .allow_test_argon2(options.allow_test_argon2)
            // The program ends with its one operation; the next one finds out what this one could not.
            .recover_in_background(false)
            .open()
            .await?;
        Ok(Self { wallet })
    }

    /// Reads an enrollment link, or a typed code with the host of its server. Uses nothing up.
    ///
    /// # Errors
    /// [`EngineError::HostMissing`] for a code without a host, else [`EngineError::Wallet`].
    pub async fn invitation(&self, text: &str, host: Option<&str>) -> Result<Invitation, EngineError> {
        let text = text.trim();
        if ["https://", "http://", "cardea:"].iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Invitation::from_link(text)?);
        }
        let host = host.ok_or(EngineError::HostMissing)?;
        Ok(Invitation::from_code(text, host).await?)
    }

    /// Enrolls. `choose` is asked for PINs once the service's rules are known.
    ///
    /// # Errors
    /// [`EngineError::Wallet`].
    pub async fn enroll<F: Future<Output = Result<NewPins, WalletError>>>(
        &self,
        invitation: &Invitation,
        choose: impl FnOnce(Policy) -> F,
    ) -> Result<Enrollment, EngineError> {
        Ok(self.wallet.enroll(invitation, choose).await?)
    }

    /// All tokens of the device.
    ///
    /// # Errors
    /// [`EngineError::Wallet`].
    pub async fn list(&self) -> Result<Vec<TokenInfo>, EngineError> {
        let mut infos = Vec::new();
        for token in self.wallet.tokens().await? {
            infos.push(TokenInfo::of(&token.summary().await?));
        }
        Ok(infos)
    }

    /// The token that `name` means: the beginning of its id, or its whole label or service name. Without a name, the
    /// only one.
    ///
    /// # Errors
    /// [`EngineError::NoToken`], [`EngineError::NoSuchToken`], [`EngineError::Ambiguous`], [`EngineError::Wallet`].
    pub async fn select(&self, name: Option<&str>) -> Result<Token, EngineError> {
        let infos = self.list().await?;
        let chosen = Tokens(&infos).select(name)?.key;
        Ok(self.wallet.token(chosen).await?)
    }

    /// Opens a token, for at most `time` if given.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn open_token(&self, token: &Token, pin: Pin, time: Option<Duration>) -> Result<Status, EngineError> {
        Ok(token.open(pin, time.map_or(Window::Service, Window::AtMost)).await?)
    }
}

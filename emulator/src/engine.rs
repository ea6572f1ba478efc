//! Emulated devices. Prints nothing and asks nobody: that is for the faces in front of it.

mod token;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::transport::Connector;
use cardea_sdk::transport::auto::automatic;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::transport::websocket::WebSocketConnector;
use cardea_sdk::{
    Confirmation, DeviceId, Enrollment, Invitation, NewPins, Pin, Policy, Status, Token, Wallet, WalletError, Window,
};

pub use token::{State, TokenInfo, Tokens};

/// How a device is to be.
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
    fn connector(&self) -> Result<Arc<dyn Connector>, EngineError> {
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

/// Why a device did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The SDK says so.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The file with the authorities for WebSockets cannot be used.
    #[error("{} has no certificates to trust: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A typed code needs to know its server.
    #[error("a typed code needs its server: give --host")]
    HostMissing,
    /// No token fits the name.
    #[error("no token of this device is called {0:?}")]
    NoSuchToken(String),
    /// There is no token at all.
    #[error("this device has no token: enroll one first")]
    NoToken,
    /// No text that waits fits the id, or none waits at all.
    #[error("no such text waits to be approved or denied")]
    NoSuchConfirmation,
    /// More than one text waits.
    #[error("several texts wait, say which with --id: {}", .0.join(", "))]
    ManyConfirmations(Vec<String>),
    /// No id of a device.
    #[error("a device's id has eight hexadecimal digits")]
    DeviceId,
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
    /// [`EngineError::Wallet`] with what is wrong with the folder, [`EngineError::Authorities`].
    pub async fn open(folder: &Path, options: Options) -> Result<Self, EngineError> {
        let wallet = Wallet::builder()
            .folder(folder.join("devices").join("main"))
            .emulated(true)
            .connector(options.connector()?)
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

    /// The texts that wait to be approved or denied.
    ///
    /// # Errors
    /// [`EngineError::Wallet`].
    pub async fn confirmations(&self, token: &Token) -> Result<Vec<Confirmation>, EngineError> {
        Ok(token.confirmations().await?)
    }

    /// The text that waits whose id begins with `id`; without an id, the only one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchConfirmation`], [`EngineError::ManyConfirmations`], [`EngineError::Wallet`].
    pub async fn confirmation(&self, token: &Token, id: Option<&str>) -> Result<Confirmation, EngineError> {
        let wanted = id.map(str::to_ascii_lowercase);
        let mut waiting = self.confirmations(token).await?;
        waiting.retain(|it| wanted.as_ref().is_none_or(|wanted| !wanted.is_empty() && it.id().starts_with(wanted)));
        match waiting.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(EngineError::NoSuchConfirmation),
            several => Err(EngineError::ManyConfirmations(several.iter().map(Confirmation::id).collect())),
        }
    }

    /// Opens a token, for at most `time` if given.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn open_token(&self, token: &Token, pin: Pin, time: Option<Duration>) -> Result<Status, EngineError> {
        Ok(token.open(pin, time.map_or(Window::Service, Window::AtMost)).await?)
    }
}

/// Reads a device's id.
///
/// # Errors
/// [`EngineError::DeviceId`].
pub fn device_id(text: &str) -> Result<DeviceId, EngineError> {
    let digits = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let is_plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (is_plain, digits(0), digits(2), digits(4), digits(6)) {
        (true, Some(a), Some(b), Some(c), Some(d)) => Ok(DeviceId::new([a, b, c, d])),
        _ => Err(EngineError::DeviceId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_eight_digits() {
        assert_eq!(device_id("00a1ff7F").unwrap(), DeviceId::new([0, 0xa1, 0xff, 0x7f]));
        for text in ["", "00a1ff7", "00a1ff7f0", "00a1ffxx", "+0a1ff7f", "äöü1"] {
            assert!(matches!(device_id(text), Err(EngineError::DeviceId)), "{text}");
        }
    }
}

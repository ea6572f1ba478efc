//! How a wallet is to be.

use std::sync::Arc;

use cardea_sdk::transport::Connector;
use cardea_sdk::transport::auto::best;
use cardea_sdk::transport::tcp::TcpConnector;

/// How servers are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Transport {
    /// The first way that works, the cheapest one first.
    Automatic,
    /// Over TCP only.
    Tcp,
}

impl Transport {
    pub(crate) fn connector(self) -> Arc<dyn Connector> {
        match self {
            Self::Automatic => Arc::new(best()),
            Self::Tcp => Arc::new(TcpConnector),
        }
    }
}

/// How a wallet is to be.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct WalletOptions {
    /// Where the tokens are kept, encrypted; made if it is not there. Without it they are in memory only.
    #[uniffi(default = None)]
    pub folder: Option<String>,
    /// Accept services that hash PINs as cheaply as tests do. Never for tokens that protect something.
    #[uniffi(default = false)]
    pub allow_test_argon2: bool,
    /// Say to servers that this device is emulated. They may refuse it.
    #[uniffi(default = false)]
    pub emulated: bool,
    /// Look after unanswered operations without waiting for the holder.
    #[uniffi(default = true)]
    pub recover_in_background: bool,
    /// How servers are reached; automatic unless told otherwise.
    #[uniffi(default = None)]
    pub transport: Option<Transport>,
}

impl Default for WalletOptions {
    fn default() -> Self {
        Self { folder: None, allow_test_argon2: false, emulated: false, recover_in_background: true, transport: None }
    }
}

//! Hosts that misbehave, and one whose clock is wrong.

use std::sync::Arc;

use cardea_ffi::{CardeaError, Clock, Entropy, Host, HostError, WalletOptions, open_wallet};
use tokio::runtime::Handle;

/// A clock that is off.
struct Off(i64);

impl Clock for Off {
    #[expect(clippy::disallowed_methods, reason = "a host of the tests, whose clock is the system's and wrong")]
    fn now(&self) -> Result<u64, HostError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        Ok(now.saturating_add_signed(self.0))
    }
}

/// A host with a clock that is off by so many seconds.
pub(super) fn off_by(seconds: i64) -> Host {
    Host { clock: Some(Arc::new(Off(seconds))), ..Host::default() }
}

enum Behavior {
    Throws,
    Reenters(Handle),
    Short,
}

impl Behavior {
    fn misbehave(&self) -> Result<(), HostError> {
        match self {
            Self::Throws => Err(HostError::Failed { reason: "on purpose".to_owned() }),
            Self::Reenters(runtime) => {
                let opened = runtime.block_on(open_wallet(WalletOptions::default(), Host::default(), None));
                opened.map(drop).map_err(|error| HostError::Failed { reason: error.explanation() })
            }
            Self::Short => Ok(()),
        }
    }
}

impl Clock for Behavior {
    fn now(&self) -> Result<u64, HostError> {
        self.misbehave().map(|()| 0)
    }
}

impl Entropy for Behavior {
    fn bytes(&self, _: u32) -> Result<Vec<u8>, HostError> {
        self.misbehave().map(|()| vec![1, 2, 3])
    }
}

/// Opens a wallet with a host that misbehaves.
pub(super) async fn misbehaving(part: &str, behavior: &str) -> Result<(), CardeaError> {
    let behavior = match behavior {
        "throws" => Behavior::Throws,
        "reenters" => Behavior::Reenters(Handle::current()),
        "short" => Behavior::Short,
        other => panic!("no behavior: {other}"),
    };
    let host = match part {
        "clock" => Host { clock: Some(Arc::new(behavior)), ..Host::default() },
        "entropy" => Host { entropy: Some(Arc::new(behavior)), ..Host::default() },
        other => panic!("no part of a host: {other}"),
    };
    open_wallet(WalletOptions::default(), host, None).await.map(drop)
}

//! What the host program may bring, and how it is asked.
//!
//! The host is asked on threads that may block, before an operation and never in the middle of one: it can make a call
//! fail, and cannot leave one half done. Nothing that it does reaches the SDK unchecked. While it is asked, nothing is
//! locked, and what it calls on the same thread is refused: there is no way for it to wait for itself.

pub(crate) mod clock;
pub(crate) mod entropy;
pub(crate) mod foreign;
#[cfg(feature = "keyring")]
pub(crate) mod keyring;
pub(crate) mod log;
pub(crate) mod presence;
pub(crate) mod secrets;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::{Env, WalletError};
use tokio::sync::oneshot;

use self::clock::HostClock;
use self::entropy::HostEntropy;
use self::foreign::Brought;
use self::log::LogSink;
use self::presence::Presence;
use self::secrets::SecretStore;
use crate::CardeaError;
use crate::call::{Answer, Work};
use crate::end::Call;
use crate::error::Failure;

/// How long the clock and the source of randomness may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// How long a wallet may take to open. A store of secrets may ask the holder to unlock it.
const OPENING_LIMIT: Duration = Duration::from_secs(120);

/// Why something that the host program brings did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum HostError {
    /// It failed. Whatever else the host throws arrives here as this too.
    #[error("{reason}")]
    Failed {
        /// Text for a person, without secrets.
        reason: String,
    },
    /// There is no room.
    #[error("there is no room")]
    Full,
    /// The holder, or the operating system for him, says no.
    #[error("access was denied")]
    Denied,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

/// The host's clock.
#[uniffi::export(foreign)]
pub trait Clock: Send + Sync {
    /// Unix seconds. It may jump and be wrong by years: it is evidence only, and the server's clock decides.
    ///
    /// # Errors
    /// [`HostError`].
    fn now(&self) -> Result<u64, HostError>;
}

/// The host's source of random bytes.
///
/// What it gives is mixed with random bytes of the operating system, so that a bad one does no harm.
#[uniffi::export(foreign)]
pub trait Entropy: Send + Sync {
    /// Exactly `count` random bytes.
    ///
    /// # Errors
    /// [`HostError`].
    fn bytes(&self, count: u32) -> Result<Vec<u8>, HostError>;
}

/// What the host program brings. Whatever it leaves out is taken from the operating system, or is not there.
///
/// An object that is given here lives as long as the wallet. One that holds the wallet in turn keeps both for ever.
#[derive(Clone, Default, uniffi::Record)]
pub struct Host {
    /// What time it is.
    #[uniffi(default = None)]
    pub clock: Option<Arc<dyn Clock>>,
    /// Where random bytes come from.
    #[uniffi(default = None)]
    pub entropy: Option<Arc<dyn Entropy>>,
    /// Where lines go that tell what the library does by itself.
    #[uniffi(default = None)]
    pub log: Option<Arc<dyn LogSink>>,
    /// Where the key of the wallet's folder lives. Without it the key is a file in the folder.
    #[uniffi(default = None)]
    pub secrets: Option<Arc<dyn SecretStore>>,
    /// Who asks the holder, where an operation was given `Approval::Ask`.
    #[uniffi(default = None)]
    pub presence: Option<Arc<dyn Presence>>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("clock", &self.clock.is_some())
            .field("entropy", &self.entropy.is_some())
            .field("log", &self.log.is_some())
            .field("secrets", &self.secrets.is_some())
            .field("presence", &self.presence.is_some())
            .finish()
    }
}

/// What is asked before every operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    clock: Option<Arc<HostClock>>,
    entropy: Option<Arc<HostEntropy>>,
}

impl Asked {
    /// From what the host brings, with the surroundings for the SDK.
    pub(crate) fn new(host: &Brought) -> (Self, Env) {
        let mut env = Env::os();
        let mut asked = Self::default();
        if let Some(clock) = &host.clock {
            let clock = Arc::new(HostClock::new(clock.clone()));
            env.clock = Arc::clone(&clock) as Arc<dyn cardea_sdk::Clock>;
            asked.clock = Some(clock);
        }
        if let Some(entropy) = &host.entropy {
            let entropy = Arc::new(HostEntropy::new(entropy.clone()));
            env.entropy = Arc::clone(&entropy) as Arc<dyn cardea_sdk::Entropy>;
            asked.entropy = Some(entropy);
        }
        (asked, env)
    }

    /// Asks for all that an operation may need.
    pub(crate) async fn before(&self) -> Result<(), Failure> {
        if let Some(clock) = &self.clock {
            clock.read().await?;
        }
        if let Some(entropy) = &self.entropy {
            entropy.fill_up().await?;
        }
        Ok(())
    }
}

thread_local! {
    /// Whether the host is being asked on this thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Refuses a call that the host makes while it is asked on the same thread: it would wait for itself.
pub(crate) fn outside() -> Result<(), Failure> {
    if INSIDE.get() {
        return Err(failed(
            "a callback of the host program called the wallet, which waits for the callback: return first".to_owned(),
        ));
    }
    Ok(())
}

/// Calls the host.
pub(crate) fn inside<T>(call: impl FnOnce() -> Result<T, HostError>) -> Result<T, HostError> {
    struct Leave(bool);
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let Some(_call) = Call::begin() else {
        return Err(HostError::Failed { reason: "the program is shutting down".to_owned() });
    };
    let _leave = Leave(INSIDE.replace(true));
    call()
}

fn failed(reason: String) -> Failure {
    CardeaError::host(reason).into()
}

/// Asks the host, on a thread that may block and for at most `limit`.
pub(crate) async fn ask<T: Send + 'static>(
    what: &'static str,
    limit: Duration,
    call: impl FnOnce() -> Result<T, HostError> + Send + 'static,
) -> Result<T, Failure> {
    let answer = answered(what, limit, Box::new(move || Ok(Box::new(call()?)))).await?.downcast();
    // Nothing else is ever put into it.
    answer.map(|answer| *answer).map_err(|_| CardeaError::shutting_down().into())
}

fn answered(what: &'static str, limit: Duration, call: Box<dyn FnOnce() -> Result<Answer, HostError> + Send>) -> Work {
    Box::pin(async move {
        let (told, answer) = oneshot::channel();
        blocking(move || drop(told.send(inside(call))));
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(failed(format!("the host program's {what} failed: {error}"))),
            Ok(Err(_)) => Err(failed(format!("the host program's {what} broke off"))),
            Err(_) => {
                Err(failed(format!("the host program's {what} did not answer within {} seconds", limit.as_secs())))
            }
        }
    })
}

/// Has a thread that may block do something. Must be called in a runtime.
fn blocking(call: impl FnOnce() + Send + 'static) {
    // The type of task that the SDK has for this.
    let task: Box<dyn FnOnce() + Send> = Box::new(call);
    tokio::task::spawn_blocking(task);
}

/// Opens something with a store of secrets that may never answer.
pub(crate) async fn opening<T>(open: impl Future<Output = Result<T, WalletError>>) -> Result<T, Failure> {
    match tokio::time::timeout(OPENING_LIMIT, open).await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(failed(format!(
            "the host program's store of secrets did not answer within {} seconds",
            OPENING_LIMIT.as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests;

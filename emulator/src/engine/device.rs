//! A device: a wallet of the SDK over the parts that its session gives it.

mod faulty;
mod holder;
mod kept;
mod operations;
mod panics;
mod told;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::store::TokenKey;
use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::transport::Connector;
use cardea_sdk::{Clock as _, DeviceId, Entropy, Env, Presence, Status, Token, Wallet, WalletError};

use super::EngineError;
use super::human::{Human, Reaction};
use super::journal::{Journal, Kind};
use super::net::{Luck, Network};
use super::standing::{Said, Standing, Standings};
use super::time::{DeviceClock, Time};
use crate::faults::DeviceFaults;
use panics::caught;
use tokio::sync::RwLock;
use told::{Told, Watched};

pub(in crate::engine) use kept::{Held, Kept};
pub(crate) use operations::is_label;

/// How many things may happen to the tokens of a device before they are in the journal, where each is put at once. There is room
/// for all of them in every device.
const EVENTS: usize = 16;

/// What a device is made of.
pub(super) struct Parts {
    pub(super) name: Arc<str>,
    pub(super) place: Place,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) network: Network,
    /// What goes wrong on purpose, where that is allowed.
    pub(super) faults: Option<DeviceFaults>,
    pub(super) allow_test_argon2: bool,
    pub(super) clock: DeviceClock,
    /// For keys.
    pub(super) entropy: Arc<dyn Entropy>,
    /// The same, where it follows from a seed.
    pub(super) luck: Option<Arc<Luck>>,
    /// For what its holder leaves to chance.
    pub(super) chance: Arc<dyn Entropy>,
    pub(super) usual: Reaction,
    pub(super) time: Time,
    pub(super) journal: Journal,
}

/// Where its tokens are.
#[derive(Debug)]
pub(super) enum Place {
    Memory(MemoryStore),
    Folder(PathBuf),
}

/// A device. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Device(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: Arc<str>,
    place: Place,
    connector: Arc<dyn Connector>,
    network: Network,
    faults: Option<DeviceFaults>,
    allow_test_argon2: bool,
    clock: Arc<DeviceClock>,
    entropy: Arc<dyn Entropy>,
    luck: Option<Arc<Luck>>,
    human: Arc<Human>,
    journal: Journal,
    standings: Standings,
    watched: Mutex<Option<Watched>>,
    is_removed: AtomicBool,
    is_broken: AtomicBool,
    /// Shared by what it is doing; held alone by who makes it another one.
    in_use: Arc<RwLock<()>>,
}

/// A wallet that is open for an operation.
struct Attended {
    wallet: Wallet,
    told: Arc<Told>,
}

/// An operation, until it is over or given up.
struct Doing<'a> {
    device: &'a Device,
    what: &'static str,
    attended: Option<Attended>,
    /// How it ended; nothing if it was given up.
    ended: Option<Option<(u32, String)>>,
}

impl Drop for Doing<'_> {
    /// What happened is told, however it ended.
    fn drop(&mut self) {
        if let Some(attended) = &self.attended {
            attended.told.note();
        }
        let kind = match self.ended.take() {
            Some(failure) => Kind::Done { what: self.what, failure },
            None => Kind::GivenUp { what: self.what },
        };
        self.device.0.journal.note(&self.device.0.name, kind);
    }
}

impl Device {
    /// A device of these parts. One in a folder is opened, so that what is wrong with the folder is known.
    pub(super) async fn new(parts: Parts) -> Result<Self, EngineError> {
        let Parts {
            name,
            place,
            connector,
            network,
            faults,
            allow_test_argon2,
            clock,
            entropy,
            luck,
            chance,
            usual,
            time,
            journal,
        } = parts;
        let human = Arc::new(Human::new(Arc::clone(&name), chance, time, journal.clone(), usual));
        let connector = faults.as_ref().map_or(connector, DeviceFaults::connector);
        let (is_in_folder, was_there) = match &place {
            Place::Folder(folder) => (true, folder.exists()),
            Place::Memory(_) => (false, false),
        };
        let device = Self(Arc::new(Shared {
            name,
            place,
            connector: network.over(connector),
            network,
            faults,
            allow_test_argon2,
            clock: Arc::new(clock),
            entropy,
            luck,
            human,
            journal,
            standings: Standings::default(),
            watched: Mutex::default(),
            is_removed: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            in_use: Arc::default(),
        }));
        if is_in_folder {
            match device.wallet().await {
                Ok(_) => device.meet_holder().await,
                // What was there and cannot be used is told by whatever is done with it, and keeps no other device from living.
                Err(EngineError::Wallet(WalletError::Store(_))) if was_there => device.have_untold_holder(),
                Err(error) => return Err(error),
            }
        }
        Ok(device)
    }

    /// What its session calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn shared_name(&self) -> &Arc<str> {
        &self.0.name
    }

    #[cfg(test)]
    pub(super) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// Who holds it.
    #[must_use]
    pub fn human(&self) -> &Human {
        &self.0.human
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &DeviceClock {
        &self.0.clock
    }

    /// Its network, to be made worse.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// Its tokens, as an app has them. What is done with them directly is not in the journal.
    ///
    /// # Errors
    /// [`EngineError::Removed`], [`EngineError::Wallet`] with what is wrong with the folder.
    pub async fn wallet(&self) -> Result<Wallet, EngineError> {
        Ok(self.attend().await?.wallet)
    }

    /// A wallet, and who tells what happens to its tokens.
    async fn attend(&self) -> Result<Attended, EngineError> {
        if let Some(watched) = &*self.in_use()?
            && watched.hears()
        {
            return Ok(watched.attended());
        }
        let mut env = Env { clock: Arc::clone(&self.0.clock) as _, entropy: Arc::clone(&self.0.entropy) };
        let mut presence: Arc<dyn Presence> = Arc::clone(&self.0.human) as _;
        let builder = match (&self.0.faults, &self.0.place) {
            (Some(faults), place) => {
                let store = faults.store(place.store(&env).await?);
                (env, presence) = (faults.env(&env), faults.presence(&self.0.human));
                Wallet::builder().store(store)
            }
            (None, Place::Memory(store)) => Wallet::builder().store(Arc::new(store.clone())),
            (None, Place::Folder(folder)) => Wallet::builder().folder(folder),
        };
        let wallet = builder
            .emulated(true)
            .connector(Arc::clone(&self.0.connector))
            .env(env)
            .presence(presence)
            .allow_test_argon2(self.0.allow_test_argon2)
            // It is opened for an operation; the next one finds out what this one could not.
            .recover_in_background(false)
            .event_capacity(EVENTS)
            .open()
            .await?;
        let told = Told::of(&wallet, self);
        Ok(Attended { wallet, told })
    }

    /// Hears what servers say unasked, until [`Device::rest`]: the journal has it.
    ///
    /// # Errors
    /// [`EngineError::Removed`], [`EngineError::Wallet`].
    pub async fn watch(&self) -> Result<(), EngineError> {
        let Attended { wallet, told } = self.attend().await?;
        let mut watched = self.in_use()?;
        if !watched.as_ref().is_some_and(Watched::hears) {
            let old = watched.replace(Watched::begin(wallet, told));
            drop(watched);
            drop(old);
            self.0.journal.changes().note();
        }
        Ok(())
    }

    /// Does not hear any more what servers say unasked: keeps no connection.
    pub fn rest(&self) {
        let watched = self.watched().take();
        drop(watched);
        self.0.journal.changes().note();
    }

    /// Nobody uses it any more.
    pub(super) fn leave(&self) {
        {
            // Looked at under the same lock by who would use it.
            let _watched = self.watched();
            self.0.is_removed.store(true, Ordering::Relaxed);
        }
        self.rest();
        self.0.human.leave();
    }

    /// Does something with the device's wallet, and writes it into the journal.
    async fn doing<T>(
        &self,
        what: &'static str,
        act: impl AsyncFnOnce(&Wallet) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        self.learning(what, act, |_| ()).await
    }

    /// The same; `learn` is told what came of it before the journal says that it was done.
    async fn learning<T>(
        &self,
        what: &'static str,
        act: impl AsyncFnOnce(&Wallet) -> Result<T, EngineError>,
        learn: impl FnOnce(&T),
    ) -> Result<T, EngineError> {
        let _in_use = self.0.in_use.read().await;
        let mut doing = Doing { device: self, what, attended: None, ended: None };
        let attended = if self.is_broken() { Err(self.broken()) } else { self.attend().await };
        let result = match attended {
            Ok(attended) => {
                let act = self.despite_faults(what, act(&doing.attended.insert(attended).wallet));
                caught(act).await.unwrap_or_else(|| Err(self.breaks()))
            }
            Err(error) => Err(error),
        };
        let result = match result {
            // Nobody was there to say so.
            Err(EngineError::Wallet(WalletError::Cancelled)) if self.is_removed() => Err(self.removed()),
            result => result,
        };
        if let (Some(attended), Ok(done)) = (&doing.attended, &result) {
            // What happened on the way is older.
            attended.told.note();
            learn(done);
        }
        doing.ended = Some(result.as_ref().err().map(|error| (error.code(), error.to_string())));
        result
    }

    /// How a token stands, as far as its server has said. Asks nobody.
    #[must_use]
    pub fn standing(&self, token: TokenKey) -> Standing {
        self.0.standings.of(token)
    }

    /// The server of a token has answered an operation.
    fn answered(&self, token: TokenKey, status: &Status) {
        self.0.standings.answered(token, Said::of(status, self.session_now()));
        self.0.journal.changes().note();
    }

    /// What came of an operation; where a PIN was refused, how many more may be is known.
    fn asked<T>(&self, token: &Token, came: Result<T, WalletError>) -> Result<T, WalletError> {
        if let Err(WalletError::PinRejected { tries_left } | WalletError::Wait { tries_left, .. }) = &came {
            self.0.standings.refused(token.key(), *tries_left, self.session_now());
            self.0.journal.changes().note();
        }
        came
    }

    /// How late it is in the session, in Unix seconds, whatever the device's clock shows.
    #[must_use]
    pub fn session_now(&self) -> u64 {
        self.0.clock.awake_or_not()
    }

    /// Whether it hears what servers say unasked.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watched().as_ref().is_some_and(Watched::hears)
    }

    /// Whether its session does not have it any more.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.0.is_removed.load(Ordering::Relaxed)
    }

    /// What the device's clock shows, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// The same, of a device that is still in its session.
    fn in_use(&self) -> Result<MutexGuard<'_, Option<Watched>>, EngineError> {
        let watched = self.watched();
        if self.0.is_removed.load(Ordering::Relaxed) {
            return Err(self.removed());
        }
        Ok(watched)
    }

    fn removed(&self) -> EngineError {
        EngineError::Removed(self.name().to_owned())
    }

    fn watched(&self) -> MutexGuard<'_, Option<Watched>> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
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

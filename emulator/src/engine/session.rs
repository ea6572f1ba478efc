//! A session: devices that know nothing of those of any other session.

mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::store::StoreError;
use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::transport::Connector;
use cardea_sdk::{Entropy, Env, WalletError};

use super::device::{Device, Parts, Place};
use super::human::Reaction;
use super::journal::{Journal, Kind};
use super::net::{Luck, Network};
use super::snapshot::Snapshots;
use super::time::{DeviceClock, Time};
use super::{EngineError, Options, Seed};
use crate::faults::{DeviceFaults, Faults, Gate};
use crate::trace::Trace;

/// Longest name of a device.
const NAME_MAX: usize = 48;
/// Most devices at one time: twice as many as it is measured with.
pub(crate) const MOST: usize = 20_000;

/// How a session is to be.
#[derive(Debug, Default)]
pub struct Settings {
    /// Where what devices leave to chance comes from; another seed each time if there is none. For sessions in memory only.
    pub seed: Option<Seed>,
    /// How its devices are.
    pub options: Options,
    /// What its holders do where nothing else is said.
    pub usual: Reaction,
    /// Whether it may have faults, and which servers may see them: none and nobody, unless said otherwise.
    pub faults: Gate,
}

/// A session. Clones are one and the same; its devices are removed with the last of them.
#[derive(Debug, Clone)]
pub struct Session(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    chance: Chance,
    /// What networks leave to chance.
    luck: Seed,
    /// Where devices are kept; in memory if nowhere.
    folder: Option<PathBuf>,
    connector: Arc<dyn Connector>,
    allow_test_argon2: bool,
    usual: Reaction,
    faults: Faults,
    time: Time,
    journal: Journal,
    trace: Trace,
    devices: Mutex<BTreeMap<Arc<str>, Device>>,
    snapshots: Snapshots,
    /// How many devices had each name.
    made: Mutex<BTreeMap<Arc<str>, u64>>,
}

impl Drop for Shared {
    /// Whoever waits for somebody of this session waits in vain.
    fn drop(&mut self) {
        for device in self.devices.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
            device.leave();
        }
    }
}

/// Where random bytes come from.
#[derive(Debug)]
enum Chance {
    Seed(Seed),
    /// Keys that are kept on a disk are nobody's to guess.
    World(Arc<dyn Entropy>),
}

impl Session {
    /// A session in memory.
    ///
    /// # Errors
    /// [`EngineError::Authorities`].
    pub fn in_memory(settings: Settings, world: &Env) -> Result<Self, EngineError> {
        let seed = settings.seed.unwrap_or_else(|| Seed::random(&*world.entropy));
        Self::new(settings, world, Chance::Seed(seed), None)
    }

    /// The session of a state folder, whose devices have keys that nobody can guess.
    ///
    /// # Errors
    /// [`EngineError::SeedInFolder`]: one that is opened twice would draw the same bytes again, and look like a copy of itself.
    /// [`EngineError::Authorities`].
    pub fn in_folder(folder: impl Into<PathBuf>, settings: Settings, world: &Env) -> Result<Self, EngineError> {
        if settings.seed.is_some() {
            return Err(EngineError::SeedInFolder);
        }
        Self::new(settings, world, Chance::World(Arc::clone(&world.entropy)), Some(folder.into()))
    }

    fn new(settings: Settings, world: &Env, chance: Chance, folder: Option<PathBuf>) -> Result<Self, EngineError> {
        let time = Time::with(Arc::clone(&world.clock));
        let luck = match &chance {
            Chance::Seed(seed) => *seed,
            Chance::World(entropy) => Seed::random(&**entropy),
        };
        let journal = Journal::new(time.clone());
        let faults = Faults::new(settings.faults, luck, settings.options.transport, journal.clone());
        Ok(Self(Arc::new(Shared {
            chance,
            luck,
            folder,
            connector: settings.options.connector()?,
            allow_test_argon2: settings.options.allow_test_argon2,
            usual: settings.usual,
            faults,
            journal,
            trace: Trace::new(time.clone()),
            time,
            devices: Mutex::default(),
            snapshots: Snapshots::default(),
            made: Mutex::default(),
        })))
    }

    /// The seed, if it has one.
    #[must_use]
    pub fn seed(&self) -> Option<Seed> {
        match self.0.chance {
            Chance::Seed(seed) => Some(seed),
            Chance::World(_) => None,
        }
    }

    /// Its time.
    #[must_use]
    pub fn time(&self) -> &Time {
        &self.0.time
    }

    /// What happened in it.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// What goes wrong in it on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// What its devices and their servers said, once somebody wants to know.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.0.trace
    }

    /// How a device of this name reaches servers, recorded if the session is: with nothing in between that makes it worse.
    pub(crate) fn way_of(&self, name: &Arc<str>) -> Arc<dyn Connector> {
        self.0.trace.around(name, Arc::clone(&self.0.connector))
    }

    /// Makes a device, or opens the one that is in the state folder.
    ///
    /// # Errors
    /// [`EngineError::Name`], [`EngineError::DeviceExists`], [`EngineError::TooManyDevices`], [`EngineError::Wallet`] with what is
    /// wrong with the folder.
    pub async fn add(&self, name: &str) -> Result<Device, EngineError> {
        if !is_name(name) {
            return Err(EngineError::name(name));
        }
        self.has_room_for(&self.devices(), name)?;
        let shared = &self.0;
        let number = self.count(name);
        // Another one of the same name is another device, with other keys.
        let luck_of = |seed: Seed, of: &str| Luck::new(seed, format!("{of} of device {number} called {name}"));
        let (entropy, luck, chance): (Arc<dyn Entropy>, _, Arc<dyn Entropy>) = match &shared.chance {
            Chance::Seed(seed) => {
                let luck = Arc::new(luck_of(*seed, "keys"));
                (Arc::clone(&luck) as _, Some(luck), Arc::new(luck_of(*seed, "habits")))
            }
            Chance::World(entropy) => (Arc::clone(entropy), None, Arc::clone(entropy)),
        };
        let place = self.folder_of(name).map_or_else(|| Place::Memory(MemoryStore::new()), Place::Folder);
        let name_of_it: Arc<str> = name.into();
        let network = Network::new(luck_of(shared.luck, "network"), Arc::clone(&name_of_it), shared.journal.clone());
        let connector = self.way_of(&name_of_it);
        let faults = shared.faults.gate().is_open();
        let faults =
            faults.then(|| DeviceFaults::new(shared.faults.clone(), Arc::clone(&name_of_it), Arc::clone(&connector)));
        let device = Device::new(Parts {
            name: name_of_it,
            faults,
            place,
            connector,
            network,
            allow_test_argon2: shared.allow_test_argon2,
            clock: DeviceClock::new(shared.time.clone()),
            entropy,
            luck,
            chance,
            usual: shared.usual,
            time: shared.time.clone(),
            journal: shared.journal.clone(),
        })
        .await?;
        let mut devices = self.devices();
        // Somebody may have been faster.
        self.has_room_for(&devices, name)?;
        devices.insert(name.into(), device.clone());
        drop(devices);
        shared.journal.note(device.shared_name(), Kind::Made);
        Ok(device)
    }

    /// The names of the devices in the state folder, whether they are in the session or not.
    ///
    /// # Errors
    /// What the system says about the folder.
    pub fn kept(&self) -> std::io::Result<Vec<String>> {
        let Some(folder) = &self.0.folder else { return Ok(Vec::new()) };
        let entries = match std::fs::read_dir(folder.join("devices")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && is_name(&name)
                && entry.file_type()?.is_dir()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The device of this name.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`].
    pub fn device(&self, name: &str) -> Result<Device, EngineError> {
        let devices = self.devices();
        let found = devices.get(name).cloned();
        found.ok_or_else(|| EngineError::no_device(name, devices.keys().map(AsRef::as_ref)))
    }

    /// All devices, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Device> {
        self.devices().values().cloned().collect()
    }

    /// Takes a device out of the session: it begins nothing more, nobody answers its questions, and its tokens are lost,
    /// unless they are in the state folder. What has left for a server by now comes to its end.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`].
    pub fn remove(&self, name: &str) -> Result<(), EngineError> {
        let mut devices = self.devices();
        let removed = devices.remove(name);
        let device = removed.ok_or_else(|| EngineError::no_device(name, devices.keys().map(AsRef::as_ref)))?;
        drop(devices);
        device.leave();
        self.0.journal.note(device.shared_name(), Kind::Removed);
        Ok(())
    }

    /// The same, and nothing of it stays in the state folder: its tokens are gone. Their servers are not told.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`]; [`EngineError::Wallet`] with [`StoreError::Io`] if something of it stays, which the next start
    /// finds.
    pub fn discard(&self, name: &str) -> Result<(), EngineError> {
        self.remove(name)?;
        self.delete_folder(name)
    }

    /// The same, unless there are tokens: what was begun and has come to nothing goes, and nothing else.
    pub(crate) fn discard_empty(&self, name: &str) {
        // Nothing comes to be in it from here on. Somebody else may have removed it.
        let is_mine = self.remove(name).is_ok();
        if is_mine && !self.may_have_tokens(name) {
            // What cannot be deleted is found again by the next start, and can be removed then.
            let _ = self.delete_folder(name);
        }
    }

    /// Whether there may be tokens in the folder of a device: what cannot be looked at may be one.
    fn may_have_tokens(&self, name: &str) -> bool {
        let Some(folder) = self.folder_of(name) else { return false };
        let is_token = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.map_or(true, |entry| entry.path().extension().is_some_and(|it| it == "token"))
        };
        match std::fs::read_dir(folder) {
            Ok(mut entries) => entries.any(is_token),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Deletes the folder of a device, if it has one.
    fn delete_folder(&self, name: &str) -> Result<(), EngineError> {
        let Some(path) = self.folder_of(name) else { return Ok(()) };
        // No start finds what has no name, however much of it is left.
        let leaving = path.with_file_name(format!(".{name}"));
        let result = remove_folder(&leaving).and_then(|()| std::fs::rename(&path, &leaving)).or_else(absent);
        let result = result.and_then(|()| remove_folder(&leaving));
        result.map_err(|source| WalletError::from(StoreError::Io { path, source }).into())
    }

    /// Where a device of this name is kept, in a session that keeps its devices.
    fn folder_of(&self, name: &str) -> Option<PathBuf> {
        self.0.folder.as_ref().map(|folder| folder.join("devices").join(name))
    }

    /// Removes all devices.
    pub fn end(&self) {
        for device in self.list() {
            // Somebody else may have removed it just now.
            let _ = self.remove(device.name());
        }
    }

    fn has_room_for(&self, devices: &BTreeMap<Arc<str>, Device>, name: &str) -> Result<(), EngineError> {
        if devices.contains_key(name) {
            return Err(EngineError::DeviceExists(name.to_owned()));
        }
        if devices.len() >= MOST { Err(EngineError::TooManyDevices) } else { Ok(()) }
    }

    /// Counts devices by their names, from 1.
    fn count(&self, name: &str) -> u64 {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        let count = made.entry(name.into()).or_default();
        *count += 1;
        *count
    }

    fn devices(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Device>> {
        self.0.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a folder and what is in it, if there is one.
fn remove_folder(path: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(path).or_else(absent)
}

/// What is not there need not be removed.
fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Whether it may be a device's name, which may be a folder's, too.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests;

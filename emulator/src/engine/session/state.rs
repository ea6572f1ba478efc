//! What a session and its devices are at a moment: kept, copied, made so again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cardea_sdk::WalletError;
use cardea_sdk::store::StoreError;

use super::Session;
use crate::engine::device::{Held, Kept};
use crate::engine::journal::Kind;
use crate::engine::parcel::Parcel;
use crate::engine::snapshot::{Difference, Snapshot, SnapshotInfo};
use crate::engine::{Device, EngineError};

impl Session {
    /// Keeps what the session is now under a name: its devices with their tokens, holders, networks and clocks, and its time.
    /// With `replace` one of this name is replaced.
    ///
    /// # Errors
    /// [`EngineError::Name`], [`EngineError::SnapshotExists`], [`EngineError::TooManySnapshots`], [`EngineError::Wallet`].
    pub async fn save(&self, name: &str, replace: bool) -> Result<SnapshotInfo, EngineError> {
        if !super::is_name(name) {
            return Err(EngineError::name_of("snapshot", name));
        }
        let snapshot = self.as_it_is().await?;
        self.0.snapshots.add(name, snapshot, replace)
    }

    /// The snapshots, by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<SnapshotInfo> {
        self.0.snapshots.list()
    }

    /// Forgets a snapshot.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSnapshot`].
    pub fn forget(&self, name: &str) -> Result<(), EngineError> {
        self.0.snapshots.remove(name)
    }

    /// Makes the session what it was: devices that came later are removed, from the state folder, too; those that are gone are
    /// made. Servers are not told: to them, a device that was used since is a copy of itself. What devices draw at random goes on.
    /// A device that could not be read when the snapshot was taken is left as it is; one that cannot be read now is made again.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSnapshot`]; [`EngineError::Wallet`] with [`Busy`](cardea_sdk::WalletError::Busy) while a device is
    /// doing something, or with what is wrong with a store. Nothing has changed then, as far as the stores still take what they had;
    /// only what came later and cannot be deleted may have gone from the session, to be found by the next start.
    pub async fn load(&self, name: &str) -> Result<(), EngineError> {
        let snapshot = self.0.snapshots.get(name)?;
        let mut now = Now::of(self, &snapshot).await?;
        if let Err(error) = now.become_again(self, &snapshot).await {
            now.stay(self).await;
            return Err(error);
        }
        for device in now.later(&snapshot) {
            self.discard(&device)?;
        }
        for device in snapshot.devices.keys() {
            self.0.journal.note(device, Kind::State { what: "restored", with: Some(name.to_owned()) });
        }
        self.0.time.go(snapshot.time);
        Ok(())
    }

    /// In what the session was another one when `name` was taken than it was at `other`, or than it is now.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSnapshot`], [`EngineError::Wallet`].
    pub async fn differences(&self, name: &str, other: Option<&str>) -> Result<Vec<Difference>, EngineError> {
        let before = self.0.snapshots.get(name)?;
        match other {
            Some(other) => Ok(before.differences(&*self.0.snapshots.get(other)?)),
            None => Ok(before.differences(&self.as_it_is().await?)),
        }
    }

    async fn as_it_is(&self) -> Result<Snapshot, EngineError> {
        let (mut devices, mut damaged) = (BTreeMap::new(), BTreeSet::new());
        for device in self.list() {
            let name = Arc::clone(device.shared_name());
            match device.keep().await {
                Err(error) if is_damage(&error) => _ = damaged.insert(name),
                kept => _ = devices.insert(name, kept?),
            }
        }
        Ok(Snapshot { time: self.0.time.going_on(), taken_at: self.0.time.now(), devices, damaged })
    }

    /// Makes a second device that is the same as the first one, with its tokens and keys: what servers notice once both are
    /// used.
    ///
    /// # Errors
    /// As [`Session::add`], and [`EngineError::NoSuchDevice`].
    pub async fn copy(&self, name: &str, new: &str) -> Result<Device, EngineError> {
        let kept = self.device(name)?.keep().await?;
        self.free(new)?;
        let copy = self.make_again(new, &kept).await?;
        self.0.journal.note(copy.shared_name(), Kind::State { what: "copied", with: Some(name.to_owned()) });
        Ok(copy)
    }

    /// Calls a device otherwise from now on.
    ///
    /// # Errors
    /// As [`Session::add`], and [`EngineError::NoSuchDevice`]; [`EngineError::Wallet`] with
    /// [`Busy`](cardea_sdk::WalletError::Busy) while it is doing something.
    pub async fn rename(&self, name: &str, new: &str) -> Result<Device, EngineError> {
        let old = self.device(name)?;
        // Nobody uses it from here on, so that what is made again is what it was last.
        let mut held = old.hold(&Kept::default()).await?;
        let renamed = if let (Some(from), Some(to)) = (self.folder_of(name), self.folder_of(new)) {
            self.free(new)?;
            self.remove(name)?;
            let kept = held.leave();
            if let Err(source) = std::fs::rename(&from, &to) {
                self.add(name).await?;
                return Err(WalletError::from(StoreError::Io { path: from, source }).into());
            }
            self.make_again(new, &kept).await?
        } else {
            let renamed = self.make_again(new, held.before()).await?;
            held.become_again(&Kept::default()).await?;
            self.remove(name)?;
            renamed
        };
        self.0.journal.note(renamed.shared_name(), Kind::State { what: "renamed", with: Some(name.to_owned()) });
        Ok(renamed)
    }

    /// Whether a device may be called so: none is, in the session or in the state folder.
    fn free(&self, name: &str) -> Result<(), EngineError> {
        if !super::is_name(name) {
            return Err(EngineError::name(name));
        }
        let is_kept = self.folder_of(name).is_some_and(|folder| folder.exists());
        if is_kept || self.device(name).is_ok() { Err(EngineError::DeviceExists(name.to_owned())) } else { Ok(()) }
    }

    /// Makes a device as it was when it was new: without tokens, of which the servers are not told, and with a holder, a network
    /// and a clock as all have them.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`]; [`EngineError::Wallet`] with [`Busy`](cardea_sdk::WalletError::Busy) while it is doing
    /// something.
    pub async fn reset(&self, name: &str) -> Result<(), EngineError> {
        let device = self.device(name)?;
        let mut new = Kept::default();
        new.habits.usual = self.0.usual;
        match device.hold(&new).await {
            // Not even its key can be read: it is another one from here on.
            Err(error) if is_damage(&error) => {
                self.discard(name)?;
                self.add(name).await?;
            }
            held => held?.become_again(&new).await?,
        }
        self.0.journal.note(device.shared_name(), Kind::State { what: "reset", with: None });
        Ok(())
    }

    /// Takes a copy of a device, to be unpacked elsewhere.
    ///
    /// # Errors
    /// [`EngineError::NoSuchDevice`], [`EngineError::Wallet`].
    pub async fn export(&self, name: &str) -> Result<Parcel, EngineError> {
        let device = self.device(name)?;
        let kept = device.keep().await?;
        self.0.journal.note(device.shared_name(), Kind::State { what: "exported", with: None });
        Ok(Parcel::new(name, kept))
    }

    /// Makes a device of a copy, under the name that it had or another one.
    ///
    /// # Errors
    /// As [`Session::add`].
    pub async fn import(&self, parcel: &Parcel, name: Option<&str>) -> Result<Device, EngineError> {
        let name = name.unwrap_or(parcel.name());
        // What is only in the state folder is somebody's, too.
        self.free(name)?;
        let device = self.make_again(name, parcel.kept()).await?;
        self.0.journal.note(device.shared_name(), Kind::State { what: "imported", with: None });
        Ok(device)
    }

    /// A device that is what was kept; none, if that fails.
    async fn make_again(&self, name: &str, kept: &Kept) -> Result<Device, EngineError> {
        let device = self.add(name).await?;
        let made = async { device.hold(kept).await?.become_again(kept).await };
        if let Err(error) = made.await {
            // Somebody may have been faster.
            let _ = self.discard(name);
            return Err(error);
        }
        Ok(device)
    }
}

/// The devices of a session that is to be what it was.
struct Now {
    /// Those that nobody else changes meanwhile.
    held: Vec<Held>,
    /// Those that cannot be read.
    damaged: Vec<Arc<str>>,
    /// Those that were not there and have been made.
    made: Vec<Arc<str>>,
}

impl Now {
    /// Takes hold of all of them, or of none.
    async fn of(session: &Session, snapshot: &Snapshot) -> Result<Self, EngineError> {
        let mut now = Self { held: Vec::new(), damaged: Vec::new(), made: Vec::new() };
        let nothing = Kept::default();
        for device in session.list() {
            let name = device.shared_name();
            if snapshot.damaged.contains(name) {
                continue;
            }
            match device.hold(snapshot.devices.get(name).unwrap_or(&nothing)).await {
                Err(error) if is_damage(&error) => now.damaged.push(Arc::clone(name)),
                held => now.held.push(held?),
            }
        }
        Ok(now)
    }

    async fn become_again(&mut self, session: &Session, snapshot: &Snapshot) -> Result<(), EngineError> {
        for held in &mut self.held {
            if let Some(kept) = snapshot.devices.get(held.name()) {
                held.become_again(kept).await?;
            }
        }
        let there: BTreeSet<_> = self.held.iter().map(|held| Arc::clone(held.name())).collect();
        for (name, kept) in snapshot.devices.iter().filter(|(name, _)| !there.contains(*name)) {
            if self.damaged.contains(name) {
                session.discard(name)?;
            }
            session.free(name)?;
            session.make_again(name, kept).await?;
            self.made.push(Arc::clone(name));
        }
        Ok(())
    }

    /// Makes them what they were before.
    async fn stay(mut self, session: &Session) {
        for held in &mut self.held {
            held.stay().await;
        }
        for name in &self.made {
            // Somebody else may have removed it.
            let _ = session.discard(name);
        }
    }

    /// Those that came after the snapshot, which nobody holds any more.
    fn later(self, snapshot: &Snapshot) -> Vec<Arc<str>> {
        let names = self.held.iter().map(|held| Arc::clone(held.name())).chain(self.damaged);
        names.filter(|name| !snapshot.devices.contains_key(name)).collect()
    }
}

/// Whether what is stored is not usable any more, whatever is done about disks and permissions.
fn is_damage(error: &EngineError) -> bool {
    use StoreError as E;
    let EngineError::Wallet(WalletError::Store(error)) = error else { return false };
    matches!(
        **error,
        E::Corrupt { .. }
            | E::Truncated { .. }
            | E::NewerFormat { .. }
            | E::WrongKey { .. }
            | E::KeyMissing { .. }
            | E::SecretMissing { .. }
            | E::KeyExposed { .. }
    )
}

#[cfg(test)]
mod tests;

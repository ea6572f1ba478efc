//! What a session and its devices are at a moment: kept, copied, made so again.

use std::sync::Arc;

use cardea_sdk::WalletError;
use cardea_sdk::store::StoreError;

use super::Session;
use crate::engine::device::Kept;
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

    /// Makes the session what it was: devices that came later are removed, those that are gone are made. Servers are not told:
    /// to them, a device that was used since is a copy of itself. What devices draw at random goes on.
    ///
    /// # Errors
    /// [`EngineError::NoSuchSnapshot`]; [`EngineError::Wallet`] with [`Busy`](cardea_sdk::WalletError::Busy) while a device is
    /// doing something. Nothing has changed then.
    pub async fn load(&self, name: &str) -> Result<(), EngineError> {
        let snapshot = self.0.snapshots.get(name)?;
        let (mut held, nothing) = (Vec::new(), Kept::default());
        // All of them or none.
        for device in self.list() {
            let kept = snapshot.devices.get(device.name()).unwrap_or(&nothing);
            held.push((Arc::clone(device.shared_name()), device.hold(kept).await?));
        }
        for (device, held) in held {
            match snapshot.devices.get(&device) {
                Some(kept) => held.become_again(kept).await?,
                None => self.remove(&device)?,
            }
        }
        for (device, kept) in &snapshot.devices {
            if self.device(device).is_err() {
                self.add(device).await?.hold(kept).await?.become_again(kept).await?;
            }
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
        let mut devices = std::collections::BTreeMap::new();
        for device in self.list() {
            devices.insert(Arc::clone(device.shared_name()), device.keep().await?);
        }
        Ok(Snapshot { time: self.0.time.going_on(), taken_at: self.0.time.now(), devices })
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
        let kept = old.keep().await?;
        // Nobody uses it from here on, so that what is made again is what it was last.
        let held = old.hold(&kept).await?;
        let kept = Kept { is_watched: kept.is_watched, ..old.keep().await? };
        let renamed = if let Some(folder) = &self.0.folder {
            self.free(new)?;
            self.remove(name)?;
            drop(held);
            let (from, to) = (folder.join("devices").join(name), folder.join("devices").join(new));
            if let Err(source) = std::fs::rename(&from, &to) {
                self.add(name).await?;
                return Err(WalletError::from(StoreError::Io { path: from, source }).into());
            }
            self.make_again(new, &kept).await?
        } else {
            let renamed = self.make_again(new, &kept).await?;
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
        let is_kept = self.0.folder.as_ref().is_some_and(|folder| folder.join("devices").join(name).exists());
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
        device.hold(&new).await?.become_again(&new).await?;
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
            let _ = self.remove(name);
            return Err(error);
        }
        Ok(device)
    }
}

#[cfg(test)]
mod tests;

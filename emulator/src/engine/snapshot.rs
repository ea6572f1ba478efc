//! What a session is at a moment: all its devices and its time, under a name, to be the same again later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::EngineError;
use super::device::Kept;
use super::time::Going;

/// Most snapshots of a session.
const MOST: usize = 100;
/// Most devices in all snapshots of a session.
const MOST_DEVICES: usize = 100_000;

/// A session at a moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) time: Going,
    /// When it was taken, in Unix seconds of the session.
    pub(super) taken_at: u64,
    pub(super) devices: BTreeMap<Arc<str>, Kept>,
    /// Those that could not be read: nothing of them is kept.
    pub(super) damaged: BTreeSet<Arc<str>>,
}

/// What there is to know of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// What it is called.
    pub name: String,
    /// When it was taken, in Unix seconds of the session.
    pub taken_at: u64,
    /// The names of its devices.
    pub devices: Vec<String>,
    /// The names of those that could not be read then: nothing of them is kept, and they are left as they are.
    pub damaged: Vec<String>,
}

/// In what a device is another one in two snapshots, or now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The name of the device; none of the session's time.
    pub device: Option<String>,
    /// In what: `device`, `token`, `network`, `clock`, `holder`, `watched`.
    pub what: &'static str,
    /// What it is in the one.
    pub before: String,
    /// And in the other.
    pub after: String,
}

/// The snapshots of a session, by name.
#[derive(Debug, Default)]
pub(super) struct Snapshots(Mutex<BTreeMap<String, Arc<Snapshot>>>);

impl Snapshots {
    /// Keeps one. With `replace` one of this name is replaced.
    pub(super) fn add(&self, name: &str, snapshot: Snapshot, replace: bool) -> Result<SnapshotInfo, EngineError> {
        let mut all = self.all();
        if all.contains_key(name) && !replace {
            return Err(EngineError::SnapshotExists(name.to_owned()));
        }
        let others = || all.iter().filter(|(other, _)| *other != name);
        let devices: usize = others().map(|(_, snapshot)| snapshot.devices.len()).sum();
        if others().count() >= MOST || devices + snapshot.devices.len() > MOST_DEVICES {
            return Err(EngineError::TooManySnapshots);
        }
        let info = info(name, &snapshot);
        all.insert(name.to_owned(), Arc::new(snapshot));
        Ok(info)
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Snapshot>, EngineError> {
        let all = self.all();
        all.get(name).cloned().ok_or_else(|| EngineError::no_snapshot(name, all.keys().map(String::as_str)))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), EngineError> {
        let mut all = self.all();
        let removed = all.remove(name).map(|_| ());
        removed.ok_or_else(|| EngineError::no_snapshot(name, all.keys().map(String::as_str)))
    }

    pub(super) fn list(&self) -> Vec<SnapshotInfo> {
        self.all().iter().map(|(name, snapshot)| info(name, snapshot)).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Snapshot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn info(name: &str, snapshot: &Snapshot) -> SnapshotInfo {
    let devices = snapshot.devices.keys().map(|device| device.to_string()).collect();
    let damaged = snapshot.damaged.iter().map(|device| device.to_string()).collect();
    SnapshotInfo { name: name.to_owned(), taken_at: snapshot.taken_at, devices, damaged }
}

impl Snapshot {
    /// In what `other` is not the same. Says nothing that is secret.
    pub(super) fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.time != other.time {
            let (before, after) = (self.time.to_string(), other.time.to_string());
            found.push(Difference { device: None, what: "clock", before, after });
        }
        let names: BTreeSet<_> = self.devices.keys().chain(other.devices.keys()).collect();
        for name in names {
            let mut differs = |what, before: String, after: String| {
                if before != after {
                    found.push(Difference { device: Some(name.to_string()), what, before, after });
                }
            };
            match (self.devices.get(name), other.devices.get(name)) {
                (Some(before), Some(after)) => compare(before, after, &mut differs),
                (before, after) => differs("device", is_there(before.is_some()), is_there(after.is_some())),
            }
        }
        found
    }
}

fn is_there(there: bool) -> String {
    if there { "there" } else { "not there" }.to_owned()
}

fn compare(before: &Kept, after: &Kept, differs: &mut impl FnMut(&'static str, String, String)) {
    for key in before.tokens.keys().chain(after.tokens.keys().filter(|key| !before.tokens.contains_key(key))) {
        let (one, other) = (before.tokens.get(key), after.tokens.get(key));
        if one != other {
            let text = |there: bool| format!("{key}: {}", is_there(there));
            let after = if one.is_some() && other.is_some() {
                format!("{key}: there, and used or changed since")
            } else {
                text(other.is_some())
            };
            differs("token", text(one.is_some()), after);
        }
    }
    differs("network", before.network.to_string(), after.network.to_string());
    differs("clock", format!("{} s ahead", before.skew), format!("{} s ahead", after.skew));
    differs("watched", before.is_watched.to_string(), after.is_watched.to_string());
    if before.habits != after.habits {
        differs("holder", "with these PINs and habits".to_owned(), "with others".to_owned());
    }
}

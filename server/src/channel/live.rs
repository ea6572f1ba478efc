//! Live sessions: one per device on this node, the newest wins. On other nodes the ratchet fences the older one: its
//! next operation finds that the row has moved on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_protocol::token::{DeviceId, TokenId};
use tokio::sync::watch;

use crate::storage::rows::DeviceKey;

type Key = ([u8; 16], [u8; 4]);

/// The sessions of this node.
#[derive(Debug, Default)]
pub struct LiveSessions {
    table: Mutex<HashMap<Key, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// Of the device's row when the session was accepted: what makes a session newer than another.
    version: u64,
    ended: watch::Sender<bool>,
}

/// A session's place in the table. Dropping it gives the place up, unless a newer session has taken it already.
#[derive(Debug)]
pub(super) struct Place {
    sessions: Arc<LiveSessions>,
    key: Key,
    ended: watch::Receiver<bool>,
}

impl LiveSessions {
    /// Makes the caller, who was accepted with this version of the device's row, the live session of the device and
    /// ends the one before it. Commits and calls may come in different orders: a session that is not the newest gets a
    /// place that has ended already.
    pub(super) fn take(self: &Arc<Self>, token: &TokenId, device: &DeviceId, version: u64) -> Place {
        let key = (*token.bytes(), *device.bytes());
        let (sender, ended) = watch::channel(false);
        let mut table = self.table();
        if table.get(&key).is_some_and(|entry| entry.version > version) {
            sender.send_replace(true);
        } else if let Some(older) = table.insert(key, Entry { version, ended: sender }) {
            older.ended.send_replace(true);
        }
        drop(table);
        Place { sessions: Arc::clone(self), key, ended }
    }

    /// Ends all sessions of a token: it was deleted or blocked.
    pub fn end(&self, token: &[u8; 16]) {
        for (_, session) in self.table().iter().filter(|((of, _), _)| of == token) {
            session.ended.send_replace(true);
        }
    }

    /// Ends the session of one device that was accepted before `version` of its row: another device took its place, or
    /// a handshake without a session.
    pub(super) fn end_device(&self, device: &DeviceKey, version: u64) {
        if let Some(session) = self.table().get(&(device.token, device.number)).filter(|it| it.version < version) {
            session.ended.send_replace(true);
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until another session has taken over, or the token is gone.
    ///
    /// Cancel safe.
    pub(super) async fn ended(&mut self) {
        // The sender goes only when a newer session replaces it: an end as well.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.sessions.table();
        let is_ours = table.get(&self.key).is_some_and(|entry| self.ended.same_channel(&entry.ended.subscribe()));
        if is_ours {
            table.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: TokenId = TokenId::new([1; 16]);
    const DEVICE: DeviceId = DeviceId::new([2; 4]);

    #[tokio::test]
    async fn the_newest_session_ends_the_older_one_and_keeps_its_place() {
        let sessions = Arc::new(LiveSessions::default());
        let mut first = sessions.take(&TOKEN, &DEVICE, 1);
        let mut second = sessions.take(&TOKEN, &DEVICE, 2);
        first.ended().await;
        drop(first);
        assert_eq!(sessions.table().len(), 1);
        sessions.end(TOKEN.bytes());
        second.ended().await;
        drop(second);
        assert!(sessions.table().is_empty());
    }

    #[tokio::test]
    async fn whoever_was_accepted_first_does_not_end_the_newer_one_by_coming_late() {
        let sessions = Arc::new(LiveSessions::default());
        let newer = sessions.take(&TOKEN, &DEVICE, 8);
        let mut late = sessions.take(&TOKEN, &DEVICE, 7);
        late.ended().await;
        drop(late);
        assert!(!*newer.ended.borrow());
        assert_eq!(sessions.table().len(), 1);
        let key = DeviceKey { token: *TOKEN.bytes(), number: *DEVICE.bytes() };
        sessions.end_device(&key, 8);
        assert!(!*newer.ended.borrow());
        sessions.end_device(&key, 9);
        assert!(*newer.ended.borrow());
    }

    #[tokio::test]
    async fn other_devices_are_left_alone() {
        let sessions = Arc::new(LiveSessions::default());
        let first = sessions.take(&TOKEN, &DEVICE, 1);
        let _second = sessions.take(&TOKEN, &DeviceId::new([3; 4]), 2);
        sessions.end(&[9; 16]);
        assert!(!*first.ended.borrow());
    }
}

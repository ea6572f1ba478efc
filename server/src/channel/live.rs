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
    table: Mutex<HashMap<Key, watch::Sender<bool>>>,
}

/// A session's place in the table. Dropping it gives the place up, unless a newer session has taken it already.
#[derive(Debug)]
pub(super) struct Place {
    sessions: Arc<LiveSessions>,
    key: Key,
    ended: watch::Receiver<bool>,
}

impl LiveSessions {
    /// Makes the caller the live session of the device and ends the one before it.
    pub(super) fn take(self: &Arc<Self>, token: &TokenId, device: &DeviceId) -> Place {
        let key = (*token.bytes(), *device.bytes());
        let (sender, ended) = watch::channel(false);
        if let Some(older) = self.table().insert(key, sender) {
            older.send_replace(true);
        }
        Place { sessions: Arc::clone(self), key, ended }
    }

    /// Ends all sessions of a token: it was deleted or blocked.
    pub fn end(&self, token: &[u8; 16]) {
        for (_, session) in self.table().iter().filter(|((of, _), _)| of == token) {
            session.send_replace(true);
        }
    }

    /// Ends the session of one device: another one took its place.
    pub(super) fn end_device(&self, device: &DeviceKey) {
        if let Some(session) = self.table().get(&(device.token, device.number)) {
            session.send_replace(true);
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<bool>>> {
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
        let is_ours = table.get(&self.key).is_some_and(|sender| self.ended.same_channel(&sender.subscribe()));
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
        let mut first = sessions.take(&TOKEN, &DEVICE);
        let mut second = sessions.take(&TOKEN, &DEVICE);
        first.ended().await;
        drop(first);
        assert_eq!(sessions.table().len(), 1);
        sessions.end(TOKEN.bytes());
        second.ended().await;
        drop(second);
        assert!(sessions.table().is_empty());
    }

    #[tokio::test]
    async fn other_devices_are_left_alone() {
        let sessions = Arc::new(LiveSessions::default());
        let first = sessions.take(&TOKEN, &DEVICE);
        let _second = sessions.take(&TOKEN, &DeviceId::new([3; 4]));
        sessions.end(&[9; 16]);
        assert!(!*first.ended.borrow());
    }
}

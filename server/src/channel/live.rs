//! Live sessions: one per device on this node, the newest wins. On other nodes the ratchet fences the older one: its
//! next operation finds that the row has moved on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use cardea_protocol::token::{DeviceId, TokenId};
use futures_util::task::AtomicWaker;

use crate::storage::rows::DeviceKey;

type Key = ([u8; 16], [u8; 4]);

/// The sessions of this node.
#[derive(Debug, Default)]
pub struct LiveSessions {
    table: Mutex<BTreeMap<Key, Entry>>,
    /// How many of them have asked to be told of changes.
    subscribers: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    /// Of the device's row when the session was accepted: what makes a session newer than another.
    version: u64,
    signal: Arc<Signal>,
}

/// What a session hears from outside of its connection. There are as many of them as devices, so it is small.
#[derive(Debug, Default)]
struct Signal {
    ended: AtomicBool,
    /// The device has asked to be told of changes.
    subscribed: AtomicBool,
    /// There may be something to tell.
    due: AtomicBool,
    listener: AtomicWaker,
}

impl Signal {
    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.listener.wake();
    }

    fn notify(&self) {
        if self.subscribed.load(Ordering::Acquire) {
            self.due.store(true, Ordering::Release);
            self.listener.wake();
        }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// A session's place in the table. Dropping it gives the place up, unless a newer session has taken it already.
#[derive(Debug)]
pub(super) struct Place {
    sessions: Arc<LiveSessions>,
    key: Key,
    signal: Arc<Signal>,
}

impl LiveSessions {
    /// Makes the caller, who was accepted with this version of the device's row, the live session of the device and
    /// ends the one before it. Commits and calls may come in different orders: a session that is not the newest gets a
    /// place that has ended already.
    pub(super) fn take(self: &Arc<Self>, token: &TokenId, device: &DeviceId, version: u64) -> Place {
        let key = (*token.bytes(), *device.bytes());
        let signal = Arc::<Signal>::default();
        let mut table = self.table();
        if table.get(&key).is_some_and(|entry| entry.version > version) {
            signal.end();
        } else if let Some(older) = table.insert(key, Entry { version, signal: Arc::clone(&signal) }) {
            older.signal.end();
        }
        drop(table);
        Place { sessions: Arc::clone(self), key, signal }
    }

    /// Ends all sessions of a token: it was deleted or blocked.
    pub fn end(&self, token: &[u8; 16]) {
        for session in self.table().range((*token, [0; 4])..=(*token, [u8::MAX; 4])).map(|(_, session)| session) {
            session.signal.end();
        }
    }

    /// Ends the session of one device that was accepted before `version` of its row: another device took its place, or
    /// a handshake without a session.
    pub(super) fn end_device(&self, device: &DeviceKey, version: u64) {
        if let Some(session) = self.table().get(&(device.token, device.number)).filter(|it| it.version < version) {
            session.signal.end();
        }
    }

    /// Ends all sessions: the server stops.
    pub(super) fn end_all(&self) {
        for session in self.table().values() {
            session.signal.end();
        }
    }

    /// Whether any session has asked to be told of changes.
    pub(super) fn has_subscribers(&self) -> bool {
        self.subscribers.load(Ordering::Acquire) != 0
    }

    /// Something may have happened to a token: its sessions that have asked to be told look.
    pub(super) fn notify(&self, token: &[u8; 16]) {
        for session in self.table().range((*token, [0; 4])..=(*token, [u8::MAX; 4])).map(|(_, session)| session) {
            session.signal.notify();
        }
    }

    /// Something may have happened to any token.
    pub(super) fn notify_all(&self) {
        for session in self.table().values() {
            session.signal.notify();
        }
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Ready as soon as another session has taken over, the token is gone, or the server stops.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.signal.listener.register(cx.waker());
        if self.signal.has_ended() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ready once for every time that there may be something to tell. Call [`Place::poll_ended`] before it.
    pub(super) fn poll_due(&self) -> Poll<()> {
        if self.signal.due.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The device asks to be told of changes, or not to be any more. What it does not know yet is due at once.
    pub(super) fn subscribe(&self, wants: bool) {
        let did = self.signal.subscribed.swap(wants, Ordering::AcqRel);
        match (did, wants) {
            (false, true) => drop(self.sessions.subscribers.fetch_add(1, Ordering::AcqRel)),
            (true, false) => drop(self.sessions.subscribers.fetch_sub(1, Ordering::AcqRel)),
            _ => {}
        }
        self.signal.due.store(wants, Ordering::Release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.subscribe(false);
        let mut table = self.sessions.table();
        if table.get(&self.key).is_some_and(|entry| Arc::ptr_eq(&entry.signal, &self.signal)) {
            table.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const TOKEN: TokenId = TokenId::new([1; 16]);
    const DEVICE: DeviceId = DeviceId::new([2; 4]);

    async fn ended(place: &Place) {
        poll_fn(|cx| place.poll_ended(cx)).await;
    }

    #[tokio::test]
    async fn the_newest_session_ends_the_older_one_and_keeps_its_place() {
        let sessions = Arc::new(LiveSessions::default());
        let first = sessions.take(&TOKEN, &DEVICE, 1);
        let second = sessions.take(&TOKEN, &DEVICE, 2);
        ended(&first).await;
        drop(first);
        assert_eq!(sessions.table().len(), 1);
        sessions.end(TOKEN.bytes());
        ended(&second).await;
        drop(second);
        assert!(sessions.table().is_empty());
    }

    #[tokio::test]
    async fn a_session_that_waits_hears_of_its_end() {
        let sessions = Arc::new(LiveSessions::default());
        for end in [|it: &LiveSessions| it.end(TOKEN.bytes()), LiveSessions::end_all] {
            let place = sessions.take(&TOKEN, &DEVICE, 1);
            let waiting = tokio::spawn(async move { ended(&place).await });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            end(&sessions);
            waiting.await.expect("ends");
        }
    }

    #[tokio::test]
    async fn whoever_was_accepted_first_does_not_end_the_newer_one_by_coming_late() {
        let sessions = Arc::new(LiveSessions::default());
        let newer = sessions.take(&TOKEN, &DEVICE, 8);
        let late = sessions.take(&TOKEN, &DEVICE, 7);
        ended(&late).await;
        drop(late);
        assert!(!newer.signal.has_ended());
        assert_eq!(sessions.table().len(), 1);
        let key = DeviceKey { token: *TOKEN.bytes(), number: *DEVICE.bytes() };
        sessions.end_device(&key, 8);
        assert!(!newer.signal.has_ended());
        sessions.end_device(&key, 9);
        assert!(newer.signal.has_ended());
    }

    #[test]
    fn who_has_asked_is_told_once_for_every_change_and_nobody_else_is() {
        let sessions = Arc::new(LiveSessions::default());
        let [asks, silent] = [1, 2].map(|device| sessions.take(&TOKEN, &DeviceId::new([device; 4]), 1));
        asks.subscribe(true);
        assert!(sessions.has_subscribers());
        assert!(asks.poll_due().is_ready(), "what it does not know yet is due at once");
        sessions.notify(&[9; 16]);
        assert!(asks.poll_due().is_pending());
        sessions.notify(TOKEN.bytes());
        assert!(asks.poll_due().is_ready() && asks.poll_due().is_pending());
        sessions.notify_all();
        assert!(asks.poll_due().is_ready() && silent.poll_due().is_pending());
        asks.subscribe(false);
        sessions.notify(TOKEN.bytes());
        assert!(asks.poll_due().is_pending() && !sessions.has_subscribers());
        asks.subscribe(true);
        drop((asks, silent));
        assert!(!sessions.has_subscribers());
    }

    #[test]
    fn other_tokens_are_left_alone() {
        let sessions = Arc::new(LiveSessions::default());
        let places: Vec<Place> = [0, 1, 2, 255]
            .into_iter()
            .flat_map(|token| [[0; 4], [255; 4]].map(|device| (TokenId::new([token; 16]), DeviceId::new(device))))
            .map(|(token, device)| sessions.take(&token, &device, 1))
            .collect();
        sessions.end(&[1; 16]);
        let ended: Vec<bool> = places.iter().map(|place| place.signal.has_ended()).collect();
        assert_eq!(ended, [false, false, true, true, false, false, false, false]);
    }
}

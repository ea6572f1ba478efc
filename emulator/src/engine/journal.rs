//! What happened in a session, in order: numbered without gaps, so that nobody misses anything unnoticed.

mod words;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::EventKind;
use cardea_sdk::store::TokenKey;
use tokio::sync::watch;

use super::changes::Changes;
use super::human::Outcome;
use super::time::Time;

/// How many entries are kept: the newest.
pub const KEPT: usize = 10_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: the first one is 1, and none is left out.
    pub number: u64,
    /// When, in Unix seconds of the session.
    pub time: u64,
    /// The name of the device.
    pub device: Arc<str>,
    /// What.
    pub kind: Kind,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The device was made, or opened.
    Made,
    /// The device is gone.
    Removed,
    /// Something happened to a token.
    Token {
        /// Which.
        token: TokenKey,
        /// What.
        event: EventKind,
    },
    /// So many things happened to tokens, too fast to be told one by one.
    Missed(u64),
    /// The device was told to do something, and it was done, or not: then the number and the text of the error.
    Done {
        /// What.
        what: &'static str,
        /// How it went.
        failure: Option<(u32, String)>,
    },
    /// What the device was told to do was given up by who had told it: it may have been done.
    GivenUp {
        /// What.
        what: &'static str,
    },
    /// The network of the device was changed.
    Network {
        /// What it is like now: a name, or `custom`.
        profile: String,
    },
    /// The device was made what it is now: `restored` from a snapshot, `copied` or `renamed` from another device, `imported` or
    /// `reset`; or it was `exported`.
    State {
        /// Which of these.
        what: &'static str,
        /// The snapshot, or the other device.
        with: Option<String>,
    },
    /// A fault happened to the device.
    Fault {
        /// The id of its rule.
        rule: Arc<str>,
        /// Its name.
        fault: &'static str,
    },
    /// What came of a fault that somebody else had a part in.
    FaultOutcome {
        /// The id of its rule.
        rule: Arc<str>,
        /// What, for a person.
        outcome: String,
    },
    /// The holder was asked for a PIN.
    Asked {
        /// The number of the prompt on its device.
        prompt: u64,
        /// The token.
        token: TokenKey,
    },
    /// The holder has answered.
    Answered {
        /// The number of the prompt on its device.
        prompt: u64,
        /// How.
        outcome: Outcome,
    },
}

/// The journal of a session. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    time: Time,
    kept: Mutex<VecDeque<Entry>>,
    /// The number of the newest entry.
    newest: watch::Sender<u64>,
}

/// Entries that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// So many were not kept long enough.
    pub lost: u64,
    /// In order, the oldest first.
    pub entries: Vec<Entry>,
}

impl Journal {
    pub(crate) fn new(time: Time) -> Self {
        Self(Arc::new(Shared { time, kept: Mutex::default(), newest: watch::Sender::new(0) }))
    }

    /// Adds an entry.
    pub(crate) fn note(&self, device: &Arc<str>, kind: Kind) {
        self.note_what(device, kind, |_| ());
    }

    /// Adds an entry of something that `makes_it_so` first, at the time of the entry: whoever reads of it finds it so.
    pub(crate) fn note_what(&self, device: &Arc<str>, kind: Kind, makes_it_so: impl FnOnce(u64)) {
        let mut kept = self.kept();
        let number = *self.0.newest.borrow() + 1;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        let time = self.0.time.now();
        makes_it_so(time);
        kept.push_back(Entry { number, time, device: Arc::clone(device), kind });
        // Under the lock, so that whoever is woken finds it, and numbers go up.
        self.0.newest.send_replace(number);
        self.changes().note();
    }

    /// Told when something in the session is different, whether it is in the journal or not.
    pub(crate) fn changes(&self) -> &Changes {
        self.0.time.changes()
    }

    /// The number of the newest entry; 0 if there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        *self.0.newest.borrow()
    }

    /// Everything after the entry of this number that is still kept; 0 for everything.
    #[must_use]
    pub fn since(&self, number: u64) -> Since {
        let kept = self.kept();
        let next = number.saturating_add(1);
        let lost = kept.front().map_or(0, |first| first.number.saturating_sub(next));
        Since { lost, entries: kept.iter().filter(|entry| entry.number > number).cloned().collect() }
    }

    /// Waits until there is an entry after the one of this number. Cancel safe.
    pub async fn after(&self, number: u64) {
        // The sender lives as long as this does.
        let _ = self.0.newest.subscribe().wait_for(|newest| *newest > number).await;
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cardea_sdk::SystemClock;

    use super::*;

    fn journal() -> Journal {
        let time = Time::with(Arc::new(SystemClock));
        time.freeze();
        time.set(1_000);
        Journal::new(time)
    }

    #[test]
    fn entries_are_numbered_and_found_from_anywhere() {
        let (journal, alice) = (journal(), Arc::from("alice"));
        assert_eq!(journal.since(0), Since { lost: 0, entries: Vec::new() });
        journal.note(&alice, Kind::Made);
        journal.0.time.advance(5);
        journal.note(&alice, Kind::Removed);
        let all = journal.since(0).entries;
        assert_eq!(all.iter().map(|entry| (entry.number, entry.time)).collect::<Vec<_>>(), [(1, 1_000), (2, 1_005)]);
        assert_eq!(journal.since(1).entries, all[1..]);
        assert_eq!(journal.since(2), Since { lost: 0, entries: Vec::new() });
        assert_eq!(journal.since(u64::MAX), Since { lost: 0, entries: Vec::new() });
        assert_eq!(journal.newest(), 2);
    }

    #[test]
    fn what_was_not_kept_is_counted() {
        let (journal, alice) = (journal(), Arc::from("alice"));
        for _ in 0..KEPT + 3 {
            journal.note(&alice, Kind::Made);
        }
        let all = journal.since(0);
        assert_eq!((all.lost, all.entries.len(), all.entries[0].number), (3, KEPT, 4));
        assert_eq!(journal.since(2).lost, 1);
        assert_eq!(journal.since(3).lost, 0);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_what_is_new() {
        let (journal, alice) = (journal(), Arc::from("alice"));
        journal.note(&alice, Kind::Made);
        journal.after(0).await;
        let waiting = {
            let journal = journal.clone();
            tokio::spawn(async move { journal.after(1).await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        journal.note(&alice, Kind::Removed);
        waiting.await.unwrap();
    }
}

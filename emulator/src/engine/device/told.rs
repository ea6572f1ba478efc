//! What happens to the tokens of a device without its doing, on its way into the journal.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use cardea_sdk::{Event, Events, Live, Wallet};
use tokio::task::{AbortHandle, unconstrained};

use super::super::journal::{Journal, Kind};
use super::super::standing::Standings;
use super::{Attended, Device, Shared};

/// A wallet that hears what its servers say unasked.
#[derive(Debug)]
pub(super) struct Watched {
    wallet: Wallet,
    told: Arc<Told>,
    _live: Live,
    hearing: AbortHandle,
}

impl Watched {
    /// Connects, and notes what it hears.
    pub(super) fn begin(wallet: Wallet, told: Arc<Told>) -> Self {
        let (mut bell, noting) = (wallet.events(), Arc::clone(&told));
        let hearing = tokio::spawn(async move {
            while bell.next().await.is_some() {
                noting.note();
            }
        });
        Self { _live: wallet.go_live(), wallet, told, hearing: hearing.abort_handle() }
    }

    /// The same wallet for an operation.
    pub(super) fn attended(&self) -> Attended {
        Attended { wallet: self.wallet.clone(), told: Arc::clone(&self.told) }
    }

    /// One whose runtime has ended does not.
    pub(super) fn hears(&self) -> bool {
        !self.hearing.is_finished()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.hearing.abort();
        self.told.note();
    }
}

/// What happens to the tokens of a wallet, on its way into the journal.
#[derive(Debug)]
pub(super) struct Told {
    name: Arc<str>,
    journal: Journal,
    standings: Standings,
    events: Mutex<Events>,
}

impl Told {
    pub(super) fn of(wallet: &Wallet, device: &Device) -> Arc<Self> {
        let events = Mutex::new(wallet.events());
        let Shared { name, journal, standings, .. } = &*device.0;
        Arc::new(Self { name: Arc::clone(name), journal: journal.clone(), standings: standings.clone(), events })
    }

    /// Notes what has happened by now, in order, whoever calls.
    pub(super) fn note(&self) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut context = Context::from_waker(Waker::noop());
        // However much this task has done already.
        while let Poll::Ready(Some(event)) = pin!(unconstrained(events.next())).poll(&mut context) {
            match event {
                Event::Token { token, kind: event } => {
                    let renew = |now| self.standings.happened(token, &event, now);
                    self.journal.note_what(&self.name, Kind::Token { token, event }, renew);
                }
                Event::Missed(count) => {
                    self.journal.note(&self.name, Kind::Missed(count));
                }
                _ => {}
            }
        }
        drop(events);
        self.journal.changes().note();
    }
}

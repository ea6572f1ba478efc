//! What happens in a wallet, as it happens.

mod standing;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::store::TokenKey;

pub(crate) use standing::Standings;

/// Events that a slow listener may be behind before it misses some.
pub(crate) const CAPACITY: usize = 64;

/// More than that are not kept, whatever a host says: there is room for all of them from the beginning.
const MOST: usize = 1 << 16;

/// What happened to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// It was opened, or found open. Again when an opening is extended.
    Opened,
    /// The opening that this wallet knows of ends soon: 10 seconds before its end by the server's clock, or at once
    /// where less is left. Needs no live session, and no connection.
    ClosingSoon {
        /// How many seconds are left, at most.
        remaining_seconds: u32,
    },
    /// It was closed, found closed, or the opening that this wallet knows of has ended.
    Closed,
    /// It is blocked.
    Blocked,
    /// A text waits to be approved or denied: see [`Token::confirmations`](crate::Token::confirmations). Once for each
    /// text, and only in a live session.
    ConfirmationAsked,
    /// A text was approved or denied.
    ConfirmationAnswered,
    /// Relying parties asked about the token while it was closed. Only in a live session, and only where the service
    /// tells it; at most every ten seconds.
    ClosedTokenChecked {
        /// How often, since the last such event.
        count: u32,
    },
    /// It was enrolled.
    Enrolled,
    /// It left this wallet.
    Unenrolled,
    /// The server does not know this device any more: it was revoked, or replaced. The token stays in the wallet.
    Revoked,
    /// Something was sent and no answer came.
    NotConfirmed,
    /// The server could not be reached by an operation, or the connection of a live session was lost. Each such operation
    /// tells it; a live session does once, until [`Online`](Self::Online).
    Offline,
    /// The server has answered again after [`Offline`](Self::Offline), to an operation or in a live session. Once.
    Online,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// To a token.
    Token {
        /// Which.
        token: TokenKey,
        /// What.
        kind: EventKind,
    },
    /// The listener was too slow: so many events are gone.
    Missed(u64),
}

/// A stream of events, from when it was made.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    /// The next event; `None` once the wallet is gone. Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Where events come from.
#[derive(Debug, Clone)]
pub(crate) struct Source(broadcast::Sender<Event>);

impl Source {
    /// For listeners that may be so many events behind.
    pub(crate) fn with_capacity(events: usize) -> Self {
        Self(broadcast::Sender::new(events.clamp(1, MOST)))
    }

    pub(crate) fn emit(&self, token: TokenKey, kind: EventKind) {
        // Nobody listening is no error.
        let _ = self.0.send(Event::Token { token, kind });
    }

    pub(crate) fn listen(&self) -> Events {
        Events(self.0.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use cardea_protocol::token::{DeviceId, TokenId};

    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_how_much_it_missed() {
        let source = Source::with_capacity(CAPACITY);
        let mut events = source.listen();
        let token = TokenKey { token: TokenId::new([1; 16]), device: DeviceId::new([1; 4]) };
        for _ in 0..CAPACITY + 3 {
            source.emit(token, EventKind::Opened);
        }
        assert_eq!(events.next().await, Some(Event::Missed(3)));
        assert_eq!(events.next().await, Some(Event::Token { token, kind: EventKind::Opened }));
        drop(source);
        for _ in 1..CAPACITY {
            assert!(events.next().await.is_some());
        }
        assert_eq!(events.next().await, None);
    }

    #[tokio::test]
    async fn a_listener_may_be_as_far_behind_as_was_asked_for() {
        let token = TokenKey { token: TokenId::new([1; 16]), device: DeviceId::new([1; 4]) };
        for (asked, kept) in [(0, 1), (1, 1), (3, 4), (8, 8), (usize::MAX, MOST)] {
            let source = Source::with_capacity(asked);
            let mut events = source.listen();
            for _ in 0..kept {
                source.emit(token, EventKind::Opened);
            }
            assert_eq!(events.next().await, Some(Event::Token { token, kind: EventKind::Opened }), "{asked}");
            for _ in 0..2 {
                source.emit(token, EventKind::Closed);
            }
            assert_eq!(events.next().await, Some(Event::Missed(1)), "{asked}");
        }
    }
}

//! What happens in a wallet, as it happens.

use tokio::sync::broadcast::{self, error::RecvError};

use crate::store::TokenKey;

/// Events that a slow listener may be behind before it misses some.
const CAPACITY: usize = 64;

/// What happened to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// It was opened, or found open.
    Opened,
    /// It was closed, or found closed.
    Closed,
    /// It is blocked.
    Blocked,
    /// A text was approved or denied.
    ConfirmationAnswered,
    /// It was enrolled.
    Enrolled,
    /// It left this wallet.
    Unenrolled,
    /// Something was sent and no answer came.
    NotConfirmed,
    /// The server could not be reached.
    Offline,
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
#[derive(Debug)]
pub(crate) struct Source(broadcast::Sender<Event>);

impl Source {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
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
        let source = Source::new();
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
}

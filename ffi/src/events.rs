//! What happens in a wallet, as it happens. It is pulled: no thread of this library ever calls into the host with it.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::{Cancel, end};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum EventKind {
    /// A token was opened, or found open. Again when an opening is extended.
    Opened,
    /// It closes by itself in `remaining_seconds`.
    ClosingSoon,
    /// It was closed, found closed, or its opening has ended.
    Closed,
    /// It is blocked.
    Blocked,
    /// A text waits to be approved or denied.
    ConfirmationAsked,
    /// A text was approved or denied.
    ConfirmationAnswered,
    /// Relying parties asked about the token while it was closed, `count` times.
    ClosedTokenChecked,
    /// It was enrolled.
    Enrolled,
    /// It left this wallet.
    Unenrolled,
    /// The server does not know this device any more. The token stays in the wallet.
    Revoked,
    /// Something was sent and no answer came.
    NotConfirmed,
    /// The server could not be reached.
    Offline,
    /// It can be reached again.
    Online,
    /// The listener was too slow: `count` events are gone.
    Missed,
    /// Something that this version has no name for.
    Other,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// To which token; none for [`EventKind::Missed`].
    pub token: Option<String>,
    /// How long it stays open, for [`EventKind::ClosingSoon`].
    pub remaining_seconds: Option<u32>,
    /// How many, where something is counted.
    pub count: Option<u64>,
}

impl From<cardea_sdk::Event> for Event {
    fn from(event: cardea_sdk::Event) -> Self {
        match event {
            cardea_sdk::Event::Token { token, kind } => {
                let (remaining_seconds, count) = match kind {
                    cardea_sdk::EventKind::ClosingSoon { remaining_seconds } => (Some(remaining_seconds), None),
                    cardea_sdk::EventKind::ClosedTokenChecked { count } => (None, Some(count.into())),
                    _ => (None, None),
                };
                Self { kind: kind.into(), token: Some(token.to_string()), remaining_seconds, count }
            }
            cardea_sdk::Event::Missed(count) => Self { count: Some(count), ..Self::of(EventKind::Missed) },
            _ => Self::of(EventKind::Other),
        }
    }
}

impl Event {
    const fn of(kind: EventKind) -> Self {
        Self { kind, token: None, remaining_seconds: None, count: None }
    }
}

impl From<cardea_sdk::EventKind> for EventKind {
    fn from(kind: cardea_sdk::EventKind) -> Self {
        match kind {
            cardea_sdk::EventKind::Opened => Self::Opened,
            cardea_sdk::EventKind::ClosingSoon { .. } => Self::ClosingSoon,
            cardea_sdk::EventKind::Closed => Self::Closed,
            cardea_sdk::EventKind::Blocked => Self::Blocked,
            cardea_sdk::EventKind::ConfirmationAsked => Self::ConfirmationAsked,
            cardea_sdk::EventKind::ConfirmationAnswered => Self::ConfirmationAnswered,
            cardea_sdk::EventKind::ClosedTokenChecked { .. } => Self::ClosedTokenChecked,
            cardea_sdk::EventKind::Enrolled => Self::Enrolled,
            cardea_sdk::EventKind::Unenrolled => Self::Unenrolled,
            cardea_sdk::EventKind::Revoked => Self::Revoked,
            cardea_sdk::EventKind::NotConfirmed => Self::NotConfirmed,
            cardea_sdk::EventKind::Offline => Self::Offline,
            cardea_sdk::EventKind::Online => Self::Online,
            _ => Self::Other,
        }
    }
}

/// Events from when this was made. It remembers 64 for a listener that is behind, and then says how many are gone.
#[derive(Debug, uniffi::Object)]
pub struct Events {
    events: Mutex<cardea_sdk::Events>,
    end: Arc<Cancel>,
}

impl Events {
    pub(crate) fn new(events: cardea_sdk::Events) -> Arc<Self> {
        Arc::new(Self { events: Mutex::new(events), end: Cancel::new() })
    }
}

#[uniffi::export]
impl Events {
    /// The next event; none once the wallet is gone or this was cancelled. No event is lost if the call is cancelled.
    pub async fn next(&self) -> Option<Event> {
        let next = async { self.events.lock().await.next().await };
        end::waited_for(async {
            tokio::select! {
                biased; // nothing may follow once it is cancelled
                () = self.end.cancelled() => None,
                event = next => event.map(Event::from),
            }
        })
        .await
    }

    /// Ends it: whoever waits for an event gets none, now and later.
    pub fn cancel(&self) {
        self.end.cancel();
    }
}

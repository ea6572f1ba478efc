//! What is counted of the calls' own work: deliveries to webhooks, and how far who reads the journal has come. Everything
//! that a PIN can do is delivered, so that none of it tells of duress.

use crate::metrics::{Counter, Gauge, Metrics};
use crate::vault::Delivery;
use crate::webhook::CallError;

const DELIVERIES: (&str, &str) = ("cardea_webhook_deliveries_total", "Calls of webhooks by how they ended.");

/// Every way in which a call ends, in the order of [`place`].
const RESULTS: [&str; 8] =
    ["delivered", "refused", "timeout", "unreachable", "tls", "no_http", "bad_address", "private"];

/// Counters of the calls.
#[derive(Debug, Default)]
pub(super) struct Counts {
    deliveries: [Counter; RESULTS.len()],
    /// The number of the newest row.
    journal: Gauge,
    /// Rows that are not in the log yet.
    log_backlog: Gauge,
    /// Rows that the webhook furthest behind still needs.
    webhook_backlog: Gauge,
    /// Tokens of which an event waits to be tried again.
    webhook_stuck: Gauge,
    /// Webhooks whose deliveries have ended.
    webhooks_disabled: Gauge,
}

impl Counts {
    /// Counters that show in `metrics`.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let delivery = |result| metrics.counter(DELIVERIES.0, DELIVERIES.1, &[("result", result)]);
        let gauge = |name, help| metrics.gauge(name, help, &[]);
        Self {
            deliveries: RESULTS.map(delivery),
            journal: gauge("cardea_journal_rows", "Rows of the journal."),
            log_backlog: gauge("cardea_journal_log_backlog", "Rows of the journal that are not in the log yet."),
            webhook_backlog: gauge(
                "cardea_webhook_backlog",
                "Rows of the journal that the webhook furthest behind has still to look at.",
            ),
            webhook_stuck: gauge("cardea_webhook_waiting_tokens", "Tokens whose events wait for another try."),
            webhooks_disabled: gauge(
                "cardea_webhooks_disabled",
                "Webhooks that are called no more after too many failures.",
            ),
        }
    }

    /// The journal has so many rows, and the log has written them up to `logged`.
    pub(super) fn journal_stands(&self, newest: u64, logged: u64) {
        self.journal.set(newest);
        self.log_backlog.set(newest.saturating_sub(logged));
    }

    /// The webhooks have been looked at.
    pub(super) fn webhooks_stand(&self, standing: &Standing) {
        self.webhook_backlog.set(standing.backlog);
        self.webhook_stuck.set(standing.stuck);
        self.webhooks_disabled.set(standing.disabled);
    }

    /// A webhook was called.
    pub(super) fn called(&self, outcome: &Result<(), CallError>) {
        if let Some(counter) = self.deliveries.get(place(outcome)) {
            counter.add();
        }
    }
}

/// How all webhooks stand together.
#[derive(Debug, Default)]
pub(super) struct Standing {
    backlog: u64,
    stuck: u64,
    disabled: u64,
}

impl Standing {
    /// One of them stands like this, while the journal's newest row is `newest`.
    pub(super) fn add(&mut self, state: &Delivery, newest: u64) {
        if state.disabled {
            self.disabled += 1;
            return;
        }
        self.backlog = self.backlog.max(newest.saturating_sub(state.passed()));
        self.stuck += state.stuck.len() as u64;
    }
}

const fn place(outcome: &Result<(), CallError>) -> usize {
    match outcome {
        Ok(()) => 0,
        Err(CallError::Status(_)) => 1,
        Err(CallError::Timeout) => 2,
        Err(CallError::Unreachable) => 3,
        Err(CallError::Tls) => 4,
        Err(CallError::Http) => 5,
        Err(CallError::Address) => 6,
        Err(CallError::Private) => 7,
    }
}

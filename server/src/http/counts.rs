//! What the HTTP side counts. By path and code only: a status is nobody's statistics, since duress would show in it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::metrics::{Counter, Gauge, Histogram, Metrics, Present};

/// The path that is asked more often than all others together.
const STATUS: &str = "/token/status";

const REQUESTS: (&str, &str) = ("cardea_http_requests_total", "Calls by path and code.");
const TIMES: (&str, &str) = ("cardea_http_request_seconds", "Time from the end of a call's headers to its answer.");
const HANDSHAKES: (&str, &str) = ("cardea_http_tls_handshakes_total", "TLS handshakes by how they ended.");

/// Counters of the HTTP side.
#[derive(Debug, Default)]
pub(super) struct Counts {
    metrics: Metrics,
    requests: Mutex<HashMap<(&'static str, &'static str), Counter>>,
    status_done: Counter,
    status_times: Histogram,
    other_times: Histogram,
    connections: Gauge,
    turned_away: Counter,
    handshakes: [Counter; 2],
}

impl Counts {
    /// Counters that show in `metrics`.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let times = |route| metrics.histogram(TIMES.0, TIMES.1, &[("route", route)]);
        let handshakes = |result| metrics.counter(HANDSHAKES.0, HANDSHAKES.1, &[("result", result)]);
        let status_done = metrics.counter(REQUESTS.0, REQUESTS.1, &[("route", STATUS), ("code", "200")]);
        Self {
            status_times: times(STATUS),
            other_times: times("other"),
            connections: metrics.gauge("cardea_http_connections", "Open connections.", &[]),
            turned_away: metrics.counter(
                "cardea_http_turned_away_total",
                "Connections that were turned away because there were too many.",
                &[],
            ),
            handshakes: [handshakes("failed"), handshakes("done")],
            requests: Mutex::new(HashMap::from([((STATUS, "200"), status_done.clone())])),
            status_done,
            metrics: metrics.clone(),
        }
    }

    /// A connection is there, until the answer is dropped.
    pub(super) fn connected(&self) -> Present {
        self.connections.enter()
    }

    /// A connection was turned away.
    pub(super) fn turned_away(&self) {
        self.turned_away.add();
    }

    /// A TLS handshake has ended, well or not.
    pub(super) fn handshake(&self, done: bool) {
        self.handshakes[usize::from(done)].add();
    }

    /// A call for a status was answered with one.
    pub(super) fn status(&self, time: Duration) {
        self.status_done.add();
        self.status_times.observe(time);
    }

    /// A call was answered.
    pub(super) fn answered(&self, route: &'static str, status: u16, time: Duration) {
        let code = code(status);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = requests
            .entry((route, code))
            .or_insert_with(|| self.metrics.counter(REQUESTS.0, REQUESTS.1, &[("route", route), ("code", code)]));
        counter.add();
        drop(requests);
        if route == STATUS { &self.status_times } else { &self.other_times }.observe(time);
    }
}

/// The code as a label; what we never answer is one.
const fn code(status: u16) -> &'static str {
    match status {
        200 => "200",
        204 => "204",
        400 => "400",
        403 => "403",
        404 => "404",
        405 => "405",
        413 => "413",
        429 => "429",
        500 => "500",
        503 => "503",
        _ => "other",
    }
}

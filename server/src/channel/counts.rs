//! What the token channel counts. Nothing is known here that a device is not told itself, and a device is told the same
//! for every PIN that matches: an opening under duress is an opening.

use cardea_protocol::Code;
use cardea_protocol::wire::Op;

use super::desk::{Answer, DeskError, WarmAnswer};
use crate::metrics::{Counter, Gauge, Metrics, Present};

const CONNECTIONS: (&str, &str) = ("cardea_channel_connections", "Open connections of the token channel.");
const TURNED_AWAY: (&str, &str) =
    ("cardea_channel_turned_away_total", "Connections and datagrams of the token channel over a limit.");
const HANDSHAKES: (&str, &str) = ("cardea_channel_handshakes_total", "What came of first frames of the token channel.");
const OPERATIONS: (&str, &str) = ("cardea_channel_operations_total", "Operations that devices were answered.");
const OPENINGS: (&str, &str) = ("cardea_openings_total", "Openings of tokens that were committed.");

/// What brings frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Tcp,
    WebSocket,
    Udp,
}

/// What the first frame of a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Operation,
    Resync,
    Enrollment,
    /// Nothing that is known.
    Other,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was authentic, and answered.
    Done,
    /// It was answered in clear: an unknown hint, an old key, too many.
    Refused,
    /// It was not authentic, or not whole.
    Failed,
    /// We failed.
    Error,
}

/// Every operation that is counted under a name of its own.
const OPS: [(Op, &str); 17] = [
    (Op::Ping, "ping"),
    (Op::Open, "open"),
    (Op::Close, "close"),
    (Op::Status, "status"),
    (Op::Subscribe, "subscribe"),
    (Op::Confirm, "confirm"),
    (Op::Deny, "deny"),
    (Op::Recover, "recover"),
    (Op::SetPins, "set_pins"),
    (Op::Rotate, "rotate"),
    (Op::Unenroll, "unenroll"),
    (Op::KeyRecords, "key_records"),
    (Op::Info, "info"),
    (Op::Devices, "devices"),
    (Op::History, "history"),
    (Op::Receipts, "receipts"),
    (Op::RevokeDevice, "revoke_device"),
];

/// Counters of the token channel.
#[derive(Debug)]
pub(super) struct Counts {
    connections: [Gauge; 2],
    turned_away: [Counter; 3],
    /// By [`Kind`] and [`Outcome`].
    handshakes: [[Counter; 4]; 4],
    /// By the place in [`OPS`], the last for all others: refused, done.
    operations: Vec<[Counter; 2]>,
    openings: Counter,
}

impl Default for Counts {
    /// Counters that nobody looks at.
    fn default() -> Self {
        Self::new(&Metrics::new())
    }
}

impl Counts {
    /// Counters that show in `metrics`.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let connections = |transport| metrics.gauge(CONNECTIONS.0, CONNECTIONS.1, &[("transport", transport)]);
        let turned_away = |transport| metrics.counter(TURNED_AWAY.0, TURNED_AWAY.1, &[("transport", transport)]);
        let handshakes = |kind| {
            ["done", "refused", "failed", "error"]
                .map(|result| metrics.counter(HANDSHAKES.0, HANDSHAKES.1, &[("kind", kind), ("result", result)]))
        };
        let operation = |op| {
            ["refused", "done"]
                .map(|result| metrics.counter(OPERATIONS.0, OPERATIONS.1, &[("op", op), ("result", result)]))
        };
        Self {
            connections: ["tcp", "websocket"].map(connections),
            turned_away: ["tcp", "websocket", "udp"].map(turned_away),
            handshakes: ["operation", "resync", "enrollment", "other"].map(handshakes),
            operations: OPS.iter().map(|(_, name)| *name).chain(["other"]).map(operation).collect(),
            openings: metrics.counter(OPENINGS.0, OPENINGS.1, &[]),
        }
    }

    /// A connection is there, until the answer is dropped.
    pub(super) fn connected(&self, carrier: Carrier) -> Present {
        let [tcp, websocket] = &self.connections;
        match carrier {
            Carrier::Tcp | Carrier::Udp => tcp.enter(),
            Carrier::WebSocket => websocket.enter(),
        }
    }

    /// A connection or a datagram was over a limit.
    pub(super) fn turned_away(&self, carrier: Carrier) {
        let [tcp, websocket, udp] = &self.turned_away;
        match carrier {
            Carrier::Tcp => tcp.add(),
            Carrier::WebSocket => websocket.add(),
            Carrier::Udp => udp.add(),
        }
    }

    /// A handshake has come to its end.
    pub(super) fn handshake(&self, kind: Kind, outcome: Outcome) {
        self.handshakes[kind as usize][outcome as usize].add();
    }

    /// An operation has its answer, and what it changed is committed. `None`: it was refused without being looked at.
    pub(super) fn operation(&self, op: Option<Op>, code: Code) {
        let place = OPS.iter().position(|(known, _)| Some(*known) == op).unwrap_or(OPS.len());
        self.operations[place][usize::from(code == Code::Ok)].add();
        if op == Some(Op::Open) && code == Code::Ok {
            self.openings.add();
        }
    }
}

impl Outcome {
    /// What came of a frame with this answer.
    pub(super) const fn of(answer: &Result<Answer, DeskError>) -> Self {
        match answer {
            Ok(Answer::Reply { .. }) => Self::Done,
            Ok(Answer::Stale { .. } | Answer::Plain { .. }) => Self::Refused,
            Ok(Answer::Drop { .. }) => Self::Failed,
            Err(_) => Self::Error,
        }
    }

    /// What came of a resync whose confirm has this answer.
    pub(super) const fn of_confirm(answer: &Result<WarmAnswer, DeskError>) -> Self {
        match answer {
            Ok(WarmAnswer::Fenced) => Self::Refused,
            Ok(WarmAnswer::Broken) => Self::Failed,
            Ok(_) => Self::Done,
            Err(_) => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_that_a_device_can_ask_for_has_a_name_and_none_has_two() {
        let unnamed = Op::ALL.iter().filter(|op| OPS.iter().all(|(known, _)| known != *op));
        let pushes = [Op::PushState, Op::PushConfirmation, Op::PushKeyRecord, Op::PushRevoked, Op::PushAttempt];
        // One is reserved, and the other is a handshake of its own.
        let expected: Vec<Op> = [Op::Eval, Op::Resync].into_iter().chain(pushes).collect();
        assert_eq!(unnamed.copied().collect::<Vec<_>>(), expected);
        let mut names: Vec<&str> = OPS.iter().map(|(_, name)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), OPS.len());
    }

    #[test]
    fn openings_are_counted_when_they_were_done() {
        let metrics = Metrics::new();
        let counts = Counts::new(&metrics);
        counts.operation(Some(Op::Open), Code::Ok);
        counts.operation(Some(Op::Open), Code::Blocked);
        counts.operation(Some(Op::Close), Code::Ok);
        counts.operation(None, Code::Blocked);
        counts.handshake(Kind::Other, Outcome::Failed);
        let here = counts.connected(Carrier::WebSocket);
        let text = metrics.render();
        for line in [
            "cardea_openings_total 1",
            "cardea_channel_operations_total{op=\"open\",result=\"done\"} 1",
            "cardea_channel_operations_total{op=\"open\",result=\"refused\"} 1",
            "cardea_channel_operations_total{op=\"other\",result=\"refused\"} 1",
            "cardea_channel_handshakes_total{kind=\"other\",result=\"failed\"} 1",
            "cardea_channel_connections{transport=\"websocket\"} 1",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}: {text}");
        }
        drop(here);
        assert!(metrics.render().contains("cardea_channel_connections{transport=\"websocket\"} 0"));
    }
}

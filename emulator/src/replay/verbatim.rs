//! Frames of devices, sent again byte for byte.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::observe::wire::PlainFrame;
use cardea_sdk::transport::{Connection, Connector, Endpoint, TransportError};
use tokio::time::timeout;

use super::{ReplayError, server};
use crate::engine::Session;
use crate::faults::RuleError;
use crate::trace::{Direction, File, Line, Name};

/// How long an answer is waited for: what is refused is often met with silence.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a server makes of a frame that it has had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It answers what it answered then, byte for byte: nothing is done again.
    Recorded,
    /// It refuses in clear, with this code of the protocol.
    Refused(u8),
    /// It ends the connection.
    Closed,
    /// It says nothing.
    Silent,
    /// It had ended the connection before.
    NotSent,
    /// It answers something that it did not answer then.
    Anew,
}

impl Reaction {
    /// A word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Refused(_) => "refused",
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::NotSent => "not-sent",
            Self::Anew => "anew",
        }
    }
}

/// A frame that was sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Its number in the trace.
    pub number: u64,
    /// Whose it was.
    pub device: String,
    /// What it is.
    pub frame: Name,
    /// The operation in it, if the trace says so.
    pub op: Option<String>,
    /// What came of it.
    pub reaction: Reaction,
}

impl Replayed {
    /// Whether a server may react so. The first frames of an enrollment and of a resync may be answered anew: they change nothing, and
    /// who has only listened cannot go on.
    #[must_use]
    pub const fn is_expected(&self) -> bool {
        !matches!(self.reaction, Reaction::Anew) || matches!(self.frame, Name::E1 | Name::R1)
    }
}

/// Sends the frames of devices again, of one device or of all: each connection after the other, by the way that devices of the session
/// take, to the servers of the trace or to another one. If the session is traced, it is in the trace.
///
/// # Errors
/// [`ReplayError`]; nothing was sent then, unless a server was out of reach.
pub async fn verbatim(
    session: &Session,
    recorded: &File,
    device: Option<&str>,
    to: Option<&Endpoint>,
) -> Result<Vec<Replayed>, ReplayError> {
    let is_meant = |line: &&Line| device.is_none_or(|device| line.device == device);
    let mut conversations: BTreeMap<u64, Vec<&Line>> = BTreeMap::new();
    for line in recorded.lines.iter().filter(is_meant) {
        conversations.entry(line.connection).or_default().push(line);
    }
    conversations.retain(|_, lines| lines.iter().any(|line| line.direction == Direction::Out));
    if conversations.is_empty() {
        return Err(ReplayError::Nothing(device.map(str::to_owned)));
    }
    let mut servers = BTreeMap::new();
    for peer in conversations.values().flatten().map(|line| &*line.peer) {
        if let Entry::Vacant(entry) = servers.entry(peer) {
            let server = entry.insert(to.cloned().map_or_else(|| server(peer), Ok)?);
            permitted(session, &server.host)?;
        }
    }
    let mut all = Vec::new();
    for lines in conversations.values() {
        let Some(server) = lines.first().and_then(|line| servers.get(&*line.peer)) else { continue };
        all.extend(again(session, server, lines).await?);
    }
    Ok(all)
}

/// Whether a server at this host may see what is replayed.
pub(super) fn permitted(session: &Session, host: &str) -> Result<(), RuleError> {
    match session.faults().gate() {
        gate if !gate.is_open() => Err(RuleError::NotAllowed),
        gate if !gate.permits(host) => Err(RuleError::Host(host.to_owned())),
        _ => Ok(()),
    }
}

/// One connection again.
async fn again(session: &Session, server: &Endpoint, lines: &[&Line]) -> Result<Vec<Replayed>, ReplayError> {
    let device: Arc<str> = lines.first().map_or("", |line| &*line.device).into();
    let connector: Arc<dyn Connector> = session.way_of(&device);
    let connecting = timeout(PATIENCE, connector.connect_once(server)).await.unwrap_or(Err(TransportError::TimedOut));
    let mut connection = Some(connecting.map_err(|error| ReplayError::Unreachable(error.into()))?);
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.direction == Direction::Out) {
        let answered = lines.get(at + 1).filter(|next| next.direction == Direction::In);
        let reaction = match &mut connection {
            None => Reaction::NotSent,
            Some(connection) => exchange(&mut **connection, line, answered.map(|line| line.bytes())).await,
        };
        if reaction == Reaction::Closed {
            connection = None;
        }
        let (number, device, frame, op) = (line.number, line.device.clone(), line.frame, line.op.clone());
        all.push(Replayed { number, device, frame, op, reaction });
    }
    Ok(all)
}

/// One frame again, and what came of it.
async fn exchange(connection: &mut dyn Connection, line: &Line, answered: Option<Vec<u8>>) -> Reaction {
    if connection.send(&line.bytes()).await.is_err() {
        return Reaction::Closed;
    }
    match timeout(PATIENCE, connection.receive()).await {
        Err(_) => Reaction::Silent,
        Ok(Err(_)) => Reaction::Closed,
        Ok(Ok(answer)) => read(&answer, answered.as_deref()),
    }
}

/// What an answer is, beside the one in the trace.
fn read(answer: &Bytes, recorded: Option<&[u8]>) -> Reaction {
    if recorded == Some(&answer[..]) {
        return Reaction::Recorded;
    }
    PlainFrame::decode(answer).map_or(Reaction::Anew, |plain| Reaction::Refused(plain.code.number()))
}

#[cfg(test)]
mod tests {
    use cardea_sdk::observe::Code;

    use super::*;

    #[test]
    fn an_answer_is_the_recorded_one_or_a_refusal_or_new() {
        let reply = Bytes::from_static(&[9; 63]);
        assert_eq!(read(&reply, Some(&[9; 63])), Reaction::Recorded);
        assert_eq!(read(&reply, Some(&[8; 63])), Reaction::Anew);
        assert_eq!(read(&reply, None), Reaction::Anew);
        let plain = PlainFrame { code: Code::UnknownHint, random: [0; 62] }.encode();
        assert_eq!(read(&Bytes::copy_from_slice(&plain), Some(&[9; 63])), Reaction::Refused(6));
    }

    #[test]
    fn only_what_begins_without_changing_anything_may_be_answered_anew() {
        let of = |frame, reaction| Replayed { number: 1, device: "a".into(), frame, op: None, reaction };
        for frame in [Name::C1, Name::E3, Name::Request, Name::Large] {
            assert!(!of(frame, Reaction::Anew).is_expected());
            for reaction in [Reaction::Recorded, Reaction::Refused(6), Reaction::Closed, Reaction::Silent] {
                assert!(of(frame, reaction).is_expected());
            }
        }
        assert!(of(Name::E1, Reaction::Anew).is_expected() && of(Name::R1, Reaction::Anew).is_expected());
    }
}

//! What stands between a device and its server while a trace is recorded: looks at what passes, and changes nothing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::LogSink;
use cardea_sdk::observe::Observer;
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, Repetition, TransportError};

use super::Trace;
use super::conversation::{Conversation, Part};
use super::decode::{self, Decoded};
use super::frame::{Direction, Frame, Name, Seal, Verdict};

/// So many frames may have come that the device has not looked at.
const UNREAD: usize = 64;

/// Reaches servers as another one does, and records what one device says and hears.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) trace: Trace,
    pub(super) device: Arc<str>,
    pub(super) inner: Arc<dyn Connector>,
}

impl Recorder {
    /// A connection that was made, recorded if a trace is.
    fn recorded(&self, server: &Endpoint, connection: Box<dyn Connection>) -> Box<dyn Connection> {
        let Some((observer, number)) = self.trace.connection() else { return connection };
        let line = Line {
            trace: self.trace.clone(),
            device: Arc::clone(&self.device),
            peer: server.to_string().into(),
            transport: connection.way(),
            number,
            observer,
            conversation: Conversation::default(),
        };
        Box::new(Recorded { inner: connection, line, unread: VecDeque::new() })
    }
}

impl Connector for Recorder {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move { Ok(self.recorded(server, self.inner.connect(server).await?)) })
    }

    fn connect_once<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move { Ok(self.recorded(server, self.inner.connect_once(server).await?)) })
    }

    fn log_to(&self, sink: &Arc<dyn LogSink>) {
        self.inner.log_to(sink);
    }
}

/// A connection whose frames are recorded.
struct Recorded {
    inner: Box<dyn Connection>,
    line: Line,
    /// What came, until the device has looked at it: what is between here and the device may deliver it late, or never.
    unread: VecDeque<Came>,
}

struct Came {
    time: u64,
    after: Duration,
    name: Name,
    parts: Vec<Part>,
    wire: Bytes,
}

/// What is known of the connection.
struct Line {
    trace: Trace,
    device: Arc<str>,
    peer: Arc<str>,
    transport: &'static str,
    number: u64,
    observer: Arc<Observer>,
    conversation: Conversation,
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.looked_at(0);
    }
}

impl Recorded {
    /// Records what the device has looked at by now, in order, until so much is left that it has not; that is recorded as
    /// not read if it never does.
    fn looked_at(&mut self, left: usize) {
        while let Some(came) = self.unread.front()
            && (self.unread.len() > left || self.line.is_read(came))
            && let Some(came) = self.unread.pop_front()
        {
            let frame = self.line.came(came);
            self.line.trace.add(frame);
        }
    }
}

impl Connection for Recorded {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.looked_at(UNREAD);
        Box::pin(async move {
            let recorded = self.line.left(Bytes::copy_from_slice(frame));
            let mut leaving = Leaving { trace: &self.line.trace, frame: Some(recorded) };
            let sent = self.inner.send(frame).await;
            leaving.came_to(sent.as_ref().err().map(ToString::to_string));
            sent
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        self.looked_at(UNREAD);
        Box::pin(async move {
            let wire = self.inner.receive().await?;
            let (time, after) = self.line.trace.clock();
            let (name, parts) = self.line.conversation.next(Direction::In, &wire);
            self.unread.push_back(Came { time, after, name, parts, wire: wire.clone() });
            Ok(wire)
        })
    }

    fn repetition(&self) -> Option<Repetition> {
        self.inner.repetition()
    }

    fn way(&self) -> &'static str {
        self.inner.way()
    }
}

/// A frame on its way out, whatever becomes of it.
struct Leaving<'a> {
    trace: &'a Trace,
    frame: Option<Frame>,
}

impl Leaving<'_> {
    fn came_to(&mut self, problem: Option<String>) {
        if let Some(mut frame) = self.frame.take() {
            if problem.is_some() {
                (frame.verdict, frame.problem) = (Verdict::NotSent, problem);
            }
            self.trace.add(frame);
        }
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.came_to(Some("given up while it was being sent: it may have left".to_owned()));
    }
}

/// What became of the sealed parts of a frame.
enum Opened {
    Texts(Vec<zeroize::Zeroizing<Vec<u8>>>),
    Refused,
    Unread,
}

impl Line {
    /// Whether the device has looked at what came.
    fn is_read(&self, came: &Came) -> bool {
        came.parts.iter().all(|part| {
            let tag = came.wire.get(part.place.clone()).and_then(<[u8]>::last_chunk);
            tag.is_some_and(|tag| self.observer.look_up(tag).is_some())
        })
    }

    /// What leaves.
    fn left(&mut self, wire: Bytes) -> Frame {
        let (time, after) = self.trace.clock();
        let (name, parts) = self.conversation.next(Direction::Out, &wire);
        self.frame(Direction::Out, Came { time, after, name, parts, wire })
    }

    /// What came, and what became of it.
    fn came(&self, came: Came) -> Frame {
        self.frame(Direction::In, came)
    }

    /// What passes, read as far as it can be by now.
    fn frame(&self, direction: Direction, passed: Came) -> Frame {
        let Came { time, after, name, parts, wire } = passed;
        let (opened, seals) = self.open(&wire, &parts);
        let mut said = Decoded::default();
        let read = decode::clear(name, &wire, &mut said).and_then(|()| match &opened {
            Opened::Texts(texts) if !parts.is_empty() => decode::sealed(name, direction, texts, &mut said),
            _ => Ok(()),
        });
        let mut problem = read.err().map(|error| error.to_string());
        let verdict = match (direction, name, opened) {
            (Direction::Out, _, Opened::Refused) => {
                problem = Some("it was changed after the device had sealed it".to_owned());
                Verdict::Sent
            }
            (Direction::Out, ..) => Verdict::Sent,
            (_, Name::Unknown, _) => {
                problem = Some("no frame that may come here".to_owned());
                Verdict::Unread
            }
            (_, Name::Plain | Name::KeyRecord, _) => Verdict::Plain,
            (_, _, Opened::Refused) => Verdict::Refused,
            (_, _, Opened::Unread) => Verdict::Unread,
            (..) if problem.is_some() => Verdict::Invalid,
            (_, _, Opened::Texts(_)) => Verdict::Authentic,
        };
        Frame {
            // The trace gives it its number.
            number: 0,
            time,
            after,
            device: Arc::clone(&self.device),
            connection: self.number,
            direction,
            peer: Arc::clone(&self.peer),
            transport: self.transport,
            name,
            op: said.op,
            fields: said.fields,
            wire,
            verdict,
            problem,
            seals,
        }
    }

    /// Opens the sealed parts as this process has sealed or opened them.
    fn open(&self, wire: &[u8], parts: &[Part]) -> (Opened, Vec<Seal>) {
        let (mut texts, mut seals) = (Vec::new(), Vec::new());
        let mut is_refused = false;
        for part in parts {
            let Some((sealed, tag)) = wire.get(part.place.clone()).and_then(<[u8]>::split_last_chunk) else { continue };
            let Some(note) = self.observer.look_up(tag) else { continue };
            let text = if note.is_authentic() { note.open(sealed, tag) } else { None };
            let Some(text) = text else {
                is_refused = true;
                continue;
            };
            texts.push(text);
            seals.push(Seal {
                label: part.label,
                ephemeral: *self.conversation.ephemeral(),
                key: note.key().duplicate(),
                nonce: note.nonce(),
                associated: note.associated().to_vec(),
            });
        }
        let opened = match texts.len() == parts.len() {
            true => Opened::Texts(texts),
            false if is_refused => Opened::Refused,
            false => Opened::Unread,
        };
        (opened, seals)
    }
}

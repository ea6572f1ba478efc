//! The stream of events: readers that come back, too many of them, and those that do not read.

mod silent;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use cardea_tests::harness::{Site, until};
use serde_json::{Value, json};

use super::clients::denied;

/// Streams at once, as `docs/api.md` says.
const STREAMS: usize = 128;
/// Heartbeats come sooner.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) id: u64,
    pub(super) kind: String,
    pub(super) data: Value,
}

/// A reader.
pub(super) struct Stream {
    stream: TcpStream,
    raw: Vec<u8>,
    text: String,
}

impl Stream {
    /// Asks for the events of the site's service; `more` is more of the query, `headers` are whole lines.
    pub(super) fn open(site: &Site, more: &str, headers: &str) -> Self {
        Self::over(TcpStream::connect(site.http()).expect("there is a server"), site, more, headers)
    }

    fn over(mut stream: TcpStream, site: &Site, more: &str, headers: &str) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit that is not 0 can be set");
        let target = format!("/token/events?service={}&authKey={}{more}", site.service, site.admin_key);
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", site.http());
        stream.write_all(request.as_bytes()).expect("it takes a request");
        Self { stream, raw: Vec::new(), text: String::new() }
    }

    /// As a reader that has seen `last`.
    fn again(site: &Site, last: u64) -> Self {
        Self::open(site, "", &format!("Last-Event-ID: {last}\r\n"))
    }

    /// Reads more; `false` at the end.
    fn more(&mut self) -> bool {
        let mut piece = [0; 8192];
        let read = self.stream.read(&mut piece).unwrap_or(0);
        self.raw.extend_from_slice(&piece[..read]);
        read > 0
    }

    /// The head, once it is there.
    fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.raw.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.raw[..at]).into_owned();
                return head;
            }
            if !self.more() {
                return String::new();
            }
        }
    }

    /// The code of the answer; 0 without one.
    fn code(&mut self) -> u16 {
        self.head().split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Takes the chunks that are whole out of what came; `true` when the last one was among them.
    fn unpack(&mut self) -> bool {
        if self.text.is_empty()
            && let Some(at) = self.raw.windows(4).position(|window| window == b"\r\n\r\n")
            && self.raw.starts_with(b"HTTP/")
        {
            self.raw.drain(..at + 4);
        }
        while let Some(at) = self.raw.windows(2).position(|window| window == b"\r\n") {
            let length =
                std::str::from_utf8(&self.raw[..at]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
            let Some(length) = length else { return false };
            let Some(chunk) = self.raw.get(at + 2..at + 2 + length + 2) else { return false };
            self.text += std::str::from_utf8(&chunk[..length]).expect("text");
            self.raw.drain(..at + 2 + length + 2);
            if length == 0 {
                return true;
            }
        }
        false
    }

    /// The next event; `None` when the stream has ended, in order or not.
    pub(super) fn next(&mut self) -> Option<Event> {
        loop {
            let ended = self.unpack();
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                // A comment says that the server lives, and a number alone where the stream begins.
                if block.contains("event: ") {
                    return Some(event(&block));
                }
            } else if ended || !self.more() {
                return None;
            }
        }
    }

    /// All events up to the one with this number.
    pub(super) fn until(&mut self, last: u64) -> Vec<Event> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Event| event.id < last) {
            events.push(self.next().expect("the stream goes on"));
        }
        events
    }

    /// What comes until the end, and whether that came in order.
    fn rest(mut self) -> (Vec<Event>, bool) {
        let mut bytes = self.raw.clone();
        let mut piece = [0; 8192];
        let mut events = Vec::new();
        loop {
            let read = self.stream.read(&mut piece).unwrap_or(0);
            bytes.extend_from_slice(&piece[..read]);
            self.raw.extend_from_slice(&piece[..read]);
            if read == 0 {
                break;
            }
        }
        while let Some(event) = self.next() {
            events.push(event);
        }
        (events, bytes.ends_with(b"0\r\n\r\n"))
    }
}

fn event(block: &str) -> Event {
    let field = |name: &str| {
        let values: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix(name)).collect();
        assert_eq!(values.len(), 1, "{name}: {block}");
        values[0].to_owned()
    };
    let id: u64 = field("id: ").parse().expect("a number");
    let data: Value = serde_json::from_str(&field("data: ")).expect("JSON");
    assert_eq!(data["id"], id.to_string(), "{block}");
    assert_eq!(data["type"], field("event: ").as_str(), "{block}");
    Event { id, kind: field("event: "), data }
}

#[test]
fn a_reader_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let mut site = Site::dev();
    let _ = site.offer("joe");
    let mut stream = Stream::open(&site, "&after=0", "");
    let mut seen: Vec<Event> = Vec::new();
    for round in 0..6 {
        for what in ["block", "unblock", "close", "block", "unblock"] {
            assert_eq!(site.call(what, "joe", &json!({})).code, 200);
        }
        // Some of what there is to read, or all: never more than this round has added.
        for _ in 0..=round.min(4) {
            seen.push(stream.next().expect("the stream goes on"));
        }
        match round % 3 {
            0 => site.power_failure(),
            1 => {
                assert_eq!(site.stop(), Some(0));
                // What was on its way still counts.
                let (events, in_order) = stream.rest();
                assert!(in_order, "{events:?}");
                seen.extend(events);
                site.up();
            }
            _ => {}
        }
        stream = Stream::again(&site, seen.last().expect("some").id);
    }
    let newest = Stream::open(&site, "&after=0", "");
    let last = {
        let offered = site.call("block", "joe", &json!({}));
        assert_eq!(offered.code, 200);
        let history = site.look("history", "&id=joe&limit=1").json();
        history["items"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("a number")
    };
    seen.extend(stream.until(last));
    let mut newest = newest;
    assert_eq!(seen, newest.until(last), "what came in pieces is what comes at once");
}

#[test]
fn there_is_room_for_so_many_streams_and_who_comes_later_is_told_so() {
    let site = Site::dev();
    site.enrolled("joe").open(Site::PIN).ended(0);
    let mut streams: Vec<Stream> = (0..STREAMS).map(|_| Stream::open(&site, "", "")).collect();
    for stream in &mut streams {
        assert_eq!(stream.code(), 200);
    }
    let refused = site.look("events", "");
    assert_eq!(refused.code, 503, "{refused:?}");
    denied(&refused);
    assert!(refused.head.to_lowercase().contains("retry-after: "), "{refused:?}");
    assert_eq!(refused.json()["error"], "busy");
    assert_eq!(site.status("joe"), 1, "everybody else is served");
    drop(streams.pop());
    let mut late = until("room", || {
        let mut stream = Stream::open(&site, "", "");
        (stream.code() == 200).then_some(stream)
    });
    assert_eq!(site.call("block", "joe", &json!({})).code, 200);
    streams.push(Stream::open(&site, "", ""));
    assert_eq!(late.next().expect("the stream goes on").kind, "token.blocked");
    streams.pop();
    for stream in &mut streams {
        assert_eq!(stream.next().expect("the stream goes on").kind, "token.blocked");
    }
}

#[test]
fn streams_end_in_order_when_the_server_stops() {
    let mut site = Site::dev();
    let mut streams: Vec<Stream> = (0..20).map(|_| Stream::open(&site, "&after=0", "")).collect();
    for stream in &mut streams {
        assert!(stream.next().is_some(), "it streams");
    }
    assert_eq!(site.stop(), Some(0));
    for stream in streams {
        assert!(stream.rest().1, "the last chunk is there");
    }
    assert!(!site.log().contains("cutting off"), "{}", site.log());
}

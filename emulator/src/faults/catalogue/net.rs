//! Faults of the way to the server.

use super::super::point::Hook;
use super::{Entry, Fault, Layer, Param};

const AGAIN: &str = "sends the same bytes again on another connection and goes on";
const NOTHING: &str = "sees nothing of it";
const SENT_NOTHING: &str =
    "says that the server cannot be reached (102): nothing was sent, and the token stands as before";

const fn net(
    name: &'static str,
    fault: Fault,
    hooks: &'static [Hook],
    what: &'static str,
    params: &'static [Param],
    device: &'static str,
    server: &'static str,
) -> Entry {
    Entry { name, layer: Layer::Net, what, params, device, server, fault, hooks }
}

const CONNECT: &[Hook] = &[Hook::Connect];
const BYTES: &[Hook] = &[Hook::Bytes];
const FRAME: &[Hook] = &[Hook::In, Hook::Out];

pub(super) const NET: &[Entry] = &[
    net("refuse", Fault::Refuse, CONNECT, "nobody listens at the server's port", &[], SENT_NOTHING, NOTHING),
    net(
        "connect-timeout",
        Fault::ConnectTimeout,
        CONNECT,
        "the connection is never made, as behind a firewall that drops, or over IPv6 that leads nowhere",
        &[],
        "gives up after 5 s; says that the server cannot be reached (102)",
        NOTHING,
    ),
    net(
        "connect-slow",
        Fault::ConnectSlow,
        CONNECT,
        "looking the name up and connecting take longer",
        &[Param::new("ms", "milliseconds more", 500, 1, 60_000)],
        "waits, and goes on",
        NOTHING,
    ),
    net("dns-failure", Fault::DnsFailure, CONNECT, "the server's name is not known", &[], SENT_NOTHING, NOTHING),
    net(
        "captive-portal",
        Fault::CaptivePortal,
        CONNECT,
        "a web page answers in place of the server",
        &[],
        AGAIN,
        NOTHING,
    ),
    net(
        "proxy-407",
        Fault::Proxy,
        CONNECT,
        "a proxy wants a password before it lets anything through",
        &[],
        AGAIN,
        NOTHING,
    ),
    net(
        "duplicate-connection",
        Fault::DuplicateConnection,
        CONNECT,
        "a second connection is made and left alone",
        &[],
        "goes on as if it were not there",
        "closes it when nothing was said for 5 s",
    ),
    net(
        "slicer",
        Fault::Slicer,
        BYTES,
        "bytes leave in small pieces, with pauses between",
        &[
            Param::new("bytes", "bytes of a piece", 16, 1, 560),
            Param::new("ms", "pause in milliseconds", 10, 0, 10_000),
        ],
        "waits, and goes on",
        "puts frames together again",
    ),
    net(
        "slow-loris",
        Fault::SlowLoris,
        BYTES,
        "one byte leaves at a time, so slowly that the frame never ends",
        &[Param::new("ms", "pause in milliseconds", 250, 1, 10_000)],
        AGAIN,
        "closes 5 s after the connection was made",
    ),
    net(
        "reset",
        Fault::Reset,
        BYTES,
        "the connection is reset after so many bytes to the server, as when a phone changes its network or a router forgets it",
        &[Param::new("at", "bytes that arrive", 64, 0, 562)],
        AGAIN,
        "does nothing about a part of a frame",
    ),
    net(
        "limit-data",
        Fault::LimitData,
        BYTES,
        "the connection ends properly after so many bytes to the server",
        &[Param::new("bytes", "bytes that arrive", 64, 0, 562)],
        AGAIN,
        "does nothing about a part of a frame",
    ),
    net(
        "half-close",
        Fault::HalfClose,
        BYTES,
        "the way to the server ends after the first frame, the way back stays",
        &[],
        "takes the answer, or sends the same bytes again on another connection",
        "answers what has arrived whole, at most once",
    ),
    net(
        "slow-close",
        Fault::SlowClose,
        CONNECT,
        "a connection stays for a while after the device has done with it",
        &[Param::new("ms", "milliseconds", 2_000, 1, 60_000)],
        "goes on as if it were not there",
        "keeps it no longer than any other session",
    ),
    net(
        "half-open",
        Fault::HalfOpen,
        &[Hook::Out, Hook::In],
        "from this frame on everything vanishes on this connection, and nobody is told",
        &[],
        "waits for 8 s, then sends the same bytes again on another connection",
        "executes what has arrived once, however often it comes again",
    ),
    net(
        "lost",
        Fault::Lost,
        FRAME,
        "a frame vanishes",
        &[],
        "waits for 8 s, on datagrams for 1, 2 and 4 s, then sends the same bytes again",
        "executes what has arrived once; copies get the stored answer",
    ),
    net(
        "late",
        Fault::Late,
        FRAME,
        "a frame arrives later",
        &[Param::new("ms", "milliseconds", 500, 1, 3_600_000)],
        "waits for 8 s at most",
        "does not execute what was signed 120 s ago; does not know codes that have expired meanwhile",
    ),
    net(
        "duplicate",
        Fault::Duplicate,
        &[Hook::Out],
        "a frame arrives several times",
        &[Param::new("copies", "copies beside it", 1, 1, 100)],
        "takes the first answer",
        "executes it once; over TCP it ends the session, because a second request is none",
    ),
    net(
        "reorder",
        Fault::Reorder,
        &[Hook::Out, Hook::In],
        "a frame is overtaken by the next one, and lost if none comes",
        &[],
        "sends the same bytes again and takes the answer that comes",
        "executes it once, whichever copy comes first",
    ),
    net(
        "mtu-blackhole",
        Fault::Mtu,
        &[Hook::Out],
        "datagrams longer than this vanish",
        &[Param::new("bytes", "longest that arrives", 100, 0, 1_500)],
        "goes over to a connection",
        NOTHING,
    ),
];

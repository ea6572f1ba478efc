//! Faults of what travels.

use super::super::point::Hook;
use super::{Entry, Fault, Layer, Param};

const AGAIN: &str = "takes it for no answer; sends the same bytes again on another connection and goes on";
const CLOSES: &str = "closes the connection without an answer and without any change";
const ONCE: &str = "has executed it; the copy gets the stored answer";

const fn frame(
    name: &'static str,
    fault: Fault,
    hooks: &'static [Hook],
    what: &'static str,
    params: &'static [Param],
    device: &'static str,
    server: &'static str,
) -> Entry {
    Entry { name, layer: Layer::Frame, what, params, device, server, fault, hooks }
}

const OUT: &[Hook] = &[Hook::Out];
const IN: &[Hook] = &[Hook::In];
const BOTH: &[Hook] = &[Hook::Out, Hook::In];

pub(super) const FRAME: &[Entry] = &[
    frame(
        "truncate",
        Fault::Truncate,
        BOTH,
        "a frame is shorter than it must be",
        &[Param::new("bytes", "bytes that are left", 40, 0, 559)],
        AGAIN,
        CLOSES,
    ),
    frame(
        "oversize",
        Fault::Oversize,
        &[Hook::Bytes, Hook::In],
        "a frame says that it is longer than any may be",
        &[Param::new("bytes", "what its length says", 65_535, 561, 65_535)],
        AGAIN,
        "closes at the length, before anything of the frame is read",
    ),
    frame(
        "zero-length",
        Fault::ZeroLength,
        &[Hook::Bytes, Hook::In],
        "a frame has no bytes at all",
        &[],
        AGAIN,
        CLOSES,
    ),
    frame(
        "bad-length",
        Fault::BadLength,
        &[Hook::Bytes],
        "a frame says that it is longer than it is",
        &[Param::new("more", "bytes that never come", 1, 1, 432)],
        AGAIN,
        "waits for the rest, for 5 s at most",
    ),
    frame(
        "bit-flip",
        Fault::BitFlip,
        BOTH,
        "one bit of a frame is the other way",
        &[Param::new("bit", "which, from the beginning", 500, 0, 4_479)],
        AGAIN,
        CLOSES,
    ),
    frame("garbage", Fault::Garbage, BOTH, "random bytes in place of a frame", &[], AGAIN, CLOSES),
    frame(
        "unknown-version",
        Fault::UnknownVersion,
        OUT,
        "a frame says that it is of a version that does not exist yet",
        &[Param::new("version", "the version", 2, 2, 15)],
        "believes it when it hears it twice; sends the same bytes again before",
        "says that it does not speak it (plain code 7)",
    ),
    frame(
        "downgrade",
        Fault::Downgrade,
        OUT,
        "a frame says that it is of a version before the first",
        &[],
        "believes it when it hears it twice; sends the same bytes again before",
        "says that it does not speak it (plain code 7): nothing older is ever spoken",
    ),
    frame("unknown-kind", Fault::UnknownKind, OUT, "a frame is of no kind that there is", &[], AGAIN, CLOSES),
    frame(
        "plain-error",
        Fault::PlainError,
        IN,
        "an error that anybody can forge, in place of the answer",
        &[Param::new("code", "its code", 9, 0, 127)],
        "stores nothing because of it; sends the same bytes again, and resyncs if it hears twice that it is not known",
        ONCE,
    ),
    frame("wrong-state", Fault::WrongState, OUT, "a frame of a session where there is none yet", &[], AGAIN, CLOSES),
    frame(
        "early-close",
        Fault::EarlyClose,
        OUT,
        "the connection ends in place of a frame",
        &[],
        AGAIN,
        "has nothing to do",
    ),
    frame(
        "flood",
        Fault::Flood,
        BOTH,
        "random frames before the right one",
        &[Param::new("frames", "how many", 20, 1, 1_000)],
        AGAIN,
        "closes at the first, and counts it for the address and for no device",
    ),
    frame(
        "ack-lost",
        Fault::AckLost,
        IN,
        "the answer is lost with its connection",
        &[],
        "sends the same bytes again and takes the stored answer",
        ONCE,
    ),
    frame(
        "ack-duplicated",
        Fault::AckDuplicated,
        IN,
        "the answer comes several times",
        &[Param::new("copies", "copies beside it", 1, 1, 100)],
        "takes the first",
        "sees nothing of it",
    ),
    frame(
        "ack-for-other-token",
        Fault::AckForOtherToken,
        IN,
        "the answer to another device, in place of its own",
        &[],
        AGAIN,
        ONCE,
    ),
];

//! Faults of keys, identities and chance.

use super::super::point::Hook;
use super::{Entry, Fault, Layer, Param};

const AGAIN: &str = "takes it for no answer; sends the same bytes again on another connection and goes on";
const CLOSES: &str = "closes the connection without an answer and without any change";
const NOTHING: &str = "sees nothing of it";

const fn crypto(
    name: &'static str,
    fault: Fault,
    hooks: &'static [Hook],
    what: &'static str,
    params: &'static [Param],
    device: &'static str,
    server: &'static str,
) -> Entry {
    Entry { name, layer: Layer::Crypto, what, params, device, server, fault, hooks }
}

const OUT: &[Hook] = &[Hook::Out];
const IN: &[Hook] = &[Hook::In];
const OPERATION: &[Hook] = &[Hook::Operation];

pub(super) const CRYPTO: &[Entry] = &[
    crypto(
        "replay",
        Fault::Replay,
        OUT,
        "somebody sends the same bytes again on connections of his own, as soon as they were answered",
        &[
            Param::new("copies", "how often", 1, 1, 100),
            Param::new("after", "how many further answers of the device come first", 0, 0, 1_000),
        ],
        NOTHING,
        "gives the stored answer; nothing is done or counted again",
    ),
    crypto(
        "replay-later",
        Fault::Replay,
        OUT,
        "the same, when the device has gone on meanwhile",
        &[
            Param::new("copies", "how often", 1, 1, 100),
            Param::new("after", "how many further answers of the device come first", 1, 1, 1_000),
        ],
        NOTHING,
        "does not know the hint any more (plain code 6)",
    ),
    crypto(
        "replay-cross-token",
        Fault::ReplayCrossToken,
        OUT,
        "what one device has sent, in place of what another one sends",
        &[],
        AGAIN,
        "gives the first device's stored answer; nothing is done again",
    ),
    crypto(
        "replay-cross-server",
        Fault::ReplayCrossServer,
        OUT,
        "what was sent to one server, in place of what is sent to another one",
        &[],
        AGAIN,
        "does not know the hint (plain code 6)",
    ),
    crypto(
        "impostor",
        Fault::Impostor,
        IN,
        "somebody without the server's key answers in its place, with a frame of the right shape",
        &[],
        AGAIN,
        "has executed it; the copy gets the stored answer",
    ),
    crypto(
        "stale-key",
        Fault::StaleKey,
        IN,
        "somebody says that the server has another key, and sends one that its identity has not signed",
        &[],
        AGAIN,
        "has executed it; the copy gets the stored answer",
    ),
    crypto(
        "low-order",
        Fault::LowOrder,
        &[Hook::Out, Hook::In],
        "a key of small order in place of an ephemeral one",
        &[],
        AGAIN,
        CLOSES,
    ),
    crypto(
        "wrong-hint",
        Fault::WrongHint,
        OUT,
        "a request names a device that there is not",
        &[],
        "sends the same bytes again; resyncs if it hears twice that it is not known",
        "does not know the hint (plain code 6)",
    ),
    crypto(
        "wrong-epoch",
        Fault::WrongEpoch,
        OUT,
        "a request is for a key of the server that there never was",
        &[],
        "does not take a key that is not newer; sends the same bytes again and goes on",
        "sends its current key (plain code 5), signed",
    ),
    crypto(
        "stuck-random",
        Fault::StuckRandom,
        &[Hook::Random],
        "random bytes are the same each time",
        &[],
        "goes on: no key of a session follows from them alone",
        NOTHING,
    ),
    crypto(
        "clone-first",
        Fault::CloneFirst,
        OPERATION,
        "a copy of the device asks how the token stands before the device does anything",
        &[],
        "hears that the token is blocked (3)",
        "proves the copy when the device comes, blocks the token and raises an alert",
    ),
    crypto(
        "clone-after",
        Fault::CloneAfter,
        OPERATION,
        "a copy of the device, taken before, asks how the token stands when the device has done something",
        &[],
        "does what it was told; the next time it hears that the token is blocked (3)",
        "proves the copy at once, blocks and closes the token and raises an alert",
    ),
    crypto(
        "rollback",
        Fault::Rollback,
        OPERATION,
        "the device's tokens are as they were so many operations ago, as a phone that was restored from a backup",
        &[Param::new("operations", "how many", 1, 1, 8)],
        "hears that the token is blocked (3), for a copy or as suspended",
        "takes it for a copy: proves it, or suspends the device when it resyncs; never opens",
    ),
    crypto(
        "code-reuse",
        Fault::CodeReuse,
        OPERATION,
        "an enrollment code is used a second time",
        &[],
        "is enrolled; the second one hears that the code is used (10)",
        "does not know the code any more (plain code 10)",
    ),
    crypto(
        "revoked-but-talking",
        Fault::RevokedButTalking,
        OPERATION,
        "a device that was given up goes on with the keys that it had",
        &[],
        "hears that it is not enrolled any more (4)",
        "answers code 4 and does nothing; the status stays 0",
    ),
];

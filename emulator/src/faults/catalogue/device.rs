//! Faults of the device: its clock, its app and its holder.

use super::super::point::Hook;
use super::{Entry, Fault, Layer, Param};

const RIGHT: &str = "is told the server's time, signs again and goes on";
const STALE: &str = "does not execute what is more than 120 s off (code 16), and counts it for nothing";
const NOTHING: &str = "sees nothing of it";
const CLOCKS: &[Hook] = &[Hook::Clock];
const ASK: &[Hook] = &[Hook::Ask];
const OPERATION: &[Hook] = &[Hook::Operation];
/// In seconds: a century.
const CENTURY: i64 = 3_155_760_000;

const fn fault(
    layer: Layer,
    name: &'static str,
    fault: Fault,
    hooks: &'static [Hook],
    what: &'static str,
    params: &'static [Param],
    server: (&'static str, &'static str),
) -> Entry {
    Entry { name, layer, what, params, device: server.0, server: server.1, fault, hooks }
}

pub(super) const CLOCK: &[Entry] = &[
    fault(
        Layer::Clock,
        "clock-skew",
        Fault::ClockSkew,
        CLOCKS,
        "the clock is wrong",
        &[Param::new("seconds", "how far ahead; behind if negative", 86_400, -CENTURY, CENTURY)],
        (RIGHT, STALE),
    ),
    fault(
        Layer::Clock,
        "clock-jump",
        Fault::ClockJump,
        CLOCKS,
        "the clock is set in the middle of an operation: right when it is read first, wrong afterwards",
        &[Param::new("seconds", "how far forward; back if negative", -86_400, -CENTURY, CENTURY)],
        (RIGHT, STALE),
    ),
    fault(
        Layer::Clock,
        "clock-freeze",
        Fault::ClockFreeze,
        CLOCKS,
        "the clock stands still at what it showed first",
        &[],
        ("goes by how much time passes otherwise, and by the server's time where it has to", STALE),
    ),
    fault(
        Layer::Clock,
        "clock-epoch-zero",
        Fault::ClockEpochZero,
        CLOCKS,
        "the clock shows the beginning of 1970, as after an empty battery",
        &[],
        (RIGHT, STALE),
    ),
    fault(
        Layer::Clock,
        "clock-far-future",
        Fault::ClockFarFuture,
        CLOCKS,
        "the clock shows the last second of 9999",
        &[],
        (RIGHT, STALE),
    ),
    fault(
        Layer::Clock,
        "suspend",
        Fault::Suspend,
        &[Hook::Awake],
        "the machine sleeps in the middle of an operation",
        &[Param::new("seconds", "for how long", 600, 1, CENTURY)],
        (
            "sends nothing any more (102), or believes no answer to what had left (101); the next operation finds out",
            "has executed what arrived, once",
        ),
    ),
];

pub(super) const DEVICE: &[Entry] = &[
    fault(
        Layer::Device,
        "cancel",
        Fault::Cancel,
        ASK,
        "the holder says no",
        &[],
        ("stops before anything is sent (106)", NOTHING),
    ),
    fault(
        Layer::Device,
        "ignore",
        Fault::Ignore,
        ASK,
        "the holder does not look",
        &[],
        ("waits for a minute, then stops before anything is sent (106)", NOTHING),
    ),
    fault(
        Layer::Device,
        "wrong-pin",
        Fault::WrongPin,
        ASK,
        "the holder types a wrong PIN",
        &[],
        ("says so, and how many tries are left (1)", "counts it; at the limit it blocks the device"),
    ),
    fault(
        Layer::Device,
        "cannot-ask",
        Fault::CannotAsk,
        ASK,
        "the holder cannot be asked: a broken screen, or a sensor that does not know the finger",
        &[],
        ("stops before anything is sent (151)", NOTHING),
    ),
    fault(
        Layer::Device,
        "slow-holder",
        Fault::SlowHolder,
        ASK,
        "the holder takes longer",
        &[Param::new("ms", "milliseconds", 1_000, 1, 3_600_000)],
        ("waits with nothing connected, and signs with the time of the answer", NOTHING),
    ),
    fault(
        Layer::Device,
        "double-tap",
        Fault::DoubleTap,
        OPERATION,
        "the holder taps twice: the token is opened twice at the same time",
        &[],
        ("does one after the other", "executes both, one after the other; the token is open once"),
    ),
    fault(
        Layer::Device,
        "deny",
        Fault::Deny,
        OPERATION,
        "the holder denies the text that was to be approved",
        &[],
        ("sends the denial", "notes it, and never approves that text"),
    ),
    fault(
        Layer::Device,
        "forget-to-close",
        Fault::ForgetToClose,
        OPERATION,
        "the holder forgets what was to be done",
        &[],
        ("sends nothing", "closes the token at the end of its window"),
    ),
    fault(
        Layer::Device,
        "kill-before-send",
        Fault::KillBeforeSend,
        &[Hook::Out],
        "the app is killed, or the battery is empty, between storing and sending",
        &[],
        ("finds out at the next operation that nothing arrived", NOTHING),
    ),
    fault(
        Layer::Device,
        "kill-after-send",
        Fault::KillAfterSend,
        &[Hook::Out],
        "the app is killed, or the battery is empty, between sending and the answer",
        &[],
        ("finds out at the next operation what was done", "has executed it, once"),
    ),
    fault(
        Layer::Device,
        "kill-before-store",
        Fault::KillBeforeStore,
        &[Hook::In],
        "the app is killed, or the battery is empty, when the answer has come and is not stored yet",
        &[],
        ("finds out at the next operation what was done", "has executed it, once"),
    ),
    fault(
        Layer::Device,
        "reinstalled",
        Fault::Reinstalled,
        OPERATION,
        "the app was removed and installed again: its tokens are gone",
        &[],
        ("has no token; enrolls again", "goes on as if the device were still there, until it is replaced"),
    ),
];

//! Faults of where the device keeps its tokens.

use super::super::point::Hook;
use super::{Entry, Fault, Layer, Param};

const BEFORE: &str = "stops before anything is sent";
const NOTHING: &str = "sees nothing of it";

const fn storage(
    name: &'static str,
    fault: Fault,
    hooks: &'static [Hook],
    what: &'static str,
    params: &'static [Param],
    device: &'static str,
    server: &'static str,
) -> Entry {
    Entry { name, layer: Layer::Storage, what, params, device, server, fault, hooks }
}

const WRITE: &[Hook] = &[Hook::Write];
const LOAD: &[Hook] = &[Hook::Load];

pub(super) const STORAGE: &[Entry] = &[
    storage(
        "storage-full",
        Fault::Full,
        WRITE,
        "the disk is full",
        &[],
        "stops before anything is sent (138)",
        NOTHING,
    ),
    storage(
        "storage-read-only",
        Fault::ReadOnly,
        WRITE,
        "the disk cannot be written",
        &[],
        "stops before anything is sent (137)",
        NOTHING,
    ),
    storage(
        "storage-broken",
        Fault::IoError,
        WRITE,
        "the disk fails",
        &[],
        "stops before anything is sent (139)",
        NOTHING,
    ),
    storage(
        "storage-slow",
        Fault::SlowWrite,
        WRITE,
        "a write takes longer",
        &[Param::new("ms", "milliseconds", 300, 1, 60_000)],
        "waits, and goes on",
        NOTHING,
    ),
    storage(
        "torn-write",
        Fault::Torn,
        WRITE,
        "a write fails, and nobody knows how far it got",
        &[Param::new("step", "0: the old entry is there; 1: the new one", 1, 0, 1)],
        "stops (139); the next operation finds out what was done",
        "has executed what arrived, once",
    ),
    storage(
        "lost-write",
        Fault::LostWrite,
        WRITE,
        "a write is reported as done and is not there afterwards, as when power fails under a disk that lies",
        &[],
        "if it was the mark before sending, stops when the answer comes (130), and what it sends next is taken for a copy: \
         blocked (3); if it was the answer, the next operation finds out what was done",
        "never executes anything twice",
    ),
    storage(
        "corrupt",
        Fault::Corrupt,
        LOAD,
        "the entry of a token is damaged",
        &[],
        "stops before anything is sent (131)",
        NOTHING,
    ),
    storage(
        "truncated-entry",
        Fault::TruncatedEntry,
        LOAD,
        "the entry of a token is cut short",
        &[],
        "stops before anything is sent (132)",
        NOTHING,
    ),
    storage(
        "missing-entry",
        Fault::Missing,
        LOAD,
        "the entry of a token is gone",
        &[],
        "knows no such token (104)",
        NOTHING,
    ),
    storage(
        "newer-format",
        Fault::NewerFormat,
        LOAD,
        "the entry was written by a later version",
        &[],
        "stops before anything is sent (133)",
        NOTHING,
    ),
    storage(
        "wrong-storage-key",
        Fault::WrongKey,
        LOAD,
        "the entry is encrypted with another key",
        &[],
        "stops before anything is sent (134)",
        NOTHING,
    ),
    storage(
        "storage-key-missing",
        Fault::KeyMissing,
        LOAD,
        "the key of the store is gone, or the keyring is locked",
        &[],
        "stops before anything is sent (135)",
        NOTHING,
    ),
    storage(
        "storage-locked",
        Fault::Locked,
        &[Hook::Lease],
        "another program uses the token",
        &[],
        "asks again every 25 ms, for a minute at most (103)",
        NOTHING,
    ),
    storage(
        "crash-before-write",
        Fault::CrashBeforeWrite,
        WRITE,
        "the app is killed before a write",
        &[],
        BEFORE,
        "has executed what arrived, once",
    ),
    storage(
        "crash-after-write",
        Fault::CrashAfterWrite,
        WRITE,
        "the app is killed after a write",
        &[],
        "finds out what was done at the next operation",
        "has executed what arrived, once",
    ),
];

//! Starting cold attempts: store, then send.

use cardea_protocol::crypto::{Provider, Random};
use cardea_protocol::device::{Intent, Pending, Record};
use cardea_protocol::pin::PinKey;

use super::{Cut, Memory, Waiting, derive_key};
use crate::config::{Mutation, Want};
use crate::confirmations::Shown;
use crate::world::World;

impl<P: Provider> World<P> {
    /// A fresh cold attempt. `time` is given when the server said STALE.
    pub(crate) fn start(&mut self, device: usize, want: Want, time: Option<u32>, cut: Cut) -> bool {
        let pin = self.typed(device, want);
        let mut random = self.random.clone();
        let started = self.start_with(device, (want, pin), time, cut, &mut random);
        self.random = random;
        started
    }

    /// The PIN that a holder types for `want`.
    pub(crate) fn typed(&mut self, device: usize, want: Want) -> u8 {
        let pins = &mut self.devices[device].pins;
        match want {
            Want::OpenWrong => pins.fresh(),
            Want::OpenDuress | Want::ApproveDuress => pins.duress,
            _ => pins.normal,
        }
    }

    /// As [`World::start`], with the randomness given: a thief may use the same twice.
    pub(crate) fn start_with(
        &mut self,
        device: usize,
        (want, pin): (Want, u8),
        time: Option<u32>,
        cut: Cut,
        random: &mut impl Random,
    ) -> bool {
        let again = time.is_some();
        let clock = self.device_time(device);
        let signed_at = time.map_or(clock, u64::from);
        let time = u32::try_from(signed_at).unwrap_or(u32::MAX);
        let answers = matches!(want, Want::Approve | Want::ApproveDuress | Want::Deny);
        let shown = if answers { self.pick_shown(device) } else { None };
        let blind = self.is_broken(Mutation::NoLock) || self.is_broken(Mutation::NewAttemptOnLoss);
        let Some(record) = &self.devices[device].stored else { return false };
        let forgotten = blind.then(|| without_pending(record));
        let record = forgotten.as_ref().unwrap_or(record);
        let key = derive_key::<P>(&record.pin_derivation(), pin);
        let about = shown.as_ref().map(|shown| shown.id);
        let intent = match want {
            Want::Approve | Want::ApproveDuress | Want::Deny => {
                let Some(Shown { index, id, text }) = &shown else { return false };
                answer(want, (*index, id, text), &key)
            }
            Want::Open | Want::OpenWrong | Want::OpenDuress => Intent::Open { window: 0, key: &key },
            Want::Close => Intent::Close,
            Want::Status => Intent::Status,
            Want::Ping | Want::SetPins | Want::Rotate => Intent::Ping,
            Want::Unenroll => Intent::Unenroll { key: &key },
        };
        let Ok(started) = record.start::<P>(&intent, time, random) else { return false };
        let Pending::Attempt(id) = *started.record().pending() else { return false };
        if cut == Cut::BeforeStore {
            self.devices[device].crash();
            return true;
        }
        let (record, attempt) = started.stored();
        let bytes = *attempt.frame().bytes();
        let entry = &mut self.devices[device];
        if self.broken != Some(Mutation::SendBeforeStore) {
            entry.store(&record);
        }
        let intent = self.ghost.intend(device, want, (pin, 0), signed_at, id);
        self.ghost.intents[intent].about = about;
        self.say(|| format!("device {device} makes operation {intent}: {want:?} at {signed_at}"));
        if cut == Cut::AfterStore {
            self.devices[device].crash();
            return true;
        }
        let request = self.send(device, &bytes);
        let stolen = self.devices[device].is_thief;
        let frame = &mut self.network.requests[request];
        (frame.intent, frame.stolen) = (Some(intent), stolen);
        self.say(|| format!("device {device} sends frame {request}"));
        let entry = &mut self.devices[device];
        entry.session = None;
        entry.memory =
            Memory::Cold(Box::new(Waiting { attempt, intent: Some(intent), declared: None, unknown: 0, again }));
        true
    }

    /// Asks what became of the pending attempt.
    pub(crate) fn recover(&mut self, device: usize, cut: Cut) -> bool {
        if self.is_broken(Mutation::NewAttemptOnLoss) {
            return self.start(device, Want::Status, None, cut);
        }
        let Some(record) = &self.devices[device].stored else { return false };
        let Ok(started) = record.recover::<P>(&mut self.random) else { return false };
        if cut == Cut::BeforeStore {
            self.devices[device].crash();
            return true;
        }
        let (record, attempt) = started.stored();
        let Pending::Recovery { declared, .. } = *record.pending() else { return false };
        let bytes = *attempt.frame().bytes();
        if self.broken != Some(Mutation::NoSeed) {
            self.devices[device].store(&record);
        }
        if cut == Cut::AfterStore {
            self.devices[device].crash();
            return true;
        }
        // The same RECOVER is the same frame, whoever sends it.
        let known = self.network.requests.iter().position(|request| request.bytes == bytes);
        let request = known.unwrap_or_else(|| {
            let request = self.send(device, &bytes);
            let this = &self.devices[device];
            let frame = &mut self.network.requests[request];
            frame.declared = Some(declared);
            frame.stolen = this.is_thief && !this.holds_recovery;
            request
        });
        self.say(|| format!("device {device} recovers: frame {request}"));
        let this = &mut self.devices[device];
        this.sent = Some(request);
        this.session = None;
        let (intent, declared) = (None, Some(declared));
        this.memory = Memory::Cold(Box::new(Waiting { attempt, intent, declared, unknown: 0, again: true }));
        true
    }

    /// Sends the identical bytes again. They stay in the network anyway; what changes is that no session follows.
    pub(crate) fn resend(&mut self, device: usize) -> bool {
        let Memory::Cold(waiting) = &mut self.devices[device].memory else { return false };
        waiting.attempt.resend();
        true
    }

    /// Starts a resync.
    pub(crate) fn resync(&mut self, device: usize) {
        let time = u32::try_from(self.device_time(device)).unwrap_or(u32::MAX);
        let Some(record) = &self.devices[device].stored else { return };
        let Ok(resync) = record.resync::<P>(time, &mut self.random) else { return };
        let request = self.send(device, resync.frame().bytes());
        self.network.requests[request].stolen = self.devices[device].is_thief;
        self.say(|| format!("device {device} resyncs: frame {request}"));
        let this = &mut self.devices[device];
        this.session = None;
        this.memory = Memory::Resync(Box::new(resync));
    }
}

/// An answer to a text.
pub(super) fn answer<'a>(want: Want, (index, id, text): (u8, &'a [u8; 8], &'a str), key: &'a PinKey) -> Intent<'a> {
    match want {
        Want::Deny => Intent::Deny { index, reason: 2, id, text },
        _ => Intent::Confirm { index, id, text, key },
    }
}

/// The record of a program that does not see what another one has begun (or of a thief who does not care).
pub(crate) fn without_pending(record: &Record) -> Record {
    const PENDING: usize = 2;
    let bytes = record.encode();
    let mut bytes = *bytes.expose();
    bytes[PENDING] = 0;
    let from = attempt_offset();
    bytes[from..from + 64].fill(0);
    Record::decode(&bytes).expect("a record with nothing pending")
}

/// The record of a thief who says that `declared` is pending.
pub(crate) fn with_pending(record: &Record, declared: &[u8; 32]) -> Record {
    let bytes = without_pending(record).encode();
    let mut bytes = *bytes.expose();
    bytes[2] = 1;
    let from = attempt_offset();
    bytes[from..from + 32].copy_from_slice(declared);
    Record::decode(&bytes).expect("a record with something pending")
}

/// Where the stored record has its attempt and seed: before the next static key and the version.
const fn attempt_offset() -> usize {
    cardea_protocol::device::RECORD_LEN - 1 - 3 * 32
}

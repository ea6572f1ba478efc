//! What a device makes of what comes back: store, then show.

use cardea_protocol::Code;
use cardea_protocol::crypto::Provider;
use cardea_protocol::device::{Answer, Confirmed, Delivered, Received, Record, ResyncAnswer};
use cardea_protocol::wire::KeyRecord;

use super::{Cut, Memory};
use crate::config::{Mutation, Want};
use crate::world::World;

impl<P: Provider> World<P> {
    /// Reply `reply` reaches `device`.
    pub(crate) fn receive(&mut self, device: usize, reply: usize, cut: Cut) {
        let reply = self.network.replies[reply].clone();
        self.receive_bytes(device, &reply.bytes, reply.link, reply.key.as_ref(), cut);
    }

    /// Bytes reach `device`: from a server, or from anybody.
    pub(crate) fn receive_bytes(
        &mut self,
        device: usize,
        bytes: &[u8],
        link: Option<usize>,
        key: Option<&KeyRecord>,
        cut: Cut,
    ) {
        let this = &mut self.devices[device];
        match std::mem::replace(&mut this.memory, Memory::Idle) {
            Memory::Idle => {}
            Memory::Cold(mut waiting) => {
                let Some(record) = &this.stored else { return };
                match waiting.attempt.receive(record, bytes) {
                    Received::NotAuthentic => this.memory = Memory::Cold(waiting),
                    Received::Plain(code) => {
                        this.memory = Memory::Cold(waiting);
                        self.plain_error(device, code, key);
                    }
                    Received::Refused(reply) => {
                        this.session = None;
                        self.say(|| format!("device {device} is refused: {:?}", reply.code));
                        if reply.code == Code::NotEnrolled {
                            self.devices[device].stored = None;
                        }
                    }
                    Received::Answered(answered) => {
                        if cut == Cut::BeforeStore {
                            this.crash();
                            return;
                        }
                        let (record, answer) = answered.stored();
                        this.store(&record);
                        this.holds_recovery = false;
                        if cut == Cut::AfterStore {
                            this.crash();
                            return;
                        }
                        let declared = waiting.declared;
                        self.answered(device, answer, (waiting.intent, declared, waiting.again), link);
                    }
                }
            }
            Memory::Resync(mut resync) => {
                let Some(record) = &this.stored else { return };
                match resync.receive(record, bytes) {
                    ResyncAnswer::NotAuthentic => this.memory = Memory::Resync(resync),
                    ResyncAnswer::Plain(code) => {
                        this.memory = Memory::Resync(resync);
                        self.plain_error(device, code, key);
                    }
                    ResyncAnswer::Known => self.say(|| format!("device {device} is known after all")),
                    ResyncAnswer::Confirm(confirm) => {
                        let request = self.send(device, confirm.frame().bytes());
                        self.network.requests[request].link = link;
                        self.say(|| format!("device {device} confirms: frame {request}"));
                        self.devices[device].memory = Memory::Confirm(Box::new(confirm));
                    }
                }
            }
            Memory::Confirm(mut confirm) => {
                let Some(record) = &this.stored else { return };
                match confirm.receive(record, bytes) {
                    Confirmed::NotAuthentic => this.memory = Memory::Confirm(confirm),
                    Confirmed::Suspended(_) => {}
                    Confirmed::Resynced(answered) => {
                        if cut != Cut::BeforeStore {
                            let (record, _) = answered.stored();
                            this.store(&record);
                            this.holds_recovery = false;
                        }
                        if cut != Cut::None {
                            this.crash();
                        }
                    }
                }
            }
            Memory::Warm(mut waiting) => {
                let reply = match waiting.session.receive(bytes) {
                    Ok(Delivered::Reply(reply)) => reply,
                    Ok(Delivered::Large(reply)) => *reply.reply(),
                    _ => {
                        this.memory = Memory::Warm(waiting);
                        return;
                    }
                };
                if let (Some(rotation), Some(record)) = (waiting.rotation.take(), &this.stored) {
                    if cut == Cut::BeforeStore {
                        this.crash();
                        return;
                    }
                    let (record, ()) = rotation.answered::<P>(record, &reply).stored();
                    this.store(&record);
                }
                if cut != Cut::None {
                    this.crash();
                    return;
                }
                this.session = Some((waiting.session, waiting.link));
                self.show(device, waiting.intent, reply.code);
            }
            Memory::Enroll(enrollment) => self.take_offer(device, *enrollment, bytes, link, cut),
            Memory::Keys(awaiting) => self.take_receipt(device, *awaiting, bytes, cut),
        }
    }

    fn answered(
        &mut self,
        device: usize,
        answer: Answer<P>,
        (intent, declared, again): (Option<usize>, Option<[u8; 32]>, bool),
        link: Option<usize>,
    ) {
        match answer {
            Answer::Operation { reply, session } => {
                self.devices[device].session = session.zip(link);
                let Some(intent) = intent else { return };
                self.show(device, intent, reply.code);
                if reply.code == Code::Stale && !again {
                    let want = self.ghost.intents[intent].want;
                    self.start(device, want, Some(reply.server_time), Cut::None);
                }
            }
            Answer::Recovered { outcome } => {
                self.say(|| format!("device {device} hears what became of its attempt: {outcome:?}"));
                let intent = declared.and_then(|declared| self.ghost.intent_of(&declared));
                if let (Some(intent), Some(code)) = (intent, outcome) {
                    self.show(device, intent, code);
                }
                // Provisional until a reply at the new key says so.
                self.start(device, Want::Status, None, Cut::None);
            }
        }
    }

    /// The holder sees a result.
    fn show(&mut self, device: usize, intent: usize, code: Code) {
        self.say(|| format!("device {device} shows operation {intent}: {code:?}"));
        if !self.devices[device].is_thief || self.ghost.is_remembered(intent) {
            self.ghost.show(intent, code);
        }
        if code == Code::Ok {
            match self.ghost.intents[intent].want {
                Want::SetPins => self.devices[device].pins.normal = self.ghost.intents[intent].next_pin,
                Want::Unenroll => {
                    self.devices[device].stored = None;
                    self.devices[device].crash();
                }
                _ => {}
            }
        }
    }

    /// A plain error, which anybody may have made.
    fn plain_error(&mut self, device: usize, code: Code, key: Option<&KeyRecord>) {
        self.say(|| format!("device {device} is told in clear: {code:?}"));
        match (code, key) {
            (Code::StaleKey, Some(key)) => self.renew_key(device, key),
            (Code::UnknownHint, _) => {
                let Memory::Cold(waiting) = &mut self.devices[device].memory else { return };
                waiting.unknown += 1;
                waiting.attempt.resend();
                // Once more on another connection, then the resync.
                if waiting.unknown >= 2 {
                    self.resync(device);
                }
            }
            _ => {}
        }
    }

    fn renew_key(&mut self, device: usize, key: &KeyRecord) {
        let this = &mut self.devices[device];
        let Some(record) = &this.stored else { return };
        let taken = record.renew_server_key::<P>(key).map(|renewed| renewed.stored().0);
        let forced = || any_key(record, key).filter(|_| self.broken == Some(Mutation::AnyKeyRecord));
        if let Some(renewed) = taken.ok().or_else(forced) {
            this.store(&renewed);
            this.memory = Memory::Idle;
            this.session = None;
            self.say(|| format!("device {device} takes the key of epoch {}", key.epoch));
        }
    }
}

/// A device that takes older keys too.
fn any_key(record: &Record, key: &KeyRecord) -> Option<Record> {
    const SERVER: usize = 3 + 12 + 16 + 4 + 8 + 6 * 32;
    let bytes = record.encode();
    let mut bytes = *bytes.expose();
    bytes[SERVER] = key.epoch;
    bytes[SERVER + 1..SERVER + 33].copy_from_slice(&key.key);
    bytes[SERVER + 33..SERVER + 37].copy_from_slice(&key.not_before.to_le_bytes());
    bytes[SERVER + 37..SERVER + 41].copy_from_slice(&key.not_after.to_le_bytes());
    Record::decode(&bytes).ok()
}

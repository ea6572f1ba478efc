//! Warm operations of a device.

use cardea_protocol::crypto::Provider;
use cardea_protocol::device::Intent;
use cardea_protocol::pin::PinKey;

use super::cold::answer;
use super::{Asked, Cut, Memory, WarmWaiting, derive_key};
use crate::config::{Mutation, Want};
use crate::world::World;

impl<P: Provider> World<P> {
    /// An operation in the session that the last one left.
    pub(super) fn ask_warm(&mut self, device: usize, asked: Asked) -> bool {
        let want = asked.want;
        let pin = self.typed(device, want);
        let signed_at = self.device_time(device);
        let time = u32::try_from(signed_at).unwrap_or(u32::MAX);
        let answers = matches!(want, Want::Approve | Want::ApproveDuress | Want::Deny);
        let shown = if answers { self.pick_shown(device) } else { None };
        if answers && shown.is_none() {
            return false;
        }
        let Some((mut session, link)) = self.devices[device].session.take() else { return false };
        let next_pin = if want == Want::SetPins { self.devices[device].pins.fresh() } else { 0 };
        let this = &self.devices[device];
        let Some(record) = &this.stored else { return false };
        let derivation = record.pin_derivation();
        let key = derive_key::<P>(&derivation, pin);
        let mut rotation = None;
        let (bytes, id): (Vec<u8>, [u8; 32]) = match want {
            Want::SetPins => {
                let keys = [
                    derive_key::<P>(&derivation, next_pin),
                    derive_key::<P>(&derivation, this.pins.duress),
                    PinKey::random(&mut self.random),
                    PinKey::random(&mut self.random),
                ];
                let Ok(made) = session.set_pins(record, &key, &keys, false, time) else { return false };
                (made.frame().bytes().to_vec(), *made.id())
            }
            Want::Rotate => {
                let Ok(made) = session.rotate(record, &key, time, &mut self.random) else { return false };
                if asked.cut == Cut::BeforeStore {
                    self.devices[device].crash();
                    return true;
                }
                let (record, made) = made.stored();
                let cardea_protocol::device::Pending::Recovery { declared, .. } = *record.pending() else {
                    return false;
                };
                self.devices[device].store(&record);
                let bytes = made.frame().bytes().to_vec();
                rotation = Some(made);
                (bytes, declared)
            }
            _ => {
                let intent = match (want, &shown) {
                    (_, Some(shown)) => answer(want, (shown.index, &shown.id, &shown.text), &key),
                    (want, None) => plain(want, &key),
                };
                let Ok(made) = session.request(record, &intent, time) else { return false };
                (made.frame().bytes().to_vec(), *made.id())
            }
        };
        let intent = self.ghost.intend(device, want, (pin, next_pin), signed_at, id);
        self.ghost.intents[intent].about = shown.map(|shown| shown.id);
        self.say(|| format!("device {device} makes warm operation {intent}: {want:?} at {signed_at}"));
        if asked.cut == Cut::AfterStore {
            self.devices[device].crash();
            return true;
        }
        let request = self.send(device, &bytes);
        let stolen = self.devices[device].is_thief;
        let frame = &mut self.network.requests[request];
        (frame.intent, frame.link, frame.stolen) = (Some(intent), Some(link), stolen);
        self.say(|| format!("device {device} sends frame {request}"));
        self.devices[device].memory = Memory::Warm(Box::new(WarmWaiting { session, link, id, intent, rotation }));
        true
    }

    /// The connection dies under a warm operation: never send it again, ask what became of it.
    pub(crate) fn break_connection(&mut self, device: usize, cut: Cut) -> bool {
        let this = &mut self.devices[device];
        if !matches!(this.memory, Memory::Warm(_)) {
            this.session = None;
            return false;
        }
        let Memory::Warm(waiting) = std::mem::replace(&mut this.memory, Memory::Idle) else { return false };
        this.session = None;
        if self.broken == Some(Mutation::BlindRetry) {
            return self.start_again(device, waiting.intent);
        }
        if waiting.rotation.is_some() {
            return self.recover(device, cut);
        }
        let Some(record) = &self.devices[device].stored else { return false };
        let Ok(started) = record.recover_warm::<P>(&waiting.id, &mut self.random) else { return false };
        if cut == Cut::BeforeStore {
            self.devices[device].crash();
            return true;
        }
        self.say(|| format!("device {device} loses its connection"));
        let (record, _) = started.stored();
        self.devices[device].store(&record);
        if cut == Cut::AfterStore {
            self.devices[device].crash();
            return true;
        }
        self.recover(device, Cut::None)
    }

    /// What must not be done: the same wish in a new handshake.
    fn start_again(&mut self, device: usize, intent: usize) -> bool {
        let want = self.ghost.intents[intent].want;
        let started = self.start(device, want, None, Cut::None);
        if let Some(request) = self.network.requests.last_mut().filter(|_| started) {
            request.intent = Some(intent);
        }
        started
    }
}

/// A small request that is no answer.
fn plain(want: Want, key: &PinKey) -> Intent<'_> {
    match want {
        Want::Open | Want::OpenWrong | Want::OpenDuress => Intent::Open { window: 0, key },
        Want::Close => Intent::Close,
        Want::Unenroll => Intent::Unenroll { key },
        Want::Ping => Intent::Ping,
        _ => Intent::Status,
    }
}

//! Enrollment: over the network with all its losses, or at once for schedules that are about something else.

use cardea_protocol::crypto::{Provider, Random as _};
use cardea_protocol::device::{AwaitReceipt, Credential, Enrollment, Offered, Record};
use cardea_protocol::pin::PinKey;
use cardea_protocol::responder::{self, EnrollmentOffer};
use cardea_protocol::token::{DeviceId, DeviceInfo, TokenId};
use cardea_protocol::wire::{EnrollRequest, FirstFrame, PlainFrame, TypedCode};
use cardea_protocol::{Code, limits};
use cardea_server::clock::UnixSeconds;
use cardea_server::domain::enrollment::OfferState;

use super::database::Entry;
use super::device::{Cut, Device, Memory, Pins, derive_key};
use super::network::Reply;
use super::node::{Link, Stop};
use super::world::World;

/// An enrollment that the server offers.
pub(crate) struct Offer {
    code: TypedCode,
    state: OfferState,
}

const INFO: DeviceInfo = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };

impl<P: Provider> World<P> {
    /// A new device with PINs of its own; nothing is enrolled yet.
    fn new_device(&mut self) -> usize {
        let number = self.devices.len();
        let first = u8::try_from(number * 60).unwrap_or(0);
        let skew = if number == 0 { self.config.skew } else { 0 };
        self.devices.push(Device::new(Pins::new(first), skew));
        number
    }

    /// A device that is enrolled before the schedule starts.
    pub(crate) fn enroll_directly(&mut self) {
        let device = self.new_device();
        let code = TypedCode::generate(&mut self.random);
        let key = &self.keys[0];
        let (epoch, public) = (key.record.epoch, *key.pair.public());
        let credential = Credential::from_code::<P>(&code);
        let enrollment =
            Enrollment::<P>::start(&credential, &public, epoch, &mut self.random).expect("the server's key is good");
        let e1 = *enrollment.frame().bytes();
        let Ok(FirstFrame::Enroll(frame)) = FirstFrame::parse(&e1) else { return };
        let offer = self.offer_for(device, 0);
        let (e2, awaiting) =
            responder::offer::<P>(&frame, &self.keys[0].pair, &offer, &mut self.random).expect("E1 is authentic");
        let offered = enrollment.receive(e2.bytes(), &mut self.random).expect("E2 is authentic");
        let (record, awaiting_receipt) = self.choose_pins(device, offered);
        let mut new = awaiting.receive(awaiting_receipt.frame().bytes(), &code.psk::<P>()).expect("E3 is authentic");
        let e4 = new.receipt(&self.identity).expect("the key is new");
        let (record, _) = awaiting_receipt.receive(&record, e4.bytes()).expect("E4 is authentic").stored();
        self.devices[device].store(&record);
        self.admit(device, Entry::new::<P>(new.row, new.keys));
    }

    fn offer_for(&mut self, device: usize, key: usize) -> EnrollmentOffer {
        let number = u8::try_from(device).unwrap_or(u8::MAX);
        EnrollmentOffer {
            identity: P::ed25519_public(&self.identity),
            key_record: self.keys[key].record,
            token: TokenId::new([3; 16]),
            device: DeviceId::new([number, 1, 2, 3]),
            policy: self.rules.policy(),
        }
    }

    fn choose_pins(&mut self, device: usize, offered: Offered<P>) -> (Record, AwaitReceipt<P>) {
        let derivation = offered.pin_derivation();
        let pins = self.devices[device].pins;
        let keys = [
            derive_key::<P>(&derivation, pins.normal),
            derive_key::<P>(&derivation, pins.duress),
            PinKey::random(&mut self.random),
            PinKey::random(&mut self.random),
        ];
        offered.accept(&keys, &INFO).expect("the handshake is at this step").stored()
    }

    /// The server commits a new device.
    fn admit(&mut self, device: usize, entry: Entry) {
        self.database.devices.push(entry);
        self.devices[device].entry = Some(self.database.devices.len() - 1);
        let pins = self.devices[device].pins;
        self.ghost.token.enroll(pins.normal, pins.duress);
    }

    /// A holder starts to enroll, with one code for the whole schedule.
    pub(crate) fn enroll(&mut self) -> bool {
        if self.offer.is_none() {
            let expires_at = UnixSeconds::new(self.now + u64::from(limits::ENROLLMENT_SECONDS));
            self.offer =
                Some(Offer { code: TypedCode::generate(&mut self.random), state: OfferState::new(expires_at) });
            self.new_device();
        }
        let settled = self.devices[0].stored.as_ref().is_some_and(|record| !record.is_provisional());
        if settled || !self.devices[0].is_idle() {
            return false;
        }
        let Some(offer) = &self.offer else { return false };
        let credential = Credential::from_code::<P>(&offer.code);
        let Some(key) = self.keys.last() else { return false };
        let started = Enrollment::<P>::start(&credential, key.pair.public(), key.record.epoch, &mut self.random);
        let Ok(enrollment) = started else { return false };
        let request = self.send(0, enrollment.frame().bytes());
        self.say(|| format!("device 0 enrolls: frame {request}"));
        self.devices[0].memory = Memory::Enroll(Box::new(enrollment));
        true
    }

    /// E1 reaches a node.
    pub(crate) fn answer_enroll(&mut self, node: usize, request: usize, frame: &EnrollRequest<'_>) {
        let now = self.seconds();
        let mut offers = self.offer.as_ref().filter(|_| !self.offer_used).into_iter();
        let live = offers.any(|offer| offer.code.id() == frame.id() && offer.state.is_live(now));
        if !live {
            self.say(|| format!("frame {request} finds no live offer"));
            self.code_used(request);
            return;
        }
        let Some(key) = self.keys.len().checked_sub(1) else { return };
        let offer = self.offer_for(0, key);
        let made = responder::offer::<P>(frame, &self.keys[key].pair, &offer, &mut self.random);
        let Ok((e2, awaiting)) = made else { return };
        self.links.push(Link::Keys { awaiting: Box::new(awaiting), device: 0, node });
        let link = self.links.len() - 1;
        self.network.replies.push(Reply { bytes: e2.bytes().to_vec(), to: request, link: Some(link), key: None });
    }

    fn code_used(&mut self, request: usize) {
        let mut random = [0; 62];
        self.random.fill(&mut random);
        let frame = PlainFrame { code: Code::CodeUsed, random }.encode();
        self.network.replies.push(Reply { bytes: frame.bytes().to_vec(), to: request, link: None, key: None });
    }

    /// E2 reaches the device: it stores its record and sends E3.
    pub(crate) fn take_offer(
        &mut self,
        device: usize,
        enrollment: Enrollment<P>,
        bytes: &[u8],
        link: Option<usize>,
        cut: Cut,
    ) {
        // An E2 that does not check ends the try: nothing is sent.
        let Ok(offered) = enrollment.receive(bytes, &mut self.random) else { return };
        if cut == Cut::BeforeStore {
            return;
        }
        let (record, awaiting) = self.choose_pins(device, offered);
        let this = &mut self.devices[device];
        this.store(&record);
        if cut == Cut::AfterStore {
            return;
        }
        let request = self.send(device, awaiting.frame().bytes());
        self.network.requests[request].link = link;
        self.say(|| format!("device {device} sends its keys: frame {request}"));
        self.devices[device].memory = Memory::Keys(Box::new(awaiting));
    }

    /// E3 reaches a node: one transaction for offer and device, then E4.
    pub(crate) fn take_keys(&mut self, request: usize, link: usize, bytes: &[u8], stop: Stop) {
        let taken = std::mem::replace(&mut self.links[link], Link::Closed);
        let Link::Keys { awaiting, device, .. } = taken else { return };
        let now = self.seconds();
        let Some(offer) = &mut self.offer else { return };
        // A try is counted before anything secret is compared.
        if offer.state.count_try(now).is_err() || stop == Stop::DiesCounted {
            return;
        }
        let Ok(mut new) = awaiting.receive(bytes, &offer.code.psk::<P>()) else { return };
        if stop == Stop::DiesDecided {
            return;
        }
        if self.offer_used || !offer.state.may_finish(now) {
            self.code_used(request);
            return;
        }
        self.offer_used = true;
        let Ok(e4) = new.receipt(&self.identity) else { return };
        let enrolled = self.database.devices.len();
        self.ghost.require(enrolled == 0, "an offer enrolls one device", || format!("frame {request}"));
        self.say(|| format!("frame {request} enrolls device {device}"));
        self.admit(device, Entry::new::<P>(new.row, new.keys));
        if stop == Stop::Never || stop == Stop::Read {
            self.network.replies.push(Reply { bytes: e4.bytes().to_vec(), to: request, link: None, key: None });
        }
    }

    /// E4 reaches the device.
    pub(crate) fn take_receipt(&mut self, device: usize, awaiting: AwaitReceipt<P>, bytes: &[u8], cut: Cut) {
        let Some(record) = &self.devices[device].stored else { return };
        let Ok(settled) = awaiting.receive(record, bytes) else { return };
        if cut == Cut::BeforeStore {
            return;
        }
        let (record, _) = settled.stored();
        self.devices[device].store(&record);
        let known = self.devices[device].entry.is_some();
        self.ghost.require(known, "what is acknowledged as enrolled is enrolled", || format!("device {device}"));
    }
}

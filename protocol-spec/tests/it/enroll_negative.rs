//! Enrollment with somebody who damages, forges or breaks the rules, on either side.

use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::device::{AwaitReceipt, Credential, EnrollError, Enrollment, Offered, Record};
use cardea_protocol::noise::{Handshake, KeyPair, Keys, Role, XK_PSK3};
use cardea_protocol::pin::PinKey;
use cardea_protocol::responder::{self, AwaitKeys, EnrollmentOffer, NewDevice};
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, Policy, TokenId};
use cardea_protocol::wire::{EnrollRequest, FirstFrame, KeyRecord, PlainFrame, TypedCode};
use cardea_protocol::{ApiMisuse, Code, PeerIncompatible, PeerMisbehaved, ProtocolError, Secret};

use crate::pair::{NOW, Seeded, pin_key, policy};

const INFO: DeviceInfo = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
const NOT_AUTHENTIC: ProtocolError = ProtocolError::PeerMisbehaved(PeerMisbehaved::NotAuthentic);
const MISMATCH: ProtocolError = ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch);
const BAD_SIGNATURE: ProtocolError = ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature);

struct House {
    identity: Secret<32>,
    statics: KeyPair,
    offer: EnrollmentOffer,
    code: TypedCode,
    random: Seeded,
}

impl House {
    fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let identity: Secret<32> = random.secret();
        let statics = random.pair();
        let offer = EnrollmentOffer {
            identity: Dalek::ed25519_public(&identity),
            key_record: KeyRecord::sign::<Dalek>(&identity, 7, *statics.public(), NOW, NOW + 700_000),
            token: TokenId::new([3; 16]),
            device: DeviceId::new([4; 4]),
            policy: policy(),
        };
        let code = TypedCode::generate(&mut random);
        Self { identity, statics, offer, code, random }
    }

    fn e1(&mut self) -> Enrollment<Dalek> {
        let credential = Credential::from_code::<Dalek>(&self.code);
        Enrollment::start(&credential, self.statics.public(), 7, &mut self.random).unwrap()
    }

    fn e2(&mut self, e1: &[u8]) -> Result<(Vec<u8>, AwaitKeys<Dalek>), ProtocolError> {
        let e1 = enroll_request(e1);
        let (frame, keys) = responder::offer(&e1, &self.statics, &self.offer, &mut self.random)?;
        Ok((frame.bytes().to_vec(), keys))
    }

    fn offered(&mut self) -> (Offered<Dalek>, AwaitKeys<Dalek>) {
        let enrollment = self.e1();
        let (e2, keys) = self.e2(enrollment.frame().bytes()).unwrap();
        (enrollment.receive(&e2, &mut self.random).unwrap(), keys)
    }

    fn e3(&mut self) -> (Record, AwaitReceipt<Dalek>, AwaitKeys<Dalek>) {
        let (offered, keys) = self.offered();
        let pins = [(); 4].map(|()| PinKey::random(&mut self.random));
        let (record, receipt) = offered.accept(&pins, &INFO).unwrap().stored();
        (record, receipt, keys)
    }

    fn e4(&mut self) -> (Record, AwaitReceipt<Dalek>, NewDevice<Dalek>) {
        let (record, receipt, keys) = self.e3();
        let new = keys.receive(receipt.frame().bytes(), &self.code.psk::<Dalek>()).unwrap();
        (record, receipt, new)
    }
}

fn enroll_request(frame: &[u8]) -> EnrollRequest<'_> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Enroll(request)) => request,
        other => panic!("no E1: {other:?}"),
    }
}

fn protocol<T>(result: Result<T, EnrollError>) -> Option<ProtocolError> {
    match result {
        Err(EnrollError::Protocol(error)) => Some(error),
        _ => None,
    }
}

#[test]
fn every_byte_of_e1_is_authenticated() {
    let mut house = House::new(900);
    let frame = *house.e1().frame().bytes();
    for at in 1..frame.len() {
        let mut changed = frame;
        changed[at] ^= 0x20;
        assert_eq!(house.e2(&changed).err(), Some(NOT_AUTHENTIC), "byte {at}");
    }
    house.e2(&frame).unwrap();
}

#[test]
fn every_byte_of_e2_is_authenticated_and_nothing_is_sent_after_a_bad_one() {
    let mut house = House::new(901);
    let length = 218;
    for at in 0..length {
        let enrollment = house.e1();
        let (mut e2, _) = house.e2(enrollment.frame().bytes()).unwrap();
        e2[at] ^= 0x20;
        // `receive` takes the handshake with it: there is no E3 to send.
        assert!(protocol(enrollment.receive(&e2, &mut Seeded::new(1))).is_some(), "byte {at}");
    }
    for other in [0, 63, 217, 219, 560] {
        let enrollment = house.e1();
        assert!(protocol(enrollment.receive(&vec![0; other], &mut Seeded::new(1))).is_some());
    }
}

#[test]
fn every_byte_of_e3_is_authenticated() {
    let mut house = House::new(902);
    for at in 0..560 {
        let (_, receipt, keys) = house.e3();
        let mut frame = *receipt.frame().bytes();
        frame[at] ^= 0x20;
        let result = keys.receive(&frame, &house.code.psk::<Dalek>());
        assert_eq!(result.err(), Some(NOT_AUTHENTIC), "byte {at}");
    }
    for length in [0, 559, 561] {
        let (_, _, keys) = house.e3();
        assert!(keys.receive(&vec![0; length], &house.code.psk::<Dalek>()).is_err());
    }
}

#[test]
fn every_byte_of_e4_is_authenticated() {
    let mut house = House::new(903);
    for at in 0..80 {
        let (record, receipt, mut new) = house.e4();
        let mut e4 = *new.receipt(&house.identity).unwrap().bytes();
        e4[at] ^= 0x20;
        assert!(protocol(receipt.receive(&record, &e4)).is_some(), "byte {at}");
    }
}

#[test]
fn a_wrong_code_is_a_failed_try() {
    let mut house = House::new(904);
    let (_, receipt, keys) = house.e3();
    let wrong = TypedCode::parse("4F7K-2MQ8ZT").unwrap().psk::<Dalek>();
    assert_eq!(keys.receive(receipt.frame().bytes(), &wrong).err(), Some(NOT_AUTHENTIC));
}

#[test]
fn a_receipt_of_another_identity_is_refused() {
    let mut house = House::new(905);
    let (record, receipt, mut new) = house.e4();
    let e4 = new.receipt(&Secret::new([9; 32])).unwrap();
    assert_eq!(protocol(receipt.receive(&record, e4.bytes())), Some(BAD_SIGNATURE));
    assert!(record.is_provisional());
}

#[test]
fn plain_frames_are_told_apart_at_every_step() {
    let mut house = House::new(906);
    let plain = PlainFrame { code: Code::CodeUsed, random: [1; 62] }.encode();
    let is_plain = |error: Option<EnrollError>| error == Some(EnrollError::Plain(Code::CodeUsed));
    assert!(is_plain(house.e1().receive(plain.bytes(), &mut Seeded::new(1)).err()));
    let (record, receipt, _) = house.e4();
    assert!(is_plain(receipt.receive(&record, plain.bytes()).err()));
}

#[test]
fn a_key_record_that_does_not_fit_is_refused() {
    type Change = fn(&mut House);
    let changes: [(Change, ProtocolError); 5] = [
        (|house| house.offer.key_record.not_after += 1, BAD_SIGNATURE),
        (|house| house.offer.identity = Dalek::ed25519_public(&Secret::new([9; 32])), BAD_SIGNATURE),
        (
            |house| house.offer.key_record = KeyRecord::sign::<Dalek>(&house.identity, 7, [9; 32], NOW, NOW + 1),
            MISMATCH,
        ),
        (
            |house| {
                let key = *house.statics.public();
                house.offer.key_record = KeyRecord::sign::<Dalek>(&house.identity, 8, key, NOW, NOW + 1);
            },
            MISMATCH,
        ),
        (
            |house| (house.offer.policy.version_min, house.offer.policy.version_max) = (2, 3),
            ProtocolError::PeerIncompatible(PeerIncompatible::Version),
        ),
    ];
    for (change, expected) in changes {
        let mut house = House::new(907);
        change(&mut house);
        let enrollment = house.e1();
        let (e2, _) = house.e2(enrollment.frame().bytes()).unwrap();
        assert_eq!(protocol(enrollment.receive(&e2, &mut Seeded::new(1))), Some(expected));
    }
}

#[test]
fn an_impossible_policy_is_refused() {
    for change in [|policy: &mut Policy| policy.pin_min = 4, |policy: &mut Policy| policy.pin_max = 13] {
        let mut house = House::new(908);
        change(&mut house.offer.policy);
        let enrollment = house.e1();
        let (e2, _) = house.e2(enrollment.frame().bytes()).unwrap();
        assert!(matches!(
            protocol(enrollment.receive(&e2, &mut Seeded::new(1))),
            Some(ProtocolError::InvalidMessage(_))
        ));
    }
}

#[test]
fn one_key_cannot_stand_in_two_slots() {
    // It would be the normal and a duress PIN at once.
    for (one, other) in [(0, 1), (0, 3), (1, 2), (2, 3)] {
        let mut house = House::new(909);
        let (offered, keys) = house.offered();
        let derivation = offered.pin_derivation();
        let mut pins = [(); 4].map(|()| PinKey::random(&mut house.random));
        pins[one] = pin_key(&derivation, b"493817");
        pins[other] = pin_key(&derivation, b"493817");
        let (_, receipt) = offered.accept(&pins, &INFO).unwrap().stored();
        let result = keys.receive(receipt.frame().bytes(), &house.code.psk::<Dalek>());
        assert_eq!(result.err(), Some(MISMATCH), "{one} {other}");
    }
}

/// A device that writes its own E3, with all the right keys for the handshake.
fn lawless(house: &mut House, payload: impl FnOnce(&[u8; 32], &[u8; 32]) -> Vec<u8>) -> Result<(), ProtocolError> {
    let own = house.random.pair();
    let (static_key, id) = (*own.public(), house.code.id());
    let keys = Keys {
        s: Some(own),
        e: Some(house.random.pair()),
        rs: Some(*house.statics.public()),
        psk: Some(house.code.psk::<Dalek>()),
    };
    let mut handshake = Handshake::<Dalek>::new(&XK_PSK3, Role::Initiator, &[b"cardea1", &[0x13], &id], keys).unwrap();
    let mut e1 = vec![0x13];
    e1.extend(id);
    let mut noise = [0; 49];
    handshake.write_message(&[1], &mut noise).unwrap();
    e1.extend(noise);
    let (e2, keys) = house.e2(&e1)?;
    handshake.read_message(&e2[1..], &mut [0; 169]).unwrap();
    let payload = payload(handshake.hash(), &static_key);
    let mut e3 = [0; 560];
    handshake.write_message(&payload, &mut e3).unwrap();
    keys.receive(&e3, &house.code.psk::<Dalek>()).map(|_| ())
}

/// Keys, proofs and device information, each by the rules.
fn lawful(offered: &[u8; 32], device_static: &[u8; 32], slots: [u8; 5]) -> Vec<u8> {
    let seeds = [1, 2, 3, 4, 5].map(|byte| Secret::new([byte; 32]));
    let mut payload: Vec<u8> = seeds.iter().flat_map(Dalek::ed25519_public).collect();
    for (seed, slot) in seeds.iter().zip(slots) {
        let message = [b"cardea1 proof".as_slice(), &[slot], offered, device_static].concat();
        payload.extend(Dalek::ed25519_sign(seed, &message));
    }
    payload.extend(INFO.encode());
    payload
}

const SLOTS: [u8; 5] = [0, 1, 2, 3, 0xff];

#[test]
fn each_key_is_proved_for_its_slot_this_handshake_and_this_device() {
    assert_eq!(lawless(&mut House::new(910), |offered, key| lawful(offered, key, SLOTS)), Ok(()));
    for (at, slot) in [(0, 1), (1, 0), (3, 0xff), (4, 4)] {
        let mut slots = SLOTS;
        slots[at] = slot;
        let result = lawless(&mut House::new(910), |offered, key| lawful(offered, key, slots));
        assert_eq!(result, Err(BAD_SIGNATURE), "{at}");
    }
    let result = lawless(&mut House::new(910), |offered, _| lawful(offered, &[9; 32], SLOTS));
    assert_eq!(result, Err(BAD_SIGNATURE));
    let result = lawless(&mut House::new(910), |_, key| lawful(&[9; 32], key, SLOTS));
    assert_eq!(result, Err(BAD_SIGNATURE));
    // One key too many times, even with good proofs: the device key in the place of a PIN key.
    for byte in 0..496 {
        let result = lawless(&mut House::new(910), |offered, key| {
            let mut payload = lawful(offered, key, SLOTS);
            payload[byte] ^= 0x80;
            payload
        });
        // The SDK's version is free; everything else is proved, or out of range.
        assert_eq!(result.is_ok(), (481..484).contains(&byte), "byte {byte}");
    }
}

#[test]
fn a_biometric_slot_needs_the_policys_leave_on_both_sides() {
    let info = DeviceInfo { biometric: true, ..INFO };
    let mut house = House::new(911);
    let (offered, _) = house.offered();
    let pins = [(); 4].map(|()| PinKey::random(&mut house.random));
    let refused = offered.accept(&pins, &info).err();
    assert_eq!(refused, Some(ProtocolError::ApiMisuse(ApiMisuse::OutOfRange)));
    let claim = |offered: &[u8; 32], key: &[u8; 32]| {
        let mut payload = lawful(offered, key, SLOTS);
        payload[480..].copy_from_slice(&info.encode());
        payload
    };
    assert_eq!(lawless(&mut house, claim), Err(MISMATCH));
    house.offer.policy.biometric = true;
    assert_eq!(lawless(&mut house, claim), Ok(()));
}

#[test]
fn an_unknown_suite_is_refused() {
    let mut house = House::new(912);
    let own = house.random.pair();
    let id = house.code.id();
    let keys = Keys { s: Some(own), e: Some(house.random.pair()), rs: Some(*house.statics.public()), psk: None };
    let mut handshake = Handshake::<Dalek>::new(&XK_PSK3, Role::Initiator, &[b"cardea1", &[0x13], &id], keys).unwrap();
    let mut noise = [0; 49];
    handshake.write_message(&[2], &mut noise).unwrap();
    let e1 = [&[0x13][..], &id, &noise].concat();
    assert_eq!(house.e2(&e1).err(), Some(ProtocolError::PeerIncompatible(PeerIncompatible::Version)));
}

#[test]
fn both_ends_show_the_same_six_digits_and_only_they_do() {
    let mut seen = Vec::new();
    for seed in 913..923 {
        let mut house = House::new(seed);
        let (record, receipt, mut new) = house.e4();
        let e4 = new.receipt(&house.identity).unwrap();
        let enrolled = receipt.receive(&record, e4.bytes()).unwrap().stored().1;
        assert_eq!(enrolled.short_string, new.short_string);
        assert!(new.short_string < 1_000_000);
        seen.push(new.short_string);
    }
    seen.dedup();
    assert_eq!(seen.len(), 10);
}

#[test]
fn keys_of_an_earlier_offer_are_good_for_a_later_one_with_the_same_ids_and_cost_only() {
    let mut house = House::new(923);
    let earlier = house.offered().0.pin_derivation();
    let key = pin_key(&earlier, b"493817").public::<Dalek>();
    let mut later = house.offered().0;
    assert_ne!(pin_key(&later.pin_derivation(), b"493817").public::<Dalek>(), key);
    assert!(later.resume(&earlier));
    assert_eq!(pin_key(&later.pin_derivation(), b"493817").public::<Dalek>(), key);
    let original = house.offer;
    for offer in [
        EnrollmentOffer { token: TokenId::new([5; 16]), ..original },
        EnrollmentOffer { device: DeviceId::new([5; 4]), ..original },
        EnrollmentOffer { policy: Policy { argon2: Argon2Class::Embedded, ..original.policy }, ..original },
    ] {
        house.offer = offer;
        let mut other = house.offered().0;
        let salt = pin_key(&other.pin_derivation(), b"493817").public::<Dalek>();
        assert!(!other.resume(&earlier));
        assert_eq!(pin_key(&other.pin_derivation(), b"493817").public::<Dalek>(), salt);
    }
}

//! Chapter 9: a whole enrollment.

use serde_json::{Value, json};

use cardea_protocol::Code;
use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::device::{Credential, Enrollment, Record};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::pin::PinKey;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, EnrollmentOffer};
use cardea_protocol::token::{DeviceId, DeviceInfo, TokenId};
use cardea_protocol::wire::{FirstFrame, KeyRecord, TypedCode};

use super::{Draws, h, hold};
use crate::pair::{NOW, pin_key, policy, reply};

/// What an enrollment leaves behind, and how it went.
pub(super) struct Enrolled {
    pub(super) record: Record,
    pub(super) row: Row,
    pub(super) identity: Secret<32>,
    pub(super) statics: KeyPair,
    pub(super) keys: [[u8; 32]; 4],
    pub(super) described: Value,
}

pub(super) fn enroll(name: &'static str, pins: &[&[u8]]) -> Enrolled {
    let mut draws = Draws::new(name);
    let identity: Secret<32> = draws.secret();
    let statics = draws.pair();
    let [identity_seed, server_static_secret] = draws.take();
    let key_record = KeyRecord::sign::<Dalek>(&identity, 7, *statics.public(), NOW - 10, NOW + 604_800);
    let code = TypedCode::parse("4F7K-2MQ8ZT").unwrap();
    let offer = EnrollmentOffer {
        identity: Dalek::ed25519_public(&identity),
        key_record,
        token: TokenId::new([0x70; 16]),
        device: DeviceId::new([0xd0; 4]),
        policy: policy(),
    };
    let credential = Credential::from_code::<Dalek>(&code);
    let enrollment = Enrollment::<Dalek>::start(&credential, statics.public(), 7, &mut draws).unwrap();
    let [device_static_secret, device_ephemeral_secret] = draws.take();
    let e1 = *enrollment.frame().bytes();
    let Ok(FirstFrame::Enroll(request)) = FirstFrame::parse(&e1) else { panic!("E1") };
    let (e2, awaiting) = responder::offer::<Dalek>(&request, &statics, &offer, &mut draws).unwrap();
    let [server_ephemeral_secret] = draws.take();
    let offered = enrollment.receive(e2.bytes(), &mut draws).unwrap();
    let [salt, device_key_seed] = draws.take();
    let derivation = offered.pin_derivation();
    let mut keys: Vec<PinKey> = pins.iter().map(|pin| pin_key(&derivation, pin)).collect();
    let mut random_seeds = Vec::new();
    while keys.len() < 4 {
        keys.push(PinKey::random(&mut draws));
        let [seed] = draws.take();
        random_seeds.push(seed);
    }
    let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
    let (record, receipt) = offered.accept(&keys.try_into().unwrap(), &info).unwrap().stored();
    let e3 = *receipt.frame().bytes();
    let mut new = awaiting.receive(&e3, &code.psk::<Dalek>()).unwrap();
    let e4 = *new.receipt(&identity).unwrap().bytes();
    let (record, enrolled) = receipt.receive(&record, &e4).unwrap().stored();
    let pins: Vec<&str> = pins.iter().map(|pin| core::str::from_utf8(pin).unwrap()).collect();
    let described = json!({
        "identity_seed": identity_seed, "identity": h(offer.identity),
        "server_static_secret": server_static_secret, "server_static": h(statics.public()),
        "key_record": h(key_record.encode()),
        "code": "4F7K-2MQ8ZT", "enrollment_id": h(code.id()), "psk": h(code.psk::<Dalek>().expose()),
        "token": h(offer.token.bytes()), "device": h(offer.device.bytes()), "policy": h(offer.policy.encode()),
        "device_static_secret": device_static_secret, "device_ephemeral_secret": device_ephemeral_secret,
        "server_ephemeral_secret": server_ephemeral_secret, "salt": salt, "device_key_seed": device_key_seed,
        "pins": pins, "random_slot_seeds": random_seeds, "device_info": h(info.encode()),
        "e1": h(e1), "e2": h(e2.bytes()), "e3": h(e3), "e4": h(e4),
        "verification_keys": new.keys.map(h).to_vec(), "device_key": h(new.row.device_key),
        "root_psk": h(new.row.current.expose()), "hint": h(record.hint::<Dalek>().bytes()),
        "short_string": format!("{:06}", enrolled.short_string),
    });
    Enrolled { record, row: new.row, identity, statics, keys: new.keys, described }
}

/// The refusal that takes the place of E4.
fn refused() -> Value {
    let mut draws = Draws::new("refused enrollment");
    let identity: Secret<32> = draws.secret();
    let statics = draws.pair();
    let code = TypedCode::parse("4F7K-2MQ8ZT").unwrap();
    let offer = EnrollmentOffer {
        identity: Dalek::ed25519_public(&identity),
        key_record: KeyRecord::sign::<Dalek>(&identity, 7, *statics.public(), NOW - 10, NOW + 604_800),
        token: TokenId::new([0x70; 16]),
        device: DeviceId::new([0xd0; 4]),
        policy: policy(),
    };
    let credential = Credential::from_code::<Dalek>(&code);
    let enrollment = Enrollment::<Dalek>::start(&credential, statics.public(), 7, &mut draws).unwrap();
    let Ok(FirstFrame::Enroll(request)) = FirstFrame::parse(enrollment.frame().bytes()) else { panic!("E1") };
    let (e2, awaiting) = responder::offer::<Dalek>(&request, &statics, &offer, &mut draws).unwrap();
    let offered = enrollment.receive(e2.bytes(), &mut draws).unwrap();
    let keys = [(); 4].map(|()| PinKey::random(&mut draws));
    let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
    let (record, receipt) = offered.accept(&keys, &info).unwrap().stored();
    let e3 = *receipt.frame().bytes();
    let new = awaiting.receive(&e3, &code.psk::<Dalek>()).unwrap();
    let refusal = *new.refuse(&reply(Op::Ping, Code::Policy)).unwrap().bytes();
    assert!(receipt.receive(&record, &refusal).is_err());
    let names = [
        "identity_seed",
        "server_static_secret",
        "device_static_secret",
        "device_ephemeral_secret",
        "server_ephemeral_secret",
        "salt",
        "device_key_seed",
        "slot_seed_0",
        "slot_seed_1",
        "slot_seed_2",
        "slot_seed_3",
    ];
    let secrets: serde_json::Map<String, Value> =
        names.iter().map(|name| (*name).to_owned()).zip(draws.take::<11>()).collect();
    json!({ "secrets": secrets, "e3": h(e3), "instead_of_e4": h(refusal), "cell": h(reply(Op::Ping, Code::Policy).encode()) })
}

use cardea_protocol::wire::Op;

#[test]
fn chapter_9_enrollment() {
    let enrolled = enroll("enrollment", &[b"493817", b"271828"]);
    let wrong = TypedCode::parse("4F7K-2MQ8ZV").unwrap();
    let mut described = enrolled.described;
    // The same E3 with the secret of another code: does not authenticate.
    described["wrong_code"] = json!({ "code": "4F7K-2MQ8ZV", "psk": h(wrong.psk::<Dalek>().expose()) });
    hold("09-enrollment.json", &json!({ "enrollment": described, "refused": refused() }));
}

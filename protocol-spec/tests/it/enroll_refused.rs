//! A service that does not accept a device says so under the session's keys, in place of the receipt.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::{AwaitReceipt, Credential, EnrollError, Enrollment, Record};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::pin::PinKey;
use cardea_protocol::responder::{self, EnrollmentOffer, NewDevice};
use cardea_protocol::token::{DeviceId, DeviceInfo, DeviceStatus, TokenId};
use cardea_protocol::wire::{FirstFrame, Host, KeyRecord, Link, Op, Reply, WARM_REPLY_LEN};
use cardea_protocol::{ProtocolError, Secret};

use crate::pair::{self, NOW, Seeded};

/// Both ends after E3.
fn after_e3(seed: u64) -> (Record, AwaitReceipt<Dalek>, NewDevice<Dalek>) {
    let mut random = Seeded::new(seed);
    let identity: Secret<32> = random.secret();
    let statics = KeyPair::from_secret::<Dalek>(random.secret());
    let key_record = KeyRecord::sign::<Dalek>(&identity, 7, *statics.public(), NOW - 10, NOW + 700_000);
    let link = Link {
        epoch: 7,
        id: Link::generate_id(&mut random),
        code: random.secret(),
        server_key: *statics.public(),
        port: 8421,
        host: Host::new("id.example").unwrap(),
    };
    let credential = Credential::from_link::<Dalek>(&link);
    let enrollment = Enrollment::<Dalek>::start(&credential, &link.server_key, 7, &mut random).unwrap();
    let FirstFrame::Enroll(e1) = FirstFrame::parse(enrollment.frame().bytes()).unwrap() else { panic!("no E1") };
    let offer = EnrollmentOffer {
        identity: <Dalek as cardea_protocol::crypto::Provider>::ed25519_public(&identity),
        key_record,
        token: TokenId::new([3; 16]),
        device: DeviceId::new([4; 4]),
        policy: pair::policy(),
    };
    let (e2, keys) = responder::offer::<Dalek>(&e1, &statics, &offer, &mut random).unwrap();
    let offered = enrollment.receive(e2.bytes(), &mut random).unwrap();
    let pins = core::array::from_fn(|_| PinKey::random(&mut random));
    let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
    let (record, receipt) = offered.accept(&pins, &info).unwrap().stored();
    let new = keys.receive(receipt.frame().bytes(), &link.psk::<Dalek>()).unwrap();
    (record, receipt, new)
}

fn reply(code: Code) -> Reply {
    Reply { op: Op::Open, status: DeviceStatus::NotEnrolled, code, tries: 0, server_time: NOW, until: 0, aux: 0x11 }
}

#[test]
fn a_refusal_takes_the_place_of_the_receipt_and_is_authentic() {
    let (record, receipt, new) = after_e3(1);
    let frame = new.refuse(&reply(Code::Policy)).unwrap();
    assert_eq!(frame.bytes().len(), 30);
    match receipt.receive(&record, frame.bytes()) {
        Err(error @ EnrollError::Refused(reply)) => {
            assert_eq!((reply.op, reply.code, reply.server_time), (Op::Ping, Code::Policy, NOW));
            assert_eq!(error.to_string(), "the service does not accept this kind of device");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_that_was_touched_or_made_for_another_enrollment_is_none() {
    for byte in 0..WARM_REPLY_LEN {
        let (record, receipt, new) = after_e3(2);
        let mut frame = *new.refuse(&reply(Code::Policy)).unwrap().bytes();
        frame[byte] ^= 1;
        let result = receipt.receive(&record, &frame);
        assert!(matches!(result, Err(EnrollError::Protocol(ProtocolError::PeerMisbehaved(_)))), "{result:?}");
    }
    let (record, receipt, _) = after_e3(3);
    let frame = after_e3(4).2.refuse(&reply(Code::Policy)).unwrap();
    assert!(matches!(receipt.receive(&record, frame.bytes()), Err(EnrollError::Protocol(_))));
    let (record, receipt, _) = after_e3(3);
    assert!(matches!(receipt.receive(&record, &[0; WARM_REPLY_LEN]), Err(EnrollError::Protocol(_))));
}

#[test]
fn nobody_can_be_refused_with_success() {
    let (_, _, new) = after_e3(5);
    assert!(matches!(new.refuse(&reply(Code::Ok)), Err(ProtocolError::ApiMisuse(_))));
}

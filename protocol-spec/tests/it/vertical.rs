//! The whole way: enroll, open, warm operations, with every size asserted byte for byte.

use cardea_protocol::Code;
use cardea_protocol::device::{Delivered, Intent, RECORD_LEN};
use cardea_protocol::responder::Opened;
use cardea_protocol::wire::{LENGTH_PREFIX, Op};

use crate::pair::{NOW, Seeded, enroll, operate, pin_key, reply};

#[test]
fn enrollment_takes_924_bytes_in_two_round_trips() {
    let (_, _, sizes) = enroll(1, &[b"493817"]);
    assert_eq!(sizes, [60, 220, 562, 82]);
    assert_eq!(sizes.iter().sum::<usize>(), 924);
}

#[test]
fn a_cold_open_takes_130_and_65_bytes() {
    let (mut record, mut server, _) = enroll(2, &[b"493817"]);
    let key = pin_key(&record.pin_derivation(), b"493817");
    let mut random = Seeded::new(20);
    let attempt = crate::pair::start(&mut record, &Intent::Open { window: 0, key: &key }, &mut random);
    assert_eq!(attempt.frame().bytes().len() + LENGTH_PREFIX, 130);
    let reply = server.handle(attempt.frame().bytes()).reply();
    assert_eq!(reply.len() + LENGTH_PREFIX, 65);
    assert_eq!(server.executed, [Op::Open]);
}

#[test]
fn a_warm_open_takes_88_and_32_bytes() {
    let (mut record, mut server, _) = enroll(3, &[b"493817"]);
    let mut random = Seeded::new(30);
    let (code, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!(code, Code::Ok);
    let key = pin_key(&record.pin_derivation(), b"493817");
    let request = ours.request(&record, &Intent::Open { window: 0, key: &key }, NOW).unwrap();
    assert_eq!(request.frame().bytes().len() + LENGTH_PREFIX, 88);
    let operation = theirs.open(request.frame().bytes()).unwrap();
    assert_eq!(&operation.id, request.id());
    assert!(matches!(operation.request, Opened::Small(request) if request.op == Op::Open));
    let answer = theirs.reply(&reply(Op::Open, Code::Ok)).unwrap();
    assert_eq!(answer.bytes().len() + LENGTH_PREFIX, 32);
    assert!(matches!(ours.receive(answer.bytes()), Ok(Delivered::Reply(reply)) if reply.op == Op::Open));
}

#[test]
fn state_stays_within_its_budget() {
    const { assert!(RECORD_LEN <= 512) };
    let device = size_of::<cardea_protocol::device::Session<cardea_protocol::crypto::Dalek>>();
    let server = size_of::<cardea_protocol::responder::Session<cardea_protocol::crypto::Dalek>>();
    assert!(device <= 256 && server <= 256, "{device} {server}");
}

#[test]
fn a_wrong_pin_is_rejected_and_ratchets() {
    let (mut record, mut server, _) = enroll(4, &[b"493817"]);
    let key = pin_key(&record.pin_derivation(), b"999990");
    let (code, ..) = operate(&mut record, &mut server, &Intent::Open { window: 0, key: &key }, &mut Seeded::new(40));
    assert_eq!(code, Code::PinRejected);
    assert_eq!(record.generation(), 1);
    assert_eq!(server.row.generation, 1);
}

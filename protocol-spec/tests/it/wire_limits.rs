//! Bounds that both sides keep (specification, chapter 12).

use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::Intent;
use cardea_protocol::limits;
use cardea_protocol::{ApiMisuse, Code, ProtocolError};

use cardea_protocol::wire::Op;

use crate::pair::{NOW, Seeded, enroll, operate, raw_session, reply};

#[test]
fn the_figures_are_those_of_the_specification() {
    assert_eq!((limits::VERSION, limits::SLOTS), (1, 4));
    assert_eq!((limits::PIN_MIN, limits::PIN_MAX, limits::PIN_DISTANCE), (6, 12, 2));
    assert_eq!((limits::FRESHNESS_SECONDS, limits::GIVE_UP_SECONDS, limits::RETRY_SECONDS), (120, 60, [1, 2, 4]));
    assert_eq!((limits::SESSION_MESSAGES, limits::SESSION_SECONDS, limits::IDLE_SECONDS), (65_536, 3600, 900));
    assert_eq!((limits::HANDSHAKE_SECONDS, limits::DEVICES_PER_TOKEN), (5, 8));
    assert_eq!((limits::ENROLLMENT_SECONDS, limits::ENROLLMENT_FAILURES), (600, 3));
    assert_eq!((limits::CONFIRMATION_TEXT, limits::CONFIRMATIONS_PENDING), (200, 3));
    assert_eq!((limits::WINDOW_MAX, limits::SUBSCRIPTION_MASK), (31, 7));
}

const EXHAUSTED: ProtocolError = ProtocolError::ApiMisuse(ApiMisuse::SessionExhausted);

#[test]
fn a_session_ends_after_two_to_the_sixteen_messages_from_the_device() {
    let (mut record, mut server, _) = enroll(800, &[b"493817"]);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    for _ in 0..limits::SESSION_MESSAGES {
        let request = ours.request(&record, &Intent::Ping, NOW).unwrap();
        theirs.open(request.frame().bytes()).unwrap();
    }
    assert_eq!(ours.request(&record, &Intent::Ping, NOW).err(), Some(EXHAUSTED));
    assert_eq!(theirs.open(&[0; 86]).err(), Some(EXHAUSTED));
}

#[test]
fn a_session_ends_after_two_to_the_sixteen_messages_from_the_server() {
    let (mut record, mut server, _) = enroll(801, &[b"493817"]);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    for _ in 0..limits::SESSION_MESSAGES {
        let answer = theirs.reply(&reply(Op::Ping, Code::Ok)).unwrap();
        ours.receive(answer.bytes()).unwrap();
    }
    assert_eq!(theirs.reply(&reply(Op::Ping, Code::Ok)).err(), Some(EXHAUSTED));
    assert_eq!(ours.receive(&[0; 30]).err(), Some(EXHAUSTED));
}

#[test]
fn a_device_that_keeps_no_limit_is_stopped() {
    let (mut record, mut server, _) = enroll(802, &[b"493817"]);
    let (session, mut theirs) = raw_session(&mut record, &mut server, &mut Seeded::new(1));
    let mut frames = session.seal_many(&[0; 70], limits::SESSION_MESSAGES + 1);
    let last = frames.pop().unwrap();
    for frame in frames {
        theirs.open(&frame).unwrap();
    }
    assert_eq!(theirs.open(&last).err(), Some(EXHAUSTED));
}

#[test]
fn the_fixed_state_of_a_handshake_is_small() {
    assert!(size_of::<cardea_protocol::device::Attempt<Dalek>>() <= 768);
    assert!(size_of::<cardea_protocol::responder::Operation<Dalek>>() <= 1024);
}

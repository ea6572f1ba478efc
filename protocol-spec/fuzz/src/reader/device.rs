//! The readers of the device.

use cardea_protocol::Code;
use cardea_protocol::crypto::Random;
use cardea_protocol::device::{Answer, Confirmed, Delivered, Intent, Received, Record, ResyncAnswer};
use cardea_protocol::noise::{CipherState, Handshake, IK, KK_PSK0, KeyPair, Keys, Role, XK_PSK3};
use cardea_protocol::wire::{LargeReply, Op, Reply};

use super::{House, Mode, NOW, Pair, Sides, frame, reply, seal, sized};
use crate::seeded::Seeded;
pub(super) fn cold_reply<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut attempt = pair.start::<P>(&Intent::Ping);
    if choice & 1 != 0 {
        attempt = pair.recover::<P>();
    }
    let sent = *attempt.frame().bytes();
    let genuine = if mode == Mode::Sealed {
        let mut handshake = pair.responder::<P>(&KK_PSK0, &sent[..10]);
        handshake.read_message(&sent[10..], &mut [0; 70]).expect("genuine");
        let mut frame = [0; 63];
        handshake.write_message(&sized::<14>(data), &mut frame[1..]).expect("fits");
        frame.to_vec()
    } else {
        pair.handle::<P>(&sent).0
    };
    let bytes = if mode == Mode::Sealed { genuine.clone() } else { frame(mode, &genuine, data) };
    let before = *pair.record.encode().expose();
    match attempt.receive(&pair.record, &bytes) {
        Received::Answered(answered) => {
            assert!(mode == Mode::Sealed || bytes == genuine, "a forged answer was taken");
            let next = Record::decode(answered.record().encode().expose()).expect("what is made can be stored");
            assert_eq!(next.generation(), pair.record.generation() + 1);
            assert!(next.hint::<P>() != pair.record.hint::<P>());
        }
        Received::Refused(reply) => assert!(matches!(reply.code, Code::Blocked | Code::NotEnrolled)),
        Received::Plain(code) => assert!(code.is_plain()),
        Received::NotAuthentic if mode == Mode::Sealed => {}
        Received::NotAuthentic => {
            // The attempt goes on waiting.
            assert!(matches!(attempt.receive(&pair.record, &genuine), Received::Answered(_)));
        }
    }
    assert!(pair.record.encode().expose() == &before);
}

pub(super) fn enroll_replies<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut house = House::new::<P>();
    let enrollment = house.e1::<P>();
    let e1 = *enrollment.frame().bytes();
    if choice & 1 == 0 {
        let e2 = if mode == Mode::Sealed {
            let keys = Keys {
                s: Some(house.statics.duplicate()),
                e: Some(KeyPair::from_secret::<P>(house.random.secret())),
                ..Keys::default()
            };
            let mut handshake =
                Handshake::<P>::new(&XK_PSK3, Role::Responder, &[b"cardea1", &e1[..9]], keys).expect("the right keys");
            handshake.read_message(&e1[9..], &mut [0]).expect("genuine");
            let mut e2 = [0; 218];
            // Changes to what a server would say: a signature is hard to come by.
            let mut content = Vec::new();
            content.extend(house.offer.identity);
            content.extend(house.offer.key_record.encode());
            content.extend(house.offer.token.bytes());
            content.extend(house.offer.device.bytes());
            content.extend(house.offer.policy.encode());
            handshake.write_message(&frame(Mode::Changes, &content, data), &mut e2[1..]).expect("fits");
            e2.to_vec()
        } else {
            frame(mode, &house.e2::<P>(&e1).0, data)
        };
        if let Ok(offered) = enrollment.receive(&e2, &mut Seeded(4)) {
            assert!((6..=12).contains(&offered.policy().pin_min));
            let record = house.e3(offered).0;
            assert!(Record::decode(record.encode().expose()).expect("storable").is_provisional());
        }
        return;
    }
    let (e2, keys) = house.e2::<P>(&e1);
    let offered = enrollment.receive(&e2, &mut Seeded(4)).expect("genuine");
    let (record, receipt) = house.e3(offered);
    let mut new = keys.receive(receipt.frame().bytes(), &house.code.psk::<P>()).expect("genuine");
    let e4 = if choice & 2 == 0 {
        new.receipt(&house.identity).expect("a fresh key").bytes().to_vec()
    } else {
        new.refuse(&reply(Op::Ping, Code::Policy)).expect("a fresh key").bytes().to_vec()
    };
    let bytes = frame(mode, &e4, data);
    if receipt.receive(&record, &bytes).is_ok() {
        assert!(bytes == e4 && choice & 2 == 0);
    }
}

pub(super) fn resync_replies<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut resync = pair.record.resync::<P>(NOW, &mut pair.random).expect("a good key");
    let r1 = *resync.frame().bytes();
    let mut handshake = pair.responder::<P>(&IK, &r1[..2]);
    handshake.read_message(&r1[2..], &mut [0; 78]).expect("genuine");
    let mut content: [u8; 22] = sized(&Reply { aux: 1, ..reply(Op::Resync, Code::Ok) }.encode());
    content[14] = 1;
    if mode == Mode::Sealed && choice & 1 == 0 {
        content = sized(data);
    }
    let mut r2 = [0; 71];
    handshake.write_message(&content, &mut r2[1..]).expect("fits");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").responder_to_initiator);
    let bytes = if mode == Mode::Sealed || choice & 1 != 0 { r2.to_vec() } else { frame(mode, &r2, data) };
    let mut answer = resync.receive(&pair.record, &bytes);
    if matches!(answer, ResyncAnswer::NotAuthentic) && mode != Mode::Sealed {
        answer = resync.receive(&pair.record, &r2);
        assert!(matches!(answer, ResyncAnswer::Confirm(_)));
    }
    let ResyncAnswer::Confirm(mut confirm) = answer else { return };
    let genuine = reply(Op::Ping, Code::Ok).encode();
    let answer = match mode {
        Mode::Sealed => seal(&mut key, &sized::<14>(data)),
        _ => frame(mode, &seal(&mut key, &genuine), data),
    };
    if let Confirmed::Resynced(resynced) = confirm.receive(&pair.record, &answer) {
        let next = Record::decode(resynced.record().encode().expose()).expect("what is made can be stored");
        assert!(next.hint::<P>() != pair.record.hint::<P>());
    }
}

pub(super) fn warm_replies<P: Sides>(mode: Mode, _: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut attempt = pair.start::<P>(&Intent::Ping);
    let sent = *attempt.frame().bytes();
    let mut handshake = pair.responder::<P>(&KK_PSK0, &sent[..10]);
    handshake.read_message(&sent[10..], &mut [0; 70]).expect("genuine");
    let mut s1 = [0; 63];
    handshake.write_message(&reply(Op::Ping, Code::Ok).encode(), &mut s1[1..]).expect("fits");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").responder_to_initiator);
    let Received::Answered(answered) = attempt.receive(&pair.record, &s1) else { unreachable!("genuine") };
    let (_, Answer::Operation { session: Some(mut session), .. }) = answered.stored() else {
        unreachable!("a first send")
    };
    // Many frames in one input: sealed cells of both sizes, or whatever.
    for chunk in data.chunks(239) {
        let bytes = match (mode, chunk) {
            (Mode::Sealed, [size, cell @ ..]) if size & 1 == 0 => seal(&mut key, &sized::<14>(cell)),
            (Mode::Sealed, [_, cell @ ..]) => seal(&mut key, &sized::<238>(cell)),
            _ => chunk.to_vec(),
        };
        match session.receive(&bytes) {
            Ok(delivered) => {
                assert!(mode == Mode::Sealed, "a forged frame was taken");
                match delivered {
                    Delivered::Reply(reply) => assert_eq!(Reply::decode(&reply.encode()), Ok(reply)),
                    Delivered::Large(reply) => assert_eq!(LargeReply::decode(&reply.encode()), Ok(reply)),
                    Delivered::Push(push) => assert!(push.encode_large().is_some() != push.to_reply(NOW).is_some()),
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

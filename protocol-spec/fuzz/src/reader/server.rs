//! The readers of the server.

use cardea_protocol::crypto::Random;
use cardea_protocol::device::Intent;
use cardea_protocol::noise::{CipherState, Handshake, IK, KK_PSK0, KeyPair, Keys, Role, XK_PSK3};
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, Verdict};
use cardea_protocol::statement::Extension;
use cardea_protocol::wire::{FirstFrame, Op};
use cardea_protocol::{Code, Secret};

use super::{House, Mode, NOW, Pair, Sides, cold_request, frame, reply, resync_request, seal, sized};
use crate::seeded::Seeded;
pub(super) fn cold_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let fresh = pair.record.duplicate();
    let seed: Secret<32> = Secret::new([9; 32]);
    // The row in one of its states.
    let operation = pair.start::<P>(&Intent::Ping);
    let recovery = pair.recover::<P>();
    let (a, r) = (*operation.frame().bytes(), *recovery.frame().bytes());
    let state = choice & 7;
    if matches!(state, 1 | 2 | 6) {
        pair.handle::<P>(&a);
    }
    if matches!(state, 2 | 3) {
        pair.handle::<P>(&r);
    }
    match state {
        4 => pair.row.marker = 2,
        5 => pair.row.marker = 1,
        6 => pair.row.suspended = true,
        7 => pair.row.device_static_old = Some([3; 32]),
        _ => {}
    }
    let bytes = match (mode, data) {
        (Mode::Sealed, [which, cell @ ..]) => {
            let psk = match which & 3 {
                1 => pair.row.previous.as_ref(),
                2 => pair.row.alternate.as_ref(),
                _ => None,
            };
            let psk = psk.unwrap_or(&pair.row.current).duplicate();
            // The ephemeral key of the accepted RECOVER, or a fresh one.
            let stored = pair.record.encode();
            let e = if which & 4 == 0 {
                seed.duplicate()
            } else {
                Secret::from_slice(&stored.expose()[349..381]).expect("32 bytes")
            };
            let mut clear = vec![0x11, 7];
            clear.extend(cardea_protocol::ratchet::hint::<P>(&psk).bytes());
            let e = KeyPair::from_secret::<P>(e);
            let mut handshake = pair.initiator::<P>(&KK_PSK0, &clear, e, Some(&psk));
            let mut noise = [0; 118];
            let mut cell = sized::<70>(cell);
            if which & 8 != 0 {
                // A RECOVER that declares the operation.
                cell = cardea_protocol::wire::Request::recover(a[10..42].try_into().expect("32 bytes")).encode();
            }
            handshake.write_message(&cell, &mut noise).expect("fits");
            clear.extend(noise);
            clear
        }
        _ => frame(mode, if choice & 8 == 0 { &a } else { &r }, data),
    };
    drop(fresh);
    let Some(request) = cold_request(&bytes) else { return };
    let genuine = bytes == a || bytes == r;
    let before = *pair.row.encode().expose();
    let verdict = responder::receive::<P>(&pair.row, &request, &pair.statics);
    assert!(pair.row.encode().expose() == &before, "looking changes nothing");
    assert!(state != 5 || verdict.is_err(), "a restored row answers nothing");
    let committed = match verdict {
        Err(_) => return,
        Ok(Verdict::Repeat(_)) => return assert!(genuine),
        Ok(Verdict::Refuse(refusal)) => {
            assert!(state == 6 && (genuine || mode == Mode::Sealed));
            let answer = refusal.answer(&reply(Op::Ping, Code::Ok), &mut pair.random);
            return assert!(answer.is_some());
        }
        Ok(Verdict::CloneProved) => {
            assert!(mode == Mode::Sealed || genuine);
            return assert!(Some(request.hint()) != pair.row.hints::<P>()[0], "the current key proves nothing");
        }
        Ok(Verdict::Operation(operation)) => {
            assert!(mode == Mode::Sealed || genuine);
            let extension = Extension::Confirmation { id: &[1; 8], text: "x" };
            assert!(operation.statement_with(&pair.row, &request, &pair.statics, extension).bytes().len() == 122);
            let reply = reply(operation.request().op, Code::Ok);
            operation.commit(&pair.row, &reply, &mut pair.random)
        }
        Ok(Verdict::Recover(recovery)) => {
            assert!(mode == Mode::Sealed || genuine);
            recovery.commit(&pair.row, &reply(Op::Ping, Code::Ok), &mut pair.random)
        }
    };
    let committed = committed.expect("the same row");
    let row = Row::decode(committed.row.encode().expose()).expect("what is made can be stored");
    let again = responder::receive::<P>(&row, &request, &pair.statics);
    assert!(matches!(again, Ok(Verdict::Repeat(frame)) if frame == committed.reply));
}

pub(super) fn enroll_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut house = House::new::<P>();
    let enrollment = house.e1::<P>();
    let e1 = *enrollment.frame().bytes();
    if choice & 1 == 0 {
        let bytes = frame(mode, &e1, data);
        if let Ok(FirstFrame::Enroll(request)) = FirstFrame::parse(&bytes) {
            let answer = responder::offer::<P>(&request, &house.statics, &house.offer, &mut house.random);
            assert_eq!(answer.is_ok(), bytes == e1);
        }
        return;
    }
    let (e2, keys) = house.e2::<P>(&e1);
    let psk = house.code.psk::<P>();
    if mode != Mode::Sealed {
        let offered = enrollment.receive(&e2, &mut Seeded(4)).expect("genuine");
        let receipt = house.e3(offered).1;
        let bytes = frame(mode, receipt.frame().bytes(), data);
        assert_eq!(keys.receive(&bytes, &psk).is_ok(), bytes == receipt.frame().bytes());
        return;
    }
    // A device with manners up to E3.
    let own = KeyPair::from_secret::<P>(house.random.secret());
    let own_public = *own.public();
    let keys_of_device = Keys {
        s: Some(own),
        e: Some(KeyPair::from_secret::<P>(house.random.secret())),
        rs: Some(*house.statics.public()),
        psk: Some(psk.duplicate()),
    };
    let id = house.code.id();
    let mut handshake =
        Handshake::<P>::new(&XK_PSK3, Role::Initiator, &[b"cardea1", &[0x13], &id], keys_of_device).expect("keys");
    let mut e1 = [0; 58];
    e1[0] = 0x13;
    e1[1..9].copy_from_slice(&id);
    handshake.write_message(&[1], &mut e1[9..]).expect("fits");
    let (e2, keys) = house.e2::<P>(&e1);
    handshake.read_message(&e2[1..], &mut [0; 169]).expect("genuine");
    let seeds = [1, 2, 3, 4, 5].map(|byte| Secret::new([byte; 32]));
    let mut content: Vec<u8> = seeds.iter().flat_map(P::ed25519_public).collect();
    for (seed, slot) in seeds.iter().zip([0, 1, 2, 3, 0xff]) {
        let message = [b"cardea1 proof".as_slice(), &[slot], handshake.hash(), &own_public].concat();
        content.extend(P::ed25519_sign(seed, &message));
    }
    content.extend([3, 0, 1, 0]);
    content.resize(496, 0);
    let mut e3 = [0; 560];
    handshake.write_message(&frame(Mode::Changes, &content, data), &mut e3).expect("fits");
    if let Ok(new) = keys.receive(&e3, &psk) {
        // Nothing but the device's description of itself can be other than it was.
        assert!(data.iter().take(480).all(|byte| *byte == 0) || data.iter().take(160).any(|byte| *byte != 0));
        assert!(!new.info.biometric);
        assert!(Row::decode(new.row.encode().expose()).is_ok());
    }
}

pub(super) fn resync_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    pair.row.marker = choice >> 1 & 1;
    pair.row.revoked = choice & 4 != 0;
    pair.row.clone_blocked = choice & 8 != 0;
    let resync = pair.record.resync::<P>(NOW, &mut pair.random.clone()).expect("a good key");
    let r1 = *resync.frame().bytes();
    let e = KeyPair::from_secret::<P>(pair.random.clone().secret());
    let mut handshake = pair.initiator::<P>(&IK, &r1[..2], e, None);
    // What the genuine R1 says, changed.
    let mut reader = pair.responder::<P>(&IK, &r1[..2]);
    let mut content = [0; 78];
    reader.read_message(&r1[2..], &mut content).expect("genuine");
    let sealed = mode == Mode::Sealed && choice & 1 == 0;
    let content = if sealed { frame(Mode::Changes, &content, data) } else { content.to_vec() };
    let mut own = r1;
    handshake.write_message(&content, &mut own[2..]).expect("fits");
    let bytes = if mode == Mode::Sealed || choice & 1 != 0 { own.to_vec() } else { frame(mode, &r1, data) };
    let Some(request) = resync_request(&bytes) else { return };
    let Ok(opened) = responder::open_resync::<P>(&request, &pair.statics) else {
        return assert!(sealed || bytes != r1);
    };
    assert!(mode == Mode::Sealed || bytes == r1);
    let before = *pair.row.encode().expose();
    let Ok((r2, mut awaiting)) = opened.answer(&pair.row, &reply(Op::Resync, Code::Ok), &mut pair.random) else {
        return;
    };
    handshake.read_message(&r2.bytes()[1..], &mut [0; 22]).expect("genuine");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").initiator_to_responder);
    let confirm = match mode {
        Mode::Sealed => seal(&mut key, &sized::<70>(if sealed { &[] } else { data })),
        _ => data.to_vec(),
    };
    if let Ok(next) = awaiting.confirm(&pair.row, &confirm) {
        assert!(mode == Mode::Sealed);
        let next = Row::decode(next.encode().expose()).expect("what is made can be stored");
        let barred = pair.row.revoked || pair.row.clone_blocked;
        assert!(!barred || next.encode().expose() == &before);
        assert!(awaiting.reply(&reply(Op::Ping, Code::Ok)).is_ok());
    }
    assert!(pair.row.encode().expose() == &before);
}

pub(super) fn warm_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut clear = vec![0x11, 7];
    clear.extend(pair.record.hint::<P>().bytes());
    let e = KeyPair::from_secret::<P>(pair.random.secret());
    let psk = pair.row.current.duplicate();
    let mut handshake = pair.initiator::<P>(&KK_PSK0, &clear, e, Some(&psk));
    let mut noise = [0; 118];
    handshake.write_message(&[0; 70], &mut noise).expect("fits");
    clear.extend(noise);
    let (s1, session) = pair.handle::<P>(&clear);
    let mut session = session.expect("a first acceptance");
    handshake.read_message(&s1[1..], &mut [0; 14]).expect("genuine");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").initiator_to_responder);
    for chunk in data.chunks(239) {
        let bytes = match (mode, chunk) {
            (Mode::Sealed, [size, cell @ ..]) if size & 1 == 0 => seal(&mut key, &sized::<70>(cell)),
            (Mode::Sealed, [_, cell @ ..]) => seal(&mut key, &sized::<238>(cell)),
            _ => chunk.to_vec(),
        };
        let Ok(operation) = session.open(&bytes) else { continue };
        assert!(mode == Mode::Sealed, "a forged frame was taken");
        let extension = Extension::Confirmation { id: &[1; 8], text: "x" };
        assert!((82..=122).contains(&operation.statement::<P>(extension).bytes().len()));
        let code = Code::from_number(choice % 17).expect("there are 17");
        let next = operation.commit(&pair.row, &session.fence(), code).expect("the session owns the row");
        pair.row = Row::decode(next.encode().expose()).expect("what is made can be stored");
        assert_eq!(pair.row.last, Some((operation.id, code)));
    }
}

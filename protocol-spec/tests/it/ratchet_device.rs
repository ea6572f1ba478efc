//! The device's table of the design (section 3.1), line by line, as far as it is the core's: each test fails without
//! its line. What a record must be before the next step is what [`StoreFirst`](cardea_protocol::device::StoreFirst) holds.

use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::{Answer, Delivered, Intent, Pending, Received, Record};
use cardea_protocol::noise::{Handshake, KK_PSK0, Keys, Role};
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{COLD_REPLY_LEN, Op, PlainFrame, Push, Reply};
use cardea_protocol::{ApiMisuse, Code, ProtocolError, Secret};

use crate::pair::{
    Handled, NOW, Seeded, Server, enroll, operate, pin_key, receive, recover, reply, rotate_server_key, start, store,
};

pub(crate) const PIN: &[u8] = b"493817";

pub(crate) fn image(record: &Record) -> Vec<u8> {
    record.encode().expose().to_vec()
}

pub(crate) fn misuse<T>(result: Result<T, ProtocolError>) -> Option<ApiMisuse> {
    match result {
        Err(ProtocolError::ApiMisuse(misuse)) => Some(misuse),
        _ => None,
    }
}

pub(crate) fn plain(code: Code) -> Vec<u8> {
    PlainFrame { code, random: [7; 62] }.encode().bytes().to_vec()
}

#[test]
fn an_operation_is_marked_pending_before_it_leaves() {
    let (record, _, _) = enroll(200, &[PIN]);
    let first = record.start::<Dalek>(&Intent::Ping, NOW, &mut Seeded::new(1)).unwrap();
    let (next, attempt) = first.stored();
    let frame = attempt.frame().bytes();
    // e_A is the public key that travels, and nothing else in the record has changed.
    assert_eq!(next.pending(), &Pending::Attempt(frame[10..42].try_into().unwrap()));
    assert_eq!((next.generation(), next.hint::<Dalek>()), (record.generation(), record.hint::<Dalek>()));
    let differs = image(&record).iter().zip(image(&next)).filter(|(a, b)| *a != b).count();
    assert!(differs <= 33, "{differs}");
    // The secret half is nowhere in it.
    let mut random = Seeded::new(1);
    let secret: Secret<32> = random.secret();
    assert!(!image(&next).windows(32).any(|window| window == secret.expose()));
}

#[test]
fn there_is_never_a_second_operation_while_one_is_pending() {
    let (mut record, _, _) = enroll(201, &[PIN]);
    let mut random = Seeded::new(1);
    start(&mut record, &Intent::Ping, &mut random);
    assert_eq!(misuse(record.start::<Dalek>(&Intent::Ping, NOW, &mut random)), Some(ApiMisuse::AttemptPending));
    recover(&mut record, &mut random);
    assert_eq!(misuse(record.start::<Dalek>(&Intent::Close, NOW, &mut random)), Some(ApiMisuse::AttemptPending));
    assert_eq!(misuse(record.recover_warm::<Dalek>(&[1; 32], &mut random)), Some(ApiMisuse::AttemptPending));
}

#[test]
fn the_mark_survives_a_restart() {
    let (mut record, mut server, _) = enroll(202, &[PIN]);
    let mut random = Seeded::new(1);
    let attempt = start(&mut record, &Intent::Ping, &mut random);
    server.handle(attempt.frame().bytes()).reply();
    drop(attempt);
    let mut record = Record::decode(record.encode().expose()).unwrap();
    assert!(record.start::<Dalek>(&Intent::Ping, NOW, &mut random).is_err());
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    assert!(matches!(receive(&mut record, &mut recovery, &answer), Answer::Recovered { outcome: Some(Code::Ok) }));
    // And then a new operation in a new handshake at the new key.
    let (code, ..) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!(code, Code::Ok);
}

#[test]
fn a_retry_is_the_same_bytes_and_its_answer_opens_no_session() {
    let (mut record, mut server, _) = enroll(203, &[PIN]);
    let mut attempt = start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    let first = attempt.frame().bytes().to_vec();
    let answer = server.handle(&first).reply();
    for _ in cardea_protocol::limits::RETRY_SECONDS {
        assert_eq!(attempt.resend().bytes().as_slice(), first);
    }
    match receive(&mut record, &mut attempt, &answer) {
        Answer::Operation { session: None, reply } => assert_eq!(reply.code, Code::Ok),
        other => panic!("unexpected {other:?}"),
    }
    assert_eq!(record.pending(), &Pending::None);
}

#[test]
fn the_answer_to_a_first_send_opens_a_session() {
    let (mut record, mut server, _) = enroll(204, &[PIN]);
    let mut attempt = start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    let answer = server.handle(attempt.frame().bytes()).reply();
    assert!(matches!(receive(&mut record, &mut attempt, &answer), Answer::Operation { session: Some(_), .. }));
}

#[test]
fn a_recover_declares_the_attempt_and_stores_its_seed_first() {
    let (mut record, _, _) = enroll(205, &[PIN]);
    let mut random = Seeded::new(1);
    let attempt = start(&mut record, &Intent::Ping, &mut random);
    let sent: [u8; 32] = attempt.frame().bytes()[10..42].try_into().unwrap();
    let (next, recovery) = record.recover::<Dalek>(&mut random).unwrap().stored();
    match next.pending() {
        Pending::Recovery { declared, seed } => {
            assert_eq!(declared, &sent);
            let public = <Dalek as cardea_protocol::crypto::Provider>::x25519_public(seed);
            assert_eq!(&recovery.frame().bytes()[10..42], &public);
        }
        other => panic!("unexpected {other:?}"),
    }
    assert!(recovery.is_recovery() && !attempt.is_recovery());
    assert_eq!(next.hint::<Dalek>(), record.hint::<Dalek>(), "the key is not touched");
}

#[test]
fn a_recover_is_the_same_bytes_for_ever() {
    let (mut record, _, _) = enroll(206, &[PIN]);
    start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    let first = recover(&mut record, &mut Seeded::new(2)).frame().bytes().to_vec();
    let stored = image(&record);
    for seed in 3..6 {
        // Other randomness, another process.
        record = store(&record);
        assert_eq!(recover(&mut record, &mut Seeded::new(seed)).frame().bytes().as_slice(), first);
        assert_eq!(image(&record), stored);
    }
}

#[test]
fn a_recover_changes_only_for_a_newer_server_key() {
    let (mut record, mut server, _) = enroll(207, &[PIN]);
    let mut random = Seeded::new(1);
    start(&mut record, &Intent::Ping, &mut random);
    let first = recover(&mut record, &mut random).frame().bytes().to_vec();
    rotate_server_key(&mut record, &mut server);
    let again = recover(&mut record, &mut random).frame().bytes().to_vec();
    assert_ne!(again, first);
    assert_eq!(again[10..42], first[10..42], "the ephemeral key is the same");
    assert_eq!(again[2..10], first[2..10], "and so is the ratchet key");
}

#[test]
fn nothing_pending_is_nothing_to_recover() {
    let (record, _, _) = enroll(208, &[PIN]);
    assert_eq!(misuse(record.recover::<Dalek>(&mut Seeded::new(1))), Some(ApiMisuse::NothingPending));
}

#[test]
fn an_authentic_answer_ratchets_and_clears_the_mark_before_it_is_shown() {
    let (mut record, mut server, _) = enroll(209, &[PIN]);
    let before = record.hint::<Dalek>();
    let mut attempt = start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    let answer = server.handle(attempt.frame().bytes()).reply();
    let Received::Answered(answered) = attempt.receive(&record, &answer) else { panic!("answered") };
    // The result can be had only together with the record.
    let next = answered.record();
    assert_eq!((next.generation(), next.pending()), (1, &Pending::None));
    assert_ne!(next.hint::<Dalek>(), before);
    // What was pending is wiped: e_A and seed.
    let at = 414 - 97;
    assert_eq!(&image(next)[at..at + 64], &[0; 64]);
}

#[test]
fn the_answer_to_a_recover_wipes_its_seed_and_opens_no_session() {
    let (mut record, mut server, _) = enroll(210, &[PIN]);
    let mut random = Seeded::new(1);
    start(&mut record, &Intent::Ping, &mut random);
    let mut recovery = recover(&mut record, &mut random);
    let Pending::Recovery { seed, .. } = record.pending() else { panic!("pending") };
    let seed = seed.duplicate();
    let Handled::Reply(answer, None) = server.handle(recovery.frame().bytes()) else { panic!("no session") };
    // Answer::Recovered has no session to give.
    assert!(matches!(receive(&mut record, &mut recovery, &answer), Answer::Recovered { outcome: None }));
    assert!(!image(&record).windows(32).any(|window| window == seed.expose()));
    assert_eq!(record.generation(), 1);
}

#[test]
fn a_stale_operation_ratchets_like_any_other() {
    let (mut record, mut server, _) = enroll(211, &[PIN]);
    server.answer = Some(Code::Stale);
    let key = pin_key(&record.pin_derivation(), PIN);
    let mut random = Seeded::new(1);
    let (code, ..) = operate(&mut record, &mut server, &Intent::Open { window: 0, key: &key }, &mut random);
    assert_eq!((code, record.generation()), (Code::Stale, 1));
    server.answer = None;
    let (code, ..) = operate(&mut record, &mut server, &Intent::Open { window: 0, key: &key }, &mut random);
    assert_eq!((code, record.generation()), (Code::Ok, 2));
}

#[test]
fn a_refused_device_stores_nothing_and_goes_on_when_it_is_unblocked() {
    for mark in
        [|server: &mut Server, on| server.row.clone_blocked = on, |server: &mut Server, on| server.row.revoked = on]
    {
        let (mut record, mut server, _) = enroll(212, &[PIN]);
        let mut random = Seeded::new(1);
        let mut attempt = start(&mut record, &Intent::Ping, &mut random);
        let before = image(&record);
        mark(&mut server, true);
        let answer = server.handle(attempt.frame().bytes()).reply();
        // Refused is a variant without a record: there is nothing that could be stored, and the mark stays.
        assert!(matches!(attempt.receive(&record, &answer), Received::Refused(_)));
        assert_eq!(image(&record), before);
        assert!(record.start::<Dalek>(&Intent::Ping, NOW, &mut random).is_err());
        mark(&mut server, false);
        let mut recovery = recover(&mut record, &mut random);
        let answer = server.handle(recovery.frame().bytes()).reply();
        assert!(matches!(receive(&mut record, &mut recovery, &answer), Answer::Recovered { outcome: None }));
        let (code, ..) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
        assert_eq!(code, Code::Ok);
    }
}

#[test]
fn an_answer_that_does_not_authenticate_leaves_the_attempt_waiting() {
    let (mut record, mut server, _) = enroll(213, &[PIN]);
    let mut attempt = start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    let answer = server.handle(attempt.frame().bytes()).reply();
    let mut other_device = enroll(214, &[PIN]);
    let foreign = start(&mut other_device.0, &Intent::Ping, &mut Seeded::new(1));
    let foreign = other_device.1.handle(foreign.frame().bytes()).reply();
    for at in 0..answer.len() {
        let mut changed = answer.clone();
        changed[at] ^= 0x40;
        assert!(matches!(attempt.receive(&record, &changed), Received::NotAuthentic), "byte {at}");
    }
    for length in 0..200 {
        let bytes = vec![0; length];
        assert!(matches!(attempt.receive(&record, &bytes), Received::NotAuthentic), "{length} bytes");
    }
    assert!(matches!(attempt.receive(&record, &foreign), Received::NotAuthentic));
    let own = attempt.frame().bytes().to_vec();
    assert!(matches!(attempt.receive(&record, &own), Received::NotAuthentic));
    // The true one still works, once.
    receive(&mut record, &mut attempt, &answer);
    assert!(matches!(attempt.receive(&record, &answer), Received::NotAuthentic));
}

#[test]
fn the_answer_to_another_operation_is_no_answer() {
    // A server whose keys are right and whose answers are not.
    let answer = |op: Op, recovery: bool, aux: u16| {
        let (mut record, server, _) = enroll(239, &[PIN]);
        let mut random = Seeded::new(1);
        let mut attempt = start(&mut record, &Intent::Ping, &mut random);
        if recovery {
            attempt = recover(&mut record, &mut random);
        }
        let frame = *attempt.frame().bytes();
        let keys = Keys {
            s: Some(server.statics.duplicate()),
            e: Some(random.pair()),
            rs: Some(server.row.device_static),
            psk: Some(server.row.current.duplicate()),
        };
        let mut handshake =
            Handshake::<Dalek>::new(&KK_PSK0, Role::Responder, &[b"cardea1", &frame[..10]], keys).unwrap();
        handshake.read_message(&frame[10..], &mut [0; 70]).unwrap();
        let mut s1 = [0; 63];
        handshake.write_message(&Reply { aux, ..reply(op, Code::Ok) }.encode(), &mut s1[1..]).unwrap();
        matches!(attempt.receive(&record, &s1), Received::Answered(_))
    };
    for op in Op::ALL {
        assert_eq!(answer(*op, false, 0x11), *op == Op::Ping, "{op:?}");
        assert_eq!(answer(*op, true, 0), *op == Op::Recover, "{op:?}");
    }
    // An outcome is "never", or a code that exists.
    for (aux, good) in
        [(0, true), (0x100, true), (0x110, true), (0x111, false), (1, false), (0x200, false), (0xffff, false)]
    {
        assert_eq!(answer(Op::Recover, true, aux), good, "{aux:#06x}");
    }
}

#[test]
fn an_answer_is_not_looked_at_with_a_record_of_another_generation() {
    let (mut record, mut server, _) = enroll(215, &[PIN]);
    let mut random = Seeded::new(1);
    let older = record.duplicate();
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let mut attempt = start(&mut record, &Intent::Ping, &mut random);
    let answer = server.handle(attempt.frame().bytes()).reply();
    // It would be ratcheted into a key that the server has never seen.
    assert!(matches!(attempt.receive(&older, &answer), Received::NotAuthentic));
    receive(&mut record, &mut attempt, &answer);
}

#[test]
fn plain_frames_change_nothing() {
    let (mut record, mut server, _) = enroll(216, &[PIN]);
    let mut attempt = start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    for code in Code::ALL.into_iter().filter(|code| code.is_plain()) {
        assert!(matches!(attempt.receive(&record, &plain(code)), Received::Plain(said) if said == code));
    }
    let answer = server.handle(attempt.frame().bytes()).reply();
    receive(&mut record, &mut attempt, &answer);
}

#[test]
fn a_lost_warm_reply_is_recovered_by_its_operation_id() {
    let (mut record, mut server, _) = enroll(217, &[PIN]);
    let mut random = Seeded::new(1);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let request = ours.request(&record, &Intent::Close, NOW).unwrap();
    let operation = theirs.open(request.frame().bytes()).unwrap();
    server.row = operation.commit(&server.row, &theirs.fence(), Code::Ok).unwrap();
    let (next, mut recovery) = record.recover_warm::<Dalek>(request.id(), &mut random).unwrap().stored();
    assert!(matches!(next.pending(), Pending::Recovery { declared, .. } if declared == request.id()));
    record = store(&next);
    let answer = server.handle(recovery.frame().bytes()).reply();
    assert!(matches!(receive(&mut record, &mut recovery, &answer), Answer::Recovered { outcome: Some(Code::Ok) }));
    // The fence: the session of before is dead.
    let late = ours.request(&record, &Intent::Close, NOW).unwrap();
    let late = theirs.open(late.frame().bytes()).unwrap();
    assert!(late.commit(&server.row, &theirs.fence(), Code::Ok).is_none());
}

#[test]
fn each_warm_operation_has_an_id_of_its_own() {
    let (mut record, mut server, _) = enroll(218, &[PIN]);
    let mut random = Seeded::new(1);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let request = ours.request(&record, &Intent::Ping, NOW).unwrap();
        assert_eq!(&theirs.open(request.frame().bytes()).unwrap().id, request.id());
        assert!(!seen.contains(request.id()));
        seen.push(*request.id());
    }
}

#[test]
fn a_signature_is_over_the_sessions_generation_whatever_record_is_at_hand() {
    // Over another generation it would be wrong, and count as a wrong PIN.
    let (mut record, mut server, _) = enroll(232, &[PIN]);
    let older = record.duplicate();
    let key = pin_key(&record.pin_derivation(), PIN);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    let request = ours.request(&older, &Intent::Open { window: 0, key: &key }, NOW).unwrap();
    let operation = theirs.open(request.frame().bytes()).unwrap();
    let statement = operation.statement::<Dalek>(cardea_protocol::statement::Extension::None);
    let verify = <Dalek as cardea_protocol::crypto::Provider>::ed25519_verify;
    assert!(verify(&server.keys[0], statement.bytes(), operation.request.signature()));
}

#[test]
fn arguments_out_of_range_are_refused_before_anything_is_signed_or_stored() {
    let (mut record, mut server, _) = enroll(233, &[PIN]);
    let mut random = Seeded::new(1);
    let key = pin_key(&record.pin_derivation(), PIN);
    let (id, text) = (&[1; 8], "Pay 3");
    let bad = [
        Intent::Open { window: 32, key: &key },
        Intent::Subscribe { mask: 8 },
        Intent::Confirm { index: 3, id, text, key: &key },
        Intent::Deny { index: 3, reason: 0, id, text },
        Intent::Deny { index: 16, reason: 0, id, text },
        Intent::Deny { index: 0, reason: 16, id, text },
    ];
    let good = [
        Intent::Open { window: 31, key: &key },
        Intent::Subscribe { mask: 7 },
        Intent::Confirm { index: 2, id, text, key: &key },
        Intent::Deny { index: 2, reason: 15, id, text },
    ];
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    for intent in &bad {
        assert_eq!(misuse(record.start::<Dalek>(intent, NOW, &mut random)), Some(ApiMisuse::OutOfRange));
        assert_eq!(misuse(ours.request(&record, intent, NOW)), Some(ApiMisuse::OutOfRange));
    }
    for intent in &good {
        assert!(record.start::<Dalek>(intent, NOW, &mut random).is_ok());
        let request = ours.request(&record, intent, NOW).unwrap();
        assert_eq!(theirs.open(request.frame().bytes()).unwrap().request.op(), intent.op());
    }
    let keys = [(); 4].map(|()| cardea_protocol::pin::PinKey::random(&mut random));
    assert_eq!(misuse(ours.set_pins(&record, &key, &keys, true, NOW)), Some(ApiMisuse::OutOfRange));
    assert!(ours.set_pins(&record, &key, &keys, false, NOW).is_ok());
}

#[test]
fn a_session_takes_only_cells_that_belong_into_one() {
    let (mut record, mut server, _) = enroll(234, &[PIN]);
    for op in Op::ALL {
        let (_, mut ours, mut theirs) =
            operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(u64::from(op.number())));
        let cell = Reply { op: *op, status: DeviceStatus::Closed, ..reply(Op::Ping, Code::Ok) };
        let frame = theirs.reply(&cell).unwrap();
        let small = matches!(
            op,
            Op::Ping | Op::Open | Op::Close | Op::Status | Op::Subscribe | Op::Confirm | Op::Deny | Op::Unenroll
        );
        match ours.receive(frame.bytes()) {
            Ok(Delivered::Reply(reply)) => assert!(small && reply == cell, "{op:?}"),
            Ok(Delivered::Push(Push::State(_) | Push::Revoked(_) | Push::Attempt(_))) => {
                assert!(matches!(op, Op::PushState | Op::PushRevoked | Op::PushAttempt), "{op:?}");
            }
            Err(_) => assert!(!small, "{op:?}"),
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[test]
fn the_highest_version_that_the_server_spoke_is_remembered() {
    let (mut record, mut server, _) = enroll(235, &[PIN]);
    let version = |record: &Record| record.encode().expose()[413];
    assert_eq!(version(&record), 1);
    server.versions = Reply::versions(1, 3);
    operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    assert_eq!(version(&record), 3);
    server.versions = Reply::versions(1, 2);
    operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(2));
    assert_eq!(version(&record), 3, "never lower");
}

#[test]
fn a_lost_receipt_is_settled_by_the_first_authentic_answer() {
    let (record, mut server, _) = enroll(236, &[PIN]);
    let mut stored = *record.encode().expose();
    stored[1] |= 1;
    let mut record = Record::decode(&stored).unwrap();
    assert!(record.is_provisional());
    let mut random = Seeded::new(1);
    start(&mut record, &Intent::Ping, &mut random);
    assert!(record.is_provisional());
    let mut recovery = recover(&mut record, &mut random);
    assert!(record.is_provisional());
    let answer = server.handle(recovery.frame().bytes()).reply();
    receive(&mut record, &mut recovery, &answer);
    assert!(!record.is_provisional());
}

#[test]
fn a_stored_record_has_one_valid_encoding() {
    let (mut record, _, _) = enroll(237, &[PIN]);
    let check = |record: &Record| {
        let stored = *record.encode().expose();
        for at in 0..stored.len() {
            for bit in 0..8 {
                let mut changed = stored;
                changed[at] ^= 1 << bit;
                if let Ok(decoded) = Record::decode(&changed) {
                    assert!(decoded.encode().expose() == &changed, "byte {at} bit {bit}");
                }
            }
        }
    };
    check(&record);
    start(&mut record, &Intent::Ping, &mut Seeded::new(1));
    check(&record);
    recover(&mut record, &mut Seeded::new(2));
    check(&record);
    // Unused fields are zero: `e_A`, seed, next static, next server key.
    let (fresh, _, _) = enroll(238, &[PIN]);
    let stored = *fresh.encode().expose();
    for at in (276..317).chain(317..413) {
        let mut changed = stored;
        changed[at] = 1;
        assert!(Record::decode(&changed).is_err(), "byte {at}");
    }
    let mut newer = stored;
    newer[0] = 2;
    assert_eq!(Record::decode(&newer).err(), Some(cardea_protocol::wire::DecodeError::Version(2)));
}

#[test]
fn a_cold_reply_has_the_size_of_a_plain_error() {
    assert_eq!(plain(Code::Overloaded).len(), COLD_REPLY_LEN);
}

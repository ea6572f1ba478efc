//! The server's table of the design (section 3.2), from line 9: each test fails without its line.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::device::{Answer, Intent, Record};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::ratchet::{AttemptKind, Row, hint};
use cardea_protocol::responder::{self, Dropped, Verdict};
use cardea_protocol::token::Hint;
use cardea_protocol::wire::{KeyRecord, Op};

use crate::pair::{NOW, Seeded, Server, enroll, operate, pin_key, receive, recover, reply, rotate_server_key, start};

use crate::ratchet_server::{PIN, bytes, cold, declare, dropped, forked, is_clone, look, outcome, ping};

/// A RECOVER was accepted and its reply lost.
fn recovered(seed: u64) -> (Record, Server, Seeded) {
    let (mut record, mut server, _) = enroll(seed, &[PIN]);
    let mut random = Seeded::new(seed ^ 0xffff);
    let key = pin_key(&record.pin_derivation(), b"314159");
    let attempt = start(&mut record, &Intent::Open { window: 0, key: &key }, &mut random);
    server.handle(attempt.frame().bytes()).reply();
    let recovery = recover(&mut record, &mut random);
    server.handle(recovery.frame().bytes()).reply();
    (record, server, random)
}

#[test]
fn line_9_a_recover_made_again_for_a_newer_server_key_is_accepted_with_the_same_outcome() {
    let (mut record, mut server, mut random) = recovered(117);
    let old = bytes(&recover(&mut record, &mut random));
    let generation = server.row.generation;
    let lost = hint::<Dalek>(&server.row.current);
    rotate_server_key(&mut record, &mut server);
    let mut again = recover(&mut record, &mut random);
    assert_ne!(bytes(&again), old);
    let answer = server.handle(again.frame().bytes()).reply();
    assert_eq!(server.row.hints::<Dalek>()[2], Some(lost), "the child that nobody knows is the alternate");
    assert_eq!(outcome(&mut record, &mut again, &answer), Some(Code::PinRejected));
    assert_eq!((server.row.generation, record.generation()), (generation, generation));
    let (code, ..) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!(code, Code::Ok);
}

#[test]
fn line_9_a_recover_for_an_older_server_key_comes_too_late() {
    let (mut record, mut server, mut random) = recovered(118);
    let older = (record.duplicate(), server.statics.duplicate());
    rotate_server_key(&mut record, &mut server);
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    // The old key is still accepted for other devices.
    let (mut stale, statics) = older;
    let mut late = recover(&mut stale, &mut random).frame().bytes().to_vec();
    let verdict = responder::receive::<Dalek>(&server.row, &cold(&late), &statics);
    assert!(matches!(verdict, Err(Dropped::Superseded)));
    // Only if it authenticates.
    late[120] ^= 1;
    let verdict = responder::receive::<Dalek>(&server.row, &cold(&late), &statics);
    assert!(matches!(verdict, Err(Dropped::NotAuthentic)));
}

#[test]
fn line_9_the_same_recover_in_other_bytes_proves_a_clone() {
    let (mut record, mut server, mut random) = recovered(119);
    let mut liar = declare(&record, [0x77; 32]);
    assert!(is_clone(&server, &bytes(&recover(&mut liar, &mut random))));
    // For a newer server key as well: what it declares may not change.
    rotate_server_key(&mut record, &mut server);
    let mut liar = declare(&record, [0x77; 32]);
    assert!(is_clone(&server, &bytes(&recover(&mut liar, &mut random))));
}

#[test]
fn line_9_the_same_recover_under_another_static_key_proves_a_clone() {
    // A ROTATE arrived, its reply is lost. The honest RECOVER comes under the old static key, however often.
    let (mut record, mut server, _) = enroll(140, &[PIN]);
    let mut random = Seeded::new(9);
    let key = pin_key(&record.pin_derivation(), PIN);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let (next, rotation) = ours.rotate(&record, &key, NOW, &mut random).unwrap().stored();
    record = next;
    let operation = theirs.open(rotation.frame().bytes()).unwrap();
    server.row = operation.commit(&server.row, &theirs.fence(), Code::Ok).unwrap();
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    // A copy that helps itself to the new one says the same, for the same server key, in other bytes.
    let mut stored = *record.encode().expose();
    let secret = cardea_protocol::Secret::<32>::from_slice(&stored[381..413]).unwrap();
    stored[43..75].copy_from_slice(secret.expose());
    stored[75..107].copy_from_slice(&Dalek::x25519_public(&secret));
    let mut copy = Record::decode(&stored).unwrap();
    assert!(is_clone(&server, &bytes(&recover(&mut copy, &mut random))));
}

#[test]
fn line_10_an_honest_fork_replaces_the_child_whose_reply_was_lost() {
    let (mut record, mut server, _) = enroll(120, &[PIN]);
    let mut random = Seeded::new(1);
    let key = pin_key(&record.pin_derivation(), b"314159");
    let attempt = start(&mut record, &Intent::Open { window: 0, key: &key }, &mut random);
    server.handle(attempt.frame().bytes()).reply();
    let accepted = server.row.accepted.expect("accepted");
    assert_eq!((accepted.kind, accepted.outcome), (AttemptKind::Operation, Some(Code::PinRejected)));
    let [lost, base, _] = server.row.hints::<Dalek>();
    let mut recovery = recover(&mut record, &mut random);
    let frame = bytes(&recovery);
    let answer = server.handle(&frame).reply();
    let [current, previous, alternate] = server.row.hints::<Dalek>();
    assert_eq!((previous, alternate), (base, lost));
    assert!(current != lost && current != base);
    let now = server.row.accepted.expect("accepted");
    assert_eq!(now.kind, AttemptKind::Recovery);
    assert_eq!((now.hash, now.ephemeral), (Dalek::sha256(&[&frame]), cold(&frame).ephemeral()));
    assert_eq!((now.declared, server.row.dead), (accepted.ephemeral, Some(accepted.ephemeral)));
    assert_eq!(server.row.generation, 1);
    assert_eq!(outcome(&mut record, &mut recovery, &answer), Some(Code::PinRejected));
    assert_eq!(Some(record.hint::<Dalek>()), current);
    assert_eq!(record.generation(), 1);
    assert_eq!(server.executed, [Op::Open], "a RECOVER carries no operation");
}

#[test]
fn line_11_a_second_operation_of_one_generation_proves_a_clone() {
    let (mut record, mut server, _) = enroll(121, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    server.handle(ping(&mut record, &mut random).frame().bytes()).reply();
    assert!(is_clone(&server, &bytes(&ping(&mut copy, &mut random))));
}

#[test]
fn line_11_a_recover_that_declares_another_attempt_proves_a_clone() {
    let (mut record, mut server, _) = enroll(122, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    // The copy's attempt was accepted; the original never sent it and declares its own.
    server.handle(ping(&mut copy, &mut random).frame().bytes()).reply();
    ping(&mut record, &mut random);
    assert!(is_clone(&server, &bytes(&recover(&mut record, &mut random))));
}

#[test]
fn line_11_two_recovers_of_one_attempt_prove_a_clone() {
    let (mut record, mut server, _) = enroll(123, &[PIN]);
    let mut random = Seeded::new(1);
    ping(&mut record, &mut random);
    let mut copy = record.duplicate();
    server.handle(recover(&mut copy, &mut random).frame().bytes()).reply();
    assert!(is_clone(&server, &bytes(&recover(&mut record, &mut random))));
}

#[test]
fn line_11_an_operation_after_the_recover_of_the_same_key_proves_a_clone() {
    let (mut record, mut server, _) = enroll(124, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    ping(&mut record, &mut random);
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    assert!(is_clone(&server, &bytes(&ping(&mut copy, &mut random))));
}

#[test]
fn line_12_a_recover_on_the_current_key_says_that_the_attempt_never_arrived() {
    let (mut record, mut server, _) = enroll(125, &[PIN]);
    let mut random = Seeded::new(1);
    let lost = bytes(&ping(&mut record, &mut random));
    let before = hint::<Dalek>(&server.row.current);
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    let row = &server.row;
    assert_eq!(row.hints::<Dalek>()[1], Some(before));
    assert!(row.alternate.is_none());
    assert_eq!(row.generation, 1);
    assert_eq!(row.dead, Some(cold(&lost).ephemeral()));
    let accepted = row.accepted.expect("accepted");
    assert_eq!((accepted.kind, accepted.declared), (AttemptKind::Recovery, cold(&lost).ephemeral()));
    assert_eq!((accepted.epoch, accepted.outcome), (server.epoch, None));
    assert_eq!(outcome(&mut record, &mut recovery, &answer), None);
    assert_eq!(Some(record.hint::<Dalek>()), server.row.hints::<Dalek>()[0]);
}

#[test]
fn line_12_a_recover_on_the_current_key_tells_the_outcome_of_the_last_warm_operation() {
    for (arrives, expected) in [(false, None), (true, Some(Code::Policy))] {
        let (mut record, mut server, _) = enroll(126, &[PIN]);
        let mut random = Seeded::new(1);
        let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
        let request = ours.request(&record, &Intent::Close, NOW).unwrap();
        if arrives {
            let operation = theirs.open(request.frame().bytes()).unwrap();
            server.row = operation.commit(&server.row, &theirs.fence(), Code::Policy).unwrap();
        }
        let (next, mut recovery) = record.recover_warm::<Dalek>(request.id(), &mut random).unwrap().stored();
        record = next;
        let answer = server.handle(recovery.frame().bytes()).reply();
        assert_eq!(outcome(&mut record, &mut recovery, &answer), expected);
    }
}

#[test]
fn line_12_clears_the_alternate_and_the_mark_of_a_resync() {
    let (mut record, _, mut server, mut random) = forked(127);
    server.row.marker = 2;
    assert!(server.row.alternate.is_some());
    ping(&mut record, &mut random);
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    assert!(server.row.alternate.is_none());
    assert_eq!(server.row.marker, 0);
}

#[test]
fn line_13_the_statement_binds_generation_token_device_and_the_handshake() {
    let (mut record, mut server, _) = enroll(128, &[PIN]);
    let mut random = Seeded::new(1);
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let attempt = start(&mut record, &Intent::Close, &mut random);
    let frame = bytes(&attempt);
    let Ok(Verdict::Operation(operation)) = look(&server, &frame) else { panic!("an operation") };
    let request = *operation.request();
    let good = |row: &Row, statement: &[u8]| Dalek::ed25519_verify(&row.device_key, statement, &request.signature);
    let statement = operation.statement();
    assert!(good(&server.row, statement.bytes()));
    // Field by field: each flipped bit is another statement.
    for at in 0..statement.bytes().len() {
        let mut other = statement.bytes().to_vec();
        other[at] ^= 1;
        assert!(!good(&server.row, &other), "byte {at}");
    }
    let bytes = statement.bytes();
    assert_eq!(&bytes[..12], b"cardea1 stmt");
    assert_eq!((bytes[12], bytes[13]), (2, 0));
    assert_eq!(&bytes[14..18], &NOW.to_le_bytes());
    assert_eq!(&bytes[18..26], &1_u64.to_le_bytes());
    assert_eq!(&bytes[26..30], &0_u32.to_le_bytes());
    assert_eq!(&bytes[30..46], server.row.token.bytes());
    assert_eq!(&bytes[46..50], server.row.device.bytes());
    let bind = Dalek::sha256(&[
        b"cardea1",
        &frame[..10],
        server.statics.public(),
        &server.row.device_static,
        &cold(&frame).ephemeral(),
    ]);
    assert_eq!(&bytes[50..], &bind);
}

#[test]
fn line_13_each_guess_counts_once_and_the_same_guess_never_twice() {
    // A thief fixes e, operation and time: the statement is the same for every guess, the key under which it counts is not.
    let (record, server, _) = enroll(129, &[PIN]);
    let mut keys = Vec::new();
    for pin in [&b"314159"[..], b"271828", b"314159"] {
        let mut copy = record.duplicate();
        let key = pin_key(&record.pin_derivation(), pin);
        let frame = bytes(&start(&mut copy, &Intent::Open { window: 0, key: &key }, &mut Seeded::new(1)));
        let Ok(Verdict::Operation(operation)) = look(&server, &frame) else { panic!("an operation") };
        let statement = operation.statement();
        keys.push((statement.bytes().to_vec(), statement.attempt_key::<Dalek>(&operation.request().signature)));
    }
    assert_eq!(keys[0].0, keys[1].0);
    assert_ne!(keys[0].1, keys[1].1);
    assert_eq!(keys[0], keys[2]);
}

#[test]
fn line_13_what_needs_a_large_reply_is_no_cold_operation() {
    use cardea_protocol::device::Intent::{Devices, History, Info, KeyRecords, Receipt};
    for intent in [KeyRecords, Info, Devices, History { page: 0 }, Receipt { index: 0 }] {
        let (record, server, _) = enroll(130, &[PIN]);
        assert!(record.start::<Dalek>(&intent, NOW, &mut Seeded::new(1)).is_err());
        // A device that sends one nevertheless is not understood.
        let frame = crate::pair::forge(&record, &server, intent.op(), &mut Seeded::new(1));
        assert_eq!(dropped(&server, &frame), Dropped::Malformed);
    }
    let (record, server, _) = enroll(130, &[PIN]);
    for op in [Op::Resync, Op::SetPins, Op::Rotate, Op::RevokeDevice, Op::Eval, Op::PushState] {
        let frame = crate::pair::forge(&record, &server, op, &mut Seeded::new(1));
        assert_eq!(dropped(&server, &frame), Dropped::Malformed);
    }
}

#[test]
fn line_14_an_operation_moves_the_row_one_generation_on() {
    let (mut record, _, mut server, mut random) = forked(131);
    server.row.marker = 2;
    let before = server.row.duplicate();
    assert!(before.alternate.is_some() && before.dead.is_some());
    let key = pin_key(&record.pin_derivation(), b"314159");
    let mut attempt = start(&mut record, &Intent::Open { window: 3, key: &key }, &mut random);
    let frame = bytes(&attempt);
    let answer = server.handle(&frame).reply();
    let row = &server.row;
    assert!(row.previous.as_ref() == Some(&before.current));
    assert_eq!((row.generation, row.dead, row.alternate.is_some()), (before.generation + 1, None, false));
    assert_eq!(row.last, Some((cold(&frame).ephemeral(), Code::PinRejected)));
    assert_eq!(row.reply.as_slice(), answer);
    assert_eq!(row.marker, 0);
    let accepted = row.accepted.expect("accepted");
    assert_eq!((accepted.hash, accepted.ephemeral), (Dalek::sha256(&[&frame]), cold(&frame).ephemeral()));
    assert_eq!((accepted.kind, accepted.declared, accepted.epoch), (AttemptKind::Operation, [0; 32], server.epoch));
    assert_eq!(accepted.outcome, Some(Code::PinRejected));
    receive(&mut record, &mut attempt, &answer);
    assert_eq!(Some(record.hint::<Dalek>()), server.row.hints::<Dalek>()[0]);
    assert_eq!(record.generation(), server.row.generation);
}

#[test]
fn line_14_the_reply_is_to_the_operation_that_was_asked() {
    let (mut record, mut server, _) = enroll(146, &[PIN]);
    let mut attempt = ping(&mut record, &mut Seeded::new(1));
    let frame = bytes(&attempt);
    let Ok(Verdict::Operation(operation)) = look(&server, &frame) else { panic!("an operation") };
    // Whatever the server's glue wrote into it.
    let done = operation.commit(&server.row, &reply(Op::Unenroll, Code::Ok), &mut server.random).unwrap();
    match receive(&mut record, &mut attempt, done.reply.bytes()) {
        Answer::Operation { reply, .. } => assert_eq!(reply.op, Op::Ping),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn line_15_a_verdict_holds_for_the_row_that_it_was_made_on_and_for_no_other() {
    type Change = fn(&mut Row);
    let changes: [Change; 6] = [
        |row| row.suspended = true,
        |row| row.marker = 1,
        |row| row.last = Some(([5; 32], Code::Ok)),
        |row| row.generation += 1,
        |row| row.device_static_old = Some([5; 32]),
        |row| row.current = cardea_protocol::Secret::new([5; 32]),
    ];
    let (mut record, mut server, _) = enroll(132, &[PIN]);
    let mut random = Seeded::new(1);
    let operation = bytes(&ping(&mut record, &mut random));
    let recovery = bytes(&recover(&mut record, &mut random));
    for change in changes {
        let mut other = server.row.duplicate();
        change(&mut other);
        let Ok(Verdict::Operation(verdict)) = look(&server, &operation) else { panic!("an operation") };
        assert!(verdict.commit(&other, &reply(Op::Ping, Code::Ok), &mut server.random).is_none());
        let Ok(Verdict::Recover(verdict)) = look(&server, &recovery) else { panic!("a RECOVER") };
        assert!(verdict.commit(&other, &reply(Op::Ping, Code::Ok), &mut server.random).is_none());
    }
    // Of two nodes that look at once, the second starts again and then sees the truth.
    let Ok(Verdict::Operation(second)) = look(&server, &operation) else { panic!("an operation") };
    server.handle(&recovery).reply();
    assert!(second.commit(&server.row, &reply(Op::Ping, Code::Ok), &mut server.random).is_none());
    assert_eq!(dropped(&server, &operation), Dropped::Dead);
}

#[test]
fn line_16_after_a_crash_the_identical_bytes_are_the_same_attempt() {
    let (mut record, mut server, _) = enroll(133, &[PIN]);
    let key = pin_key(&record.pin_derivation(), PIN);
    let frame = bytes(&start(&mut record, &Intent::Open { window: 0, key: &key }, &mut Seeded::new(1)));
    let counted = |server: &Server| match look(server, &frame) {
        Ok(Verdict::Operation(operation)) => operation.statement().attempt_key::<Dalek>(&operation.request().signature),
        other => panic!("unexpected {other:?}"),
    };
    let first = counted(&server);
    // The node died before the commit; another loads the row.
    server.row = Row::decode(server.row.encode().expose()).unwrap();
    assert_eq!(counted(&server), first);
    server.handle(&frame).reply();
    assert_eq!(server.executed, [Op::Open]);
}

#[test]
fn a_row_has_one_valid_encoding() {
    let (_, _, server, _) = forked(134);
    let stored = *server.row.encode().expose();
    for at in 0..stored.len() {
        for bit in 0..8 {
            let mut changed = stored;
            changed[at] ^= 1 << bit;
            if let Ok(row) = Row::decode(&changed) {
                assert!(row.encode().expose() == &changed, "byte {at} bit {bit}");
            }
        }
    }
    // A fresh row, whose unused fields must be zero.
    let (_, server, _) = enroll(135, &[PIN]);
    let stored = *server.row.encode().expose();
    let mut refused = 0;
    for at in 0..stored.len() {
        let mut changed = stored;
        changed[at] ^= 1;
        match Row::decode(&changed) {
            Ok(row) => assert!(row.encode().expose() == &changed, "byte {at}"),
            Err(_) => refused += 1,
        }
    }
    // Version, flags, `last`; old static, previous, accepted, reply, dead, alternate, last: all unused here.
    assert!(refused >= 32 + 32 + 99 + 63 + 32 + 32 + 33, "{refused}");
}

#[test]
fn a_stored_row_never_holds_half_of_what_was_accepted() {
    let (_, server, _) = enroll(136, &[PIN]);
    let mut row = server.row.duplicate();
    row.previous = Some(cardea_protocol::Secret::new([1; 32]));
    assert!(Row::decode(row.encode().expose()).is_err());
    let mut row = server.row.duplicate();
    row.alternate = Some(cardea_protocol::Secret::new([1; 32]));
    assert!(Row::decode(row.encode().expose()).is_err());
}

#[test]
fn a_hint_says_nothing_about_the_next() {
    let (mut record, mut server, _) = enroll(137, &[PIN]);
    let mut random = Seeded::new(1);
    let mut seen: Vec<Hint> = vec![record.hint::<Dalek>()];
    for _ in 0..20 {
        operate(&mut record, &mut server, &Intent::Ping, &mut random);
        assert!(!seen.contains(&record.hint::<Dalek>()));
        seen.push(record.hint::<Dalek>());
    }
}

#[test]
fn a_foreign_server_key_gets_nothing() {
    let (mut record, server, _) = enroll(138, &[PIN]);
    let frame = bytes(&ping(&mut record, &mut Seeded::new(1)));
    let foreign: KeyPair = Seeded::new(2).pair();
    let verdict = responder::receive::<Dalek>(&server.row, &cold(&frame), &foreign);
    assert!(matches!(verdict, Err(Dropped::NotAuthentic)));
}

#[test]
fn serial_numbers_of_server_keys_wrap() {
    assert!(KeyRecord::is_newer(0, 255) && KeyRecord::is_newer(127, 0) && KeyRecord::is_newer(5, 200));
    assert!(!KeyRecord::is_newer(128, 0) && !KeyRecord::is_newer(0, 128) && !KeyRecord::is_newer(9, 9));
    for epoch in 0..=255_u8 {
        let newer = (0..=255).filter(|other| KeyRecord::is_newer(*other, epoch)).count();
        assert_eq!(newer, 127);
    }
}

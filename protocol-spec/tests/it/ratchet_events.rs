//! The server's other events of the design (section 3.3), line by line: each test fails without its line.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::device::{Answer, Confirmed, Intent, Record, Resync, ResyncAnswer};
use cardea_protocol::ratchet::{Row, hint};
use cardea_protocol::responder::{self, AwaitConfirm, Dropped, OpenedResync, ResyncVerdict};
use cardea_protocol::statement::Extension;
use cardea_protocol::token::{DeviceId, TokenId};
use cardea_protocol::wire::{FirstFrame, Op, ResyncRequest};
use cardea_protocol::{Code, PeerMisbehaved, ProtocolError, Secret};

use crate::pair::{
    Handled, NOW, Seeded, Server, enroll, operate, pin_key, receive, recover, reply, rotate_server_key, start, store,
};

const PIN: &[u8] = b"493817";

fn resync_request(frame: &[u8]) -> ResyncRequest<'_> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Resync(request)) => request,
        other => panic!("no R1: {other:?}"),
    }
}

fn open(server: &Server, resync: &Resync<Dalek>) -> OpenedResync<Dalek> {
    responder::open_resync(&resync_request(resync.frame().bytes()), &server.statics).unwrap()
}

/// R1 and R2; the verdict and what the device makes of it.
fn resync(record: &Record, server: &mut Server, seed: u64) -> (AwaitConfirm<Dalek>, ResyncAnswer<Dalek>) {
    let mut resync = record.resync::<Dalek>(NOW, &mut Seeded::new(seed)).unwrap();
    let opened = open(server, &resync);
    let (r2, awaiting) = opened.answer(&server.row, &reply(Op::Resync, Code::Ok), &mut server.random).unwrap();
    (awaiting, resync.receive(record, r2.bytes()))
}

fn verdict(record: &Record, server: &mut Server) -> ResyncVerdict {
    let before = *server.row.encode().expose();
    let (awaiting, _) = resync(record, server, 77);
    assert!(server.row.encode().expose() == &before, "R1 changes nothing");
    awaiting.verdict()
}

/// A whole resync.
fn resync_fully(record: &mut Record, server: &mut Server, seed: u64) -> Code {
    let (mut awaiting, answer) = resync(record, server, seed);
    let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("unexpected {answer:?}") };
    server.row = store_row(&awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap());
    let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
    match confirm.receive(record, answer.bytes()) {
        Confirmed::Resynced(resynced) => {
            let (next, reply) = resynced.stored();
            *record = store(&next);
            reply.code
        }
        Confirmed::Suspended(reply) => reply.code,
        Confirmed::NotAuthentic => panic!("not authentic"),
    }
}

fn store_row(row: &Row) -> Row {
    Row::decode(row.encode().expose()).unwrap()
}

#[test]
fn a_warm_operation_is_committed_only_while_its_session_owns_the_row() {
    let (mut record, mut server, _) = enroll(300, &[PIN]);
    let mut random = Seeded::new(1);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let request = ours.request(&record, &Intent::Close, NOW).unwrap();
    let operation = theirs.open(request.frame().bytes()).unwrap();
    // It waits in a socket; the device comes back on another connection.
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert!(!theirs.owns(&server.row));
    assert!(operation.commit(&server.row, &theirs.fence(), Code::Ok).is_none());
}

#[test]
fn a_warm_operation_of_a_barred_device_is_not_committed() {
    type Mark = fn(&mut Row);
    let marks: [Mark; 6] = [
        |row| row.marker = 1,
        |row| row.clone_blocked = true,
        |row| row.suspended = true,
        |row| row.revoked = true,
        |row| row.token = TokenId::new([9; 16]),
        |row| row.device = DeviceId::new([9; 4]),
    ];
    for mark in marks {
        let (mut record, mut server, _) = enroll(301, &[PIN]);
        let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
        let request = ours.request(&record, &Intent::Close, NOW).unwrap();
        let operation = theirs.open(request.frame().bytes()).unwrap();
        assert!(operation.commit(&server.row, &theirs.fence(), Code::Ok).is_some());
        mark(&mut server.row);
        assert!(operation.commit(&server.row, &theirs.fence(), Code::Ok).is_none());
    }
}

#[test]
fn a_warm_operation_becomes_the_last_and_leaves_the_ratchet_alone() {
    let (mut record, mut server, _) = enroll(302, &[PIN]);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    let request = ours.request(&record, &Intent::Close, NOW).unwrap();
    let operation = theirs.open(request.frame().bytes()).unwrap();
    let next = operation.commit(&server.row, &theirs.fence(), Code::Policy).unwrap();
    assert_eq!(next.last, Some((*request.id(), Code::Policy)));
    let mut same = next.duplicate();
    same.last = server.row.last;
    assert!(same.encode() == server.row.encode());
}

#[test]
fn a_warm_statement_binds_the_session_and_the_position_in_it() {
    let (mut record, mut server, _) = enroll(303, &[PIN]);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    let mut seen = Vec::new();
    for sequence in 0..3_u32 {
        let request = ours.request(&record, &Intent::Close, NOW).unwrap();
        let operation = theirs.open(request.frame().bytes()).unwrap();
        let statement = operation.statement::<Dalek>(Extension::None);
        assert!(Dalek::ed25519_verify(&server.row.device_key, statement.bytes(), operation.request.signature()));
        assert_eq!(statement.bytes()[26..30], sequence.to_le_bytes());
        assert_eq!(statement.bytes()[18..26], 1_u64.to_le_bytes());
        // With the same device and the same time, each has a signature of its own, good for no other.
        for other in &seen {
            assert!(!Dalek::ed25519_verify(&server.row.device_key, statement.bytes(), other));
        }
        seen.push(*operation.request.signature());
    }
}

#[test]
fn large_operations_sign_what_they_carry() {
    let (mut record, mut server, _) = enroll(304, &[PIN]);
    let mut random = Seeded::new(1);
    let key = pin_key(&record.pin_derivation(), PIN);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let keys = [(); 4].map(|()| cardea_protocol::pin::PinKey::random(&mut random));
    let frames = [
        ours.set_pins(&record, &key, &keys, false, NOW).unwrap().frame().clone(),
        ours.revoke_device(&record, &key, DeviceId::new([8; 4]), NOW).unwrap().frame().clone(),
        ours.rotate(&record, &key, NOW, &mut random).unwrap().stored().1.frame().clone(),
    ];
    for (frame, length) in frames.iter().zip([114, 86, 114]) {
        let operation = theirs.open(frame.bytes()).unwrap();
        let statement = operation.statement::<Dalek>(Extension::None);
        assert_eq!(statement.bytes().len(), length);
        assert!(Dalek::ed25519_verify(&server.keys[0], statement.bytes(), operation.request.signature()));
        // Without what it carries it is another statement.
        assert!(!Dalek::ed25519_verify(&server.keys[0], &statement.bytes()[..82], operation.request.signature()));
    }
}

#[test]
fn a_confirmation_signs_the_text_that_was_shown() {
    let (mut record, mut server, _) = enroll(305, &[PIN]);
    let key = pin_key(&record.pin_derivation(), PIN);
    let (id, text) = (&[6; 8], "Pay 20 to Ada");
    let intent = Intent::Confirm { index: 1, id, text, key: &key };
    // Cold.
    let frame = *start(&mut record, &intent, &mut Seeded::new(1)).frame().bytes();
    let FirstFrame::Cold(request) = FirstFrame::parse(&frame).unwrap() else { panic!("no C1") };
    let Ok(responder::Verdict::Operation(operation)) =
        responder::receive::<Dalek>(&server.row, &request, &server.statics)
    else {
        panic!("an operation")
    };
    let signature = operation.request().signature;
    let over = |extension| operation.statement_with(&server.row, &request, &server.statics, extension);
    let good = |statement: cardea_protocol::statement::Statement| {
        Dalek::ed25519_verify(&server.keys[0], statement.bytes(), &signature)
    };
    assert!(good(over(Extension::Confirmation { id, text })));
    assert!(!good(over(Extension::Confirmation { id, text: "Pay 200 to Ada" })));
    assert!(!good(over(Extension::Confirmation { id: &[7; 8], text })));
    assert!(!good(over(Extension::None)) && !good(*operation.statement()));
    assert_eq!(over(Extension::None), *operation.statement());
    // Warm.
    let mut record = enroll(305, &[PIN]).0;
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(2));
    for intent in [intent, Intent::Deny { index: 1, reason: 2, id, text }] {
        let request = ours.request(&record, &intent, NOW).unwrap();
        let operation = theirs.open(request.frame().bytes()).unwrap();
        let signer = if intent.op() == Op::Confirm { &server.keys[0] } else { &server.row.device_key };
        let good = |extension| {
            let statement = operation.statement::<Dalek>(extension);
            Dalek::ed25519_verify(signer, statement.bytes(), operation.request.signature())
        };
        assert!(good(Extension::Confirmation { id, text }));
        assert!(!good(Extension::Confirmation { id, text: "Pay 20 to Eve" }));
        assert!(!good(Extension::None));
    }
}

#[test]
fn warm_frames_are_taken_once_in_order_and_from_one_side() {
    let (mut record, mut server, _) = enroll(306, &[PIN]);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(1));
    let first = *ours.request(&record, &Intent::Ping, NOW).unwrap().frame().bytes();
    let second = *ours.request(&record, &Intent::Ping, NOW).unwrap().frame().bytes();
    assert!(theirs.open(&second).is_err(), "out of order");
    for at in 0..first.len() {
        let mut changed = first;
        changed[at] ^= 8;
        assert!(theirs.open(&changed).is_err(), "byte {at}");
    }
    for length in (0..=560).filter(|length| *length != first.len()) {
        assert!(theirs.open(&vec![0; length]).is_err(), "{length} bytes");
    }
    theirs.open(&first).unwrap();
    assert!(theirs.open(&first).is_err(), "replayed");
    theirs.open(&second).unwrap();
    let answer = *theirs.reply(&reply(Op::Ping, Code::Ok)).unwrap().bytes();
    assert!(theirs.open(&answer).is_err(), "reflected");
    for at in 0..answer.len() {
        let mut changed = answer;
        changed[at] ^= 8;
        assert!(ours.receive(&changed).is_err(), "byte {at}");
    }
    ours.receive(&answer).unwrap();
    assert!(ours.receive(&answer).is_err(), "replayed");
}

#[test]
fn no_recover_and_no_resync_travels_warm() {
    let (mut record, mut server, _) = enroll(307, &[PIN]);
    for op in Op::ALL {
        let mut random = Seeded::new(u64::from(op.number()));
        let (session, mut theirs) = crate::pair::raw_session(&mut record, &mut server, &mut random);
        let mut cell = [0; 70];
        cell[0] = op.number();
        let frame = session.seal(&cell);
        let fits = op.is_small_request() && !matches!(op, Op::Recover | Op::Resync);
        assert_eq!(theirs.open(&frame).is_ok(), fits, "{op:?}");
    }
}

#[test]
fn only_a_first_acceptance_starts_a_session() {
    let (mut record, mut server, _) = enroll(308, &[PIN]);
    let mut random = Seeded::new(1);
    let attempt = start(&mut record, &Intent::Ping, &mut random);
    let frame = *attempt.frame().bytes();
    let Handled::Reply(_, Some(theirs)) = server.handle(&frame) else { panic!("a session") };
    // A replay takes nothing over: the first session still owns the row.
    assert!(matches!(server.handle(&frame), Handled::Reply(_, None)));
    assert!(theirs.owns(&server.row));
    let recovery = recover(&mut record, &mut random);
    assert!(matches!(server.handle(recovery.frame().bytes()), Handled::Reply(_, None)));
    assert!(!theirs.owns(&server.row));
}

#[test]
fn r1_never_changes_state_and_tells_what_it_may() {
    let (mut record, mut server, _) = enroll(309, &[PIN]);
    let mut random = Seeded::new(1);
    let oldest = record.duplicate();
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let previous = record.duplicate();
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!(verdict(&record, &mut server), ResyncVerdict::Known);
    assert_eq!(verdict(&previous, &mut server), ResyncVerdict::Known);
    assert_eq!(verdict(&oldest, &mut server), ResyncVerdict::NotAllowed);
    // Restored: even a known hint must resync, for cold messages are not taken (F23).
    server.row.marker = 1;
    assert_eq!(verdict(&record, &mut server), ResyncVerdict::Allowed);
    assert_eq!(verdict(&oldest, &mut server), ResyncVerdict::Allowed);
    // Resynced and not used yet: who is known is known, who is not may come again.
    server.row.marker = 2;
    assert_eq!(verdict(&record, &mut server), ResyncVerdict::Known);
    assert_eq!(verdict(&oldest, &mut server), ResyncVerdict::Allowed);
    // A proved clone stays blocked until it is enrolled anew, whatever the operator declares.
    for marker in 0..=2 {
        server.row.marker = marker;
        server.row.clone_blocked = true;
        assert_eq!(verdict(&record, &mut server), ResyncVerdict::NotAllowed);
        server.row.clone_blocked = false;
        server.row.revoked = true;
        assert_eq!(verdict(&record, &mut server), ResyncVerdict::NotAllowed);
        server.row.revoked = false;
    }
    // A suspended device is told that it is known, and then, cold, that it is blocked.
    server.row.marker = 0;
    server.row.suspended = true;
    assert_eq!(verdict(&record, &mut server), ResyncVerdict::Known);
}

#[test]
fn the_alternate_key_is_not_known() {
    let (mut record, mut server, _) = enroll(310, &[PIN]);
    let mut random = Seeded::new(1);
    let mut attempt = start(&mut record, &Intent::Ping, &mut random);
    let mut copy = record.duplicate();
    let lost = server.handle(attempt.frame().bytes()).reply();
    receive(&mut copy, &mut attempt, &lost);
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    assert_eq!(server.row.hints::<Dalek>()[2], Some(copy.hint::<Dalek>()));
    assert_eq!(verdict(&copy, &mut server), ResyncVerdict::NotAllowed);
}

#[test]
fn r1_needs_the_static_key_and_the_device_key() {
    let (record, mut server, _) = enroll(311, &[PIN]);
    let resync = record.resync::<Dalek>(NOW, &mut Seeded::new(1)).unwrap();
    let frame = *resync.frame().bytes();
    for at in 1..frame.len() {
        let mut changed = frame;
        changed[at] ^= 4;
        let opened = responder::open_resync::<Dalek>(&resync_request(&changed), &server.statics);
        assert!(opened.is_err(), "byte {at}");
    }
    assert_eq!(open(&server, &resync).device_static(), &server.row.device_static);
    // Somebody with the static key alone, or for another token or device.
    type Change = fn(&mut Row);
    let changes: [Change; 3] = [
        |row| row.device_key = Dalek::ed25519_public(&Secret::new([1; 32])),
        |row| row.token = TokenId::new([9; 16]),
        |row| row.device = DeviceId::new([9; 4]),
    ];
    for change in changes {
        let mut other = server.row.duplicate();
        change(&mut other);
        let opened = open(&server, &resync);
        let answer = opened.answer(&other, &reply(Op::Resync, Code::Ok), &mut server.random);
        assert_eq!(answer.err(), Some(ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature)));
    }
}

#[test]
fn a_replayed_r1_leads_nowhere() {
    let (record, mut server, _) = enroll(312, &[PIN]);
    server.row.marker = 1;
    let resync = record.resync::<Dalek>(NOW, &mut Seeded::new(1)).unwrap();
    let before = *server.row.encode().expose();
    for _ in 0..3 {
        // Whoever replays it cannot make the confirm.
        let opened = open(&server, &resync);
        let (_, mut awaiting) = opened.answer(&server.row, &reply(Op::Resync, Code::Ok), &mut server.random).unwrap();
        assert!(awaiting.confirm(&server.row, &[0; 86]).is_err());
        assert!(awaiting.confirm(&server.row, resync.frame().bytes()).is_err());
        assert!(server.row.encode().expose() == &before);
    }
}

#[test]
fn an_allowed_confirm_starts_the_row_afresh() {
    let (mut record, mut server, _) = enroll(313, &[PIN]);
    let mut random = Seeded::new(1);
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let attempt = start(&mut record, &Intent::Ping, &mut random);
    server.handle(attempt.frame().bytes()).reply();
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    server.row.marker = 1;
    server.row.suspended = true;
    let generation = server.row.generation;
    assert_eq!(resync_fully(&mut record, &mut server, 2), Code::Ok);
    let row = &server.row;
    assert!(row.previous.is_none() && row.accepted.is_none() && row.alternate.is_none());
    assert_eq!((row.dead, row.last, row.marker, row.suspended), (None, None, 2, false));
    assert_eq!(row.generation, generation + 1);
    assert_eq!(record.generation(), row.generation);
    assert_eq!(record.hint::<Dalek>(), hint::<Dalek>(&row.current));
    // The mark is spent by the first acceptance after it, not before (F14).
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!(server.row.marker, 0);
    assert_eq!(verdict(&record, &mut server), ResyncVerdict::Known);
}

#[test]
fn of_two_resyncs_in_flight_the_last_confirm_counts() {
    let (mut record, mut server, _) = enroll(314, &[PIN]);
    server.row.marker = 1;
    let (mut first, answer) = resync(&record, &mut server, 1);
    let ResyncAnswer::Confirm(late) = answer else { panic!("allowed") };
    assert_eq!(resync_fully(&mut record, &mut server, 2), Code::Ok);
    // The confirm of the first comes late, but before any acceptance: the server is on its key now, and the device,
    // which is on the other, resyncs once more.
    server.row = first.confirm(&server.row, late.frame().bytes()).unwrap();
    let refused = start(&mut record, &Intent::Ping, &mut Seeded::new(3));
    assert!(matches!(server.handle(refused.frame().bytes()), Handled::Dropped(Dropped::UnknownHint)));
    assert_eq!(resync_fully(&mut record, &mut server, 4), Code::Ok);
    operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(5));
}

#[test]
fn a_confirm_after_the_mark_was_spent_is_not_allowed() {
    let (mut record, mut server, _) = enroll(315, &[PIN]);
    server.row.marker = 1;
    let mut copy = record.duplicate();
    let (mut awaiting, answer) = resync(&copy, &mut server, 1);
    let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("allowed") };
    resync_fully(&mut record, &mut server, 2);
    operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(3));
    let current = server.row.current.duplicate();
    server.row = awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap();
    assert!(server.row.suspended && server.row.current == current);
    let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
    assert!(matches!(confirm.receive(&copy, answer.bytes()), Confirmed::Suspended(_)));
    // The operator's mark lifts it.
    server.row.marker = 1;
    assert_eq!(resync_fully(&mut copy, &mut server, 4), Code::Ok);
    assert!(!server.row.suspended);
}

#[test]
fn a_confirm_of_a_foreign_ratchet_key_suspends() {
    let (mut record, mut server, _) = enroll(316, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    for _ in 0..2 {
        operate(&mut record, &mut server, &Intent::Ping, &mut random);
    }
    let mut expected = server.row.duplicate();
    expected.suspended = true;
    assert_eq!(resync_fully(&mut copy, &mut server, 2), Code::Blocked);
    assert!(server.row.encode() == expected.encode(), "suspended, and nothing else");
}

#[test]
fn a_mark_that_comes_after_r2_counts_for_the_next_resync() {
    let (mut record, mut server, _) = enroll(322, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    for _ in 0..2 {
        operate(&mut record, &mut server, &Intent::Ping, &mut random);
    }
    let (mut awaiting, answer) = resync(&copy, &mut server, 2);
    let ResyncAnswer::Confirm(confirm) = answer else { panic!("a confirm in any case") };
    server.row.marker = 1;
    let current = server.row.current.duplicate();
    // The device was told that it may not, and has kept no candidate.
    server.row = awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap();
    assert!(server.row.current == current && server.row.suspended && server.row.marker == 1);
    assert_eq!(resync_fully(&mut copy, &mut server, 3), Code::Ok);
    assert!(!server.row.suspended);
}

#[test]
fn a_confirm_cannot_lift_what_only_an_enrollment_lifts() {
    for (code, revoked) in [(Code::Blocked, false), (Code::NotEnrolled, true)] {
        let (mut record, mut server, _) = enroll(317, &[PIN]);
        server.row.marker = 1;
        let (mut awaiting, answer) = resync(&record, &mut server, 1);
        let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("allowed") };
        server.row.clone_blocked = !revoked;
        server.row.revoked = revoked;
        let before = *server.row.encode().expose();
        let next = awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap();
        assert!(next.encode().expose() == &before);
        let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
        assert!(matches!(confirm.receive(&record, answer.bytes()), Confirmed::Suspended(reply) if reply.code == code));
        // Asked again, R2 says so at once.
        assert_eq!(resync_fully(&mut record, &mut server, 2), code);
    }
}

#[test]
fn a_confirm_is_a_live_ping_of_a_device_that_is_not_known() {
    let (record, mut server, _) = enroll(318, &[PIN]);
    let (mut awaiting, answer) = resync(&record, &mut server, 1);
    assert!(matches!(answer, ResyncAnswer::Known));
    assert!(awaiting.confirm(&server.row, &[0; 86]).is_err());
    // Not even if it comes.
    let (mut awaiting, frame) = crate::pair::raw_confirm(&record, &mut server, Op::Ping);
    assert!(awaiting.confirm(&server.row, &frame).is_err());
    // Any other operation in its place changes nothing.
    for op in [Op::Status, Op::Open, Op::Unenroll] {
        server.row.marker = 1;
        let (mut awaiting, frame) = crate::pair::raw_confirm(&record, &mut server, op);
        assert!(awaiting.confirm(&server.row, &frame).is_err(), "{op:?}");
    }
    let (mut awaiting, frame) = crate::pair::raw_confirm(&record, &mut server, Op::Ping);
    assert!(awaiting.confirm(&server.row, &frame).is_ok());
}

#[test]
fn a_resync_settles_a_rotation_that_was_open() {
    let (mut record, mut server, _) = enroll(319, &[PIN]);
    let mut random = Seeded::new(1);
    let key = pin_key(&record.pin_derivation(), PIN);
    let rotate = |record: &mut Record, server: &mut Server, random: &mut Seeded| {
        let (_, mut ours, mut theirs) = operate(record, server, &Intent::Ping, random);
        let (next, rotation) = ours.rotate(record, &key, NOW, random).unwrap().stored();
        *record = store(&next);
        let operation = theirs.open(rotation.frame().bytes()).unwrap();
        server.row = operation.commit(&server.row, &theirs.fence(), Code::Ok).unwrap();
    };
    rotate(&mut record, &mut server, &mut random);
    // The reply is lost, and then the server is restored: the device drops the key that it never learned to be good.
    server.row.marker = 1;
    assert_eq!(resync_fully(&mut record, &mut server, 2), Code::Ok);
    assert_eq!(server.row.device_static_old, None);
    assert_eq!(record.encode().expose()[381..413], [0; 32], "the key that was to come is wiped");
    // The next ROTATE must find the key in use as the old one, or a lost reply would lock the device out.
    rotate(&mut record, &mut server, &mut random);
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    assert!(matches!(receive(&mut record, &mut recovery, &answer), Answer::Recovered { outcome: Some(Code::Ok) }));
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
}

#[test]
fn a_rotated_server_key_serves_operations_and_resyncs() {
    let (mut record, mut server, _) = enroll(320, &[PIN]);
    for _ in 0..3 {
        rotate_server_key(&mut record, &mut server);
        operate(&mut record, &mut server, &Intent::Ping, &mut Seeded::new(7));
        assert_eq!(verdict(&record, &mut server), ResyncVerdict::Known);
    }
}

#[test]
fn a_resync_request_never_carries_a_pin_signature() {
    let (record, server, _) = enroll(321, &[PIN]);
    let resync = record.resync::<Dalek>(NOW, &mut Seeded::new(1)).unwrap();
    let mut handshake = cardea_protocol::noise::Handshake::<Dalek>::new(
        &cardea_protocol::noise::IK,
        cardea_protocol::noise::Role::Responder,
        &[b"cardea1", &resync.frame().bytes()[..2]],
        cardea_protocol::noise::Keys { s: Some(server.statics.duplicate()), ..Default::default() },
    )
    .unwrap();
    let mut payload = [0; 78];
    handshake.read_message(&resync.frame().bytes()[2..], &mut payload).unwrap();
    assert_eq!(&payload[..8], record.hint::<Dalek>().bytes());
    let request = cardea_protocol::wire::Request::decode(&payload[8..]).unwrap();
    assert_eq!((request.op, request.win, request.time), (Op::Resync, 0, NOW));
    assert_eq!(request.op.signer(), cardea_protocol::wire::Signer::Device);
}

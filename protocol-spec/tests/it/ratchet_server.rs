//! The server's table of the design (section 3.2), lines 1 to 8: each test fails without its line.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Answer, Attempt, Intent, Pending, RECORD_LEN, Received, Record};
use cardea_protocol::ratchet::{Row, hint};
use cardea_protocol::responder::{self, Dropped, Verdict};
use cardea_protocol::wire::{ColdRequest, FirstFrame, Op};

use crate::pair::{
    Handled, NOW, Seeded, Server, enroll, operate, pin_key, receive, recover, reply, rotate_server_key, start,
};

pub(crate) const PIN: &[u8] = b"493817";

pub(crate) fn cold(frame: &[u8]) -> ColdRequest<'_> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Cold(request)) => request,
        other => panic!("no C1: {other:?}"),
    }
}

pub(crate) fn look(server: &Server, frame: &[u8]) -> Result<Verdict<Dalek>, Dropped> {
    responder::receive(&server.row, &cold(frame), &server.statics)
}

pub(crate) fn dropped(server: &Server, frame: &[u8]) -> Dropped {
    look(server, frame).expect_err("dropped")
}

pub(crate) fn is_clone(server: &Server, frame: &[u8]) -> bool {
    matches!(look(server, frame), Ok(Verdict::CloneProved))
}

pub(crate) fn ping(record: &mut Record, random: &mut Seeded) -> Attempt<Dalek> {
    start(record, &Intent::Ping, random)
}

pub(crate) fn bytes(attempt: &Attempt<Dalek>) -> Vec<u8> {
    attempt.frame().bytes().to_vec()
}

/// The device's pending RECOVER, made to declare something else: what only a copy would send.
pub(crate) fn declare(record: &Record, declared: [u8; 32]) -> Record {
    let mut stored: [u8; RECORD_LEN] = *record.encode().expose();
    let Pending::Recovery { declared: before, .. } = record.pending() else { panic!("no RECOVER is pending") };
    let at = stored.windows(32).position(|window| window == before).expect("it is stored");
    stored[at..at + 32].copy_from_slice(&declared);
    Record::decode(&stored).unwrap()
}

pub(crate) fn outcome(record: &mut Record, attempt: &mut Attempt<Dalek>, frame: &[u8]) -> Option<Code> {
    match receive(record, attempt, frame) {
        Answer::Recovered { outcome } => outcome,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn line_1_the_epoch_is_readable_before_any_key_is_touched() {
    let (mut record, server, _) = enroll(100, &[PIN]);
    let attempt = ping(&mut record, &mut Seeded::new(1));
    let frame = bytes(&attempt);
    assert_eq!(cold(&frame).epoch(), server.epoch);
    // And it is part of what authenticates: a changed epoch is no way around an erased key.
    let mut changed = frame.clone();
    changed[1] ^= 1;
    assert_eq!(dropped(&server, &changed), Dropped::NotAuthentic);
}

#[test]
fn line_2_an_unknown_hint_is_dropped_before_any_computation() {
    let (mut record, mut server, _) = enroll(101, &[PIN]);
    let attempt = ping(&mut record, &mut Seeded::new(1));
    let mut frame = bytes(&attempt);
    frame[5] ^= 1;
    assert_eq!(dropped(&server, &frame), Dropped::UnknownHint);
    // The row names every hint under which it must be found, and no other.
    let first = hint::<Dalek>(&server.row.current);
    assert_eq!(server.row.hints::<Dalek>(), [Some(first), None, None]);
    server.handle(attempt.frame().bytes()).reply();
    let second = hint::<Dalek>(&server.row.current);
    assert_eq!(server.row.hints::<Dalek>(), [Some(second), Some(first), None]);
    let mut random = Seeded::new(2);
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    let third = hint::<Dalek>(&server.row.current);
    assert_eq!(server.row.hints::<Dalek>(), [Some(third), Some(first), Some(second)]);
}

#[test]
fn line_2_a_key_two_generations_old_is_unknown() {
    let (mut record, mut server, _) = enroll(102, &[PIN]);
    let mut copy = record.duplicate();
    let mut random = Seeded::new(1);
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let frame = bytes(&ping(&mut copy, &mut random));
    assert_eq!(dropped(&server, &frame), Dropped::UnknownHint);
}

#[test]
fn line_3_a_restored_row_answers_nothing_until_a_resync() {
    let (mut record, mut server, _) = enroll(103, &[PIN]);
    let mut random = Seeded::new(1);
    let first = bytes(&ping(&mut record, &mut random));
    server.handle(&first).reply();
    server.row.marker = 1;
    // Neither what was accepted before the backup nor anything new, and a revoked or blocked row looks no different.
    assert_eq!(dropped(&server, &first), Dropped::UnknownHint);
    let recovery = bytes(&recover(&mut record, &mut random));
    assert_eq!(dropped(&server, &recovery), Dropped::UnknownHint);
    server.row.clone_blocked = true;
    assert_eq!(dropped(&server, &recovery), Dropped::UnknownHint);
}

#[test]
fn line_4_identical_bytes_get_the_stored_reply_and_no_session() {
    let (mut record, mut server, _) = enroll(104, &[PIN]);
    let key = pin_key(&record.pin_derivation(), PIN);
    let attempt = start(&mut record, &Intent::Open { window: 0, key: &key }, &mut Seeded::new(1));
    let frame = bytes(&attempt);
    let first = server.handle(&frame).reply();
    let row = *server.row.encode().expose();
    for _ in 0..3 {
        match server.handle(&frame) {
            Handled::Reply(reply, None) => assert_eq!(reply, first),
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(server.executed, [Op::Open], "executed once");
    assert!(server.row.encode().expose() == &row, "nothing was written");
}

#[test]
fn line_4_identical_bytes_cost_no_diffie_hellman_and_never_expire() {
    let (mut record, mut server, _) = enroll(105, &[PIN]);
    let frame = bytes(&ping(&mut record, &mut Seeded::new(1)));
    let first = server.handle(&frame).reply();
    // The key that it was made for is gone, the device is blocked: the answer is still there.
    server.statics = Seeded::new(9).pair();
    server.row.clone_blocked = true;
    assert_eq!(server.handle(&frame).reply(), first);
}

#[test]
fn line_4_the_reply_to_a_recover_is_kept_as_well() {
    let (mut record, mut server, _) = enroll(106, &[PIN]);
    let mut random = Seeded::new(1);
    ping(&mut record, &mut random);
    let recovery = bytes(&recover(&mut record, &mut random));
    let first = server.handle(&recovery).reply();
    assert_eq!(server.handle(&recovery).reply(), first);
}

#[test]
fn line_5_a_declared_attempt_is_dead_whether_it_arrived_or_not() {
    for arrives in [false, true] {
        let (mut record, mut server, _) = enroll(107, &[PIN]);
        let key = pin_key(&record.pin_derivation(), PIN);
        let mut random = Seeded::new(1);
        let late = bytes(&start(&mut record, &Intent::Open { window: 0, key: &key }, &mut random));
        if arrives {
            server.handle(&late).reply();
        }
        server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
        assert_eq!(dropped(&server, &late), Dropped::Dead);
        assert_eq!(server.executed.len(), usize::from(arrives));
    }
}

#[test]
fn line_5_what_only_looks_like_a_dead_attempt_proves_nothing() {
    let (mut record, mut server, _) = enroll(108, &[PIN]);
    let mut random = Seeded::new(1);
    let mut late = bytes(&ping(&mut record, &mut random));
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    // Whatever follows the ephemeral key.
    late[60] ^= 1;
    assert_eq!(dropped(&server, &late), Dropped::NotAuthentic);
}

#[test]
fn line_5_a_recover_that_was_declared_dead_proves_a_clone() {
    let (mut record, mut server, _) = enroll(144, &[PIN]);
    let mut random = Seeded::new(1);
    ping(&mut record, &mut random);
    let recovery = bytes(&recover(&mut record, &mut random));
    // Whoever copies the record now can see that RECOVER's ephemeral key on the wire, and say that it was an attempt.
    let mut stolen = *record.encode().expose();
    let attempt = RECORD_LEN - 1 - 3 * 32;
    stolen[2] = 1;
    stolen[attempt..attempt + 32].copy_from_slice(&recovery[10..42]);
    stolen[attempt + 32..attempt + 64].fill(0);
    let mut stolen = Record::decode(&stolen).unwrap();
    server.handle(recover(&mut stolen, &mut random).frame().bytes()).reply();
    assert!(matches!(server.handle(&recovery), Handled::CloneProved));
    // Once it is blocked that is the answer, here as everywhere.
    server.handle(&recovery).reply();
}

#[test]
fn line_5_a_dead_recover_proves_a_clone_at_the_current_key_too() {
    let (mut record, mut server, _) = enroll(145, &[PIN]);
    let mut random = Seeded::new(1);
    ping(&mut record, &mut random);
    let buried = recover(&mut record, &mut random);
    let seed = RECORD_LEN - 1 - 2 * 32;
    let (mut stolen, original) = (*record.encode().expose(), record.encode());
    stolen[2] = 1;
    stolen[seed - 32..seed].copy_from_slice(&buried.frame().bytes()[10..42]);
    stolen[seed..seed + 32].fill(0);
    let mut thief = Record::decode(&stolen).unwrap();
    let mut burial = recover(&mut thief, &mut random);
    let answer = server.handle(burial.frame().bytes()).reply();
    receive(&mut thief, &mut burial, &answer);
    // Whoever goes on from there with the buried seed has it from the original.
    ping(&mut thief, &mut random);
    recover(&mut thief, &mut random);
    let mut forged = *thief.encode().expose();
    forged[seed..seed + 32].copy_from_slice(&original.expose()[seed..seed + 32]);
    let mut forged = Record::decode(&forged).unwrap();
    let frame = bytes(&recover(&mut forged, &mut random));
    assert_eq!(Some(cold(&frame).hint()), server.row.hints::<Dalek>()[0]);
    assert!(is_clone(&server, &frame));
}

#[test]
fn line_5_an_attempt_stays_dead_until_the_next_operation() {
    let (mut record, mut server, _) = enroll(109, &[PIN]);
    let mut random = Seeded::new(1);
    let late = bytes(&ping(&mut record, &mut random));
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    receive(&mut record, &mut recovery, &answer);
    assert_eq!(dropped(&server, &late), Dropped::Dead);
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    // Its key is no longer known now.
    assert_eq!(server.row.dead, None);
    assert_eq!(dropped(&server, &late), Dropped::UnknownHint);
}

#[test]
fn line_6_what_does_not_authenticate_changes_nothing_and_proves_nothing() {
    let (mut record, mut server, _) = enroll(110, &[PIN]);
    let mut random = Seeded::new(1);
    let first = bytes(&ping(&mut record, &mut random));
    server.handle(&first).reply();
    let recovery = bytes(&recover(&mut record, &mut random));
    server.handle(&recovery).reply();
    // A sniffed hint of the current, the previous and the alternate key, each with a foreign ephemeral key.
    for known in server.row.hints::<Dalek>() {
        let mut forged = first.clone();
        forged[2..10].copy_from_slice(known.expect("all three are there").bytes());
        forged[10..42].copy_from_slice(Seeded::new(3).pair().public());
        assert_eq!(dropped(&server, &forged), Dropped::NotAuthentic);
    }
}

#[test]
fn line_6_every_byte_of_a_request_is_authenticated() {
    let (mut record, server, _) = enroll(111, &[PIN]);
    let frame = bytes(&ping(&mut record, &mut Seeded::new(1)));
    for at in 1..frame.len() {
        let mut changed = frame.clone();
        changed[at] ^= 0x10;
        let expected = if (2..10).contains(&at) { Dropped::UnknownHint } else { Dropped::NotAuthentic };
        assert_eq!(dropped(&server, &changed), expected, "byte {at}");
    }
}

#[test]
fn line_6_the_old_static_key_serves_while_a_rotate_is_open_and_no_longer() {
    let (mut record, mut server, _) = enroll(112, &[PIN]);
    let mut random = Seeded::new(1);
    let key = pin_key(&record.pin_derivation(), PIN);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let before = record.duplicate();
    let (next, rotation) = ours.rotate(&record, &key, NOW, &mut random).unwrap().stored();
    record = next;
    let operation = theirs.open(rotation.frame().bytes()).unwrap();
    server.row = operation.commit(&server.row, &theirs.fence(), Code::Ok).unwrap();
    assert_eq!(server.row.device_static_old.as_ref(), Some(&old_static(&before)));
    // The reply is lost: the RECOVER still comes under the old key, and does not close the rotation.
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    assert!(server.row.device_static_old.is_some());
    assert_eq!(outcome(&mut record, &mut recovery, &answer), Some(Code::Ok));
    // The first message under the new key does.
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!(server.row.device_static_old, None);
    assert_eq!(old_static(&record), server.row.device_static);
}

/// The static public key that a record holds, from its storage form: `head 3, policy 12, token 16, device 4,
/// generation 8, static secret 32, static public 32`.
fn old_static(record: &Record) -> [u8; 32] {
    record.encode().expose()[75..107].try_into().unwrap()
}

#[test]
fn line_7_a_blocked_device_is_told_so_and_nothing_ratchets() {
    type Mark = fn(&mut Row);
    let marks: [(Mark, Code); 3] = [
        (|row| row.clone_blocked = true, Code::Blocked),
        (|row| row.suspended = true, Code::Blocked),
        (|row| row.revoked = true, Code::NotEnrolled),
    ];
    for (mark, code) in marks {
        let (mut record, mut server, _) = enroll(113, &[PIN]);
        let mut attempt = ping(&mut record, &mut Seeded::new(1));
        mark(&mut server.row);
        let before = *server.row.encode().expose();
        let answer = server.handle(attempt.frame().bytes()).reply();
        assert!(server.row.encode().expose() == &before, "nothing was written");
        assert!(server.executed.is_empty());
        match attempt.receive(&record, &answer) {
            Received::Refused(reply) => assert_eq!((reply.code, reply.op), (code, Op::Ping)),
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[test]
fn line_7_comes_before_the_proof_of_a_clone_and_answers_recovers_too() {
    let (mut record, mut server, _) = enroll(114, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    server.row.suspended = true;
    assert!(matches!(look(&server, &bytes(&ping(&mut copy, &mut random))), Ok(Verdict::Refuse(_))));
    ping(&mut record, &mut random);
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    assert!(matches!(recovery.receive(&record, &answer), Received::Refused(reply) if reply.op == Op::Recover));
}

#[test]
fn line_7_a_block_outside_the_row_is_refused_without_a_ratchet_too() {
    let (mut record, mut server, _) = enroll(115, &[PIN]);
    let mut random = Seeded::new(1);
    let mut attempt = ping(&mut record, &mut random);
    let frame = bytes(&attempt);
    let Ok(Verdict::Operation(operation)) = look(&server, &frame) else { panic!("an operation") };
    // A device does not ratchet on these codes, so the server cannot either.
    for code in [Code::Blocked, Code::NotEnrolled] {
        let Ok(Verdict::Operation(again)) = look(&server, &frame) else { panic!("an operation") };
        assert!(again.commit(&server.row, &reply(Op::Ping, code), &mut server.random).is_none());
    }
    let answer = operation.refuse().answer(&reply(Op::Ping, Code::Ok), &mut server.random).unwrap();
    assert!(
        matches!(attempt.receive(&record, answer.bytes()), Received::Refused(reply) if reply.code == Code::Blocked)
    );
    let recovery = recover(&mut record, &mut random);
    let Ok(Verdict::Recover(verdict)) = look(&server, recovery.frame().bytes()) else { panic!("a RECOVER") };
    assert_eq!(verdict.refuse().code(), Code::Blocked);
}

/// A lost its reply, the device recovered: the row holds a current, a previous and an alternate key.
pub(crate) fn forked(seed: u64) -> (Record, Record, Server, Seeded) {
    let (mut record, mut server, _) = enroll(seed, &[PIN]);
    let mut random = Seeded::new(seed ^ 0xffff);
    let mut attempt = ping(&mut record, &mut random);
    let lost = server.handle(attempt.frame().bytes()).reply();
    // Who took the lost reply, and the record, stands where the device would have stood.
    let mut copy = record.duplicate();
    receive(&mut copy, &mut attempt, &lost);
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    receive(&mut record, &mut recovery, &answer);
    (record, copy, server, random)
}

#[test]
fn line_8_the_child_that_a_fork_left_behind_proves_a_clone() {
    let (mut record, mut copy, mut server, mut random) = forked(116);
    let frame = bytes(&ping(&mut copy, &mut random));
    assert_eq!(Some(cold(&frame).hint()), server.row.hints::<Dalek>()[2]);
    assert!(is_clone(&server, &frame));
    // Nothing before the AEAD proves anything.
    let mut damaged = frame.clone();
    damaged[100] ^= 1;
    assert_eq!(dropped(&server, &damaged), Dropped::NotAuthentic);
    // The next acceptance forgets it.
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert!(server.row.alternate.is_none());
    assert_eq!(dropped(&server, &frame), Dropped::UnknownHint);
}

#[test]
fn line_8_comes_before_line_9() {
    // Whoever took the lost reply and, later, the seed of the RECOVER as well: at the alternate key even that RECOVER,
    // for a newer server key, is nothing but the proof of a copy.
    let (mut record, mut server, _) = enroll(139, &[PIN]);
    let mut random = Seeded::new(9);
    let mut attempt = ping(&mut record, &mut random);
    let lost = server.handle(attempt.frame().bytes()).reply();
    let mut copy = record.duplicate();
    receive(&mut copy, &mut attempt, &lost);
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    let (mut stored, original) = (*copy.encode().expose(), record.encode());
    stored[2] = 2;
    stored[317..381].copy_from_slice(&original.expose()[317..381]);
    let mut copy = Record::decode(&stored).unwrap();
    rotate_server_key(&mut copy, &mut server);
    let frame = bytes(&recover(&mut copy, &mut random));
    assert_eq!(Some(cold(&frame).hint()), server.row.hints::<Dalek>()[2]);
    assert!(is_clone(&server, &frame));
}

//! The device's table of the design (section 3.1): server keys, resync, rotation. Each test fails without its line.

use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::{Answer, Confirmed, Intent, Pending, Received, Record, ResyncAnswer};
use cardea_protocol::noise::{CipherState, Handshake, IK, Keys, Role};
use cardea_protocol::responder::{self, ResyncVerdict};
use cardea_protocol::wire::{FirstFrame, KeyRecord, Op, Reply, ResyncRequest};
use cardea_protocol::{ApiMisuse, Code, PeerMisbehaved, ProtocolError, Secret};

use crate::pair::{
    NOW, Seeded, Server, enroll, operate, pin_key, receive, recover, reply, rotate_server_key, start, store,
};

use crate::ratchet_device::{PIN, image, misuse, plain};

#[test]
fn a_newer_server_key_is_taken_only_from_the_pinned_identity() {
    let (record, mut server, _) = enroll(219, &[PIN]);
    let foreign: Secret<32> = server.random.secret();
    let newer = |identity: &Secret<32>| KeyRecord::sign::<Dalek>(identity, 8, [9; 32], NOW, NOW + 1);
    let signature = ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature);
    assert_eq!(record.renew_server_key::<Dalek>(&newer(&foreign)).err(), Some(signature));
    let genuine = newer(&server.identity);
    let stored = record.renew_server_key::<Dalek>(&genuine).unwrap().stored().0;
    assert_eq!((stored.server_key().epoch, stored.server_key().key), (8, [9; 32]));
    let mut damaged = genuine;
    damaged.not_after += 1;
    assert_eq!(record.renew_server_key::<Dalek>(&damaged).err(), Some(signature));
}

#[test]
fn an_older_server_key_is_refused_even_where_epochs_wrap() {
    let (record, server, _) = enroll(220, &[PIN]);
    let mismatch = Some(ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch));
    let sign = |epoch, from| KeyRecord::sign::<Dalek>(&server.identity, epoch, [9; 32], from, NOW + 900_000);
    for (epoch, from) in [(7, NOW + 10), (6, NOW - 700_000), (135, NOW + 10), (200, NOW - 100)] {
        assert_eq!(record.renew_server_key::<Dalek>(&sign(epoch, from)).err(), mismatch, "{epoch}");
    }
    // Genuine, and by its number the later one: but of more than two years ago. Taken, the device would never find back.
    let ancient = sign(100, NOW - 80_000_000);
    assert!(KeyRecord::is_newer(ancient.epoch, record.server_key().epoch));
    assert_eq!(record.renew_server_key::<Dalek>(&ancient).err(), mismatch);
    assert_eq!(record.announce_server_key::<Dalek>(&ancient).err(), mismatch);
}

#[test]
fn a_new_server_key_leaves_what_is_pending_pending() {
    let (mut record, mut server, _) = enroll(221, &[PIN]);
    let mut random = Seeded::new(1);
    let attempt = start(&mut record, &Intent::Ping, &mut random);
    let sent: [u8; 32] = attempt.frame().bytes()[10..42].try_into().unwrap();
    rotate_server_key(&mut record, &mut server);
    assert_eq!(record.pending(), &Pending::Attempt(sent));
    let mut recovery = recover(&mut record, &mut random);
    let answer = server.handle(recovery.frame().bytes()).reply();
    assert!(matches!(receive(&mut record, &mut recovery, &answer), Answer::Recovered { outcome: None }));
}

#[test]
fn an_announced_server_key_waits_for_its_time() {
    let (record, server, _) = enroll(222, &[PIN]);
    let announced = KeyRecord::sign::<Dalek>(&server.identity, 8, [9; 32], NOW + 100, NOW + 900_000);
    let record = record.announce_server_key::<Dalek>(&announced).unwrap().stored().0;
    assert_eq!(record.server_key().epoch, 7);
    assert_eq!(record.next_server_key().map(|key| key.epoch), Some(8));
    let record = store(&record);
    assert!(record.use_announced_server_key(NOW + 99).is_none());
    let record = record.use_announced_server_key(NOW + 100).unwrap().stored().0;
    assert_eq!((record.server_key().epoch, record.next_server_key()), (8, None));
    assert!(record.use_announced_server_key(u32::MAX).is_none());
    // Taking the announced key, or a later one, from a STALE_KEY answer forgets the announcement.
    let later = KeyRecord::sign::<Dalek>(&server.identity, 9, [8; 32], NOW + 200, NOW + 900_000);
    let record = record.announce_server_key::<Dalek>(&later).unwrap().stored().0;
    let record = record.renew_server_key::<Dalek>(&later).unwrap().stored().0;
    assert_eq!((record.server_key().epoch, record.next_server_key()), (9, None));
}

/// R1 as the server sees it.
fn resync_frame(frame: &[u8]) -> ResyncRequest<'_> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Resync(request)) => request,
        other => panic!("no R1: {other:?}"),
    }
}

/// Device and server up to R2.
fn resync(
    record: &Record,
    server: &mut Server,
    random: &mut Seeded,
) -> (ResyncAnswer<Dalek>, responder::AwaitConfirm<Dalek>) {
    let mut resync = record.resync::<Dalek>(NOW, random).unwrap();
    let r1 = resync.frame().bytes().to_vec();
    let opened = responder::open_resync::<Dalek>(&resync_frame(&r1), &server.statics).unwrap();
    let answer = reply(Op::Resync, Code::Ok);
    let (r2, awaiting) = opened.answer(&server.row, &answer, &mut server.random).unwrap();
    (resync.receive(record, r2.bytes()), awaiting)
}

#[test]
fn resync_known_stores_nothing() {
    let (record, mut server, _) = enroll(223, &[PIN]);
    let (answer, awaiting) = resync(&record, &mut server, &mut Seeded::new(1));
    assert!(matches!(answer, ResyncAnswer::Known));
    assert_eq!(awaiting.verdict(), ResyncVerdict::Known);
}

#[test]
fn resync_stores_the_candidate_only_when_the_confirm_is_answered() {
    let (mut record, mut server, _) = enroll(224, &[PIN]);
    let mut random = Seeded::new(1);
    start(&mut record, &Intent::Ping, &mut random);
    let before = image(&record);
    server.row.marker = 1;
    let (answer, mut awaiting) = resync(&record, &mut server, &mut random);
    let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("allowed") };
    assert_eq!(image(&record), before);
    let frame = confirm.frame().bytes().to_vec();
    server.row = awaiting.confirm(&server.row, &frame).unwrap();
    let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
    let mut damaged = *answer.bytes();
    damaged[3] ^= 1;
    assert!(matches!(confirm.receive(&record, &damaged), Confirmed::NotAuthentic));
    let Confirmed::Resynced(resynced) = confirm.receive(&record, answer.bytes()) else { panic!("resynced") };
    record = store(&resynced.stored().0);
    assert_eq!(record.pending(), &Pending::None);
    assert_eq!(record.generation(), server.row.generation);
    let (code, ..) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    assert_eq!((code, server.row.marker), (Code::Ok, 0));
}

#[test]
fn a_crash_before_the_confirm_is_answered_leads_to_another_resync() {
    let (mut record, mut server, _) = enroll(225, &[PIN]);
    let mut random = Seeded::new(1);
    server.row.marker = 1;
    let (answer, mut awaiting) = resync(&record, &mut server, &mut random);
    let ResyncAnswer::Confirm(confirm) = answer else { panic!("allowed") };
    server.row = awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap();
    // The answer is lost: the old record is unknown now, and the mark of the resync still lets it in.
    drop(confirm);
    let (answer, mut awaiting) = resync(&record, &mut server, &mut random);
    let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("allowed again") };
    server.row = awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap();
    let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
    let Confirmed::Resynced(resynced) = confirm.receive(&record, answer.bytes()) else { panic!("resynced") };
    record = store(&resynced.stored().0);
    operate(&mut record, &mut server, &Intent::Ping, &mut random);
}

#[test]
fn resync_not_allowed_proves_the_device_live_and_shows_suspended() {
    let (mut record, mut server, _) = enroll(226, &[PIN]);
    let mut random = Seeded::new(1);
    let mut copy = record.duplicate();
    for _ in 0..2 {
        operate(&mut record, &mut server, &Intent::Ping, &mut random);
    }
    let before = image(&copy);
    let (answer, mut awaiting) = resync(&copy, &mut server, &mut random);
    let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("a confirm in any case") };
    server.row = awaiting.confirm(&server.row, confirm.frame().bytes()).unwrap();
    assert!(server.row.suspended);
    let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
    assert!(
        matches!(confirm.receive(&copy, answer.bytes()), Confirmed::Suspended(reply) if reply.code == Code::Blocked)
    );
    assert_eq!(image(&copy), before);
    copy = record.duplicate();
    let mut attempt = start(&mut copy, &Intent::Ping, &mut random);
    let answer = server.handle(attempt.frame().bytes()).reply();
    assert!(matches!(attempt.receive(&copy, &answer), Received::Refused(_)));
}

/// A server that follows no rule: R2 with `aux`, and the key under which it answers.
fn lawless(
    record: &Record,
    server: &Server,
    aux: u16,
    random: &mut Seeded,
) -> (ResyncAnswer<Dalek>, CipherState<Dalek>) {
    let mut resync = record.resync::<Dalek>(NOW, random).unwrap();
    let r1 = *resync.frame().bytes();
    let keys = Keys { s: Some(server.statics.duplicate()), e: Some(random.pair()), ..Keys::default() };
    let mut handshake = Handshake::<Dalek>::new(&IK, Role::Responder, &[b"cardea1", &r1[..2]], keys).unwrap();
    let mut payload = [0; 78];
    handshake.read_message(&r1[2..], &mut payload).unwrap();
    let mut answer = [0; 22];
    answer[..14].copy_from_slice(&Reply { aux, ..reply(Op::Resync, Code::Ok) }.encode());
    let mut r2 = [0; 71];
    handshake.write_message(&answer, &mut r2[1..]).unwrap();
    (resync.receive(record, &r2), CipherState::new(handshake.split().unwrap().responder_to_initiator))
}

fn seal(key: &mut CipherState<Dalek>, reply: &Reply) -> Vec<u8> {
    let mut cell = reply.encode();
    let tag = key.encrypt(&[], &mut cell).unwrap();
    [&cell[..], &tag].concat()
}

#[test]
fn only_the_answer_to_the_confirm_resyncs() {
    let (record, server, _) = enroll(227, &[PIN]);
    let mut random = Seeded::new(1);
    let (answer, mut key) = lawless(&record, &server, 1, &mut random);
    let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("allowed") };
    for wrong in [Op::Status, Op::Open, Op::PushState] {
        let frame = seal(&mut key, &reply(wrong, Code::Ok));
        assert!(matches!(confirm.receive(&record, &frame), Confirmed::NotAuthentic));
    }
    // Whatever came before, the answer is still accepted.
    let frame = seal(&mut key, &reply(Op::Ping, Code::Ok));
    assert!(matches!(confirm.receive(&record, &frame), Confirmed::Resynced(_)));
}

#[test]
fn a_confirm_that_was_not_granted_changes_nothing() {
    for (aux, code) in [(1, Code::Blocked), (1, Code::Internal), (3, Code::Ok), (3, Code::Blocked)] {
        let (record, server, _) = enroll(227, &[PIN]);
        let (answer, mut key) = lawless(&record, &server, aux, &mut Seeded::new(1));
        let ResyncAnswer::Confirm(mut confirm) = answer else { panic!("a confirm") };
        let frame = seal(&mut key, &reply(Op::Ping, code));
        assert!(matches!(confirm.receive(&record, &frame), Confirmed::Suspended(reply) if reply.code == code));
    }
    for aux in [0, 4, 0x101, u16::MAX] {
        let (record, server, _) = enroll(227, &[PIN]);
        assert!(matches!(lawless(&record, &server, aux, &mut Seeded::new(1)).0, ResyncAnswer::NotAuthentic));
    }
}

#[test]
fn a_resync_waits_through_plain_and_damaged_frames() {
    let (record, mut server, _) = enroll(228, &[PIN]);
    let mut random = Seeded::new(1);
    let mut resync = record.resync::<Dalek>(NOW, &mut random).unwrap();
    let r1 = resync.frame().bytes().to_vec();
    let opened = responder::open_resync::<Dalek>(&resync_frame(&r1), &server.statics).unwrap();
    let (r2, _) = opened.answer(&server.row, &reply(Op::Resync, Code::Ok), &mut server.random).unwrap();
    assert!(matches!(resync.receive(&record, &plain(Code::Overloaded)), ResyncAnswer::Plain(Code::Overloaded)));
    for at in 0..r2.bytes().len() {
        let mut changed = *r2.bytes();
        changed[at] ^= 2;
        assert!(matches!(resync.receive(&record, &changed), ResyncAnswer::NotAuthentic), "byte {at}");
    }
    assert!(matches!(resync.receive(&record, r2.bytes()), ResyncAnswer::Known));
}

#[test]
fn a_rotation_is_stored_with_its_recover_before_it_leaves() {
    let (mut record, mut server, _) = enroll(229, &[PIN]);
    let mut random = Seeded::new(1);
    let key = pin_key(&record.pin_derivation(), PIN);
    let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
    let (next, rotation) = ours.rotate(&record, &key, NOW, &mut random).unwrap().stored();
    let next = store(&next);
    assert!(matches!(next.pending(), Pending::Recovery { .. }));
    assert_eq!(misuse(ours.rotate(&next, &key, NOW, &mut random)), Some(ApiMisuse::AttemptPending));
    let operation = theirs.open(rotation.frame().bytes()).unwrap();
    assert!(matches!(next.pending(), Pending::Recovery { declared, .. } if declared == &operation.id));
    // The answer to something else settles nothing.
    let held = rotation.answered::<Dalek>(&next, &reply(Op::Ping, Code::Ok)).stored().0;
    assert_eq!(image(&held), image(&next));
}

#[test]
fn a_rotation_takes_the_new_key_exactly_if_the_server_did() {
    for (code, changes) in [(Code::Ok, true), (Code::PinRejected, false), (Code::Stale, false)] {
        let (mut record, mut server, _) = enroll(230, &[PIN]);
        let mut random = Seeded::new(1);
        let key = pin_key(&record.pin_derivation(), PIN);
        let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
        let before = image(&record)[75..107].to_vec();
        let (next, rotation) = ours.rotate(&record, &key, NOW, &mut random).unwrap().stored();
        let operation = theirs.open(rotation.frame().bytes()).unwrap();
        server.row = operation.commit(&server.row, &theirs.fence(), code).unwrap();
        let record_after = rotation.answered::<Dalek>(&next, &reply(Op::Rotate, code)).stored().0;
        record = store(&record_after);
        assert_eq!(record.pending(), &Pending::None);
        assert_eq!(image(&record)[75..107] != before, changes);
        assert_eq!(image(&record)[75..107], server.row.device_static);
        operate(&mut record, &mut server, &Intent::Ping, &mut random);
    }
}

#[test]
fn a_lost_rotation_is_settled_by_its_recover() {
    for arrives in [false, true] {
        let (mut record, mut server, _) = enroll(231, &[PIN]);
        let mut random = Seeded::new(1);
        let key = pin_key(&record.pin_derivation(), PIN);
        let (_, mut ours, mut theirs) = operate(&mut record, &mut server, &Intent::Ping, &mut random);
        let before = image(&record)[75..107].to_vec();
        let (next, rotation) = ours.rotate(&record, &key, NOW, &mut random).unwrap().stored();
        record = store(&next);
        if arrives {
            let operation = theirs.open(rotation.frame().bytes()).unwrap();
            server.row = operation.commit(&server.row, &theirs.fence(), Code::Ok).unwrap();
        }
        let mut recovery = recover(&mut record, &mut random);
        let answer = server.handle(recovery.frame().bytes()).reply();
        receive(&mut record, &mut recovery, &answer);
        assert_eq!(image(&record)[75..107] != before, arrives);
        operate(&mut record, &mut server, &Intent::Ping, &mut random);
    }
}

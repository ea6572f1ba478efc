//! Byte layouts, written out: what the study's tables say, and not what the encoders happen to do.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString};
use cardea_protocol::wire::{
    Attempt, COLD_REPLY_LEN, COLD_REQUEST_LEN, DecodeError, DeviceEntry, Devices, ENROLL1_LEN, ENROLL2_LEN,
    ENROLL3_LEN, ENROLL4_LEN, Eval, FirstFrame, History, HistoryEntry, Info, KEY_RECORD_LEN, KeyRecord, KeyRecords,
    Kind, LARGE_FRAME_LEN, LENGTH_PREFIX, LargeReply, LargeRequest, Op, PLAIN_LEN, PinEntry, PlainFrame, Push,
    PushedConfirmation, RESYNC1_LEN, RESYNC2_LEN, ReceiptEntry, Reply, Request, RevokeDevice, Rotate, SetPins, Signer,
    Text, WARM_REPLY_LEN, WARM_REQUEST_LEN,
};

use crate::support::hex;
use crate::wire_oracle::key_record;

/// `parts` one after another, and zeros up to `length`.
fn laid_out(length: usize, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = parts.concat();
    assert!(bytes.len() <= length);
    bytes.resize(length, 0);
    bytes
}

const TIME: u32 = 0x6b49_d200;

#[test]
fn frame_sizes() {
    assert_eq!(LENGTH_PREFIX, 2);
    assert_eq!((COLD_REQUEST_LEN, COLD_REPLY_LEN, PLAIN_LEN), (128, 63, 63));
    assert_eq!((WARM_REQUEST_LEN, WARM_REPLY_LEN, LARGE_FRAME_LEN), (86, 30, 254));
    assert_eq!((ENROLL1_LEN, ENROLL2_LEN, ENROLL3_LEN, ENROLL4_LEN), (58, 218, 560, 80));
    assert_eq!((RESYNC1_LEN, RESYNC2_LEN, KEY_RECORD_LEN), (176, 71, 105));
    assert_eq!(cardea_protocol::limits::FRAME_MAX, ENROLL3_LEN);
}

#[test]
fn first_bytes() {
    assert_eq!([Kind::Operate, Kind::Resync, Kind::Enroll].map(Kind::byte), [0x11, 0x12, 0x13]);
}

#[test]
fn operation_numbers_and_signers() {
    let table = [
        (0x00, Op::Ping, Signer::Nobody),
        (0x01, Op::Open, Signer::Pin),
        (0x02, Op::Close, Signer::Device),
        (0x03, Op::Status, Signer::Nobody),
        (0x04, Op::Subscribe, Signer::Nobody),
        (0x05, Op::Confirm, Signer::Pin),
        (0x06, Op::Deny, Signer::Device),
        (0x08, Op::Recover, Signer::Nobody),
        (0x10, Op::SetPins, Signer::Pin),
        (0x11, Op::Rotate, Signer::Pin),
        (0x12, Op::Unenroll, Signer::Pin),
        (0x13, Op::KeyRecords, Signer::Nobody),
        (0x14, Op::Eval, Signer::Nobody),
        (0x15, Op::Info, Signer::Nobody),
        (0x16, Op::Devices, Signer::Nobody),
        (0x17, Op::History, Signer::Nobody),
        (0x18, Op::Receipts, Signer::Nobody),
        (0x19, Op::RevokeDevice, Signer::Pin),
        (0x1f, Op::Resync, Signer::Device),
        (0x40, Op::PushState, Signer::Nobody),
        (0x41, Op::PushConfirmation, Signer::Nobody),
        (0x42, Op::PushKeyRecord, Signer::Nobody),
        (0x43, Op::PushRevoked, Signer::Nobody),
        (0x44, Op::PushAttempt, Signer::Nobody),
    ];
    assert_eq!(Op::ALL.len(), table.len());
    for (number, op, signer) in table {
        assert_eq!((op.number(), Op::from_number(number), op.signer()), (number, Some(op), signer));
    }
    assert_eq!((0..=255).filter(|number| Op::from_number(*number).is_some()).count(), table.len());
}

#[test]
fn code_numbers_and_which_may_be_plain() {
    for (number, code) in (0..).zip(Code::ALL) {
        assert_eq!((code.number(), Code::from_number(number)), (number, Some(code)));
    }
    assert_eq!(Code::from_number(17), None);
    let plain: Vec<u8> = Code::ALL.into_iter().filter(|code| code.is_plain()).map(Code::number).collect();
    assert_eq!(plain, [5, 6, 7, 9, 10]);
    assert_eq!((Code::Ok.number(), Code::PinRejected.number(), Code::Wait.number()), (0, 1, 2));
    assert_eq!((Code::Blocked.number(), Code::NotEnrolled.number(), Code::Stale.number()), (3, 4, 16));
}

#[test]
fn plain_frame() {
    let frame = PlainFrame { code: Code::UnknownHint, random: [0x5a; 62] };
    assert_eq!(frame.encode().bytes().to_vec(), laid_out(63, &[&[0x86], &[0x5a; 62]]));
    // A code that must not be sent in clear is not.
    for code in Code::ALL {
        let first = PlainFrame { code, random: [0; 62] }.encode().bytes()[0];
        assert_eq!(first, 0x80 + if code.is_plain() { code.number() } else { 9 });
    }
}

#[test]
fn first_frames_by_length_and_first_byte() {
    for length in 0..600 {
        for first in 0..=255_u8 {
            let mut frame = vec![0; length];
            if let Some(byte) = frame.first_mut() {
                *byte = first;
            }
            let parsed = FirstFrame::parse(&frame);
            match (first, length) {
                (_, 0) => assert_eq!(parsed, Err(DecodeError::Length)),
                (0x11, 128) => assert!(matches!(parsed, Ok(FirstFrame::Cold(_)))),
                (0x12, 176) => assert!(matches!(parsed, Ok(FirstFrame::Resync(_)))),
                (0x13, 58) => assert!(matches!(parsed, Ok(FirstFrame::Enroll(_)))),
                (0x11..=0x13, _) => assert_eq!(parsed, Err(DecodeError::Length)),
                (0x10..=0x1f, _) => assert_eq!(parsed, Err(DecodeError::Kind(first))),
                _ => assert_eq!(parsed, Err(DecodeError::Version(first >> 4))),
            }
            if let Ok(parsed) = parsed {
                assert_eq!(parsed.bytes(), frame);
            }
        }
    }
}

#[test]
fn first_frame_fields() {
    let numbered = |first: u8, length: u8| {
        let mut bytes: Vec<u8> = (0..length).collect();
        bytes[0] = first;
        bytes
    };
    let c1 = numbered(0x11, 128);
    let Ok(FirstFrame::Cold(cold)) = FirstFrame::parse(&c1) else { panic!("C1") };
    assert_eq!((cold.epoch(), cold.hint().bytes().as_slice()), (1, &c1[2..10]));
    assert_eq!((cold.ephemeral().as_slice(), cold.noise()), (&c1[10..42], &c1[10..]));
    assert_eq!(cold.hash::<Dalek>(), Dalek::sha256(&[&c1]));
    let r1 = numbered(0x12, 176);
    let Ok(FirstFrame::Resync(resync)) = FirstFrame::parse(&r1) else { panic!("R1") };
    assert_eq!((resync.epoch(), resync.ephemeral().as_slice(), resync.noise()), (1, &r1[2..34], &r1[2..]));
    let e1 = numbered(0x13, 58);
    let Ok(FirstFrame::Enroll(enroll)) = FirstFrame::parse(&e1) else { panic!("E1") };
    assert_eq!((enroll.id().as_slice(), enroll.noise()), (&e1[1..9], &e1[9..]));
}

#[test]
fn request_cell() {
    let request = Request { op: Op::Open, win: 9, time: TIME, signature: [0xee; 64] };
    assert_eq!(request.encode().to_vec(), laid_out(70, &[&[0x01, 9], &hex("00d2496b"), &[0xee; 64]]));
    assert_eq!(Request::recover(&[0xaa; 32]).encode().to_vec(), laid_out(70, &[&[8, 0, 0, 0, 0, 0], &[0xaa; 32]]));
    assert_eq!(Request::recover(&[0xaa; 32]).declared(), Some([0xaa; 32]));
    assert_eq!(request.declared(), None);
}

#[test]
fn request_fields_that_an_operation_does_not_use_are_zero() {
    let refused = |op: Op, at: usize, value: u8| {
        let mut bytes = [0; 70];
        bytes[0] = op.number();
        bytes[at] = value;
        Request::decode(&bytes).is_err()
    };
    for op in [Op::Ping, Op::Status, Op::Close, Op::Unenroll, Op::KeyRecords, Op::Info, Op::Devices, Op::Resync] {
        assert!(refused(op, 1, 1), "{op:?}");
    }
    for op in [Op::Ping, Op::Status, Op::Subscribe, Op::KeyRecords, Op::Info, Op::Devices, Op::History, Op::Receipts] {
        for at in 6..70 {
            assert!(refused(op, at, 1), "{op:?}");
        }
    }
    for at in (1..6).chain(38..70) {
        assert!(refused(Op::Recover, at, 1));
    }
    assert!(!refused(Op::Recover, 6, 1) && !refused(Op::Recover, 37, 1));
    assert!(!refused(Op::Open, 1, 31) && refused(Op::Open, 1, 32));
    assert!(!refused(Op::Subscribe, 1, 7) && refused(Op::Subscribe, 1, 8));
    assert!(!refused(Op::Confirm, 1, 2) && refused(Op::Confirm, 1, 3) && refused(Op::Confirm, 1, 0x10));
    assert!(!refused(Op::Deny, 1, 0xf2) && refused(Op::Deny, 1, 0x03));
    assert!(!refused(Op::History, 1, 255) && !refused(Op::Receipts, 1, 255));
    for op in Op::ALL.iter().filter(|op| !op.is_small_request()) {
        assert!(refused(*op, 2, 0), "{op:?}");
    }
}

#[test]
fn reply_cell() {
    let reply = Reply {
        op: Op::Status,
        status: DeviceStatus::Blocked,
        code: Code::Wait,
        tries: 5,
        server_time: TIME,
        until: 0x0102_0304,
        aux: 0xa1b2,
    };
    assert_eq!(reply.encode().to_vec(), hex("0304020500d2496b04030201b2a1"));
    assert_eq!(Reply::versions(1, 2), 0x21);
    let mut cell = reply.encode();
    for status in 0..=255 {
        cell[1] = status;
        assert_eq!(Reply::decode(&cell).is_ok(), [0, 1, 2, 4].contains(&status), "{status}");
    }
}

#[test]
fn large_requests() {
    let entry = |byte: u8, biometric| PinEntry { biometric, key: [byte; 32] };
    let entries = [entry(1, false), entry(2, true), entry(3, false), entry(4, false)];
    let set_pins = LargeRequest::SetPins(SetPins { time: TIME, entries, signature: [9; 64] });
    let time = hex("00d2496b");
    let expected =
        laid_out(238, &[&[0x10, 0], &time, &[0], &[1; 32], &[1], &[2; 32], &[0], &[3; 32], &[0], &[4; 32], &[9; 64]]);
    assert_eq!(set_pins.encode().to_vec(), expected);
    // Only slot 1 may be biometric.
    for slot in [0, 2, 3] {
        let mut other = expected.clone();
        other[6 + 33 * slot] = 1;
        assert!(LargeRequest::decode(&other.try_into().unwrap()).is_err());
    }
    let rotate = LargeRequest::Rotate(Rotate { time: TIME, key: [5; 32], signature: [6; 64] });
    assert_eq!(rotate.encode().to_vec(), laid_out(238, &[&[0x11, 0], &time, &[5; 32], &[6; 64]]));
    let revoke = RevokeDevice { time: TIME, device: DeviceId::new([7; 4]), signature: [8; 64] };
    let revoke = LargeRequest::RevokeDevice(revoke).encode().to_vec();
    assert_eq!(revoke, laid_out(238, &[&[0x19, 0], &time, &[7; 4], &[8; 64]]));
    let eval = LargeRequest::Eval(Eval { element: [1; 32] }).encode().to_vec();
    assert_eq!(eval, laid_out(238, &[&[0x14], &[1; 32]]));
}

fn cell(op: Op) -> (Reply, Vec<u8>) {
    let reply = crate::pair::reply(op, Code::Ok);
    (reply, reply.encode().to_vec())
}

#[test]
fn large_replies() {
    let (reply, head) = cell(Op::Rotate);
    assert_eq!(LargeReply::Plain(reply).encode().to_vec(), laid_out(238, &[&head]));
    let (reply, head) = cell(Op::KeyRecords);
    let (current, next) = (key_record(1), key_record(2));
    let both = LargeReply::KeyRecords(reply, KeyRecords { current, next: Some(next) }).encode().to_vec();
    assert_eq!(both, laid_out(238, &[&head, &[1], &current.encode(), &next.encode()]));
    let one = LargeReply::KeyRecords(reply, KeyRecords { current, next: None }).encode().to_vec();
    assert_eq!(one, laid_out(238, &[&head, &[1], &current.encode()]));
    let (reply, head) = cell(Op::Info);
    let info =
        Info { service: Text::new("Bank").unwrap(), label: Text::new("ada").unwrap(), colors: [[1, 2, 3], [4, 5, 6]] };
    let expected = laid_out(238, &[&head, &[1], &[4], b"Bank", &[0; 60], &[3], b"ada", &[0; 61], &[1, 2, 3, 4, 5, 6]]);
    assert_eq!(LargeReply::Info(reply, info).encode().to_vec(), expected);
    let (reply, head) = cell(Op::Devices);
    let entry =
        DeviceEntry { device: DeviceId::new([1; 4]), platform: 2, flags: 3, enrolled_at: TIME, last_seen: 0x0102_0304 };
    let mut entries = [None; 8];
    entries[0] = Some(entry);
    let expected = laid_out(238, &[&head, &[1], &hex("0101010101020300d2496b04030201")]);
    assert_eq!(LargeReply::Devices(reply, Devices(entries)).encode().to_vec(), expected);
    let (reply, head) = cell(Op::History);
    let mut lines = [None; 16];
    lines[0] = Some(HistoryEntry { time: TIME, op: 2, device: DeviceId::new([4; 4]) });
    let expected = laid_out(238, &[&head, &[1], &hex("0100d2496b0204040404")]);
    assert_eq!(LargeReply::History(reply, History(lines)).encode().to_vec(), expected);
    let (reply, head) = cell(Op::Receipts);
    let receipt = ReceiptEntry { statement: [5; 82], signature: [6; 64] };
    let expected = laid_out(238, &[&head, &[1], &[5; 82], &[6; 64]]);
    assert_eq!(LargeReply::Receipt(reply, receipt).encode().to_vec(), expected);
    let (reply, head) = cell(Op::Eval);
    let expected = laid_out(238, &[&head, &[1], &[7; 32]]);
    assert_eq!(LargeReply::Eval(reply, Eval { element: [7; 32] }).encode().to_vec(), expected);
}

#[test]
fn lists_in_large_replies_have_no_gaps() {
    let (reply, head) = cell(Op::History);
    let line = HistoryEntry { time: TIME, op: 2, device: DeviceId::new([4; 4]) };
    let mut gap = [None; 16];
    gap[3] = Some(line);
    let bytes = LargeReply::History(reply, History(gap)).encode();
    let mut closed = [None; 16];
    closed[0] = Some(line);
    assert_eq!(LargeReply::decode(&bytes), Ok(LargeReply::History(reply, History(closed))));
    // A second entry after the end mark.
    let mut bad = laid_out(238, &[&head, &[1], &hex("0100d2496b0204040404"), &[0], &hex("0100d2496b0204040404")]);
    assert!(LargeReply::decode(&bad.clone().try_into().unwrap()).is_err());
    bad[15] = 2;
    assert!(LargeReply::decode(&bad.try_into().unwrap()).is_err());
}

#[test]
fn pushes() {
    let push = PushedConfirmation {
        id: [1; 8],
        expires_at: TIME,
        relying_party: 0x0a0b_0c0d,
        index: 2,
        text: Text::new("Pay 20 to Ada").unwrap(),
    };
    let expected = laid_out(238, &[&[0x41], &[1; 8], &hex("00d2496b0d0c0b0a02"), &[13], b"Pay 20 to Ada"]);
    assert_eq!(Push::Confirmation(push).encode_large().unwrap().to_vec(), expected);
    let mut bad = expected.clone();
    bad[17] = 3;
    assert!(Push::decode_large(&bad.try_into().unwrap()).is_err(), "index");
    for (length, byte) in [(201, b'x'), (255, b'x'), (12, b'a'), (13, 0xff)] {
        let mut bad = expected.clone();
        bad[18] = length;
        bad[31] = byte;
        assert!(Push::decode_large(&bad.try_into().unwrap()).is_err(), "text {length}");
    }
    let record = key_record(4);
    let expected = laid_out(238, &[&[0x42], &record.encode()]);
    assert_eq!(Push::KeyRecord(record).encode_large().unwrap().to_vec(), expected);
    let attempt = Push::Attempt(Attempt { time: 0x0102_0304, count: 0x0506 });
    assert_eq!(attempt.to_reply(TIME).unwrap().encode().to_vec(), hex("4402000000d2496b040302010605"));
    assert_eq!(Push::from_reply(&attempt.to_reply(TIME).unwrap()), Some(attempt));
    let (state, _) = cell(Op::PushState);
    assert_eq!(Push::from_reply(&state), Some(Push::State(state)));
    let (revoked, _) = cell(Op::PushRevoked);
    assert_eq!(Push::from_reply(&revoked), Some(Push::Revoked(revoked)));
    assert_eq!(Push::State(state).encode_large(), None);
    assert_eq!(Push::KeyRecord(record).to_reply(TIME), None);
}

#[test]
fn key_record_layout() {
    let identity = cardea_protocol::Secret::new([3; 32]);
    let record = KeyRecord::sign::<Dalek>(&identity, 200, [7; 32], TIME, 0x7fff_ffff);
    let signed = [&[200][..], &[7; 32], &hex("00d2496b"), &hex("ffffff7f")].concat();
    assert_eq!(record.encode().to_vec(), [&signed[..], &record.signature].concat());
    let public = Dalek::ed25519_public(&identity);
    assert!(Dalek::ed25519_verify(&public, &[b"cardea1 key", &signed[..]].concat(), &record.signature));
    assert!(record.verify::<Dalek>(&public));
    for at in 0..105 {
        let mut bytes = record.encode();
        bytes[at] ^= 1;
        assert!(!KeyRecord::decode(&bytes).is_ok_and(|record| record.verify::<Dalek>(&public)), "byte {at}");
    }
    // A life that ends before it starts.
    for until in [TIME, TIME - 1] {
        let record = KeyRecord::sign::<Dalek>(&identity, 1, [7; 32], TIME, until);
        assert!(KeyRecord::decode(&record.encode()).is_err());
    }
}

#[test]
fn policy_layout() {
    let policy = Policy {
        argon2: Argon2Class::Standard,
        pin_min: 6,
        pin_max: 12,
        duress: true,
        biometric: true,
        short_string: ShortString::Required,
        version_min: 1,
        version_max: 15,
        keepalive: 1,
    };
    assert_eq!(policy.encode().to_vec(), hex("01060c0f010f010000000000"));
    let refused = |at: usize, value: u8| {
        let mut bytes = policy.encode();
        bytes[at] = value;
        Policy::decode(&bytes).is_err()
    };
    assert!(refused(0, 0) && refused(0, 3) && !refused(0, 0x7f) && !refused(0, 2));
    assert!(refused(1, 5) && refused(1, 13) && refused(2, 5) && refused(2, 13) && !refused(1, 12));
    assert!(refused(3, 0x10) && refused(3, 0x08) && !refused(3, 0x04) && !refused(3, 0));
    assert!(refused(4, 0) && refused(5, 16) && refused(6, 2));
    assert!((7..12).all(|at| refused(at, 1)));
    let (mut wrong, mut versions) = (policy, policy);
    (wrong.pin_min, wrong.pin_max) = (9, 8);
    (versions.version_min, versions.version_max) = (3, 2);
    assert!(Policy::decode(&wrong.encode()).is_err() && Policy::decode(&versions.encode()).is_err());
}

#[test]
fn argon2_classes() {
    let costs = [Argon2Class::Standard, Argon2Class::Embedded, Argon2Class::Test]
        .map(|class| (class.number(), class.cost().memory_kib, class.cost().passes));
    assert_eq!(costs, [(1, 65_536, 3), (2, 64, 3), (0x7f, 8, 1)]);
}

#[test]
fn device_info_layout() {
    let info = DeviceInfo { platform: 3, sdk_version: [1, 2, 3], emulated: true, biometric: false };
    assert_eq!(info.encode().to_vec(), hex("03010203010000000000000000000000"));
    let refused = |at: usize, value: u8| {
        let mut bytes = info.encode();
        bytes[at] = value;
        DeviceInfo::decode(&bytes).is_err()
    };
    assert!(refused(0, 7) && refused(4, 4) && !refused(4, 3) && (5..16).all(|at| refused(at, 1)));
}

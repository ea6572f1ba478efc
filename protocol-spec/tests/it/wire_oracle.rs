//! The one rule of every decoder: what decodes encodes to the same bytes again, and nothing panics.

use proptest::prelude::*;

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{RECORD_LEN, Record};
use cardea_protocol::ratchet::{ROW_LEN, Row};
use cardea_protocol::token::{DeviceId, DeviceInfo, DeviceStatus, Policy};
use cardea_protocol::wire::{
    DeviceEntry, Devices, Eval, History, HistoryEntry, Info, KeyRecord, KeyRecords, LARGE_LEN, LargeReply,
    LargeRequest, Link, Op, PinEntry, PlainFrame, Push, PushedConfirmation, ReceiptEntry, Reply, Request, RevokeDevice,
    Rotate, SetPins, Text, TypedCode,
};

use crate::pair::{NOW, Seeded, enroll, policy, recover, reply};

/// A decoder followed by its encoder; `None` if the bytes are refused.
pub(crate) type Codec = fn(&[u8]) -> Option<Vec<u8>>;

/// Its name, itself, and valid messages for it.
pub(crate) type Decoder = (&'static str, Codec, Vec<Vec<u8>>);

fn array<const N: usize>(bytes: &[u8]) -> Option<&[u8; N]> {
    bytes.try_into().ok()
}

fn link_again(link: &Link) -> String {
    let mut text = String::new();
    link.write_uri(&mut text).unwrap();
    text
}

/// Every decoder of the crate with a valid message for it.
pub(crate) fn all() -> Vec<Decoder> {
    vec![
        ("request", |b| Some(Request::decode(b).ok()?.encode().to_vec()), requests()),
        ("reply", |b| Some(Reply::decode(b).ok()?.encode().to_vec()), replies()),
        ("large request", |b| Some(LargeRequest::decode(array(b)?).ok()?.encode().to_vec()), large_requests()),
        ("large reply", |b| Some(LargeReply::decode(array(b)?).ok()?.encode().to_vec()), large_replies()),
        (
            "large push",
            |b| Some(Push::decode_large(array(b)?).ok()?.encode_large().expect("a large one").to_vec()),
            large_pushes(),
        ),
        ("key record", |b| Some(KeyRecord::decode(b).ok()?.encode().to_vec()), vec![key_record(3).encode().to_vec()]),
        (
            "plain frame",
            |b| Some(PlainFrame::decode(b).ok()?.encode().bytes().to_vec()),
            vec![PlainFrame { code: Code::StaleKey, random: [9; 62] }.encode().bytes().to_vec()],
        ),
        ("policy", |b| Some(Policy::decode(array(b)?).ok()?.encode().to_vec()), vec![policy().encode().to_vec()]),
        (
            "device info",
            |b| Some(DeviceInfo::decode(array(b)?).ok()?.encode().to_vec()),
            vec![DeviceInfo { platform: 6, sdk_version: [1, 2, 3], emulated: true, biometric: true }.encode().to_vec()],
        ),
        ("record", |b| Some(Record::decode(array::<RECORD_LEN>(b)?).ok()?.encode().expose().to_vec()), records()),
        ("row", |b| Some(Row::decode(array::<ROW_LEN>(b)?).ok()?.encode().expose().to_vec()), rows()),
        (
            "link",
            |b| Some(link_again(&Link::parse(core::str::from_utf8(b).ok()?).ok()?).into_bytes()),
            vec![link_text().into_bytes()],
        ),
        (
            "typed code",
            |b| Some(TypedCode::parse(core::str::from_utf8(b).ok()?).ok()?.text().expose().to_vec()),
            vec![b"4F7K-2MQ8ZT".to_vec()],
        ),
    ]
}

fn requests() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Op::ALL
        .iter()
        .filter(|op| op.is_small_request() && **op != Op::Recover)
        .map(|op| {
            let signed = op.signer() != cardea_protocol::wire::Signer::Nobody;
            Request { op: *op, win: 0, time: NOW, signature: [if signed { 5 } else { 0 }; 64] }.encode().to_vec()
        })
        .collect();
    all.push(Request::recover(&[6; 32]).encode().to_vec());
    all
}

fn replies() -> Vec<Vec<u8>> {
    Op::ALL
        .iter()
        .map(|op| {
            Reply {
                op: *op,
                status: DeviceStatus::Open,
                code: Code::Wait,
                tries: 3,
                server_time: NOW,
                until: NOW + 30,
                aux: 0x0102,
            }
            .encode()
            .to_vec()
        })
        .collect()
}

pub(crate) fn key_record(epoch: u8) -> KeyRecord {
    KeyRecord::sign::<Dalek>(&cardea_protocol::Secret::new([epoch; 32]), epoch, [7; 32], NOW, NOW + 604_800)
}

fn large_requests() -> Vec<Vec<u8>> {
    let mut entries = [PinEntry { biometric: false, key: [1; 32] }; 4];
    entries[1].biometric = true;
    [
        LargeRequest::SetPins(SetPins { time: NOW, entries, signature: [2; 64] }),
        LargeRequest::Rotate(Rotate { time: NOW, key: [3; 32], signature: [4; 64] }),
        LargeRequest::RevokeDevice(RevokeDevice { time: NOW, device: DeviceId::new([5; 4]), signature: [6; 64] }),
        LargeRequest::Eval(Eval { element: [7; 32] }),
    ]
    .iter()
    .map(|message| message.encode().to_vec())
    .collect()
}

fn large_replies() -> Vec<Vec<u8>> {
    let cell = |op| reply(op, Code::Ok);
    let device =
        DeviceEntry { device: DeviceId::new([1; 4]), platform: 1, flags: 3, enrolled_at: NOW, last_seen: NOW + 1 };
    let line = HistoryEntry { time: NOW, op: 1, device: DeviceId::new([2; 4]) };
    let mut some_devices = [None; 8];
    some_devices[..2].copy_from_slice(&[Some(device), Some(device)]);
    let mut some_lines = [None; 16];
    some_lines[0] = Some(line);
    let info = |service: &str, label: &str| Info {
        service: Text::new(service).unwrap(),
        label: Text::new(label).unwrap(),
        colors: [[1, 2, 3], [4, 5, 6]],
    };
    let records = |next| KeyRecords { current: key_record(7), next };
    [
        LargeReply::Plain(cell(Op::SetPins)),
        LargeReply::Plain(cell(Op::Rotate)),
        LargeReply::Plain(cell(Op::RevokeDevice)),
        LargeReply::Plain(Reply { code: Code::Policy, ..cell(Op::Info) }),
        LargeReply::KeyRecords(cell(Op::KeyRecords), records(None)),
        LargeReply::KeyRecords(cell(Op::KeyRecords), records(Some(key_record(8)))),
        LargeReply::Info(cell(Op::Info), info("", "")),
        LargeReply::Info(cell(Op::Info), info("Bank of Ada, €", &"x".repeat(64))),
        LargeReply::Devices(cell(Op::Devices), Devices([None; 8])),
        LargeReply::Devices(cell(Op::Devices), Devices(some_devices)),
        LargeReply::Devices(cell(Op::Devices), Devices([Some(device); 8])),
        LargeReply::History(cell(Op::History), History([None; 16])),
        LargeReply::History(cell(Op::History), History(some_lines)),
        LargeReply::History(cell(Op::History), History([Some(line); 16])),
        LargeReply::Receipt(cell(Op::Receipts), ReceiptEntry { statement: [8; 82], signature: [9; 64] }),
        LargeReply::Eval(cell(Op::Eval), Eval { element: [3; 32] }),
    ]
    .iter()
    .map(|message| message.encode().to_vec())
    .collect()
}

fn large_pushes() -> Vec<Vec<u8>> {
    let confirmation = |text: &str| PushedConfirmation {
        id: [1; 8],
        expires_at: NOW,
        relying_party: 77,
        index: 2,
        text: Text::new(text).unwrap(),
    };
    [
        Push::Confirmation(confirmation("")),
        Push::Confirmation(confirmation(&"é".repeat(100))),
        Push::KeyRecord(key_record(1)),
    ]
    .iter()
    .map(|push| push.encode_large().unwrap().to_vec())
    .collect()
}

fn records() -> Vec<Vec<u8>> {
    let (mut record, mut server, _) = enroll(600, &[b"493817"]);
    let mut random = Seeded::new(601);
    let mut all = vec![record.encode().expose().to_vec()];
    crate::pair::start(&mut record, &cardea_protocol::device::Intent::Ping, &mut random);
    all.push(record.encode().expose().to_vec());
    recover(&mut record, &mut random);
    all.push(record.encode().expose().to_vec());
    crate::pair::rotate_server_key(&mut record, &mut server);
    let next = KeyRecord::sign::<Dalek>(&server.identity, 12, [5; 32], NOW, NOW + 9);
    all.push(record.announce_server_key::<Dalek>(&next).unwrap().record().encode().expose().to_vec());
    all
}

fn rows() -> Vec<Vec<u8>> {
    let (mut record, mut server, _) = enroll(602, &[b"493817"]);
    let mut random = Seeded::new(603);
    let mut all = vec![server.row.encode().expose().to_vec()];
    let attempt = crate::pair::start(&mut record, &cardea_protocol::device::Intent::Ping, &mut random);
    server.handle(attempt.frame().bytes()).reply();
    all.push(server.row.encode().expose().to_vec());
    server.handle(recover(&mut record, &mut random).frame().bytes()).reply();
    server.row.device_static_old = Some([4; 32]);
    server.row.suspended = true;
    server.row.marker = 2;
    all.push(server.row.encode().expose().to_vec());
    all
}

pub(crate) fn link() -> Link {
    Link {
        epoch: 9,
        id: [0x81, 2, 3, 4, 5, 6, 7, 8],
        code: cardea_protocol::Secret::new([0xab; 32]),
        server_key: [0xcd; 32],
        port: 8421,
        host: cardea_protocol::wire::Host::new("id.example").unwrap(),
    }
}

pub(crate) fn link_text() -> String {
    link_again(&link())
}

#[test]
fn every_sample_is_valid_and_has_one_encoding() {
    for (name, codec, samples) in all() {
        assert!(!samples.is_empty(), "{name}");
        for sample in samples {
            assert_eq!(codec(&sample).as_ref(), Some(&sample), "{name}");
        }
    }
}

/// A typed code may be typed in many ways and a link may stand in white space: there, and only there, other bytes may
/// decode to the same.
fn is_text(name: &str) -> bool {
    name == "link" || name == "typed code"
}

#[test]
fn every_change_of_a_single_byte_is_refused_or_is_another_message() {
    for (name, codec, samples) in all() {
        for sample in samples {
            for at in 0..sample.len() {
                for value in 0..=255 {
                    let mut changed = sample.clone();
                    changed[at] = value;
                    match codec(&changed) {
                        Some(again) if is_text(name) => assert!(codec(&again) == Some(again)),
                        Some(again) => assert!(again == changed, "{name}: byte {at} = {value:#04x}"),
                        None => assert!(changed != sample, "{name}"),
                    }
                }
            }
        }
    }
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    for (name, codec, samples) in all() {
        if is_text(name) {
            continue;
        }
        let right = samples[0].len();
        for length in (0..600).filter(|length| *length != right) {
            let mut other = samples[0].clone();
            other.resize(length, 0);
            assert_eq!(codec(&other), None, "{name}: {length} bytes");
        }
    }
}

#[test]
fn text_cut_short_anywhere_is_refused() {
    for (name, codec, samples) in all().into_iter().filter(|(name, ..)| is_text(name)) {
        let sample = &samples[0];
        for length in 0..sample.len() {
            assert_eq!(codec(&sample[..length]), None, "{name}: {length} bytes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn random_bytes_are_refused_or_encode_to_themselves(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for (name, codec, _) in codecs() {
            if let Some(again) = codec(&bytes) {
                prop_assert!(is_text(name) || again == bytes, "{}", name);
            }
        }
    }

    #[test]
    fn damaged_messages_are_refused_or_encode_to_themselves(
        seed in any::<u64>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for (name, codec, samples) in SAMPLES.with(Clone::clone).iter() {
            let mut bytes = samples[usize::try_from(seed % u64::try_from(samples.len()).unwrap()).unwrap()].clone();
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if let Some(again) = codec(&bytes) {
                prop_assert!(is_text(name) || again == bytes, "{}", name);
            }
        }
    }

    #[test]
    fn requests_of_every_operation_keep_their_fields(number in any::<u8>(), win in any::<u8>(), time in any::<u32>()) {
        let mut bytes = [0; 70];
        bytes[0] = number;
        bytes[1] = win;
        bytes[2..6].copy_from_slice(&time.to_le_bytes());
        if let Ok(request) = Request::decode(&bytes) {
            prop_assert_eq!((request.op.number(), request.win, request.time), (number, win, time));
        }
    }

    #[test]
    fn texts_keep_their_characters(text in "\\PC{0,80}") {
        match Text::<200>::new(&text) {
            Ok(kept) => prop_assert_eq!(kept.as_str(), text),
            Err(_) => prop_assert!(text.len() > 200),
        }
    }
}

fn codecs() -> Vec<Decoder> {
    SAMPLES.with(|samples| samples.as_ref().clone())
}

thread_local! {
    static SAMPLES: std::rc::Rc<Vec<Decoder>> = std::rc::Rc::new(all());
}

#[test]
fn a_large_cell_says_nothing_of_more_cells() {
    // The top bit of the first byte: version 1 has no message that needs it.
    for (name, codec, samples) in all() {
        for sample in samples.iter().filter(|sample| sample.len() == LARGE_LEN) {
            let mut more = sample.clone();
            more[0] |= 0x80;
            assert_eq!(codec(&more), None, "{name}");
        }
    }
}

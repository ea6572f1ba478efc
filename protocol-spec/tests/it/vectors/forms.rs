//! Chapters 2, 3, 4, 8 and 10: what needs no handshake.

use serde_json::{Value, json};

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString};
use cardea_protocol::wire::{
    Attempt, DeviceEntry, Devices, Eval, FirstFrame, History, HistoryEntry, Host, Info, KeyRecord, KeyRecords,
    LARGE_LEN, LargeReply, LargeRequest, Link, Op, PinEntry, PlainFrame, Push, PushedConfirmation, ReceiptEntry, Reply,
    Request, RevokeDevice, Rotate, SetPins, Signer, Text, TypedCode,
};

use super::{h, hold, secret};
use crate::pair::NOW;

fn first_frame(bytes: &[u8]) -> &'static str {
    match FirstFrame::parse(bytes) {
        Ok(FirstFrame::Cold(_)) => "C1",
        Ok(FirstFrame::Resync(_)) => "R1",
        Ok(FirstFrame::Enroll(_)) => "E1",
        Err(cardea_protocol::wire::DecodeError::Version(_)) => "version",
        Err(cardea_protocol::wire::DecodeError::Kind(_)) => "kind",
        Err(_) => "length",
    }
}

#[test]
fn chapter_2_frames() {
    let counting = |first: u8, length: u8| {
        let mut bytes: Vec<u8> = (0..length).collect();
        bytes[0] = first;
        bytes
    };
    let mut first = Vec::new();
    for (byte, length) in [
        (0x11, 128),
        (0x12, 176),
        (0x13, 58),
        (0x11, 127),
        (0x11, 129),
        (0x12, 128),
        (0x13, 128),
        (0x10, 128),
        (0x14, 128),
        (0x01, 128),
        (0x21, 128),
        (0xff, 63),
    ] {
        let bytes = counting(byte, length);
        first.push(json!({ "frame": h(&bytes), "is": first_frame(&bytes) }));
    }
    first.push(json!({ "frame": "", "is": "length" }));
    let plain: Vec<Value> = Code::ALL
        .into_iter()
        .map(|code| {
            let mut frame = [0x33; 63];
            frame[0] = 0x80 + code.number();
            let known = PlainFrame::decode(&frame).is_ok();
            json!({ "frame": h(frame), "code": code.number(), "valid": known })
        })
        .chain([
            json!({ "frame": h([0x83; 62]), "valid": PlainFrame::decode(&[0x83; 62]).is_ok() }),
            json!({ "frame": h([0x05; 63]), "valid": PlainFrame::decode(&[0x05; 63]).is_ok() }),
            json!({ "frame": h([0xff; 63]), "valid": PlainFrame::decode(&[0xff; 63]).is_ok() }),
        ])
        .collect();
    hold("02-frames.json", &json!({ "first_frames": first, "plain_frames": plain }));
}

fn request_fields(request: &Request) -> Value {
    json!({ "op": request.op.number(), "win": request.win, "time": request.time, "signature": h(request.signature) })
}

fn requests() -> Vec<Value> {
    let mut all = Vec::new();
    for op in Op::ALL.iter().filter(|op| op.is_small_request() && **op != Op::Recover) {
        let wins: &[u8] = match op {
            Op::Open => &[0, 9, 31],
            Op::Subscribe => &[0, 7],
            Op::Confirm => &[0, 2],
            Op::Deny => &[0, 0xf2],
            Op::History | Op::Receipts => &[0, 255],
            _ => &[0],
        };
        for win in wins {
            let signature = [if op.signer() == Signer::Nobody { 0 } else { 0x5a }; 64];
            let request = Request { op: *op, win: *win, time: NOW, signature };
            all.push(json!({ "cell": h(request.encode()), "fields": request_fields(&request) }));
        }
    }
    let recover = Request::recover(&[0x6b; 32]);
    all.push(json!({ "cell": h(recover.encode()), "fields": request_fields(&recover), "declared": h([0x6b; 32]) }));
    all
}

fn bad_requests() -> Vec<Value> {
    let mut all = Vec::new();
    let mut bad = |why: &str, bytes: &[u8]| {
        assert!(Request::decode(bytes).is_err(), "{why}");
        all.push(json!({ "cell": h(bytes), "why": why }));
    };
    let cell = |op: Op, at: usize, value: u8| {
        let mut bytes = [0; 70];
        bytes[0] = op.number();
        bytes[at] = value;
        bytes
    };
    bad("too short", &[0; 69]);
    bad("too long", &[0; 71]);
    bad("unknown operation", &cell(Op::Ping, 0, 0x07));
    bad("the old pending bit", &cell(Op::Ping, 0, 0x81));
    bad("a large operation", &cell(Op::SetPins, 0, 0x10));
    bad("a push", &cell(Op::Ping, 0, 0x40));
    bad("win is not used", &cell(Op::Status, 1, 1));
    bad("window above 31", &cell(Op::Open, 1, 32));
    bad("reserved bit of the mask", &cell(Op::Subscribe, 1, 8));
    bad("index above 2", &cell(Op::Confirm, 1, 3));
    bad("index above 2", &cell(Op::Deny, 1, 0x13));
    bad("nobody signs", &cell(Op::Ping, 69, 1));
    bad("a RECOVER has no time", &cell(Op::Recover, 2, 1));
    bad("a RECOVER has no window", &cell(Op::Recover, 1, 1));
    bad("the second half of a RECOVER's field is zero", &cell(Op::Recover, 38, 1));
    all
}

fn replies() -> (Vec<Value>, Vec<Value>) {
    let statuses = [DeviceStatus::NotEnrolled, DeviceStatus::Open, DeviceStatus::Closed, DeviceStatus::Blocked];
    let good = (0..)
        .zip(statuses)
        .map(|(index, status)| {
            let op = [Op::Open, Op::Recover, Op::Status, Op::PushState][index];
            let reply = Reply {
                op,
                status,
                code: Code::ALL[index * 5],
                tries: 10,
                server_time: NOW,
                until: NOW + 300,
                aux: [0x0011, 0x0110, 0x0021, 0xffff][index],
            };
            json!({
                "cell": h(reply.encode()),
                "fields": {
                    "op": op.number(), "status": status.number(), "code": reply.code.number(), "tries": reply.tries,
                    "server_time": reply.server_time, "until": reply.until, "aux": reply.aux,
                },
            })
        })
        .collect();
    let base = crate::pair::reply(Op::Ping, Code::Ok).encode();
    let with = |at: usize, value: u8| {
        let mut bytes = base;
        bytes[at] = value;
        assert!(Reply::decode(&bytes).is_err());
        h(bytes)
    };
    let bad = vec![
        json!({ "cell": with(0, 0x07), "why": "unknown operation" }),
        json!({ "cell": with(1, 3), "why": "a device is never told of duress" }),
        json!({ "cell": with(1, 5), "why": "unknown status" }),
        json!({ "cell": with(2, 17), "why": "unknown code" }),
        json!({ "cell": h(&base[..13]), "why": "too short" }),
    ];
    (good, bad)
}

fn large() -> Value {
    let mut entries = [1, 2, 3, 4].map(|byte| PinEntry { biometric: false, key: [byte; 32] });
    entries[1].biometric = true;
    let signature = [0x5a; 64];
    let device = DeviceId::new([0xd1, 0xd2, 0xd3, 0xd4]);
    let requests = [
        ("SET_PINS", LargeRequest::SetPins(SetPins { time: NOW, entries, signature })),
        ("ROTATE", LargeRequest::Rotate(Rotate { time: NOW, key: [0x77; 32], signature })),
        ("REVOKE_DEVICE", LargeRequest::RevokeDevice(RevokeDevice { time: NOW, device, signature })),
        ("EVAL", LargeRequest::Eval(Eval { element: [0xe1; 32] })),
    ]
    .map(|(name, message)| json!({ "name": name, "cell": h(message.encode()) }));
    let cell = |op| crate::pair::reply(op, Code::Ok);
    let record = |epoch| KeyRecord::sign::<Dalek>(&secret(1), epoch, [epoch; 32], NOW, NOW + 604_800);
    let text = |text: &str| Text::new(text).unwrap();
    let info = Info { service: text("Bank of Ada"), label: text("ada@example"), colors: [[1, 2, 3], [250, 251, 252]] };
    let entry = DeviceEntry { device, platform: 1, flags: 2, enrolled_at: NOW - 9, last_seen: NOW };
    let mut devices = [None; 8];
    devices[..2].copy_from_slice(&[Some(entry), Some(DeviceEntry { platform: 3, flags: 1, ..entry })]);
    let line = HistoryEntry { time: NOW, op: 1, device };
    let mut lines = [None; 16];
    lines[..2].copy_from_slice(&[Some(line), Some(HistoryEntry { op: 2, ..line })]);
    let replies = [
        ("only the reply cell", LargeReply::Plain(Reply { code: Code::Policy, ..cell(Op::SetPins) })),
        (
            "KEY_RECORDS, one",
            LargeReply::KeyRecords(cell(Op::KeyRecords), KeyRecords { current: record(7), next: None }),
        ),
        (
            "KEY_RECORDS, two",
            LargeReply::KeyRecords(cell(Op::KeyRecords), KeyRecords { current: record(7), next: Some(record(8)) }),
        ),
        ("INFO", LargeReply::Info(cell(Op::Info), info)),
        ("DEVICES", LargeReply::Devices(cell(Op::Devices), Devices(devices))),
        ("DEVICES, eight", LargeReply::Devices(cell(Op::Devices), Devices([Some(entry); 8]))),
        ("HISTORY", LargeReply::History(cell(Op::History), History(lines))),
        (
            "RECEIPTS",
            LargeReply::Receipt(cell(Op::Receipts), ReceiptEntry { statement: [0x71; 82], signature: [0x5a; 64] }),
        ),
        ("EVAL", LargeReply::Eval(cell(Op::Eval), Eval { element: [0xe2; 32] })),
    ]
    .map(|(name, message)| json!({ "name": name, "cell": h(message.encode()) }));
    let confirmation = PushedConfirmation {
        id: [9; 8],
        expires_at: NOW + 60,
        relying_party: 5,
        index: 2,
        text: Text::new("Pay 20 € to Ada").unwrap(),
    };
    let pushes = [("CONFIRMATION", Push::Confirmation(confirmation)), ("KEY_RECORD", Push::KeyRecord(record(9)))]
        .map(|(name, push)| json!({ "name": name, "cell": h(push.encode_large().unwrap()) }));
    let attempt = Push::Attempt(Attempt { time: NOW - 5, count: 3 }).to_reply(NOW).unwrap();
    json!({
        "requests": requests, "replies": replies, "pushes": pushes,
        "small_pushes": [{ "name": "ATTEMPT", "cell": h(attempt.encode()), "time": NOW - 5, "count": 3 }],
        "invalid": bad_large(&LargeRequest::SetPins(SetPins { time: NOW, entries, signature }).encode()),
    })
}

fn bad_large(set_pins: &[u8; LARGE_LEN]) -> Vec<Value> {
    let mut all = Vec::new();
    let mut bad = |why: &str, cell: [u8; LARGE_LEN]| {
        let refused = LargeRequest::decode(&cell).is_err()
            && LargeReply::decode(&cell).is_err()
            && Push::decode_large(&cell).is_err();
        assert!(refused, "{why}");
        all.push(json!({ "cell": h(cell), "why": why }));
    };
    let with = |cell: &[u8; LARGE_LEN], at: usize, value: u8| {
        let mut changed = *cell;
        changed[at] = value;
        changed
    };
    bad("more cells would follow", with(set_pins, 0, 0x90));
    bad("padding is not zero", with(set_pins, 237, 1));
    bad("win is not zero", with(set_pins, 1, 1));
    bad("slot 0 cannot be biometric", with(set_pins, 6, 1));
    bad("unknown kind of slot", with(set_pins, 39, 2));
    let text = Text::new("Pay").unwrap();
    let push = PushedConfirmation { id: [9; 8], expires_at: NOW, relying_party: 5, index: 0, text };
    let push = Push::Confirmation(push).encode_large().unwrap();
    bad("index above 2", with(&push, 17, 3));
    bad("text longer than 200", with(&push, 18, 201));
    bad("text is not UTF-8", with(&push, 19, 0xff));
    bad("bytes after the text", with(&push, 18, 2));
    let lines = LargeReply::History(crate::pair::reply(Op::History, Code::Ok), History([None; 16])).encode();
    bad("an entry after the last", with(&with(&lines, 16, 1), 17, 1));
    bad("neither content nor none", with(&lines, 14, 2));
    all
}

#[test]
fn chapter_3_cells() {
    let (good, bad) = replies();
    let policies = [
        (Argon2Class::Standard, 6, 12, true, true, ShortString::Required),
        (Argon2Class::Embedded, 8, 8, false, false, ShortString::Shown),
        (Argon2Class::Test, 6, 6, true, false, ShortString::Off),
    ]
    .map(|(argon2, pin_min, pin_max, duress, biometric, short_string)| {
        let policy = Policy {
            argon2,
            pin_min,
            pin_max,
            duress,
            biometric,
            short_string,
            version_min: 1,
            version_max: 2,
            keepalive: 1,
        };
        json!({
            "bytes": h(policy.encode()), "argon2": argon2.number(), "pin_min": pin_min, "pin_max": pin_max,
            "duress": duress, "biometric": biometric, "short_string": format!("{short_string:?}"), "version_min": 1,
            "version_max": 2, "keepalive": 1,
        })
    });
    let info = DeviceInfo { platform: 2, sdk_version: [1, 2, 3], emulated: true, biometric: true };
    let made = json!({
        "requests": requests(), "invalid_requests": bad_requests(), "replies": good, "invalid_replies": bad,
        "large": large(), "policies": policies,
        "device_infos": [{
            "bytes": h(info.encode()), "platform": 2, "sdk_version": [1, 2, 3], "emulated": true, "biometric": true,
        }],
    });
    hold("03-cells.json", &made);
}

#[test]
fn chapter_4_links_and_codes() {
    let mut links = Vec::new();
    for (host, web) in [
        ("id.example", "https://id.example"),
        ("a.b.example", "https://a.b.example:8443"),
        ("localhost", "http://localhost:8420"),
        ("127.0.0.1", "http://127.0.0.1:8420"),
        ("[2001:db8::7]", "https://[2001:db8::7]"),
    ] {
        let link = Link {
            epoch: 200,
            id: [0x80, 1, 2, 3, 4, 5, 6, 7],
            code: secret(0xc0),
            server_key: [0x5e; 32],
            port: 8421,
            host: Host::new(host).unwrap(),
        };
        let (mut https, mut uri) = (String::new(), String::new());
        link.write_https(web, &mut https).unwrap();
        link.write_uri(&mut uri).unwrap();
        Link::parse(&https).unwrap();
        links.push(json!({
            "epoch": 200, "id": h(link.id), "code": h(link.code.expose()), "server_key": h(link.server_key),
            "port": 8421, "host": host, "https": https, "uri": uri, "psk": h(link.psk::<Dalek>().expose()),
        }));
    }
    let good = links[0]["https"].as_str().unwrap().to_owned();
    let payload = good.rsplit_once('#').unwrap().1;
    let damaged = [
        ("the link points elsewhere", good.replace("https://id.example", "https://evil.example")),
        ("http and not this machine", good.replace("https://", "http://")),
        ("cut short", good[..good.len() - 1].to_owned()),
        ("padding", format!("{good}=")),
        ("not the web alphabet", format!("cardea:{}+", &payload[..payload.len() - 1])),
        ("no payload", "https://id.example/e#".to_owned()),
        ("another path", good.replace("/e#", "/x#")),
        ("another scheme", format!("cardeb:{payload}")),
        ("another version", format!("cardea:Ag{}", &payload[2..])),
        ("a user before the host", good.replace("https://id.example", "https://id.example@evil.example")),
    ]
    .map(|(why, text)| {
        assert!(Link::parse(&text).is_err(), "{why}");
        json!({ "text": text, "why": why })
    });
    let mut codes = Vec::new();
    for text in ["4F7K-2MQ8ZT", "4f7k2mq8zt", " oOiI-lL 0011 ", "ZZZZZZZZZZ"] {
        let code = TypedCode::parse(text).unwrap();
        codes.push(json!({
            "typed": text, "text": core::str::from_utf8(code.text().expose()).unwrap(), "id": h(code.id()),
            "psk": h(code.psk::<Dalek>().expose()),
        }));
    }
    let bad_codes = ["", "4F7K-2MQ8Z", "4F7K-2MQ8ZTT", "4F7K-2MQ8ZU", "4F7K.2MQ8ZT"];
    assert!(bad_codes.iter().all(|text| TypedCode::parse(text).is_err()));
    let made = json!({ "links": links, "invalid_links": damaged, "codes": codes, "invalid_codes": bad_codes });
    hold("04-enrollment-link-and-code.json", &made);
}

#[test]
fn chapter_8_key_records() {
    let identity = secret(0x1d);
    let public = Dalek::ed25519_public(&identity);
    let record = KeyRecord::sign::<Dalek>(&identity, 255, [0x5e; 32], NOW, NOW + 604_800);
    let bytes = record.encode();
    let invalid: Vec<Value> = [0, 1, 33, 37, 41, 104]
        .into_iter()
        .map(|at| {
            let mut changed = bytes;
            changed[at] ^= 1;
            assert!(!KeyRecord::decode(&changed).is_ok_and(|record| record.verify::<Dalek>(&public)));
            json!({ "record": h(changed), "why": "the signature is wrong" })
        })
        .chain([
            json!({ "record": h(&bytes[..104]), "why": "too short" }),
            json!({
                "record": h(KeyRecord::sign::<Dalek>(&identity, 1, [0x5e; 32], NOW, NOW).encode()),
                "why": "a life that ends as it starts",
            }),
        ])
        .collect();
    let pairs = [(1, 0), (127, 0), (128, 0), (0, 0), (0, 1), (0, 255), (126, 255), (127, 255), (255, 0), (200, 100)];
    let newer: Vec<Value> = pairs
        .into_iter()
        .map(|(this, other)| json!({ "this": this, "other": other, "newer": KeyRecord::is_newer(this, other) }))
        .collect();
    let made = json!({
        "identity_seed": h(identity.expose()), "identity": h(public),
        "records": [{
            "epoch": 255, "key": h(record.key), "not_before": NOW, "not_after": NOW + 604_800, "record": h(bytes),
        }],
        "invalid": invalid, "newer": newer,
    });
    hold("08-key-records.json", &made);
}

#[test]
fn chapter_10_codes() {
    let codes: Vec<Value> = Code::ALL
        .into_iter()
        .map(|code| json!({ "code": code.number(), "name": format!("{code:?}"), "plain": code.is_plain() }))
        .collect();
    let operations: Vec<Value> = Op::ALL
        .iter()
        .map(|op| {
            json!({
                "op": op.number(), "name": format!("{op:?}"), "signer": format!("{:?}", op.signer()),
                "small_request": op.is_small_request(), "large_reply": op.has_large_reply(),
            })
        })
        .collect();
    let statuses: Vec<Value> = (0..=5)
        .map(|number| json!({ "status": number, "device_may_see": DeviceStatus::from_number(number).is_some() }))
        .collect();
    hold("10-codes.json", &json!({ "codes": codes, "operations": operations, "statuses": statuses }));
}

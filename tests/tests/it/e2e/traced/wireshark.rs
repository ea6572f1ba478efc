//! The dissector, run by `tshark`, against what the protocol's own crate reads.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use cardea_emulator::engine::Transport;
use cardea_emulator::trace::{Direction, File, Line, Name, Secrets};
use cardea_sdk::Approval;
use cardea_tests::harness::{Site, output};
use serde_json::{Value, json};

use super::{lived, traced};

/// Fields that are compared, beside what the frame is: as traces name them, which is as the dissector does after `cardea.`.
const FIELDS: [&str; 28] = [
    "epoch",
    "hint",
    "ephemeral",
    "enrollment",
    "suite",
    "identity",
    "token",
    "device",
    "key_epoch",
    "not_before",
    "pin_min",
    "pin_max",
    "argon2",
    "device_static",
    "device_key",
    "device_proof",
    "platform",
    "receipt",
    "win",
    "time",
    "signature",
    "status",
    "code",
    "tries",
    "server_time",
    "until",
    "aux",
    "text",
];

fn dissector() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol-spec/wireshark/cardea.lua")
}

/// What `tshark` prints about a capture.
fn tshark(capture: &Path, key_log: Option<&Path>, arguments: &[&str]) -> String {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-X").arg(format!("lua_script:{}", dissector().display()));
    if let Some(key_log) = key_log {
        command.arg("-o").arg(format!("cardea.keylog:{}", key_log.display()));
    }
    let ran = output(command.arg("-r").arg(capture).args(arguments));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains("Lua Error") && !text.contains("Dissector bug"), "{text}");
    }
    assert!(!ran.err.contains("cardea"), "{}", ran.err);
    ran.out
}

/// The frames that `tshark` sees: what each is, who says it, the operation, and [`FIELDS`].
fn seen_in(capture: &Path, key_log: Option<&Path>) -> Vec<Vec<String>> {
    let names = ["frame", "from", "op.name"].into_iter().chain(FIELDS).map(|name| format!("cardea.{name}"));
    let fields: Vec<String> = names.flat_map(|name| ["-e".to_owned(), name]).collect();
    let fixed = ["-Y", "cardea", "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"];
    let arguments: Vec<&str> = fixed.into_iter().chain(fields.iter().map(String::as_str)).collect();
    let text = tshark(capture, key_log, &arguments);
    text.lines().map(|line| line.split('|').map(|field| field.replace(':', "")).collect()).collect()
}

/// The same from a trace with its secrets.
fn recorded(lines: &[Line]) -> Vec<Vec<String>> {
    let row = |line: &Line| {
        let from = if line.direction == Direction::Out { "device" } else { "server" };
        // Of a list the first entry: `tshark` is asked for the first of each field.
        let listed = |name: &str| match name {
            "device" | "platform" => {
                ["devices", "history"].iter().find_map(|list| line.fields.get(*list)?[0].get(name))
            }
            _ => None,
        };
        let fields = FIELDS.iter().map(|name| match line.fields.get(*name).or_else(|| listed(name)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        });
        let what = [line.frame.to_string(), from.to_owned(), line.op.clone().unwrap_or_default()];
        what.into_iter().chain(fields).collect()
    };
    lines.iter().map(row).collect()
}

/// A folder with a capture and its key log.
fn exported(file: &File) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, key_log) = (folder.path().join("trace.pcapng"), folder.path().join("trace.keylog"));
    fs::write(&capture, file.packets()).expect("written");
    fs::write(&key_log, file.key_log().as_str()).expect("written");
    (folder, capture, key_log)
}

/// A life by one way, as the dissector shows it.
async fn shown_by(transport: Transport, way: &str) {
    let site = Site::dev();
    let emulator = traced(&site, transport);
    let phone = lived(&emulator, &site, "joe").await;
    assert_eq!(site.call("confirmation", "joe", &json!({ "text": "Pay 20 EUR to Ann" })).code, 200);
    phone.approve(None, None, Approval::Ask).await.expect("approved");
    let token = phone.select(None).await.expect("the only one");
    token.info().await.expect("told");
    token.devices().await.expect("told");
    token.history(0).await.expect("told");
    emulator.trace().stop();
    let file = emulator.trace().file(Secrets::Shown);
    assert!(file.lines.iter().any(|line| line.transport == way), "{way}");
    for op in ["OPEN", "CLOSE", "CONFIRM", "PUSH_CONFIRMATION", "PUSH_STATE", "INFO", "DEVICES", "HISTORY"] {
        assert!(file.lines.iter().any(|line| line.op.as_deref() == Some(op)), "{op}");
    }
    let (_folder, capture, key_log) = exported(&file);
    let (seen, expected) = (seen_in(&capture, Some(&key_log)), recorded(&file.lines));
    assert_eq!(seen.len(), expected.len());
    for ((seen, expected), line) in seen.iter().zip(&expected).zip(&file.lines) {
        assert_eq!(seen, expected, "frame {}", line.number);
    }
    let tree = tshark(&capture, Some(&key_log), &["-V", "-Y", "cardea"]);
    assert!(!tree.contains("Malformed") && !tree.contains("No key for it"), "{tree}");
    assert!(tree.contains("Pay 20 EUR to Ann"));

    // Looked at twice, as by a person who scrolls, it says the same; and without keys what stands in clear.
    let lines = ["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info", "-e", "cardea.op", "-e", "cardea.time"];
    let once = tshark(&capture, Some(&key_log), &lines);
    assert_eq!(tshark(&capture, Some(&key_log), &[&["-2"], &lines[..]].concat()), once);
    let closed = seen_in(&capture, None);
    let names = |rows: &[Vec<String>]| rows.iter().map(|row| row[..2].to_vec()).collect::<Vec<_>>();
    assert_eq!(names(&closed), names(&expected));
    assert!(closed.iter().all(|row| row[2].is_empty()), "nothing is read without keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wireshark_shows_what_went_by_tcp() {
    shown_by(Transport::Tcp, "tcp").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wireshark_shows_what_went_by_udp() {
    shown_by(Transport::Udp, "udp").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wireshark_shows_what_went_by_websocket() {
    shown_by(Transport::WebSocket, "websocket").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_something_else_open_nothing() {
    let site = Site::dev();
    let emulator = traced(&site, Transport::Tcp);
    lived(&emulator, &site, "joe").await;
    let mut file = emulator.trace().file(Secrets::Shown);
    for key in file.lines.iter_mut().flat_map(|line| &mut line.keys) {
        key.key = "11".repeat(32);
    }
    let (_folder, capture, key_log) = exported(&file);
    assert!(seen_in(&capture, Some(&key_log)).iter().all(|row| row[2].is_empty()));
    let tree = tshark(&capture, Some(&key_log), &["-V", "-Y", "cardea"]);
    assert!(tree.contains("Does not authenticate under the keys of the key log"));
}

/// A capture of IP packets to the protocol's port, in the older format: as anybody may have one.
fn capture_of(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend(number.to_le_bytes());
    }
    let mut sequence = 1_u32;
    for (protocol, content) in packets {
        let mut segment = [40_000_u16.to_be_bytes(), 8421_u16.to_be_bytes()].concat();
        if *protocol == 6 {
            segment.extend(sequence.to_be_bytes());
            segment.extend([0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
            sequence += u32::try_from(content.len()).expect("short");
        } else {
            segment.extend(u16::try_from(8 + content.len()).expect("short").to_be_bytes());
            segment.extend([0, 0]);
        }
        segment.extend(content);
        let length = u16::try_from(20 + segment.len()).expect("short");
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, *protocol, 0, 0]);
        packet.extend(Ipv4Addr::new(198, 18, 0, 1).octets());
        packet.extend(Ipv4Addr::new(192, 0, 2, 1).octets());
        packet.extend(segment);
        for number in [1, 0, u32::from(length), u32::from(length)] {
            file.extend(number.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// Bytes that follow from a number.
fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

#[test]
fn garbage_is_shown_as_garbage() {
    let mut packets = Vec::new();
    for (seed, length) in (0..).zip([1, 2, 3, 30, 63, 127, 128, 129, 254, 560, 561, 1_400]) {
        for protocol in [6, 17] {
            packets.push((protocol, noise(seed, length)));
            packets.push((protocol, vec![0; length]));
            packets.push((protocol, vec![0xff; length]));
            // With a length in front that says how much comes, or too much.
            packets.push((protocol, [&(length as u16).to_be_bytes()[..], &noise(seed, length)].concat()));
            packets.push((protocol, [&500_u16.to_be_bytes()[..], &noise(seed, length)].concat()));
        }
        // The beginning of a conversation that makes no sense.
        for first in [0x11, 0x12, 0x13, 0x14, 0x21] {
            packets.push((17, [&[first][..], &noise(seed, length)].concat()));
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, key_log) = (folder.path().join("garbage.pcap"), folder.path().join("garbage.keylog"));
    fs::write(&capture, capture_of(&packets)).expect("written");
    let lines = [
        "C1".to_owned(),
        format!("C1 {} {} 0 -", "00".repeat(32), "zz".repeat(32)),
        format!("DEVICE {} {} 99999999999999999999 -", "00".repeat(32), "00".repeat(32)),
        format!("DEVICE {} {} 0 abc", "00".repeat(32), "00".repeat(32)),
        "\u{0}\u{1}\u{2}".to_owned(),
    ];
    fs::write(&key_log, lines.join("\n")).expect("written");
    for key_log in [None, Some(&*key_log), Some(Path::new("no/such/file"))] {
        let tree = tshark(&capture, key_log, &["-V"]);
        assert!(tree.contains("No frame that may come here"));
        // TCP is put together otherwise where all of it is known.
        assert!(tshark(&capture, key_log, &["-2", "-V"]).contains("No frame that may come here"));
    }
    assert!(seen_in(&capture, None).iter().all(|row| row[0] == "UNKNOWN" || row[0] == "C1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_were_changed_on_the_way_are_shown_and_not_opened() {
    let site = Site::dev();
    let emulator = traced(&site, Transport::Tcp);
    lived(&emulator, &site, "joe").await;
    let mut file = emulator.trace().file(Secrets::Shown);
    for line in &mut file.lines {
        let last = line.wire.pop().expect("digits");
        line.wire.push(if last == '0' { '1' } else { '0' });
    }
    let (_folder, capture, key_log) = exported(&file);
    let rows = seen_in(&capture, Some(&key_log));
    assert_eq!(rows.len(), file.lines.len());
    for (row, line) in rows.iter().zip(&file.lines) {
        assert_eq!((&row[0], &row[2]), (&line.frame.to_string(), &String::new()));
        assert_ne!(line.frame, Name::Unknown);
    }
}

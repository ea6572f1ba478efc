//! Traces of devices against a real server, and what Wireshark makes of them.

mod wireshark;

use cardea_emulator::engine::{Device, Options, Settings, Transport};
use cardea_emulator::testing::Emulator;
use cardea_emulator::trace::{Direction, File, Line, Secrets, Verdict};
use cardea_tests::harness::Site;

/// A session by one way, whose trace is on.
fn traced(site: &Site, transport: Transport) -> Emulator {
    let options = Options { transport, web_port: Some(site.http().port()), ..Options::default() };
    let emulator = Emulator::with(Settings { options, ..Settings::default() }).expect("a session");
    emulator.trace().start();
    emulator
}

/// A device that has enrolled, opened, asked, and closed.
async fn lived(emulator: &Emulator, site: &Site, user: &str) -> Device {
    let phone = emulator.add(user).await.expect("a free name");
    let invitation = phone.invitation(&site.offer(user).link, None).await.expect("a link");
    phone.enroll(&invitation).await.expect("enrolled");
    phone.open(None, None).await.expect("opened");
    phone.status(None).await.expect("answered");
    phone.close(None).await.expect("closed");
    phone
}

/// Direction, frame and operation of each line.
fn said(lines: &[Line]) -> Vec<String> {
    let word = |line: &Line| {
        let way = if line.direction == Direction::Out { ">" } else { "<" };
        format!("{way}{} {}", line.frame, line.op.as_deref().unwrap_or_default()).trim_end().to_owned()
    };
    lines.iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_says_what_devices_and_servers_said() {
    let site = Site::dev();
    let emulator = traced(&site, Transport::Tcp);
    let phone = lived(&emulator, &site, "joe").await;
    let file = emulator.trace().file(Secrets::Hidden);
    let enrolled = [">E1", "<E2", ">E1", "<E2", ">E3", "<E4"];
    // Before its holder is asked for the PIN, the device asks how many tries are left.
    let operations = ["STATUS", "OPEN", "STATUS", "CLOSE"];
    let operated: Vec<String> = operations.iter().flat_map(|op| [format!(">C1 {op}"), format!("<S1 {op}")]).collect();
    assert_eq!(said(&file.lines), [enrolled.map(str::to_owned).to_vec(), operated].concat());
    for line in &file.lines {
        let expected = if line.direction == Direction::Out { Verdict::Sent } else { Verdict::Authentic };
        assert_eq!((line.verdict, &line.problem), (expected, &None), "{line:?}");
        assert_eq!((&*line.device, &*line.transport), ("joe", "tcp"));
    }
    assert_eq!(file.lines[9].fields["status"], 1);
    assert_eq!(file.lines[13].fields["status"], 2);
    assert_eq!(file.lines[4].fields["emulated"], true);
    let text = file.to_string();
    assert_eq!(text.parse::<File>().expect("as it was written"), file);

    // What is decoded is a secret where the specification has it: the signature of an opening is not in the file.
    let shown = emulator.trace().file(Secrets::Shown);
    let signature = shown.lines[8].fields["signature"].as_str().expect("hexadecimal");
    assert_eq!(signature.len(), 128);
    assert!(!text.contains(signature) && file.lines[8].fields["signature"] == "signature-1");

    emulator.trace().start();
    phone.watch().await.expect("watched");
    emulator.trace().after(file.lines[13].number + 2).await;
    phone.rest();
    let live = said(&emulator.trace().file(Secrets::Hidden).lines);
    assert_eq!(live[..3], [">C1 SUBSCRIBE", "<S1 SUBSCRIBE", "<REPLY PUSH_STATE"]);
}

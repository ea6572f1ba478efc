use cardea_sdk::SystemClock;
use cardea_sdk::transport::memory::{MemoryConnection, MemoryListener, network};
use cardea_sdk::transport::{Connection, Endpoint};
use serde_json::{Value as Json, json};

use super::frame::field;
use super::*;

fn trace() -> Trace {
    let time = Time::with(Arc::new(SystemClock));
    time.freeze();
    time.set(1_800_000_000);
    Trace::new(time)
}

fn server() -> Endpoint {
    Endpoint { host: "id.example".into(), port: 8421 }
}

/// A device's end and a server's end of a connection that is recorded if the trace is on.
async fn connection(trace: &Trace) -> (Box<dyn Connection>, MemoryConnection, MemoryListener) {
    let (memory, mut listener) = network();
    let device = trace.around(&"alice".into(), Arc::new(memory)).connect(&server()).await.unwrap();
    let server = listener.accept().await.unwrap();
    (device, server, listener)
}

fn cold(first: u8) -> Vec<u8> {
    let mut frame = vec![7; 128];
    frame[0] = first;
    frame
}

/// A trace with a request and a plain answer, and some secrets.
async fn recorded() -> Trace {
    let trace = trace();
    trace.start();
    let (mut device, mut server, _listener) = connection(&trace).await;
    device.send(&cold(0x11)).await.unwrap();
    server.send(&[&[0x86][..], &[9; 62]].concat()).await.unwrap();
    device.receive().await.unwrap();
    drop(device);
    let mut kept = trace.kept();
    let frames = kept.frames.drain(..).map(Arc::into_inner).map(Option::unwrap);
    let frames: Vec<Frame> = frames
        .map(|mut frame| {
            frame.fields.push(field("signature", Hidden::bytes("signature", &[0xab; 64])));
            let entry = vec![field("key", Hidden::bytes("pin_key", &[0xcd; 32]))];
            frame.fields.push(field("pin_keys", Value::List(vec![entry])));
            frame.seals.push(frame::Seal {
                label: Label::Server,
                ephemeral: [7; 32],
                key: cardea_sdk::observe::Secret::new([0xef; 32]),
                nonce: 5,
                associated: Vec::new(),
            });
            frame
        })
        .collect();
    kept.frames.extend(frames.into_iter().map(Arc::new));
    drop(kept);
    trace
}

#[tokio::test]
async fn what_passes_is_recorded_while_the_trace_is_on() {
    let trace = trace();
    assert!(!trace.is_on());
    let (mut before, _server, _listener) = connection(&trace).await;
    trace.start();
    before.send(&cold(0x11)).await.unwrap();
    assert_eq!(trace.newest(), 0, "what began before is not understood");

    let (mut device, mut server, _listener) = connection(&trace).await;
    device.send(&cold(0x11)).await.unwrap();
    assert_eq!(server.receive().await.unwrap(), cold(0x11));
    server.send(&[0; 63]).await.unwrap();
    assert_eq!(device.receive().await.unwrap(), [0; 63][..]);
    assert_eq!(trace.newest(), 1, "the device has not looked at it yet");
    drop(device);

    let frames = trace.since(0).frames;
    let seen: Vec<_> = frames.iter().map(|frame| (frame.number, frame.direction, frame.name, frame.verdict)).collect();
    assert_eq!(seen, [(1, Direction::Out, Name::C1, Verdict::Sent), (2, Direction::In, Name::S1, Verdict::Unread)]);
    let first = &frames[0];
    assert_eq!((&*first.device, &*first.peer, first.transport), ("alice", "id.example:8421", "memory"));
    assert_eq!((first.time, first.connection), (1_800_000_000, 1));
    assert_eq!(first.fields[0], field("epoch", Value::Number(7)));

    trace.stop();
    let (mut after, _server, _listener) = connection(&trace).await;
    after.send(&cold(0x11)).await.unwrap();
    assert_eq!(trace.since(1).frames.len(), 1);
    trace.start();
    assert_eq!((trace.since(0).lost, trace.since(0).frames.len()), (0, 0), "another recording");
}

#[tokio::test]
async fn what_does_not_leave_is_told_as_that() {
    let trace = trace();
    trace.start();
    let (mut device, server, _listener) = connection(&trace).await;
    drop(server);
    assert!(device.send(&cold(0x11)).await.is_err());
    assert!(device.receive().await.is_err());
    let frames = trace.since(0).frames;
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].verdict, Verdict::NotSent);
    assert_eq!(frames[0].problem.as_deref(), Some("the server closed the connection"));
}

#[tokio::test]
async fn garbage_is_recorded_as_what_it_is() {
    let trace = trace();
    trace.start();
    let (mut device, mut server, _listener) = connection(&trace).await;
    device.send(b"").await.unwrap();
    device.send(&cold(0x21)).await.unwrap();
    for length in [0, 1, 30, 63, 105, 560] {
        server.send(&vec![0; length]).await.unwrap();
        device.receive().await.unwrap();
    }
    drop(device);
    let frames = trace.since(0).frames;
    assert_eq!(frames.len(), 8);
    assert!(frames.iter().all(|frame| frame.name == Name::Unknown && frame.op.is_none()));
    assert!(frames[2..].iter().all(|frame| frame.verdict == Verdict::Unread && frame.problem.is_some()));
}

#[tokio::test]
async fn no_more_is_kept_than_was_said() {
    let trace = trace();
    trace.start_keeping(2);
    let (mut device, _server, _listener) = connection(&trace).await;
    for _ in 0..5 {
        device.send(&cold(0x11)).await.unwrap();
    }
    let since = trace.since(0);
    assert_eq!((since.lost, since.frames.len(), since.frames[0].number), (3, 2, 4));
    assert_eq!(trace.since(4).lost, 0);
    assert_eq!(trace.file(Secrets::Hidden).header.lost, 3);
    trace.after(4).await;
    assert!(trace.since(u64::MAX).frames.is_empty());
}

#[tokio::test]
async fn a_file_is_read_as_it_was_written() {
    let trace = recorded().await;
    for secrets in [Secrets::Hidden, Secrets::Shown] {
        let file = trace.file(secrets);
        let text = file.to_string();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.parse::<File>().unwrap(), file);
        let first: Json = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["schema"], "cardea-trace");
        assert_eq!(first["version"], 1);
        let plain: Json = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
        assert_eq!(
            (&plain["frame"], &plain["verdict"], &plain["direction"]),
            (&json!("PLAIN"), &json!("plain"), &json!("in"))
        );
        assert_eq!(plain["fields"]["code"], 6);
    }
}

#[tokio::test]
async fn secrets_are_in_a_file_only_where_they_were_asked_for() {
    let trace = recorded().await;
    let (hidden, shown) = (trace.file(Secrets::Hidden), trace.file(Secrets::Shown));
    for secret in ["abab", "cdcd", "efef"] {
        assert!(shown.to_string().contains(secret), "{secret}");
        assert!(!hidden.to_string().contains(secret), "{secret}");
        assert!(!format!("{:?}", trace.since(0)).contains(secret), "{secret}");
    }
    for line in &hidden.lines {
        assert_eq!(line.fields["signature"], "signature-1", "the same name for the same thing");
        assert_eq!(line.fields["pin_keys"][0]["key"], "pin_key-1");
    }
    assert_eq!(shown.clone().redacted(), hidden);
    assert_eq!(hidden.clone().redacted(), hidden);
    assert_eq!(hidden.packets(), shown.packets(), "what travelled is no secret");
    assert_eq!(hidden.key_log().lines().count(), 1);
    let expected = format!("SERVER {} {} 0 -", "07".repeat(32), "ef".repeat(32));
    assert_eq!(shown.key_log().lines().nth(1), Some(&*expected));
    assert_eq!(shown.key_log().lines().count(), 2, "each key once");
}

#[tokio::test]
async fn what_is_no_trace_is_refused_with_a_reason() {
    let good = recorded().await.file(Secrets::Hidden).to_string();
    let lines: Vec<&str> = good.lines().collect();
    let refusal = |text: &str| text.parse::<File>().unwrap_err().to_string();
    assert!(refusal("").starts_with("the file is empty"));
    assert!(refusal("\n \n").starts_with("the file is empty"));
    assert!(refusal("garbage").starts_with("this is no trace"));
    assert!(refusal("{\"schema\":\"another\",\"version\":1}").starts_with("this is no trace"));
    assert!(refusal("{\"schema\":\"cardea-trace\",\"version\":2}").contains("has version 2"));
    assert!(refusal(&lines[0].replace("\"lost\"", "\"last\"")).starts_with("this is no trace"));
    let with = |line: &str| format!("{}\n{}\n{line}\n", lines[0], lines[1]);
    let changed = |from: &str, to: &str| {
        assert!(lines[2].contains(from), "{from}");
        refusal(&with(&lines[2].replace(from, to)))
    };
    for (text, problem) in [
        (refusal(&with("{}")), "missing field"),
        (refusal(&with("[]")), "line 3 is no frame of a trace"),
        (refusal(&with(&lines[2][..40])), "EOF"),
        (refusal(&with(lines[1])), "its number, 1, is not above"),
        (refusal(&with(&format!("\"{}\"", "x".repeat(70_000)))), "more than 65536 bytes"),
        (changed("\"number\"", "\"nombre\""), "unknown field `nombre`"),
        (changed("\"PLAIN\"", "\"PLANE\""), "unknown variant `PLANE`"),
        (changed("\"wire\":\"86", "\"wire\":\"8"), "`wire` is not hexadecimal"),
        (changed("\"wire\":\"86", "\"wire\":\"xy"), "`wire` is not hexadecimal"),
        (changed("\"wire\":\"", &format!("\"wire\":\"{}", "00".repeat(500))), "longer than 560 bytes"),
    ] {
        assert!(text.contains(problem), "{text}");
        assert!(text.starts_with("line 3 is no frame"), "{text}");
    }
    let shown = recorded().await.file(Secrets::Shown).to_string();
    let with_keys = shown.replace("\"secrets\":\"shown\"", "\"secrets\":\"hidden\"");
    assert!(refusal(&with_keys).contains("says that there are no secrets"));
    assert!(refusal(&shown.replace("efef", "ef")).contains("of another length"));
    assert!("\u{feff}".parse::<File>().is_err());
}

//! What a relying party makes of an answer: HTTP with all its heads and pieces, statuses, confirmations, streams of
//! events. The bytes come over a real connection of this machine, so that everything between is the one that ships.
//!
//! The first byte says which call is made, and whether the bytes are the whole answer or come after a proper head.
#![no_main]

use std::sync::LazyLock;

use cardea_sdk::relying_party::{ConfirmationId, RelyingParty, TokenStatus};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

struct Bench {
    runtime: Runtime,
    listener: TcpListener,
    party: RelyingParty,
}

static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let party =
        RelyingParty::new(&format!("http://{address}"), "bank", "a-key-for-this-test").expect("it is well formed");
    Bench { runtime, listener, party }
});

/// Takes one connection, reads the question, gives the answer, and hangs up.
async fn answer(listener: &TcpListener, answer: &[u8]) {
    let (mut stream, _) = listener.accept().await.expect("somebody asks");
    let (mut asked, mut buffer) = (Vec::new(), [0; 2048]);
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut buffer).await.expect("it is asked");
        assert!(length > 0, "it asks to the end");
        asked.extend_from_slice(&buffer[..length]);
    }
    // Whoever has read enough may be gone.
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

async fn ask(call: u8, party: &RelyingParty, said: &[u8]) {
    match call {
        0 => match party.status("joe").await {
            Ok(TokenStatus::Open) => assert!(contains(said, b"200") && contains(said, b"1"), "open out of nothing"),
            Ok(_) | Err(_) => {}
        },
        1 => assert!(!party.gate("joe").await || said.starts_with(b"HTTP/1.") && contains(said, b"204")),
        2 => {
            let mut watch = party.watch(Some(7), &[]);
            let mut last = 7;
            while let Some(Ok(event)) = watch.next().await {
                assert!(event.id > last && !event.kind.is_empty());
                last = event.id;
            }
            assert!(watch.position().is_some_and(|position| position >= last));
        }
        _ => {
            let id: ConfirmationId = "0102030405060708".parse().expect("it is well formed");
            if let Ok(confirmation) = party.confirmation(&id).await {
                let _ = format!("{confirmation:?}");
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((how, said)) = data.split_first() else { return };
    let call = how & 3;
    let kind = if call == 2 { "text/event-stream" } else { "application/json" };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        said.len()
    );
    let whole = if how & 4 == 0 { [head.as_bytes(), said].concat() } else { said.to_vec() };
    let bench = &*BENCH;
    bench.runtime.block_on(async {
        tokio::join!(answer(&bench.listener, &whole), ask(call, &bench.party, &whole));
    });
});

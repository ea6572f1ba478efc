//! A server that answers whatever a test wants.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, sleep};

use crate::relying_party::RelyingParty;

pub(super) const KEY: &str = "hostile-test-authkey-0123456789";

/// What a connection gets.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The server ends the connection.
    Close,
    /// Nothing more comes, and the connection stays.
    Hold,
    /// A byte more every second, for ever.
    Drip,
    /// So many lines, one every second, and then the end.
    DripFor(u32),
}

impl From<&[u8]> for Reply {
    fn from(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), then: Then::Close }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        text.as_bytes().into()
    }
}

/// A server. It goes with the runtime of the test.
#[derive(Debug)]
pub(super) struct Hostile {
    pub(super) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Hostile {
    /// Gives the first connection the first reply, the second the second, and all after them the last.
    pub(super) async fn new(replies: impl IntoIterator<Item = impl Into<Reply>>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().map(Into::into).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for at in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let reply = replies[at.min(replies.len() - 1)].clone();
                tokio::spawn(serve(stream, reply, Arc::clone(&seen)));
            }
        });
        Self { address, requests }
    }

    /// Who asks it.
    pub(super) fn asked_by(&self) -> RelyingParty {
        RelyingParty::new(&format!("http://{}", self.address), "default_door", KEY).unwrap()
    }

    /// The requests so far, each on a connection of its own.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(count @ 1..) => request.extend_from_slice(&piece[..count]),
            _ => return,
        }
    }
    seen.lock().unwrap().push(String::from_utf8(request).unwrap());
    // A reader that has seen enough closes.
    let mut is_gone = stream.write_all(&reply.bytes).await.is_err();
    match reply.then {
        Then::Close => {
            let _ = stream.shutdown().await;
        }
        Then::Hold => std::future::pending().await,
        Then::DripFor(seconds) => {
            for _ in 0..seconds {
                sleep(Duration::from_secs(1)).await;
                is_gone = is_gone || stream.write_all(b":\n").await.is_err();
            }
        }
        Then::Drip => {
            while !is_gone {
                sleep(Duration::from_secs(1)).await;
                is_gone = stream.write_all(b" ").await.is_err();
            }
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}

/// A complete answer with this code and body.
pub(super) fn json(code: u16, body: &str) -> String {
    format!("HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

//! A receiver of webhooks, which answers as it is told.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::Value;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::wait;

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Request line and headers.
    pub head: String,
    /// The body, as it came.
    pub body: Vec<u8>,
}

impl Delivery {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        values.next().unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A member of the body that is text; empty when it is something else.
    #[must_use]
    pub fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_default().to_owned()
    }

    /// The number of the event.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.text("id").parse().expect("a number")
    }
}

/// What a receiver does with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers with this code.
    Code(u16),
    /// Sends the caller there.
    Redirect(String),
    /// Says nothing until the caller goes away.
    Silence,
}

type Rule = Box<dyn FnMut(&Delivery) -> Reply + Send>;

/// A receiver on loopback. Its threads end with the process.
pub struct Receiver {
    address: SocketAddr,
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    got: Mutex<Vec<Delivery>>,
    rule: Mutex<Rule>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    at_once: usize,
    most_at_once: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("rules do not panic")
}

impl Receiver {
    /// One that speaks plain HTTP and says 204 to everything.
    #[must_use]
    pub fn plain() -> Self {
        Self::start(None)
    }

    /// One that speaks HTTPS as `config` says, at the name `localhost`.
    #[must_use]
    pub fn secure(config: Arc<ServerConfig>) -> Self {
        Self::start(Some(config))
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let url = match &tls {
            None => format!("http://{address}/hook?a=b"),
            Some(_) => format!("https://localhost:{}/hook?a=b", address.port()),
        };
        let shared = Arc::new(Shared {
            got: Mutex::default(),
            rule: Mutex::new(Box::new(|_| Reply::Code(204))),
            counts: Mutex::default(),
        });
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                lock(&all.counts).connections += 1;
                let (shared, tls) = (Arc::clone(&all), tls.clone());
                thread::spawn(move || {
                    // Whoever goes away in the middle has its reasons.
                    let _ = match tls {
                        None => shared.serve(stream),
                        Some(config) => ServerConnection::new(config)
                            .map_err(io::Error::other)
                            .and_then(|connection| shared.serve(StreamOwned::new(connection, stream))),
                    };
                });
            }
        });
        Self { address, url, shared }
    }

    /// Where it is, as a service is told.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to answer from now on. The delivery counts as arrived only after that was decided.
    pub fn answer(&self, rule: impl FnMut(&Delivery) -> Reply + Send + 'static) {
        *lock(&self.shared.rule) = Box::new(rule);
    }

    /// Everything that has arrived.
    #[must_use]
    pub fn got(&self) -> Vec<Delivery> {
        lock(&self.shared.got).clone()
    }

    /// Waits until `enough` of what has arrived.
    pub fn until(&self, what: &str, enough: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        wait::until(what, || Some(self.got()).filter(|got| enough(got)))
    }

    /// Waits until so many have arrived.
    pub fn count(&self, least: usize) -> Vec<Delivery> {
        self.until(&format!("{least} deliveries"), |got| got.len() >= least)
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.shared.counts).connections
    }

    /// How many deliveries were waiting for their answer at once, at most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        lock(&self.shared.counts).most_at_once
    }
}

impl Shared {
    fn serve(&self, mut stream: impl Read + Write) -> io::Result<()> {
        let delivery = read(&mut stream)?;
        {
            let mut counts = lock(&self.counts);
            counts.at_once += 1;
            counts.most_at_once = counts.most_at_once.max(counts.at_once);
        }
        let reply = (lock(&self.rule))(&delivery);
        lock(&self.got).push(delivery);
        if reply == Reply::Silence {
            // Until the caller has enough of it.
            let _ = stream.read(&mut [0]);
        }
        // Before the answer: whoever has it may call again.
        lock(&self.counts).at_once -= 1;
        let (code, more) = match &reply {
            Reply::Code(code) => (*code, String::new()),
            Reply::Redirect(to) => (307, format!("Location: {to}\r\n")),
            Reply::Silence => return Ok(()),
        };
        let answer = format!("HTTP/1.1 {code} Told\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes())?;
        stream.flush()
    }
}

fn read(stream: &mut impl Read) -> io::Result<Delivery> {
    let mut bytes = Vec::new();
    let mut more = |bytes: &mut Vec<u8>| {
        let mut piece = [0; 4096];
        match stream.read(&mut piece)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes.extend_from_slice(&piece[..count]);
                Ok::<_, io::Error>(())
            }
        }
    };
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        more(&mut bytes)?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let delivery = Delivery { head, body: Vec::new() };
    let length: usize = delivery.header("content-length").parse().expect("a length");
    while body.len() < length {
        more(&mut body)?;
    }
    Ok(Delivery { body, ..delivery })
}

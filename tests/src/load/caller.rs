//! The program of the emulator, and who calls its control API over connections that are kept.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::getter::end_of_answer;
use crate::harness::{Site, emulator};

/// An emulator that answers over HTTP and, with a state folder, at a socket. Killed when this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    http: SocketAddr,
    socket: Option<PathBuf>,
    token: String,
}

impl Running {
    /// Starts one, on a state folder or on none, and waits for the line that says that it is ready.
    pub(super) fn start(state: Option<&Path>) -> Self {
        let mut command = Command::new(emulator());
        command.args(["run", "--http", "--allow-test-argon2", "--json", "--exit-with-parent"]);
        match state {
            Some(folder) => command.arg("--state").arg(folder),
            None => command.arg("--ephemeral"),
        };
        command.env_remove("CARDEA_EMULATOR_STATE").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the emulator can be started");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is a pipe");
        BufReader::new(output).read_line(&mut line).expect("the emulator speaks");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |name: &str| ready[name].as_str();
        let http = text("http").and_then(|url| url.strip_prefix("http://")?.parse().ok()).expect("an address");
        let token = std::fs::read_to_string(text("tokenFile").expect("a file")).expect("a token").trim().to_owned();
        Self { child, http, socket: text("socket").map(PathBuf::from), token }
    }

    pub(super) fn pid(&self) -> u64 {
        self.child.id().into()
    }

    /// Over HTTP on loopback.
    pub(super) fn http(&self) -> Caller<TcpStream> {
        Caller::to(self.http, &self.token)
    }

    /// At the socket.
    pub(super) fn socket(&self) -> Caller<UnixStream> {
        let path = self.socket.as_ref().expect("it has a state folder");
        Caller::at(UnixStream::connect(path).expect("the emulator listens"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection that is kept.
#[derive(Debug)]
pub(super) struct Caller<S> {
    stream: S,
    authorization: String,
}

impl Caller<UnixStream> {
    /// At a socket, where who may open it may say anything.
    pub(super) const fn at(stream: UnixStream) -> Self {
        Self { stream, authorization: String::new() }
    }
}

impl Caller<TcpStream> {
    fn to(address: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket has options");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit can be set");
        Self { stream, authorization: format!("Authorization: Bearer {token}\r\n") }
    }

    /// Calls the server's API, with the key that does everything.
    pub(super) fn server(site: &Site) -> Self {
        let mut caller = Self::to(site.http(), "");
        caller.authorization = format!("Authorization: apikey {}\r\n", site.admin_key);
        caller
    }
}

impl<S: Read + Write> Caller<S> {
    /// Says what is asked for, and reads no answer.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).expect("it reads");
    }

    /// A call that succeeds; what it says.
    pub(super) fn call(&mut self, method: &str, path: &str, body: &Value) -> Value {
        self.ask(method, path, body);
        let (mut bytes, mut piece) = (Vec::new(), [0; 16 << 10]);
        loop {
            let read = self.stream.read(&mut piece).expect("it answers");
            assert_ne!(read, 0, "{method} {path}: the connection was closed");
            bytes.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&bytes);
            let is_empty = text.starts_with("HTTP/1.1 204") && text.ends_with("\r\n\r\n");
            let whole = if is_empty { Some((bytes.len(), bytes.len())) } else { end_of_answer(&bytes) };
            let Some((head, end)) = whole.filter(|(_, end)| *end <= bytes.len()) else { continue };
            assert!(text.starts_with("HTTP/1.1 2"), "{method} {path}: {text}");
            return if head == end { Value::Null } else { serde_json::from_slice(&bytes[head..end]).expect("JSON") };
        }
    }

    /// A session of this name, whose time stands where that of the server does.
    pub(super) fn session(&mut self, name: &str, site: &Site) {
        self.call("POST", "/v1/sessions", &json!({ "name": name }));
        self.stand(name, site);
    }

    /// Lets the time of a session stand where that of the server does.
    pub(super) fn stand(&mut self, name: &str, site: &Site) {
        self.call("PUT", &format!("/v1/sessions/{name}/clock"), &json!({ "frozen": true, "now": site.time() }));
    }
}

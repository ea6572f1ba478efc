//! Status checks by many connections at once: the server's CPU time for each, against an HTTP server that does nothing
//! but look into a map.
//!
//! Server and peer have one core and one thread, whoever asks has the other core. They take turns within one run, so that
//! a busy machine slows both; what counts is the median of the ratios.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cardea_sdk::Window;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::cpu;
use super::fleet::{enrolled, pin};
use super::getter::now;
use super::report::{Line, median};
use crate::harness::Site;

/// Connections at once.
const CONNECTIONS: usize = 64;
/// Turns of each: many short ones, so that whatever else the machine does meanwhile falls on both.
const ROUNDS: usize = 31;

/// Measures for about `seconds` in all. Required: at most 1.15 times the peer, on kept and on new connections.
///
/// # Panics
/// An answer is not that the token is open.
#[must_use]
pub fn status(seconds: u64) -> Vec<Line> {
    // Whatever is started now has the first core, and as many threads as that has.
    run_on("0");
    let mut site = Site::dev_with(&[
        "--window",
        "86400",
        "--log",
        "error",
        "--set",
        "limits.wrong_authkeys=60",
        "--set",
        "limits.calls_per_authkey=4000000000",
        "--set",
        "limits.checks_per_token=4000000000",
    ]);
    let target = site.status_target("ada");
    let (mut peer, address) = peer(&target);
    run_on("1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let link = site.offer("ada").link;
    runtime.block_on(async {
        let token = enrolled(&link, site.time()).await;
        token.open(pin(), Window::Service).await.expect("it opens");
    });
    let server = Side { address: site.http(), pid: site.ready["pid"].as_u64().expect("the ready file has it") };
    let other = Side { address, pid: peer.id().into() };
    let turn = Duration::from_secs(seconds) / u32::try_from(4 * ROUNDS).expect("few");
    let mut lines = Vec::new();
    for (what, kept) in [("kept connections", true), ("new connections", false)] {
        let mut ratios = Vec::new();
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let [mine, peers] = [&server, &other].map(|side| runtime.block_on(side.measure(&target, kept, turn)));
            ratios.push(mine / peers);
            times[0].push(mine);
            times[1].push(peers);
        }
        let [mine, peers] = times.map(median);
        lines.push(Line::said(&format!("status check, {what}: server"), format!("{mine:.2} us of CPU")));
        lines.push(Line::said(&format!("status check, {what}: hyper and a map"), format!("{peers:.2} us of CPU")));
        lines.push(Line::at_most(&format!("status check, {what}: ratio"), median(ratios), 1.15));
    }
    assert!(site.is_up());
    let _ = peer.kill();
    let _ = peer.wait();
    lines
}

/// Lets this process, and what it starts from now on, run on one core only.
fn run_on(core: &str) {
    let pid = std::process::id().to_string();
    let set = Command::new("taskset").args(["-a", "-p", "-c", core, &pid]).stdout(Stdio::null()).status();
    assert!(set.expect("taskset is installed").success(), "two cores are needed");
}

fn peer(target: &str) -> (Child, SocketAddr) {
    let program = std::env::current_exe().expect("a program knows itself");
    let mut command = Command::new(program);
    command.args(["map", target]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is a pipe")).read_line(&mut line).expect("it prints its address");
    (child, line.trim().parse().expect("an address"))
}

struct Side {
    address: SocketAddr,
    pid: u64,
}

impl Side {
    /// Microseconds of CPU for one check.
    async fn measure(&self, target: &str, kept: bool, turn: Duration) -> f64 {
        let before = cpu::time(self.pid);
        let mut askers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let close = if kept { "" } else { "Connection: close\r\n" };
            let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{close}\r\n");
            askers.spawn(ask(self.address, request.into_bytes(), kept, turn));
        }
        let mut answers = 0_u32;
        while let Some(asked) = askers.join_next().await {
            answers += asked.expect("every answer is right");
        }
        let used = cpu::time(self.pid).saturating_sub(before);
        used.as_secs_f64() * 1e6 / f64::from(answers.max(1))
    }
}

/// Asks again and again for so long; how often.
async fn ask(address: SocketAddr, request: Vec<u8>, kept: bool, turn: Duration) -> u32 {
    let (began, mut answers, mut buffer) = (now(), 0, vec![0; 1024]);
    let mut stream: Option<TcpStream> = None;
    while began.elapsed() < turn {
        let mut connection = match stream.take() {
            Some(connection) => connection,
            None => {
                let connection = TcpStream::connect(address).await.expect("it listens");
                connection.set_nodelay(true).expect("a socket has options");
                connection
            }
        };
        connection.write_all(&request).await.expect("it reads");
        let mut filled = 0;
        while !buffer[..filled].ends_with(br#"{"status":1}"#) {
            let read = connection.read(&mut buffer[filled..]).await.expect("it answers");
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&buffer[..filled]));
            filled += read;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200 OK\r\n"));
        answers += 1;
        if kept {
            stream = Some(connection);
        } else {
            // The server closes first.
            let _ = connection.read(&mut buffer).await;
        }
    }
    answers
}

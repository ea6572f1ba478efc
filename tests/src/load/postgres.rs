//! Status checks over PostgreSQL, and from an opening at one node to the check at another one that sees it.
//!
//! The floor is what the database itself takes, asked by the same driver over the same kind of socket, in turns with what
//! is measured.

use std::thread;
use std::time::Duration;

use cardea_sdk::Window;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement};

use super::cpu;
use super::fleet::{enrolled, pin};
use super::getter::{Getter, now};
use super::report::{Line, Sample, number};
use crate::harness::{Cluster, Site};

/// Relying parties that ask at the same time.
const ASKERS: u64 = 16;
/// The body of an open token.
const OPEN: &[u8] = br#"{"status":1}"#;

/// Asks for `seconds`, and opens `rounds` times.
///
/// # Panics
/// A check after an acknowledged opening does not say 1, or after a close does; there is no PostgreSQL.
#[must_use]
pub fn postgres(seconds: u64, rounds: usize) -> Vec<Line> {
    let cluster = Cluster::start("");
    let url = cluster.database();
    let database = format!("database.url={url}");
    let first =
        Site::dev_with(&["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0", "--set", &database]);
    let second = first.beside();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let token = runtime.block_on(enrolled(&first.offer("ada").link, first.time()));
    runtime.block_on(token.open(pin(), Window::Service)).expect("it opens");

    let mut lines = checks(&first, Duration::from_secs(seconds));
    let mut floor = Floor::new(&runtime, &cluster, &url);
    let mut getter = Getter::new(second.http(), &second.status_target("ada"));
    let mut times: [Vec<u64>; 4] = Default::default();
    for _ in 0..rounds {
        runtime.block_on(token.close()).expect("it closes");
        assert_ne!(getter.get().0, OPEN, "an acknowledged close is visible");
        let began = now();
        runtime.block_on(token.open(pin(), Window::Service)).expect("it opens");
        let (body, seen) = getter.get();
        let whole = nanoseconds(began.elapsed());
        assert_eq!(body, OPEN, "an acknowledged opening is visible at every node");
        let (commit, query) = floor.round();
        for (times, time) in times.iter_mut().zip([seen, query, whole, commit + query]) {
            times.push(time);
        }
    }
    let [seen, query, whole, both] = times.map(Sample::new);
    lines.extend([
        line("open acknowledged at one node to visible at another", &seen),
        line("floor: one query", &query),
        Line::said("ratio of p50", format!("{:.1}", seen.percentile(50) / query.percentile(50))),
        line("open sent to one node to visible at another", &whole),
        line("floor: one commit and one query", &both),
        Line::said("ratio of p50", format!("{:.1}", whole.percentile(50) / both.percentile(50))),
    ]);
    lines
}

/// One relying party, and many at once.
fn checks(site: &Site, time: Duration) -> Vec<Line> {
    let pid = site.ready["pid"].as_u64().expect("the ready file has it");
    let ask = |time: Duration| {
        let mut getter = Getter::new(site.http(), &site.status_target("ada"));
        let (began, mut times) = (now(), Vec::new());
        while began.elapsed() < time {
            let (body, time) = getter.get();
            assert_eq!(body, OPEN);
            times.push(time);
        }
        times
    };
    let alone = Sample::new(ask(time / 2));
    let (began, before) = (now(), cpu::time(pid));
    let times = thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKERS).map(|_| scope.spawn(|| ask(time / 2))).collect();
        asking.into_iter().flat_map(|asking| asking.join().expect("every answer is right")).collect()
    });
    let (passed, used) = (began.elapsed(), cpu::time(pid).saturating_sub(before));
    let together = Sample::new(times);
    let count = number(u64::try_from(together.len()).unwrap_or(u64::MAX));
    vec![
        line("status over PostgreSQL, one after the other", &alone),
        line(&format!("status over PostgreSQL, {ASKERS} at once"), &together),
        Line::said("the same: rate", format!("{:.0}/s", count / passed.as_secs_f64())),
        Line::said("the same: CPU of the server", format!("{:.0} us each", used.as_secs_f64() * 1e6 / count)),
    ]
}

fn line(what: &str, sample: &Sample) -> Line {
    let (p50, p99) = (sample.percentile(50), sample.percentile(99));
    Line::said(what, format!("{p50:.0} us p50, {p99:.0} us p99, {} times", sample.len()))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// One row, written on one connection and read on another.
struct Floor<'r> {
    runtime: &'r Runtime,
    writing: (Client, Statement),
    reading: (Client, Statement),
}

impl<'r> Floor<'r> {
    fn new(runtime: &'r Runtime, cluster: &Cluster, url: &str) -> Self {
        cluster.sql(url, "CREATE TABLE floor (id bigint PRIMARY KEY, n bigint); INSERT INTO floor VALUES (1, 0)");
        let connect = async |sql: &str| {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the database answers");
            tokio::spawn(connection);
            let statement = client.prepare(sql).await.expect("the database knows the table");
            (client, statement)
        };
        runtime.block_on(async {
            let writing = connect("UPDATE floor SET n = n + 1 WHERE id = 1").await;
            let reading = connect("SELECT n FROM floor WHERE id = 1").await;
            Self { runtime, writing, reading }
        })
    }

    /// How long a commit takes, and a query, in nanoseconds.
    fn round(&mut self) -> (u64, u64) {
        let began = now();
        let (client, statement) = &self.writing;
        self.runtime.block_on(client.execute(statement, &[])).expect("the database writes");
        let commit = nanoseconds(began.elapsed());
        let began = now();
        let (client, statement) = &self.reading;
        self.runtime.block_on(client.query(statement, &[])).expect("the database reads");
        (commit, nanoseconds(began.elapsed()))
    }
}

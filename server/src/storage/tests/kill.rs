//! Durability against SIGKILL, with a real process: this test binary itself.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::storage::rows::*;
use crate::storage::testing::{block_on, events, insert_event, options};
use crate::storage::{Location, StorageError, Store};

const CHILD: &str = "CARDEA_TEST_KILL_DATABASE";
const THIS: &str = "storage::tests::kill::an_acknowledged_write_survives_a_kill";

fn open(path: &Path) -> Store {
    Store::open(Location::File(path.to_owned()), options()).expect("opens")
}

/// Writes events for ever and prints the number of each once it is acknowledged.
fn write_until_killed(path: &Path) -> ! {
    let store = open(path);
    block_on(async {
        let mut out = std::io::stdout();
        loop {
            let jobs: Vec<_> = (0..8)
                .map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move {
                        store
                            .write(|tx| {
                                let seq = tx.next_number("event")?;
                                insert_event(tx, seq, &seq.to_be_bytes())?;
                                Ok::<_, StorageError>(seq)
                            })
                            .await
                    })
                })
                .collect();
            for job in jobs {
                let seq = job.await.expect("joined").expect("written");
                writeln!(out, "ack {seq}").and_then(|()| out.flush()).expect("printed");
            }
        }
    })
}

#[test]
fn an_acknowledged_write_survives_a_kill() {
    if let Some(path) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cardea.db");
    let mut highest = 0;
    for acknowledged in [1, 20, 200] {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", THIS, "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let acks = lines.map_while(Result::ok).filter_map(|line| {
            // The test harness prints the name of the test before our first line.
            line.rsplit_once("ack ").map(|(_, seq)| seq.parse::<u64>().expect("a number"))
        });
        let mut seen: Vec<u64> = acks.take(acknowledged).collect();
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert_eq!(seen.len(), acknowledged);
        seen.sort_unstable();

        let store = open(&path);
        let events = block_on(store.read(|tx| events(tx, 0, 1_000_000))).expect("read");
        let stored: Vec<u64> = events.iter().map(|(seq, _)| *seq).collect();
        assert!(seen.iter().all(|seq| stored.binary_search(seq).is_ok()), "an acknowledged write is lost");
        assert!(events.iter().all(|(seq, bytes)| *bytes == seq.to_be_bytes()), "half a write is there");
        assert_eq!(stored, (1..=stored.len() as u64).collect::<Vec<_>>(), "a write is there without the one before");
        assert!(stored.len() as u64 > highest);
        highest = stored.len() as u64;
    }
}

//! A stretch of network between a server and its database, which can be cut, or swallow everything.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use super::postgres::Cluster;
use super::{listen, wait};

/// What becomes of bytes on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Weather {
    /// They arrive.
    #[default]
    Fine,
    /// Connections break, and new ones are refused.
    Cut,
    /// They vanish, and nobody is told. What was lost arrives when the weather is fine again, as if it had been sent anew.
    Hole,
}

/// Between a server and its database.
pub struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    weather: Weather,
    /// Once a server has sent these bytes, and they have arrived, everything vanishes.
    trap: Option<Vec<u8>>,
    connections: Vec<(TcpStream, UnixStream)>,
}

impl Link {
    /// To this database server.
    #[must_use]
    pub fn to(cluster: &Cluster) -> Self {
        let upstream = cluster.folder().join(".s.PGSQL.5432");
        let shared = Arc::new(Shared { upstream, state: Mutex::default(), changed: Condvar::new() });
        let all = Arc::clone(&shared);
        let address = listen::each(move |stream| all.serve(stream));
        Self { address, shared }
    }

    /// The url by which the database at `url` is reached on this way.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let name = url.strip_prefix("postgresql:///").and_then(|rest| rest.split('?').next()).expect("a url");
        format!("postgresql://cardea@{}/{name}", self.address)
    }

    /// Breaks all connections and refuses new ones.
    pub fn cut(&self) {
        self.set(Weather::Cut);
    }

    /// Swallows everything.
    pub fn swallow(&self) {
        self.set(Weather::Hole);
    }

    /// Swallows everything that comes after `bytes`, which still get to the database.
    pub fn swallow_after(&self, bytes: &[u8]) {
        self.shared.state().trap = Some(bytes.to_vec());
    }

    /// Waits until [`Link::swallow_after`] has come to that.
    pub fn swallows(&self) {
        wait::until("the network is gone", || (self.shared.state().weather == Weather::Hole).then_some(()));
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        self.set(Weather::Fine);
    }

    fn set(&self, weather: Weather) {
        let mut state = self.shared.state();
        state.weather = weather;
        state.trap = None;
        if weather == Weather::Cut {
            for (server, database) in state.connections.drain(..) {
                // They may be gone already.
                let _ = server.shutdown(Shutdown::Both);
                let _ = database.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no one panics with it")
    }

    /// Waits while everything vanishes; whether anything goes through then.
    fn is_through(&self) -> bool {
        let state = self.state();
        let state = self.changed.wait_while(state, |state| state.weather == Weather::Hole);
        state.expect("no one panics with it").weather == Weather::Fine
    }

    fn serve(&self, server: &TcpStream) {
        if !self.is_through() {
            return;
        }
        // A database that is not there: the server's connection ends.
        let Ok(database) = UnixStream::connect(&self.upstream) else { return };
        let copies = (server.try_clone().expect("cloned"), database.try_clone().expect("cloned"));
        self.state().connections.push(copies);
        thread::scope(|scope| {
            scope.spawn(|| {
                self.pump(&database, server, false);
                let _ = server.shutdown(Shutdown::Both);
            });
            self.pump(server, &database, true);
            let _ = database.shutdown(Shutdown::Both);
        });
    }

    /// Hands on what comes until one end is gone, which the other end learns when the weather lets it.
    fn pump(&self, mut from: impl Read, mut to: impl Write, asks: bool) {
        let mut bytes = vec![0; 65_536];
        loop {
            let count = from.read(&mut bytes).unwrap_or(0);
            if !self.is_through() || count == 0 {
                return;
            }
            let piece = &bytes[..count];
            if asks {
                let mut state = self.state();
                let trap = state.trap.take_if(|trap| piece.windows(trap.len()).any(|part| part == trap.as_slice()));
                if trap.is_some() {
                    // Before the answer can come back.
                    state.weather = Weather::Hole;
                }
            }
            if to.write_all(piece).is_err() {
                return;
            }
        }
    }
}

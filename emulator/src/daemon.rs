//! The emulator as a program that runs and is told what to do: `cardea-emulator run`.
//!
//! | what | where |
//! |---|---|
//! | where it is found: the state folder, its socket, its token | `place` |
//! | which ones run | `listed` |
//! | who waits for it to be ready, and how they are told | `ready` |
//! | what ends it: signals, its parent, a lease | `life` |

mod life;
mod listed;
mod place;
mod ready;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cardea_sdk::Env;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::control::{Control, DeviceProfile};
use crate::engine::{EngineError, Options, Session, Settings};
use crate::faults::Gate;
use crate::log::Log;

pub use life::Ended;
pub use listed::{Listed, listed};
pub(crate) use place::LONGEST_SOCKET;
pub use place::{Found, find};

/// How an emulator is to run.
#[derive(Debug)]
pub struct Plan {
    /// How its devices are.
    pub options: Options,
    /// The folder with the devices of the session `default`; they live in memory without one.
    pub state: Option<PathBuf>,
    /// Where HTTP is answered; port 0 for any that is free.
    pub http: Option<SocketAddr>,
    /// The socket, if not the one in the state folder.
    pub socket: Option<PathBuf>,
    /// The file with the token for HTTP, if not the one in the state folder.
    pub token_file: Option<PathBuf>,
    /// The folder with the list of those that run, which this one is put into; into none without one. One that has no state folder
    /// and is told no other place is called at a socket in there.
    pub list: Option<PathBuf>,
    /// Whether its sessions may have faults, and which servers may see them.
    pub faults: Gate,
    /// What devices can be like from the beginning.
    pub profiles: BTreeMap<String, DeviceProfile>,
    /// What it says besides.
    pub log: Log,
    /// Who is told that it is ready.
    pub ready: Told,
    /// Ends it when nobody has called for so long.
    pub lease: Option<Duration>,
    /// Ends it with the process that started it.
    pub with_parent: bool,
}

/// Who is told that an emulator is ready, besides standard output.
#[derive(Debug, Default)]
pub struct Told {
    /// As a line of JSON on standard output, in place of words.
    pub json: bool,
    /// A file that is there from then on, with that JSON in it.
    pub file: Option<PathBuf>,
    /// An open descriptor that gets it.
    pub descriptor: Option<u32>,
    /// Somebody in this process, in place of standard output.
    pub heard: Option<watch::Sender<Option<Found>>>,
}

/// Why an emulator did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The engine says so.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Whoever is on the network would be answered.
    #[error("{0} is not an address of this machine alone: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// There is nothing to be called at.
    #[error("there is no place for a socket, neither a state folder nor a home folder: give --http or --socket")]
    NowhereToCall,
    /// Another one has the state folder, or the socket.
    #[error("an emulator runs already at {}: tell it what to do, or end it with `cardea-emulator down`", .0.display())]
    Runs(PathBuf),
    /// A path is too long for a socket.
    #[error("{} is too long for a socket: give a shorter --socket", .0.display())]
    LongPath(PathBuf),
    /// Something else is where the socket should be.
    #[error("{} is there already and is no socket: remove it, or give another --socket", .0.display())]
    InTheWay(PathBuf),
    /// Something else is where the token should be.
    #[error("{} is there already and is no token of an emulator: remove it, or give another --token-file", .0.display())]
    NoToken(PathBuf),
    /// One runs, but not so.
    #[error("an emulator runs already, process {pid}, without {without}: end it with `down`, then start it so")]
    RunsWithout {
        /// Its process.
        pid: u32,
        /// The options that it was not started with.
        without: String,
    },
    /// Others may change what is in the folder of the socket.
    #[error("others can write to {}: take that right from them (chmod go-w), or give another --socket", .0.display())]
    Writable(PathBuf),
    /// A file or a folder.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Listening.
    #[error("cannot listen at {at}: {source}")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Anything else of the system.
    #[error("cannot {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl DaemonError {
    /// The exit code of the program.
    #[must_use]
    pub const fn exit(&self) -> u8 {
        match self {
            Self::Engine(error) => crate::exit::of_engine(error),
            Self::NotLoopback(_) | Self::NowhereToCall | Self::LongPath(_) => crate::exit::USAGE,
            Self::Runs(_)
            | Self::RunsWithout { .. }
            | Self::InTheWay(_)
            | Self::NoToken(_)
            | Self::Writable(_)
            | Self::File { .. }
            | Self::Listen { .. } => crate::exit::BUSY,
            Self::System { .. } => crate::exit::INTERNAL,
        }
    }

    fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

/// Runs until something ends it, and says what that was. Whatever it made for others to find it is gone then.
///
/// # Errors
/// [`DaemonError`]; nothing is left then.
pub async fn run(plan: Plan, world: Env) -> Result<Ended, DaemonError> {
    let life = life::Life::watch(plan.lease, plan.with_parent)?;
    let control = Control::new(plan.options.clone(), world.clone())
        .with_faults(plan.faults.clone())
        .with_profiles(plan.profiles.clone())
        .with_log(plan.log.clone());
    let session = default_session(&plan, &world).await?;
    control.keep(session);

    let http = match plan.http {
        Some(at) if !at.ip().is_loopback() => return Err(DaemonError::NotLoopback(at)),
        Some(at) => Some(TcpListener::bind(at).await.map_err(|source| DaemonError::Listen { at, source })?),
        None => None,
    };
    let address = match &http {
        Some(listener) => {
            let address = listener.local_addr();
            Some(address.map_err(|source| DaemonError::System { what: "listen", source })?)
        }
        None => None,
    };
    let mut place = place::Place::take(&plan, address, &*world.entropy)?;
    let mut tasks = JoinSet::new();
    let leases = control.clone();
    tasks.spawn(async move { leases.watch_leases().await });
    if let (Some(listener), Some(token)) = (http, place.http_token()) {
        let (control, token) = (control.clone(), token.to_owned());
        tasks.spawn(async move {
            // It ends with the process.
            let _ = control.serve_http(listener, &token).await;
        });
    }
    #[cfg(unix)]
    if let Some(listener) = place.listener() {
        let control = control.clone();
        tasks.spawn(async move {
            let _ = control.serve_socket(listener).await;
        });
    }
    control.is_ready();
    ready::tell(&plan.ready, &place)?;
    let ended = life.over(&control).await;
    control.end();
    // Whoever waited is told why, in the time that an answer takes.
    control.rests(GRACE).await;
    Ok(ended)
}

/// How long answers may take that are under way when it ends.
const GRACE: Duration = Duration::from_millis(500);

/// The session `default`: the devices of the state folder, or none.
async fn default_session(plan: &Plan, world: &Env) -> Result<Session, DaemonError> {
    let settings = Settings { options: plan.options.clone(), faults: plan.faults.clone(), ..Settings::default() };
    let Some(folder) = &plan.state else { return Ok(Session::in_memory(settings, world)?) };
    let session = Session::in_folder(folder, settings, world)?;
    for name in session.kept().map_err(DaemonError::file(folder))? {
        session.add(&name).await?;
    }
    Ok(session)
}

//! Who follows an emulator for a face: the one that runs, or where none runs, one in this process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use cardea_sdk::Env;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::facts::{Facts, Link};
use super::follow::Following;
use super::order::{Order, Turn};
use super::{Command, Notice};
use crate::cli::CliError;
use crate::cli::args::Common;
use crate::cli::client::Client;
use crate::daemon::{self, Found, Plan, Told};
use crate::engine::Options;
use crate::faults::Gate;
use crate::log::Log;

/// Something that has facts and takes commands: an emulator, or in tests whatever they need.
pub trait Source: Send + Sync {
    /// What is known now.
    fn facts(&self) -> Arc<Facts>;
    /// Says something; what comes of it is in the facts later.
    fn tell(&self, command: Command);
}

/// Which emulator, and how it is where it has to be started.
#[derive(Debug)]
pub struct How(pub(super) Reach);

#[derive(Debug)]
pub(super) enum Reach {
    /// The one that runs on a state folder, or one in this process.
    Folder { state: PathBuf, program: String, plan: Box<Plan> },
    /// The one that was named, or a session of it.
    #[cfg_attr(not(any(feature = "terminal", feature = "window")), expect(dead_code, reason = "no program shows it"))]
    Named(Box<Common>),
}

impl How {
    /// The emulator on a state folder: one that runs, or one in this process with these options.
    #[must_use]
    pub fn folder(state: &Path, options: Options, faults: Gate) -> Self {
        let program = format!("cardea-emulator --state {}", state.display());
        Self(Reach::Folder { state: state.to_owned(), program, plan: Box::new(plan(state, options, faults)) })
    }

    /// What the command line says.
    #[cfg(any(feature = "terminal", feature = "window"))]
    pub(crate) fn said(
        common: Common,
        faults: Gate,
        profiles: BTreeMap<String, crate::control::DeviceProfile>,
        log: Log,
    ) -> Result<Self, CliError> {
        if common.ctl.is_some() || common.session != crate::cli::client::DEFAULT {
            return Ok(Self(Reach::Named(Box::new(common))));
        }
        let (state, program) = (common.state_folder()?, common.program());
        let plan = Plan { profiles, log, list: crate::cli::args::list(), ..plan(&state, common.options(), faults) };
        let plan = Box::new(plan);
        Ok(Self(Reach::Folder { state, program, plan }))
    }
}

fn plan(state: &Path, options: Options, faults: Gate) -> Plan {
    Plan {
        options,
        state: Some(state.to_owned()),
        http: None,
        socket: None,
        token_file: None,
        list: None,
        faults,
        profiles: BTreeMap::new(),
        log: Log::default(),
        ready: Told::default(),
        lease: None,
        with_parent: false,
    }
}

/// Facts that change and are shown elsewhere.
pub(super) struct Board {
    facts: Mutex<Arc<Facts>>,
    order: Mutex<Order>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Board {
    pub(super) fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes them for whoever looks next; wakes who shows them, if `change` says that there is something to see.
    pub(super) fn change(&self, change: impl FnOnce(&mut Facts) -> bool) {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Facts::clone(&facts);
        if change(&mut next) {
            *facts = Arc::new(next);
            drop(facts);
            (self.wake)();
        }
    }

    /// The number of a question that is asked now.
    pub(super) fn turn(&self) -> Turn {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).turn()
    }

    /// The same as [`Self::change`], for answers: `change` drops those that were overtaken.
    pub(super) fn answered(&self, change: impl FnOnce(&mut Facts, &mut Order) -> bool) {
        self.change(|facts| change(facts, &mut self.order.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Says what came of something.
    pub(super) fn notice(&self, notice: Notice) {
        self.change(|facts| {
            facts.working.retain(|work| work.number != notice.number);
            facts.notices.push(notice);
            let too_many = facts.notices.len().saturating_sub(NOTICES);
            facts.notices.drain(..too_many);
            true
        });
    }
}

/// So many notices are kept.
const NOTICES: usize = 50;

/// An emulator that is followed, and told what a person says. When this is dropped, one in this process is ended.
pub struct Face {
    board: Arc<Board>,
    commands: Option<UnboundedSender<Command>>,
    /// Says what ended the one in this process.
    thread: Option<JoinHandle<Option<daemon::Ended>>>,
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Face").finish_non_exhaustive()
    }
}

impl Face {
    /// Finds the emulator, or starts one in this process, and follows it from then on; `wake` is called whenever there are new
    /// facts, from another thread.
    ///
    /// # Errors
    /// [`CliError`]: none can be reached or started.
    pub fn start(how: How, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(CliError::Runtime)?;
        let board = Arc::new(Board { facts: Mutex::default(), order: Mutex::default(), wake: Box::new(wake) });
        let (commands, taken) = unbounded_channel();
        let reached = runtime.block_on(reach(how.0))?;
        let shared = Arc::clone(&board);
        let follow = move || runtime.block_on(followed(reached, shared, taken));
        let thread = std::thread::Builder::new().name("face".into()).spawn(follow).map_err(CliError::Runtime)?;
        Ok(Self { board, commands: Some(commands), thread: Some(thread) })
    }

    /// Ends it, and says what had ended the emulator in this process; `None` where it was elsewhere.
    #[cfg(feature = "window")]
    pub(crate) fn end(mut self) -> Option<daemon::Ended> {
        self.left()
    }

    fn left(&mut self) -> Option<daemon::Ended> {
        self.commands = None;
        // It has said what there was to say.
        self.thread.take().and_then(|thread| thread.join().ok().flatten())
    }
}

impl Source for Face {
    fn facts(&self) -> Arc<Facts> {
        self.board.facts()
    }

    fn tell(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // Where nobody listens any more, the facts say that it is gone.
            let _ = commands.send(command);
        }
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        self.left();
    }
}

/// An emulator that was reached.
struct Reached {
    client: Arc<Client>,
    link: Link,
    program: String,
    /// The one in this process.
    own: Option<tokio::task::JoinHandle<Result<daemon::Ended, daemon::DaemonError>>>,
}

async fn reach(how: Reach) -> Result<Reached, CliError> {
    match how {
        Reach::Named(common) => {
            let client = Arc::new(Client::running(&common).await?);
            let link = Link::Attached(client.whom());
            Ok(Reached { client, link, program: common.program(), own: None })
        }
        Reach::Folder { state, program, plan } => {
            if let Some(client) = Client::on_folder(&state).await {
                let link = Link::Attached(client.whom());
                return Ok(Reached { client: Arc::new(client), link, program, own: None });
            }
            let (client, own) = host(*plan).await?;
            let link = Link::Hosting(client.whom());
            Ok(Reached { client: Arc::new(client), link, program, own: Some(own) })
        }
    }
}

/// Starts one in this process, where others reach it, too.
async fn host(
    mut plan: Plan,
) -> Result<(Client, tokio::task::JoinHandle<Result<daemon::Ended, daemon::DaemonError>>), CliError> {
    let (heard, mut hear) = tokio::sync::watch::channel(None::<Found>);
    plan.ready = Told { heard: Some(heard), ..Told::default() };
    // Where there are no sockets of files, HTTP on this machine.
    plan.http = (!cfg!(unix)).then(|| std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut own = tokio::spawn(daemon::run(plan, Env::os()));
    let found = tokio::select! {
        ended = &mut own => {
            return match ended {
                Ok(Err(error)) => Err(error.into()),
                _ => Err(CliError::NotRunning("this process".into())),
            };
        }
        found = hear.wait_for(Option::is_some) => found.ok().and_then(|found| found.clone()),
    };
    let client = found.as_ref().and_then(Client::of);
    Ok((client.ok_or_else(|| CliError::NotRunning("this process".into()))?, own))
}

/// Follows it to the end of the face; what ended the one in this process.
async fn followed(
    reached: Reached,
    board: Arc<Board>,
    mut commands: UnboundedReceiver<Command>,
) -> Option<daemon::Ended> {
    let Reached { client, link, program, own } = reached;
    let is_own = own.is_some();
    board.change(|facts| {
        facts.program = program;
        facts.session = client.session().to_owned();
        facts.link = link.clone();
        true
    });
    let following = Arc::new(Following::new(Arc::clone(&client), Arc::clone(&board), is_own));
    let told = async {
        while let Some(command) = commands.recv().await {
            following.told(command);
        }
    };
    tokio::select! {
        () = told => {}
        () = following.follow(link) => {}
    }
    let own = own?;
    // It may have been told by somebody else, or by a signal.
    let _ = client.call(hyper::Method::POST, "/v1/shutdown", None).await;
    own.await.ok()?.ok()
}

/// This moment, for clocks on a screen.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a clock that is shown, which nothing depends on")]
pub(crate) fn moment() -> Instant {
    Instant::now()
}

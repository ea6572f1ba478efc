//! A wallet: the tokens in one store, and how to get more.

mod close_all;
mod enroll;
mod recovery;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::env::Env;
use crate::error::WalletError;
use crate::event::{self, Events, Source, Standings};
use crate::live::{Live, Lives};
use crate::log::{Log, LogSink};
use crate::operation::Turns;
use crate::presence::Presence;
use crate::store::file::{FileStore, StoreKey};
use crate::store::memory::MemoryStore;
use crate::store::secrets::SecretStore;
use crate::store::{Store, TokenKey};
use crate::task::blocking;
use crate::token::Token;
use crate::transport::Connector;
use crate::transport::tcp::TcpConnector;

pub use enroll::Enrollment;

/// What a wallet was built with and its tokens share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) env: Env,
    pub(crate) options: Options,
    pub(crate) presence: Option<Arc<dyn Presence>>,
    pub(crate) events: Source,
    pub(crate) standings: Standings,
    pub(crate) turns: Arc<Turns>,
    pub(crate) lives: Lives,
    pub(crate) log: Log,
    recovery: recovery::Recovery,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) allow_test_argon2: bool,
    emulated: bool,
    background: bool,
    events: usize,
}

/// The tokens of one holder on one device. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Wallet {
    inner: Arc<Inner>,
    _recovery: Option<Arc<recovery::Right>>,
}

/// Where the tokens are.
#[derive(Debug)]
enum Place {
    Memory,
    Folder(PathBuf, Key),
    Store(Arc<dyn Store>),
}

/// Where the key of a folder is.
#[derive(Debug)]
enum Key {
    /// In a file of the folder.
    File,
    Given(StoreKey),
    Secrets(Arc<dyn SecretStore>),
}

/// How a wallet is to be.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is opened"]
pub struct Builder {
    place: Place,
    connector: Arc<dyn Connector>,
    env: Env,
    options: Options,
    log: Log,
    presence: Option<Arc<dyn Presence>>,
}

impl Builder {
    /// Keeps the tokens in `folder`, encrypted with a key in a file beside them.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.place = Place::Folder(folder.into(), Key::File);
        self
    }

    /// Keeps the tokens in `folder`, encrypted with a key that the host keeps elsewhere.
    pub fn folder_with_key(mut self, folder: impl Into<PathBuf>, key: StoreKey) -> Self {
        self.place = Place::Folder(folder.into(), Key::Given(key));
        self
    }

    /// Keeps the tokens in `folder`, encrypted with a key that is made once and kept in `secrets`: see
    /// [`FileStore::open_with_secrets`].
    pub fn folder_with_secrets(mut self, folder: impl Into<PathBuf>, secrets: Arc<dyn SecretStore>) -> Self {
        self.place = Place::Folder(folder.into(), Key::Secrets(secrets));
        self
    }

    /// Keeps the tokens in a store of the host's own.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.place = Place::Store(store);
        self
    }

    /// Reaches servers in another way than over TCP.
    pub fn connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connector = connector;
        self
    }

    /// Takes time and random bytes from elsewhere.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Tells `sink` what the SDK does by itself: which way it takes, what it tries again and when.
    pub fn log(mut self, sink: Arc<dyn LogSink>) -> Self {
        self.log = Log::to(Some(sink));
        self
    }

    /// Asks `presence` wherever an operation is given [`Approval::Ask`](crate::Approval::Ask).
    pub fn presence(mut self, presence: Arc<dyn Presence>) -> Self {
        self.presence = Some(presence);
        self
    }

    /// Says to servers that this device is emulated. They may refuse it.
    pub const fn emulated(mut self, emulated: bool) -> Self {
        self.options.emulated = emulated;
        self
    }

    /// Accepts services that hash PINs as cheaply as tests do. Never for tokens that protect something.
    pub const fn allow_test_argon2(mut self, allow: bool) -> Self {
        self.options.allow_test_argon2 = allow;
        self
    }

    /// Whether unanswered operations are looked after as soon as the wallet is open and whenever one occurs, without
    /// waiting for the holder (default: yes). Programs that end after one operation turn it off.
    pub const fn recover_in_background(mut self, recover: bool) -> Self {
        self.options.background = recover;
        self
    }

    /// How many events a listener may be behind before it misses the oldest ones (default: 64; at least 1, and a power of two or
    /// rounded up to one). There is room for all of them from the beginning, about 60 bytes each: programs with thousands of
    /// wallets want fewer.
    pub const fn event_capacity(mut self, events: usize) -> Self {
        self.options.events = events;
        self
    }

    /// Opens the wallet. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// [`WalletError::Store`], [`WalletError::Secrets`].
    pub async fn open(self) -> Result<Wallet, WalletError> {
        let Self { place, connector, env, options, log, presence } = self;
        let store: Arc<dyn Store> = match place {
            Place::Memory => Arc::new(MemoryStore::new()),
            Place::Store(store) => store,
            Place::Folder(folder, key) => {
                let env = env.clone();
                let open = move || -> Result<FileStore, WalletError> {
                    Ok(match key {
                        Key::File => FileStore::open(folder, &env)?,
                        Key::Given(key) => FileStore::open_with_key(folder, key, &env)?,
                        Key::Secrets(secrets) => FileStore::open_with_secrets(folder, &*secrets, &env)?,
                    })
                };
                Arc::new(blocking(open).await??)
            }
        };
        if let Some(sink) = log.sink() {
            connector.log_to(sink);
        }
        let (events, runtime) = (Source::with_capacity(options.events), Handle::current());
        let standings = Standings::new(events.clone(), env.clone(), runtime.clone());
        let inner = Arc::new(Inner {
            store,
            connector,
            env,
            options,
            presence,
            standings,
            events,
            turns: Arc::default(),
            lives: Lives::new(runtime.clone()),
            log,
            recovery: recovery::Recovery::off(runtime),
        });
        let recovery = options.background.then(|| Arc::new(recovery::Right::new(&inner)));
        Ok(Wallet { inner, _recovery: recovery })
    }
}

impl Wallet {
    /// A wallet that keeps its tokens in memory unless told otherwise, reaches servers over TCP, and takes time and
    /// randomness from the operating system.
    pub fn builder() -> Builder {
        let options = Options { allow_test_argon2: false, emulated: false, background: true, events: event::CAPACITY };
        let (connector, env, log) = (Arc::new(TcpConnector), Env::os(), Log::default());
        Builder { place: Place::Memory, connector, env, options, log, presence: None }
    }

    /// All tokens, in a stable order. One whose enrollment was not confirmed is among them.
    ///
    /// # Errors
    /// [`WalletError::Store`].
    pub async fn tokens(&self) -> Result<Vec<Token>, WalletError> {
        let store = Arc::clone(&self.inner.store);
        Ok(blocking(move || store.list()).await??.into_iter().map(|key| self.handle(key)).collect())
    }

    /// The token of this name.
    ///
    /// # Errors
    /// [`WalletError::UnknownToken`], [`WalletError::Store`].
    pub async fn token(&self, key: TokenKey) -> Result<Token, WalletError> {
        let token = self.handle(key);
        token.summary().await?;
        Ok(token)
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.inner.events.listen()
    }

    /// Keeps a live session for every token until the guard is dropped: what happens to a token on another device or at
    /// the server becomes an event here. For as long as the holder looks at the app.
    ///
    /// Guards share their sessions; those end with the last one.
    #[must_use = "the sessions end when the guard is dropped"]
    pub fn go_live(&self) -> Live {
        self.inner.look_sooner();
        self.inner.lives.start(&self.inner)
    }

    fn handle(&self, key: TokenKey) -> Token {
        Token { inner: Arc::clone(&self.inner), key }
    }
}

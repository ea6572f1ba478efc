//! The devices' part of the scenarios.

mod folder;
mod losing;
mod operation;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardea_ffi::{
    CardeaError, Confirmation, EventKind, Events, Host, Invitation, Live, Transport, Wallet, WalletOptions, open_wallet,
};
use tokio::time::timeout;

use super::host::{self, Behavior};
use super::party::Party;
use super::{Outcome, snake};
use folder::{copy, damage, mangle};

type Result<T> = std::result::Result<T, CardeaError>;

/// A wallet and the events of it.
struct Open {
    wallet: Arc<Wallet>,
    events: Arc<Events>,
}

struct Named {
    folder: PathBuf,
    options: WalletOptions,
    host: Host,
    /// None while it cannot be opened.
    open: Option<Open>,
}

/// What the devices have learned of each user's token.
#[derive(Default)]
struct Known {
    ids: HashMap<String, String>,
    waiting: HashMap<String, Vec<Arc<Confirmation>>>,
}

/// All wallets of a scenario.
pub(super) struct Devices {
    folder: PathBuf,
    wallets: HashMap<String, Named>,
    current: String,
    known: Arc<Mutex<Known>>,
    live: Option<Arc<Live>>,
    behavior: Arc<Behavior>,
}

impl Devices {
    pub(super) async fn new(folder: &Path) -> Self {
        let mut devices = Self {
            folder: folder.join("wallets"),
            wallets: HashMap::new(),
            current: "main".to_owned(),
            known: Arc::default(),
            live: None,
            behavior: Behavior::new(),
        };
        devices.switch("main", &[]).await.expect("it opens");
        devices
    }

    fn named(&mut self) -> &mut Named {
        self.wallets.get_mut(&self.current).expect("it was named")
    }

    fn open(&self) -> &Open {
        self.wallets[&self.current].open.as_ref().expect("the wallet is open")
    }

    fn id(&self, user: &str) -> String {
        self.known.lock().expect("no one panics with it").ids.get(user).expect("it was enrolled").clone()
    }

    async fn switch(&mut self, name: &str, how: &[&str]) -> Result<()> {
        name.clone_into(&mut self.current);
        if self.wallets.contains_key(name) {
            return Ok(());
        }
        let mut folder = self.folder.join(name);
        let mut host = Host::default();
        let mut options = WalletOptions {
            allow_test_argon2: true,
            emulated: true,
            recover_in_background: false,
            transport: Some(Transport::Tcp),
            ..WalletOptions::default()
        };
        match how {
            [] => {}
            ["strict"] => options.allow_test_argon2 = false,
            ["automatic"] => options.transport = None,
            ["shares", other] => folder.clone_from(&self.wallets[*other].folder),
            ["hosted", parts @ ..] => host = host::hosted(parts, &self.behavior),
            other => panic!("no such wallet: {other:?}"),
        }
        options.folder = Some(folder.to_str().expect("it is text").to_owned());
        self.wallets.insert(name.to_owned(), Named { folder, options, host, open: None });
        self.reopen().await
    }

    async fn reopen(&mut self) -> Result<()> {
        let host = self.named().host.clone();
        self.reopen_with(host).await
    }

    async fn reopen_with(&mut self, host: Host) -> Result<()> {
        let named = self.named();
        named.open = None;
        let wallet = open_wallet(named.options.clone(), host, None).await?;
        named.open = Some(Open { events: wallet.events(), wallet });
        Ok(())
    }

    /// Does something to the folder while nobody has it open.
    async fn closed(&mut self, change: impl FnOnce(&Path, &Path)) -> Result<()> {
        let named = self.named();
        named.open = None;
        change(&named.folder, &named.folder.with_extension("backup"));
        self.reopen().await
    }

    /// Takes a step.
    pub(super) async fn step(&mut self, words: &[&str], party: &mut Party) -> Outcome {
        let done = match words {
            ["interrupted", step @ ..] => return self.interrupted(step, party).await,
            ["lost", step @ ..] => return self.lost(step, party).await,
            ["event", user, kind] => return self.event(user, kind).await,
            ["tokens"] => {
                let tokens = self.open().wallet.tokens(None).await;
                return tokens.map_or_else(Outcome::Failed, |tokens| Outcome::count(tokens.len()));
            }
            ["preview", user] => {
                return Outcome::of(Invitation::from_text(&party.offer(user).link).map(|it| it.preview().host));
            }
            ["picture", file] => {
                let bytes = fs::read(super::folder().join("pictures").join(file)).expect("the picture is there");
                return Outcome::of(Invitation::from_qr_image(bytes, None).await.map(|it| it.preview().host));
            }
            ["asked"] => return Outcome::count(self.behavior.asked()),
            ["asked_for"] => return Outcome::Text(self.behavior.asked_for()),
            ["behave", part, how] => {
                self.behavior.behave(part, how);
                Ok(())
            }
            ["go_live"] => {
                let live = self.open().wallet.go_live();
                self.live = Some(live);
                Ok(())
            }
            ["wake"] => {
                self.live.as_ref().expect("it is live").wake();
                Ok(())
            }
            ["stop_live"] => self.live.take().expect("it is live").stop(None).await,
            ["wallet", name, how @ ..] => self.switch(name, how).await,
            ["reopen"] => self.reopen().await,
            ["clock", seconds] => {
                let clock = Some(host::off_by(seconds.parse().expect("seconds")));
                let host = Host { clock, ..self.named().host.clone() };
                self.reopen_with(host).await
            }
            ["backup"] => self.closed(copy).await,
            ["restore"] => self.closed(|folder, backup| copy(backup, folder)).await,
            ["damage", how] => self.closed(|folder, _| damage(folder, how)).await,
            ["host", part, behavior] => host::misbehaving(part, behavior).await,
            ["link", mangling] => Invitation::from_text(&mangle(&party.offer("mangled").link, mangling)).map(drop),
            ["code", how] => {
                let (code, server) = match *how {
                    "short" => ("AB".to_owned(), party.site.http().to_string()),
                    "unreachable" => (party.offer("mangled").code.clone(), "127.0.0.1:1".to_owned()),
                    other => panic!("no mangling of a code: {other}"),
                };
                Invitation::from_code(code, server, None).await.map(drop)
            }
            step => {
                return match self.prepared(step, party).await {
                    Ok(operation) => operation.await,
                    Err(error) => Outcome::Failed(error),
                };
            }
        };
        Outcome::of(done)
    }

    async fn event(&self, user: &str, kind: &str) -> Outcome {
        let id = self.id(user);
        let found = async {
            while let Some(event) = self.open().events.next().await {
                if event.token.as_ref() == Some(&id) && snake(&format!("{:?}", event.kind)) == kind {
                    return;
                }
                assert_ne!(event.kind, EventKind::Missed);
            }
            panic!("the events ended");
        };
        timeout(Duration::from_secs(30), found).await.expect("it is told");
        Outcome::Done
    }
}

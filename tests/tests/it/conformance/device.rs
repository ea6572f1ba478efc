//! The devices' part of the scenarios.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cardea_ffi::{
    Approval, Cancel, CardeaError, Closed, Confirmation, DenyReason, EventKind, Events, Host, Invitation, Live,
    NewPins, Token, Transport, Wallet, WalletOptions, open_wallet,
};
use cardea_tests::harness::pause;
use tokio::time::timeout;

use super::party::Party;
use super::{Outcome, host};

type Result<T> = std::result::Result<T, CardeaError>;

/// A wallet and the events of it.
struct Open {
    wallet: Arc<Wallet>,
    events: Arc<Events>,
}

struct Named {
    folder: PathBuf,
    options: WalletOptions,
    /// None while it cannot be opened.
    open: Option<Open>,
}

/// All wallets of a scenario.
pub(super) struct Devices {
    folder: PathBuf,
    wallets: HashMap<String, Named>,
    current: String,
    /// The id of each user's token.
    ids: HashMap<String, String>,
    waiting: HashMap<String, Vec<Arc<Confirmation>>>,
    live: Option<Arc<Live>>,
}

fn pins(all: &[&str]) -> NewPins {
    let [normal, duress @ ..] = all else { panic!("a PIN is missing") };
    NewPins { duress: duress.iter().map(|pin| pin.as_bytes().into()).collect(), ..NewPins::normal(normal.as_bytes()) }
}

fn approval(pin: &str) -> Approval {
    Approval::pin(pin.as_bytes())
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("a folder can be made");
    for file in fs::read_dir(from).expect("it is there").flatten() {
        fs::copy(file.path(), to.join(file.file_name())).expect("it can be copied");
    }
}

impl Devices {
    pub(super) async fn new(folder: &Path) -> Self {
        let (wallets, ids, waiting) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut devices =
            Self { folder: folder.join("wallets"), wallets, current: "main".to_owned(), ids, waiting, live: None };
        devices.switch("main", &[]).await.expect("it opens");
        devices
    }

    fn named(&mut self) -> &mut Named {
        self.wallets.get_mut(&self.current).expect("it was named")
    }

    fn open(&self) -> &Open {
        self.wallets[&self.current].open.as_ref().expect("the wallet is open")
    }

    async fn switch(&mut self, name: &str, how: &[&str]) -> Result<()> {
        name.clone_into(&mut self.current);
        if self.wallets.contains_key(name) {
            return Ok(());
        }
        let mut folder = self.folder.join(name);
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
            other => panic!("no such wallet: {other:?}"),
        }
        options.folder = Some(folder.to_str().expect("it is text").to_owned());
        self.wallets.insert(name.to_owned(), Named { folder, options, open: None });
        self.reopen(Host::default()).await
    }

    async fn reopen(&mut self, host: Host) -> Result<()> {
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
        self.reopen(Host::default()).await
    }

    async fn token(&self, user: &str) -> Result<Arc<Token>> {
        let id = self.ids.get(user).expect("it was enrolled").clone();
        self.open().wallet.token(id, None).await
    }

    /// Takes a step.
    pub(super) async fn step(&mut self, words: &[&str], party: &mut Party) -> Outcome {
        let done = match words {
            ["interrupted", step @ ..] => return self.interrupted(step, party).await,
            ["event", user, kind] => return self.event(user, kind).await,
            ["preview", user] => {
                let preview = Invitation::from_text(&party.offer(user).link).map(|it| it.preview().host);
                return Outcome::of(preview);
            }
            ["tokens"] => {
                let tokens = self.open().wallet.tokens(None).await;
                return Outcome::of(tokens.map(|tokens| u64::try_from(tokens.len()).expect("not so many")));
            }
            ["close_all"] => {
                let closed = self.open().wallet.close_all(None).await;
                let count = |all: Vec<Closed>| all.iter().filter(|one| one.status.is_some()).count();
                return Outcome::of(closed.map(|all| u64::try_from(count(all)).expect("not so many")));
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
            ["reopen"] => self.reopen(Host::default()).await,
            ["clock", seconds] => self.reopen(host::off_by(seconds.parse().expect("seconds"))).await,
            ["backup"] => self.closed(copy).await,
            ["restore"] => self.closed(|folder, backup| copy(backup, folder)).await,
            ["damage", how] => self.closed(|folder, _| damage(folder, how)).await,
            ["host", part, behavior] => host::misbehaving(part, behavior).await,
            ["enroll", user, chosen @ ..] => {
                let invitation = Invitation::from_text(&party.offer(user).link);
                self.enroll(user, invitation, chosen).await
            }
            ["enroll_code", user, pin] => {
                let (code, server) = (party.offer(user).code.clone(), party.site.http().to_string());
                let invitation = Invitation::from_code(code, server, None).await;
                self.enroll(user, invitation, &[*pin]).await
            }
            ["link", mangling] => Invitation::from_text(&mangle(&party.offer("mangled").link, mangling)).map(drop),
            ["code", how] => {
                let (code, server) = match *how {
                    "short" => ("AB".to_owned(), party.site.http().to_string()),
                    "unreachable" => (party.offer("mangled").code.clone(), "127.0.0.1:1".to_owned()),
                    other => panic!("no mangling of a code: {other}"),
                };
                Invitation::from_code(code, server, None).await.map(drop)
            }
            [verb, user, rest @ ..] => match self.token(user).await {
                Ok(token) => return self.with(&token, user, verb, rest).await,
                Err(error) => Err(error),
            },
            other => panic!("no step: {other:?}"),
        };
        Outcome::of(done)
    }

    async fn enroll(&mut self, user: &str, invitation: Result<Arc<Invitation>>, chosen: &[&str]) -> Result<()> {
        let enrolled = self.open().wallet.enroll(invitation?, pins(chosen), None).await?;
        self.ids.insert(user.to_owned(), enrolled.token.id());
        Ok(())
    }

    /// A step with one token.
    async fn with(&mut self, token: &Arc<Token>, user: &str, verb: &str, rest: &[&str]) -> Outcome {
        match (verb, rest) {
            ("unenroll", [pin]) => Outcome::of(token.unenroll(approval(pin), None).await),
            ("forget", []) => Outcome::of(token.forget(None).await),
            ("label", [text]) => Outcome::of(token.set_label((*text).to_owned(), None).await),
            ("labeled", []) => Outcome::of(token.info(None).await.map(|info| info.label)),
            ("pending", []) => token.info(None).await.map_or_else(Outcome::Failed, |info| Outcome::yes(info.pending)),
            ("remaining", []) => {
                Outcome::of(token.status(None).await.map(|status| status.remaining_seconds.unwrap_or(0)))
            }
            ("tries", []) => Outcome::of(token.status(None).await.map(|status| u64::from(status.tries_left))),
            ("waiting", []) => Outcome::of(token.status(None).await.map(|status| u64::from(status.confirmations))),
            ("skewed", []) => {
                let status = token.status(None).await;
                status.map_or_else(Outcome::Failed, |status| Outcome::yes(status.clock_difference.is_some()))
            }
            ("cancelled", []) => {
                let cancel = Cancel::new();
                cancel.cancel();
                Outcome::of(token.status(Some(cancel)).await)
            }
            ("confirmations", []) => match token.confirmations(None).await {
                Ok(waiting) => {
                    let texts: Vec<String> = waiting.iter().map(|it| it.text()).collect();
                    self.waiting.insert(user.to_owned(), waiting);
                    Outcome::Text(texts.join(" / "))
                }
                Err(error) => Outcome::Failed(error),
            },
            ("devices", []) => {
                let devices = token.devices(None).await;
                Outcome::of(devices.map(|devices| u64::try_from(devices.len()).expect("not so many")))
            }
            ("history", []) => {
                let history = token.history(0, None).await;
                let deeds = |items: Vec<cardea_ffi::HistoryItem>| {
                    items.iter().map(|item| snake(&format!("{:?}", item.deed))).collect::<Vec<_>>().join(", ")
                };
                Outcome::of(history.map(deeds))
            }
            ("service_info", []) => {
                Outcome::of(token.service_info(None).await.map(|info| format!("{} / {}", info.service, info.user)))
            }
            _ => Outcome::of(self.change(token, user, verb, rest).await),
        }
    }

    /// A step that returns a status.
    async fn change(&self, token: &Arc<Token>, user: &str, verb: &str, rest: &[&str]) -> Result<cardea_ffi::Status> {
        let asked = || Arc::clone(self.waiting.get(user).and_then(|all| all.first()).expect("a text waited"));
        match (verb, rest) {
            ("approve", [pin]) => token.approve(asked(), approval(pin), None).await,
            ("deny", []) => token.deny(asked(), None, None).await,
            ("deny", ["cancelled"]) => token.deny(asked(), Some(DenyReason::Cancelled), None).await,
            ("deny", ["not_me"]) => token.deny(asked(), Some(DenyReason::NotMe), None).await,
            ("revoke_other", [pin]) => {
                let devices = token.devices(None).await?;
                // When there is no other one, its own is no other one either.
                let other = devices.iter().find(|device| !device.is_this).unwrap_or(&devices[0]);
                token.revoke_device(other.id.clone(), approval(pin), None).await
            }
            _ => act(token, verb, rest).await,
        }
    }

    async fn event(&self, user: &str, kind: &str) -> Outcome {
        let id = &self.ids[user];
        let found = async {
            while let Some(event) = self.open().events.next().await {
                if event.token.as_ref() == Some(id) && snake(&format!("{:?}", event.kind)) == kind {
                    return;
                }
                assert_ne!(event.kind, EventKind::Missed);
            }
            panic!("the events ended");
        };
        timeout(Duration::from_secs(30), found).await.expect("it is told");
        Outcome::Done
    }

    /// A step in the middle of which the server dies.
    async fn interrupted(&mut self, step: &[&str], party: &mut Party) -> Outcome {
        let [verb, user, rest @ ..] = step else { panic!("no step with a token: {step:?}") };
        let token = self.token(user).await.expect("it is there");
        party.site.killer().freeze();
        let doing = {
            let (token, verb) = (Arc::clone(&token), (*verb).to_owned());
            let rest: Vec<String> = rest.iter().map(|&word| word.to_owned()).collect();
            tokio::spawn(async move {
                let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
                match (&*verb, &rest[..]) {
                    ("unenroll", [pin]) => Outcome::of(token.unenroll(approval(pin), None).await),
                    _ => Outcome::of(act(&token, &verb, &rest).await),
                }
            })
        };
        while !token.info(None).await.expect("it is there").pending {
            pause(Duration::from_millis(5));
        }
        party.site.power_failure();
        doing.await.expect("it ends")
    }
}

/// A step with one token that needs nothing else.
async fn act(token: &Token, verb: &str, rest: &[&str]) -> Result<cardea_ffi::Status> {
    match (verb, rest) {
        ("open", [pin]) => token.open(approval(pin), None, None).await,
        ("open", [pin, seconds]) => token.open(approval(pin), Some(seconds.parse().expect("seconds")), None).await,
        ("close", []) => token.close(None).await,
        ("status", []) => token.status(None).await,
        ("change_pin", [pin, new @ ..]) => token.change_pin(approval(pin), pins(new), None).await,
        ("set_duress", [pin, duress @ ..]) => {
            let duress = duress.iter().map(|pin| pin.as_bytes().into()).collect();
            token.set_duress(pin.as_bytes().into(), duress, None).await
        }
        other => panic!("no step: {other:?}"),
    }
}

fn mangle(link: &str, how: &str) -> String {
    match how {
        "whole" => link.to_owned(),
        "spaced" => format!(" \n{link}\t\r\n"),
        "empty" => String::new(),
        "cut" => link[..link.len() - 8].to_owned(),
        "doubled" => format!("{link}{link}"),
        "flipped" => {
            let (rest, last) = link.split_at(link.len() - 1);
            format!("{rest}{}", if last == "A" { "B" } else { "A" })
        }
        "elsewhere" => "https://id.example/".to_owned(),
        "long" => format!("{link}{}", "A".repeat(100_000)),
        "binary" => format!("{link}\0"),
        other => panic!("no mangling: {other}"),
    }
}

fn damage(folder: &Path, how: &str) {
    if how == "no_key" {
        fs::remove_file(folder.join("store.key")).expect("it is there");
        return;
    }
    for path in fs::read_dir(folder).expect("it is there").flatten().map(|file| file.path()) {
        if path.extension().is_some_and(|extension| extension == "token") {
            let mut bytes = fs::read(&path).expect("it can be read");
            let last = bytes.pop().expect("it is not empty");
            match how {
                "cut" => {}
                "flip" => bytes.push(last ^ 1),
                other => panic!("no damage: {other}"),
            }
            fs::write(&path, bytes).expect("it can be written");
        }
    }
}

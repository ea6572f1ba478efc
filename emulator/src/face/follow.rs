//! Hears what happens in a session and fetches what that changes; says what a person says.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tokio::time::timeout;

use super::Command;
use super::command::Told;
use super::facts::{Asked, Link, Notice, Working};
use super::fetch::Fetch;
use super::run::{Board, moment};
use super::timeline::Row;
use crate::cli::CliError;
use crate::cli::client::{Client, EventLines};
use crate::files;
use crate::relying::{Whom, word};

/// Things that happen within so long are shown at once.
const BREATH: Duration = Duration::from_millis(25);
/// How often what is changed without a word in the journal is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// How long until one that is gone is looked for again.
const AGAIN: Duration = Duration::from_secs(1);
/// With more devices than this changed at a time, all are fetched.
const MANY: usize = 8;
/// The device that is there without being made.
const MAIN: &str = "main";

/// An emulator that is followed.
pub(super) struct Following {
    fetch: Fetch,
    client: Arc<Client>,
    board: Arc<Board>,
    /// It is in this process: its devices are this person's, as a phone in a hand is.
    is_own: bool,
    numbers: AtomicU64,
}

impl Following {
    pub(super) fn new(client: Arc<Client>, board: Arc<Board>, is_own: bool) -> Self {
        let fetch = Fetch::new(Arc::clone(&client), Arc::clone(&board));
        Self { fetch, client, board, is_own, numbers: AtomicU64::new(1) }
    }

    /// Until one in this process ends; else for ever, also where it is gone for a while.
    pub(super) async fn follow(self: &Arc<Self>, link: Link) {
        loop {
            match self.until_gone().await {
                Ok(()) => self.gone("The emulator has ended"),
                Err(error) => self.gone(&error.to_string()),
            }
            if self.is_own {
                self.board.change(|facts| {
                    facts.link = Link::Ended;
                    true
                });
                return;
            }
            while self.client.call(Method::GET, "/live", None).await.is_err() {
                tokio::time::sleep(AGAIN).await;
            }
            self.board.change(|facts| {
                facts.link = link.clone();
                true
            });
        }
    }

    fn gone(&self, why: &str) {
        self.board.change(|facts| {
            facts.link = Link::Lost(why.to_owned());
            facts.working.clear();
            true
        });
    }

    async fn until_gone(self: &Arc<Self>) -> Result<(), CliError> {
        self.fetch.begin().await?;
        if self.board.facts().devices.is_empty() {
            let made = Command::NewDevice { name: MAIN.into() };
            self.call(&made).await?;
        }
        let mut events = self.client.events("?since=0").await?;
        let looks = async {
            loop {
                tokio::time::sleep(LOOK).await;
                // If it is gone, the events end.
                let _ = self.fetch.conditions().await;
            }
        };
        tokio::select! {
            ended = self.hear(&mut events) => ended,
            () = looks => Ok(()),
        }
    }

    async fn hear(&self, events: &mut EventLines) -> Result<(), CliError> {
        while let Some(first) = events.next().await? {
            let mut batch = vec![first];
            while batch.len() < 1_000
                && let Ok(next) = timeout(BREATH, events.next()).await
                && let Some(next) = next?
            {
                batch.push(next);
            }
            self.heard(batch).await?;
        }
        Ok(())
    }

    async fn heard(&self, batch: Vec<Value>) -> Result<(), CliError> {
        let is_entry = |entry: &Value| entry["kind"].is_string();
        let batch: Vec<Value> = batch.into_iter().filter(is_entry).collect();
        let devices: BTreeSet<String> =
            batch.iter().filter_map(|entry| entry["device"].as_str()).map(str::to_owned).collect();
        let went_wrong = batch.iter().any(|entry| entry["kind"].as_str().is_some_and(|kind| kind.starts_with("fault")));
        let frames = self.fetch.frames().await?;
        let mut rows: Vec<Row> = frames.into_iter().map(Row::frame).chain(batch.into_iter().map(Row::event)).collect();
        rows.sort_by_key(|row| row.time);
        self.board.change(|facts| {
            facts.timeline.extend(rows);
            true
        });
        if devices.len() > MANY {
            self.fetch.devices().await?;
        } else {
            for device in &devices {
                self.fetch.device(device).await?;
            }
        }
        if went_wrong {
            self.fetch.conditions().await?;
        }
        Ok(())
    }

    /// Says what a person says, while whatever else is under way goes on.
    pub(super) fn told(self: &Arc<Self>, command: Command) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            match &command {
                Command::Refresh => {
                    // What is not there any more is told by the events.
                    let _ = this.fetch.all().await;
                }
                Command::Look(device) => {
                    let _ = this.looked_at(device).await;
                }
                _ => this.does(&command).await,
            }
        });
    }

    /// A device that is in front hears what servers say, as the app of a phone does; but only where it is this person's.
    async fn looked_at(&self, device: &str) -> Result<(), CliError> {
        self.fetch.habit(device).await?;
        let listens = self.board.facts().device(device).is_none_or(|device| device.watched);
        if self.is_own && !listens {
            self.call(&Command::Watch { device: device.to_owned(), watch: true }).await?;
            self.fetch.device(device).await?;
        }
        Ok(())
    }

    async fn does(&self, command: &Command) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let device = command.device().map(str::to_owned);
        let verb = command.verb();
        let work = Working { number, device: device.clone(), verb };
        self.board.change(|facts| {
            facts.working.push(work);
            true
        });
        let done = self.call(command).await;
        // How the device stands is known before it is said that it is done.
        let _ = self.after(command).await;
        let command_line = command.command_line(&self.board.facts().program).unwrap_or_default();
        let notice = |text, failed, file| Notice { number, device, verb, text, failed, command_line, file };
        match done {
            Ok(Some(told)) => self.board.notice(notice(told.text, None, told.file)),
            Ok(None) => self.board.change(|facts| {
                facts.working.retain(|work| work.number != number);
                true
            }),
            Err(error) => self.board.notice(notice(error.to_string(), Some(error.code().to_owned()), None)),
        }
    }

    async fn call(&self, command: &Command) -> Result<Option<Told>, CliError> {
        if let Command::Export(path) = command {
            return self.export(path).await.map(Some);
        }
        if let Command::Record(path) = command {
            return self.record(path).await.map(Some);
        }
        if let Command::Check { whom, user } = command {
            return self.check(whom, user).await.map(Some);
        }
        let Some(call) = command.call(self.client.session()) else { return Ok(None) };
        let answer = self.client.call(call.method, &call.path, call.body).await?;
        if let (Some(device), Some(token)) = (command.device(), command.token()) {
            self.fetch.answered(command.verb(), device, token, &answer);
        }
        Ok(command.said(&answer).map(|text| Told { text, file: None }))
    }

    async fn after(&self, command: &Command) -> Result<(), CliError> {
        self.fetch.conditions().await?;
        match command {
            Command::NewDevice { .. }
            | Command::RemoveDevice { .. }
            | Command::Clone { .. }
            | Command::Rename { .. }
            | Command::Freeze(_)
            | Command::Advance(_) => self.fetch.devices().await,
            // Who holds them may be somebody else, too.
            Command::Reset { .. } | Command::SnapLoad(_) => {
                self.fetch.devices().await?;
                for device in self.board.facts().habits.keys() {
                    // It may be gone.
                    let _ = self.fetch.habit(device).await;
                }
                Ok(())
            }
            Command::SnapSave(_) | Command::SnapRemove(_) => self.fetch.snapshots().await,
            Command::Habit { device, .. } => self.fetch.habit(device).await,
            _ => match command.device() {
                Some(device) => self.fetch.device(device).await,
                None => Ok(()),
            },
        }
    }

    async fn export(&self, path: &Path) -> Result<Told, CliError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).filter(|it| ENDINGS.contains(it));
        let Some(ending) = ending else {
            return Err(CliError::Usage("the file ends with .jsonl, .pcapng or .keylog".into()));
        };
        let bytes = self.client.fetch(&format!("/v1/sessions/{}/trace.{ending}", self.client.session())).await?;
        write_new(path, &bytes)?;
        let text = format!("Wrote {} bytes to {}", bytes.len(), path.display());
        Ok(Told { text, file: Some(PathBuf::from(path)) })
    }

    /// Asks as a relying party does.
    async fn check(&self, whom: &Whom, user: &str) -> Result<Told, CliError> {
        let party = whom.party().await?;
        let asked = moment();
        let status = party.status(user).await?;
        let took_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (word, service) = (word(status), whom.service.clone());
        self.board.change(|facts| {
            let at = facts.clock.at(Some(moment()));
            facts.asked.push(Asked { at, user: user.to_owned(), service, took_ms, word, is_open: status.is_open() });
            let too_many = facts.asked.len().saturating_sub(ASKED);
            facts.asked.drain(..too_many);
            true
        });
        Ok(Told { text: format!("{user} is {word} at {}", whom.service), file: None })
    }

    async fn record(&self, path: &Path) -> Result<Told, CliError> {
        if path.extension().is_none_or(|ending| ending != "yaml" && ending != "yml") {
            return Err(CliError::Usage("the file ends with .yaml".into()));
        }
        let bytes = self.client.scenario("").await?;
        write_new(path, &bytes)?;
        let text = format!("Wrote {0}: `scenario check {0}` and `scenario run {0}` are next", path.display());
        Ok(Told { text, file: Some(path.to_owned()) })
    }
}

/// So many answers to relying parties are kept.
const ASKED: usize = 50;
/// What a trace can be written as.
const ENDINGS: [&str; 3] = ["jsonl", "pcapng", "keylog"];

/// Writes a file that is not there yet: somebody may have gone on writing in the one that is.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    files::write_new(path, bytes).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => CliError::Usage(format!("{} is there already: name another file", path.display())),
        _ => CliError::Written { path: path.to_owned(), source },
    })
}

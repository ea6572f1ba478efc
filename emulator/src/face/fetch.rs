//! Fetches what is known of an emulator, and puts it where it is shown. Nothing is woken where nothing has changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::facts::{Answers, Clock, Device, Facts, FaultRule, Snapshot};
use super::run::{Board, moment};
use super::timeline::Timeline;
use crate::cli::CliError;
use crate::cli::client::Client;
use crate::trace::Line;

/// What is known.
pub(super) struct Fetch {
    client: Arc<Client>,
    board: Arc<Board>,
    /// The number of the newest frame that was fetched.
    frame: AtomicU64,
}

impl Fetch {
    pub(super) const fn new(client: Arc<Client>, board: Arc<Board>) -> Self {
        Self { client, board, frame: AtomicU64::new(0) }
    }

    async fn get(&self, path: &str) -> Result<Value, CliError> {
        self.client.call(Method::GET, path, None).await
    }

    async fn of_session(&self, path: &str) -> Result<Value, CliError> {
        self.get(&format!("/v1/sessions/{}{path}", self.client.session())).await
    }

    /// Everything, of an emulator that nothing is known of.
    pub(super) async fn begin(&self) -> Result<(), CliError> {
        let catalogue = read(self.get("/v1/faults").await?["faults"].take())?;
        self.frame.store(0, Ordering::Relaxed);
        self.board.change(|facts| {
            facts.catalogue = Arc::new(catalogue);
            facts.timeline = Timeline::default();
            facts.answers.clear();
            facts.habits.clear();
            true
        });
        self.all().await
    }

    /// All that may have changed.
    pub(super) async fn all(&self) -> Result<(), CliError> {
        self.conditions().await?;
        self.snapshots().await?;
        self.devices().await
    }

    /// What was kept of the session.
    pub(super) async fn snapshots(&self) -> Result<(), CliError> {
        let turn = self.board.turn();
        let snapshots: Vec<Snapshot> = read(self.of_session("/snapshots").await?["snapshots"].take())?;
        self.board.answered(|facts, order| {
            let has_changed = order.snapshots(turn) && *facts.snapshots != snapshots;
            if has_changed {
                facts.snapshots = Arc::new(snapshots);
            }
            has_changed
        });
        Ok(())
    }

    /// Time, faults, and whether it records.
    pub(super) async fn conditions(&self) -> Result<(), CliError> {
        let turn = self.board.turn();
        let mut clock: Clock = read(self.of_session("/clock").await?)?;
        clock.read = Some(moment());
        let rules = self.of_session("/faults").await?;
        let rules: Vec<FaultRule> = rules["rules"].as_array().into_iter().flatten().map(FaultRule::of).collect();
        let trace = read(self.of_session("/trace").await?)?;
        self.board.answered(|facts, order| {
            if !order.conditions(turn) {
                return false;
            }
            let was = facts.clock.at(clock.read);
            let has_changed = facts.clock.frozen != clock.frozen
                || was.abs_diff(clock.now) > 1
                || facts.clock.read.is_none()
                || *facts.faults != rules
                || facts.trace != trace;
            if has_changed {
                (facts.clock, facts.faults, facts.trace) = (clock, Arc::new(rules), trace);
            }
            has_changed
        });
        Ok(())
    }

    /// All devices.
    pub(super) async fn devices(&self) -> Result<(), CliError> {
        let turn = self.board.turn();
        let devices: Vec<Device> = read(self.of_session("/devices").await?["devices"].take())?;
        let devices: BTreeMap<String, Arc<Device>> =
            devices.into_iter().map(|device| (device.name.clone(), Arc::new(device))).collect();
        self.board.answered(|facts, order| order.devices(turn, facts, devices));
        Ok(())
    }

    /// One device; it may be gone.
    pub(super) async fn device(&self, name: &str) -> Result<(), CliError> {
        let turn = self.board.turn();
        let device: Option<Device> = match self.of_session(&format!("/devices/{name}")).await {
            Ok(device) => Some(read(device)?),
            Err(error) if error.code() == "no-device" => None,
            Err(error) => return Err(error),
        };
        let texts = device.as_ref().map(waiting).unwrap_or_default();
        self.board.answered(|facts, order| order.device(turn, facts, name, device));
        self.texts(name, texts).await
    }

    /// Texts that wait and are not known yet.
    async fn texts(&self, device: &str, waiting: Vec<(String, u8)>) -> Result<(), CliError> {
        for (token, count) in waiting {
            let known =
                self.board.facts().answers(device, &token).and_then(|it| Some(it.confirmations.as_ref()?.len()));
            if known.unwrap_or(0) == usize::from(count) {
                continue;
            }
            // A server that cannot be reached is told by how the token stands.
            let path = format!("/devices/{device}/confirmations?token={token}");
            if let Ok(answer) = self.of_session(&path).await {
                self.answered("confirmations", device, &token, &answer);
            }
        }
        Ok(())
    }

    /// What the holder of a device does where nothing else is said.
    pub(super) async fn habit(&self, device: &str) -> Result<(), CliError> {
        let turn = self.board.turn();
        let habit = read(self.of_session(&format!("/devices/{device}/presence")).await?)?;
        self.board.answered(|facts, order| {
            let has_changed = order.habit(turn, device) && facts.habits.get(device) != Some(&habit);
            if !has_changed {
                return false;
            }
            facts.habits.insert(device.to_owned(), habit);
            true
        });
        Ok(())
    }

    /// Frames that were recorded since.
    pub(super) async fn frames(&self) -> Result<Vec<Line>, CliError> {
        let state: super::TraceState = read(self.of_session("/trace").await?)?;
        if state.frames == 0 {
            return Ok(Vec::new());
        }
        let since = self.frame.load(Ordering::Relaxed);
        let path = format!("/v1/sessions/{}/trace.jsonl?since={since}", self.client.session());
        let bytes = self.client.fetch(&path).await?;
        let lines = bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
        let lines: Result<Vec<Line>, _> = lines.map(serde_json::from_slice).collect();
        let lines = lines.map_err(odd)?;
        if let Some(last) = lines.last() {
            self.frame.store(last.number, Ordering::Relaxed);
        }
        Ok(lines)
    }

    /// What a server has answered about a token.
    pub(super) fn answered(&self, verb: &str, device: &str, token: &str, answer: &Value) {
        let list = |name: &str| answer[name].clone();
        self.board.change(|facts| {
            let answers = Arc::make_mut(entry(facts, device, token));
            match verb {
                "info" => answers.about = serde_json::from_value(answer.clone()).ok(),
                "devices" => answers.siblings = serde_json::from_value(list("devices")).ok(),
                "history" => answers.history = serde_json::from_value(list("history")).ok(),
                _ => answers.confirmations = serde_json::from_value(list("confirmations")).ok(),
            }
            true
        });
    }
}

fn entry<'a>(facts: &'a mut Facts, device: &str, token: &str) -> &'a mut Arc<Answers> {
    facts.answers.entry((device.to_owned(), token.to_owned())).or_default()
}

/// How many texts wait, for each token that has said it.
fn waiting(device: &Device) -> Vec<(String, u8)> {
    device.tokens.iter().filter_map(|token| Some((token.id.clone(), token.confirmations?))).collect()
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, CliError> {
    serde_json::from_value(value).map_err(odd)
}

/// An emulator of another version, perhaps.
fn odd(error: serde_json::Error) -> CliError {
    CliError::NoAnswer { at: "the control API".into(), why: format!("it is of another version: {error}") }
}

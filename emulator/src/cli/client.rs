//! Who does what a command says: a running emulator, or where none runs, the control API in this process over the devices
//! of the state folder. The commands do not know the difference.

mod target;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::{Value, json};

use super::CliError;
use super::args::Common;
use crate::daemon::{self, find};
use crate::log::Log;
use target::{Found, Target};

/// Longest answer.
const ANSWER_MAX: usize = 64 << 20;

/// Who does it.
pub(crate) struct Client {
    target: Target,
    session: String,
    device: String,
    /// How long an answer may take.
    patience: Option<Duration>,
    log: Log,
}

impl Client {
    /// Finds who does it: whom `--ctl` names, the emulator that runs on the state folder, or this process.
    pub(crate) async fn find(common: &Common) -> Result<Self, CliError> {
        let target = match &common.ctl {
            Some(at) => Target::named(at, common)?,
            None => {
                let state = common.state_folder()?;
                match find(&state).and_then(|found| Target::running(&found)) {
                    Some(target) => match target.look().await {
                        Found::Answers => target,
                        Found::Nobody => Target::here(&state, common.options())?,
                        Found::Silent => return Err(target.silent()),
                    },
                    None => Target::here(&state, common.options())?,
                }
            }
        };
        if let Target::Here { .. } = target
            && common.session != DEFAULT
        {
            let at = common.state_folder()?.display().to_string();
            return Err(CliError::NotRunning(at));
        }
        for (of, name) in [("session", &common.session), ("device", &common.device)] {
            if !crate::engine::is_name(name) {
                return Err(crate::engine::EngineError::name_of(of, name).into());
            }
        }
        Ok(Self::at(target, &common.session, &common.device))
    }

    fn at(target: Target, session: &str, device: &str) -> Self {
        Self { target, session: session.to_owned(), device: device.to_owned(), patience: None, log: Log::default() }
    }

    /// The emulator that runs; none else will do.
    pub(crate) async fn running(common: &Common) -> Result<Self, CliError> {
        let client = Self::find(common).await?;
        match client.target {
            Target::Here { .. } => Err(CliError::NotRunning(common.state_folder()?.display().to_string())),
            _ => Ok(client),
        }
    }

    /// The same, which waits no longer for an answer.
    pub(super) fn give_up_after(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// The same, which says what it calls.
    pub(super) fn heard_by(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// The emulator that is found so, and its session `default`; nothing where it cannot be reached at all.
    pub(crate) fn of(found: &daemon::Found) -> Option<Self> {
        let target = Target::running(found)?;
        Some(Self::at(target, DEFAULT, MAIN))
    }

    /// The emulator that runs on a state folder.
    pub(crate) async fn on_folder(state: &Path) -> Option<Self> {
        let client = Self::of(&find(state)?)?;
        (client.target.look().await == Found::Answers).then_some(client)
    }

    /// The session.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Where it is, for a person.
    pub(crate) fn whom(&self) -> String {
        self.target.at()
    }

    /// Whether the emulator that says it runs answers; nothing if it does not run.
    pub(crate) async fn is_there(found: &daemon::Found) -> Option<bool> {
        match Target::running(found)?.look().await {
            Found::Answers => Some(true),
            Found::Silent => Some(false),
            Found::Nobody => None,
        }
    }

    /// Whether a person at the terminal is the holder: nobody else can be, where nothing runs.
    pub(crate) const fn has_no_holder(&self) -> bool {
        matches!(self.target, Target::Here { .. })
    }

    /// The session, and the device.
    pub(crate) fn names(&self) -> (&str, &str) {
        (&self.session, &self.device)
    }

    /// A call about the session.
    pub(crate) async fn of_session(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, CliError> {
        self.all_devices().await?;
        self.call(method, &format!("/v1/sessions/{}{path}", self.session), body).await
    }

    /// A call about the device.
    pub(crate) async fn of_device(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, CliError> {
        if let Target::Here { session, .. } = &self.target
            && session.device(&self.device).is_err()
            && (self.device == MAIN || session.kept().is_ok_and(|kept| kept.contains(&self.device)))
        {
            session.add(&self.device).await?;
        }
        let devices = format!("/v1/sessions/{}/devices", self.session);
        let path = format!("{devices}/{}{path}", self.device);
        match self.call(method.clone(), &path, body.clone()).await {
            // The device that nobody has to make is made when it is needed first.
            Err(CliError::Refused { code, .. }) if code == "no-device" && self.device == MAIN => {
                self.call(Method::POST, &devices, Some(json!({ "name": MAIN }))).await?;
                self.call(method, &path, body).await
            }
            answer => answer,
        }
    }

    /// Where nothing runs, the devices are only in their folder so far.
    async fn all_devices(&self) -> Result<(), CliError> {
        let Target::Here { session, .. } = &self.target else { return Ok(()) };
        let kept = session.kept().map_err(|source| CliError::File { path: "devices".into(), source })?;
        for name in kept {
            if session.device(&name).is_err() {
                session.add(&name).await?;
            }
        }
        Ok(())
    }

    /// A call.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, CliError> {
        let bytes = self.send(method, path, body).await?;
        if bytes.is_empty() { Ok(Value::Null) } else { self.read(&bytes) }
    }

    /// What is at a path, as it is.
    pub(crate) async fn fetch(&self, path: &str) -> Result<Bytes, CliError> {
        self.send(Method::GET, path, None).await
    }

    /// What was done in the session, as a scenario; `query` is empty or begins with a `?`.
    pub(crate) async fn scenario(&self, query: &str) -> Result<Bytes, CliError> {
        match self.fetch(&format!("/v1/sessions/{}/scenario{query}", self.session())).await {
            // One that was built without it has no such path.
            Err(CliError::Refused { code, .. }) if code == "no-path" => {
                let text =
                    "the emulator that runs was built without scenarios: build it with --features embedded-server";
                Err(CliError::Usage(text.to_owned()))
            }
            recorded => recorded,
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Bytes, CliError> {
        // What follows the ? may be what people call their tokens.
        let said = format!("{method} {}", path.split('?').next().unwrap_or_default());
        let sending = self.send_patiently(method, path, body);
        let answer = match self.patience {
            Some(patience) => {
                tokio::time::timeout(patience, sending).await.unwrap_or(Err(CliError::TimedOut(patience)))
            }
            None => sending.await,
        };
        self.log.call(|| match &answer {
            Ok(bytes) => format!("{said}: {} bytes", bytes.len()),
            Err(error) => format!("{said}: {}", error.code()),
        });
        answer
    }

    async fn send_patiently(&self, method: Method, path: &str, body: Option<Value>) -> Result<Bytes, CliError> {
        let answer = self.target.send(method, path, body).await?;
        let (status, bytes) = (answer.status(), answer.into_body());
        let bytes = http_body_util::Limited::new(bytes, ANSWER_MAX).collect().await;
        let bytes = bytes.map_err(|error| self.target.no_answer(&*error))?.to_bytes();
        if status.is_success() {
            return Ok(bytes);
        }
        let problem = self.read(&bytes)?;
        // Every word of an emulator's refusal is there, or it is somebody else's.
        if problem["code"].is_string() && problem["detail"].is_string() {
            return Err(refused(problem));
        }
        Err(CliError::NoAnswer { at: self.whom(), why: format!("{status}, from something that is no emulator") })
    }

    fn read(&self, bytes: &[u8]) -> Result<Value, CliError> {
        serde_json::from_slice(bytes).map_err(|error| self.target.no_answer(&error))
    }

    /// What happens in the session, from now on.
    pub(crate) async fn events(&self, query: &str) -> Result<EventLines, CliError> {
        self.all_devices().await?;
        let path = format!("/v1/sessions/{}/events{query}", self.session);
        let answer = self.target.send(Method::GET, &path, None).await?;
        Ok(EventLines { body: answer.into_body(), at: self.whom(), rest: Vec::new(), next: VecDeque::new() })
    }
}

/// The session that every emulator has.
pub(crate) const DEFAULT: &str = "default";
/// The device that is there without being made.
pub(crate) const MAIN: &str = "main";

/// What an answer that is no success says.
pub(super) fn refused(problem: Value) -> CliError {
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let exit = problem["exit"].as_u64().and_then(|exit| u8::try_from(exit).ok());
    CliError::Refused {
        code: text("code"),
        number: problem["number"].as_u64().unwrap_or_default(),
        exit: exit.unwrap_or(crate::exit::INTERNAL),
        message: text("detail"),
        details: Box::new(problem),
    }
}

/// Events as they come.
pub(crate) struct EventLines {
    body: Body,
    /// Whose they are.
    at: String,
    /// What has come of a line that is not complete.
    rest: Vec<u8>,
    next: VecDeque<Value>,
}

impl EventLines {
    /// The next event; `None` at the end of the session or of the emulator.
    ///
    /// # Errors
    /// [`CliError::NoAnswer`]: the emulator was gone before it said that this is the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, CliError> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|_| CliError::NoAnswer {
                at: self.at.clone(),
                why: "the stream of events was cut off".into(),
            })?;
            let Ok(data) = frame.into_data() else { continue };
            self.rest.extend_from_slice(&data);
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data: ")
                    && let Ok(event) = serde_json::from_slice(data)
                {
                    self.next.push_back(event);
                }
            }
        }
    }
}

//! Waiting until something is true.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Json;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::super::extract::{Body, InSession, OnDevice};
use super::super::predicate::{Looked, Predicate, PredicateError, Scope};
use super::super::problem::{Problem, ProblemBody};
use super::super::sessions::InUse;
use super::super::wire::{DevicePath, DeviceView, EntryView, InVain, NearMiss, SessionPath, Until};
use crate::engine::{Device, EngineError, Session, Time};

/// What names can have.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| json!(super::all().split_for_parts().1));
/// Longest wait.
pub(super) const LONGEST: u64 = 600_000;
/// How often to look at the clock around the end of a second: how much of one has passed no clock tells.
const TICK: Duration = Duration::from_millis(50);
/// How much of what happened meanwhile is told after a wait that was in vain.
const LAST: usize = 50;

/// Waits until a predicate is true of the device, and shows the device as it is then.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/wait", tag = "evidence", params(DevicePath),
    request_body = Until,
    responses(
        (status = 200, body = DeviceView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 408, body = ProblemBody), (status = 409, body = ProblemBody), (status = 410, body = ProblemBody),
    )
)]
pub(in super::super) async fn on_device(on: OnDevice, Body(until): Body<Until>) -> Result<Json<Value>, Problem> {
    wait(&on.session, &until, Scope::Device, || facts(&on.session, Some(&on.device))).await
}

/// Waits until a predicate is true of a session: the names in it begin with that of a device (`phone.state == 'open'`).
/// Shows the devices as they are then.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/wait", tag = "evidence", params(SessionPath), request_body = Until,
    responses(
        (status = 200, body = BTreeMap<String, DeviceView>), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 408, body = ProblemBody), (status = 409, body = ProblemBody), (status = 410, body = ProblemBody),
    )
)]
pub(super) async fn in_session(
    InSession(session): InSession,
    Body(until): Body<Until>,
) -> Result<Json<Value>, Problem> {
    wait(&session, &until, Scope::Session, || facts(&session, None)).await
}

/// What is known of the device, or of all devices of the session.
async fn facts(session: &Session, device: Option<&Device>) -> Result<Value, EngineError> {
    if let Some(device) = device {
        // Removed, it is not what was waited for any more, whoever has its name now.
        if device.is_removed() {
            return Err(EngineError::Removed(device.name().to_owned()));
        }
        return Ok(json!(DeviceView::of(device, None).await?));
    }
    let mut devices = serde_json::Map::new();
    for device in session.list() {
        devices.insert(device.name().to_owned(), json!(DeviceView::of(&device, None).await?));
    }
    Ok(Value::Object(devices))
}

/// Looks at the facts whenever they may be others, until the predicate is true of them: when something in the session is
/// different, and with each second if that makes a difference to the predicate.
async fn wait<F: Future<Output = Result<Value, EngineError>>>(
    session: &InUse,
    until: &Until,
    scope: Scope,
    mut facts: impl FnMut() -> F,
) -> Result<Json<Value>, Problem> {
    if !(1..=LONGEST).contains(&until.timeout_ms) {
        return Err(Problem::BadCall("timeoutMs is from 1 to 600000".into()));
    }
    let predicate = Predicate::parse(&until.until)?;
    predicate.check(scope, &DESCRIPTION)?;
    let ends = now() + Duration::from_millis(until.timeout_ms);
    let began = session.journal().newest();
    let mut near = NearMisses::new(&predicate);
    let mut has_looked = false;
    let mut changes = session.time().changes().watch();
    let mut seconds = Seconds::of(session.time());
    loop {
        seconds.look();
        if session.has_ended() {
            return Err(Problem::Ended(session.name().to_owned()));
        }
        let known = facts().await?;
        let looked = match predicate.look(&known) {
            // A name that was known a moment ago is that of a device that is gone.
            Err(PredicateError::Name { name, .. }) if has_looked => {
                let device = name.split('.').next().unwrap_or_default();
                return Err(EngineError::Removed(device.to_owned()).into());
            }
            looked => looked?,
        };
        has_looked = true;
        let is_of_time = predicate.is_of_time(&known);
        if looked.is_true {
            return Ok(Json(known));
        }
        near.note(&looked);
        let changed = async {
            tokio::select! {
                () = changes.changed() => {}
                () = session.ended() => {}
                () = seconds.next(), if is_of_time => {}
            }
        };
        if timeout_at(ends, changed).await.is_err() {
            let since = session.journal().since(began);
            let skipped = since.entries.len().saturating_sub(LAST);
            let events: Vec<EntryView> = since.entries.iter().skip(skipped).map(EntryView::from).collect();
            let details = InVain { last_state: known, events, near_misses: near.told() };
            return Err(Problem::NotYet { predicate: predicate.text().to_owned(), details: Box::new(details) });
        }
    }
}

/// The seconds of a session, as they pass.
struct Seconds<'a> {
    time: &'a Time,
    shown: u64,
    /// When that second began, if it was seen to.
    began: Option<Instant>,
}

impl<'a> Seconds<'a> {
    fn of(time: &'a Time) -> Self {
        Self { time, shown: time.now(), began: None }
    }

    /// The one that it is now was looked at.
    fn look(&mut self) {
        let shown = self.time.now();
        if shown != self.shown {
            (self.shown, self.began) = (shown, None);
        }
    }

    /// Waits until it is another one than that which was looked at. Cancel safe.
    async fn next(&mut self) {
        if self.time.is_frozen() {
            // That it goes on is a change.
            return std::future::pending().await;
        }
        if let Some(began) = self.began {
            sleep_until(began + Duration::from_secs(1) - TICK).await;
        }
        while self.time.now() == self.shown {
            sleep(TICK).await;
        }
        (self.shown, self.began) = (self.time.now(), Some(now()));
    }
}

/// What came of the parts of a predicate.
struct NearMisses<'a> {
    predicate: &'a Predicate,
    /// What each found last, whether that was true, and whether it ever was.
    parts: Vec<(Value, bool, bool)>,
}

impl<'a> NearMisses<'a> {
    fn new(predicate: &'a Predicate) -> Self {
        let parts = predicate.comparisons().map(|_| (Value::Null, false, false)).collect();
        Self { predicate, parts }
    }

    fn note(&mut self, looked: &Looked) {
        for (part, (found, is_true)) in self.parts.iter_mut().zip(&looked.atoms) {
            *part = (found.clone(), *is_true, part.2 || *is_true);
        }
    }

    fn told(&self) -> Vec<NearMiss> {
        let parts = self.predicate.comparisons().zip(&self.parts);
        parts
            .map(|(text, (found, is_true, was_true))| NearMiss {
                comparison: text.to_owned(),
                found: found.clone(),
                is_true: *is_true,
                was_true: *was_true,
            })
            .collect()
    }
}

impl From<PredicateError> for Problem {
    fn from(error: PredicateError) -> Self {
        Self::BadCall(error.to_string())
    }
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for who waits, as tokio's own timers take it")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;

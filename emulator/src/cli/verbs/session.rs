//! What is done with sessions: their time, what happened in them, and waiting.

use hyper::Method;
use serde_json::{Value, json};

use super::{Doing, body, query};
use crate::cli::args::{ClockVerb, JournalArguments, SessionVerb, WaitArguments};
use crate::cli::client::EventLines;
use crate::cli::{CliError, say};

/// How long to wait, in milliseconds.
const WAIT: u64 = 10_000;
/// The same at most, as the control API has it.
const LONGEST_WAIT: u64 = 600_000;

pub(super) async fn clock(doing: &Doing<'_>, verb: ClockVerb) -> Result<(), CliError> {
    if doing.client.has_no_holder() {
        return Err(CliError::NotRunning(doing.common.state_folder()?.display().to_string()));
    }
    let set = |change: Value| doing.client.of_session(Method::PUT, "/clock", Some(change));
    let now = match verb {
        ClockVerb::Show => doing.client.of_session(Method::GET, "/clock", None).await?,
        ClockVerb::Freeze => set(json!({ "frozen": true })).await?,
        ClockVerb::Resume => set(json!({ "frozen": false })).await?,
        ClockVerb::Set { now } => set(json!({ "now": now })).await?,
        ClockVerb::Advance { time } => {
            let by = json!({ "seconds": time / 1_000 });
            doing.client.of_session(Method::POST, "/clock/advance", Some(by)).await?
        }
        ClockVerb::Skew { seconds } => {
            let new = json!({ "skewSeconds": seconds });
            doing.client.of_device(Method::PUT, "/clock", Some(new.clone())).await?;
            return doing.output.done(&new, &format!("{seconds} seconds ahead of the session"));
        }
    };
    doing.output.done(&now, &say::clock(&now))
}

pub(super) async fn session(doing: &Doing<'_>, verb: SessionVerb) -> Result<(), CliError> {
    match verb {
        SessionVerb::New { name, seed, lease } => {
            let new = body([("name", json!(name)), ("seed", json!(seed)), ("leaseMs", json!(lease))]);
            let made = doing.client.call(Method::POST, "/v1/sessions", Some(new)).await?;
            doing.output.done(&made, &say::session(&made))
        }
        SessionVerb::List => {
            let sessions = doing.client.call(Method::GET, "/v1/sessions", None).await?;
            doing.output.done(&sessions, &say::sessions(&sessions))
        }
        SessionVerb::Show { .. } => {
            let shown = doing.client.of_session(Method::GET, "", None).await?;
            doing.output.done(&shown, &say::session(&shown))
        }
        SessionVerb::End { name, is_final } => {
            if !crate::engine::is_name(&name) {
                return Err(crate::engine::EngineError::name_of("session", &name).into());
            }
            let path = format!("/v1/sessions/{name}");
            let shown = doing.client.call(Method::GET, &path, None).await?;
            let devices = shown["devices"].as_array().map_or(0, Vec::len);
            if !doing.is_sure(is_final, &format!("end the session {name} and its {devices} devices"))? {
                return Ok(());
            }
            doing.client.call(Method::DELETE, &path, None).await?;
            doing.output.done(&json!({ "ended": name }), &format!("ended {name}"))
        }
    }
}

pub(super) async fn journal(doing: &Doing<'_>, how: JournalArguments) -> Result<(), CliError> {
    let since = how.since.to_string();
    if how.follow {
        let events = doing.client.events(&query([("since", Some(&since))])).await?;
        return follow(doing, events, None).await;
    }
    let query = query([("since", Some(&since)), ("kind", how.kind.as_deref()), ("device", how.of.as_deref())]);
    let journal = doing.client.of_session(Method::GET, &format!("/journal{query}"), None).await?;
    doing.output.done(&journal, &say::journal(&journal))
}

/// Prints what happens, until the end of the session or Ctrl-C.
async fn follow(doing: &Doing<'_>, mut events: EventLines, device: Option<&str>) -> Result<(), CliError> {
    while let Some(event) = events.next().await? {
        if device.is_none_or(|device| event["device"] == device) {
            doing.output.next(&event, &say::entry(&event))?;
        }
    }
    Ok(())
}

pub(super) async fn watch(doing: &Doing<'_>) -> Result<(), CliError> {
    let (_, device) = doing.client.names();
    // What happens from now on, that it is told to listen with it.
    let events = doing.client.events("").await?;
    doing.client.of_device(Method::POST, "/watch", Some(json!({}))).await?;
    follow(doing, events, Some(device)).await
}

pub(super) async fn wait(doing: &Doing<'_>, how: WaitArguments) -> Result<(), CliError> {
    let time = doing.common.talk.timeout.unwrap_or(WAIT);
    if !(1..=LONGEST_WAIT).contains(&time) {
        return Err(CliError::Usage("--timeout of a wait is from 1ms to 10m".into()));
    }
    let until = json!({ "until": how.until, "timeoutMs": time });
    let known = match how.all {
        true => doing.client.of_session(Method::POST, "/wait", Some(until)).await?,
        false => doing.tell("/wait", until).await?,
    };
    let text = if how.all { "it is true".to_owned() } else { say::device(&known) };
    doing.output.done(&known, &text)
}

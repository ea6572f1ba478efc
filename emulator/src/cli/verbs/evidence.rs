//! What goes wrong on purpose, and what was said.

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::{Doing, body, query};
use crate::cli::args::{FaultVerb, Final, TraceVerb};
use crate::cli::scenario::RecordArguments;
use crate::cli::{CliError, say};
use crate::face::{Row, clock};
use crate::files;
use crate::trace::Line;

pub(super) async fn fault(doing: &Doing<'_>, verb: FaultVerb) -> Result<(), CliError> {
    match verb {
        FaultVerb::Catalog { markdown: true } => crate::cli::output::line(crate::faults::markdown().trim_end()),
        FaultVerb::Catalog { markdown: false } => {
            let all = doing.client.call(Method::GET, "/v1/faults", None).await?;
            doing.output.done(&all, &say::catalogue(&all))
        }
        FaultVerb::Add { fault, id, times, skip, prob, seed, on, param } => {
            let mut about = Map::new();
            for (name, value) in on {
                let value = if name == "message" { number(&name, &value)? } else { json!(value) };
                about.insert(name, value);
            }
            let mut params = Map::new();
            for (name, value) in param {
                params.insert(name.clone(), number(&name, &value)?);
            }
            let rule = body([
                ("fault", json!(fault)),
                ("id", json!(id)),
                ("times", json!(times)),
                ("skip", json!(skip)),
                ("prob", json!(prob)),
                ("seed", json!(seed)),
                ("match", Value::Object(about)),
                ("params", Value::Object(params)),
            ]);
            let armed = doing.client.of_session(Method::POST, "/faults", Some(rule)).await?;
            doing.output.done(&armed, &say::rule(&armed))
        }
        FaultVerb::List => {
            let armed = doing.client.of_session(Method::GET, "/faults", None).await?;
            doing.output.done(&armed, &say::rules(&armed))
        }
        FaultVerb::Rm { id } => {
            if !crate::engine::is_name(&id) {
                return Err(CliError::Usage(format!("{id:?} is no id of a rule: see `fault list`")));
            }
            doing.client.of_session(Method::DELETE, &format!("/faults/{id}"), None).await?;
            doing.output.done(&json!({ "removed": id }), &format!("removed {id}"))
        }
        FaultVerb::Clear => {
            doing.client.of_session(Method::DELETE, "/faults", None).await?;
            doing.output.done(&json!({}), "no rule is left")
        }
    }
}

fn number(name: &str, text: &str) -> Result<Value, CliError> {
    let number: Result<i64, _> = text.parse();
    number.map(Value::from).map_err(|_| CliError::Usage(format!("{name} is a whole number")))
}

pub(super) async fn trace(doing: &Doing<'_>, verb: TraceVerb) -> Result<(), CliError> {
    match verb {
        TraceVerb::Start => {
            let now = doing.client.of_session(Method::POST, "/trace", None).await?;
            doing.output.done(&now, "records")
        }
        TraceVerb::Stop => {
            let now = doing.client.of_session(Method::DELETE, "/trace", None).await?;
            doing.output.done(&now, &format!("{} frames", now["frames"]))
        }
        TraceVerb::Show => {
            let now = doing.client.of_session(Method::GET, "/trace", None).await?;
            let does = if now["on"] == true { "records" } else { "does not record" };
            doing.output.done(&now, &format!("{does}; {} frames", now["frames"]))
        }
        TraceVerb::Tail => tail(doing).await,
        TraceVerb::Diff { first, second } => super::replay::diff(&first, &second, &doing.output),
        TraceVerb::Export { file, with_secrets } => {
            let secrets = if with_secrets { "?secrets=shown" } else { "" };
            let path = match file.extension().and_then(|ending| ending.to_str()) {
                Some("jsonl") => format!("/trace.jsonl{secrets}"),
                Some("pcapng") => "/trace.pcapng".to_owned(),
                Some("keylog") => "/trace.keylog".to_owned(),
                _ => return Err(CliError::Usage("the file ends with .jsonl, .pcapng or .keylog".into())),
            };
            let (session, _) = doing.client.names();
            let bytes = doing.client.fetch(&format!("/v1/sessions/{session}{path}")).await?;
            if !may_write(doing, &file)? {
                return Ok(());
            }
            files::replace(&file, &bytes).map_err(|source| CliError::Written { path: file.clone(), source })?;
            let said = json!({ "file": file, "bytes": bytes.len() });
            doing.output.done(&said, &format!("wrote {} bytes to {}", bytes.len(), file.display()))
        }
    }
}

/// How often is looked whether there is more.
const LOOK: Duration = Duration::from_millis(100);

/// Prints frames as they are recorded.
async fn tail(doing: &Doing<'_>) -> Result<(), CliError> {
    let (session, _) = doing.client.names();
    let now = doing.client.of_session(Method::GET, "/trace", None).await?;
    if now["on"] != true {
        doing.output.note("nothing is recorded yet: `trace start` begins");
    }
    // Frames are counted on from one recording to the next.
    let mut newest = 0;
    loop {
        let bytes = doing.client.fetch(&format!("/v1/sessions/{session}/trace.jsonl?since={newest}")).await?;
        // The first line says what it is.
        for line in bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty()) {
            let odd = |error| CliError::NoAnswer { at: doing.client.whom(), why: format!("a frame is none: {error}") };
            let frame: Line = serde_json::from_slice(line).map_err(odd)?;
            newest = frame.number;
            let said = serde_json::to_value(&frame).map_err(odd)?;
            let row = Row::frame(frame);
            doing.output.next(&said, &format!("{}  {}  {}", clock(row.time), row.device, row.text))?;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether there is no such file, or somebody says that it is to be replaced.
fn may_write(doing: &Doing<'_>, file: &Path) -> Result<bool, CliError> {
    if !file.exists() {
        return Ok(true);
    }
    doing.is_sure(Final { dry_run: false }, &format!("replace {}", file.display()))
}

/// What was done, as a scenario.
pub(super) async fn record(doing: &Doing<'_>, how: RecordArguments) -> Result<(), CliError> {
    let recorded = doing.client.scenario(&query([("name", how.name.as_deref())])).await?;
    let text = String::from_utf8_lossy(&recorded);
    let Some(file) = how.file.filter(|file| *file != Path::new("-")) else {
        return doing.output.done(&json!({ "scenario": text }), text.trim_end());
    };
    if !may_write(doing, &file)? {
        return Ok(());
    }
    std::fs::write(&file, &recorded).map_err(|source| CliError::Written { path: file.clone(), source })?;
    let said = format!("wrote {0}: `scenario check {0}` and `scenario run {0}` are next", file.display());
    doing.output.done(&json!({ "file": file, "bytes": recorded.len() }), &said)
}

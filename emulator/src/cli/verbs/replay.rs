//! What was recorded, once more, and beside another recording.

use std::io::Read as _;
use std::path::Path;

use hyper::Method;
use serde_json::{Value, json};

use super::token::invitation;
use super::{Doing, body};
use crate::cli::args::{ReplayArguments, ReplayMode};
use crate::cli::output::Output;
use crate::cli::{CliError, say};
use crate::trace::{File, differences};

/// No trace is longer, in bytes: twice the longest that is recorded.
const LONGEST: u64 = 48 << 20;
/// What the new device is called.
const NAME: &str = "replay";

pub(super) async fn replay(doing: &Doing<'_>, how: ReplayArguments) -> Result<(), CliError> {
    let ReplayArguments { trace, mode, of, to, enroll, name } = how;
    let text = read(&trace)?;
    // What is wrong with it is told before a link is read.
    parsed(&trace, &text)?;
    let resigns = mode == ReplayMode::Resign;
    let (name, enroll) = match enroll {
        Some(link) if resigns => (json!(name.as_deref().unwrap_or(NAME)), json!({ "invitation": *invitation(&link)? })),
        None if !resigns => (Value::Null, Value::Null),
        Some(_) => return Err(CliError::Usage("frames are sent as they are: --enroll is for --mode resign".into())),
        None => {
            let hint =
                "a new device does it again: give a link with --enroll, or --mode verbatim to send the same frames";
            return Err(CliError::Usage(hint.into()));
        }
    };
    let what = body([
        ("mode", json!(if resigns { "resign" } else { "verbatim" })),
        ("trace", json!(text)),
        ("of", json!(of)),
        ("to", json!(to)),
        ("device", name),
        ("enroll", enroll),
    ]);
    let came = doing.client.of_session(Method::POST, "/replays", Some(what)).await?;
    doing.output.done(&came, &say::replayed(&came))?;
    if came["asExpected"] == true { Ok(()) } else { Err(CliError::Differs) }
}

pub(super) fn diff(first: &Path, second: &Path, output: &Output) -> Result<(), CliError> {
    let of = |path: &Path| parsed(path, &read(path)?);
    let found = differences(&of(first)?, &of(second)?).map_err(|error| CliError::Usage(error.to_string()))?;
    let said = json!({ "same": found.is_empty(), "differences": found });
    output.done(&said, &say::differences(&said))?;
    if found.is_empty() { Ok(()) } else { Err(CliError::Differs) }
}

fn read(path: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    let (mut text, file) = (String::new(), std::fs::File::open(path).map_err(failed)?);
    let length = file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(length).is_ok_and(|length| length > LONGEST) {
        return Err(CliError::Usage(format!(
            "{}: longer than {} MiB, which no trace is",
            path.display(),
            LONGEST >> 20
        )));
    }
    Ok(text)
}

fn parsed(path: &Path, text: &str) -> Result<File, CliError> {
    text.parse().map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}

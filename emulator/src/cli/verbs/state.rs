//! What is done with states and copies.

use std::fs::File;
use std::io::Read as _;

use hyper::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Doing, body};
use crate::cli::args::{ExportArguments, Final, ImportArguments, Passphrase, SnapVerb};
use crate::cli::pins::{Text, passphrase};
use crate::cli::{CliError, say};
use crate::files;

/// Nothing that was exported is longer.
const LONGEST: u64 = 4 << 20;

pub(super) async fn snap(doing: &Doing<'_>, verb: SnapVerb) -> Result<(), CliError> {
    let call = async |method, name: &str, rest: &str| {
        named(name)?;
        doing.client.of_session(method, &format!("/snapshots/{name}{rest}"), None).await
    };
    match verb {
        SnapVerb::Save { name, replace } => {
            let what = json!({ "name": name, "replace": replace });
            let saved = doing.client.of_session(Method::POST, "/snapshots", Some(what)).await?;
            doing.output.done(&saved, &say::snapshot(&saved))
        }
        SnapVerb::Load { name, is_final } => {
            // Nobody is asked about what is not there.
            call(Method::GET, &name, "/differences").await?;
            if !doing.is_sure(is_final, &format!("lose what the session is now for what it was at {name}"))? {
                return Ok(());
            }
            call(Method::POST, &name, "/restore").await?;
            doing.output.done(&json!({ "restored": name }), &format!("the session is what it was at {name}"))
        }
        SnapVerb::List => {
            let all = doing.client.of_session(Method::GET, "/snapshots", None).await?;
            doing.output.done(&all, &say::snapshots(&all))
        }
        SnapVerb::Diff { name, other } => {
            let with = super::query([("with", other.as_deref())]);
            let found = call(Method::GET, &name, &format!("/differences{with}")).await?;
            doing.output.done(&found, &say::changes(&found))
        }
        SnapVerb::Rm { name, is_final } => {
            call(Method::GET, &name, "/differences").await?;
            if !doing.is_sure(is_final, &format!("forget what the session was at {name}"))? {
                return Ok(());
            }
            call(Method::DELETE, &name, "").await?;
            doing.output.done(&json!({ "removed": name }), &format!("removed {name}"))
        }
    }
}

/// Makes a second device that is the same as the first one.
pub(super) async fn copy(doing: &Doing<'_>, name: &str, new: &str) -> Result<(), CliError> {
    let made = of(doing, name, "/clone", json!({ "name": new })).await?;
    doing.output.done(&made, &format!("{new} is a copy of {name}"))
}

pub(super) async fn rename(doing: &Doing<'_>, name: &str, new: &str) -> Result<(), CliError> {
    let renamed = of(doing, name, "/rename", json!({ "name": new })).await?;
    doing.output.done(&renamed, &format!("{name} is called {new} now"))
}

pub(super) async fn reset(doing: &Doing<'_>, name: &str, is_final: Final) -> Result<(), CliError> {
    is_there(doing, name).await?;
    if !doing.is_sure(is_final, &format!("remove the tokens of {name}, of which their servers are not told"))? {
        return Ok(());
    }
    of(doing, name, "/reset", json!({})).await?;
    doing.output.done(&json!({ "reset": name }), &format!("{name} is as it was when it was new"))
}

pub(super) async fn export(doing: &Doing<'_>, how: ExportArguments) -> Result<(), CliError> {
    let ExportArguments { name, file, seal, insecure_plain } = how;
    let failed = |source| CliError::Written { path: file.clone(), source };
    if file.try_exists().map_err(failed)? {
        return Err(CliError::Usage(format!("{} is there already: name a new file", file.display())));
    }
    let passphrase = if insecure_plain { None } else { Some(sealed_with(&seal, true)?) };
    let asked = body([("passphrase", of_text(passphrase.as_ref())), ("insecurePlain", json!(insecure_plain))]);
    let mut exported = of(doing, &name, "/export", asked).await?;
    let Value::String(text) = exported["file"].take() else {
        return Err(CliError::Usage("the emulator that runs is another version: it has exported nothing".into()));
    };
    files::write_new(&file, Zeroizing::new(text).as_bytes()).map_err(failed)?;
    let readable = if insecure_plain { "; whoever can read it has the tokens and the PINs" } else { "" };
    doing.output.done(&json!({ "file": file }), &format!("wrote {}{readable}", file.display()))
}

pub(super) async fn import(doing: &Doing<'_>, how: ImportArguments) -> Result<(), CliError> {
    let ImportArguments { file, name, seal, insecure_plain } = how;
    let mut text = Zeroizing::new(String::new());
    let read = File::open(&file).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    read.map_err(|source| CliError::Input { path: file, source })?;
    let passphrase = if insecure_plain { None } else { Some(sealed_with(&seal, false)?) };
    let what = body([("file", json!(*text)), ("passphrase", of_text(passphrase.as_ref())), ("name", json!(name))]);
    let made = doing.client.of_session(Method::POST, "/devices/import", Some(what)).await?;
    doing.output.about(&made["device"]).done(&made, &say::device_with_tokens(&made))
}

async fn of(doing: &Doing<'_>, name: &str, path: &str, with: Value) -> Result<Value, CliError> {
    named(name)?;
    doing.client.of_session(Method::POST, &format!("/devices/{name}{path}"), Some(with)).await
}

/// Says so if there is no device of this name, before anybody is asked about it.
pub(super) async fn is_there(doing: &Doing<'_>, name: &str) -> Result<(), CliError> {
    named(name)?;
    doing.client.of_session(Method::GET, &format!("/devices/{name}"), None).await.map(drop)
}

fn named(name: &str) -> Result<(), CliError> {
    if crate::engine::is_name(name) { Ok(()) } else { Err(crate::engine::EngineError::name(name).into()) }
}

fn of_text(text: Option<&Text>) -> Value {
    text.map_or(Value::Null, |text| json!(**text))
}

/// The passphrase; asked for twice if it is a new one.
fn sealed_with(seal: &Passphrase, is_new: bool) -> Result<Text, CliError> {
    passphrase(seal.passphrase_file.as_deref(), is_new)
}

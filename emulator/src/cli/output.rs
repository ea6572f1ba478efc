//! What is printed: data on standard output, for people or as one line of JSON; everything else on standard error.

use std::io::{self, Write as _};

use serde_json::{Value, json};

use super::CliError;
use super::paint::Paint;
use crate::exit;
use crate::log::Log;

/// The form of what `--json` prints. Within it things are only added.
const SCHEMA: &str = "cardea-emulator/1";

/// How to print.
#[derive(Debug, Clone)]
pub(super) struct Output {
    json: bool,
    /// Of whom this is.
    meta: Value,
    paint: Paint,
    log: Log,
}

impl Output {
    pub(super) const fn new(json: bool, meta: Value, paint: Paint, log: Log) -> Self {
        Self { json, meta, paint, log }
    }

    /// The same, about a device whose name was not known before.
    pub(super) fn about(&self, device: &Value) -> Self {
        let mut about = self.clone();
        about.meta["device"] = device.clone();
        about
    }

    /// The colors of what people read.
    pub(super) const fn paint(&self) -> Paint {
        self.paint
    }

    /// What is said besides data.
    pub(super) const fn log(&self) -> &Log {
        &self.log
    }

    /// Says something that a person should know and a program need not.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            self.log.note(text);
        }
    }

    /// Whether people read it.
    pub(super) const fn is_for_people(&self) -> bool {
        !self.json
    }

    /// Prints what came of a command.
    pub(super) fn done(&self, data: &Value, text: &str) -> Result<(), CliError> {
        if self.json {
            line(&json!({ "schema": SCHEMA, "ok": true, "data": data, "meta": self.meta }).to_string())
        } else {
            line(text)
        }
    }

    /// Prints what was found by looking, and whether it is good.
    pub(super) fn looked(&self, data: &Value, text: &str, result: Result<(), CliError>) -> Result<(), CliError> {
        match &result {
            Err(error) if self.json => {
                let said = said(error);
                let all = json!({ "schema": SCHEMA, "ok": false, "data": data, "error": said, "meta": self.meta });
                line(&all.to_string())?;
            }
            _ => self.done(data, text)?,
        }
        result
    }

    /// Prints something that is followed by more.
    pub(super) fn next(&self, data: &Value, text: &str) -> Result<(), CliError> {
        if self.json { line(&data.to_string()) } else { line(text) }
    }

    /// Tells why nothing came of it.
    pub(super) fn failed(&self, error: &CliError) {
        if self.json {
            let mut said = said(error);
            for name in ["lastState", "events", "nearMisses"] {
                if let Some(detail) = error.details().and_then(|details| details.get(name)) {
                    said[name] = detail.clone();
                }
            }
            // Whoever reads nothing any more is not told.
            let _ = line(&json!({ "schema": SCHEMA, "ok": false, "error": said, "meta": self.meta }).to_string());
            return;
        }
        self.log.error(&format!("{} {error}", self.paint.bad("cardea-emulator:")));
        let misses = error.details().and_then(|details| details["nearMisses"].as_array());
        for miss in misses.into_iter().flatten() {
            let was = if miss["wasTrue"] == true && miss["isTrue"] != true { ", and was true before" } else { "" };
            let mark = if miss["isTrue"] == true { "true " } else { "false" };
            self.log.error(&format!(
                "  {mark}  {}  (it is {}{was})",
                miss["comparison"].as_str().unwrap_or_default(),
                miss["found"]
            ));
        }
    }
}

/// What programs are told of an error.
fn said(error: &CliError) -> Value {
    json!({
        "code": error.code(),
        "message": error.to_string(),
        "number": error.number(),
        "exit": error.exit(),
        "retryable": exit::is_retryable(error.code()),
    })
}

/// A line on standard output, at once: somebody may wait for it.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::Output)
}

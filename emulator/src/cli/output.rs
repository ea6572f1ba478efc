//! What is printed: data on standard output, for people or as one line of JSON; everything else on standard error.

use std::io::{self, Write as _};

use serde_json::{Value, json};

use super::CliError;

/// The form of what `--json` prints. Within it things are only added.
const SCHEMA: &str = "cardea-emulator/1";

/// How to print.
#[derive(Debug, Clone)]
pub(super) struct Output {
    json: bool,
    /// Of whom this is.
    meta: Value,
}

impl Output {
    pub(super) const fn new(json: bool, meta: Value) -> Self {
        Self { json, meta }
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

    /// Prints something that is followed by more.
    pub(super) fn next(&self, data: &Value, text: &str) -> Result<(), CliError> {
        if self.json { line(&data.to_string()) } else { line(text) }
    }

    /// Tells why nothing came of it.
    pub(super) fn failed(&self, error: &CliError) {
        if self.json {
            let mut said = json!({
                "code": error.code(), "message": error.to_string(), "number": error.number(), "exit": error.exit(),
            });
            for name in ["lastState", "events", "nearMisses"] {
                if let Some(detail) = error.details().and_then(|details| details.get(name)) {
                    said[name] = detail.clone();
                }
            }
            // Whoever reads nothing any more is not told.
            let _ = line(&json!({ "schema": SCHEMA, "ok": false, "error": said, "meta": self.meta }).to_string());
            return;
        }
        eprintln!("cardea-emulator: {error}");
        let misses = error.details().and_then(|details| details["nearMisses"].as_array());
        for miss in misses.into_iter().flatten() {
            let was = if miss["wasTrue"] == true && miss["isTrue"] != true { ", and was true before" } else { "" };
            let mark = if miss["isTrue"] == true { "true " } else { "false" };
            eprintln!("  {mark}  {}  (it is {}{was})", miss["comparison"].as_str().unwrap_or_default(), miss["found"]);
        }
    }
}

/// A line on standard output, at once: somebody may wait for it.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::Output)
}

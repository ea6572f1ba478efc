//! What is printed: for people, or one line of JSON.

use serde_json::{Value, json};

use super::CliError;
use super::exit::exit_code;
use crate::engine::{State, TokenInfo};

/// Prints `value` or `text`.
pub(super) fn print(json: bool, value: &Value, text: &str) {
    if json {
        println!("{value}");
    } else {
        println!("{text}");
    }
}

pub(super) fn error(json: bool, error: &CliError) {
    if json {
        println!("{}", json!({ "error": error.to_string(), "code": error.code(), "exit": exit_code(error) }));
    } else {
        eprintln!("cardea-emulator: {error}");
    }
}

pub(super) fn state(json: bool, token: &str, state: State) {
    print(json, &state_value(token, state), &state_text(state));
}

/// How the token stands after something about it was changed, and what that was.
pub(super) fn changed(json: bool, token: &str, what: &str, state: State) {
    print(json, &state_value(token, state), &format!("{what}; the token is {}", state_text(state)));
}

fn state_value(token: &str, state: State) -> Value {
    let mut value = json!(state);
    value["token"] = token.into();
    value
}

fn state_text(state: State) -> String {
    let time = state.remaining.map_or_else(String::new, |seconds| format!(", {seconds} seconds left"));
    format!("{}{time}", state.state)
}

pub(super) fn list(json: bool, infos: &[TokenInfo]) {
    let lines: Vec<String> = infos.iter().map(line).collect();
    let text = if lines.is_empty() { "no token: enroll one".to_owned() } else { lines.join("\n") };
    print(json, &json!({ "tokens": infos }), &text);
}

fn line(info: &TokenInfo) -> String {
    let mut line = format!("{}  {}:{}", info.token, info.host, info.port);
    for name in [&info.service, &info.label] {
        if !name.is_empty() {
            line += &format!("  {name}");
        }
    }
    for (is, word) in [(!info.confirmed, "not confirmed"), (info.pending, "unanswered")] {
        if is {
            line += &format!("  ({word})");
        }
    }
    line
}

//! What is printed: for people, or one line of JSON.

use cardea_sdk::{Confirmation, DeviceInfo, HistoryItem};
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
    let waiting = match state.confirmations {
        0 => "",
        1 => "; a text waits to be approved or denied",
        _ => "; texts wait to be approved or denied",
    };
    format!("{}{time}{waiting}", state.state)
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

/// The texts that wait.
pub(super) fn confirmations(json: bool, token: &str, waiting: &[Confirmation]) {
    let lines: Vec<String> = waiting.iter().map(|it| format!("{}  {it}", it.id())).collect();
    let text = if lines.is_empty() { "nothing waits to be approved or denied".to_owned() } else { lines.join("\n") };
    let values: Vec<Value> = waiting.iter().map(confirmation).collect();
    print(json, &json!({ "token": token, "confirmations": values }), &text);
}

/// A text was approved or denied.
pub(super) fn answered(json: bool, token: &str, (what, chosen): (&str, &Confirmation), state: State) {
    let mut value = state_value(token, state);
    value["confirmation"] = confirmation(chosen);
    value["answer"] = what.into();
    print(json, &value, &format!("{what}: {chosen}"));
}

fn confirmation(confirmation: &Confirmation) -> Value {
    json!({ "id": confirmation.id(), "text": confirmation.text(), "expiresAt": confirmation.expires_at() })
}

pub(super) fn devices(json: bool, devices: &[DeviceInfo]) {
    let lines: Vec<String> = devices
        .iter()
        .map(|device| {
            let words = [(device.is_this, "  (this device)"), (device.emulated, "  (emulated)")];
            let words: String = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
            format!("{}  enrolled {}  seen {}{words}", device.device, device.enrolled_at, device.last_seen)
        })
        .collect();
    let values: Vec<Value> = devices
        .iter()
        .map(|device| {
            json!({
                "device": device.device.to_string(), "platform": device.platform, "emulated": device.emulated,
                "this": device.is_this, "enrolledAt": device.enrolled_at, "lastSeen": device.last_seen,
            })
        })
        .collect();
    print(json, &json!({ "devices": values }), &lines.join("\n"));
}

pub(super) fn history(json: bool, items: &[HistoryItem]) {
    let who = |item: &HistoryItem| item.device.map(|device| device.to_string());
    let lines: Vec<String> = items
        .iter()
        .map(|item| {
            let who = who(item).unwrap_or_else(|| "an administrator".to_owned());
            format!("{}  {}  by {who}", item.time, item.deed.text())
        })
        .collect();
    let text = if lines.is_empty() { "nothing more".to_owned() } else { lines.join("\n") };
    let values: Vec<Value> =
        items.iter().map(|item| json!({ "time": item.time, "what": item.deed.text(), "device": who(item) })).collect();
    print(json, &json!({ "history": values }), &text);
}

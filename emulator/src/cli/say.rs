//! What the answers of the control API say, for people.

use serde_json::Value;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn lines(values: &Value, empty: &str, line: impl Fn(&Value) -> String) -> String {
    let lines: Vec<String> = values.as_array().into_iter().flatten().map(line).collect();
    if lines.is_empty() { empty.to_owned() } else { lines.join("\n") }
}

/// How a token stands: `open, 60 seconds left`.
pub(super) fn state(value: &Value) -> String {
    let state = match text(value, "state") {
        "not-enrolled" => "not enrolled",
        "" => "unknown",
        state => state,
    };
    let time = value["remaining"].as_u64().map_or_else(String::new, |seconds| format!(", {seconds} seconds left"));
    let waiting = match value["confirmations"].as_u64() {
        None | Some(0) => "",
        Some(1) => "; a text waits to be approved or denied",
        Some(_) => "; texts wait to be approved or denied",
    };
    format!("{state}{time}{waiting}")
}

/// A text that waits.
pub(super) fn confirmation(value: &Value) -> &str {
    text(value, "text")
}

/// The texts that wait.
pub(super) fn confirmations(value: &Value) -> String {
    lines(&value["confirmations"], "nothing waits to be approved or denied", |it| {
        format!("{}  {}", text(it, "id"), confirmation(it))
    })
}

/// A new token.
pub(super) fn enrolled(value: &Value) -> String {
    let pins = &value["wellKnownPins"];
    let pins = match (pins["pin"].as_str(), pins["duressPin"].as_str()) {
        (Some(pin), Some(duress)) => format!("; its PIN is {pin}, and {duress} under duress"),
        (Some(pin), None) => format!("; its PIN is {pin}"),
        (None, _) => String::new(),
    };
    let said = format!("enrolled {}{pins}", text(value, "token"));
    match (value["shortString"].as_str(), value["shortStringRequired"] == true) {
        (Some(digits), true) => format!("{said}\nconfirm on the enrolling page that it shows {digits}"),
        (Some(digits), false) => format!("{said}\nthe enrolling page shows {digits} too"),
        (None, _) => said,
    }
}

/// What a session was at a moment.
pub(super) fn snapshot(value: &Value) -> String {
    let devices = value["devices"].as_array().map_or(0, Vec::len);
    let noun = if devices == 1 { "device" } else { "devices" };
    let damaged: Vec<_> = value["damaged"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let without =
        if damaged.is_empty() { String::new() } else { format!("  without {} (damaged)", damaged.join(", ")) };
    format!("{}  {devices} {noun}  at {}{without}", text(value, "snapshot"), value["takenAt"])
}

/// The snapshots of a session.
pub(super) fn snapshots(value: &Value) -> String {
    lines(&value["snapshots"], "no snapshot", snapshot)
}

/// In what a session is another one.
pub(super) fn changes(value: &Value) -> String {
    lines(&value["differences"], "no difference", |it| {
        let (whose, what) = (it["device"].as_str().unwrap_or("the session"), text(it, "what"));
        format!("{whose}  {what}: {} -> {}", text(it, "before"), text(it, "after"))
    })
}

/// The tokens of a device.
pub(super) fn tokens(value: &Value) -> String {
    lines(&value["tokens"], "no token: enroll one", |token| {
        let mut line = format!("{}  {}:{}", text(token, "token"), text(token, "host"), token["port"]);
        for name in ["service", "label"].map(|name| text(token, name)) {
            if !name.is_empty() {
                line += &format!("  {name}");
            }
        }
        for (is, word) in [(token["confirmed"] == false, "not confirmed"), (token["pending"] == true, "unanswered")] {
            if is {
                line += &format!("  ({word})");
            }
        }
        line
    })
}

/// The devices of a token.
pub(super) fn siblings(value: &Value) -> String {
    lines(&value["devices"], "no device", |device| {
        let words = [("this", "  (this device)"), ("emulated", "  (emulated)")];
        let words: String = words.into_iter().filter(|(is, _)| device[is] == true).map(|(_, word)| word).collect();
        let (enrolled, seen) = (&device["enrolledAt"], &device["lastSeen"]);
        format!("{}  enrolled {enrolled}  seen {seen}{words}", text(device, "device"))
    })
}

/// What was done with a token.
pub(super) fn history(value: &Value) -> String {
    lines(&value["history"], "nothing more", |item| {
        let who = item["device"].as_str().unwrap_or("an administrator");
        format!("{}  {}  by {who}", item["time"], text(item, "what"))
    })
}

/// A device of the emulator.
pub(super) fn device(value: &Value) -> String {
    if let Some(damaged) = value["damaged"].as_str() {
        return format!("{}  damaged: {damaged}", text(value, "device"));
    }
    let state = match (value["enrolled"] == true, value["state"].as_str()) {
        (false, _) => "no token".to_owned(),
        (true, None) => "enrolled".to_owned(),
        (true, Some(_)) => state(value),
    };
    let mut line = format!("{}  {state}", text(value, "device"));
    if let Some(prompt) = value["prompt"].as_str() {
        line += &format!("  (asks its holder: {prompt})");
    }
    if let Some(network) = value["network"].as_str().filter(|network| *network != "ideal") {
        line += &format!("  (network: {network})");
    }
    if value["online"] == false {
        line += "  (offline)";
    }
    line
}

/// A device of the emulator, and its tokens, if they can be read.
pub(super) fn device_with_tokens(value: &Value) -> String {
    if value["damaged"].is_string() { device(value) } else { format!("{}\n{}", device(value), tokens(value)) }
}

/// The devices of the emulator.
pub(super) fn devices(value: &Value) -> String {
    lines(&value["devices"], "no device: make one with `device new NAME`", device)
}

/// What a holder is asked.
pub(super) fn prompts(value: &Value) -> String {
    lines(&value["prompts"], "nobody is asked anything", |prompt| {
        let text_of = prompt["text"].as_str().map(|text| format!("  {text}")).unwrap_or_default();
        format!("{}  {}  {}{text_of}", prompt["prompt"], text(prompt, "purpose"), text(prompt, "service"))
    })
}

/// What a holder does.
pub(super) fn habit(value: &Value) -> String {
    let delay = &value["delay"];
    let delay = match (delay["ms"].as_u64(), delay["fromMs"].as_u64(), delay["medianMs"].as_u64()) {
        (Some(0), ..) => String::new(),
        (Some(ms), ..) => format!(" after {ms} ms"),
        (_, Some(from), _) => format!(" after {from} to {} ms", delay["toMs"]),
        (.., Some(median)) => format!(" after some {median} ms, spread by {}", delay["sigma"]),
        _ => String::new(),
    };
    format!("{}{delay}", text(value, "outcome"))
}

/// The time of a session.
pub(super) fn clock(value: &Value) -> String {
    let stands = if value["frozen"] == true { ", stopped" } else { "" };
    format!("{}{stands}", value["now"])
}

/// A session.
pub(super) fn session(value: &Value) -> String {
    let seed = value["seed"].as_u64().map_or_else(|| "no seed".to_owned(), |seed| format!("seed {seed}"));
    let devices = value["devices"].as_array().map_or(0, Vec::len);
    format!("{}  {seed}  {devices} devices", text(value, "session"))
}

/// The sessions.
pub(super) fn sessions(value: &Value) -> String {
    lines(&value["sessions"], "no session", |name| name.as_str().unwrap_or_default().to_owned())
}

/// An entry of the journal.
pub(super) fn entry(value: &Value) -> String {
    let mut line =
        format!("{}  {}  {}  {}", value["number"], value["time"], text(value, "device"), text(value, "kind"));
    for name in ["what", "outcome", "profile", "rule", "detail"] {
        if let Some(word) = value[name].as_str() {
            line += &format!("  {word}");
        }
    }
    line
}

/// The journal.
pub(super) fn journal(value: &Value) -> String {
    let listed = lines(&value["entries"], "nothing happened", entry);
    match value["lost"].as_u64() {
        None | Some(0) => listed,
        Some(lost) => format!("{lost} older entries are not kept any more\n{listed}"),
    }
}

/// A profile of a network.
pub(super) fn network(value: &Value) -> String {
    match &value["profile"] {
        Value::String(name) => name.clone(),
        conditions => conditions.to_string(),
    }
}

/// The faults that there are.
pub(super) fn catalogue(value: &Value) -> String {
    lines(&value["faults"], "there is nothing", |fault| {
        format!("{:<22}{:<9}{}", text(fault, "name"), text(fault, "layer"), text(fault, "what"))
    })
}

/// A rule.
pub(super) fn rule(value: &Value) -> String {
    let rule = &value["rule"];
    let spent = if value["spent"] == true { ", spent" } else { "" };
    format!("{}  {}  {} of {} occasions{spent}", text(rule, "id"), text(rule, "fault"), value["hits"], value["seen"])
}

/// The rules of a session.
pub(super) fn rules(value: &Value) -> String {
    lines(&value["rules"], "no rule", rule)
}

/// What came of a replay.
pub(super) fn replayed(value: &Value) -> String {
    let frames = value["frames"].as_array().into_iter().flatten().map(|it| {
        let mark = if it["expected"] == true { "  " } else { "! " };
        let op = it["op"].as_str().map(|op| format!(" {op}")).unwrap_or_default();
        let came = match text(it, "reaction") {
            "recorded" => "the recorded answer".to_owned(),
            "refused" => format!("refused ({})", it["code"]),
            "closed" => "the connection was closed".to_owned(),
            "silent" => "no answer".to_owned(),
            "not-sent" => "not sent: the connection was closed".to_owned(),
            _ => "ANOTHER ANSWER".to_owned(),
        };
        format!("{mark}{}  {}  {}{op}: {came}", it["number"], text(it, "device"), text(it, "frame"))
    });
    let operations = value["operations"].as_array().into_iter().flatten().map(|it| {
        let (recorded, now) = (text(it, "recorded"), text(it, "now"));
        if it["same"] == true {
            format!("  {}  {}: {now}", it["number"], text(it, "op"))
        } else {
            format!("! {}  {}: {now}, was {recorded}", it["number"], text(it, "op"))
        }
    });
    let all: Vec<String> = frames.chain(operations).collect();
    if all.is_empty() { "nothing was wanted of the device".to_owned() } else { all.join("\n") }
}

/// How two traces differ.
pub(super) fn differences(value: &Value) -> String {
    lines(&value["differences"], "the same", |it| {
        let frame = text(it, "frame");
        match text(it, "kind") {
            "only-first" => format!("- {}  {frame}", it["first"]),
            "only-second" => format!("+ {}  {frame}", it["second"]),
            _ => format!(
                "! {} {}  {frame}: {} {}, was {}",
                it["first"],
                it["second"],
                text(it, "field"),
                it["is"],
                it["was"]
            ),
        }
    })
}

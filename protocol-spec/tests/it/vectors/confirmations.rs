//! Chapter 3.7: which texts can be asked, and how a device hears of them.

use cardea_protocol::Code;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{Op, Push, PushedConfirmation, Reply, Text, is_showable};
use serde_json::{Value, json};

use super::{h, hold};

const NOW: u32 = 1_800_000_000;

fn reply(op: Op, aux: u16) -> Value {
    let (status, code) = (DeviceStatus::Closed, Code::Ok);
    let reply = Reply { op, status, code, tries: 10, server_time: NOW, until: 0, aux };
    json!({ "cell": h(reply.encode()), "op": op.number(), "aux": aux, "waiting": reply.waiting() })
}

#[test]
fn confirmations() {
    let texts = [
        "Pay 20 EUR to Ann",
        "Überweisung: 20 €",
        "شراء",
        "🏦 ok",
        "👩\u{200d}🚀",
        "tab\there",
        "line\nbreak",
        "nul\0",
        "delete\u{7f}",
        "next line\u{85}",
        "soft\u{ad}hyphen",
        "arabic letter mark\u{61c}",
        "vowel separator\u{180e}",
        "zero width space\u{200b}",
        "left to right mark\u{200e}",
        "right to left mark\u{200f}",
        "line separator\u{2028}",
        "override\u{202e}",
        "word joiner\u{2060}",
        "isolate\u{2066}",
        "nominal digits\u{206f}",
        "byte order mark\u{feff}",
        "annotation\u{fff9}",
        "tag\u{e0041}",
    ];
    let texts: Vec<Value> =
        texts.into_iter().map(|text| json!({ "text": h(text), "showable": is_showable(text) })).collect();
    let replies = [
        (Op::Status, 0x0011),
        (Op::Status, 0x0111),
        (Op::Confirm, 0x0611),
        (Op::Open, 0x0711),
        (Op::Subscribe, 0x0403),
        (Op::PushState, 0x0500),
        (Op::Recover, 0x0105),
        (Op::Resync, 0x0100),
        (Op::PushAttempt, 0x0700),
    ];
    let replies: Vec<Value> = replies.into_iter().map(|(op, aux)| reply(op, aux)).collect();
    let pushes: Vec<Value> = [(0, "Bank: Pay 20 EUR to Ann"), (2, "é")]
        .into_iter()
        .map(|(index, text)| {
            let (id, expires_at, relying_party) = ([0x40 | index; 8], NOW + 120, 7);
            let text = Text::new(text).expect("short");
            let push = PushedConfirmation { id, expires_at, relying_party, index, text };
            let cell = Push::Confirmation(push).encode_large().expect("large");
            json!({
                "cell": h(cell), "id": h(id), "expires_at": expires_at, "relying_party": relying_party,
                "index": index, "text": text.as_str(),
            })
        })
        .collect();
    hold("11-confirmations.json", &json!({ "texts": texts, "replies": replies, "pushes": pushes }));
}

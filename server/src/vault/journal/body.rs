//! What an event is called and how it reads outside: in webhooks, the event feed, the history and the audit export.

use cardea_protocol::Code;
use cardea_protocol::token::DeviceId;
use cardea_protocol::wire::Op;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Map, Value, json};

use super::{Event, EventKind, Signed};
use crate::domain::actor::Actor;

/// Where the operation stands in a statement.
const STATEMENT_OP: usize = 12;

/// What a reader may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Everything, duress and what was signed included.
    Everything,
    /// Duress, as webhooks tell it.
    Duress,
    /// What a relying party is told of a service with a silent alarm: nothing of duress.
    Nothing,
}

impl Event {
    /// What it is called outside, to a reader who may know this much.
    #[must_use]
    pub fn name(&self, reader: Reader) -> &'static str {
        use EventKind::{CloneProved, DuressCleared, ForcedClose, Opened, PinRejected, Suspended};
        let tells = reader != Reader::Nothing;
        match self.kind {
            Opened if self.duress && tells => "token.duress",
            // Duress that begins with another operation is no less of an alarm.
            _ if self.duress_raised && tells => "token.duress",
            ForcedClose => EventKind::Closed.name(),
            // Duress that nobody was told of ends as what it looks like.
            DuressCleared if !tells => EventKind::Closed.name(),
            PinRejected if self.tries_used_up => EventKind::Blocked.name(),
            CloneProved => Suspended.name(),
            kind => kind.name(),
        }
    }

    /// Its body: what webhooks send, the event feed streams, and the history lists. With [`Reader::Everything`] it has
    /// the receipt, if a device has signed.
    #[must_use]
    pub fn body(&self, seq: u64, reader: Reader) -> Value {
        let mut by = json!({ "kind": self.by.kind() });
        match self.by {
            Actor::Authkey(number) => by["authkey"] = number.into(),
            Actor::Account(number) => by["account"] = number.into(),
            Actor::Device(_) | Actor::Operator | Actor::System => {}
        }
        let (token, user) = self.about.token().unzip();
        let mut body = json!({
            "id": seq.to_string(),
            "type": self.name(reader),
            "at": self.at.get(),
            "service": self.about.service().map(|(_, name)| name.as_str()),
            "user": user.map(crate::domain::name::UserId::as_str),
            "token": token.map(|token| HEXLOWER.encode(token.bytes())),
            "device": self.device.as_ref().map(DeviceId::bytes).map(|device| HEXLOWER.encode(device)),
            "by": by,
            "detail": self.details(reader),
        });
        if self.about.service().is_none() {
            body["subscription"] = self.about.subscription().into();
        }
        if reader == Reader::Everything
            && let Some(receipt) = self.signed.as_ref().and_then(receipt)
        {
            body["receipt"] = receipt;
        }
        body
    }

    fn details(&self, reader: Reader) -> Map<String, Value> {
        let mut detail = self.detail.clone();
        let tells = reader != Reader::Nothing;
        let mut say = |name: &str, value: Value| detail.insert(name.to_owned(), value);
        if self.duress && tells {
            say("duress", true.into());
        }
        if self.name(reader) == "token.duress" && self.kind != EventKind::Opened {
            say("operation", self.kind.name().into());
        }
        match self.kind {
            EventKind::ForcedClose => drop(say("forced", true.into())),
            EventKind::DuressCleared if !tells => drop(say("forced", true.into())),
            EventKind::PinRejected if self.tries_used_up => drop(say("reason", "tries".into())),
            EventKind::CloneProved => drop(say("proved", true.into())),
            EventKind::Suspended => drop(say("proved", false.into())),
            EventKind::NotExecuted => {
                drop(say("code", self.code.map_or(Value::Null, |code| code.number().into())));
            }
            EventKind::ConfirmationAnswered => drop(say("state", self.answer(reader).into())),
            _ => {}
        }
        if let Some(confirmation) = &self.confirmation {
            say("confirmation", HEXLOWER.encode(confirmation).into());
        }
        detail
    }

    /// What became of a confirmation. An approval under duress is none; who may know is told why.
    fn answer(&self, reader: Reader) -> &'static str {
        let op = self.signed.as_ref().and_then(|signed| signed.statement.get(STATEMENT_OP));
        let approves = op == Some(&Op::Confirm.number()) && self.code == Some(Code::Ok);
        match (approves, self.duress, reader) {
            (true, false, _) => "approved",
            (true, true, Reader::Everything | Reader::Duress) => "duress",
            _ => "denied",
        }
    }
}

/// A statement as anyone can check it; `None` when it verified under no key.
fn receipt(signed: &Signed) -> Option<Value> {
    let key = signed.key.as_ref()?;
    Some(json!({
        "statement": BASE64URL_NOPAD.encode(&signed.statement),
        "signature": BASE64URL_NOPAD.encode(&signed.signature),
        "publicKey": BASE64URL_NOPAD.encode(key),
    }))
}

#[cfg(test)]
mod tests {
    use cardea_protocol::token::TokenId;

    use super::*;
    use crate::clock::UnixSeconds;
    use crate::domain::name::{ServiceName, UserId};
    use crate::vault::About;

    fn event(kind: EventKind) -> Event {
        let about = About::Token {
            service: 1,
            name: ServiceName::parse("default_door").expect("valid"),
            token: TokenId::new([0xab; 16]),
            user: UserId::parse("joe").expect("valid"),
        };
        Event::new(kind, about, Actor::Device(DeviceId::new([1, 2, 3, 4])), UnixSeconds::new(9))
    }

    fn signed(op: Op) -> Option<Signed> {
        let mut statement = vec![0; 122];
        statement[STATEMENT_OP] = op.number();
        Some(Signed { statement, signature: [2; 64], key: Some([3; 32]) })
    }

    #[test]
    fn an_opening_reads_as_the_contract_says() {
        let opened = Event { signed: signed(Op::Open), code: Some(Code::Ok), ..event(EventKind::Opened) };
        let plain = json!({
            "id": "7", "type": "token.opened", "at": 9, "service": "default_door", "user": "joe",
            "token": "abababababababababababababababab", "device": "01020304", "by": {"kind": "device"}, "detail": {},
        });
        assert_eq!(opened.body(7, Reader::Nothing), plain);
        assert_eq!(opened.body(7, Reader::Duress), plain);
        let all = opened.body(7, Reader::Everything);
        assert_eq!(all["receipt"]["publicKey"], BASE64URL_NOPAD.encode(&[3; 32]));
        let by_key = Event { by: Actor::Authkey(12), device: None, ..event(EventKind::Blocked) };
        assert_eq!(by_key.body(7, Reader::Nothing)["by"], json!({"kind": "authkey", "authkey": 12}));
        assert_eq!(by_key.body(7, Reader::Nothing)["device"], Value::Null);
        let instance = Event::new(EventKind::InstanceRestored, About::Instance, Actor::Operator, UnixSeconds::new(9));
        assert_eq!(instance.body(1, Reader::Everything)["subscription"], Value::Null);
    }

    #[test]
    fn duress_is_told_to_who_may_know_and_to_nobody_else() {
        for kind in [EventKind::Opened, EventKind::PinsChanged, EventKind::Closed, EventKind::ConfirmationAnswered] {
            for raised in [false, true] {
                let calm = Event { signed: signed(Op::Confirm), code: Some(Code::Ok), ..event(kind) };
                let forced = Event { duress: true, duress_raised: raised, ..calm.clone() };
                let told = |event: &Event, reader| {
                    let mut body = event.body(1, reader);
                    // An approval under duress is none for anybody.
                    body["detail"].as_object_mut().expect("an object").remove("state");
                    body
                };
                assert_eq!(told(&forced, Reader::Nothing), told(&calm, Reader::Nothing));
                assert_ne!(told(&forced, Reader::Duress), told(&calm, Reader::Duress));
                let alarm = kind == EventKind::Opened || raised;
                assert_eq!(forced.name(Reader::Duress) == "token.duress", alarm);
            }
        }
    }

    #[test]
    fn whatever_happens_to_a_token_fits_a_webhooks_body() {
        let mut longest = 0;
        for kind in EventKind::ALL {
            for told in [false, true] {
                let about = About::Token {
                    service: u64::MAX,
                    name: ServiceName::parse(&format!("{}_{}", "s".repeat(32), "n".repeat(64))).expect("valid"),
                    token: TokenId::new([0xab; 16]),
                    // Each byte is written with six.
                    user: UserId::parse("\u{1}".repeat(255)).expect("valid"),
                };
                let event = Event {
                    device: Some(DeviceId::new([0xff; 4])),
                    duress: told,
                    duress_raised: told,
                    tries_used_up: true,
                    code: Some(Code::Internal),
                    signed: signed(Op::Confirm),
                    confirmation: Some([0xff; 8]),
                    ..Event::new(*kind, about, Actor::Authkey(u64::MAX), UnixSeconds::new(u64::MAX))
                };
                longest = longest.max(event.body(u64::MAX, Reader::Duress).to_string().len());
            }
        }
        // With room for what a frame of the event feed has beside the body.
        assert!(longest + 80 <= crate::webhook::BLOCK, "{longest}");
    }

    #[test]
    fn an_approval_under_duress_is_no_approval() {
        let answered = |op, duress, code| Event {
            signed: signed(op),
            duress,
            code: Some(code),
            ..event(EventKind::ConfirmationAnswered)
        };
        for (op, duress, code, everything, nothing) in [
            (Op::Confirm, false, Code::Ok, "approved", "approved"),
            (Op::Confirm, true, Code::Ok, "duress", "denied"),
            (Op::Confirm, false, Code::Stale, "denied", "denied"),
            (Op::Deny, false, Code::Ok, "denied", "denied"),
            (Op::Deny, true, Code::Ok, "denied", "denied"),
        ] {
            let event = answered(op, duress, code);
            assert_eq!(event.body(1, Reader::Everything)["detail"]["state"], everything);
            assert_eq!(event.body(1, Reader::Nothing)["detail"]["state"], nothing);
        }
    }

    #[test]
    fn kinds_that_are_one_outside_say_which_they_are() {
        let used_up = Event { tries_used_up: true, ..event(EventKind::PinRejected) }.body(1, Reader::Nothing);
        assert_eq!((&used_up["type"], &used_up["detail"]["reason"]), (&json!("token.blocked"), &json!("tries")));
        let proved = event(EventKind::CloneProved).body(1, Reader::Nothing);
        assert_eq!((&proved["type"], &proved["detail"]["proved"]), (&json!("token.clone_suspected"), &json!(true)));
        let forced = event(EventKind::ForcedClose).body(1, Reader::Nothing);
        assert_eq!((&forced["type"], &forced["detail"]["forced"]), (&json!("token.closed"), &json!(true)));
        let cleared = event(EventKind::DuressCleared);
        assert_eq!(cleared.body(1, Reader::Nothing), forced, "who may not know of duress is told of no end of it");
        assert_eq!(cleared.name(Reader::Duress), "token.duress_cleared");
    }
}

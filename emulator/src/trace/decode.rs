//! What a frame says, by the views of the protocol's own crate.

use cardea_sdk::observe::Code;
use cardea_sdk::observe::token::{DeviceInfo, DeviceStatus, Policy, ShortString};
use cardea_sdk::observe::wire::{
    DecodeError, EnrollmentKeys, EnrollmentOffer, FirstFrame, KeyRecord, LARGE_LEN, LargeReply, LargeRequest, Op,
    PlainFrame, Push, PushedConfirmation, Reply, Request, ResyncAsked, ResyncSaid, Signer,
};
use zeroize::Zeroizing;

use super::frame::{Direction, Field, Hidden, Name, Value, field};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) op: Option<&'static str>,
    pub(super) fields: Vec<Field>,
}

impl Decoded {
    fn add(&mut self, name: &'static str, value: Value) -> &mut Self {
        self.fields.push(field(name, value));
        self
    }

    fn number(&mut self, name: &'static str, number: impl Into<u64>) -> &mut Self {
        self.add(name, Value::Number(number.into()))
    }

    fn bytes(&mut self, name: &'static str, bytes: &[u8]) -> &mut Self {
        self.add(name, Value::Bytes(bytes.to_vec()))
    }

    fn secret(&mut self, name: &'static str, bytes: &[u8]) -> &mut Self {
        self.add(name, Hidden::bytes(name, bytes))
    }
}

/// Reads what stands in clear.
pub(super) fn clear(name: Name, wire: &[u8], said: &mut Decoded) -> Result<(), DecodeError> {
    match name {
        Name::C1 | Name::R1 | Name::E1 => match FirstFrame::parse(wire)? {
            FirstFrame::Cold(frame) => {
                said.number("epoch", frame.epoch()).bytes("hint", frame.hint().bytes());
                said.bytes("ephemeral", &frame.ephemeral());
            }
            FirstFrame::Resync(frame) => {
                said.number("epoch", frame.epoch()).bytes("ephemeral", &frame.ephemeral());
            }
            FirstFrame::Enroll(frame) => {
                said.bytes("enrollment", &frame.id()).bytes("ephemeral", &frame.ephemeral());
            }
        },
        Name::Plain => {
            said.add("code", code(PlainFrame::decode(wire)?.code));
        }
        Name::KeyRecord => said.fields.extend(key_record(&KeyRecord::decode(wire)?)),
        _ => {}
    }
    Ok(())
}

/// Reads what was sealed: the texts of the sealed parts, in their order.
pub(super) fn sealed(
    name: Name,
    direction: Direction,
    texts: &[Zeroizing<Vec<u8>>],
    said: &mut Decoded,
) -> Result<(), DecodeError> {
    match (name, texts) {
        (Name::C1 | Name::Request, [cell]) => request(&Request::decode(cell)?, said),
        (Name::S1 | Name::Reply | Name::Refusal, [cell]) => small(&Reply::decode(cell)?, said),
        (Name::R1, [key, text]) => {
            let asked = ResyncAsked::decode(exact(text)?)?;
            said.secret("device_static", key).bytes("hint", asked.hint.bytes());
            request(&asked.request, said);
        }
        (Name::R2, [text]) => {
            let answer = ResyncSaid::decode(exact(text)?)?;
            reply(&answer.reply, said);
            said.number("generation", answer.generation);
        }
        (Name::E1, [suite]) => {
            let [suite] = *exact::<1>(suite)?;
            said.number("suite", suite);
        }
        (Name::E2, [text]) => offer(&EnrollmentOffer::decode(exact(text)?)?, said),
        (Name::E3, [key, text]) => {
            said.secret("device_static", key);
            keys(&EnrollmentKeys::decode(exact(text)?)?, said)?;
        }
        (Name::E4, [receipt]) => {
            said.secret("receipt", exact::<64>(receipt)?);
        }
        (Name::Large, [text]) => large(direction, exact(text)?, said)?,
        _ => return Err(DecodeError::Length),
    }
    Ok(())
}

fn exact<const N: usize>(text: &[u8]) -> Result<&[u8; N], DecodeError> {
    text.try_into().map_err(|_| DecodeError::Length)
}

fn request(cell: &Request, said: &mut Decoded) {
    said.op = Some(op(cell.op));
    said.number("win", cell.win).number("time", cell.time);
    match cell.declared() {
        Some(declared) => said.bytes("declared", &declared),
        None if cell.op.signer() == Signer::Nobody => said,
        None => said.secret("signature", &cell.signature),
    };
}

fn small(cell: &Reply, said: &mut Decoded) {
    // A push in a session, an answer everywhere else: `op` tells.
    reply(cell, said);
}

fn reply(cell: &Reply, said: &mut Decoded) {
    said.op = Some(op(cell.op));
    said.add("status", status(cell.status)).add("code", code(cell.code)).number("tries", cell.tries);
    said.number("server_time", cell.server_time).number("until", cell.until).number("aux", cell.aux);
}

fn offer(offer: &EnrollmentOffer, said: &mut Decoded) {
    said.bytes("identity", &offer.identity).bytes("token", offer.token.bytes()).bytes("device", offer.device.bytes());
    said.fields.extend(policy(&offer.policy));
    said.fields.extend(key_record(&offer.key_record));
}

fn policy(policy: &Policy) -> Vec<Field> {
    let short_string = match policy.short_string {
        ShortString::Off => (0, "off"),
        ShortString::Shown => (1, "shown"),
        ShortString::Required => (2, "required"),
    };
    vec![
        field("argon2", Value::Number(policy.argon2.number().into())),
        field("pin_min", Value::Number(policy.pin_min.into())),
        field("pin_max", Value::Number(policy.pin_max.into())),
        field("duress", Value::Flag(policy.duress)),
        field("biometric", Value::Flag(policy.biometric)),
        field("short_string", Value::Named(short_string.0, short_string.1)),
        field("version_min", Value::Number(policy.version_min.into())),
        field("version_max", Value::Number(policy.version_max.into())),
        field("keepalive", Value::Number(policy.keepalive.into())),
    ]
}

fn key_record(record: &KeyRecord) -> Vec<Field> {
    vec![
        field("key_epoch", Value::Number(record.epoch.into())),
        field("key", Value::Bytes(record.key.to_vec())),
        field("not_before", Value::Number(record.not_before.into())),
        field("not_after", Value::Number(record.not_after.into())),
        field("key_signature", Value::Bytes(record.signature.to_vec())),
    ]
}

fn keys(keys: &EnrollmentKeys<'_>, said: &mut Decoded) -> Result<(), DecodeError> {
    let entries = keys.keys.iter().zip(keys.proofs);
    let entries = entries.map(|(key, proof)| {
        vec![field("key", Hidden::bytes("pin_key", &key[..])), field("proof", Hidden::bytes("proof", proof))]
    });
    said.add("pin_keys", Value::List(entries.collect()));
    said.secret("device_key", keys.device_key).secret("device_proof", keys.device_proof);
    let info = DeviceInfo::decode(keys.info)?;
    let platform = ["unknown", "Android", "iOS", "Linux", "macOS", "Windows", "bare metal"];
    let name = platform.get(usize::from(info.platform)).copied().unwrap_or_default();
    said.add("platform", Value::Named(info.platform.into(), name)).bytes("sdk_version", &info.sdk_version);
    said.add("emulated", Value::Flag(info.emulated)).add("biometric", Value::Flag(info.biometric));
    Ok(())
}

fn large(direction: Direction, cell: &[u8; LARGE_LEN], said: &mut Decoded) -> Result<(), DecodeError> {
    if direction == Direction::Out {
        return large_request(&LargeRequest::decode(cell)?, said);
    }
    let is_push = Op::from_number(cell[0]).is_some_and(|op| matches!(op, Op::PushConfirmation | Op::PushKeyRecord));
    if is_push {
        push(&Push::decode_large(cell)?, said);
    } else {
        large_reply(&LargeReply::decode(cell)?, said);
    }
    Ok(())
}

fn large_request(message: &LargeRequest, said: &mut Decoded) -> Result<(), DecodeError> {
    said.op = Some(op(message.op()));
    match message {
        LargeRequest::SetPins(message) => {
            let entries = message.entries.iter().map(|entry| {
                vec![
                    field("biometric", Value::Flag(entry.biometric)),
                    field("key", Hidden::bytes("pin_key", &entry.key)),
                ]
            });
            said.number("time", message.time).add("pin_keys", Value::List(entries.collect()));
            said.secret("signature", &message.signature);
        }
        LargeRequest::Rotate(message) => {
            said.number("time", message.time).secret("device_static", &message.key);
            said.secret("signature", &message.signature);
        }
        LargeRequest::RevokeDevice(message) => {
            said.number("time", message.time).bytes("device", message.device.bytes());
            said.secret("signature", &message.signature);
        }
        LargeRequest::Eval(message) => {
            said.secret("element", &message.element);
        }
    }
    Ok(())
}

fn large_reply(message: &LargeReply, said: &mut Decoded) {
    reply(message.reply(), said);
    match message {
        LargeReply::Plain(_) => {}
        LargeReply::KeyRecords(_, records) => {
            let all = [Some(records.current), records.next].into_iter().flatten();
            said.add("key_records", Value::List(all.map(|record| key_record(&record)).collect()));
        }
        LargeReply::Info(_, info) => {
            said.add("service", Hidden::text("service", info.service.as_str()));
            said.add("label", Hidden::text("label", info.label.as_str()));
            said.bytes("foreground", &info.colors[0]).bytes("background", &info.colors[1]);
        }
        LargeReply::Devices(_, devices) => {
            let entries = devices.0.iter().flatten().map(|entry| {
                vec![
                    field("device", Value::Bytes(entry.device.bytes().to_vec())),
                    field("platform", Value::Number(entry.platform.into())),
                    field("flags", Value::Number(entry.flags.into())),
                    field("enrolled_at", Value::Number(entry.enrolled_at.into())),
                    field("last_seen", Value::Number(entry.last_seen.into())),
                ]
            });
            said.add("devices", Value::List(entries.collect()));
        }
        LargeReply::History(_, history) => {
            let entries = history.0.iter().flatten().map(|entry| {
                let name = Op::from_number(entry.op).map_or("unknown", op);
                vec![
                    field("time", Value::Number(entry.time.into())),
                    field("op", Value::Named(entry.op.into(), name)),
                    field("device", Value::Bytes(entry.device.bytes().to_vec())),
                ]
            });
            said.add("history", Value::List(entries.collect()));
        }
        LargeReply::Receipt(_, receipt) => {
            said.bytes("statement", &receipt.statement).secret("signature", &receipt.signature);
        }
        LargeReply::Eval(_, eval) => {
            said.secret("element", &eval.element);
        }
    }
}

fn push(push: &Push, said: &mut Decoded) {
    match push {
        Push::Confirmation(PushedConfirmation { id, expires_at, relying_party, index, text }) => {
            said.op = Some(op(Op::PushConfirmation));
            said.bytes("confirmation", id).number("expires_at", *expires_at).number("relying_party", *relying_party);
            said.number("index", *index).add("text", Hidden::text("text", text.as_str()));
        }
        Push::KeyRecord(record) => {
            said.op = Some(op(Op::PushKeyRecord));
            said.fields.extend(key_record(record));
        }
        // Small ones are replies to nothing, and read as such.
        Push::State(cell) | Push::Revoked(cell) => reply(cell, said),
        Push::Attempt(_) => said.op = Some(op(Op::PushAttempt)),
    }
}

/// The name of an operation or push in the specification's 3.1.
pub(super) const fn op(op: Op) -> &'static str {
    match op {
        Op::Ping => "PING",
        Op::Open => "OPEN",
        Op::Close => "CLOSE",
        Op::Status => "STATUS",
        Op::Subscribe => "SUBSCRIBE",
        Op::Confirm => "CONFIRM",
        Op::Deny => "DENY",
        Op::Recover => "RECOVER",
        Op::SetPins => "SET_PINS",
        Op::Rotate => "ROTATE",
        Op::Unenroll => "UNENROLL",
        Op::KeyRecords => "KEY_RECORDS",
        Op::Eval => "EVAL",
        Op::Info => "INFO",
        Op::Devices => "DEVICES",
        Op::History => "HISTORY",
        Op::Receipts => "RECEIPTS",
        Op::RevokeDevice => "REVOKE_DEVICE",
        Op::Resync => "RESYNC",
        Op::PushState => "PUSH_STATE",
        Op::PushConfirmation => "PUSH_CONFIRMATION",
        Op::PushKeyRecord => "PUSH_KEY_RECORD",
        Op::PushRevoked => "PUSH_REVOKED",
        Op::PushAttempt => "PUSH_ATTEMPT",
        _ => "OTHER",
    }
}

fn status(status: DeviceStatus) -> Value {
    let word = match status {
        DeviceStatus::NotEnrolled => "not enrolled",
        DeviceStatus::Open => "open",
        DeviceStatus::Closed => "closed",
        DeviceStatus::Blocked => "blocked",
    };
    Value::Named(status.number().into(), word)
}

fn code(code: Code) -> Value {
    let word = match code {
        Code::Ok => "done",
        Code::PinRejected => "wrong PIN",
        Code::Wait => "wait",
        Code::Blocked => "blocked",
        Code::NotEnrolled => "not enrolled",
        Code::StaleKey => "stale key",
        Code::UnknownHint => "unknown hint",
        Code::VersionUnsupported => "version not supported",
        Code::Malformed => "malformed",
        Code::Overloaded => "overloaded",
        Code::CodeUsed => "enrollment code unknown, used or expired",
        Code::ConfirmationUnknown => "no such confirmation",
        Code::ConfirmationExpired => "confirmation expired",
        Code::Policy => "against the policy",
        Code::Internal => "internal",
        Code::ResyncRequired => "resync required",
        Code::Stale => "stale",
        _ => "other",
    };
    Value::Named(code.number().into(), word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_code_has_a_name() {
        assert!(Op::ALL.iter().all(|it| op(*it) != "OTHER"));
        for it in Code::ALL {
            assert!(
                matches!(code(it), Value::Named(number, word) if number == u64::from(it.number()) && word != "other")
            );
        }
    }

    #[test]
    fn a_cell_without_a_valid_encoding_is_said_to_be_none() {
        let mut said = Decoded::default();
        let cell = Zeroizing::new(vec![0x7f; 70]);
        assert_eq!(sealed(Name::C1, Direction::Out, &[cell], &mut said), Err(DecodeError::Kind(0x7f)));
        assert_eq!(sealed(Name::C1, Direction::Out, &[], &mut said), Err(DecodeError::Length));
        assert_eq!(sealed(Name::E3, Direction::Out, &[Zeroizing::new(vec![])], &mut said), Err(DecodeError::Length));
        assert_eq!(clear(Name::C1, b"garbage", &mut said), Err(DecodeError::Version(6)));
        assert!(said.fields.is_empty() && said.op.is_none());
    }

    #[test]
    fn a_signature_is_a_secret_and_nothing_is_one_where_nobody_signs() {
        let read = |request: Request| {
            let mut said = Decoded::default();
            sealed(Name::Request, Direction::Out, &[Zeroizing::new(request.encode().to_vec())], &mut said).unwrap();
            said
        };
        let signed = read(Request { op: Op::Open, win: 6, time: 9, signature: [5; 64] });
        assert_eq!(signed.op, Some("OPEN"));
        assert!(matches!(&signed.fields[2].value, Value::Secret(hidden) if hidden.what == "signature"));
        let unsigned = read(Request { op: Op::Ping, win: 0, time: 9, signature: [0; 64] });
        assert_eq!(unsigned.fields.len(), 2);
        let recover = read(Request::recover(&[3; 32]));
        assert_eq!(recover.fields[2], field("declared", Value::Bytes(vec![3; 32])));
    }
}

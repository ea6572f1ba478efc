//! Receipts: statements that a device has signed, checked with the public key alone.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::statement::STATEMENT_LEN;
use cardea_protocol::wire::Op;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::Value;

use super::tree::sha256;
use crate::clock::UnixSeconds;

const LABEL: &[u8] = b"cardea1 stmt";

/// Why a receipt proves nothing. Whoever handed it over must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is not of the form of a receipt.
    #[error("this is no receipt: it needs `statement`, `signature` and `publicKey`")]
    Form,
    /// The statement is none.
    #[error("the statement is not one of an operation")]
    Statement,
    /// The key is not the expected one.
    #[error("the receipt names another key than the one expected")]
    Key,
    /// The signature is wrong.
    #[error("the signature is wrong: the statement was changed, or another key has signed it")]
    Signature,
    /// What stands beside the receipt is not what was signed.
    #[error("what stands beside the receipt is not what was signed")]
    Beside,
    /// The text is not the one that was confirmed.
    #[error("the text is not the one that was signed")]
    Text,
}

/// What a device has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The operation.
    pub op: Op,
    /// The device's clock.
    pub time: UnixSeconds,
    /// The token's id, in hexadecimal.
    pub token: String,
    /// The device's id, in hexadecimal.
    pub device: String,
    /// The confirmation that was answered, in hexadecimal.
    pub confirmation: Option<String>,
    /// The key that it verifies under.
    pub key: [u8; 32],
}

/// Checks a receipt as the history lists it, alone or in its item. `key` and `text` are what is expected: the public
/// key, and the text of a confirmation.
///
/// # Errors
/// [`ReceiptError`].
pub fn check(json: &Value, key: Option<&[u8; 32]>, text: Option<&str>) -> Result<Receipt, ReceiptError> {
    let receipt = json.get("receipt").unwrap_or(json);
    let bytes = |name: &str| {
        let text = receipt.get(name)?.as_str()?;
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()
    };
    let parts = (bytes("statement"), bytes("signature"), bytes("publicKey"));
    let (Some(statement), Some(signature), Some(public)) = parts else { return Err(ReceiptError::Form) };
    let signature: [u8; 64] = signature.try_into().map_err(|_| ReceiptError::Form)?;
    let public: [u8; 32] = public.try_into().map_err(|_| ReceiptError::Form)?;
    if key.is_some_and(|key| *key != public) {
        return Err(ReceiptError::Key);
    }
    let read = read(&statement, public).ok_or(ReceiptError::Statement)?;
    if !Dalek::ed25519_verify(&public, &statement, &signature) {
        return Err(ReceiptError::Signature);
    }
    let says_other =
        |name: &str, signed: &str| json.get(name).and_then(Value::as_str).is_some_and(|said| said != signed);
    if says_other("token", &read.token) || says_other("device", &read.device) {
        return Err(ReceiptError::Beside);
    }
    if let Some(text) = text
        && statement.get(STATEMENT_LEN + 8..) != Some(sha256(&[text.as_bytes()]).as_slice())
    {
        return Err(ReceiptError::Text);
    }
    Ok(read)
}

/// `label 12, op 1, win 1, time 4, generation 8, sequence 4, token 16, device 4, bind 32`, and what the operation adds.
fn read(statement: &[u8], key: [u8; 32]) -> Option<Receipt> {
    let rest = statement.strip_prefix(LABEL)?;
    let op = Op::from_number(*rest.first()?)?;
    let time = u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?);
    let (token, device) = (rest.get(18..34)?, rest.get(34..38)?);
    let extension = match op {
        Op::Confirm | Op::Deny => 40,
        Op::SetPins | Op::Rotate => 32,
        Op::RevokeDevice => 4,
        _ => 0,
    };
    if statement.len() != STATEMENT_LEN + extension {
        return None;
    }
    let confirmation = (extension == 40).then(|| HEXLOWER.encode(&statement[STATEMENT_LEN..STATEMENT_LEN + 8]));
    let (token, device) = (HEXLOWER.encode(token), HEXLOWER.encode(device));
    Some(Receipt { op, time: UnixSeconds::from(time), token, device, confirmation, key })
}

#[cfg(test)]
mod tests {
    use cardea_protocol::Secret;
    use cardea_protocol::statement::{Context, Extension, Statement};
    use cardea_protocol::token::{DeviceId, TokenId};
    use serde_json::json;

    use super::*;

    fn receipt(op: Op, extension: Extension<'_>) -> Value {
        let context = Context {
            generation: 1,
            sequence: 2,
            token: TokenId::new([0xab; 16]),
            device: DeviceId::new([1, 2, 3, 4]),
            bind: [3; 32],
        };
        let statement = Statement::new::<Dalek>(op, 0, 1_800_000_000, &context, extension);
        let seed = Secret::new([9; 32]);
        json!({
            "statement": BASE64URL_NOPAD.encode(statement.bytes()),
            "signature": BASE64URL_NOPAD.encode(&Dalek::ed25519_sign(&seed, statement.bytes())),
            "publicKey": BASE64URL_NOPAD.encode(&Dalek::ed25519_public(&seed)),
        })
    }

    #[test]
    fn a_receipt_says_what_was_signed_and_verifies_under_its_key_only() {
        let opened = receipt(Op::Open, Extension::None);
        let read = check(&opened, None, None).expect("signed");
        assert_eq!((read.op, read.time.get()), (Op::Open, 1_800_000_000));
        assert_eq!((read.token.as_str(), read.device.as_str()), ("ab".repeat(16).as_str(), "01020304"));
        assert_eq!(check(&opened, Some(&read.key), None).as_ref(), Ok(&read));
        assert_eq!(check(&opened, Some(&[1; 32]), None), Err(ReceiptError::Key));
        let item = |token: &str| json!({ "token": token, "device": "01020304", "receipt": opened });
        assert_eq!(check(&item(&read.token), None, None), Ok(read));
        assert_eq!(check(&item("other"), None, None), Err(ReceiptError::Beside));
        assert_eq!(check(&opened, None, Some("a text")), Err(ReceiptError::Text));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let opened = receipt(Op::Open, Extension::None);
        for name in ["statement", "signature", "publicKey"] {
            let bytes = BASE64URL_NOPAD.decode(opened[name].as_str().expect("text").as_bytes()).expect("base64");
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[place] ^= 1;
                let mut receipt = opened.clone();
                receipt[name] = BASE64URL_NOPAD.encode(&changed).into();
                assert!(check(&receipt, None, None).is_err(), "{name} {place}");
            }
            let mut receipt = opened.clone();
            receipt[name] = BASE64URL_NOPAD.encode(&bytes[1..]).into();
            assert!(check(&receipt, None, None).is_err(), "{name}");
            receipt[name] = "!".into();
            assert_eq!(check(&receipt, None, None), Err(ReceiptError::Form));
        }
        for nothing in [json!(null), json!({}), json!([]), json!({ "receipt": 1 }), json!("x")] {
            assert_eq!(check(&nothing, None, None), Err(ReceiptError::Form));
        }
    }

    #[test]
    fn a_confirmations_receipt_is_bound_to_its_text() {
        let text = "Pay \u{20ac} 30 to Eva";
        let signed = receipt(Op::Confirm, Extension::Confirmation { id: &[7; 8], text });
        let read = check(&signed, None, Some(text)).expect("signed");
        assert_eq!(read.confirmation.as_deref(), Some("0707070707070707"));
        assert_eq!(check(&signed, None, Some("Pay \u{20ac} 31 to Eva")), Err(ReceiptError::Text));
    }
}

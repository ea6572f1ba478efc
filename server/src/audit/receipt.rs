//! Receipts: statements that a device has signed, checked with the public key alone.

use cardea_protocol::crypto::Dalek;
use cardea_protocol::statement::{About, Beside, ReceiptView, SignedError};
use cardea_protocol::wire::Op;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::Value;

use crate::clock::UnixSeconds;

/// Why a receipt proves nothing. Whoever handed it over must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is not of the form of a receipt.
    #[error("this is no receipt: it needs `statement`, `signature` and `publicKey`")]
    Form,
    /// The key is not the expected one.
    #[error("the receipt names another key than the one expected")]
    Key,
    /// Statement, signature or text.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// What stands beside the receipt is not what was signed.
    #[error("what stands beside the receipt is not what was signed")]
    Beside,
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

/// Checks a receipt alone, in an item of a history, or in an answered confirmation, and what is said beside it there. `key` and `text` are what is expected: the public
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
    let view = ReceiptView::verify::<Dalek>(&statement, &signature, &public)?;
    let said = |name: &str| json.get(name).and_then(Value::as_str);
    let beside = Beside {
        token: said("token"),
        device: said("device"),
        confirmation: said("confirmation").or_else(|| json.get("detail")?.get("confirmation")?.as_str()),
        text: said("text"),
    };
    if !view.agrees_with::<Dalek>(&beside) {
        return Err(ReceiptError::Beside);
    }
    if let Some(text) = text {
        view.check_text::<Dalek>(text)?;
    }
    let confirmation = match view.about {
        About::Confirmation { id, .. } => Some(HEXLOWER.encode(id)),
        _ => None,
    };
    Ok(Receipt {
        op: view.op,
        time: UnixSeconds::from(view.time),
        token: HEXLOWER.encode(view.context.token.bytes()),
        device: HEXLOWER.encode(view.context.device.bytes()),
        confirmation,
        key: public,
    })
}

#[cfg(test)]
mod tests {
    use cardea_protocol::Secret;
    use cardea_protocol::crypto::Provider as _;
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
        assert_eq!(check(&opened, None, Some("a text")), Err(SignedError::Text.into()));
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
        assert_eq!(check(&signed, None, Some("Pay \u{20ac} 31 to Eva")), Err(SignedError::Text.into()));
    }

    #[test]
    fn what_is_said_about_a_confirmation_has_to_be_what_was_signed() {
        let text = "Pay \u{20ac} 30 to Eva";
        let signed = receipt(Op::Confirm, Extension::Confirmation { id: &[7; 8], text });
        let answered = |id: &str, text: &str| json!({ "confirmation": id, "text": text, "receipt": signed });
        let item = |id: &str| json!({ "detail": { "confirmation": id }, "receipt": signed });
        for genuine in [answered("0707070707070707", text), item("0707070707070707")] {
            assert!(check(&genuine, None, None).is_ok(), "{genuine}");
        }
        for changed in [
            answered("0707070707070707", "Pay \u{20ac} 31 to Eva"),
            answered("0707070707070708", text),
            item("0707070707070708"),
        ] {
            assert_eq!(check(&changed, None, None), Err(ReceiptError::Beside), "{changed}");
        }
    }
}

use cardea_protocol::Secret;
use cardea_protocol::crypto::Provider as _;
use cardea_protocol::statement::{Context, Extension, Statement};

use super::*;

const TOKEN: TokenId = TokenId::new([0xab; 16]);
const DEVICE: DeviceId = DeviceId::new([1, 2, 3, 4]);
const TEXT: &str = "Bank: Pay \u{20ac} 30 to Eva";
const AT: u32 = 1_800_000_000;

fn parts(op: Op, extension: Extension<'_>) -> (Vec<u8>, [u8; 64], [u8; 32]) {
    let context = Context { generation: 1, sequence: 2, token: TOKEN, device: DEVICE, bind: [3; 32] };
    let statement = Statement::new::<Dalek>(op, 0, AT, &context, extension);
    let seed = Secret::new([9; 32]);
    let signature = Dalek::ed25519_sign(&seed, statement.bytes());
    (statement.bytes().to_vec(), signature, Dalek::ed25519_public(&seed))
}

fn approval() -> (Vec<u8>, [u8; 64], [u8; 32]) {
    parts(Op::Confirm, Extension::Confirmation { id: &[7; 8], text: TEXT })
}

#[test]
fn a_receipt_proves_what_was_signed_and_every_expectation_counts() {
    let (statement, signature, key) = approval();
    let receipt = Receipt::from_parts(&statement, signature, key);
    let proved = Verified {
        act: Act::Approved,
        at: u64::from(AT),
        token: TOKEN,
        device: DEVICE,
        confirmation: Some([7; 8]),
        public_key: key,
    };
    let all = Expected::approval(TEXT)
        .public_key(key)
        .token(TOKEN)
        .device(DEVICE)
        .confirmation([7; 8])
        .within(proved.at..=proved.at);
    assert_eq!((receipt.verify(&all), receipt.verify(&Expected::any())), (Ok(proved), Ok(proved)));
    for (expected, error) in [
        (all.text("Bank: Pay \u{20ac} 31 to Eva"), SignedError::Text.into()),
        (all.text(""), SignedError::Text.into()),
        (all.public_key([1; 32]), ReceiptError::Key),
        (all.act(Act::Denied), ReceiptError::Other),
        (all.token(TokenId::new([0; 16])), ReceiptError::Other),
        (all.device(DeviceId::new([0; 4])), ReceiptError::Other),
        (all.confirmation([0; 8]), ReceiptError::Other),
        (all.within(proved.at + 1..=u64::MAX), ReceiptError::Time),
        (all.within(0..=proved.at - 1), ReceiptError::Time),
    ] {
        assert_eq!(receipt.verify(&expected), Err(error), "{expected:?}");
    }
    let (statement, signature, key) = parts(Op::Open, Extension::None);
    let opened = Receipt::from_parts(&statement, signature, key);
    assert_eq!(opened.verify(&Expected::any().act(Act::Opened)).unwrap().confirmation, None);
    assert_eq!(opened.verify(&Expected::any().text(TEXT)), Err(SignedError::Text.into()));
    assert_eq!(opened.verify(&Expected::any().confirmation([7; 8])), Err(ReceiptError::Other));
}

#[test]
fn every_changed_bit_and_every_other_length_is_noticed() {
    let (statement, signature, key) = approval();
    let verify =
        |statement: &[u8], signature, key| Receipt::from_parts(statement, signature, key).verify(&Expected::any());
    assert!(verify(&statement, signature, key).is_ok());
    for bit in 0..statement.len() * 8 {
        let mut changed = statement.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&changed, signature, key).is_err(), "{bit}");
    }
    for bit in 0..64 * 8 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&statement, changed, key).is_err(), "{bit}");
    }
    for bit in 0..32 * 8 {
        let mut changed = key;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&statement, signature, changed).is_err(), "{bit}");
    }
    for length in 0..statement.len() {
        assert!(verify(&statement[..length], signature, key).is_err(), "{length}");
    }
    assert!(verify(&[statement.as_slice(), &[0]].concat(), signature, key).is_err());
}

#[test]
fn errors_have_one_number_and_say_what_is_wrong() {
    for error in [ReceiptError::Form, ReceiptError::NotCounted, SignedError::Signature.into()] {
        assert_eq!(error.code(), 169);
        assert!(!error.to_string().is_empty());
    }
}

#[cfg(feature = "relying-party")]
mod from_json {
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::{Value, json};

    use super::*;

    fn receipt((statement, signature, key): &(Vec<u8>, [u8; 64], [u8; 32])) -> Value {
        json!({
            "statement": BASE64URL_NOPAD.encode(statement),
            "signature": BASE64URL_NOPAD.encode(signature),
            "publicKey": BASE64URL_NOPAD.encode(key),
        })
    }

    fn verify(json: &Value, expected: &Expected<'_>) -> Result<Act, ReceiptError> {
        Receipt::from_json(&json.to_string())?.verify(expected).map(|proved| proved.act)
    }

    #[test]
    fn it_is_read_alone_from_a_history_and_from_a_confirmation() {
        let receipt = receipt(&approval());
        let (token, device, confirmation) = ("ab".repeat(16), "01020304", "0707070707070707");
        let detail = json!({ "state": "approved", "confirmation": confirmation });
        let item = json!({
            "id": "7", "type": "confirmation.answered", "token": token, "device": device, "detail": detail,
            "receipt": receipt,
        });
        let told = json!({
            "confirmation": confirmation, "id": "joe", "text": TEXT, "state": "approved", "receipt": receipt,
        });
        for json in [&receipt, &item, &told] {
            assert_eq!(verify(json, &Expected::approval(TEXT)), Ok(Act::Approved), "{json}");
        }
        for (json, name, value) in [
            (&item, "token", json!("00".repeat(16))),
            (&item, "device", json!("01020305")),
            (&item, "detail", json!({ "confirmation": "0707070707070708" })),
            (&told, "confirmation", json!("0707070707070708")),
            (&told, "text", json!("another")),
        ] {
            let mut changed = json.clone();
            changed[name] = value;
            assert_eq!(verify(&changed, &Expected::any()), Err(ReceiptError::Beside), "{changed}");
        }
    }

    #[test]
    fn what_was_signed_and_did_not_count_is_not_what_was_expected() {
        let told = |state: &str| json!({ "state": state, "receipt": receipt(&approval()) });
        for state in ["duress", "denied", "pending", "expired", "cancelled", ""] {
            assert_eq!(verify(&told(state), &Expected::approval(TEXT)), Err(ReceiptError::NotCounted), "{state}");
            assert_eq!(verify(&told(state), &Expected::any().text(TEXT)), Ok(Act::Approved));
        }
        let forced =
            json!({ "type": "token.duress", "detail": { "state": "duress" }, "receipt": receipt(&approval()) });
        assert_eq!(verify(&forced, &Expected::approval(TEXT)), Err(ReceiptError::NotCounted));
        let opened = receipt(&parts(Op::Open, Extension::None));
        let refused = json!({ "type": "token.not_executed", "detail": {}, "receipt": opened });
        assert_eq!(verify(&refused, &Expected::any().act(Act::Opened)), Err(ReceiptError::NotCounted));
        assert_eq!(verify(&refused, &Expected::any()), Err(ReceiptError::NotCounted), "whatever was expected");
        let opened = json!({ "type": "token.opened", "detail": {}, "receipt": opened });
        assert_eq!(verify(&opened, &Expected::any().act(Act::Opened)), Ok(Act::Opened));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let genuine = receipt(&approval());
        for name in ["statement", "signature", "publicKey"] {
            let text = genuine[name].as_str().unwrap().to_owned();
            for at in 0..text.len() {
                for other in ["A", "B", "_", "=", "+", "\u{e9}", ""] {
                    let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                    if changed == text {
                        continue;
                    }
                    let mut receipt = genuine.clone();
                    receipt[name] = changed.into();
                    assert!(verify(&receipt, &Expected::any()).is_err(), "{name} {at} {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_receipt_is_refused() {
        let genuine = receipt(&approval());
        let mut without = genuine.clone();
        without["signature"] = json!(7);
        let mut long = genuine.clone();
        long["statement"] = BASE64URL_NOPAD.encode(&[0; 300]).into();
        for json in [json!(null), json!([]), json!({}), json!("x"), json!({ "receipt": 1 }), without, long] {
            assert_eq!(verify(&json, &Expected::any()), Err(ReceiptError::Form), "{json}");
        }
        for text in ["", "{", "\u{0}", &format!("{genuine}{}", " ".repeat(70_000)), &"[".repeat(60_000)] {
            assert_eq!(Receipt::from_json(text), Err(ReceiptError::Form));
        }
    }
}

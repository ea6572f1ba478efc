use super::*;

/// Of the published vectors: a text was approved, and a token was opened.
const KEY: &str = "wFDFY3pE-oYp__PMzOIwDLNipj2Z2V_FQUUmb0MyRFo";
const TEXT: &str = "Pay 20 \u{20ac} to Ada";
const APPROVED: (&str, &str) = (
    "Y2FyZGVhMSBzdG10BQIA0klrCAcGBQQDAgENDAsKcHBwcHBwcHBwcHBwcHBwcNDQ0NCxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsQkJCQkJCQkJFHGmVcuYib_omxetYHR8haV2ypDIVygmmEQMUHva3Nw",
    "RXJZlDLUt4hsU9hploCeTreefPs75G0fMl8a_9F0l8Ybt6z1bwH6us_3ZlfpD6naMvrv3NWPWvrL6uq_Sz9DBw",
);
const OPENED: (&str, &str) = (
    "Y2FyZGVhMSBzdG10AQkA0klrCAcGBQQDAgENDAsKcHBwcHBwcHBwcHBwcHBwcNDQ0NCxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsQ",
    "Pq9oHyqZRlBJ_X1dp6ODkIBCxZWZwtjsFPMjyvkaxR5HwIo0XT8Sy4sxmaqMaS2YN7ITbM0-7Yul67PCq052Bg",
);
const AT: u64 = 1_800_000_000;

fn json((statement, signature): (&str, &str), key: &str) -> String {
    format!(r#"{{"statement":"{statement}","signature":"{signature}","publicKey":"{key}"}}"#)
}

fn any() -> ReceiptExpectation {
    ReceiptExpectation::default()
}

fn code(json: &str, expected: ReceiptExpectation) -> u32 {
    let error = verify_receipt(json, expected).unwrap_err();
    assert!(matches!(error, CardeaError::RelyingParty { .. }), "{error}");
    error.number()
}

#[test]
fn a_receipt_proves_what_was_signed() {
    let proved = verify_receipt(&json(APPROVED, KEY), any()).unwrap();
    assert_eq!((proved.deed, proved.at), (Deed::Approved, AT));
    assert_eq!((proved.token.as_str(), proved.device.as_str()), ("70".repeat(16).as_str(), "d0d0d0d0"));
    assert_eq!(proved.confirmation.as_deref(), Some("0909090909090909"));
    assert_eq!((proved.public_key.len(), proved.public_key[0]), (32, 0xc0));
    let all = ReceiptExpectation {
        deed: Some(Deed::Approved),
        text: Some(TEXT.to_owned()),
        public_key: Some(proved.public_key.clone()),
        confirmation: proved.confirmation.clone(),
        token: Some(proved.token.clone()),
        device: Some(proved.device.clone()),
        not_before: Some(AT),
        not_after: Some(AT),
    };
    assert_eq!(verify_receipt(&json(APPROVED, KEY), all), Ok(proved));
    let opened = verify_receipt(&json(OPENED, KEY), any()).unwrap();
    assert_eq!((opened.deed, opened.confirmation), (Deed::Opened, None));
}

#[test]
fn every_expectation_counts() {
    let text = |text: &str| Some(text.to_owned());
    for other in [
        ReceiptExpectation { deed: Some(Deed::Denied), ..any() },
        ReceiptExpectation { text: text("Pay 20 \u{20ac} to Eva"), ..any() },
        ReceiptExpectation { text: text(""), ..any() },
        ReceiptExpectation { public_key: Some(vec![7; 32]), ..any() },
        ReceiptExpectation { confirmation: text("0909090909090908"), ..any() },
        ReceiptExpectation { token: text(&"71".repeat(16)), ..any() },
        ReceiptExpectation { device: text("d0d0d0d1"), ..any() },
        ReceiptExpectation { not_before: Some(AT + 1), ..any() },
        ReceiptExpectation { not_after: Some(AT - 1), ..any() },
        ReceiptExpectation { not_before: Some(AT + 1), not_after: Some(AT - 1), ..any() },
    ] {
        assert_eq!(code(&json(APPROVED, KEY), other.clone()), 169, "{other:?}");
    }
    assert_eq!(code(&json(OPENED, KEY), ReceiptExpectation { text: text(TEXT), ..any() }), 169);
}

#[test]
fn what_no_receipt_can_have_is_the_programs_mistake() {
    let text = |text: &str| Some(text.to_owned());
    for never in [
        ReceiptExpectation { deed: Some(Deed::Other), ..any() },
        ReceiptExpectation { public_key: Some(vec![7; 31]), ..any() },
        ReceiptExpectation { confirmation: text("090909090909090"), ..any() },
        ReceiptExpectation { confirmation: text("+909090909090909"), ..any() },
        ReceiptExpectation { token: text(""), ..any() },
        ReceiptExpectation { device: text("d0d0d0d0d0"), ..any() },
        ReceiptExpectation { device: text("\u{e4}\u{e4}\u{e4}\u{e4}"), ..any() },
    ] {
        assert_eq!(code(&json(APPROVED, KEY), never.clone()), 161, "{never:?}");
    }
}

#[test]
fn what_is_no_receipt_or_was_changed_proves_nothing() {
    let whole = json(APPROVED, KEY);
    for length in 0..whole.len() {
        assert_eq!(code(&whole[..length], any()), 169, "{length}");
    }
    // The signature, the key and the statement, each of another.
    assert_eq!(code(&json((APPROVED.0, OPENED.1), KEY), any()), 169);
    assert_eq!(code(&json(APPROVED, &"A".repeat(43)), any()), 169);
    assert_eq!(code(&json((OPENED.0, APPROVED.1), KEY), any()), 169);
    let flipped = APPROVED.1.replacen('R', "S", 1);
    assert_eq!(code(&json((APPROVED.0, &flipped), KEY), any()), 169);
    for none in ["", "null", "[]", "{}", "\"receipt\"", "{\"receipt\":{}}", "\0", &"[".repeat(60_000)] {
        assert_eq!(code(none, any()), 169);
    }
    assert_eq!(code(&(whole.clone() + &" ".repeat(100_000)), any()), 169, "too long");
    assert!(verify_receipt(&(whole + &" ".repeat(1000)), any()).is_ok());
}

#[test]
fn what_stands_beside_a_receipt_is_heeded() {
    let item = |beside: &str| format!(r#"{{{beside}"receipt":{}}}"#, json(APPROVED, KEY));
    let approved = || ReceiptExpectation { deed: Some(Deed::Approved), ..any() };
    assert!(verify_receipt(&item(r#""state":"approved","device":"d0d0d0d0","#), approved()).is_ok());
    for beside in [r#""state":"denied","#, r#""device":"d0d0d0d1","#, r#""text":"Pay 21 € to Ada","#] {
        assert_eq!(code(&item(beside), approved()), 169, "{beside}");
    }
}

//! Only an approval is a yes.

use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider as _};
use cardea_protocol::statement::{Context, Extension, Statement};
use cardea_protocol::token::{DeviceId, TokenId};
use cardea_protocol::wire::Op;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::hostile::{Hostile, Reply, Then, json as answer};
use crate::receipt::{Expected, ReceiptError};
use crate::relying_party::{Answer, Confirmation, ConfirmationId, Question, RelyingPartyError};

const ID: &str = "7be0c34a9d52f806";
const TEXT: &str = "Bank: Pay 420.00 EUR to Ann";
const LIFETIME: Duration = Duration::from_secs(120);

fn id() -> ConfirmationId {
    ID.parse().unwrap()
}

fn told(state: &str) -> Value {
    json!({ "confirmation": ID, "id": "joe", "text": TEXT, "state": state, "expiresAt": 1_800_000_120 })
}

fn receipt(op: Op, id: [u8; 8], text: &str) -> Value {
    let (token, device) = (TokenId::new([0xab; 16]), DeviceId::new([1, 2, 3, 4]));
    let context = Context { generation: 1, sequence: 2, token, device, bind: [3; 32] };
    let extension = Extension::Confirmation { id: &id, text };
    let statement = Statement::new::<Dalek>(op, 0, 1_800_000_000, &context, extension);
    let seed = Secret::new([9; 32]);
    json!({
        "statement": BASE64URL_NOPAD.encode(statement.bytes()),
        "signature": BASE64URL_NOPAD.encode(&Dalek::ed25519_sign(&seed, statement.bytes())),
        "publicKey": BASE64URL_NOPAD.encode(&Dalek::ed25519_public(&seed)),
    })
}

fn with(mut told: Value, name: &str, value: Value) -> Value {
    told[name] = value;
    told
}

async fn seen(reply: impl Into<Reply>) -> Result<Confirmation, RelyingPartyError> {
    Hostile::new([reply.into()]).await.asked_by().confirmation(&id()).await
}

#[tokio::test]
async fn each_state_is_told_and_one_is_a_yes() {
    for (state, reason, expected) in [
        ("pending", None, Answer::Pending),
        ("approved", None, Answer::Approved),
        ("denied", None, Answer::Denied { not_me: false }),
        ("denied", Some("not-me"), Answer::Denied { not_me: true }),
        ("denied", Some("cancelled"), Answer::Denied { not_me: false }),
        ("duress", None, Answer::Duress),
        ("expired", None, Answer::Expired),
        ("cancelled", None, Answer::Cancelled),
    ] {
        let body = with(told(state), "reason", json!(reason));
        let told = seen(answer(200, &body.to_string())).await.unwrap();
        assert_eq!((told.answer, told.answer.is_yes()), (expected, state == "approved"));
        assert_eq!((told.user.as_str(), told.text.as_str(), told.id), ("joe", TEXT, id()));
    }
}

#[tokio::test]
async fn an_approval_with_a_receipt_is_one_only_if_the_receipt_proves_it() {
    let approved = |receipt| answer(200, &with(told("approved"), "receipt", receipt).to_string());
    let right = receipt(Op::Confirm, *id().bytes(), TEXT);
    let told = seen(approved(right.clone())).await.unwrap();
    assert!(told.answer.is_yes());
    let proved = told.receipt.unwrap().verify(&Expected::approval(TEXT)).unwrap();
    assert_eq!((proved.at, proved.confirmation), (1_800_000_000, Some(*id().bytes())));

    let wrong = |receipt: Value, expected: ReceiptError| async move {
        let error = seen(approved(receipt)).await.unwrap_err();
        assert_eq!((error.code(), error), (169, RelyingPartyError::Receipt(expected)));
    };
    wrong(receipt(Op::Deny, *id().bytes(), TEXT), ReceiptError::Other).await;
    wrong(receipt(Op::Confirm, [0; 8], TEXT), ReceiptError::Other).await;
    let text = cardea_protocol::statement::SignedError::Text;
    wrong(receipt(Op::Confirm, *id().bytes(), "Bank: Pay 4.20"), text.into()).await;
    wrong(json!({}), ReceiptError::Form).await;
    wrong(json!(1), ReceiptError::Form).await;
    let signature = cardea_protocol::statement::SignedError::Signature;
    wrong(with(right, "signature", json!(BASE64URL_NOPAD.encode(&[0; 64]))), signature.into()).await;
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_no_yes() {
    let approved = told("approved").to_string();
    for body in [
        with(told("approved"), "confirmation", json!("0000000000000000")),
        with(told("approved"), "confirmation", json!("7BE0C34A9D52F806")),
        with(told("approved"), "confirmation", json!(7)),
        with(told("Approved"), "n", json!(0)),
        with(told("approved "), "n", json!(0)),
        with(told(""), "n", json!(0)),
        with(told("approved"), "text", json!(null)),
        with(told("approved"), "id", json!({})),
        json!([told("approved")]),
        json!("approved"),
        json!({ "state": "approved" }),
    ] {
        assert_eq!(seen(answer(200, &body.to_string())).await.unwrap_err().code(), 168, "{body}");
    }
    for reply in [
        answer(201, &approved),
        answer(404, &approved),
        answer(302, &approved),
        answer(200, &approved[..approved.len() - 1]),
        answer(200, &format!("{approved}x")),
        answer(200, &approved.replace("\"state\":\"approved\"", "\"state\":\"denied\",\"state\":\"approved\"")),
        answer(200, &format!("{approved}{}", " ".repeat(70_000))),
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{approved}"),
        answer(200, &approved).replace("application/json", "text/plain"),
        answer(200, &approved).replace("Content-Length: ", "Content-Length: 9"),
        approved.clone(),
        String::new(),
    ] {
        let error = seen(reply.as_str()).await.unwrap_err();
        assert_eq!(error.code(), 168, "{reply} {error}");
    }
    let bytes = answer(200, &approved).replace("joe", "\u{1}\u{1}\u{1}").into_bytes();
    let bytes: Vec<u8> = bytes.into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
    assert_eq!(seen(bytes.as_slice()).await.unwrap_err().code(), 168);
}

#[tokio::test]
async fn asking_says_what_is_to_be_approved_and_gives_a_number_for_the_answer() {
    let asked = json!({ "confirmation": ID, "state": "pending", "expiresAt": 1_800_000_120 });
    let server = Hostile::new([answer(200, &asked.to_string())]).await;
    let bank = server.asked_by();
    let pending = bank.confirm("joe", TEXT, LIFETIME).await.unwrap();
    assert_eq!((pending.id, pending.expires_at), (id(), 1_800_000_120));
    let question = Question {
        user: "joe",
        text: "Pay",
        lifetime: LIFETIME,
        relying_party: Some("Bank"),
        idempotency_key: Some("order-7"),
    };
    assert_eq!(bank.ask(question).await.unwrap(), pending);
    let body = |at: usize| -> Value {
        let request = server.requests()[at].clone();
        assert!(request.starts_with("POST /token/confirmation HTTP/1.1\r\n"), "{request}");
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let plain = json!({ "id": "joe", "service": "default_door", "text": TEXT, "expiresIn": 120 });
    assert_eq!(body(0), plain);
    let more = json!({
        "id": "joe", "service": "default_door", "text": "Pay", "expiresIn": 120, "relyingParty": "Bank",
        "idempotencyKey": "order-7",
    });
    assert_eq!(body(1), more);
    assert_eq!(bank.confirm("", TEXT, LIFETIME).await.unwrap_err().code(), 161);

    for body in [
        with(asked.clone(), "state", json!("approved")),
        with(asked.clone(), "confirmation", json!("x")),
        json!({ "confirmation": ID, "state": "pending" }),
    ] {
        let bank = Hostile::new([answer(200, &body.to_string())]).await.asked_by();
        assert_eq!(bank.confirm("joe", TEXT, LIFETIME).await.unwrap_err().code(), 168, "{body}");
    }
}

#[tokio::test]
async fn taking_back_tells_the_answer_that_was_there_already() {
    let ended = |state: &str, id: &str| answer(200, &json!({ "confirmation": id, "state": state }).to_string());
    for (state, expected) in [("cancelled", Answer::Cancelled), ("approved", Answer::Approved)] {
        let bank = Hostile::new([ended(state, ID)]).await.asked_by();
        assert_eq!(bank.cancel_confirmation(&id()).await, Ok(expected));
    }
    for reply in [ended("cancelled", "0000000000000000"), ended("?", ID), answer(200, "{}"), "1".to_owned()] {
        let bank = Hostile::new([reply.as_str()]).await.asked_by();
        assert_eq!(bank.cancel_confirmation(&id()).await.unwrap_err().code(), 168, "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_goes_on_over_failures_that_pass_until_there_is_an_answer() {
    let pending: Reply = answer(200, &told("pending").to_string()).into();
    let approved = answer(200, &told("approved").to_string()).into();
    let busy = "HTTP/1.1 503 X\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n".into();
    let server = Hostile::new([pending, busy, "garbage".into(), "".into(), approved]).await;
    let told = server.asked_by().await_confirmation(&id(), LIFETIME).await.unwrap();
    assert_eq!((told.answer, server.requests().len()), (Answer::Approved, 5));
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_patience_and_what_then_waits_is_no_yes() {
    let server = Hostile::new([answer(200, &told("pending").to_string())]).await;
    let once = server.asked_by().await_confirmation(&id(), Duration::ZERO).await.unwrap();
    assert_eq!((once.answer, server.requests().len()), (Answer::Pending, 1), "it is asked once");

    let server = Hostile::new([answer(200, &told("pending").to_string())]).await;
    let told = server.asked_by().await_confirmation(&id(), LIFETIME).await.unwrap();
    assert_eq!(told.answer, Answer::Pending);
    assert!(server.requests().len() < 60, "{}", server.requests().len());

    let server = Hostile::new([Reply { bytes: Vec::new(), then: Then::Hold }]).await;
    let lasting = server.asked_by().await_confirmation(&id(), LIFETIME).await;
    assert_eq!(lasting.unwrap_err(), RelyingPartyError::Timeout);

    let refused = answer(403, r#"{"error":"forbidden","message":"no"}"#);
    let server = Hostile::new([refused]).await;
    let refused = server.asked_by().await_confirmation(&id(), LIFETIME).await;
    assert_eq!((refused.unwrap_err(), server.requests().len()), (RelyingPartyError::Forbidden, 1));
}

#[test]
fn numbers_of_confirmations_have_one_spelling() {
    assert_eq!(id().to_string(), ID);
    for text in ["", "7be0c34a9d52f80", "7be0c34a9d52f8066", "7BE0C34A9D52F806", "7be0c34a9d52f80g", "../../status"] {
        assert_eq!(text.parse::<ConfirmationId>().unwrap_err().code(), 161, "{text}");
    }
}

//! Deliveries to a real receiver on loopback; time is the instance's clock.

use std::collections::VecDeque;

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::DeviceId;
use data_encoding::HEXLOWER;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::tests::{TestAdmin, joe, start, window};
use super::round::{BACKOFF, FAILURES_MAX, LEASE};
use super::*;
use crate::admin::{NewService, ServiceChange};
use crate::storage::Transaction;
use crate::storage::rows::{JournalFilter, TokenRows};
use crate::vault::testing::{Pin, TestDevice, TestVault};
use crate::vault::{Entry, PinAction, Stuck, Vault};

/// What arrived: head and body.
#[derive(Debug, Clone)]
struct Got {
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("json")
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().expect("text").to_owned()
    }

    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.expect("the header is there")
    }
}

/// A receiver that answers with the statuses it is given, and 204 when there are none left.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("http://{}/hook?a=b", listener.local_addr().expect("bound"));
        let (got, answers) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(VecDeque::new())));
        let (all, next) = (Arc::clone(&got), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let end = loop {
                    let mut buffer = [0; 4096];
                    let read = stream.read(&mut buffer).await.expect("read");
                    bytes.extend_from_slice(&buffer[..read]);
                    if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                        break end + 4;
                    }
                    assert!(read > 0, "the head is whole");
                };
                let head = String::from_utf8(bytes[..end].to_vec()).expect("text").to_lowercase();
                let length: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .and_then(|length| length.parse().ok())
                    .expect("a length");
                while bytes.len() < end + length {
                    let mut buffer = [0; 4096];
                    let read = stream.read(&mut buffer).await.expect("read");
                    assert!(read > 0, "the body is whole");
                    bytes.extend_from_slice(&buffer[..read]);
                }
                all.lock().expect("whole").push(Got { head, body: bytes[end..].to_vec() });
                let status = next.lock().expect("whole").pop_front().unwrap_or(204);
                let answer =
                    format!("HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, got, answers }
    }

    fn fail(&self, times: usize) {
        self.answers.lock().expect("whole").extend(std::iter::repeat_n(500, times));
    }

    fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().expect("whole"))
    }

    fn kinds(&self) -> Vec<String> {
        self.take().iter().map(Got::kind).collect()
    }
}

struct Hooked {
    test: TestAdmin,
    receiver: Receiver,
    service: Service,
    secret: String,
    vault: TestVault,
    device: TestDevice,
}

/// A service with a webhook and a device that has enrolled, which was delivered.
async fn hooked(silent_alarm: bool) -> Hooked {
    let (test, receiver) = (start().await, Receiver::start().await);
    let rules = crate::domain::rules::ServiceRules { silent_alarm, devices: 8, ..window(30) };
    let new = NewService { rules, webhook: Some(receiver.url.clone()), ..NewService::new("default_demo") };
    let stored = test.admin.create_service(new, Actor::Operator).await.expect("created");
    let (service, secret) = (stored.service, stored.webhook_secret.expect("a new webhook"));
    let (vault, device) = test.device(&service).await;
    assert_eq!(test.admin.deliver_webhook(service.id).await, Ok(1));
    assert_eq!(receiver.kinds(), ["token.enrolled"]);
    Hooked { test, receiver, service, secret, vault, device }
}

impl Hooked {
    async fn round(&self) -> usize {
        self.test.admin.deliver_webhook(self.service.id).await.expect("delivered")
    }

    async fn open(&self) {
        self.vault.open(&self.device, Pin::Normal).await.expect("answered");
    }

    async fn state(&self) -> WebhookState {
        self.test.admin.webhook_state(&self.service).await.expect("read").expect("a webhook")
    }
}

#[tokio::test]
async fn an_event_arrives_once_signed_and_padded() {
    let hooked = hooked(false).await;
    hooked.open().await;
    assert_eq!((hooked.round().await, hooked.round().await), (1, 0));
    let got = hooked.receiver.take().remove(0);
    assert!(got.head.starts_with("post /hook?a=b http/1.1\r\n"), "{}", got.head);
    assert_eq!(got.body.len(), crate::webhook::BLOCK);
    let json = got.json();
    assert_eq!(
        (json["type"].as_str(), json["id"].as_str()),
        (Some("token.opened"), Some(got.header("cardea-event-id")))
    );
    assert_eq!(json.get("receipt"), None);
    let time = got.header("cardea-timestamp");
    let mac = Dalek::hmac(hooked.secret.as_bytes(), &[time.as_bytes(), b".", &got.body]);
    assert_eq!(got.header("cardea-signature"), format!("v1={}", HEXLOWER.encode(mac.expose())));
}

/// What a PIN is entered for: with the second device of the token, and a confirmation that waits.
type Asked = fn(DeviceId, [u8; 8]) -> PinAction;

#[tokio::test]
async fn duress_is_told_in_as_many_calls_of_the_same_size() {
    let asked: [(&str, Asked); 7] = [
        ("token.opened", |_, _| PinAction::Open { win: 0 }),
        ("token.pins_changed", |_, _| TestDevice::other_pins()),
        ("token.key_rotated", |_, _| PinAction::Rotate),
        ("token.unenrolled", |_, _| PinAction::Unenroll),
        ("token.device_revoked", |second, _| PinAction::RevokeDevice(second)),
        ("token.not_executed", |_, _| PinAction::RevokeDevice(DeviceId::new([9; 4]))),
        ("confirmation.answered", |_, id| PinAction::Confirm { id }),
    ];
    for ((name, asked), silent_alarm) in asked.into_iter().flat_map(|asked| [(asked, false), (asked, true)]) {
        let mut seen = Vec::new();
        for pin in [Pin::Normal, Pin::Duress] {
            let hooked = hooked(silent_alarm).await;
            let add = crate::admin::EnrollOptions { replace_device: false, add_device: true };
            let second = hooked.vault.enroll(2, add).await;
            let waiting = hooked.vault.ask_text("Pay", 120).await.expect("asked");
            hooked.round().await;
            hooked.receiver.take();
            let action = asked(DeviceId::new(second.key.number), waiting.id);
            hooked.vault.pin(&hooked.device, pin, action).await.expect("answered");
            hooked.vault.close(&second).await.expect("answered");
            hooked.round().await;
            let got = hooked.receiver.take();
            assert_eq!(got[0].kind(), if pin == Pin::Duress { "token.duress" } else { name });
            seen.push(got.iter().map(|got| (got.head.len(), got.body.len())).collect::<Vec<_>>());
        }
        assert_eq!(seen[0], seen[1], "{name}");
    }
}

#[tokio::test]
async fn duress_that_begins_with_another_devices_end_is_an_alarm_too() {
    let mut seen = Vec::new();
    for (pin, expected) in [(Pin::Normal, "token.device_revoked"), (Pin::Duress, "token.duress")] {
        let hooked = hooked(true).await;
        let add = crate::admin::EnrollOptions { replace_device: false, add_device: true };
        let other = hooked.vault.enroll(2, add).await;
        hooked.round().await;
        hooked.receiver.take();
        let revoke = PinAction::RevokeDevice(DeviceId::new(other.key.number));
        hooked.vault.pin(&hooked.device, pin, revoke).await.expect("answered");
        assert_eq!(hooked.round().await, 1);
        let got = hooked.receiver.take();
        assert_eq!(got[0].kind(), expected);
        seen.push((got[0].head.len(), got[0].body.len()));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn what_failed_is_tried_again_later_and_the_tokens_later_events_wait_for_it() {
    let hooked = hooked(false).await;
    hooked.receiver.fail(1);
    hooked.open().await;
    hooked.vault.close(&hooked.device).await.expect("answered");
    let other = crate::domain::name::UserId::parse("other").expect("valid");
    let options = crate::admin::EnrollOptions::default();
    hooked.test.admin.enroll(&hooked.service, &other, options, Actor::Operator).await.expect("offered");
    hooked.test.admin.block(&hooked.service, &other, Actor::Operator).await.expect("blocked");
    assert_eq!(hooked.round().await, 1, "another token goes on");
    assert_eq!(hooked.receiver.kinds(), ["token.opened", "token.blocked"]);
    assert_eq!(hooked.round().await, 0, "not yet");
    hooked.test.admin.block(&hooked.service, &joe(), Actor::Operator).await.expect("blocked");
    assert_eq!(hooked.round().await, 0, "behind what waits");
    assert_eq!(hooked.state().await.waiting_tokens, 1);
    hooked.test.clock.advance(60);
    assert_eq!(hooked.round().await, 3);
    assert_eq!(hooked.receiver.kinds(), ["token.opened", "token.closed", "token.blocked"]);
    let state = hooked.state().await;
    assert_eq!((state.waiting_tokens, state.failures, state.last_error), (0, 0, None));
    hooked.test.clock.advance(600);
    assert_eq!(hooked.round().await, 0);
}

#[tokio::test]
async fn deliveries_and_what_waits_are_counted() {
    let mut hooked = hooked(false).await;
    let metrics = crate::metrics::Metrics::new();
    let admin = Admin::new(&hooked.test.instance, super::super::tests::settings()).expect("valid");
    hooked.test.admin = Arc::new(admin.with_metrics(&metrics));
    let counted = async || {
        hooked.test.admin.webhook_services().await.expect("read");
        let text = metrics.render();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name}: {text}"))
        };
        [
            value("cardea_webhook_deliveries_total{result=\"delivered\"}"),
            value("cardea_webhook_deliveries_total{result=\"refused\"}"),
            value("cardea_webhook_waiting_tokens"),
            value("cardea_webhook_backlog"),
            value("cardea_webhooks_disabled"),
        ]
    };
    assert_eq!(counted().await, [0, 0, 0, 0, 0]);
    hooked.open().await;
    hooked.vault.close(&hooked.device).await.expect("answered");
    assert_eq!(counted().await, [0, 0, 0, 2, 0]);
    hooked.receiver.fail(1);
    hooked.round().await;
    assert_eq!(counted().await, [0, 1, 1, 2, 0]);
    hooked.test.clock.advance(60);
    hooked.round().await;
    assert_eq!(counted().await, [2, 1, 0, 0, 0]);

    hooked.receiver.fail(FAILURES_MAX as usize);
    hooked.open().await;
    for _ in 0..FAILURES_MAX {
        hooked.round().await;
        hooked.test.clock.advance(1_000);
    }
    let [delivered, refused, waiting, backlog, disabled] = counted().await;
    assert_eq!((delivered, refused, disabled), (2, 1 + u64::from(FAILURES_MAX), 1));
    assert_eq!((waiting, backlog), (0, 0), "of those that are called");
}

#[tokio::test]
async fn a_webhook_that_fails_for_long_is_disabled_reported_and_enabled_again() {
    let hooked = hooked(false).await;
    hooked.receiver.fail(FAILURES_MAX as usize);
    hooked.open().await;
    let mut rounds = 0;
    while !hooked.state().await.disabled {
        hooked.round().await;
        hooked.test.clock.advance(BACKOFF.1 * 2);
        rounds += 1;
        assert!(rounds <= FAILURES_MAX + 1);
    }
    assert_eq!(hooked.receiver.take().len(), FAILURES_MAX as usize);
    assert!(hooked.state().await.last_error.is_some_and(|error| error.contains("500")));
    let filter = JournalFilter::Service(hooked.service.id);
    let rows = hooked.test.admin.read(move |vault, tx| vault.journal(tx, &filter, 0, 1_000)).await.expect("read");
    let reported: Vec<_> = rows.iter().filter_map(Entry::event).filter(|event| event.is_alert()).collect();
    assert_eq!(reported.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::WebhookDisabled]);
    assert_eq!(hooked.round().await, 0);
    assert_eq!(hooked.test.admin.webhook_services().await, Ok(vec![]));
    hooked.test.admin.enable_webhook(&hooked.service, Actor::Authkey(1)).await.expect("enabled");
    assert_eq!(hooked.round().await, 1, "nothing was lost meanwhile");
    assert_eq!(hooked.receiver.kinds(), ["token.opened"]);
}

#[tokio::test]
async fn each_wait_is_twice_as_long_up_to_ten_minutes_and_over_after_the_first_success() {
    let hooked = hooked(false).await;
    let id = hooked.service.id;
    let waits = async || {
        let delivery = hooked.test.admin.read(move |vault, tx| vault.delivery(tx, id)).await.expect("read");
        let delivery = delivery.expect("a webhook");
        let stuck = delivery.stuck.first().expect("a token waits").next_at.max(delivery.next_at);
        stuck.get() - hooked.test.admin.vault.reading().now().get()
    };
    hooked.receiver.fail(9);
    hooked.open().await;
    for expected in [30, 60, 120, 240, 480, 600, 600, 600, 600_u64] {
        assert_eq!(hooked.round().await, 0);
        assert_eq!(hooked.receiver.take().len(), 1, "one try, and no more before its time");
        let wait = waits().await;
        assert!((expected * 3 / 4..=expected * 5 / 4).contains(&wait), "{wait} is not about {expected}");
        hooked.test.clock.advance(wait - 1);
        assert_eq!((hooked.round().await, hooked.receiver.take().len()), (0, 0));
        hooked.test.clock.advance(1);
    }
    assert_eq!(hooked.round().await, 1);
    assert_eq!(hooked.receiver.kinds(), ["token.opened"]);
    hooked.receiver.fail(1);
    hooked.vault.close(&hooked.device).await.expect("answered");
    assert_eq!(hooked.round().await, 0);
    assert!((22..=38).contains(&waits().await), "it begins anew");
}

#[tokio::test]
async fn two_nodes_do_not_deliver_at_once_and_the_second_goes_on_where_the_first_died() {
    let hooked = hooked(false).await;
    hooked.open().await;
    let id = hooked.service.id;
    let claim = move |vault: &Vault, tx: &mut dyn Transaction| {
        let mut state = vault.delivery(tx, id)?.expect("a webhook");
        state.lease = ([9; 8], vault.reading().now().plus(LEASE));
        vault.put_delivery(tx, id, &mut state)
    };
    hooked.test.admin.write(claim).await.expect("claimed");
    assert_eq!(hooked.round().await, 0, "the other node has it");
    hooked.test.clock.advance(LEASE);
    assert_eq!(hooked.round().await, 1);
}

#[tokio::test]
async fn what_a_wrong_clock_has_put_off_is_not_waited_for() {
    let hooked = hooked(false).await;
    hooked.open().await;
    let (id, far) = (hooked.service.id, UnixSeconds::new(4_000_000_000));
    let token = hooked.test.admin.read(|_, tx| Ok(tx.token_ids()?)).await.expect("read")[0];
    let put_off = move |lease: UnixSeconds, next_at: UnixSeconds| {
        move |vault: &Vault, tx: &mut dyn Transaction| {
            let mut state = vault.delivery(tx, id)?.expect("a webhook");
            (state.lease, state.next_at) = (([9; 8], lease), next_at);
            state.stuck = vec![Stuck { token, seq: state.cursor + 1, tries: 1, next_at: far }];
            state.cursor = JournalRows::newest_journal(tx)?;
            vault.put_delivery(tx, id, &mut state)
        }
    };
    hooked.test.admin.write(put_off(far, far)).await.expect("put off");
    assert_eq!(hooked.round().await, 1);
    // Somebody who begins anew does not wait for a node that is gone.
    let now = hooked.test.clock.advance(1);
    hooked.vault.close(&hooked.device).await.expect("answered");
    hooked.test.admin.write(put_off(now.plus(LEASE), now.plus(BACKOFF.1))).await.expect("put off");
    assert_eq!(hooked.round().await, 0);
    hooked.test.admin.enable_webhook(&hooked.service, Actor::Operator).await.expect("enabled");
    assert_eq!(hooked.round().await, 1);
}

#[tokio::test]
async fn a_new_secret_and_the_old_one_sign_for_a_day() {
    let hooked = hooked(false).await;
    let service = hooked.service.clone();
    let renew = move |vault: &Vault, tx: &mut dyn Transaction| {
        vault.renew_webhook_secret(tx, &service, Actor::Operator, vault.reading())
    };
    hooked.test.admin.write(renew).await.expect("renewed");
    for (advance, signatures) in [(0, 2), (86_400, 1)] {
        hooked.test.clock.advance(advance);
        hooked.test.admin.block(&hooked.service, &joe(), Actor::Operator).await.expect("blocked");
        hooked.round().await;
        let got = hooked.receiver.take().remove(0);
        assert_eq!(got.header("cardea-signature").split(',').count(), signatures);
    }
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_says_what_is_wrong() {
    let hooked = hooked(false).await;
    assert_eq!(hooked.test.admin.test_webhook(&hooked.service).await.expect("sent"), None);
    assert_eq!(hooked.receiver.kinds(), ["webhook.test"]);
    // A redirect is no answer, and is not followed.
    hooked.receiver.answers.lock().expect("whole").push_back(302);
    let refused = hooked.test.admin.test_webhook(&hooked.service).await.expect("it was tried");
    assert!(refused.is_some_and(|text| text.contains("302")));
    let change = ServiceChange { webhook: Some(None), ..ServiceChange::default() };
    hooked.test.admin.update_service(&hooked.service.name, change, Actor::Operator).await.expect("changed");
    assert!(matches!(hooked.test.admin.test_webhook(&hooked.service).await, Err(AdminError::BadCall(_))));
    assert_eq!(hooked.test.admin.webhook_state(&hooked.service).await, Ok(None));
}

#[tokio::test]
async fn private_targets_are_refused_and_receivers_that_never_answer_are_given_up() {
    let hooked = hooked(false).await;
    let body = json!({});
    let call = |url| Call { url, id: "1", body: &body, secrets: &[], now: UnixSeconds::new(1) };
    assert_eq!(Caller::new(false).call(&call(&hooked.receiver.url)).await, Err(CallError::Private));
    assert!(hooked.receiver.take().is_empty(), "not even connected to");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}/", silent.local_addr().expect("bound"));
    let caller = Caller::new(true).with_timeout(Duration::from_millis(50));
    assert_eq!(caller.call(&call(&url)).await, Err(CallError::Timeout));
    drop(silent);
    assert_eq!(caller.call(&call(&url)).await, Err(CallError::Unreachable));
    let caller = Caller::new(true).with_timeout(Duration::from_secs(5));
    assert!(matches!(caller.call(&call("x")).await, Err(CallError::Address)));
}

#[tokio::test]
async fn tests_of_webhooks_wait_for_each_other_and_are_few() {
    let hooked = hooked(false).await;
    let (admin, service) = (&hooked.test.admin, &hooked.service);
    let own = admin.tests.enter(service.id, TESTS).expect("free");
    assert_eq!(admin.test_webhook(service).await, Err(AdminError::TooMany), "one at a time");
    drop(own);
    let others: Vec<_> =
        (1..=TESTS as u64).map(|other| admin.tests.enter(service.id + other, TESTS).expect("free")).collect();
    assert_eq!(admin.test_webhook(service).await, Err(AdminError::TooMany), "the instance has others to answer");
    assert!(hooked.receiver.take().is_empty());
    drop(others);
    assert_eq!(admin.test_webhook(service).await, Ok(None));
    assert_eq!(admin.test_webhook(service).await, Ok(None), "one that is over is in nobody's way");
}

#[tokio::test]
async fn a_damaged_row_ends_no_other_services_deliveries() {
    let hooked = hooked(false).await;
    let new = NewService { webhook: Some(hooked.receiver.url.clone()), ..NewService::new("other_demo") };
    let other = hooked.test.admin.create_service(new, Actor::Operator).await.expect("created").service;
    let id = hooked.service.id.to_string();
    let edit = move |_: &Vault, tx: &mut dyn Transaction| {
        tx.execute(
            "UPDATE delivery SET sealed = x'00' WHERE service = $1",
            &[crate::storage::Value::Int(id.parse().expect("one"))],
        )?;
        tx.execute(
            "UPDATE service SET sealed = x'00' WHERE id = $1",
            &[crate::storage::Value::Int(id.parse().expect("one"))],
        )?;
        Ok(())
    };
    hooked.test.admin.write(edit).await.expect("edited");
    assert_eq!(hooked.test.admin.webhook_services().await, Ok(vec![other.id]));
}

#[tokio::test]
async fn who_enables_a_webhook_is_told_what_retention_has_erased_meanwhile() {
    let hooked = hooked(false).await;
    assert_eq!(hooked.test.admin.enable_webhook(&hooked.service, Actor::Operator).await, Ok(0));
    hooked.round().await;
    hooked.receiver.fail(FAILURES_MAX as usize);
    hooked.open().await;
    while !hooked.state().await.disabled {
        hooked.round().await;
        hooked.test.clock.advance(BACKOFF.1 * 2);
    }
    hooked.test.clock.advance(2 * 86_400);
    let erase =
        |vault: &Vault, tx: &mut dyn Transaction| vault.erase_journal(tx, 1, u64::MAX, 1_000, vault.reading().now());
    hooked.test.admin.write(erase).await.expect("erased");
    // That it was opened, and that the webhook is disabled.
    assert_eq!(hooked.test.admin.enable_webhook(&hooked.service, Actor::Operator).await, Ok(2));
    let filter = JournalFilter::Service(hooked.service.id);
    let rows = hooked.test.admin.read(move |vault, tx| vault.journal(tx, &filter, 0, 1_000)).await.expect("read");
    let last = rows.last().and_then(Entry::event).expect("recorded");
    assert_eq!((last.kind, &last.detail["erased"]), (EventKind::WebhookEnabled, &json!(2)));
}

//! Devices in the process of the test, as tests in Rust have them, against a real server.

use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use cardea_emulator::engine::{Device, EngineError, Entry, Kind, Outcome, Standing};
use cardea_emulator::testing::Emulator;
use cardea_sdk::store::TokenKey;
use cardea_sdk::transport::BoxFuture;
use cardea_sdk::{Approval, DenyReason, DeviceStatus, EventKind, Pin, Status, WalletError};
use cardea_tests::harness::Site;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long something may take that must happen, before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A device with a token of `user`.
async fn enrolled(emulator: &Emulator, site: &Site, user: &str) -> Device {
    let device = emulator.add(user).await.expect("a free name");
    let invitation = device.invitation(&site.offer(user).link, None).await.expect("a link");
    device.enroll(&invitation).await.expect("enrolled");
    device
}

/// An opening whose holder is being asked, and waits.
async fn asked(emulator: &Emulator, phone: &Device) -> JoinHandle<Result<Status, EngineError>> {
    phone.human().set_usual(Outcome::Wait);
    let opening = {
        let phone = phone.clone();
        tokio::spawn(async move { phone.open(None, None).await })
    };
    until(emulator, || !phone.human().prompts().is_empty()).await;
    opening
}

/// Looks whenever something happens in the session, and gives up some time.
async fn until(emulator: &Emulator, holds: impl Fn() -> bool) {
    let waiting = async {
        loop {
            // Before looking, so that nothing is missed.
            let seen = emulator.journal().newest();
            if holds() {
                return;
            }
            emulator.journal().after(seen).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("it happens");
}

/// Looks how the token of a device stands at the very moment at which the journal has something new.
struct Reader {
    device: Device,
    token: TokenKey,
    reading: Mutex<BoxFuture<'static, ()>>,
    found: Mutex<Vec<Standing>>,
}

impl Reader {
    /// Does `what`, and says how the token stood whenever the journal told something of it.
    async fn during<T>(emulator: &Emulator, device: &Device, what: impl Future<Output = T>) -> Vec<Standing> {
        let token = device.list().await.expect("listed")[0].key;
        let journal = emulator.journal().clone();
        // Never over, so that it waits for the next entry whenever it is looked at.
        let reading: BoxFuture<'static, ()> = Box::pin(async move { journal.after(u64::MAX).await });
        let reader =
            Arc::new(Self { device: device.clone(), token, reading: Mutex::new(reading), found: Mutex::default() });
        reader.wait();
        what.await;
        let found = std::mem::take(&mut *reader.found.lock().expect("not poisoned"));
        assert!(!found.is_empty(), "the journal tells of it");
        found
    }

    fn wait(self: &Arc<Self>) {
        let waker = Waker::from(Arc::clone(self));
        let mut reading = self.reading.lock().expect("not poisoned");
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
}

impl Wake for Reader {
    fn wake(self: Arc<Self>) {
        self.found.lock().expect("not poisoned").push(self.device.standing(self.token));
        self.wait();
    }
}

/// What happened, without what the holder was asked.
fn happened(emulator: &Emulator) -> Vec<String> {
    let entries = emulator.journal().since(0).entries;
    let word = |kind| match kind {
        Kind::Token { event, .. } => Some(format!("{event:?}")),
        Kind::Done { what, failure } => {
            Some(failure.map_or(what.to_owned(), |(code, _)| format!("{what} failed: {code}")))
        }
        _ => None,
    };
    entries.into_iter().filter_map(|entry| word(entry.kind)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_who_was_told_nothing_has_the_right_pins() {
    let site = Site::dev();
    let emulator = Emulator::seeded(1).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    assert_eq!(site.status("joe"), 2);
    assert_eq!(phone.open(None, None).await.expect("opened").state, DeviceStatus::Open);
    assert_eq!(site.status("joe"), 1);
    assert_eq!(phone.close(None).await.expect("closed").state, DeviceStatus::Closed);
    assert_eq!(site.status("joe"), 2);
    phone.unenroll(None, Approval::Ask).await.expect("given up");
    assert_eq!(site.status("joe"), 0);
    assert!(phone.list().await.expect("listed").is_empty());
    let expected =
        ["Enrolled", "enroll", "Opened", "open", "Closed", "close", "Unenrolled", "unenroll"].map(str::to_owned);
    assert_eq!(happened(&emulator), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_do_what_a_test_says() {
    let site = Site::dev();
    let emulator = Emulator::seeded(2).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    let human = phone.human();

    human.next(Outcome::Cancel);
    assert!(matches!(phone.open(None, None).await, Err(EngineError::Wallet(WalletError::Cancelled))));
    human.next(Outcome::Fail);
    assert!(matches!(phone.open(None, None).await, Err(EngineError::Wallet(WalletError::Presence(_)))));
    assert_eq!(site.status("joe"), 2);

    human.next(Outcome::WrongPin);
    let refused = phone.open(None, None).await;
    assert!(matches!(refused, Err(EngineError::Wallet(WalletError::PinRejected { tries_left: 9 }))), "{refused:?}");
    assert_eq!(site.status("joe"), 2);

    human.next(Outcome::Duress);
    assert_eq!(phone.open(None, None).await.expect("opened, it seems").state, DeviceStatus::Open);
    assert_eq!(site.status("joe"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_waits_until_the_test_answers() {
    let site = Site::dev();
    let emulator = Emulator::seeded(3).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    let opening = asked(&emulator, &phone).await;
    assert_eq!(site.status("joe"), 2);
    let prompt = phone.human().prompts().remove(0);
    phone.human().answer(prompt.id, Outcome::Approve).expect("it waits");
    assert_eq!(opening.await.expect("no panic").expect("opened").state, DeviceStatus::Open);
    assert_eq!(site.status("joe"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_answered_by_who_holds_the_device() {
    let site = Site::dev();
    let emulator = Emulator::seeded(4).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    for text in ["Pay 20 EUR to Ann", "Pay 30 EUR to Ann"] {
        assert_eq!(site.call("confirmation", "joe", &json!({ "text": text })).code, 200);
    }
    let several = phone.approve(None, None, Approval::Ask).await;
    assert!(matches!(several, Err(EngineError::ManyConfirmations(ids)) if ids.len() == 2));
    let waiting = phone.confirmations(None).await.expect("listed");
    phone.approve(None, Some(&waiting[0].id()), Approval::Ask).await.expect("approved");
    phone.deny(None, None, DenyReason::NotMe).await.expect("denied");
    assert!(matches!(phone.approve(None, None, Approval::Ask).await, Err(EngineError::NoSuchConfirmation)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_watched_hears_what_happens_elsewhere() {
    let site = Site::dev();
    let emulator = Emulator::seeded(5).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    phone.watch().await.expect("watched");
    let from = emulator.journal().newest();
    assert_eq!(site.call("confirmation", "joe", &json!({ "text": "Pay 20 EUR to Ann" })).code, 200);
    let asked = |entry: &Entry| matches!(entry.kind, Kind::Token { event: EventKind::ConfirmationAsked, .. });
    until(&emulator, || emulator.journal().since(from).entries.iter().any(asked)).await;
    phone.rest();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_passes_when_the_test_says_so() {
    let mut site = Site::dev();
    let emulator = Emulator::seeded(6).expect("a session");
    emulator.time().freeze();
    emulator.time().set(site.time());
    let phone = enrolled(&emulator, &site, "joe").await;
    phone.open(None, Some(Duration::from_secs(16))).await.expect("opened");
    site.advance(17);
    emulator.time().advance(17);
    assert_eq!(phone.status(None).await.expect("answered").state, DeviceStatus::Closed);
    // A phone whose clock is a day behind works all the same, and its holder can be told.
    phone.clock().set_skew(-86_400);
    let status = phone.open(None, None).await.expect("opened");
    let difference = status.clock_difference(phone.now()).expect("it is far off");
    assert!((86_340..=86_460).contains(&difference), "{difference}");
    assert_eq!(site.status("joe"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_at_the_same_time_do_not_disturb_each_other() {
    let site = Arc::new(Site::dev());
    let all = (0..50_u64).map(|number| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let emulator = Emulator::seeded(number).expect("a session");
            let user = format!("user{number}");
            let phone = enrolled(&emulator, &site, &user).await;
            phone.open(None, None).await.expect("opened");
            // The names are free in every session.
            let other = emulator.add("phone").await.expect("a free name");
            assert!(other.list().await.expect("listed").is_empty());
            user
        })
    });
    for task in all.collect::<Vec<_>>() {
        let user = task.await.expect("no panic");
        assert_eq!(site.status(&user), 1, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_has_everything_in_order_of_a_device_that_is_watched_too() {
    let site = Site::dev();
    let emulator = Emulator::seeded(7).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    phone.watch().await.expect("watched");
    phone.open(None, None).await.expect("opened");
    let entries = happened(&emulator);
    let at = |word: &str| entries.iter().position(|entry| entry == word).unwrap_or_else(|| panic!("{entries:?}"));
    assert!(at("Opened") < at("open"), "{entries:?}");
    phone.rest();
    phone.close(None).await.expect("closed");
    let last = happened(&emulator);
    assert_eq!(last[last.len() - 2..], ["Closed", "close"].map(str::to_owned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_is_given_up_is_in_the_journal() {
    let site = Site::dev();
    let emulator = Emulator::seeded(8).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    let opening = asked(&emulator, &phone).await;
    opening.abort();
    assert!(opening.await.expect_err("given up").is_cancelled());
    let entries = emulator.journal().since(0).entries;
    assert!(entries.iter().any(|entry| entry.kind == Kind::GivenUp { what: "open" }), "{entries:?}");
    assert_eq!(phone.human().prompts(), []);
    assert_eq!(site.status("joe"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_in_the_journal_that_something_happened_finds_it_so() {
    let site = Site::dev();
    let emulator = Emulator::seeded(9).expect("a session");
    let phone = enrolled(&emulator, &site, "joe").await;
    let pin = Pin::new(b"274951").expect("that of a holder who was told nothing");

    assert_eq!(site.call("confirmation", "joe", &json!({ "text": "Pay 20 EUR to Ann" })).code, 200);
    let asked = Reader::during(&emulator, &phone, phone.status(None)).await;
    let at_the_end = asked.last().and_then(|standing| standing.said).map(|said| said.confirmations);
    assert_eq!(at_the_end, Some(1), "the journal said that it was asked");

    let stood = |found: Vec<Standing>| found.iter().map(|it| it.said.map(|said| said.state)).collect::<Vec<_>>();
    let opened = stood(Reader::during(&emulator, &phone, phone.open_with(None, None, pin)).await);
    assert!(
        opened.iter().all(|state| *state == Some(DeviceStatus::Open)),
        "the journal said that it is open: {opened:?}"
    );
    let closed = stood(Reader::during(&emulator, &phone, phone.close(None)).await);
    assert!(closed.iter().all(|state| *state == Some(DeviceStatus::Closed)), "and that it is closed: {closed:?}");
}

//! Confirmations, pushes, and what a device may read of its token, over real sockets.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::device::{Delivered, Intent};
use cardea_protocol::statement::STATEMENT_LEN;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{History, HistoryEntry, LargeReply, Op, Push, PushedConfirmation, Reply};
use cardea_server::admin::{Ask, Confirmation, ConfirmationState};
use cardea_server::domain::actor::Actor;

use crate::channel_support::*;

const ALL: u8 = 7;
const CONFIRMATIONS: u8 = 2;

async fn ask(world: &World, text: &str) -> Confirmation {
    let ask = Ask::new(text, Some("Bank"), Some(600)).expect("valid");
    world.admin().ask_confirmation(&world.service, &world.user, ask, Actor::Authkey(9)).await.expect("asked")
}

async fn state(world: &World, id: [u8; 8], sees_duress: bool) -> ConfirmationState {
    world.admin().confirmation(&world.service, id, sees_duress).await.expect("there").state
}

/// Asks for pushes in a session of its own, and hears the first ones.
pub(crate) async fn subscribe(phone: &mut Phone, world: &World, mask: u8) -> (Warm, Reply, Vec<PushedConfirmation>) {
    let Got::Reply(reply, Some(mut warm)) = phone.cold(world, &Intent::Subscribe { mask }).await else {
        panic!("no session")
    };
    let pushed = pushes(&mut warm).await;
    (warm, reply, pushed)
}

/// The confirmations that come before the next STATE.
async fn pushes(warm: &mut Warm) -> Vec<PushedConfirmation> {
    let mut pushed = Vec::new();
    loop {
        match warm.hear().await {
            Some(Delivered::Push(Push::Confirmation(push))) => pushed.push(push),
            Some(Delivered::Push(Push::State(_))) => return pushed,
            other => panic!("no push: {other:?}"),
        }
    }
}

async fn large(warm: &mut Warm, phone: &Phone, world: &World, intent: &Intent<'_>) -> LargeReply {
    let request = warm.session.request(&phone.record, intent, phone.time(world)).expect("a request");
    warm.wire.send(request.frame().bytes()).await;
    match warm.hear().await {
        Some(Delivered::Large(reply)) => reply,
        other => panic!("no large reply: {other:?}"),
    }
}

#[tokio::test]
async fn a_text_is_fetched_approved_with_a_pin_and_the_receipt_stands_alone() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    assert_eq!(phone.status(&world).await.waiting(), 0);
    let asked = ask(&world, "Pay 20 EUR to Ann").await;
    assert_eq!(phone.status(&world).await.waiting(), 1);
    let (warm, reply, pushed) = subscribe(&mut phone, &world, ALL).await;
    assert_eq!((reply.code, reply.aux), (Code::Ok, 0x0103), "no pushes of checks");
    let [push] = pushed.as_slice() else { panic!("{pushed:?}") };
    assert_eq!((push.id, push.index, push.relying_party), (asked.id, 0, 9));
    assert_eq!((push.text.as_str(), push.expires_at), ("Bank: Pay 20 EUR to Ann", world.now() + 600));
    drop(warm);

    let (key, text) = (phone.key(NORMAL), push.text.as_str());
    let reply = phone.ask(&world, &Intent::Confirm { index: 0, id: &push.id, text, key: &key }).await;
    assert_eq!((reply.code, reply.status, reply.waiting()), (Code::Ok, DeviceStatus::Closed, 0));
    let told = world.admin().confirmation(&world.service, asked.id, false).await.expect("there");
    assert_eq!(told.state, ConfirmationState::Approved);
    let receipt = world.admin().confirmation_receipt(&told).await.expect("read").expect("a receipt");
    assert_eq!(&receipt.statement[STATEMENT_LEN..STATEMENT_LEN + 8], asked.id);
    assert_eq!(&receipt.statement[STATEMENT_LEN + 8..], Dalek::sha256(&[text.as_bytes()]));
    assert!(Dalek::ed25519_verify(&receipt.key.expect("a key"), &receipt.statement, &receipt.signature));
}

#[tokio::test]
async fn a_text_is_approved_or_denied_in_a_session_too() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let (first, second) = (ask(&world, "Pay").await, ask(&world, "Pay more").await);
    let (mut warm, _, pushed) = subscribe(&mut phone, &world, CONFIRMATIONS | 1).await;
    assert_eq!(pushed.iter().map(|push| push.id).collect::<Vec<_>>(), [first.id, second.id]);
    let (key, wrong) = (phone.key(NORMAL), phone.key(WRONG));
    let confirm = |key| Intent::Confirm { index: 0, id: &pushed[0].id, text: pushed[0].text.as_str(), key };
    let frames = [confirm(&wrong), confirm(&key)].map(|intent| (intent.op(), intent));
    let mut codes = Vec::new();
    for (_, intent) in &frames {
        codes.push(reply_to(&mut warm, &phone, &world, intent).await.code);
    }
    assert_eq!(codes, [Code::PinRejected, Code::Ok]);
    let deny = Intent::Deny { index: 1, reason: 2, id: &pushed[1].id, text: pushed[1].text.as_str() };
    let reply = reply_to(&mut warm, &phone, &world, &deny).await;
    assert_eq!((reply.code, reply.waiting()), (Code::Ok, 0));
    assert_eq!(reply_to(&mut warm, &phone, &world, &deny).await.code, Code::ConfirmationUnknown);
    assert_eq!(state(&world, first.id, false).await, ConfirmationState::Approved);
    assert_eq!(state(&world, second.id, true).await, ConfirmationState::Denied { reason: 2 });
}

/// The reply to an operation in a session in which pushes come between.
async fn reply_to(warm: &mut Warm, phone: &Phone, world: &World, intent: &Intent<'_>) -> Reply {
    let request = warm.session.request(&phone.record, intent, phone.time(world)).expect("a request");
    warm.wire.send(request.frame().bytes()).await;
    loop {
        match warm.hear().await {
            Some(Delivered::Reply(reply)) => return reply,
            Some(Delivered::Push(_)) => {}
            other => panic!("no reply: {other:?}"),
        }
    }
}

#[tokio::test]
async fn another_text_than_the_one_that_waits_is_a_wrong_signature() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let asked = ask(&world, "Pay 20 EUR").await;
    let key = phone.key(NORMAL);
    let other = Intent::Confirm { index: 0, id: &asked.id, text: "Bank: Pay 2 EUR", key: &key };
    assert_eq!(phone.ask(&world, &other).await.code, Code::PinRejected);
    let deny = Intent::Deny { index: 0, reason: 0, id: &[1; 8], text: &asked.text };
    assert_eq!(phone.ask(&world, &deny).await.code, Code::Policy);
    let nothing = Intent::Confirm { index: 1, id: &asked.id, text: &asked.text, key: &key };
    let reply = phone.ask(&world, &nothing).await;
    assert_eq!((reply.code, reply.tries), (Code::ConfirmationUnknown, 9), "what does not wait costs no try");
    world.clock.advance(600);
    let late = Intent::Confirm { index: 0, id: &asked.id, text: &asked.text, key: &key };
    assert_eq!(phone.ask(&world, &late).await.code, Code::ConfirmationExpired);
    assert_eq!(state(&world, asked.id, false).await, ConfirmationState::Expired);
}

#[tokio::test]
async fn under_duress_the_device_sees_what_it_would_see_and_relying_parties_a_denial() {
    let mut told = Vec::new();
    for pin in [NORMAL, DURESS] {
        let world = World::new().await;
        let mut phone = world.enroll().await;
        let mut other = world.add_device().await;
        let asked = ask(&world, "Pay").await;
        let key = phone.key(pin);
        let mut seen = Vec::new();
        let confirm = Intent::Confirm { index: 0, id: &asked.id, text: &asked.text, key: &key };
        seen.push(format!("{:?}", phone.ask(&world, &confirm).await));
        let device = *other.record.device();
        let (mut warm, reply, pushed) = subscribe(&mut phone, &world, ALL).await;
        seen.push(format!("{reply:?} {pushed:?}"));
        let time = phone.time(&world);
        let request = warm.session.revoke_device(&phone.record, &key, device, time).expect("a request");
        warm.wire.send(request.frame().bytes()).await;
        seen.push(format!("{:?}", warm.plain().await));
        assert!(
            matches!(other.cold(&world, &Intent::Status).await, Got::Refused(reply) if reply.code == Code::NotEnrolled)
        );
        drop(warm);
        let mut warm = phone.warm(&world).await;
        for intent in [Intent::Devices, Intent::History { page: 0 }, Intent::History { page: 1 }, Intent::Info] {
            seen.push(format!("{:?}", large(&mut warm, &phone, &world, &intent).await));
        }
        // Ids are random.
        let (a, b) = (format!("{:?}", phone.record.device()), format!("{device:?}"));
        told.push(seen.into_iter().map(|line| line.replace(&a, "A").replace(&b, "B")).collect::<Vec<_>>());
        let (poor, rich) = (state(&world, asked.id, false).await, state(&world, asked.id, true).await);
        if pin == NORMAL {
            assert_eq!((poor, rich), (ConfirmationState::Approved, ConfirmationState::Approved));
        } else {
            assert_eq!((poor, rich), (ConfirmationState::Denied { reason: 0 }, ConfirmationState::Duress));
            let told = world.admin().confirmation(&world.service, asked.id, false).await.expect("there");
            assert_eq!((told.receipt, told.device), (None, None), "a statement would tell");
            assert_eq!(world.status().await, 3);
            world.admin().clear_duress(&world.service, &world.user, Actor::Operator).await.expect("cleared");
            assert!(matches!(other.recover().await, Got::Recovered(_)), "revoked in the shadow only");
            assert_eq!(other.status(&world).await.status, DeviceStatus::Closed);
        }
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_device_reads_names_devices_and_history() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let other = world.add_device().await;
    world.clock.advance(5);
    phone.open(&world, NORMAL).await;
    phone.open(&world, WRONG).await;
    world.clock.advance(1);
    world.admin().close(&world.service, &world.user, Actor::Operator).await.expect("closed");
    let mut warm = phone.warm(&world).await;
    let LargeReply::Info(_, info) = large(&mut warm, &phone, &world, &Intent::Info).await else { panic!("no info") };
    assert_eq!((info.service.as_str(), info.label.as_str()), ("default_demo", "joe"));
    let LargeReply::Devices(_, devices) = large(&mut warm, &phone, &world, &Intent::Devices).await else {
        panic!("no devices")
    };
    let mut known: Vec<_> = devices.0.into_iter().flatten().collect();
    known.sort_by_key(|entry| entry.flags);
    let [theirs, ours] = known.as_slice() else { panic!("{known:?}") };
    assert_eq!((theirs.device, theirs.flags, theirs.last_seen), (*other.record.device(), 1, world.now() - 6));
    assert_eq!((ours.device, ours.flags, ours.last_seen), (*phone.record.device(), 3, world.now()));
    let LargeReply::History(_, History(lines)) = large(&mut warm, &phone, &world, &Intent::History { page: 0 }).await
    else {
        panic!("no history")
    };
    let lines: Vec<HistoryEntry> = lines.into_iter().flatten().collect();
    let by_admin = cardea_protocol::token::DeviceId::new([0; 4]);
    let line = |time, op: Op, device| HistoryEntry { time, op: op.number(), device };
    let opened = line(world.now() - 1, Op::Open, *phone.record.device());
    assert_eq!(lines, [line(world.now(), Op::Close, by_admin), opened]);
    let LargeReply::Plain(reply) = large(&mut warm, &phone, &world, &Intent::Receipt { index: 0 }).await else {
        panic!("receipts hold signatures by PIN keys")
    };
    assert_eq!(reply.code, Code::Policy);
}

#[tokio::test]
async fn a_subscribed_device_is_told_of_what_happens_on_this_node_and_on_others() {
    let world = Setup::durable().start().await;
    let node = world.another_node().await;
    let (mut phone, mut other) = (world.enroll().await, world.add_device().await);
    let (mut warm, reply, pushed) = subscribe(&mut phone, &world, ALL).await;
    assert_eq!((reply.aux, pushed), (3, Vec::new()));
    let asked = ask(&world, "Pay").await;
    let pushed = pushes(&mut warm).await;
    assert_eq!(pushed.iter().map(|push| push.id).collect::<Vec<_>>(), [asked.id]);
    // Another device opens the token at another node.
    other.address = node.address;
    assert_eq!(other.open(&world, NORMAL).await.code, Code::Ok);
    let Some(Delivered::Push(Push::State(told))) = warm.hear().await else { panic!("no push") };
    assert_eq!((told.status, told.code, told.waiting()), (DeviceStatus::Open, Code::Ok, 1));
    assert_eq!(told.until, world.now() + WINDOW);
    // A wrong PIN looks the same from outside.
    assert_eq!(other.open(&world, WRONG).await.code, Code::PinRejected);
    assert!(matches!(warm.hear().await, Some(Delivered::Push(Push::State(_)))));
    // No more pushes once that is asked for.
    let reply = reply_to(&mut warm, &phone, &world, &Intent::Subscribe { mask: 0 }).await;
    assert_eq!(reply.aux & 0xff, 0);
    node.stop().await;
}

#[tokio::test]
async fn who_waits_for_the_short_string_is_told_nothing() {
    let rules = cardea_server::domain::rules::ServiceRules {
        short_string: cardea_protocol::token::ShortString::Required,
        ..rules()
    };
    let world = World::with(rules).await;
    let mut phone = world.enroll().await;
    let Got::Reply(reply, Some(mut warm)) = phone.cold(&world, &Intent::Subscribe { mask: ALL }).await else {
        panic!("no session")
    };
    assert_eq!((reply.code, reply.aux), (Code::Policy, 0));
    for intent in [Intent::Devices, Intent::History { page: 0 }] {
        let reply = large(&mut warm, &phone, &world, &intent).await;
        assert!(matches!(reply, LargeReply::Plain(reply) if reply.code == Code::Policy));
    }
}

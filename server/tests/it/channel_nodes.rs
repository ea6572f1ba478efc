//! Two servers over one database: whatever they do at the same time happens once.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Intent, Received};
use cardea_protocol::token::DeviceStatus;
use cardea_server::admin::Actor;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::domain::world::Window;
use cardea_server::vault::EventKind;
use tokio::task::JoinSet;

use crate::channel_confirmations::subscribe;
use crate::channel_support::*;

/// Runs every test on every database that two servers can share.
macro_rules! over_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test(super::Data::Folder).await; })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test(super::Data::Postgres).await; })* }
    };
}

over_both!(
    one_message_sent_to_both_runs_once_and_gets_one_reply,
    guesses_made_at_the_same_time_get_one_answer_cost_tries_and_prove_the_copy,
    a_single_use_opening_is_one_one_over_both_servers,
    a_session_on_one_server_is_fenced_by_a_handshake_on_the_other,
    both_servers_see_what_either_did,
    a_session_hears_what_was_done_on_the_other_server,
    a_session_that_looks_and_is_not_the_newest_is_told_so,
);

async fn one_message_sent_to_both_runs_once_and_gets_one_reply(data: Data) {
    let world = Setup::over(data).start().await;
    let other = world.another_node().await;
    let mut phone = world.enroll().await;
    for round in 1..=10 {
        let mut attempt = phone.start_open(&world, NORMAL);
        let mut copies = JoinSet::new();
        for copy in 0..6 {
            let address = if copy % 2 == 0 { world.address() } else { other.address };
            let frame = attempt.frame().bytes().to_vec();
            copies.spawn(async move { Wire::ask(address, &frame).await });
        }
        let replies = copies.join_all().await;
        assert!(replies[0].is_some() && replies.iter().all(|reply| reply == &replies[0]));
        match attempt.receive(&phone.record, replies[0].as_ref().expect("as it must be")) {
            Received::Answered(step) => phone.record = step.stored().0,
            other => panic!("{other:?}"),
        }
        assert_eq!(world.count(EventKind::Opened).await, round);
    }
    assert_eq!(other.status(&world.service, &world.user).await, 1);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
    other.stop().await;
}

/// Copies of one record guess PINs at the same time, at both servers.
async fn guess_together(world: &World, other: &Node, phone: &Phone, pins: &[String], seed: Option<u64>) -> Vec<Got> {
    let mut guesses = JoinSet::new();
    for (number, pin) in pins.iter().enumerate() {
        let address = if number % 2 == 0 { world.address() } else { other.address };
        let random = seed.map_or_else(Seeded::os, Seeded::new);
        let mut thief = Phone { random, address, ..phone.copy() };
        let mut attempt = thief.start_open(world, pin);
        guesses.spawn(async move { thief.deliver(&mut attempt).await });
    }
    guesses.join_all().await
}

async fn guesses_made_at_the_same_time_get_one_answer_cost_tries_and_prove_the_copy(data: Data) {
    // With equal randomness all sign one statement, each with another key: a thief's way to many guesses for one count.
    for seed in [None, Some(77)] {
        for thieves in [2, 5] {
            let world = Setup::over(data).start().await;
            let other = world.another_node().await;
            let mut phone = world.enroll().await;
            let pins: Vec<_> = (0..thieves).map(|number| format!("65039{number}")).collect();
            let got = guess_together(&world, &other, &phone, &pins, seed).await;
            let told = got.iter().filter(|got| matches!(got, Got::Reply(reply, _) if reply.code == Code::PinRejected));
            assert_eq!(told.count(), 1, "{got:?}");
            let silent = |got: &&Got| {
                matches!(got, Got::Closed) || matches!(got, Got::Refused(reply) if reply.code == Code::Blocked)
            };
            assert_eq!(got.iter().filter(silent).count(), thieves - 1, "{got:?}");
            assert_eq!(world.count(EventKind::PinRejected).await, 1);
            assert_eq!(world.count(EventKind::CloneProved).await, 1);
            assert_eq!((world.status().await, world.count(EventKind::Opened).await), (4, 0));
            let refused = phone.cold(&world, &Intent::Status).await;
            assert!(
                matches!(refused, Got::Closed)
                    || matches!(refused, Got::Refused(reply)
                if reply.code == Code::Blocked && (10 - thieves..10).contains(&usize::from(reply.tries)))
            );
            other.stop().await;
        }
    }
}

async fn a_single_use_opening_is_one_one_over_both_servers(data: Data) {
    let rules = ServiceRules { window: Window::new(0, 60), ..rules() };
    let world = Setup { rules, ..Setup::over(data) }.start().await;
    let other = world.another_node().await;
    let mut phone = world.enroll().await;
    for round in 1..=5 {
        assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
        let mut checks = JoinSet::new();
        for number in 0..24 {
            let admin = std::sync::Arc::clone(if number % 2 == 0 { &world.node.admin } else { &other.admin });
            let (service, user) = (world.service.clone(), world.user.clone());
            checks.spawn(async move {
                admin.status(&service, &user, Actor::Operator).await.expect("as it must be").number()
            });
        }
        let told = checks.join_all().await;
        assert_eq!(told.iter().filter(|status| **status == 1).count(), 1, "{told:?}");
        assert_eq!(world.count(EventKind::Consumed).await, round);
    }
    other.stop().await;
}

async fn a_session_on_one_server_is_fenced_by_a_handshake_on_the_other(data: Data) {
    let world = Setup::over(data).start().await;
    let other = world.another_node().await;
    let mut phone = world.enroll().await;
    let mut stuck = phone.warm(&world).await;
    let open = {
        let key = phone.key(NORMAL);
        *stuck
            .session
            .request(&phone.record, &Intent::Open { window: 0, key: &key }, world.now())
            .expect("as it must be")
            .frame()
            .bytes()
    };
    phone.address = other.address;
    assert_eq!(phone.ask(&world, &Intent::Close).await.code, Code::Ok);
    stuck.wire.send(&open).await;
    assert_eq!(stuck.wire.receive().await, None);
    assert_eq!(world.status().await, 2);
    // Neither does it hear anything, nor does a wrong PIN in it cost a try.
    for wrong in [false, true] {
        phone.address = world.address();
        let mut stuck = phone.warm(&world).await;
        phone.address = other.address;
        phone.status(&world).await;
        let key = phone.key(WRONG);
        let intent = if wrong { Intent::Open { window: 0, key: &key } } else { Intent::Status };
        assert_eq!(stuck.ask(&phone, &world, &intent).await, None);
    }
    assert_eq!(phone.status(&world).await.tries, 10);
    other.stop().await;
}

async fn both_servers_see_what_either_did(data: Data) {
    let world = Setup::over(data).start().await;
    let other = world.another_node().await;
    let mut phone = world.enroll().await;
    for (number, address) in [other.address, world.address(), other.address].into_iter().enumerate() {
        phone.address = address;
        assert_eq!(phone.open(&world, WRONG).await.tries, u8::try_from(9 - number).expect("as it must be"));
    }
    assert_eq!(phone.open(&world, NORMAL).await.status, DeviceStatus::Open);
    assert_eq!((world.status().await, other.status(&world.service, &world.user).await), (1, 1));
    // A key that only one of them has made is read by the other when it is needed.
    world.clock.advance(1);
    other.admin.rotate_keys(Actor::Operator).await.expect("as it must be");
    let identity = other.admin.server_identity().await.expect("as it must be");
    let record = cardea_protocol::wire::KeyRecord::decode(&identity.key_record).expect("as it must be");
    phone.record = phone.record.renew_server_key::<Dalek>(&record).expect("as it must be").stored().0;
    phone.address = world.address();
    assert_eq!(phone.status(&world).await.code, Code::Ok);
    other.stop().await;
}

async fn a_session_hears_what_was_done_on_the_other_server(data: Data) {
    let world = Setup::over(data).start().await;
    let other = world.another_node().await;
    let mut heard = None;
    world.admin().hear_other_nodes(&mut heard).await.expect("as it must be");
    let mut phone = world.enroll().await;
    let mut session = phone.warm(&world).await;
    world.admin().hear_other_nodes(&mut heard).await.expect("as it must be");
    assert_eq!(session.ask(&phone, &world, &Intent::Status).await.map(|reply| reply.code), Some(Code::Ok));
    other.admin.block(&world.service, &world.user, Actor::Operator).await.expect("as it must be");
    world.admin().hear_other_nodes(&mut heard).await.expect("as it must be");
    // The last frame says so, and then there is nothing.
    assert!(session.wire.receive().await.is_some());
    assert_eq!(session.wire.receive().await, None);
    other.stop().await;
}

async fn a_session_that_looks_and_is_not_the_newest_is_told_so(data: Data) {
    let world = Setup::over(data).start().await;
    let other = world.another_node().await;
    let mut phone = world.enroll().await;
    let (warm, ..) = subscribe(&mut phone, &world, 1).await;
    // What is opened at the other server is in the journal: this one looks what it has to tell.
    phone.address = other.address;
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    assert!(warm.ends_revoked().await);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_whose_clocks_differ_by_minutes_agree_on_what_is_open() {
    let world = Setup::over(Data::SkewedPostgres).start().await;
    let other = world.another_node().await;
    let mut phone = world.enroll().await;
    // By their own clocks an opening of the first would lie in the future of the second, and one of the second would be
    // over for the first.
    for address in [world.address(), other.address] {
        phone.address = address;
        assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
        assert_eq!((world.status().await, other.status(&world.service, &world.user).await), (1, 1));
        assert_eq!(phone.ask(&world, &Intent::Close).await.code, Code::Ok);
        assert_eq!((world.status().await, other.status(&world.service, &world.user).await), (2, 2));
    }
    other.stop().await;
}

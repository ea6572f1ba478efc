//! Every fault of the emulator's catalogue, against the real server and the real SDK: what the catalogue says comes true, nothing leads
//! to status 1 by mistake, nothing is done twice, and the token works afterwards.

mod bytes;
mod case;
mod clones;
mod frames;
mod holder;
mod net;
mod storage;
mod time;

use std::collections::BTreeSet;

use cardea_emulator::engine::Settings;
use cardea_emulator::faults::{Gate, Rule, catalogue};
use cardea_emulator::testing::Emulator;
use cardea_tests::harness::Site;

use case::Scene;

/// The names of the faults that are tested, from the tables that the tests run.
fn tested() -> BTreeSet<&'static str> {
    let tables = [net::CASES, bytes::CASES, frames::CASES, time::CASES, storage::CASES, holder::CASES];
    let alone = [net::ALONE, frames::ALONE, clones::ALONE, holder::ALONE].concat();
    tables.into_iter().flatten().map(|case| case.fault).chain(alone).collect()
}

#[test]
fn every_fault_of_the_catalogue_is_tested() {
    let tested = tested();
    let known: BTreeSet<_> = catalogue().map(|entry| entry.name).collect();
    let untested: Vec<_> = known.difference(&tested).collect();
    assert!(untested.is_empty(), "no test for {untested:?}");
    let unknown: Vec<_> = tested.difference(&known).collect();
    assert!(unknown.is_empty(), "tests for {unknown:?}, which there are not");
}

/// What a run of openings of which some lose their answers looks like.
async fn run(site: &Site, seed: u64, user: &str) -> Vec<bool> {
    let settings = Settings {
        seed: Some(cardea_emulator::engine::Seed::new(seed)),
        faults: Gate::loopback(),
        ..Settings::default()
    };
    let scene = Scene::with(site, Emulator::with(settings).expect("a session"), "phone", user).await;
    let mut happened = Vec::new();
    scene.arm(Rule::new("cancel").id("refused").prob(0.5));
    for _ in 0..12 {
        let before = scene.hits("refused");
        let opened = scene.phone.open(None, None).await;
        let is_hit = scene.hits("refused") > before;
        assert_eq!(opened.is_err(), is_hit, "{opened:?}");
        happened.push(is_hit);
    }
    happened
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_gives_the_same_run_and_another_one_another() {
    let site = Site::dev();
    let first = run(&site, 11, "ann").await;
    assert_eq!(run(&site, 11, "bob").await, first);
    assert_ne!(run(&site, 12, "cid").await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_not_started_for_faults_has_none() {
    let emulator = Emulator::seeded(1).expect("a session");
    let refused = emulator.faults().arm(Rule::new("refuse")).expect_err("nobody allowed it");
    assert!(refused.to_string().contains("start it with faults allowed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_see_no_faults_is_not_talked_to_while_any_are_armed() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    // The device knows its server by a name that is neither this machine's nor on the list.
    let tablet = scene.emulator.add("tablet").await.expect("a free name");
    let link = site.offer("ann").at_host("id.example.invalid");
    let invitation = tablet.invitation(&link, None).await.expect("a link");
    scene.arm(Rule::new("late").device("tablet"));
    let refused = tablet.enroll(&invitation).await.expect_err("it is not this machine");
    assert!(refused.to_string().contains("on the list of hosts that may see them"), "{refused}");
    // The other device is not concerned.
    scene.phone.open(None, None).await.expect("opened");
    let mut rule = Rule::new("late");
    rule.matches.host = Some("id.example".into());
    let refused = scene.emulator.faults().arm(rule).expect_err("it is not this machine");
    assert!(refused.to_string().starts_with("id.example is neither"), "{refused}");
}

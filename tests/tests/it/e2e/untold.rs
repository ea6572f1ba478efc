//! Emulators that are started again, and whose holders know a PIN only if everybody does.

use cardea_emulator::engine::{EngineError, Options, Outcome, Persona, Session, Settings};
use cardea_sdk::{Env, WalletError};
use cardea_tests::harness::{Instance, Site};
use serde_json::{Value, json};

/// The session of a folder, as a start of the emulator has it.
fn session(folder: &std::path::Path) -> Session {
    let options = Options { allow_test_argon2: true, ..Options::default() };
    Session::in_folder(folder, Settings { options, ..Settings::default() }, &Env::os()).expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_who_was_not_told_types_nothing_and_no_try_is_lost() {
    let (site, folder) = (Site::dev(), tempfile::tempdir().expect("a folder"));
    let first = session(folder.path());
    let phone = first.add("phone").await.expect("made");
    let invitation = phone.invitation(&site.offer("joe").link, None).await.expect("a link");
    phone.enroll_as(&invitation, Persona::new("918273", &["605172"]).expect("PINs")).await.expect("enrolled");
    let tries = phone.status(None).await.expect("a status").tries_left;
    drop((phone, first));

    let second = session(folder.path());
    let phone = second.add("phone").await.expect("opened");
    for outcome in [Outcome::Approve, Outcome::Duress, Outcome::WrongPin] {
        phone.human().next(outcome);
        let refused = phone.open(None, None).await.expect_err("nobody knows the PIN");
        let EngineError::Wallet(WalletError::Presence(why)) = &refused else { panic!("{refused}") };
        assert!(why.contains("say the PIN"), "{why}");
    }
    let other = phone.invitation(&site.offer("ann").link, None).await.expect("a link");
    assert!(phone.enroll(&other).await.is_err(), "no PINs are there to enroll with");
    assert_eq!(phone.status(None).await.expect("a status").tries_left, tries);
    assert_eq!(site.status("joe"), 2);
    phone.human().set_persona(Persona::new("918273", &["605172"]).expect("PINs"));
    phone.open(None, None).await.expect("opened");
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn a_pin_that_was_chosen_is_not_guessed_after_another_start() {
    let (site, it) = (Site::dev(), Instance::resting());
    let pin = it.path("pin");
    std::fs::write(&pin, "91827364\n").expect("written");
    let pin = ["--pin-file", pin.to_str().expect("text")];
    it.done(&["device", "new", "phone"]);
    let enrolled = it.done(&[&["-d", "phone", "enroll", &site.offer("joe").link][..], &pin].concat());
    assert_eq!(enrolled["wellKnownPins"], Value::Null);
    let tries = it.done(&["-d", "phone", "status"])["triesLeft"].clone();
    assert!(tries.is_u64(), "{tries}");

    it.run(&["up"]).ended(0);
    assert_eq!(it.done(&["device", "show", "phone"])["knowsPin"], false);
    // At no terminal nobody can be asked.
    assert_eq!(it.run(&["-d", "phone", "open"]).failed("pins").code, 2);
    assert_eq!(it.done(&["-d", "phone", "status"])["triesLeft"], tries);
    assert_eq!(site.status("joe"), 2);
    assert_eq!(it.done(&[&["-d", "phone", "open"][..], &pin].concat())["state"], "open");
    assert_eq!(site.status("joe"), 1);

    // A copy of it knows no more.
    it.done(&["device", "clone", "phone", "other"]);
    assert_eq!(it.done(&["device", "show", "other"])["knowsPin"], false);
    it.done(&["device", "reset", "other", "--yes"]);
    assert_eq!(it.done(&["device", "show", "other"])["knowsPin"], true);
}

#[test]
fn pins_that_everybody_knows_are_said_and_typed_after_another_start_until_others_are_chosen() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    it.done(&["device", "new", "phone"]);
    let enrolled = it.done(&["-d", "phone", "enroll", &site.offer("joe").link]);
    assert_eq!(enrolled["wellKnownPins"], json!({ "pin": "274951", "duressPin": "836402" }));
    it.done(&["down"]);
    it.run(&["up"]).ended(0);
    assert_eq!(it.done(&["device", "show", "phone"])["knowsPin"], true);
    assert_eq!(it.done(&["-d", "phone", "open"])["state"], "open");

    let pins = it.path("pins");
    std::fs::write(&pins, "274951\n605172\n").expect("written");
    it.done(&["-d", "phone", "change-pin", "--pin-file", pins.to_str().expect("text")]);
    it.done(&["-d", "phone", "close"]);
    assert_eq!(it.done(&["-d", "phone", "open"])["state"], "open", "the holder was told");
    it.done(&["down"]);
    it.run(&["up"]).ended(0);
    assert_eq!(it.done(&["device", "show", "phone"])["knowsPin"], false);
}

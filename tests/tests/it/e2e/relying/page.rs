//! `docs/sdk/relying-party.md`: its examples are the functions below, to the letter, and run against a real server.

use std::time::Duration;

use cardea_sdk::receipt::{Expected, Receipt, ReceiptError};
use cardea_sdk::relying_party::{Answer, RelyingEvent, RelyingParty, RelyingPartyError, TokenStatus};
use cardea_tests::harness::Site;

use super::super::page::{blocks, text};
use super::{PIN, office, run, url};

async fn door(server: &str, service: &str, authkey: String) -> Result<(), RelyingPartyError> {
    let door = RelyingParty::new(server, service, authkey)?;
    if door.is_open("joe").await {
        println!("come in");
    }
    Ok(())
}

async fn reception(door: &RelyingParty) -> Result<String, RelyingPartyError> {
    Ok(match door.status("joe").await? {
        TokenStatus::Open => "come in".to_owned(),
        TokenStatus::Duress => "raise the alarm, and do not show it".to_owned(),
        status => format!("not open: {}", status.number()),
    })
}

async fn pay(bank: &RelyingParty) -> Result<bool, RelyingPartyError> {
    let asked = bank.confirm("joe", "Pay 420.00 EUR to Ann", Duration::from_secs(120)).await?;
    let told = bank.await_confirmation(&asked.id, Duration::from_secs(120)).await?;
    Ok(told.answer == Answer::Approved)
}

fn proves(kept: &str, key: [u8; 32]) -> Result<u64, ReceiptError> {
    let expected = Expected::approval("Pay 420.00 EUR to Ann").public_key(key).within(1_600_000_000..=4_000_000_000);
    let proved = Receipt::from_json(kept)?.verify(&expected)?;
    Ok(proved.at)
}

async fn alarms(office: &RelyingParty) -> Result<RelyingEvent, RelyingPartyError> {
    let mut events = office.watch(None, &["token.duress", "token.blocked"]);
    loop {
        match events.next().await {
            Some(Ok(event)) => return Ok(event),
            Some(Err(error)) if error.may_pass() => eprintln!("not listening: {error}"),
            Some(Err(error)) => return Err(error),
            None => unreachable!("an error that cannot pass comes before the end"),
        }
    }
}

#[test]
fn the_page_shows_these_functions_and_they_do_what_it_says() {
    let (page, here) = (text("docs/sdk/relying-party.md"), include_str!("page.rs"));
    let shown: Vec<&str> = blocks(&page).filter(|(language, _)| *language == "rust").map(|(_, text)| text).collect();
    assert_eq!(shown.len(), 5);
    for block in shown {
        assert!(here.contains(block), "{block}");
    }

    let site = Site::dev();
    let device = site.enrolled("joe");
    let office = office(&site);
    assert_eq!(run(reception(&office)).unwrap(), "not open: 2");
    device.open(PIN).ended(0);
    assert_eq!(run(reception(&office)).unwrap(), "come in");
    run(door(&url(&site), &site.service, site.status_key.clone())).unwrap();

    let paid = std::thread::scope(|scope| {
        let paying = scope.spawn(|| run(pay(&office)));
        cardea_tests::harness::until("the question", || (device.run(&["approve"], &[PIN]).code == 0).then_some(()));
        paying.join().expect("it pays")
    });
    assert!(paid.unwrap());
    let history = site.look("history", "&id=joe").json();
    let items = history["items"].as_array().expect("a list");
    let kept = items.iter().find(|item| item["type"] == "confirmation.answered").expect("it is there").to_string();
    let key = *Receipt::from_json(&kept).unwrap().public_key();
    assert!(proves(&kept, key).unwrap() > 1_600_000_000);
    assert!(proves(&kept, [0; 32]).is_err());

    let alarm = std::thread::scope(|scope| {
        let listening = scope.spawn(|| run(alarms(&office)));
        // It may not listen yet when it is blocked for the first time.
        cardea_tests::harness::until("the alarm", || {
            for what in ["block", "unblock"] {
                assert_eq!(site.call(what, "joe", &serde_json::json!({})).code, 200);
            }
            listening.is_finished().then_some(())
        });
        listening.join().expect("it listens")
    });
    assert_eq!(alarm.unwrap().kind, "token.blocked");
}

//! The SDK's relying party against real servers.

mod page;

use std::process::Command;
use std::time::Duration;

use cardea_sdk::receipt::{Act, Expected, Receipt, ReceiptError};
use cardea_sdk::relying_party::{Answer, Question, RelyingParty, RelyingPartyError, TokenStatus, Unknown, Watch};
use cardea_tests::harness::{Authority, Site, output};
use serde_json::{Value, json};

const PIN: &str = Site::PIN;
const WRONG: &str = "55018243";
const DURESS: &str = "83640275";
/// What is waited for comes sooner.
const PATIENCE: Duration = Duration::from_secs(60);

fn run<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(what)
}

fn url(site: &Site) -> String {
    format!("http://{}", site.http())
}

/// Who may ask for statuses only.
fn door(site: &Site) -> RelyingParty {
    RelyingParty::new(&url(site), &site.service, site.status_key.as_str()).expect("set up")
}

/// Who may do everything.
fn office(site: &Site) -> RelyingParty {
    RelyingParty::new(&url(site), &site.service, site.admin_key.as_str()).expect("set up")
}

fn status(site: &Site, user: &str) -> Result<TokenStatus, RelyingPartyError> {
    run(door(site).status(user))
}

fn is_let_in(site: &Site, user: &str) -> (bool, bool) {
    run(async { (door(site).is_open(user).await, door(site).gate(user).await) })
}

#[test]
fn every_status_is_told_and_one_of_them_lets_in() {
    let mut site = Site::dev();
    let _ = site.offer("new");
    let device = site.enrolled_with("joe & co+%", &[PIN, DURESS]);
    let blocked = site.enrolled("blocked");
    assert_eq!(site.call("block", "blocked", &json!({})).code, 200);
    for (user, expected) in
        [("new", TokenStatus::NotEnrolled), ("joe & co+%", TokenStatus::Closed), ("blocked", TokenStatus::Blocked)]
    {
        assert_eq!((status(&site, user), is_let_in(&site, user)), (Ok(expected), (false, false)), "{user}");
    }
    assert_eq!(status(&site, "nobody"), Err(RelyingPartyError::Unknown(Unknown::Token)));
    assert_eq!(is_let_in(&site, "nobody"), (false, false));
    blocked.open(PIN).failed("blocked");
    device.open(PIN).ended(0);
    assert_eq!((status(&site, "joe & co+%"), is_let_in(&site, "joe & co+%")), (Ok(TokenStatus::Open), (true, true)));
    site.advance(60);
    assert_eq!(
        (status(&site, "joe & co+%"), is_let_in(&site, "joe & co+%")),
        (Ok(TokenStatus::Closed), (false, false))
    );
    device.open(DURESS).ended(0);
    assert_eq!(
        (status(&site, "joe & co+%"), is_let_in(&site, "joe & co+%")),
        (Ok(TokenStatus::Duress), (false, false))
    );
    site.kill();
    assert_eq!(status(&site, "joe & co+%").unwrap_err().code(), 166);
    assert_eq!(is_let_in(&site, "joe & co+%"), (false, false));
}

#[test]
fn a_silent_alarm_lets_in_and_tells_who_may_know() {
    let mut site = Site::dev();
    let silent = json!({ "service": "default_till", "silentAlarm": true, "window": 3600 });
    assert_eq!(site.manage("service/create", &silent).code, 200);
    site.service = "default_till".to_owned();
    let device = site.enrolled_with("joe", &[PIN, DURESS]);
    device.open(DURESS).ended(0);
    let till = office(&site);
    run(async {
        assert_eq!(till.status("joe").await, Ok(TokenStatus::Open));
        assert!(till.is_open("joe").await && till.gate("joe").await);
        let mut alarms = till.watch(Some(0), &["token.duress"]);
        assert_eq!(next(&mut alarms).await.1, "token.duress");
    });
}

#[test]
fn of_many_who_ask_at_once_one_is_let_in() {
    let site = Site::dev_with(&["--window", "0"]);
    let device = site.enrolled("joe");
    for _ in 0..4 {
        device.open(PIN).ended(0);
        let open = run(async {
            let mut calls = tokio::task::JoinSet::new();
            for number in 0..16 {
                let door = door(&site);
                calls.spawn(
                    async move { if number % 2 == 0 { door.is_open("joe").await } else { door.gate("joe").await } },
                );
            }
            calls.join_all().await
        });
        assert_eq!(open.into_iter().filter(|open| *open).count(), 1);
        assert_eq!(is_let_in(&site, "joe"), (false, false));
    }
}

#[test]
fn holders_approve_and_deny_and_the_receipt_proves_it_offline() {
    let mut site = Site::dev();
    let device = site.enrolled_with("joe", &[PIN, DURESS]);
    let bank = office(&site);
    let ask = |text: &'static str| {
        let key = text.replace([' ', '.'], "-");
        let question = Question {
            user: "joe",
            text,
            lifetime: Duration::from_secs(120),
            relying_party: Some("Bank"),
            idempotency_key: Some(&key),
        };
        let (first, again) = run(async { (bank.ask(question).await.unwrap(), bank.ask(question).await.unwrap()) });
        assert_eq!(first, again, "asked once");
        first.id
    };
    let answered = |id| run(bank.await_confirmation(&id, PATIENCE)).unwrap();

    let (yes, no) = (ask("Pay 20.00 EUR to Ann"), ask("Pay 30.00 EUR to Eva"));
    assert_eq!(run(bank.confirmation(&yes)).unwrap().answer, Answer::Pending);
    device.run(&["approve", "--id", &yes.to_string()], &[WRONG]).failed("pin-rejected");
    assert_eq!(run(bank.confirmation(&yes)).unwrap().answer, Answer::Pending);
    device.run(&["approve", "--id", &yes.to_string()], &[PIN]).ended(0);
    device.run(&["deny", "--id", &no.to_string(), "--reason", "not-me"], &[]).ended(0);
    let told = answered(yes);
    assert_eq!(
        (told.answer, told.user.as_str(), told.text.as_str()),
        (Answer::Approved, "joe", "Bank: Pay 20.00 EUR to Ann")
    );
    let receipt = told.receipt.expect("an approval has one");
    let proved = receipt.verify(&Expected::approval(&told.text).confirmation(*yes.bytes())).unwrap();
    assert_eq!(answered(no).answer, Answer::Denied { not_me: true });
    assert_eq!(run(bank.cancel_confirmation(&yes)), Ok(Answer::Approved), "it stays");

    // The history says the same, and its receipts are of the same key.
    let history = site.look("history", "&id=joe").json();
    let items = history["items"].as_array().expect("a list");
    let kept = items.iter().find(|item| item["detail"]["confirmation"] == yes.to_string()).map(ToString::to_string);
    let kept = Receipt::from_json(&kept.expect("it is there")).unwrap();
    let key = *receipt.public_key();
    assert_eq!(kept.verify(&Expected::approval(&told.text).public_key(key)).unwrap(), proved);
    assert_eq!(kept.verify(&Expected::any().act(Act::Denied)), Err(ReceiptError::Other));

    // Forced: looks the same on the device, and is none.
    let forced = ask("Pay 40.00 EUR to Mallory");
    device.run(&["approve", "--id", &forced.to_string()], &[DURESS]).ended(0);
    assert_eq!(answered(forced).answer, Answer::Duress);
    let history = site.look("history", "&id=joe").json();
    let items = history["items"].as_array().expect("a list");
    let signed =
        items.iter().find(|item| item["detail"]["confirmation"] == forced.to_string() && item["receipt"].is_object());
    let signed = Receipt::from_json(&signed.expect("it is there").to_string()).unwrap();
    let text = "Bank: Pay 40.00 EUR to Mallory";
    assert_eq!(signed.verify(&Expected::any()).unwrap().act, Act::Approved);
    assert_eq!(signed.verify(&Expected::approval(text)), Err(ReceiptError::NotCounted));

    let (late, back) = (ask("Pay 50.00 EUR"), ask("Pay 60.00 EUR"));
    assert_eq!(run(bank.cancel_confirmation(&back)), Ok(Answer::Cancelled));
    assert_eq!(answered(back).answer, Answer::Cancelled);
    site.advance(120);
    assert_eq!(answered(late).answer, Answer::Expired);
    let unknown = run(bank.confirmation(&"0000000000000000".parse().unwrap()));
    assert_eq!(unknown.unwrap_err(), RelyingPartyError::Unknown(Unknown::Confirmation));
    let refused = run(bank.confirm("joe", "two\nlines", Duration::from_secs(120))).unwrap_err();
    assert_eq!(refused.code(), 161, "{refused}");
    assert!(refused.to_string().contains("control characters"), "{refused}");
}

/// The next event, over streams that break; how often they did.
async fn next(watch: &mut Watch) -> (u64, String, usize) {
    let mut broke = 0;
    loop {
        match tokio::time::timeout(PATIENCE, watch.next()).await.expect("in time").expect("it goes on") {
            Ok(event) => return (event.id, event.kind, broke),
            Err(error) => {
                assert!(error.may_pass(), "{error}");
                broke += 1;
            }
        }
    }
}

#[test]
fn events_come_without_a_gap_over_restarts_of_the_server() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let mut watch = office(&site).watch(None, &["token.opened", "token.closed"]);
    // It begins before anything happens; that it has begun is seen by its number.
    while watch.position().is_none() {
        let begun = async { tokio::time::timeout(Duration::from_millis(100), watch.next()).await };
        assert!(runtime.block_on(begun).is_err(), "nothing has happened");
    }
    // The stream breaks before its first event, and everything happens while nobody listens.
    site.power_failure();
    device.open(PIN).ended(0);
    device.close().ended(0);
    site.power_failure();
    let opened = runtime.block_on(next(&mut watch));
    let closed = runtime.block_on(next(&mut watch));
    assert_eq!((opened.1.as_str(), closed.1.as_str()), ("token.opened", "token.closed"));
    assert!(opened.2 > 0 && opened.0 < closed.0, "{opened:?} {closed:?}");
    device.open(PIN).ended(0);
    let again = runtime.block_on(next(&mut watch));
    assert_eq!((again.1.as_str(), watch.position()), ("token.opened", Some(again.0)));

    // Who comes back later goes on behind what it has seen.
    let mut later = office(&site).watch(Some(opened.0), &["token.opened", "token.closed"]);
    assert_eq!(runtime.block_on(next(&mut later)).0, closed.0);
    assert_eq!(runtime.block_on(next(&mut later)).0, again.0);
    // Who may not is told once.
    let mut refused = door(&site).watch(None, &[]);
    let told = runtime.block_on(async { (refused.next().await, refused.next().await) });
    assert_eq!(told, (Some(Err(RelyingPartyError::Forbidden)), None));
}

#[test]
fn a_wrong_authkey_a_wrong_service_and_too_many_calls_let_nobody_in() {
    let limits = ["--window", "60", "--set", "limits.checks_per_token=3", "--set", "limits.wrong_authkeys=2"];
    let site = Site::dev_with(&limits);
    site.enrolled("joe").open(PIN).ended(0);
    let other = RelyingParty::new(&url(&site), "default_other", site.admin_key.as_str()).expect("set up");
    assert_eq!(run(other.status("joe")), Err(RelyingPartyError::Unknown(Unknown::Service)));
    assert_eq!((status(&site, "joe"), is_let_in(&site, "joe")), (Ok(TokenStatus::Open), (true, true)));
    let Err(RelyingPartyError::Throttled { retry_after }) = status(&site, "joe") else { panic!("not throttled") };
    assert!(retry_after <= Duration::from_secs(60));
    assert_eq!(is_let_in(&site, "joe"), (false, false));

    let stranger = RelyingParty::new(&url(&site), &site.service, "0123456789abcdef-wrong").expect("set up");
    for _ in 0..2 {
        assert_eq!(run(stranger.status("joe")), Err(RelyingPartyError::Forbidden));
    }
    assert!(!run(stranger.is_open("joe")) && !run(stranger.gate("joe")));
    assert_eq!(run(stranger.status("joe")).unwrap_err().code(), 164, "the address is not heard any more");
    assert_eq!(is_let_in(&site, "joe"), (false, false));
}

#[test]
fn https_is_asked_only_with_a_certificate_of_the_given_authority_for_the_right_name() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a folder"));
    let (certificate, key) = authority.certify(&["localhost"]).files(folder.path());
    let pem = std::fs::read(authority.file(folder.path())).expect("written");
    let (stranger, elsewhere) = (Authority::new(), tempfile::tempdir().expect("a folder"));
    let other = std::fs::read(stranger.file(elsewhere.path())).expect("written");
    let variable = |name: &str, path: std::path::PathBuf| (format!("CARDEA_{name}"), path.display().to_string());
    let site = Site::run_with(vec![variable("TLS_CERTIFICATE", certificate), variable("TLS_KEY", key)]);
    let port = site.http().port();
    let body = json!({ "id": "joe", "service": site.service, "authKey": site.admin_key, "qr": false }).to_string();
    let mut curl = Command::new("curl");
    curl.arg("-s").arg("--cacert").arg(folder.path().join("authority.pem")).args(["-d", &body]);
    let made = output(curl.arg(format!("https://localhost:{port}/token/enroll")));
    let made: Value = serde_json::from_str(&made.out).unwrap_or_else(|error| panic!("{error}: {made:?}"));
    let link = made["link"].as_str().expect("a link").to_owned();
    site.hide(std::slice::from_ref(&link));
    let device = site.device("joe");
    device.run(&["enroll", &link], &[PIN]).ended(0);
    device.open(PIN).ended(0);

    let asked = |url: String, pem: Option<&[u8]>| {
        let builder = RelyingParty::builder(&url, &site.service, site.status_key.as_str());
        let asked =
            pem.into_iter().fold(builder, |builder, pem| builder.root_certificate(pem)).build().expect("set up");
        run(async { (asked.status("joe").await, asked.is_open("joe").await, asked.gate("joe").await) })
    };
    let right = asked(format!("https://localhost:{port}"), Some(&pem));
    assert_eq!(right, (Ok(TokenStatus::Open), true, true));
    for (url, pem) in [
        (format!("https://localhost:{port}"), None),
        (format!("https://localhost:{port}"), Some(other.as_slice())),
        (format!("https://127.0.0.1:{port}"), Some(pem.as_slice())),
    ] {
        let (status, open, gate) = asked(url.clone(), pem);
        assert_eq!((status.unwrap_err().code(), open, gate), (166, false, false), "{url}");
    }
    // Without TLS nothing is there.
    let (status, open, gate) = asked(format!("http://localhost:{port}"), None);
    assert!(status.is_err() && !open && !gate);
}

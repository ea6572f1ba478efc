//! Live sessions against a real server: what others do is seen, and what happens to the connection.

use cardea_sdk::transport::auto::automatic;
use cardea_sdk::transport::websocket::WebSocketConnector;
use cardea_sdk::{DeviceStatus, Event, EventKind, Events, Invitation, NewPins, Pin, Token, Wallet, Window};
use cardea_tests::harness::Site;
use serde_json::json;

fn pin(digits: &str) -> Pin {
    Pin::new(digits.as_bytes()).expect("a PIN")
}

/// A wallet of its own with a token of `joe`.
async fn wallet(site: &Site) -> (Wallet, Token) {
    let connector = automatic(WebSocketConnector::new());
    let builder = Wallet::builder().allow_test_argon2(true).emulated(true).connector(std::sync::Arc::new(connector));
    let wallet = builder.open().await.expect("opens");
    let offer = site.offer_with("joe", &json!({ "addDevice": true }));
    let invitation = Invitation::from_link(&offer.link).expect("a link");
    let enrolled = wallet.enroll(&invitation, async |_| Ok(NewPins::normal(pin(Site::PIN)))).await;
    (wallet, enrolled.expect("enrolled").token)
}

/// Waits for an event; those before it are not in `never`.
async fn hear(events: &mut Events, kind: EventKind, never: &[EventKind]) {
    loop {
        match events.next().await {
            Some(Event::Token { kind: heard, .. }) if heard == kind => return,
            Some(Event::Token { kind: heard, .. }) => assert!(!never.contains(&heard), "{heard:?} before {kind:?}"),
            other => panic!("{other:?}"),
        }
    }
}

/// A service for several devices, and two of them; the first one is live.
async fn two_devices() -> (Site, (Wallet, Token), (Wallet, Token)) {
    let site = Site::dev();
    let changed = site.manage("service/update", &json!({ "devices": 4, "tellChecks": true }));
    assert_eq!(changed.code, 200, "{changed:?}");
    let (first, second) = (wallet(&site).await, wallet(&site).await);
    (site, first, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_to_the_token_is_heard() {
    let (mut site, (watching, token), (_other, phone)) = two_devices().await;
    let mut events = watching.events();
    let live = watching.go_live();
    hear(&mut events, EventKind::Closed, &[]).await;

    phone.open(pin(Site::PIN), Window::Service).await.expect("opened");
    hear(&mut events, EventKind::Opened, &[]).await;
    site.advance(5);
    phone.close().await.expect("closed");
    hear(&mut events, EventKind::Closed, &[]).await;

    assert_eq!(site.status("joe"), 2);
    hear(&mut events, EventKind::ClosedTokenChecked { count: 1 }, &[]).await;

    let asked = site.call("confirmation", "joe", &json!({ "text": "Pay 20 EUR to Ann" }));
    assert_eq!(asked.code, 200, "{asked:?}");
    hear(&mut events, EventKind::ConfirmationAsked, &[]).await;
    let waiting = token.confirmations().await.expect("fetched");
    assert_eq!(waiting[0].text(), "Pay 20 EUR to Ann");
    token.approve(&waiting[0], pin(Site::PIN)).await.expect("approved");

    assert_eq!(site.call("block", "joe", &json!({})).code, 200);
    hear(&mut events, EventKind::Blocked, &[EventKind::Revoked, EventKind::Offline]).await;
    assert_eq!(site.call("unblock", "joe", &json!({})).code, 200);
    live.wake();
    hear(&mut events, EventKind::Closed, &[EventKind::Revoked, EventKind::Offline]).await;

    // The other device takes this one out.
    site.advance(5);
    phone.revoke_device(token.key().device, pin(Site::PIN)).await.expect("revoked");
    hear(&mut events, EventKind::Revoked, &[EventKind::Offline]).await;
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_and_comes_is_offline_and_online_and_nothing_is_missed() {
    let (mut site, (watching, token), (_other, phone)) = two_devices().await;
    let mut events = watching.events();
    let live = watching.go_live();
    hear(&mut events, EventKind::Closed, &[]).await;
    for _ in 0..2 {
        site.kill();
        hear(&mut events, EventKind::Offline, &[EventKind::Online, EventKind::Revoked]).await;
        site.up();
        phone.open(pin(Site::PIN), Window::Service).await.expect("opened");
        live.wake();
        hear(&mut events, EventKind::Online, &[EventKind::Offline, EventKind::Revoked]).await;
        hear(&mut events, EventKind::Opened, &[EventKind::Offline]).await;
        // Operations of the device itself go on as ever, and its session comes back.
        site.advance(5);
        token.close().await.expect("closed");
        hear(&mut events, EventKind::Closed, &[EventKind::Offline]).await;
        site.advance(5);
    }
    phone.open(pin(Site::PIN), Window::Service).await.expect("opened");
    hear(&mut events, EventKind::Opened, &[EventKind::Offline]).await;
    let closed = watching.close_all().await.expect("listed");
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].1.as_ref().expect("closed").state, DeviceStatus::Closed);
    assert_eq!(site.status("joe"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_an_administrator_deletes_is_revoked() {
    let (site, (watching, _token), _other) = two_devices().await;
    let mut events = watching.events();
    let _live = watching.go_live();
    hear(&mut events, EventKind::Closed, &[]).await;
    assert_eq!(site.call("delete", "joe", &json!({})).code, 200);
    hear(&mut events, EventKind::Revoked, &[EventKind::Offline, EventKind::Blocked]).await;
}

//! Where webhooks may lead, and where not.

use std::net::TcpListener;

use cardea_tests::harness::{Receiver, Reply, Site};
use serde_json::{Value, json};

use super::{hook, site};

fn test(site: &Site) -> Value {
    let said = site.manage("webhook/test", &json!({}));
    assert_eq!(said.code, 200, "{said:?}");
    said.json()
}

fn admin_of_services(environment: &[(&str, &str)]) -> Site {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Site::run_with(environment.collect())
}

#[test]
fn nothing_private_is_called_whatever_it_is_written_like() {
    let site = admin_of_services(&[("CARDEA_WEBHOOK_ALLOW_HTTP", "true")]);
    let receiver = Receiver::plain();
    let port = receiver.address().port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
    ] {
        let stored = site.manage("service/update", &json!({ "webhook": format!("http://{host}:{port}/") }));
        assert_eq!(stored.code, 200, "{host}: {stored:?}");
        let said = test(&site);
        let error = said["error"].as_str().unwrap_or_default();
        assert!(said["delivered"] == false && error.contains("private"), "{host}: {said}");
        assert!(error.contains("webhook.allow_private"), "{said}");
    }
    assert_eq!(receiver.connections(), 0, "not even looked at");
}

#[test]
fn plain_http_is_refused_unless_it_is_allowed() {
    let site = admin_of_services(&[("CARDEA_WEBHOOK_ALLOW_PRIVATE", "true")]);
    let receiver = Receiver::plain();
    let refused = site.manage("service/update", &json!({ "webhook": receiver.url() }));
    assert!(refused.code == 400 && refused.text().contains("https"), "{refused:?}");
    let refused = site.tool(&["service", "update", &site.service, "--webhook", receiver.url()]);
    assert!(refused.code == Some(1) && refused.err.contains("https"), "{refused:?}");
    assert_eq!(site.look("webhook", "").code, 400, "there is none");
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_redirect_is_a_failure_and_leads_nowhere() {
    let site = site(&[]);
    let (receiver, elsewhere) = (Receiver::plain(), Receiver::plain());
    let to = elsewhere.url().to_owned();
    receiver.answer(move |_| Reply::Redirect(to.clone()));
    hook(&site, &receiver);
    let said = test(&site);
    assert!(said["error"].as_str().is_some_and(|error| error.contains("307")), "{said}");
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_name_with_several_addresses_is_reached_at_the_one_that_answers() {
    let site = site(&[]);
    let receiver = Receiver::plain();
    let port = receiver.address().port();
    hook(&site, &receiver);
    // The receiver is at the address of one family only, and this name may have another one first.
    let stored = site.manage("service/update", &json!({ "webhook": format!("http://localhost:{port}/hook") }));
    assert_eq!(stored.code, 200, "{stored:?}");
    assert_eq!(test(&site), json!({ "delivered": true }));
    let six = TcpListener::bind("[::1]:0").and_then(|listener| listener.local_addr());
    let Ok(six) = six else { return };
    // Nobody is at the port any more, in either family.
    let stored = site.manage("service/update", &json!({ "webhook": format!("http://localhost:{}/", six.port()) }));
    assert_eq!(stored.code, 200, "{stored:?}");
    let said = test(&site);
    assert!(said["error"].as_str().is_some_and(|error| error.contains("reached")), "{said}");
}

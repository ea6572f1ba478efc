//! The page at `/docs`, in a real browser.

use cardea_tests::harness::{Browser, Site, get, until};
use serde_json::Value;

#[test]
fn the_page_shows_every_call_and_tries_one_out_on_the_running_server() {
    let site = Site::dev();
    site.enrolled("joe").open(Site::PIN).ended(0);
    let description = get(site.http(), b"/docs/openapi.json").json();
    let calls: usize = members(&description["paths"]).map(|(_, methods)| members(methods).count()).sum();
    assert!(calls > 5, "{calls}");

    let browser = Browser::start();
    for path in ["/docs", "/docs/"] {
        browser.go(&format!("http://{}{path}", site.http()));
        until(&format!("{calls} calls on the page"), || {
            let shown = browser.run("return document.querySelectorAll('.opblock').length");
            (shown.as_u64() == u64::try_from(calls).ok()).then_some(())
        });
        assert_eq!(browser.complaints(), [""; 0], "{path}");
    }

    browser.click(".auth-wrapper .authorize");
    browser.fill("#api_key_value, .auth-container input", &site.status_key);
    browser.click(".auth-btn-wrapper .authorize");
    browser.click(".auth-btn-wrapper .btn-done");
    browser.click("#operations-Status-status .opblock-summary-control");
    browser.fill("#operations-Status-status tr[data-param-name=id] input", "joe");
    browser.fill("#operations-Status-status tr[data-param-name=service] input", &site.service);
    browser.click("#operations-Status-status .execute");
    let answer = "#operations-Status-status .live-responses-table .response";
    assert!(browser.text(&format!("{answer} .response-col_status")).starts_with("200"));
    let body = browser.text(&format!("{answer} .highlight-code pre"));
    assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), serde_json::json!({ "status": 1 }));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn links_of_the_page_lead_to_the_files() {
    let site = Site::dev();
    for (path, start) in [
        ("/docs/openapi.yaml", "# The source document"),
        ("/docs/openapi.json", "{\n  \"openapi\": \"3.0.3\""),
        ("/docs/insomnia.json", "{\n  \"_type\": \"export\""),
        ("/docs/reference.pdf", "%PDF-1."),
    ] {
        let answer = get(site.http(), path.as_bytes());
        assert_eq!(answer.code, 200, "{path}");
        assert!(answer.body.starts_with(start.as_bytes()), "{path}");
    }
    assert_eq!(get(site.http(), b"/docs/nothing").code, 404);
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

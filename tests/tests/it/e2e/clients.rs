//! Relying parties as they are in the field: what they take for open, and that nothing else makes them do so.

use std::net::SocketAddr;
use std::process::Command;

use cardea_tests::harness::{Answer, Site, output, raw, request};
use serde_json::{Value, json};

const PIN: &str = Site::PIN;

/// What each kind of client makes of an answer: whether the door opens.
fn verdicts(answer: &Answer) -> [bool; 3] {
    let text = answer.text();
    [
        // A login module: `curl -s … | grep 1`, whatever the code.
        text.contains('1'),
        // A pipeline step in shell: `[ "$(curl -s …)" == '{"status":1}' ]`.
        text.trim_end_matches('\n') == "{\"status\":1}",
        // A pipeline step in JavaScript: `JSON.parse(body).status === 1`, whatever the code, some excepted.
        serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body["status"].as_f64() == Some(1.0)),
    ]
}

/// Every client keeps the door closed.
#[track_caller]
pub(super) fn denied(answer: &Answer) {
    assert_eq!(verdicts(answer), [false; 3], "{answer:?}");
}

#[test]
fn every_client_opens_for_an_open_token_and_for_no_other() {
    let mut site = Site::dev();
    assert_eq!(site.ask("joe1").code, 404);
    denied(&site.ask("joe1"));
    let offer = site.offer("joe1");
    denied(&site.ask("joe1"));
    let device = site.device("joe1");
    device.run(&["enroll", &offer.link], &[PIN, "83640275"]).ended(0);
    denied(&site.ask("joe1"));
    device.open(PIN).ended(0);
    assert_eq!(verdicts(&site.ask("joe1")), [true; 3]);
    assert_eq!(site.call("block", "joe1", &json!({})).code, 200);
    denied(&site.ask("joe1"));
    assert_eq!(site.call("unblock", "joe1", &json!({})).code, 200);
    denied(&site.ask("joe1"));
    device.open("83640275").ended(0);
    assert_eq!(site.status("joe1"), 3);
    denied(&site.ask("joe1"));
    site.kill();
    denied(&site.ask("joe1"));
}

#[test]
fn no_failure_under_token_status_opens_a_door() {
    let site = Site::dev();
    // Its own name, its service's and its key's have the character that must not come back.
    site.enrolled("u11").open(PIN).ended(0);
    let (http, key) = (site.http(), &site.status_key);
    let good = site.status_target("u11");
    let query = |id: &str, service: &str, key: &str| format!("/token/status?id={id}&service={service}&authKey={key}");
    let long = "1".repeat(20_000);
    let targets = [
        (query("nobody1", &site.service, key), 404),
        (query("u11", "default_none1", key), 403),
        (query("u11", &site.service, "1111111111111111"), 403),
        (query("u11", &site.service, "1"), 403),
        (query("", &site.service, key), 400),
        (query("u11", "", key), 400),
        (query("u11", &site.service, ""), 403),
        (query("u11%zz1", &site.service, key), 400),
        (query("u11%ff1", &site.service, key), 400),
        (query("u11%001", &site.service, key), 404),
        (query(&"1".repeat(256), &site.service, key), 400),
        (query("u11#1", &site.service, key), 400),
        (query("u11&service=default_1", &site.service, key), 400),
        (format!("{good}&id=u11"), 400),
        (format!("{good}&x1=1"), 400),
        (format!("{good}&"), 400),
        ("/token/status".to_owned(), 400),
        ("/token/status?1".to_owned(), 400),
        ("/token/status/1?status=1".to_owned(), 404),
        ("/token/status1".to_owned(), 404),
        ("/token/1".to_owned(), 404),
        ("//token/status".to_owned(), 404),
    ];
    for (target, code) in &targets {
        let answer = request(http, b"GET", target.as_bytes(), "", b"");
        let loose = [400, 403, 404];
        // What a server makes of such ids is its own affair, as long as it does not open.
        if target.contains("%00") || target.ends_with('&') || target.contains('#') || target.contains("none1") {
            assert!(loose.contains(&answer.code), "{target}: {answer:?}");
        } else {
            assert_eq!(answer.code, *code, "{target}: {answer:?}");
        }
        denied(&answer);
        assert!(answer.head.to_lowercase().contains("connection: close"), "{target}: {answer:?}");
    }
    for method in [&b"POST"[..], b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"get", b"X1"] {
        let answer = request(http, method, good.as_bytes(), "", b"");
        assert!([400, 405].contains(&answer.code), "{answer:?}");
        denied(&answer);
    }
    denied(&request(http, b"GET", good.as_bytes(), &format!("X-Long: {long}\r\n"), b""));
    denied(&request(http, b"GET", format!("/token/status?id={long}").as_bytes(), "", b""));
    denied(&request(http, b"POST", b"/token/enroll", "Content-Type: application/json\r\n", &vec![b'1'; 70_000]));
    for bytes in [
        format!("GET {good} HTTP/9.1\r\n\r\n"),
        format!("GET {good}\r\n\r\n"),
        "1111\r\n\r\n".to_owned(),
        "GET /token/status?id=1 HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1"
            .to_owned(),
        "GET /token/status?id=1 HTTP/1.1\r\nTransfer-Encoding: x1\r\n\r\n1".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned() + &"1".repeat(512),
    ] {
        denied(&raw(http, bytes.as_bytes()));
    }
    assert_eq!(site.status("u11"), 1, "it was open all the time");
}

#[test]
fn odd_user_names_mean_what_the_clients_in_the_field_send() {
    let site = Site::dev();
    // The user, and each form in which a client may write the name into the address.
    let users: [(&str, &[&[u8]]); 7] = [
        ("joe+t@x.com", &[b"joe+t@x.com", b"joe%2Bt%40x.com"]),
        ("José", &["José".as_bytes(), b"Jos%C3%A9", b"Jos%c3%a9"]),
        ("o'b", &[b"o'b", b"o%27b"]),
        ("joe b", &[b"joe%20b"]),
        ("\u{1f511}", &["\u{1f511}".as_bytes(), b"%F0%9F%94%91"]),
        ("a[1]{2}", &[b"a[1]{2}", b"a%5B1%5D%7B2%7D"]),
        ("a&b=c#d%e", &[b"a%26b%3Dc%23d%25e"]),
    ];
    for (number, (user, forms)) in users.iter().enumerate() {
        let device = site.device(&number.to_string());
        device.run(&["enroll", &site.offer(user).link], &[PIN]).ended(0);
        let ask = |form: &[u8]| {
            let rest = format!("&service={}&authKey={}", site.service, site.status_key);
            let target = [b"/token/status?id=", form, rest.as_bytes()].concat();
            request(site.http(), b"GET", &target, "", b"")
        };
        for form in *forms {
            denied(&ask(form));
        }
        device.open(PIN).ended(0);
        for form in *forms {
            assert_eq!(verdicts(&ask(form)), [true; 3], "{user}: {:?}", String::from_utf8_lossy(form));
        }
        device.close().ended(0);
    }
    assert_eq!(site.ask("Jose").code, 404);
    assert_eq!(site.ask("jos%C3%A9").code, 404, "names differ in case");
    assert_eq!(site.ask("Jose%CC%81").code, 404, "names are not normalized");
}

/// The scripts themselves, with the real curl: `cargo xtask test` sees to it that there is one.
#[test]
fn shell_scripts_agree() {
    Command::new("curl").arg("--version").output().expect("this test needs curl: install it");
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    let scripts = ["curl -s \"$0\" | grep -q 1", "[ \"$(curl -s \"$0\")\" = '{\"status\":1}' ]"];
    let run = |http: SocketAddr, target: &str| {
        let url = format!("http://{http}{target}");
        scripts.map(|script| output(Command::new("sh").args(["-c", script, &url])).code)
    };
    let target = site.status_target("joe");
    assert_eq!(run(site.http(), &target), [Some(1); 2]);
    device.open(PIN).ended(0);
    assert_eq!(run(site.http(), &target), [Some(0); 2]);
    assert_eq!(run(site.http(), &target.replace("joe", "joe1")), [Some(1); 2]);
    assert_eq!(run(site.http(), &format!("{target}1")), [Some(1); 2]);
    assert_eq!(run(site.http(), "/1"), [Some(1); 2]);
    site.kill();
    assert_eq!(run(site.http(), &target), [Some(1); 2]);
}

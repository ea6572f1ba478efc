//! What happened, and waiting for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use cardea_tests::harness::{Site, until};
use serde_json::{Value, json};

use super::{Driven, TOKEN};

/// A reader of events.
struct Events(BufReader<TcpStream>);

/// One of them.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<u64>,
    kind: String,
    data: String,
}

impl Events {
    fn of(driven: &Driven, session: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(driven.address).expect("it listens");
        let head = format!(
            "GET /v1/sessions/{session}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while reader.read_line(&mut line).expect("an answer") > 2 {
            assert!(!line.starts_with("HTTP") || line.contains(" 200 "), "{line}");
            line.clear();
        }
        Self(reader)
    }

    /// The next event; nothing at the end.
    fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("it goes on") == 0 {
                return None;
            }
            // What is between them says how the answer is cut into pieces.
            match line.trim_end().split_once(": ") {
                Some(("id", id)) => event.id = id.parse().ok(),
                Some(("event", kind)) => kind.clone_into(&mut event.kind),
                Some(("data", data)) => data.clone_into(&mut event.data),
                _ if line.trim_end() == "0" && event == Event::default() => return None,
                _ if line.trim_end().is_empty() && !event.kind.is_empty() && !event.data.is_empty() => {
                    return Some(event);
                }
                _ => {}
            }
        }
    }

    /// Events up to the first of this kind.
    fn until(&mut self, kind: &str) -> Event {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("no {kind}"));
            if event.kind == kind {
                return event;
            }
        }
    }
}

#[test]
fn what_happens_is_told_as_it_happens_and_after_who_comes_back() {
    let (site, driven) = (Site::dev(), Driven::start());
    driven.done("POST", "/v1/sessions", &json!({ "name": "one" }));
    let mut events = Events::of(&driven, "one", "");
    let enroll = json!({ "invitation": site.offer("joe").link });
    driven.done("POST", "/v1/sessions/one/devices", &json!({ "name": "phone", "enroll": enroll }));
    let made = events.until("made");
    assert_eq!(made.id, Some(1));
    let told: Value = serde_json::from_str(&made.data).expect("JSON");
    assert_eq!((&told["kind"], &told["device"], &told["number"]), (&json!("made"), &json!("phone"), &json!(1)));
    assert!(events.until("enrolled").data.contains("\"token\""));
    driven.done("POST", "/v1/sessions/one/devices/phone/open", &Value::Null);
    let opened = events.until("opened").id.expect("a number");
    drop(events);

    driven.done("POST", "/v1/sessions/one/devices/phone/close", &Value::Null);
    let mut again = Events::of(&driven, "one", &format!("Last-Event-ID: {opened}\r\n"));
    assert_eq!(again.next().and_then(|event| event.id), Some(opened + 1));
    again.until("closed");
    driven.done("DELETE", "/v1/sessions/one", &Value::Null);
    again.until("removed");
    assert_eq!(again.next(), None, "it ends with the session");

    driven.done("POST", "/v1/sessions", &json!({ "name": "two" }));
    for wrong in ["/v1/sessions/two/events?since=x", "/v1/sessions/two/events?from=1"] {
        assert_eq!(driven.refused("GET", wrong, &Value::Null), (400, "bad-call".into()));
    }
}

#[test]
fn entries_are_chosen_by_device_and_kind_and_come_in_pages() {
    let driven = Driven::start();
    driven.done("POST", "/v1/sessions", &json!({ "name": "one" }));
    for name in ["a", "b", "c"] {
        driven.done("POST", "/v1/sessions/one/devices", &json!({ "name": name }));
        driven.refused("POST", &format!("/v1/sessions/one/devices/{name}/open"), &Value::Null);
    }
    let journal = |query: &str| driven.done("GET", &format!("/v1/sessions/one/journal?{query}"), &Value::Null);
    let numbers = |answer: &Value| -> Vec<u64> {
        answer["entries"].as_array().expect("entries").iter().filter_map(|entry| entry["number"].as_u64()).collect()
    };
    assert_eq!(numbers(&journal("device=b")), [3, 4]);
    assert_eq!(numbers(&journal("kind=failed")), [2, 4, 6]);
    assert_eq!(numbers(&journal("kind=failed&since=2&limit=1")), [4]);
    assert_eq!((journal("limit=2")["more"].clone(), journal("since=4")["more"].clone()), (json!(true), json!(false)));
    for wrong in ["limit=0", "limit=1001", "kind=fialed", "since=-1"] {
        assert_eq!(
            driven.refused("GET", &format!("/v1/sessions/one/journal?{wrong}"), &Value::Null),
            (400, "bad-call".into()),
            "{wrong}"
        );
    }
    assert!(driven.detail("GET", "/v1/sessions/one/journal?kind=fialed", &Value::Null).contains("\"failed\""));
    // Of a device that is gone there is what it did; one that never was is told.
    driven.done("DELETE", "/v1/sessions/one/devices/b", &Value::Null);
    assert_eq!(numbers(&journal("device=b")), [3, 4, 7]);
    let never = "/v1/sessions/one/journal?device=aa";
    assert_eq!(driven.refused("GET", never, &Value::Null), (404, "no-device".into()));
    assert!(driven.detail("GET", never, &Value::Null).contains("did you mean \"a\"?"));
}

#[test]
fn a_test_waits_for_what_it_needs_and_learns_why_it_did_not_come() {
    let (site, driven) = (Site::dev(), Driven::start());
    let phone = driven.enrolled(&site);
    let session = phone.strip_suffix("/devices/phone").expect("a device");
    let wait = format!("{phone}/wait");
    let shown = driven.done("POST", &wait, &json!({ "until": "enrolled && state == 'closed'" }));
    assert_eq!(shown["device"], "phone");

    driven.done("PUT", &format!("{phone}/presence"), &json!({ "outcome": "wait" }));
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| driven.done("POST", &format!("{phone}/open"), &Value::Null));
        let asked = driven.done("POST", &wait, &json!({ "until": "prompt == 'open'" }));
        let prompt = asked["prompts"][0]["prompt"].to_string();
        driven.done("POST", &format!("{phone}/prompts/{prompt}"), &json!({ "outcome": "approve" }));
        driven.done("POST", &format!("{session}/wait"), &json!({ "until": "phone.state == 'open' && phone.age < 2s" }));
        opening.join().expect("no panic");
    });
    // Time goes on where nothing happens.
    driven.done("POST", &format!("{session}/clock/advance"), &json!({ "seconds": 3_600 }));
    driven.done("POST", &wait, &json!({ "until": "state == 'closed'" }));

    let vain = json!({ "until": "enrolled && state == 'blocked'", "timeoutMs": 100 });
    let answer = driven.call("POST", &wait, &vain);
    let problem = answer.json();
    assert_eq!((answer.code, &problem["code"], &problem["exit"]), (408, &json!("not-yet"), &json!(3)));
    assert_eq!(problem["lastState"]["state"], "closed");
    assert_eq!(
        problem["nearMisses"],
        json!([
            { "comparison": "enrolled", "found": true, "isTrue": true, "wasTrue": true },
            { "comparison": "state == 'blocked'", "found": "closed", "isTrue": false, "wasTrue": false },
        ])
    );
    assert!(problem["events"].is_array());

    for (until, said) in [
        ("stat == 'open'", "did you mean \"state\"?"),
        ("state = 'open'", "equality is written =="),
        ("(enrolled", "a closing bracket"),
        ("state == 'opne'", "it is one of not-enrolled, open, closed, blocked: did you mean \"open\"?"),
        ("remaining", "it is a number, and is to be compared with something"),
    ] {
        let detail = driven.detail("POST", &wait, &json!({ "until": until }));
        assert!(detail.contains(said), "{detail}");
    }
    assert!(
        driven.detail("POST", &format!("{session}/wait"), &json!({ "until": "phne.enrolled" })).contains("\"phone\"")
    );
    for wrong in [json!({}), json!({ "until": "true", "timeoutMs": 0 }), json!({ "until": "true", "timeout": 5 })] {
        assert_eq!(driven.refused("POST", &wait, &wrong), (400, "bad-call".into()));
    }
}

#[test]
fn who_waits_is_told_when_what_is_waited_for_is_gone() {
    let driven = Driven::start();
    driven.done("POST", "/v1/sessions", &json!({ "name": "one" }));
    driven.done("POST", "/v1/sessions/one/devices", &json!({ "name": "phone" }));
    let vain = json!({ "until": "enrolled", "timeoutMs": 600_000 });
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| driven.refused("POST", "/v1/sessions/one/devices/phone/wait", &vain));
        let all =
            scope.spawn(|| driven.refused("POST", "/v1/sessions/one/wait", &json!({ "until": "phone.enrolled" })));
        until("both wait", || {
            (driven.done("GET", "/v1/sessions/one", &Value::Null)["devices"] == json!(["phone"])).then_some(())
        });
        driven.done("DELETE", "/v1/sessions/one/devices/phone", &Value::Null);
        let (status, code) = waiting.join().expect("no panic");
        assert!(status == 409 && code == "device-removed" || status == 404 && code == "no-device", "{status} {code}");
        // Who had not begun to wait is told that no device is called so.
        let all = all.join().expect("no panic");
        assert!([(409, "device-removed".into()), (400, "bad-call".into())].contains(&all), "{all:?}");

        let waiting = scope.spawn(|| driven.refused("POST", "/v1/sessions/one/wait", &json!({ "until": "false" })));
        driven.done("DELETE", "/v1/sessions/one", &Value::Null);
        let ended = waiting.join().expect("no panic");
        assert!([(410, "session-ended".into()), (404, "no-session".into())].contains(&ended), "{ended:?}");
    });
}

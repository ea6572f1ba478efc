use serde_json::json;

use super::*;

fn facts() -> Value {
    json!({
        "state": "open", "remaining": 45, "age": 0, "prompt": null, "enrolled": true, "watched": false,
        "tokens": [{ "label": "door", "pending": false }], "clock": { "now": 1_700_000_000_u64 },
    })
}

fn is_true(text: &str) -> bool {
    Predicate::parse(text).unwrap().look(&facts()).unwrap().is_true
}

#[test]
fn says_what_is_true_of_a_description() {
    for text in [
        "state == 'open'",
        "state == \"open\" && remaining > 30s && remaining <= 1m",
        "remaining >= 45 && remaining < 0.5h && age == 0ms",
        "enrolled",
        "!watched",
        "!(watched || prompt == 'open') && enrolled",
        "watched || enrolled && state != 'closed'",
        "prompt == null",
        "tokens.0.label == 'door' && tokens.length == 1 && !tokens.0.pending",
        "clock.now > 1600000000",
        "  enrolled  ",
        "true",
        "age > -1",
    ] {
        assert!(is_true(text), "{text}");
        assert!(!is_true(&format!("!({text})")), "{text}");
    }
}

#[test]
fn what_has_no_value_is_neither_more_nor_less_than_anything() {
    for text in ["prompt > 0", "prompt <= 0", "state < 5", "tokens.7.label == 'door'", "prompt.text == 'x'", "false"] {
        assert!(!is_true(text), "{text}");
    }
}

#[test]
fn a_name_that_there_is_not_is_told_with_what_was_meant() {
    let error = |text: &str| Predicate::parse(text).unwrap().look(&facts()).unwrap_err().to_string();
    let said = error("stat == 'open'");
    assert!(
        said.contains("\"stat\"") && said.contains("remaining") && said.ends_with("did you mean \"state\"?"),
        "{said}"
    );
    assert!(error("clock.nwo > 0").ends_with("did you mean \"now\"?"));
    assert!(error("tokens.first == 0").contains("\"tokens.first\""));
    assert!(error("state.x == 0").contains("\"state.x\""));
    // Also where the rest decides already.
    assert!(error("enrolled || stat").contains("stat"));
}

#[test]
fn what_is_no_predicate_is_told_with_its_place() {
    for (text, at) in [
        ("", 1),
        ("state ==", 9),
        ("state = 'open'", 7),
        ("state == 'open", 10),
        ("(enrolled", 10),
        ("enrolled)", 9),
        ("enrolled &&", 12),
        ("remaining > 3d", 13),
        ("remaining > 1.2.3", 13),
        ("enrolled watched", 10),
        ("é", 1),
        ("'é' == 'é' é", 12),
        ("&", 1),
    ] {
        match Predicate::parse(text) {
            Err(PredicateError::Syntax { at: found, .. }) => assert_eq!(found, at, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn nothing_that_is_sent_takes_long_or_much() {
    let deep = format!("{}enrolled{}", "(".repeat(40), ")".repeat(40));
    let wide = vec!["enrolled"; 65].join("||");
    for text in [deep, "!".repeat(900) + "enrolled", wide, "e".repeat(1_001)] {
        assert_eq!(Predicate::parse(&text), Err(PredicateError::TooLong), "{text}");
    }
    assert!(is_true(&vec!["enrolled"; 64].join("&&")));
}

#[test]
fn says_which_parts_were_true() {
    let predicate = Predicate::parse("state == 'closed' && remaining > 30s").unwrap();
    let looked = predicate.look(&facts()).unwrap();
    assert_eq!(predicate.comparisons().collect::<Vec<_>>(), ["state == 'closed'", "remaining > 30s"]);
    assert_eq!(looked.atoms, [(json!("open"), false), (json!(45), true)]);
    assert!(!looked.is_true);
}

#[test]
fn what_has_another_value_in_a_second_is_known_by_its_name_and_by_what_it_has_now() {
    let is_of_time = |text: &str, facts: &Value| Predicate::parse(text).unwrap().is_of_time(facts);
    let open = facts();
    for text in ["state == 'closed'", "!(remaining > 1)", "enrolled && age > 3s", "clock.now > 5", "5 < remaining"] {
        assert!(is_of_time(text, &open), "{text}");
    }
    for text in ["enrolled", "prompt == 'open'", "tokens.0.pending", "tokens.0.state == 'open'", "true"] {
        assert!(!is_of_time(text, &open), "{text}");
    }
    let closed = json!({ "state": "closed", "remaining": null, "age": null, "clock": { "now": 5 } });
    for text in ["state == 'open'", "remaining > 1", "age > 3s"] {
        assert!(!is_of_time(text, &closed), "{text}");
    }
    assert!(is_of_time("phone.state == 'open'", &json!({ "phone": open })));
    assert!(!is_of_time("phone.state == 'open'", &json!({ "phone": closed, "remaining": 5 })));
}

#[test]
fn what_can_never_be_is_told_before_anybody_waits_for_it() {
    let description: Value = serde_json::from_str(&crate::control::description()).unwrap();
    let check = |text: &str, scope| Predicate::parse(text).unwrap().check(scope, &description);
    for text in [
        "state == 'open' && remaining > 30s && online == true",
        "state == null || prompt != 'change-pins'",
        "tokens.0.state == 'closed' && tokens.length > 0 && tokens.0.label == 'door'",
        "enrolled && !watched && clock.skewSeconds < 0",
        "network == 'lossy-wifi' && prompts.0.purpose == 'open'",
        "state == tokens.0.state",
        "unheard == 'of'",
    ] {
        assert_eq!(check(text, Scope::Device), Ok(()), "{text}");
    }
    assert_eq!(check("phone.state == 'open' && other.enrolled", Scope::Session), Ok(()));
    for bare in ["state == 'open'", "enrolled", "30 < remaining"] {
        assert!(check(bare, Scope::Session).unwrap_err().to_string().ends_with("as in phone.state"), "{bare}");
    }
    for (text, scope, said) in [
        (
            "state == 'opne'",
            Scope::Device,
            "state == 'opne' can never be: it is one of not-enrolled, open, closed, blocked: did you mean \"open\"?",
        ),
        (
            "'Closed' != tokens.0.state",
            Scope::Device,
            "'Closed' != tokens.0.state can never be: it is one of not-enrolled, open, closed, blocked: did you mean \"closed\"?",
        ),
        ("enrolled || state", Scope::Device, "state can never be: it is a text, and is to be compared with something"),
        (
            "tokens",
            Scope::Device,
            "tokens can never be: it is something that has more in it, and is to be compared with something",
        ),
        ("prompt > 0", Scope::Device, "prompt > 0 can never be: only numbers are more or less, and this is a text"),
        ("remaining == '5'", Scope::Device, "remaining == '5' can never be: a number is never a text"),
        ("enrolled == 1", Scope::Device, "enrolled == 1 can never be: true or false is never a number"),
        (
            "phone.state == 'opne'",
            Scope::Session,
            "phone.state == 'opne' can never be: it is one of not-enrolled, open, closed, blocked: did you mean \"open\"?",
        ),
        (
            "phone == 'open'",
            Scope::Session,
            "phone == 'open' can never be: in a session, names are those of a device and of what it has, as in phone.state",
        ),
    ] {
        assert_eq!(check(text, scope).unwrap_err().to_string(), said);
    }
}

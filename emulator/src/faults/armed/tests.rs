use cardea_sdk::SystemClock;
use serde_json::json;

use super::*;
use crate::engine::Time;
use crate::faults::{Direction, FrameKind, catalogue, markdown};

fn faults_with(gate: Gate, seed: u64, transport: Transport) -> (Faults, Journal) {
    let journal = Journal::new(Time::with(Arc::new(SystemClock)));
    (Faults::new(gate, Seed::new(seed), transport, journal.clone()), journal)
}

fn faults(seed: u64) -> Faults {
    faults_with(Gate::loopback(), seed, Transport::Tcp).0
}

fn connects(faults: &Faults, device: &str) -> Option<String> {
    let hit = faults.hit(&device.into(), &Point::at(Hook::Connect, "127.0.0.1"));
    hit.map(|hit| hit.rule.to_string())
}

fn read(value: serde_json::Value) -> Result<Rule, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn nothing_can_be_armed_where_it_was_not_allowed_at_the_start() {
    let (faults, _) = faults_with(Gate::closed(), 1, Transport::Tcp);
    assert_eq!(faults.arm(Rule::new("refuse")), Err(RuleError::NotAllowed));
    assert_eq!(faults.replace(vec![Rule::new("refuse")]), Err(RuleError::NotAllowed));
    assert_eq!(faults.list(), []);
    assert_eq!(connects(&faults, "phone"), None);
}

#[test]
fn servers_elsewhere_see_no_faults_and_nothing_else_while_any_are_armed() {
    let (faults, _) = faults_with(Gate::and_hosts(["lab.example"]), 1, Transport::Tcp);
    let mut rule = Rule::new("refuse");
    rule.matches.host = Some("id.example".into());
    assert_eq!(faults.arm(rule.clone()), Err(RuleError::Host("id.example".into())));
    rule.matches.host = Some("lab.example".into());
    assert!(faults.permits("phone", "id.example"));
    faults.arm(rule.device("phone").times(1)).unwrap();
    let at = |host| faults.hit(&"phone".into(), &Point::at(Hook::Connect, host)).is_some();
    assert!(!faults.permits("phone", "id.example"));
    assert!(!at("id.example"));
    assert!(faults.permits("phone", "lab.example") && faults.permits("phone", "localhost"));
    assert!(faults.permits("other", "id.example"), "the rule is not about it");
    assert!(at("lab.example"));
    assert!(!faults.permits("phone", "id.example"), "also when it has happened");
    faults.clear();
    assert!(faults.permits("phone", "id.example"));
}

#[test]
fn rules_are_read_strictly_and_errors_say_what_to_do() {
    let rule = read(json!({ "id": "a", "fault": "late", "match": { "device": "phone", "dir": "in", "frame": "s1",
        "message": 1 }, "times": 2, "skip": 1, "prob": 0.5, "seed": 7, "params": { "ms": 20 } }))
    .unwrap();
    assert_eq!(serde_json::from_value::<Rule>(serde_json::to_value(&rule).unwrap()).unwrap(), rule);
    assert_eq!(faults(1).arm(rule).unwrap(), "a");
    for (value, error) in [
        (json!({}), "missing field `fault`"),
        (json!({ "fault": "late", "time": 1 }), "unknown field `time`"),
        (json!({ "fault": "late", "match": { "dev": 1 } }), "unknown field `dev`"),
        (json!({ "fault": "late", "match": { "dir": "both" } }), "unknown variant `both`"),
        (json!({ "fault": "late", "match": { "frame": "s9" } }), "unknown variant `s9`"),
        (json!({ "fault": "late", "params": { "ms": "20" } }), "invalid type"),
        (json!({ "fault": "late", "times": -1 }), "invalid value"),
    ] {
        let refused = read(value.clone()).unwrap_err();
        assert!(refused.contains(error), "{value}: {refused}");
    }
    for (rule, error) in [
        (Rule::new("refues"), "no fault is called \"refues\": did you mean refuse?"),
        (Rule::new("something else"), "no fault is called \"something else\""),
        (Rule::new("late").param("s", 1), "the fault late has no parameter \"s\": it has ms"),
        (Rule::new("refuse").param("ms", 1), "the fault refuse has no parameter \"ms\": it has none at all"),
        (Rule::new("late").param("ms", 0), "the parameter ms of late is from 1 to 3600000"),
        (Rule::new("late").prob(1.1), "prob is a number from 0 to 1"),
        (Rule::new("late").prob(f64::NAN), "prob is a number from 0 to 1"),
        (Rule::new("late").id(""), "\"\" is no id"),
        (Rule::new("late").id("a b"), "\"a b\" is no id"),
        (Rule::new("refuse").frame(FrameKind::C1), "the fault refuse is not about single frames"),
        (Rule::new("slicer").frame(FrameKind::C1), "the fault slicer is not about single frames"),
        (Rule::new("duplicate").dir(Direction::In), "the fault duplicate does not happen this way"),
        (Rule::new("cancel").dir(Direction::In), "the fault cancel does not happen this way"),
    ] {
        let refused = faults(1).arm(rule.clone()).unwrap_err().to_string();
        assert!(refused.starts_with(error), "{rule:?}: {refused}");
    }
    let (web, _) = faults_with(Gate::loopback(), 1, Transport::WebSocket);
    assert_eq!(web.arm(Rule::new("slicer")), Err(RuleError::NoStream("slicer")));
    assert_eq!(web.arm(Rule::new("oversize").dir(Direction::In)).unwrap(), "rule-1");
    for entry in catalogue() {
        assert_eq!(faults(1).arm(Rule::new(entry.name)).unwrap(), "rule-1", "{}", entry.name);
    }
}

#[test]
fn rules_have_names_of_their_own_and_a_limit() {
    let faults = faults(1);
    assert_eq!(faults.arm(Rule::new("refuse").id("rule-1")).unwrap(), "rule-1");
    assert_eq!(faults.arm(Rule::new("refuse")).unwrap(), "rule-2");
    assert_eq!(faults.arm(Rule::new("refuse").id("rule-2")), Err(RuleError::Exists("rule-2".into())));
    assert_eq!(
        faults.remove("rule-9"),
        Err(RuleError::NoSuchRule { id: "rule-9".into(), meant: Some("rule-1".into()) })
    );
    faults.remove("rule-1").unwrap();
    assert!(faults.get("rule-1").is_err());
    assert_eq!(faults.get("rule-2").unwrap().rule.fault, "refuse");
    assert_eq!(faults.replace(vec![Rule::new("refuse"); MOST]).unwrap().len(), MOST);
    assert_eq!(faults.arm(Rule::new("refuse")), Err(RuleError::Many(MOST)));
    let bad = vec![Rule::new("late"), Rule::new("nonsense")];
    assert!(faults.replace(bad).is_err());
    assert_eq!(faults.list().len(), MOST, "all of them or none");
}

#[test]
fn the_first_rule_that_happens_wins_and_each_counts() {
    let (faults, journal) = faults_with(Gate::loopback(), 1, Transport::Tcp);
    let rules = vec![
        Rule::new("refuse").id("other").device("tablet"),
        Rule::new("refuse").id("first").skip(1).times(2),
        Rule::new("dns-failure").id("second").times(1),
        Rule::new("late").id("frames"),
    ];
    faults.replace(rules).unwrap();
    let hits: Vec<_> = (0..5).map(|_| connects(&faults, "phone")).collect();
    assert_eq!(hits, [Some("second"), Some("first"), Some("first"), None, None].map(|id| id.map(str::to_owned)));
    let counts: Vec<_> = faults.list().iter().map(|it| (it.seen, it.hits, it.spent)).collect();
    assert_eq!(counts, [(0, 0, false), (3, 2, true), (1, 1, true), (0, 0, false)]);
    let noted: Vec<_> = journal.since(0).entries.into_iter().map(|entry| entry.kind).collect();
    let fault = |rule: &str, fault| Kind::Fault { rule: rule.into(), fault };
    assert_eq!(noted, [fault("second", "dns-failure"), fault("first", "refuse"), fault("first", "refuse")]);
    assert_eq!(connects(&faults, "tablet").as_deref(), Some("other"));
}

/// At which of fifty occasions it happens, to two devices that come in turns, or one after the other.
fn run(seed: u64, own: Option<u64>, in_turns: bool) -> [Vec<bool>; 2] {
    let faults = faults(seed);
    let mut rule = Rule::new("refuse").prob(0.5);
    rule.seed = own;
    faults.arm(rule).unwrap();
    let mut hits = [Vec::new(), Vec::new()];
    for number in 0..100 {
        let device = if in_turns { number % 2 } else { number / 50 };
        hits[device].push(connects(&faults, ["phone", "tablet"][device]).is_some());
    }
    hits
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let first = run(1, None, true);
    assert!(first.iter().all(|hits| (10..40).contains(&hits.iter().filter(|hit| **hit).count())), "{first:?}");
    assert_ne!(first[0], first[1]);
    assert_eq!(run(1, None, true), first);
    assert_eq!(run(1, None, false), first, "who else is there changes nothing");
    assert_ne!(run(2, None, true), first);
    assert_eq!(run(1, Some(9), true), run(2, Some(9), false));
}

#[test]
fn the_page_has_the_catalogue_as_it_is() {
    let page = include_str!("../../../../docs/emulator/faults.md");
    let table = page.split_once("<!-- catalogue -->\n").and_then(|(_, rest)| rest.split_once("<!-- end -->"));
    let table = table.expect("the page has both marks").0.trim();
    let says = "docs/emulator/faults.md is to have what `fault catalog --markdown` prints between the marks";
    assert!(table == markdown().trim(), "{says}:\n{}", markdown());
}

#[test]
fn a_rule_that_could_never_happen_is_refused() {
    let faults = faults(1);
    let armed = |rule: Rule| faults.arm(rule).map(drop);
    // The way that frames of the kind go is meant where none was said.
    armed(Rule::new("bit-flip").frame(FrameKind::S1).times(1).id("answers")).unwrap();
    let frame = super::super::point::Frame { kind: FrameKind::S1, number: 1, length: 63, is_datagram: false };
    let point = Point { frame: Some(frame), ..Point::at(Hook::In, "127.0.0.1") };
    assert!(faults.hit(&"phone".into(), &point).is_some());
    armed(Rule::new("bit-flip").frame(FrameKind::C1).dir(Direction::Out)).unwrap();
    armed(Rule::new("bit-flip").frame(FrameKind::Warm)).unwrap();
    let other_way = Rule::new("bit-flip").frame(FrameKind::S1).dir(Direction::Out);
    assert_eq!(armed(other_way), Err(RuleError::FrameDirection("bit-flip")));
    // This one happens to what leaves.
    assert_eq!(
        armed(Rule::new("unknown-version").frame(FrameKind::S1)),
        Err(RuleError::FrameDirection("unknown-version"))
    );
    assert_eq!(armed(Rule::new("refuse").frame(FrameKind::S1)), Err(RuleError::NoFrames("refuse")));
    let typed = armed(Rule::new("refuse").op("opne")).unwrap_err();
    assert!(typed.to_string().contains("did you mean \"open\"?"), "{typed}");
    armed(Rule::new("refuse").op("change-pins")).unwrap();
}

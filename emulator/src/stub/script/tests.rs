use super::*;

fn script(rules: &str) -> Script {
    Script::parse(&format!("cardea-stub: 1\nseed: 7\nrules:\n{rules}")).unwrap()
}

fn error(rules: &str) -> String {
    Script::parse(&format!("cardea-stub: 1\nrules:\n{rules}")).unwrap_err().to_string()
}

fn status(user: Option<&str>) -> Event<'_> {
    Event::Call { method: "GET", path: "/token/status", user }
}

/// The numbers of the rules that happen to so many checks.
fn happen(desk: &Desk, checks: usize) -> Vec<usize> {
    (0..checks).map(|_| desk.decide(status(Some("joe"))).map_or(0, |(rule, _)| rule)).collect()
}

#[test]
fn the_first_rule_that_matches_wins_until_it_is_used_up() {
    let desk = Desk::new(script(
        "  - {name: first, skip: 1, times: 2, do: {code: 503}}\n  - {match: {user: ann}, do: {code: 404}}\n  - {times: 1, do: {cut: before}}\n",
    ));
    assert_eq!(happen(&desk, 5), [3, 1, 1, 0, 0]);
    let counted: Vec<_> = desk.hits().into_iter().map(|hits| (hits.rule, hits.name, hits.seen, hits.hits)).collect();
    assert_eq!(counted, [(1, Some("first".into()), 5, 2), (2, None, 0, 0), (3, None, 3, 1)]);
}

#[test]
fn chance_follows_from_the_seed_and_from_the_rule_alone() {
    let rules = "  - {prob: 0.5, do: {code: 503}}\n";
    let one = happen(&Desk::new(script(rules)), 200);
    assert_eq!(one, happen(&Desk::new(script(rules)), 200));
    let hits = one.iter().filter(|rule| **rule == 1).count();
    assert!((70..130).contains(&hits), "{hits}");
    let mut other = script(rules);
    other.seed = 8;
    assert_ne!(one, happen(&Desk::new(other), 200));
    assert_eq!(happen(&Desk::new(script("  - {prob: 0, do: {code: 503}}\n")), 50), [0; 50]);
}

#[test]
fn what_a_rule_is_about_is_said_by_method_path_and_user() {
    let fits = |on: &str, event: Event<'_>| {
        let desk = Desk::new(script(&format!("  - {{match: {on}, do: {{delay: 1ms}}}}\n")));
        desk.decide(event).is_some()
    };
    let enroll = Event::Call { method: "POST", path: "/token/enroll", user: Some("joe") };
    let device = Event::Connection { kind: Opening::Operate, user: Some("joe") };
    assert!(fits("{}", status(None)) && fits("{}", enroll) && !fits("{}", device));
    assert!(fits("{path: /token/*}", enroll) && !fits("{path: /token/}", enroll));
    assert!(fits("{method: POST, user: joe}", enroll) && !fits("{method: GET}", enroll));
    assert!(!fits("{user: joe}", status(None)) && !fits("{user: ann}", enroll));
    assert!(fits("{channel: any}", device) && fits("{channel: operate, user: joe}", device));
    assert!(!fits("{channel: enroll}", device) && !fits("{channel: any}", enroll));
}

#[test]
fn everything_that_can_happen_can_be_written() {
    let deed = |on: &str, text: &str| {
        let mut script = script(&format!("  - {{match: {on}, do: {{{text}}}}}\n"));
        script.rules.remove(0).deed
    };
    let answer = |text: &str| deed("{path: /token/status}", text).answer;
    assert_eq!(answer("code: 429, retry-after: 30s"), Answer::Error { code: 429, retry_after: Some(30) });
    assert_eq!(answer("maintenance: 2m"), Answer::Error { code: 503, retry_after: Some(120) });
    assert_eq!(answer("slow-body: 2s"), Answer::SlowBody(Duration::from_secs(2)));
    assert_eq!(answer("status: unknown"), Answer::Status(Told::Unknown));
    assert_eq!(answer("status: open"), Answer::Status(Told::Open));
    assert_eq!(answer("cut: body"), Answer::Cut(Cut::Body));
    assert_eq!(deed("{channel: any}", "refuse: version").answer, Answer::Refusal(Refusal::Version));
    let changes = deed("{}", "token: unenroll, keys: rotate, clock: {behind: 1d}").changes;
    assert_eq!(changes, [Change::Token(TokenChange::Unenroll), Change::RotateKeys, Change::Skew(-86_400)]);
}

#[test]
fn a_slip_is_refused_with_what_was_meant() {
    for (rules, expected) in [
        ("  - {tiems: 1, do: {code: 503}}", "there is no field `tiems` here: did you mean `times`?"),
        ("  - {do: {status: opened}}", "`opened` is not known here: did you mean `open`?"),
        ("  - {do: {status: 1}}", "`1` is not known here"),
        ("  - {do: {code: 200}}", "an HTTP status from 400 to 599"),
        ("  - {do: {status: open}}", "only: match one of these paths"),
        ("  - {match: {path: /token/enroll}, do: {status: closed}}", "only: match one of these paths"),
        ("  - {do: {refuse: version}}", "plain errors are for devices"),
        ("  - {match: {channel: any}, do: {code: 503}}", "calls over HTTP only"),
        ("  - {match: {channel: resync, user: joe}, do: {cut: before}}", "leave `user` out"),
        ("  - {match: {channel: any, path: /x}, do: {cut: before}}", "there is no field `path` here"),
        ("  - {do: {code: 503, cut: before}}", "only one thing can be answered"),
        ("  - {do: {retry-after: 3s, cut: before}}", "needs a `code`"),
        ("  - {do: {}}", "nothing happens here"),
        ("  - {do: {delay: 1h}}", "nobody waits longer"),
        ("  - {do: {clock: {ahead: 1d, behind: 1d}}}", "either `ahead` or `behind`"),
        ("  - {match: {path: token/status}, do: {code: 500}}", "a path begins with `/`"),
        ("  - {prob: 2, do: {code: 500}}", "from 0 to 1"),
        ("  - {match: {}}", "the field `do` is missing"),
    ] {
        let error = error(rules);
        assert!(error.contains(expected), "{rules}: {error}");
    }
    assert!(Script::parse("cardea-stub: 2\nrules: []").unwrap_err().to_string().contains("version 1"));
    assert!(Script::parse("rules: []").unwrap_err().to_string().contains("`cardea-stub` is missing"));
    assert!(Script::parse("cardea-stub: 1").unwrap_err().to_string().contains("`rules` is missing"));
    let many = "  - {do: {code: 500}}\n".repeat(RULES_MAX + 1);
    assert!(error(&many).contains("more than"));
}

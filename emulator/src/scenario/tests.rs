use std::num::NonZeroUsize;
use std::path::Path;

use super::*;

mod schema;
mod server;
mod state;

/// A scenario with these lines after its devices.
fn scenario(rest: &str) -> Scenario {
    Scenario::parse(&written(rest)).unwrap()
}

fn written(rest: &str) -> String {
    format!("cardea-scenario: 1\nname: a test\nseed: 1\ndevices: [alice, bob]\n{rest}")
}

fn slip(rest: &str) -> String {
    Scenario::parse(&written(rest)).unwrap_err().to_string()
}

/// Those that are shipped, with their names.
fn shipped() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    let read = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
    };
    files.into_iter().map(read).collect()
}

async fn run(scenario: Scenario) -> run::Run {
    run::all(&[scenario], &run::Plan::default(), |_| ()).await.remove(0)
}

async fn failure(rest: &str) -> String {
    let run = run(scenario(rest)).await;
    run.failure.unwrap_or_else(|| panic!("it passed: {rest}")).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_that_is_shipped_passes_and_there_is_nothing_to_say_about_it() {
    let files = shipped();
    assert!(files.len() >= 12, "{}", files.len());
    let mut scenarios = Vec::new();
    for (name, text) in &files {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
        let scenario =
            Scenario::parse_file(text, &Vars::new(), &file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(lint::look(&scenario), [], "{name}");
        scenarios.push(scenario);
    }
    let plan = run::Plan { jobs: NonZeroUsize::new(4).unwrap(), seed: Some(7), ..run::Plan::default() };
    let runs = run::all(&scenarios, &plan, |_| ()).await;
    let names: Vec<String> = files.into_iter().map(|(name, _)| name).collect();
    let told = report::write(report::Form::Human, &runs, &names);
    assert!(runs.len() > scenarios.len() && runs.iter().all(|run| run.failure.is_none()), "{told}");
}

#[test]
fn a_slip_is_found_where_it_is() {
    for (rest, expected) in [
        ("stpes: []", "line 5, column 1: there is no field `stpes` here: did you mean `steps`?"),
        ("steps:\n  - opne: alice", "line 6, column 5: there is no verb `opne`: did you mean `open`?"),
        ("steps:\n  - open: alcie", "there is no device `alcie`: did you mean `alice`?"),
        ("steps:\n  - sleep: 3s", "there is no `sleep`: time passes with"),
        ("steps:\n  - {open: alice, close: bob}", "a step does one thing"),
        ("steps:\n  - {}", "a step does something"),
        ("steps:\n  - open: {device: alice, fro: 3s}", "there is no field `fro` here: did you mean `for`?"),
        ("steps:\n  - {clock: {advance: 3s}, expect: {error: offline}}", "this step never fails"),
        ("steps:\n  - {open: alice, expect: {error: offlien}}", "did you mean `offline`?"),
        ("steps:\n  - {open: alice, expect: {answer: open}}", "only a `check` is answered"),
        ("steps:\n  - {check: alice, expect: {answer: open, error: timeout}}", "what fails has no answer"),
        ("steps:\n  - {check: alice, expect: {remaining: 3s}}", "a `status`, for example"),
        ("steps:\n  - {open: alice, expect: {}}", "nothing is expected here"),
        ("steps:\n  - {open: alice, expect: {device: {carol: open}}}", "there is no device `carol`"),
        ("steps:\n  - {open: alice, expect: {device: {alice: duress}}}", "`duress` is not known here"),
        ("steps:\n  - {open: alice, expect: {journal: {has: openend}}}", "did you mean `opened`?"),
        ("steps:\n  - presence: {device: alice}", "say what the holder does"),
        ("steps:\n  - clock: {advance: 3s, device: alice}", "either time passes"),
        ("steps:\n  - server: {block: alice, close: alice}", "one thing to the server"),
        ("steps:\n  - change-pin: {device: alice, pin: \"12\"}", "a PIN has 6 to 12 digits"),
        ("steps:\n  - net: {device: alice, set: offlin}", "did you mean `offline`?"),
        (
            "steps:\n  - fault: {fault: bit-flop}",
            "line 6, column 20: no fault is called \"bit-flop\": did you mean bit-flip?",
        ),
        (
            "steps:\n  - fault: {fault: ack-lost, match: {op: opne}}",
            "line 6, column 42: no device is told to \"opne\": op is one of enroll, open,",
        ),
        ("steps:\n  - fault: {fault: ack-lost, match: {device: bobb}}", "there is no device `bobb`"),
        ("steps:\n  - fault: {fault: ack-lost, params: {ms: 3}}", "has no parameter \"ms\""),
        ("steps:\n  - fault: {fault: bit-flip, tiems: 1}", "unknown field `tiems`"),
        ("steps:\n  - repeat: {times: 1000000, steps: [{open: alice}]}", "more than 100000 steps"),
        ("service: {attempts: 11}\nsteps: []", "1 to 10 attempts"),
        ("matrix: {transport: [tpc]}\nsteps: []", "did you mean `tcp`?"),
        ("stub: [{do: {cod: 500}}]\nsteps: []", "did you mean `code`?"),
    ] {
        let slip = slip(rest);
        assert!(slip.contains(expected), "{rest}: {slip}");
    }
    let error = |text: &str| Scenario::parse(text).unwrap_err().to_string();
    assert!(error("cardea-scenario: 2\nname: x\ndevices: a\nsteps: []").contains("version 1"));
    assert!(error("name: x").contains("`cardea-scenario` is missing"));
    assert!(error("cardea-scenario: 1\nname: x\ndevices: [a, a]\nsteps: []").contains("there twice"));
}

#[test]
fn what_a_scenario_does_not_test_is_found() {
    let found = |rest: &str| -> Vec<String> { lint::look(&scenario(rest)).into_iter().map(|it| it.message).collect() };
    let both = "{open: alice}, {open: bob, expect: {server: {bob: open}}}";
    for (rest, expected) in [
        ("steps: [{enroll: alice}, {enroll: bob}]".to_owned(), "nothing is expected anywhere"),
        ("steps: [{open: alice, expect: {error: offline}}]".to_owned(), "no step uses `bob`"),
        (format!("steps: [{both}, {{presence: {{device: bob, next: cancel}}}}]"), "never asked after this"),
        (
            format!("stub: [{{name: x, do: {{code: 500}}}}]\nsteps: [{both}]"),
            "nothing says that rule x of the stub happens",
        ),
        (format!("stub: [{{match: {{user: eve}}, do: {{code: 500}}}}]\nsteps: [{both}]"), "whom no step enrolls"),
        (format!("stub: [{{do: {{delay: 3s}}}}]\nsteps: [{both}]"), "more than 2 s of real time"),
        (format!("steps: [{both}, {{expect: {{hits: {{y: 1}}}}}}]"), "about the rule `y` of the stub"),
        (format!("steps: [{both}, {{repeat: {{times: 0, steps: [{{close: bob}}]}}}}]"), "never done"),
        (format!("steps: [{both}, {{parallel: [{{close: bob}}]}}]"), "one step alone"),
        (format!("steps: [{both}, {{clock: {{advance: 0s}}}}]"), "no time passes"),
        (format!("steps: [{both}, {{expect: {{journal: {{has: confirmation-asked}}}}}}]"), "add `within: 5s`"),
        (format!("steps: [{both}, {{net: {{device: bob, set: flap}}}}]"), "takes its time"),
        (format!("steps: [{both}, {{net: {{device: bob, set: captive}}}}, {{open: bob}}]"), "a minute of real time"),
        (format!("steps: [{both}, {{fault: {{fault: bit-flip}}}}]"), "give it an `id`"),
        (format!("steps: [{both}, {{fault: {{id: f, fault: bit-flip}}}}]"), "nothing says that this fault happens"),
    ] {
        let found = found(&rest);
        assert!(found.iter().any(|it| it.contains(expected)), "{rest}: {found:?}");
    }
    assert_eq!(found(&format!("steps: [{both}]")), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_as_expected_fails_with_what_was_found() {
    let start = "steps:\n  - enroll: alice\n";
    for (rest, expected) in [
        (
            "  - {open: alice, expect: {server: {alice: closed}}}",
            "line 7, column 19, `open`: at the server `alice` is open, not closed",
        ),
        ("  - {open: alice, expect: {device: {alice: closed}}}", "the device knows that `alice` is open, not closed"),
        ("  - {open: alice, expect: {error: offline}}", "it was done, and should have failed with `offline`"),
        ("  - open: bob", "it failed with `nothing-there`: this device has no token"),
        ("  - {open: bob, expect: {error: offline}}", "it failed with `nothing-there`, not with `offline`"),
        ("  - {open: alice, expect: {remaining: 61s}}", "seconds left: 60, not 61"),
        ("  - {close: alice, expect: {remaining: 1s}}", "nothing ends by itself"),
        ("  - {status: alice, expect: {tries-left: 1}}", "wrong PINs left: 10, not 1"),
        ("  - {check: alice, expect: {answer: open}}", "the relying party is told closed, not open"),
        ("  - check: eve", "it failed with `unknown-user`"),
        ("  - {expect: {server: {eve: open}}}", "the server knows no `eve`"),
        ("  - {expect: {journal: {has: opened}}}", "`opened` is not in the journal"),
        ("  - {expect: {journal: {has: enrolled, device: alice, count: 2}}}", "is 1 times in the journal, not 2 times"),
        ("  - {expect: {hits: {x: 1}}}", "no rule of the stub and no fault called `x`"),
        ("  - {expect: {server: {alice: open}, within: 30ms}}", "at the server `alice` is closed, not open"),
        ("  - ask: {user: alice, text: \"\"}", "the server refuses"),
        ("  - server: {block: eve}", "the server refuses"),
    ] {
        let failure = failure(&format!("{start}{rest}")).await;
        assert!(failure.contains(expected), "{rest}: {failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_never_happens_and_a_scenario_that_is_stuck_fail() {
    let never = failure("stub: [{match: {user: eve}, do: {code: 500}}]\nsteps: [{enroll: alice}]").await;
    assert!(never.ends_with("rule 1 of the stub has never happened"), "{never}");
    let stuck =
        failure("timeout: 100ms\nstub: [{match: {channel: any}, do: {delay: 60s}}]\nsteps: [{enroll: alice}]").await;
    assert!(stuck.contains("line 7, column 10, `enroll`: it is stuck: not done after 0.1 s"), "{stuck}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_that_is_stuck_tells_in_which_step_of_which_file_and_what_happened_before() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("steps")).unwrap();
    std::fs::write(folder.path().join("steps/more.yaml"), "cardea-steps: 1\nsteps:\n  - open: alice\n").unwrap();
    let text = "cardea-scenario: 1\nname: x\ndevices: [alice]\ntimeout: 2s\nsteps:\n  - enroll: alice\n  \
                - stub: [{match: {channel: any}, do: {delay: 60s}}]\n  - include: steps/more.yaml\n";
    let path = folder.path().join("stuck.yaml");
    let scenario = Scenario::parse_file(text, &Vars::new(), &path).unwrap();
    let failure = run::all(&[scenario], &run::Plan::default(), |_| ()).await.remove(0).failure.unwrap();
    let told =
        "line 8, column 5, `include`: it is stuck: not done after 2 s; in the included file: line 3, column 5, `open`";
    assert_eq!(failure.to_string(), told);
    assert!(failure.last.iter().any(|line| line.ends_with("alice  enrolled")), "{:?}", failure.last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_a_run_is_told_in_order_and_as_soon_as_it_can_be() {
    let text = "steps: [{enroll: alice}]";
    let (long, short) = (
        scenario(&format!("stub: [{{match: {{channel: any}}, times: 1, do: {{delay: 1s}}}}]\n{text}")),
        scenario(text),
    );
    let plan = run::Plan { jobs: NonZeroUsize::new(2).unwrap(), ..run::Plan::default() };
    let mut told = Vec::new();
    let runs = run::all(&[long, short.clone(), short], &plan, |run| told.push(run.scenario)).await;
    assert_eq!((told, runs.len()), (vec![0, 1, 2], 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variants_and_repetitions_run_apart_each_with_a_seed_that_is_told() {
    let scenario =
        scenario("matrix: {transport: [tcp, udp], window: [30s, 90s]}\nsteps: [{enroll: alice}, {open: alice}]");
    let plan = run::Plan { jobs: NonZeroUsize::new(3).unwrap(), repeat: 2, seed: Some(40), ..run::Plan::default() };
    let runs = run::all(&[scenario], &plan, |_| ()).await;
    let told: Vec<(String, u64, usize)> =
        runs.iter().map(|run| (run.variant.to_string(), run.seed, run.steps)).collect();
    let expected: Vec<(String, u64, usize)> = ["tcp window=30", "tcp window=90", "udp window=30", "udp window=90"]
        .iter()
        .flat_map(|variant| [40, 41].map(|seed| (format!("transport={variant}"), seed, 2)))
        .collect();
    assert_eq!(told, expected);
}

fn runs() -> Vec<run::Run> {
    let place = Place { line: 3, column: 5 };
    let failure =
        run::Failure { place, step: "open", message: "a <b> & \"c\"\n#1".into(), last: vec!["1  alice  made".into()] };
    let time = Duration::from_millis(1_500);
    let ok = run::Run {
        name: "one".into(),
        scenario: 0,
        variant: Variant::default(),
        seed: 7,
        steps: 3,
        time,
        skipped: None,
        failure: None,
    };
    let variant = Variant { window: Some(5), ..Variant::default() };
    vec![ok.clone(), run::Run { name: "two # x".into(), scenario: 1, variant, failure: Some(failure), ..ok }]
}

#[test]
fn what_came_of_it_is_told_to_people_and_programs() {
    let files = ["a.yaml".to_owned(), "b.yaml".to_owned()];
    let write = |form| report::write(form, &runs(), &files);
    let human = write(report::Form::Human);
    assert!(human.starts_with("ok      one (3 steps, 1500 ms)\nFAILED  two # x [window=5]\n"), "{human}");
    assert!(
        human.contains("b.yaml: line 3, column 5, `open`: a <b>") && human.contains("--seed 7 runs the same again")
    );
    assert!(human.ends_with("1 passed, 1 failed"));
    let junit = write(report::Form::JUnit);
    assert!(
        junit.contains("tests=\"2\" failures=\"1\"")
            && junit.contains("<testcase name=\"one\" classname=\"a.yaml\" time=\"1.500\"/>")
    );
    assert!(junit.contains("a &lt;b&gt; &amp; &quot;c&quot;&#10;#1") && !junit.contains("<b>"), "{junit}");
    let tap = write(report::Form::Tap);
    assert!(tap.starts_with("TAP version 14\nok 1 - one\nnot ok 2 - two \\# x [window=5]\n# b.yaml"), "{tap}");
    let lines: Vec<serde_json::Value> =
        write(report::Form::JsonLines).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["ok"], &lines[1]["failure"]["line"]), (&true.into(), &3.into()));
    assert_eq!(lines[2], serde_json::json!({ "ok": false, "passed": 1, "failed": 1, "skipped": 0 }));
}

#[tokio::test]
async fn what_does_not_run_here_is_told_and_neither_passed_nor_failed() {
    let text = |condition: &str| {
        format!(
            "cardea-scenario: 1\nname: x\nskip-if: {condition}\ndevices: []\nsteps: [{{expect: {{journal: {{has: opened}}}}}}]\n"
        )
    };
    let of = |condition: &str| Scenario::parse(&text(condition)).unwrap();
    // PATH is there wherever tests run.
    for (condition, skips) in [
        ("{env: PATH}", true),
        ("{no-env: PATH}", false),
        ("{no-env: CARDEA_NO_SUCH_VARIABLE}", true),
        (&format!("{{os: {}}}", std::env::consts::OS), true),
        (if cfg!(windows) { "{os: linux}" } else { "{os: windows}" }, false),
    ] {
        assert_eq!(of(condition).skip_if.and_then(|it| it.reason()).is_some(), skips, "{condition}");
    }
    for wrong in ["{os: lunix}", "{evn: X}", "{env: X, os: linux}"] {
        assert!(Scenario::parse(&text(wrong)).is_err(), "{wrong}");
    }
    let runs = run::all(&[of("{env: PATH}")], &run::Plan { repeat: 3, ..run::Plan::default() }, |_| ()).await;
    let write = |form| report::write(form, &runs, &["a.yaml".to_owned()]);
    assert_eq!(write(report::Form::Human), "skipped x (PATH is in the environment)\n0 passed, 0 failed, 1 skipped");
    assert!(write(report::Form::JUnit).contains("<skipped message=\"PATH is in the environment\"/>"));
    assert!(write(report::Form::Tap).ends_with("ok 1 - x # SKIP PATH is in the environment\n1..1"));
    assert!(write(report::Form::JsonLines).ends_with(r#"{"failed":0,"ok":true,"passed":0,"skipped":1}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_by_hand_becomes_a_scenario_that_does_it_again() {
    use crate::engine::{Options, Outcome, Session, Settings};
    use crate::stub::{self, Stub};
    let stub = Stub::start(stub::Settings::default()).await.unwrap();
    let options = Options { allow_test_argon2: true, ..Options::default() };
    let seed = Some(crate::engine::Seed::new(9));
    let settings = Settings { seed, options, ..Settings::default() };
    let session = Session::in_memory(settings, &cardea_sdk::Env::os()).unwrap();
    let phone = session.add("my.phone").await.unwrap();
    let link = stub.enroll("my.phone").await.unwrap().link;
    phone.enroll(&phone.invitation(&link, None).await.unwrap()).await.unwrap();
    phone.human().next(Outcome::Cancel);
    assert!(phone.open(None, None).await.is_err());
    phone.open(None, None).await.unwrap();
    session.time().advance(300);
    phone.status(None).await.unwrap();
    stub.ask("my.phone", "Pay 20 EUR", None).await.unwrap();
    phone.approve(None, None, cardea_sdk::Approval::Ask).await.unwrap();
    phone.history(None, 0).await.unwrap();
    phone.close(None).await.unwrap();
    let recorded = record::scenario(&session, "by \"hand\": #1");
    let scenario = Scenario::parse(&recorded).unwrap_or_else(|error| panic!("{error}\n{recorded}"));
    assert_eq!((scenario.name.as_str(), scenario.seed), ("by \"hand\": #1", Some(9)));
    for expected in [
        "next: cancel}",
        "expect: {error: cancelled}",
        "advance: 300s",
        "ask: {user: \"my.phone\"",
        "# my.phone was told to do: history",
    ] {
        assert!(recorded.contains(expected), "{expected}\n{recorded}");
    }
    assert_eq!(lint::look(&scenario), [], "{recorded}");
    let run = run(scenario).await;
    assert_eq!(run.failure, None, "{recorded}");
    // Nothing was done yet.
    let empty = Session::in_memory(Settings::default(), &cardea_sdk::Env::os()).unwrap();
    assert!(record::scenario(&empty, "nothing").ends_with("devices: []\nsteps: []\n"));
}

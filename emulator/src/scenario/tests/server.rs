//! Servers that are there already.

use super::*;
use crate::stub::{self, Stub};

fn with_server(server: &str, rest: &str) -> String {
    format!("cardea-scenario: 1\nname: a test\nserver: {server}\ndevices: [alice]\n{rest}")
}

const WHOLE: &str =
    "{url: \"http://127.0.0.1:1\", service: default_demo, authkey-file: no-such-file, test-argon2: true}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_runs_with_a_server_that_is_there_already() {
    let stub = Stub::start(stub::Settings::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.txt");
    std::fs::write(&key, format!("{}\n", stub.authkey())).unwrap();
    let text = "cardea-scenario: 1
name: a login with a server of its own
vars: {url: {env: CARDEA_NO_SUCH_VARIABLE}, link: nothing, key: nothing, pin: {env: CARDEA_NO_SUCH_VARIABLE, else: 918273}}
server: {url: \"${url}\", service: default_demo, authkey-file: \"${key}\", test-argon2: true}
devices: {alice: {pin: \"${pin}\"}}
steps:
  - enroll: {device: alice, user: joe, with: \"${link}\"}
  - open: alice
    expect: {device: {alice: open}}
  - check: joe
    expect: {answer: open}
  - fault: {id: lost, fault: ack-lost, times: 1, match: {op: close}}
  - close: alice
    expect: {hits: {lost: 1}}
  - check: joe
    expect: {answer: closed}
  - ask: {user: joe, text: Pay 20 EUR}
  - approve: alice
  - check: eve
    expect: {error: unknown-user}
";
    let given = |url: String, link: String| {
        let key = key.display().to_string();
        Vars::from([("url".to_owned(), url), ("link".to_owned(), link), ("key".to_owned(), key)])
    };
    let link = stub.enroll("joe").await.unwrap().link;
    let scenario = Scenario::parse_with(text, &given(stub.url(), link.clone())).unwrap();
    assert!(!format!("{scenario:?}").contains(&link) && !format!("{scenario:?}").contains("918273"));
    assert_eq!(lint::look(&scenario), []);
    assert_eq!(run(scenario).await.failure, None);

    let missing = Scenario::parse(text).unwrap_err().to_string();
    assert!(
        missing.contains("the environment has no CARDEA_NO_SUCH_VARIABLE: set it, or say `--var url=...`"),
        "{missing}"
    );
    let skipped = text.replace("devices:", "skip-if: {no-env: CARDEA_NO_SUCH_VARIABLE}\ndevices:");
    let run = run(Scenario::parse(&skipped).unwrap()).await;
    assert_eq!(run.skipped.as_deref(), Some("CARDEA_NO_SUCH_VARIABLE is not in the environment"));
    stub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_be_reached_or_asked_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.txt");
    std::fs::write(&key, "a-key").unwrap();
    let whole = WHOLE.replace("no-such-file", &key.display().to_string());
    for (server, rest, expected) in [
        (WHOLE, "steps: [{check: alice}]", "cannot read no-such-file"),
        (&*whole, "steps: [{check: alice}]", "it failed with `unreachable`"),
        (
            &*whole.replace("http://127.0.0.1:1", "https://id.example"),
            "steps: [{fault: {fault: ack-lost}}]",
            "id.example is not this machine: say --faults-at id.example",
        ),
    ] {
        let failure = run(Scenario::parse(&with_server(server, rest)).unwrap()).await.failure.unwrap().to_string();
        assert!(failure.contains(expected), "{rest}: {failure}");
    }
}

#[test]
fn what_cannot_be_done_with_such_a_server_is_refused_before_anything_runs() {
    let bare = "{url: \"https://id.example\"}";
    for (server, rest, expected) in [
        (WHOLE, "stub: [{do: {code: 500}}]\nsteps: []", "`stub` is of a stub, and there is a `server` with an address"),
        (WHOLE, "service: {window: 60s}\nsteps: []", "`service` is of a stub"),
        (WHOLE, "matrix: {window: [30s]}\nsteps: []", "leave `window` out"),
        (WHOLE, "steps: [{enroll: alice}]", "say the link or the code in `with`"),
        (WHOLE, "steps: [{clock: {advance: 60s}}]", "only the clock of a device can be wrong"),
        (WHOLE, "steps: [{server: {block: alice}}]", "nobody administers"),
        (WHOLE, "steps: [{repeat: {times: 2, steps: [{server: {keys: rotate}}]}}]", "nobody administers"),
        (WHOLE, "steps: [{stub: []}]", "leave out `server`"),
        (WHOLE, "steps: [{open: alice, expect: {server: {alice: open}}}]", "say `check: USER`"),
        (bare, "steps: [{check: alice}]", "`server` needs `service` and `authkey-file`"),
        (bare, "steps: [{enroll: {device: alice, host: id.example}}]", "say the code, too"),
        ("{url: id.example}", "steps: []", "http://... or https://..."),
        ("{url: \"https://id.example\", service: x}", "steps: []", "needs both"),
        ("{urll: \"https://id.example\"}", "steps: []", "did you mean `url`?"),
    ] {
        let error = Scenario::parse(&with_server(server, rest)).unwrap_err().to_string();
        assert!(error.contains(expected), "{rest}: {error}");
    }
    assert!(slip("steps: [{enroll: {device: alice, with: abc}}]").contains("the stub offers by itself"));
}

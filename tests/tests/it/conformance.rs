//! The scenarios of `ffi/conformance`, which hold in every language, here through the bindings' own Rust interface.

mod device;
mod host;
mod party;
mod scenario;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cardea_ffi::{CardeaError, State, Status};

use device::Devices;
use party::Party;
use scenario::{Scenario, Step};

const SCENARIOS: [&str; 2] =
    [include_str!("../../../ffi/conformance/scenarios.txt"), include_str!("../../../ffi/conformance/live.txt")];

/// What a step returned.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    State(State),
    Number(u64),
    Text(String),
    Failed(CardeaError),
}

impl Outcome {
    fn of<T: Into<Self>>(result: Result<T, CardeaError>) -> Self {
        result.map_or_else(Self::Failed, Into::into)
    }

    fn yes(is: bool) -> Self {
        Self::Text(if is { "yes" } else { "no" }.to_owned())
    }

    fn is(&self, expected: &str) -> bool {
        match self {
            Self::Failed(error) => expected == format!("error {}", error.number()),
            _ if expected == "ok" => true,
            Self::Done => false,
            Self::State(state) => {
                expected
                    == match state {
                        State::NotEnrolled => "not_enrolled",
                        State::Open => "open",
                        State::Closed => "closed",
                        State::Blocked => "blocked",
                    }
            }
            Self::Number(number) => expected == number.to_string(),
            Self::Text(text) => expected == format!("\"{text}\""),
        }
    }
}

impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        Self::State(status.state)
    }
}

impl From<u64> for Outcome {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Outcome {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

async fn play(scenario: &Scenario) {
    let mut party = Party::start();
    let mut devices = Devices::new(party.site.folder()).await;
    for Step { line, words, expected } in &scenario.steps {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = match party.step(&words) {
            Some(outcome) => outcome,
            None => devices.step(&words, &mut party).await,
        };
        assert!(
            outcome.is(expected),
            "scenarios.txt:{line}: {}: expected {expected}, got {outcome:?}",
            words.join(" ")
        );
    }
}

#[test]
fn every_scenario_holds() {
    let scenarios: Vec<Scenario> = SCENARIOS.iter().flat_map(|text| scenario::parse(text)).collect();
    assert!(scenarios.len() >= 20, "there are {}", scenarios.len());
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, NonZero::get).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                    let runtime = runtime.expect("a runtime");
                    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(scenario))));
                    if played.is_err() {
                        failures.lock().expect("no one panics with it").push(scenario.name.clone());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no one panics with it");
    assert!(failures.is_empty(), "{failures:#?}");
}

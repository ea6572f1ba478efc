//! The scenarios of `ffi/conformance`, which hold in every language, here through the bindings' own Rust interface.

mod device;
mod host;
mod party;
mod relying;
mod scenario;

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cardea_ffi::{CardeaError, State, Status, TokenStatus};

use device::Devices;
use party::Party;
use relying::Relying;
use scenario::{Scenario, Step};

/// The pages, each with how many scenarios it has at least.
const PAGES: [(&str, usize); 6] = [
    ("host.txt", 10),
    ("live.txt", 3),
    ("lost.txt", 9),
    ("pictures.txt", 2),
    ("relying.txt", 6),
    ("scenarios.txt", 30),
];

/// Where the pages are: in this tree, or where `CARDEA_SCENARIOS` says. `cargo xtask cross-version` plays those of others.
fn folder() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi/conformance");
    std::env::var_os("CARDEA_SCENARIOS").map_or_else(own, PathBuf::from)
}

/// The names of the pages, in order.
fn pages() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("the folder is there").flatten().map(|file| file.file_name());
    files.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".txt")).collect()
}

/// What a step returned.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    State(&'static str),
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

    fn count(number: usize) -> Self {
        Self::Number(u64::try_from(number).expect("not so many"))
    }

    fn is(&self, expected: &str) -> bool {
        match self {
            Self::Failed(error) => expected == format!("error {}", error.number()),
            _ if expected == "ok" => true,
            Self::Done => false,
            Self::State(state) => expected == *state,
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
        Self::State(match status.state {
            State::NotEnrolled => "not_enrolled",
            State::Open => "open",
            State::Closed => "closed",
            State::Blocked => "blocked",
        })
    }
}

impl From<TokenStatus> for Outcome {
    fn from(status: TokenStatus) -> Self {
        Self::State(match status {
            TokenStatus::NotEnrolled => "not_enrolled",
            TokenStatus::Open => "open",
            TokenStatus::Closed => "closed",
            TokenStatus::Duress => "duress",
            TokenStatus::Blocked => "blocked",
        })
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

/// A name of Rust as the pages spell it.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

async fn play(page: &str, scenario: &Scenario) {
    let mut party = Party::start();
    let mut devices = Devices::new(party.site.folder()).await;
    let mut relying = Relying::default();
    for Step { line, words, expected } in &scenario.steps {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let outcome = match party.step(&words) {
            Some(outcome) => outcome,
            None => match &words[..] {
                ["party", step @ ..] => relying.step(step, &mut party).await,
                step => devices.step(step, &mut party).await,
            },
        };
        assert!(outcome.is(expected), "{page}:{line}: {}: expected {expected}, got {outcome:?}", words.join(" "));
    }
}

#[test]
fn every_scenario_holds() {
    let mut scenarios: Vec<(String, Scenario)> = Vec::new();
    for page in pages() {
        let parsed = scenario::parse(&fs::read_to_string(folder().join(&page)).expect("the page is there"));
        scenarios.extend(parsed.into_iter().map(|scenario| (page.clone(), scenario)));
    }
    assert!(!scenarios.is_empty());
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, NonZero::get).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((page, scenario)) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                    let runtime = runtime.expect("a runtime");
                    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(page, scenario))));
                    if played.is_err() {
                        failures.lock().expect("no one panics with it").push(scenario.name.clone());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no one panics with it");
    assert!(failures.is_empty(), "{failures:#?}");
    println!("{} scenarios", scenarios.len());
}

#[test]
fn every_page_is_there_with_its_scenarios() {
    assert_eq!(pages().iter().map(String::as_str).collect::<Vec<_>>(), PAGES.map(|(page, _)| page));
    for (page, least) in PAGES {
        let parsed = scenario::parse(&fs::read_to_string(folder().join(page)).expect("the page is there"));
        assert!(parsed.len() >= least, "{page} has {}", parsed.len());
    }
}

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use tokio::runtime::Handle;

use super::foreign::Foreign;
use super::log::{HostLog, LogLevel};
use super::presence::ApprovalAnswer;
use super::*;
use crate::SecretBytes;
use crate::{Wallet, WalletOptions, open_wallet};

fn failed<T>(reason: &str) -> Result<T, HostError> {
    Err(HostError::Failed { reason: reason.to_owned() })
}

/// A clock that does what the test says.
struct Scripted<F>(F);

impl<F: Fn() -> Result<u64, HostError> + Send + Sync> Clock for Scripted<F> {
    fn now(&self) -> Result<u64, HostError> {
        (self.0)()
    }
}

impl<F: Fn(u32) -> Result<Vec<u8>, HostError> + Send + Sync> Entropy for Scripted<F> {
    fn bytes(&self, count: u32) -> Result<Vec<u8>, HostError> {
        (self.0)(count)
    }
}

fn clock(now: impl Fn() -> Result<u64, HostError> + Send + Sync + 'static) -> Host {
    Host { clock: Some(Arc::new(Scripted(now))), ..Host::default() }
}

fn entropy(bytes: impl Fn(u32) -> Result<Vec<u8>, HostError> + Send + Sync + 'static) -> Host {
    Host { entropy: Some(Arc::new(Scripted(bytes))), ..Host::default() }
}

async fn open(host: Host) -> Result<Arc<Wallet>, CardeaError> {
    open_wallet(WalletOptions { recover_in_background: false, ..WalletOptions::default() }, host, None).await
}

#[tokio::test]
async fn a_host_that_throws_is_an_error_and_nothing_else() {
    for host in [clock(|| failed("no time")), entropy(|_| failed("no bytes"))] {
        let error = open(host).await.unwrap_err();
        assert_eq!(error.number(), 151);
        assert!(error.explanation().contains("failed: no "), "{error}");
    }
    let thrown = HostError::from(uniffi::UnexpectedUniFFICallbackError::new("IllegalStateException"));
    assert_eq!(thrown.to_string(), "IllegalStateException");
}

#[tokio::test]
async fn a_host_that_panics_is_an_error() {
    let error = open(clock(|| panic!("on purpose"))).await.unwrap_err();
    assert!(matches!(error, CardeaError::Host { code: 151, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_is_an_error() {
    let (release, wait) = channel::<()>();
    let wait: Mutex<Receiver<()>> = Mutex::new(wait);
    let host = clock(move || {
        let _ = wait.lock().unwrap().recv();
        Ok(1)
    });
    let opening = tokio::spawn(open(host));
    // Let it begin to wait before time passes.
    while Handle::current().metrics().num_alive_tasks() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(LIMIT).await;
    let error = opening.await.unwrap().unwrap_err();
    assert_eq!(error.number(), 151);
    assert!(error.explanation().contains("did not answer within 5 seconds"), "{error}");
    drop(release);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_calls_back_is_refused_and_waits_for_nobody() {
    let runtime = Handle::current();
    let host = clock(move || match runtime.block_on(open(Host::default())) {
        Ok(_) => Ok(1),
        Err(error) => failed(&error.explanation()),
    });
    let error = open(host).await.unwrap_err();
    assert_eq!(error.number(), 151);
    assert!(error.explanation().contains("called the wallet"), "{error}");
    assert!(outside().is_ok(), "the thread of the caller is not the one that was asked");
}

#[tokio::test]
async fn a_host_may_go_wrong_later_too() {
    let working = Arc::new(Mutex::new(true));
    let works = Arc::clone(&working);
    let host = clock(move || if *works.lock().unwrap() { Ok(1) } else { failed("gone") });
    let (asked, env) = Asked::new(&host.into());
    asked.before().await.unwrap();
    assert_eq!(env.clock.now(), 1);
    *working.lock().unwrap() = false;
    assert_eq!(asked.before().await.unwrap_err().number(), 151);
    assert_eq!(env.clock.now(), 1, "what is under way goes on with the last reading");
}

#[tokio::test(start_paused = true)]
async fn a_clock_goes_on_by_itself_between_readings_and_never_overflows() {
    let (asked, env) = Asked::new(&clock(|| Ok(u64::MAX - 1)).into());
    asked.before().await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(env.clock.now(), u64::MAX);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(env.clock.now(), u64::MAX);
}

#[tokio::test(start_paused = true)]
async fn time_that_passes_while_the_machine_sleeps_is_the_systems_and_not_the_hosts() {
    use cardea_sdk::{Clock as _, SystemClock};
    let (asked, env) = Asked::new(&clock(|| Ok(5)).into());
    let before = SystemClock.now();
    asked.before().await.unwrap();
    assert_eq!(env.clock.now(), 5);
    // Monotonic time stands still here, as it does on most systems while they sleep.
    assert!((before..=SystemClock.now()).contains(&env.clock.awake_or_not()));
}

#[tokio::test]
async fn a_source_of_randomness_that_lies_about_its_length_is_an_error() {
    for given in [0, 1, 1023, 1025, 100_000] {
        let error = open(entropy(move |_| Ok(vec![7; given]))).await.unwrap_err();
        assert_eq!(error.number(), 151);
        assert!(error.explanation().contains(&format!("gave {given} bytes")), "{error}");
    }
}

#[tokio::test]
async fn a_source_of_randomness_that_always_gives_the_same_does_no_harm() {
    let (asked, env) = Asked::new(&entropy(|count| Ok(vec![0; usize::try_from(count).unwrap()])).into());
    asked.before().await.unwrap();
    let (mut one, mut two) = ([0; 32], [0; 32]);
    env.entropy.fill(&mut one);
    env.entropy.fill(&mut two);
    assert_ne!(one, two);
    assert_ne!(one, [0; 32]);
    // More than the host ever gave.
    let mut many = [0; 4096];
    env.entropy.fill(&mut many);
    assert!(many[4064..] != [0; 32]);
    asked.before().await.unwrap();
}

#[test]
fn what_the_host_brings_is_not_printed() {
    let text = format!("{:?}", Host::default());
    assert_eq!(text, "Host { clock: false, entropy: false, log: false, secrets: false, presence: false }");
}

#[test]
fn no_word_of_a_presence_that_throws_is_passed_on() {
    for thrown in [HostError::Full, HostError::Denied, failed::<()>("PinPad(digits=274951)").unwrap_err()] {
        let error = presence::taken(Err(thrown)).unwrap_err();
        assert_eq!(error.to_string(), "the host program's presence failed");
    }
    let wrong = ApprovalAnswer::Pin { digits: b"27495x".as_slice().into() };
    let error = presence::taken(Ok(wrong)).unwrap_err();
    assert!(!error.to_string().contains("27495"), "{error}");
}

/// A log that does what the test says.
struct Lines<F>(F);

impl<F: Fn(LogLevel, String) -> Result<(), HostError> + Send + Sync> LogSink for Lines<F> {
    fn log(&self, level: LogLevel, text: String) -> Result<(), HostError> {
        (self.0)(level, text)
    }
}

fn write(log: &HostLog, count: usize) {
    for number in 0..count {
        cardea_sdk::LogSink::log(log, cardea_sdk::LogLevel::Info, &number.to_string());
    }
}

#[tokio::test]
async fn a_log_gets_its_lines_in_order_whatever_it_throws() {
    let (lines, heard) = channel();
    let log = HostLog::new(Foreign::new(Arc::new(Lines(move |level, text: String| {
        lines.send((level, text.clone())).unwrap();
        if text == "1" { panic!("on purpose") } else { failed("nobody cares") }
    }))));
    write(&log, 4);
    let heard = tokio::task::spawn_blocking(move || heard.iter().take(4).collect::<Vec<_>>()).await.unwrap();
    assert!(heard.iter().all(|(level, _)| *level == LogLevel::Info));
    assert_eq!(heard.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn a_log_that_is_stuck_holds_nobody_up_and_is_told_what_it_missed() {
    let (release, wait) = channel::<()>();
    let (lines, heard) = channel();
    let wait = Mutex::new(wait);
    let log = HostLog::new(Foreign::new(Arc::new(Lines(move |_, text: String| {
        if text == "0" {
            let _ = wait.lock().unwrap().recv();
        }
        lines.send(text).unwrap();
        Ok(())
    }))));
    write(&log, 1);
    while log.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    write(&log, 300);
    drop(release);
    let heard = tokio::task::spawn_blocking(move || heard.iter().take(258).collect::<Vec<_>>()).await.unwrap();
    assert!(heard[257].starts_with("44 lines of the log were dropped"), "{:?}", heard[257]);
}

/// A store of secrets of which every call does what the test says.
struct Store<F>(F);

impl<F: Fn() -> Result<(), HostError> + Send + Sync> SecretStore for Store<F> {
    fn load(&self, _: String) -> Result<Option<SecretBytes>, HostError> {
        (self.0)().map(|()| None)
    }

    fn save(&self, _: String, _: SecretBytes) -> Result<(), HostError> {
        (self.0)()
    }

    fn remove(&self, _: String) -> Result<(), HostError> {
        (self.0)()
    }
}

async fn open_with_store(call: impl Fn() -> Result<(), HostError> + Send + Sync + 'static) -> CardeaError {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("wallet").to_str().map(str::to_owned);
    let options = WalletOptions { folder, recover_in_background: false, ..WalletOptions::default() };
    let host = Host { secrets: Some(Arc::new(Store(call))), ..Host::default() };
    open_wallet(options, host, None).await.unwrap_err()
}

#[tokio::test]
async fn a_store_of_secrets_that_fails_is_an_error_and_never_an_empty_wallet() {
    for failure in [HostError::Full, HostError::Denied, failed::<()>("locked").unwrap_err()] {
        let error = open_with_store(move || Err(failure.clone())).await;
        assert!(matches!(error, CardeaError::Storage { code: 142, .. }), "{error}");
    }
    let error = open_with_store(|| panic!("on purpose")).await;
    assert!(matches!(error, CardeaError::Storage { code: 142, .. }), "{error}");
    // It says that it has kept the key, and has not.
    let error = open_with_store(|| Ok(())).await;
    assert!(matches!(error, CardeaError::Storage { .. }), "{error}");
}

#[tokio::test]
async fn a_store_of_secrets_without_a_folder_is_refused_and_not_asked() {
    let store = Store(|| panic!("it was asked"));
    let host = Host { secrets: Some(Arc::new(store)), ..Host::default() };
    let error = open_wallet(WalletOptions::default(), host, None).await.unwrap_err();
    assert!(matches!(error, CardeaError::Misuse { code: 117, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_secrets_that_calls_back_is_refused() {
    let runtime = Handle::current();
    let error = open_with_store(move || match runtime.block_on(open(Host::default())) {
        Ok(_) => Ok(()),
        Err(error) => failed(&error.explanation()),
    })
    .await;
    assert!(error.explanation().contains("called the wallet"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_store_of_secrets_that_never_answers_is_an_error() {
    let error = opening(std::future::pending::<Result<(), WalletError>>()).await.unwrap_err();
    assert_eq!(error.number(), 151);
}

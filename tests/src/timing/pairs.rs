//! Pairs of operations on two tokens that differ in nothing but the PIN.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cardea_sdk::{Clock, Entropy as _, Env, Invitation, NewPins, OsEntropy, Pin, Token, Wallet, Window};
use serde_json::json;

use super::tap::{Frames, Tap};
use crate::harness::Site;

/// The PIN that opens, and the one that raises the alarm.
const PINS: [&[u8]; 2] = [b"27495163", b"83640275"];

/// What is compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An opening with the normal PIN, and one with a duress PIN that raises the alarm, each on a token that is closed
    /// and free of duress.
    Raising,
    /// An opening, a status and a close on a free token, and the same on one that is under duress already.
    Lasting,
}

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What.
    pub shape: Shape,
    /// How many pairs.
    pub pairs: usize,
}

/// The reply times of one operation in nanoseconds, in the order of the pairs.
#[derive(Debug, Clone, Default)]
pub struct Times {
    /// Which operation.
    pub operation: &'static str,
    /// With the normal PIN.
    pub normal: Vec<u64>,
    /// With a duress PIN.
    pub duress: Vec<u64>,
}

/// Runs the pairs against a server of its own; returns what was measured for each of their operations.
///
/// # Errors
/// Sizes, number or order of frames differ between two operations of one kind; the text says where.
///
/// # Panics
/// Server or device do not work at all.
pub fn measure(settings: Settings) -> Result<Vec<Times>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(run(settings))
}

async fn run(Settings { shape, pairs }: Settings) -> Result<Vec<Times>, String> {
    let mut site = Site::dev_with(&["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0"]);
    let clock = Arc::new(Time::default());
    let mut holders = [Holder::enroll(&site, &clock, "ada").await, Holder::enroll(&site, &clock, "eve").await];
    step(&mut site, &clock);

    let operations: &[&'static str] = match shape {
        Shape::Raising => &["open"],
        Shape::Lasting => &["open", "status", "close"],
    };
    let mut times: Vec<Times> = operations.iter().map(|operation| Times { operation, ..Times::default() }).collect();
    let mut pattern: Option<Vec<Frames>> = None;
    // The first pairs warm caches on both sides and are not counted.
    let warm_up = pairs / 100 + 1;
    for number in 0..pairs + warm_up {
        // Neither token is always the forced one, and neither role is always the first.
        if shape == Shape::Raising || number == 0 || number == pairs / 2 {
            holders.swap(0, 1);
            for holder in &holders {
                clear(&site, holder.user);
            }
            step(&mut site, &clock);
            if shape == Shape::Lasting {
                for (holder, pin) in holders.iter().zip(PINS) {
                    holder.perform(Shape::Raising, pin).await;
                }
            }
        }
        step(&mut site, &clock);
        for role in if coin() { [0, 1] } else { [1, 0] } {
            let pin = PINS[role];
            let (frames, measured) = holders[role].perform(shape, pin).await;
            match &pattern {
                None => pattern = Some(frames),
                Some(expected) if *expected != frames => {
                    return Err(format!("pair {number}, role {role}: frames {frames:?} instead of {expected:?}"));
                }
                Some(_) => {}
            }
            if number >= warm_up {
                for (times, time) in times.iter_mut().zip(measured) {
                    let sample = if role == 0 { &mut times.normal } else { &mut times.duress };
                    sample.push(time);
                }
            }
        }
    }
    Ok(times)
}

/// A coin toss.
fn coin() -> bool {
    let mut byte = [0];
    OsEntropy.fill(&mut byte);
    byte[0] & 1 == 1
}

/// The next second: what was closed in this one can be opened again.
fn step(site: &mut Site, clock: &Time) {
    site.advance(1);
    clock.0.store(site.time(), Ordering::Relaxed);
}

/// Closes the token, and ends duress if there is any. The same calls for both tokens, so that both have the same past, and
/// the server keeps copies of both.
fn clear(site: &Site, user: &str) {
    let answer = site.call("duress/clear", user, &json!({}));
    assert_eq!(answer.code, 200, "{answer:?}");
    assert_eq!(site.status(user), 2);
}

/// The server's clock, on the devices.
#[derive(Debug, Default)]
struct Time(AtomicU64);

impl Clock for Time {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Holder {
    user: &'static str,
    token: Token,
    tap: Tap,
}

fn pin(digits: &[u8]) -> Pin {
    Pin::new(digits).expect("it is a good PIN")
}

impl Holder {
    async fn enroll(site: &Site, clock: &Arc<Time>, user: &'static str) -> Self {
        clock.0.store(site.time(), Ordering::Relaxed);
        let tap = Tap::default();
        let env = Env { clock: Arc::clone(clock) as Arc<dyn Clock>, entropy: Arc::new(OsEntropy) };
        let builder = Wallet::builder().connector(Arc::new(tap.clone())).env(env).allow_test_argon2(true);
        let wallet = builder.emulated(true).recover_in_background(false).open().await.expect("a wallet in memory");
        let offer = site.offer_with(user, &json!({}));
        let invitation = Invitation::from_link(&offer.link).expect("the server makes links");
        let pins = NewPins { normal: pin(PINS[0]), duress: vec![pin(PINS[1])], biometric: None };
        wallet.enroll(&invitation, async |_| Ok(pins)).await.expect("it can enroll");
        let token = wallet.tokens().await.expect("memory").remove(0);
        // The first operation confirms the enrollment and is another.
        token.status().await.expect("it has a status");
        tap.take();
        Self { user, token, tap }
    }

    /// One operation after the other: the frames and the reply time of each.
    async fn perform(&self, shape: Shape, digits: &[u8]) -> (Vec<Frames>, Vec<u64>) {
        let (mut frames, mut times) = (Vec::new(), Vec::new());
        let mut note = || {
            let seen = self.tap.take();
            // An operation is one frame each way; a second exchange would show in the frames.
            times.extend(seen.times.first());
            frames.push(seen.frames);
        };
        self.token.open(pin(digits), Window::Service).await.expect("it opens, whichever PIN it is");
        note();
        if shape == Shape::Lasting {
            self.token.status().await.expect("it has a status");
            note();
            self.token.close().await.expect("it closes");
            note();
        }
        (frames, times)
    }
}

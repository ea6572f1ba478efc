//! A machine that sleeps in the middle of an operation: monotonic clocks stand still, wall clocks go on. What was asked
//! for in the evening is not done in the morning, and its answer is not shown then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cardea_protocol::wire::Op;
use cardea_sdk::{Clock, DeviceStatus, Env, EventKind, NewPins, Token, WalletError, Window};

use crate::line::{Line, pass, so_far};
use crate::server::Fault;
use crate::world::{PIN, World, pin};

const NIGHT: u32 = 8 * 3600;

/// The lid is closed as soon as the server has got `frames` more frames from devices.
async fn sleep_after(world: &World, frames: usize, seconds: u32) {
    let wanted = world.server.state().requests.len() + frames;
    while world.server.state().requests.len() < wanted {
        tokio::task::yield_now().await;
    }
    let mut state = world.server.state();
    state.now += seconds;
    world.clock.set(state.now.into());
}

/// An operation in which the machine sleeps after so many frames.
async fn slept<T>(
    world: &World,
    operation: impl Future<Output = Result<T, WalletError>>,
    frames: usize,
    seconds: u32,
) -> Result<T, WalletError> {
    let sleep = async {
        sleep_after(world, frames, seconds).await;
        std::future::pending().await
    };
    tokio::select! {
        biased;
        never = sleep => never,
        result = operation => result,
    }
}

fn open(token: &Token) -> impl Future<Output = Result<cardea_sdk::Status, WalletError>> {
    token.open(pin(PIN), Window::Service)
}

fn is_open(world: &World) -> bool {
    let state = world.server.state();
    state.open_until > state.now
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_was_slept_over_is_not_done_the_next_morning() {
    for (seed, fault) in [(970, Fault::LoseRequest), (971, Fault::Swallow), (972, Fault::LoseReply)] {
        let world = World::enrolled(seed).await;
        let token = world.token().await;
        world.server.fault([fault.clone()]);
        let result = slept(&world, open(&token), 1, NIGHT).await;
        assert!(matches!(result, Err(WalletError::NotConfirmed)), "{fault:?} {result:?}");
        assert!(!is_open(&world), "{fault:?}");
        assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed, "{fault:?}");
        assert!(!is_open(&world), "{fault:?}");
    }
}

/// The server had it in time, and its answer is read hours later.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_after_waking_is_not_shown_as_the_present() {
    let world = World::enrolled(973).await;
    let token = world.token().await;
    let mut events = world.wallet.events();
    let result = slept(&world, open(&token), 1, NIGHT).await;
    assert!(world.server.state().executed.iter().any(|(op, _)| *op == Op::Open));
    assert!(matches!(result, Err(WalletError::NotConfirmed)), "{result:?}");
    assert_eq!(so_far(&mut events).await, [EventKind::NotConfirmed]);
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_pins_that_was_slept_over_is_not_made_the_next_morning() {
    let world = World::enrolled(974).await;
    let token = world.token().await;
    world.server.fault([Fault::None, Fault::LoseRequest]);
    let change = token.change_pin(pin(PIN), NewPins::normal(pin(b"605172")));
    let result = slept(&world, change, 2, NIGHT).await;
    assert!(matches!(result, Err(WalletError::NotConfirmed)), "{result:?}");
    assert!(!world.server.state().executed.iter().any(|(op, _)| *op == Op::SetPins));
    assert_eq!(open(&token).await.unwrap().state, DeviceStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn a_nap_and_a_clock_that_is_set_back_end_nothing() {
    for (seed, seconds) in [(975, 0), (976, 30), (977, 60)] {
        let world = World::enrolled(seed).await;
        let token = world.token().await;
        world.server.fault([Fault::LoseReply]);
        slept(&world, open(&token), 1, seconds).await.unwrap_or_else(|error| panic!("{seconds}: {error}"));
    }
    let world = World::enrolled(978).await;
    let token = world.token().await;
    world.server.fault([Fault::LoseReply]);
    let set_back = async {
        sleep_after(&world, 1, 0).await;
        world.clock.set(1_000);
        std::future::pending().await
    };
    tokio::select! {
        biased;
        () = set_back => {}
        result = open(&token) => assert_eq!(result.unwrap().state, DeviceStatus::Open),
    }
}

/// Waiting for whoever has the token is not done over night either.
#[tokio::test(start_paused = true)]
async fn an_opening_that_waited_for_the_token_over_night_sends_nothing() {
    let world = World::enrolled(979).await;
    let token = world.token().await;
    let lease = Arc::new(std::sync::Mutex::new(world.store.try_lease(&token.key()).unwrap()));
    let sent = world.server.state().requests.len();
    let wake = async {
        pass(10).await;
        world.clock.set(u64::from(crate::server::NOW + NIGHT));
        drop(lease.lock().unwrap().take());
        std::future::pending().await
    };
    let result = tokio::select! {
        never = wake => never,
        result = open(&token) => result,
    };
    assert!(matches!(result, Err(WalletError::Offline(_))), "{result:?}");
    assert_eq!(world.server.state().requests.len(), sent);
    assert!(!token.summary().await.unwrap().pending);
}

/// A clock that goes on by eight hours whenever it is looked at.
#[derive(Debug, Default)]
struct Hurried(AtomicU64);

impl Clock for Hurried {
    fn now(&self) -> u64 {
        self.0.fetch_add(NIGHT.into(), Ordering::Relaxed)
    }
}

/// Nobody can open with the token meanwhile, and it is not even waited for.
#[tokio::test(start_paused = true)]
async fn a_pin_that_was_slept_over_while_it_was_hashed_is_not_used() {
    let world = World::enrolled(980).await;
    let env = Env { clock: Arc::<Hurried>::default(), ..world.env.clone() };
    let wallet = Line::to(&world.connector).builder(&world).env(env).open().await.unwrap();
    let token = wallet.tokens().await.unwrap().remove(0);
    let _lease = world.store.try_lease(&token.key()).unwrap();
    let before = crate::world::paused_now();
    let new = || NewPins::normal(pin(b"605172"));
    assert!(matches!(open(&token).await, Err(WalletError::Offline(_))));
    assert!(matches!(token.change_pin(pin(PIN), new()).await, Err(WalletError::Offline(_))));
    assert!(matches!(token.set_duress(pin(PIN), Vec::new()).await, Err(WalletError::Offline(_))));
    assert!(before.elapsed().is_zero());
}

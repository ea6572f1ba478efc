//! Asking the holder: when, what about, and what may happen meanwhile.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};

use cardea_sdk::{
    Approval, BiometricKey, DeviceStatus, NewPins, Presence, PresenceError, PresenceRequest, Purpose, Token, Wallet,
    WalletError, Window,
};
use tokio::runtime::Handle;

use crate::world::{DURESS, PIN, WRONG, World, pin};

type Answer = dyn Fn(&PresenceRequest) -> Result<Approval, PresenceError> + Send + Sync;

/// Answers as told and notes what it was asked.
struct Holder {
    answer: Box<Answer>,
    asked: Mutex<Vec<PresenceRequest>>,
    given_up: Mutex<Vec<u64>>,
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Holder")
    }
}

impl Holder {
    fn new(answer: impl Fn(&PresenceRequest) -> Result<Approval, PresenceError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), asked: Mutex::default(), given_up: Mutex::default() })
    }

    fn knowing(digits: &'static [u8]) -> Arc<Self> {
        Self::new(|_| Ok(pin(digits).into()))
    }

    fn purposes(&self) -> Vec<Purpose> {
        self.asked.lock().unwrap().iter().map(|request| request.purpose.clone()).collect()
    }
}

impl Presence for Holder {
    fn approve(&self, request: &PresenceRequest) -> Result<Approval, PresenceError> {
        self.asked.lock().unwrap().push(request.clone());
        (self.answer)(request)
    }

    fn given_up(&self, number: u64) {
        self.given_up.lock().unwrap().push(number);
        panic!("a host that panics");
    }
}

/// The world's token in a wallet that asks `holder`.
async fn token(world: &World, holder: &Arc<Holder>) -> Token {
    wallet(world, holder).await.tokens().await.unwrap().remove(0)
}

async fn wallet(world: &World, holder: &Arc<Holder>) -> Wallet {
    let presence = Arc::clone(holder) as Arc<dyn Presence>;
    let builder = Wallet::builder().store(Arc::clone(&world.store)).connector(Arc::new(world.connector.clone()));
    let builder = builder.env(world.env.clone()).allow_test_argon2(true).recover_in_background(false);
    builder.presence(presence).open().await.unwrap()
}

#[tokio::test]
async fn the_holder_is_asked_with_what_there_is_to_know() {
    let world = World::enrolled(600).await;
    let _ = world.token().await.open(pin(WRONG), Window::Service).await;
    let holder = Holder::knowing(PIN);
    let token = token(&world, &holder).await;
    assert_eq!(token.open(Approval::Ask, Window::Service).await.unwrap().state, DeviceStatus::Open);
    token.set_label("work").await.unwrap();
    token.change_pin(Approval::Ask, NewPins::normal(pin(PIN))).await.unwrap();
    token.unenroll(Approval::Ask).await.unwrap();
    let asked = holder.asked.lock().unwrap();
    assert_eq!(asked[0].token, token.key());
    assert_eq!((asked[0].service.as_str(), asked[0].tries_left), ("id.example", Some(4)));
    assert_eq!(asked[0].policy, world.server.state().policy);
    assert_eq!((asked[1].service.as_str(), asked[1].tries_left), ("work", Some(5)));
    let purposes: Vec<_> = asked.iter().map(|request| request.purpose.clone()).collect();
    assert_eq!(purposes, [Purpose::Open, Purpose::ChangePins, Purpose::Unenroll]);
}

#[tokio::test]
async fn an_answer_counts_as_if_it_had_been_given_at_once() {
    let world = World::enrolled(601).await;
    let token = token(&world, &Holder::knowing(WRONG)).await;
    let refused = token.open(Approval::Ask, Window::Service).await;
    assert!(matches!(refused, Err(WalletError::PinRejected { tries_left: 4 })));
    let keyed = Holder::new(|_| Ok(BiometricKey::new([1; 32]).into()));
    let refused = self::token(&world, &keyed).await.open(Approval::Ask, Window::Service).await;
    assert_eq!(refused.unwrap_err().code(), 110, "the service allows no biometric keys");
}

#[tokio::test]
async fn a_wallet_without_a_presence_says_so() {
    let world = World::enrolled(602).await;
    let refused = world.token().await.open(Approval::Ask, Window::Service).await;
    assert_eq!(refused.unwrap_err().code(), 116);
}

#[tokio::test]
async fn whoever_does_not_want_to_changes_nothing() {
    let world = World::enrolled(603).await;
    for (answer, code) in [
        (Holder::new(|_| Err(PresenceError::Cancelled)), 106),
        (Holder::new(|_| Err(PresenceError::Failed("no finger".into()))), 151),
        (Holder::new(|_| Ok(Approval::Ask)), 151),
        (Holder::new(|_| panic!("a host that panics")), 151),
    ] {
        let token = token(&world, &answer).await;
        assert_eq!(token.open(Approval::Ask, Window::Service).await.unwrap_err().code(), code);
        let status = token.status().await.unwrap();
        assert_eq!((status.state, status.tries_left), (DeviceStatus::Closed, 5));
    }
}

#[tokio::test]
async fn nobody_is_asked_for_what_cannot_succeed() {
    let mut world = World::enrolled(604).await;
    let holder = Holder::knowing(PIN);
    let token = token(&world, &holder).await;
    // New PINs that are no good.
    let refused = token.change_pin(Approval::Ask, NewPins::normal(pin(b"111111"))).await;
    assert_eq!(refused.unwrap_err().code(), 110);
    // Blocked.
    for _ in 0..5 {
        let _ = token.open(pin(WRONG), Window::Service).await;
    }
    let refused = token.open(Approval::Ask, Window::Service).await;
    assert!(matches!(refused, Err(WalletError::Blocked { .. })));
    // Nobody there.
    let (connector, listener) = cardea_sdk::transport::memory::network();
    drop(listener);
    world.connector = connector;
    let token = self::token(&world, &holder).await;
    assert!(matches!(token.open(Approval::Ask, Window::Service).await, Err(WalletError::Offline(_))));
    assert_eq!(holder.purposes(), []);
}

/// A presence that uses the wallet while it is being asked, about the same token too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presence_may_use_the_wallet() {
    let world = World::enrolled(605).await;
    let reentered: Arc<OnceLock<Token>> = Arc::default();
    let inner = Arc::clone(&reentered);
    let holder = Holder::new(move |request| {
        let token = inner.get().expect("set before anything is asked");
        Handle::current().block_on(async {
            token.status().await.unwrap();
            token.set_label("meanwhile").await.unwrap();
            assert!(token.confirmations().await.unwrap().is_empty());
            if request.purpose == Purpose::ChangePins {
                // Asks again, from within.
                token.open(Approval::Ask, Window::Service).await.unwrap();
            }
        });
        Ok(pin(PIN).into())
    });
    let token = token(&world, &holder).await;
    reentered.set(token.clone()).expect("set once");
    token.change_pin(Approval::Ask, NewPins::normal(pin(PIN))).await.unwrap();
    assert_eq!(holder.purposes(), [Purpose::ChangePins, Purpose::Open]);
    assert_eq!(token.summary().await.unwrap().details.label, "meanwhile");
}

#[tokio::test]
async fn others_use_the_token_while_the_holder_thinks() {
    let world = World::enrolled(606).await;
    let ((asked, is_asked), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let (asked, go_on) = (Mutex::new(asked), Mutex::new(go_on));
    let holder = Holder::new(move |_| {
        asked.lock().unwrap().send(()).unwrap();
        go_on.lock().unwrap().recv().unwrap();
        Ok(pin(PIN).into())
    });
    let token = token(&world, &holder).await;
    let asking = tokio::spawn({
        let token = token.clone();
        async move { token.open(Approval::Ask, Window::Service).await }
    });
    tokio::task::spawn_blocking(move || is_asked.recv().unwrap()).await.unwrap();
    // Another wallet on the same store gets the lease at once.
    let other = world.token().await;
    other.open(pin(DURESS), Window::Service).await.unwrap();
    other.close().await.unwrap();
    go.send(()).unwrap();
    assert_eq!(asking.await.unwrap().unwrap().state, DeviceStatus::Open);
}

#[tokio::test]
async fn a_dropped_operation_drops_the_answer() {
    let world = World::enrolled(607).await;
    let ((asked, is_asked), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let (asked, go_on) = (Mutex::new(asked), Mutex::new(go_on));
    let holder = Holder::new(move |_| {
        asked.lock().unwrap().send(()).unwrap();
        go_on.lock().unwrap().recv().unwrap();
        Ok(pin(WRONG).into())
    });
    let token = token(&world, &holder).await;
    let asking = tokio::spawn({
        let token = token.clone();
        async move { token.open(Approval::Ask, Window::Service).await }
    });
    tokio::task::spawn_blocking(move || is_asked.recv().unwrap()).await.unwrap();
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    assert_eq!(token.status().await.unwrap().tries_left, 5, "the wrong answer went nowhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presence_is_told_that_nobody_waits_any_more() {
    let world = World::enrolled(690).await;
    let (answer, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let holder = Holder::new(move |_| {
        let _ = wait.lock().unwrap().recv();
        Ok(pin(PIN).into())
    });
    let token = token(&world, &holder).await;
    let opening = tokio::spawn({
        let token = token.clone();
        async move { token.open(Approval::Ask, Window::Service).await }
    });
    while holder.asked.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(holder.given_up.lock().unwrap().is_empty());
    opening.abort();
    assert!(opening.await.unwrap_err().is_cancelled());
    let number = holder.asked.lock().unwrap()[0].number;
    assert_eq!(*holder.given_up.lock().unwrap(), [number]);
    drop(answer);
    // An answer that is waited for is told of to nobody.
    token.open(Approval::Ask, Window::Service).await.unwrap();
    assert_eq!(holder.given_up.lock().unwrap().len(), 1);
    assert_ne!(holder.asked.lock().unwrap()[1].number, number);
}

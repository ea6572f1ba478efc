//! A wallet that nothing is asked of does nothing, and one that has something to find out stops when it has.

use cardea_sdk::{EventKind, WalletError, Window};
use tokio::runtime::Handle;

use crate::line::{Line, next, pass, settle};
use crate::server::Fault;
use crate::world::{PIN, WRONG, World, pin};

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn an_idle_wallet_has_no_task_and_no_connection() {
    let world = World::enrolled(720).await;
    settle().await;
    let before = tasks();
    let line = Line::to(&world.connector);
    let wallet = line.builder(&world).recover_in_background(true).open().await.unwrap();
    let mut events = wallet.events();
    settle().await;
    assert_eq!((tasks(), line.tries()), (before, 0));
    let token = wallet.tokens().await.unwrap().remove(0);
    token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(next(&mut events).await, EventKind::Opened);
    // Until the opening has ended there is one.
    settle().await;
    assert_eq!(tasks(), before + 1);
    pass(61).await;
    assert_eq!((tasks(), line.in_use()), (before, 0));
    let tries = line.tries();
    pass(86_400).await;
    assert_eq!(line.tries(), tries);
}

#[tokio::test(start_paused = true)]
async fn what_is_pending_is_looked_after_until_it_is_known_and_then_there_is_no_task() {
    let world = World::enrolled(721).await;
    let line = Line::to(&world.connector);
    let wallet = line.builder(&world).recover_in_background(true).open().await.unwrap();
    let token = wallet.tokens().await.unwrap().remove(0);
    settle().await;
    let before = tasks();
    world.server.fault(std::iter::repeat_n(Fault::LoseReply, 500));
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::NotConfirmed)));
    pass(300).await;
    assert!(token.summary().await.unwrap().pending && tasks() > before);
    world.server.state().faults.clear();
    pass(200).await;
    assert!(!token.summary().await.unwrap().pending);
    assert_eq!((tasks(), line.in_use()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_refused_does_not_ask_again_and_again() {
    let world = World::enrolled(722).await;
    let line = Line::to(&world.connector);
    let wallet = line.builder(&world).recover_in_background(true).open().await.unwrap();
    let token = wallet.tokens().await.unwrap().remove(0);
    world.server.state().devices[0].row.suspended = true;
    assert!(matches!(token.open(pin(WRONG), Window::Service).await, Err(WalletError::Blocked { .. })));
    assert!(token.summary().await.unwrap().pending);
    let tries = line.tries();
    pass(600).await;
    assert!(line.tries() <= tries + 2, "{} tries", line.tries() - tries);
    // The holder who asks is answered, and the token works again once it is not refused any more.
    world.server.state().devices[0].row.suspended = false;
    token.open(pin(PIN), Window::Service).await.unwrap();
    assert!(!token.summary().await.unwrap().pending);
}

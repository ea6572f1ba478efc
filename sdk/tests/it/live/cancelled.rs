//! Guards that are dropped, and operations that begin, at every point where they can.

use cardea_protocol::wire::Op;
use cardea_sdk::{DeviceStatus, Window};
use tokio::task::yield_now;

use crate::line::{Line, pass, settle};
use crate::server::Fault;
use crate::world::{PIN, World, pin};

/// Points that a session needs to begin, and some: it is there long before.
const POINTS: usize = 60;

fn lost() -> [Vec<Fault>; 3] {
    [vec![], vec![Fault::LoseReply], vec![Fault::LoseRequest]]
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_dropped_anywhere_leaves_a_token_that_works() {
    for (at, lost) in lost().into_iter().enumerate() {
        let mut subscribed = 0;
        for times in 0..POINTS {
            let mut world = World::enrolled(880).await;
            let (wallet, line) = Line::wallet(&world).await;
            world.server.fault(lost.clone());
            let live = wallet.go_live();
            for _ in 0..times {
                yield_now().await;
            }
            drop(live);
            settle().await;
            assert_eq!(line.in_use(), 0, "dropped after {times}");
            subscribed += usize::from(world.server.subscriptions() > 0);
            world.server.state().faults.clear();
            drop(wallet);
            world.restart().await;
            let token = world.token().await;
            assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
            let state = world.server.state();
            assert_eq!(state.executed.iter().filter(|(op, _)| *op == Op::Open).count(), 1, "dropped after {times}");
            assert!(!state.devices[0].row.clone_blocked, "dropped after {times}");
        }
        assert!(at > 0 || (1..POINTS).contains(&subscribed), "{subscribed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_begins_anywhere_is_done_once_and_the_session_comes_back() {
    for lost in lost() {
        for times in 0..POINTS {
            let world = World::enrolled(881).await;
            let (wallet, line) = Line::wallet(&world).await;
            let token = wallet.tokens().await.unwrap().remove(0);
            world.server.fault(lost.clone());
            let _live = wallet.go_live();
            for _ in 0..times {
                yield_now().await;
            }
            assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
            pass(20).await;
            assert_eq!(line.in_use(), 1, "began after {times}, {lost:?}");
            assert!(!token.summary().await.unwrap().pending, "began after {times}, {lost:?}");
            let state = world.server.state();
            assert_eq!(state.executed.iter().filter(|(op, _)| *op == Op::Open).count(), 1, "began after {times}");
            assert!(!state.devices[0].row.clone_blocked, "began after {times}, {lost:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_end_may_be_given_up_anywhere() {
    for times in 0..10 {
        let world = World::enrolled(882).await;
        let (wallet, line) = Line::wallet(&world).await;
        let live = wallet.go_live();
        settle().await;
        assert_eq!(line.in_use(), 1);
        crate::cancel::for_a_while(live.stop(), times).await;
        settle().await;
        assert_eq!(line.in_use(), 0, "given up after {times}");
    }
}

#[tokio::test(start_paused = true)]
async fn closing_everything_may_be_given_up_anywhere() {
    for times in 0.. {
        let mut world = World::enrolled(883).await;
        let token = world.token().await;
        token.open(pin(PIN), Window::Service).await.unwrap();
        let done = crate::cancel::for_a_while(world.wallet.close_all(), times).await.is_some();
        settle().await;
        world.restart().await;
        let closed = world.server.state().executed.iter().filter(|(op, _)| *op == Op::Close).count();
        let expected = if closed == 1 { DeviceStatus::Closed } else { DeviceStatus::Open };
        assert_eq!(world.token().await.status().await.unwrap().state, expected, "given up after {times}");
        assert!(closed <= 1);
        if done {
            assert_eq!(closed, 1);
            break;
        }
    }
}

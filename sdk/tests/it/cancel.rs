//! Futures that are dropped at every point where they can be, with a restart after each.

use std::future::Future;
use std::pin::pin as pin_future;
use std::task::Poll;

use cardea_protocol::Code;
use cardea_protocol::wire::Op;
use cardea_sdk::{DeviceStatus, NewPins, WalletError, Window};

use crate::server::Fault;
use crate::world::{PIN, World, pin, pins};

/// Polls `future` until it is done or has been pending `times` times; then drops it.
pub(crate) async fn for_a_while<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin_future!(future);
    let mut left = times;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

fn opens(world: &World) -> usize {
    world.server.state().executed.iter().filter(|(op, code)| *op == Op::Open && *code == Code::Ok).count()
}

#[tokio::test(start_paused = true)]
async fn an_open_that_is_dropped_anywhere_runs_at_most_once_and_is_found_out() {
    for lost in [vec![], vec![Fault::LoseReply], vec![Fault::LoseRequest, Fault::LoseReply]] {
        let mut cancelled = 0;
        for times in 0.. {
            let mut world = World::enrolled(500).await;
            world.server.fault(lost.clone());
            let token = world.token().await;
            let done = for_a_while(token.open(pin(PIN), Window::Service), times).await;
            let was_done = done.is_some();
            if let Some(result) = done {
                assert_eq!(result.unwrap().state, DeviceStatus::Open);
            } else {
                cancelled += 1;
            }
            world.server.state().faults.clear();
            world.restart().await;
            let state = world.token().await.status().await.unwrap().state;
            let opened = opens(&world);
            assert_eq!(opened == 1, state == DeviceStatus::Open, "dropped after {times}");
            assert!(opened <= 1 && (!was_done || opened == 1), "dropped after {times}");
            // And the token goes on working.
            assert_eq!(world.token().await.close().await.unwrap().state, DeviceStatus::Closed);
            assert!(!world.server.state().devices[0].row.clone_blocked);
            if was_done {
                break;
            }
        }
        // How many points there are depends on which threads are faster; `crash` goes through every write.
        assert!(cancelled > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_is_dropped_anywhere_goes_on_with_the_same_bytes() {
    for times in 0.. {
        let mut world = World::enrolled(501).await;
        world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
        assert!(world.token().await.open(pin(PIN), Window::Service).await.is_err());
        world.server.state().faults.clear();
        let done = for_a_while(world.token().await.status(), times).await;
        world.restart().await;
        assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Open, "dropped after {times}");
        assert_eq!(opens(&world), 1);
        assert!(!world.server.state().devices[0].row.clone_blocked);
        if done.is_some() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_enrollment_that_is_dropped_anywhere_can_be_done_again_or_goes_on() {
    for times in 0.. {
        let mut world = World::new(502).await;
        let done = {
            let invitation = cardea_sdk::Invitation::from_link(&world.server.link()).unwrap();
            for_a_while(world.wallet.enroll(&invitation, async |_| Ok(pins())), times).await.is_some()
        };
        // What was being handled when the future was dropped is handled.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        world.restart().await;
        if world.server.state().code_used {
            assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Closed, "after {times}");
        } else {
            world.try_enroll().await.unwrap();
        }
        world.token().await.open(pin(PIN), Window::Service).await.unwrap();
        if done {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_pins_that_is_dropped_anywhere_leaves_one_of_the_two() {
    for times in 0.. {
        let mut world = World::enrolled(503).await;
        let token = world.token().await;
        let done = for_a_while(token.change_pin(pin(PIN), NewPins::normal(pin(b"605172"))), times).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        world.restart().await;
        let changed = world.server.state().executed.iter().any(|(op, _)| *op == Op::SetPins);
        let (good, bad): (&[u8], &[u8]) = if changed { (b"605172", PIN) } else { (PIN, b"605172") };
        let token = world.token().await;
        let rejected = token.open(pin(bad), Window::Service).await;
        assert!(matches!(rejected, Err(WalletError::PinRejected { .. })), "dropped after {times}");
        token.open(pin(good), Window::Service).await.unwrap();
        if done.is_some() {
            break;
        }
    }
}

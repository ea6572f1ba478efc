//! Live sessions: what is pushed becomes events, operations go on as without them, and nothing is left of them.

mod cancelled;
mod together;
mod trouble;
mod woken;

use cardea_protocol::Code;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{Attempt, Op, Push, Reply};
use cardea_sdk::EventKind::{self, *};
use cardea_sdk::{Events, Invitation, Live, Wallet};
use tokio::runtime::Handle;

use crate::line::{Line, next, pass, settle, so_far};
use crate::world::{World, pins};

/// A wallet that is live, and what it hears.
struct Watching {
    world: World,
    wallet: Wallet,
    line: std::sync::Arc<Line>,
    events: Events,
    live: Option<Live>,
}

async fn watching(seed: u64) -> Watching {
    let world = World::enrolled(seed).await;
    let (wallet, line) = Line::wallet(&world).await;
    let mut events = wallet.events();
    let live = Some(wallet.go_live());
    assert_eq!(next(&mut events).await, Closed);
    settle().await;
    assert_eq!((world.server.subscriptions(), line.in_use()), (1, 1));
    Watching { world, wallet, line, events, live }
}

impl Watching {
    async fn so_far(&mut self) -> Vec<EventKind> {
        so_far(&mut self.events).await
    }

    /// Lets time pass, by all clocks alike.
    async fn wait(&self, seconds: u64) {
        for _ in 0..seconds {
            pass(1).await;
            let mut state = self.world.server.state();
            state.now += 1;
            self.world.clock.set(state.now.into());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_device_does_is_seen_once() {
    let mut it = watching(800).await;
    it.world.server.open_elsewhere(60);
    it.world.server.push_state();
    assert_eq!(it.so_far().await, [Opened]);
    // Extended.
    it.wait(5).await;
    it.world.server.open_elsewhere(60);
    assert_eq!(it.so_far().await, [Opened]);
    it.world.server.close_elsewhere();
    it.world.server.close_elsewhere();
    assert_eq!(it.so_far().await, [Closed]);
    it.wait(100).await;
    assert_eq!(it.so_far().await, []);
    assert_eq!(it.world.server.subscriptions(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_opening_by_another_device_counts_down() {
    let mut it = watching(801).await;
    it.world.server.open_elsewhere(60);
    it.wait(70).await;
    assert_eq!(it.so_far().await, [Opened, ClosingSoon { remaining_seconds: 10 }, Closed]);
}

#[tokio::test(start_paused = true)]
async fn blocks_and_checks_are_seen() {
    let mut it = watching(802).await;
    let checked = Attempt { time: it.world.server.state().now, count: 3 };
    it.world.server.push(Push::Attempt(checked));
    assert_eq!(it.so_far().await, [ClosedTokenChecked { count: 3 }]);
    let reply = it.world.server.state().reply(Op::PushState, Code::Ok, 0);
    let blocked = Reply { status: DeviceStatus::Blocked, aux: 0, ..reply };
    it.world.server.push(Push::State(blocked));
    assert_eq!(it.so_far().await, [Blocked]);
}

#[tokio::test(start_paused = true)]
async fn a_text_is_asked_once_also_over_several_sessions() {
    let mut it = watching(803).await;
    it.world.server.ask(1, "pay five");
    assert_eq!(it.so_far().await, [ConfirmationAsked]);
    let token = it.wallet.tokens().await.unwrap().remove(0);
    assert_eq!(token.confirmations().await.unwrap()[0].text(), "pay five");
    it.wait(2).await;
    assert_eq!(it.so_far().await, []);
    it.world.server.ask(2, "pay six");
    assert_eq!(it.so_far().await, [ConfirmationAsked]);
    // While nobody listens one goes and another one comes.
    it.live = None;
    settle().await;
    it.world.server.state().pushing.waiting.remove(0);
    it.world.server.ask(3, "pay seven");
    it.live = Some(it.wallet.go_live());
    assert_eq!(it.so_far().await, [ConfirmationAsked, ConfirmationAsked]);
    it.live.as_ref().unwrap().wake();
    assert_eq!(it.so_far().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lists_texts_without_end_is_not_listened_to_without_end() {
    let world = World::enrolled(814).await;
    for number in 0..100 {
        world.server.ask(number, "pay five");
    }
    assert_eq!(world.token().await.confirmations().await.unwrap().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_could_not_be_shown_is_no_event() {
    let mut it = watching(804).await;
    it.world.server.ask(1, "pay \u{202e}five");
    assert_eq!(it.so_far().await, []);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_come_join_and_tokens_that_go_leave() {
    let world = World::new(805).await;
    let (wallet, line) = Line::wallet(&world).await;
    let mut events = wallet.events();
    let _live = wallet.go_live();
    settle().await;
    assert_eq!(line.tries(), 0);
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let enrolled = wallet.enroll(&invitation, async |_| Ok(pins())).await.unwrap();
    assert_eq!(so_far(&mut events).await, [Enrolled, Closed]);
    assert_eq!((world.server.subscriptions(), line.in_use()), (1, 1));
    enrolled.token.forget().await.unwrap();
    assert_eq!(so_far(&mut events).await, [Unenrolled]);
    assert_eq!(line.in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_other_programs_are_seen_in_a_while() {
    let world = World::new(806).await;
    let (wallet, line) = Line::wallet(&world).await;
    let _live = wallet.go_live();
    settle().await;
    let enrolled = world.try_enroll().await.unwrap();
    pass(21).await;
    assert_eq!((world.server.subscriptions(), line.in_use()), (1, 1));
    enrolled.token.forget().await.unwrap();
    pass(21).await;
    assert_eq!(line.in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_guard_leaves_no_task_and_no_connection() {
    let world = World::enrolled(807).await;
    let (wallet, line) = Line::wallet(&world).await;
    settle().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (first, second) = (wallet.go_live(), wallet.go_live());
    settle().await;
    assert_eq!((world.server.subscriptions(), line.in_use()), (1, 1));
    drop(first);
    settle().await;
    assert_eq!(line.in_use(), 1);
    drop(second);
    settle().await;
    assert_eq!((tasks(), line.in_use()), (before, 0));
    // And stop waits for it.
    let live = wallet.go_live();
    settle().await;
    assert_eq!(line.in_use(), 1);
    live.stop().await;
    assert_eq!(line.in_use(), 0);
    settle().await;
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_before_anybody_is_live() {
    let world = World::enrolled(808).await;
    let (wallet, line) = Line::wallet(&world).await;
    let _events = wallet.events();
    pass(10_000).await;
    assert_eq!((line.tries(), world.server.subscriptions()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_session_is_asked_whether_anybody_is_there_and_renewed_before_it_is_too_old() {
    let mut it = watching(809).await;
    it.wait(14 * 60).await;
    let pings = || it.world.server.state().executed.iter().filter(|(op, _)| *op == Op::Ping).count();
    assert_eq!((pings(), it.world.server.subscriptions()), (1, 1));
    it.wait(45 * 60).await;
    assert!(pings() >= 3);
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
    assert_eq!(it.so_far().await, []);
}

use std::time::Duration;

use cardea_sdk::{DeviceId, SystemClock, TokenId};
use tokio::task::JoinHandle;

use super::persona::tests::policy;
use super::*;
use crate::engine::Seed;

fn human(usual: impl Into<Reaction>) -> Arc<Human> {
    let time = Time::with(Arc::new(SystemClock));
    let journal = Journal::new(time.clone());
    Arc::new(Human::new("bob".into(), Arc::new(Seed::new(1).stream("bob")), time, journal, usual.into()))
}

/// Lets time pass, and whoever has something to do then do it.
async fn pass(seconds: u64) {
    settle().await;
    tokio::time::advance(Duration::from_secs(seconds)).await;
    settle().await;
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the paused time of the test")]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

fn token() -> TokenKey {
    TokenKey { token: TokenId::new([1; 16]), device: DeviceId::new([2; 4]) }
}

/// What came of it: a word.
async fn answer(human: &Human) -> &'static str {
    let policy = policy(6, true);
    let (token, purpose) = (token(), &Purpose::Open);
    match human
        .react(&Question { number: 77, token, service: "a door", purpose, tries_left: Some(9), policy: &policy }, None)
        .await
    {
        Ok(Approval::Pin(_)) => "a PIN",
        Ok(_) => "something else",
        Err(PresenceError::Cancelled) => "cancelled",
        Err(_) => "failed",
    }
}

/// The same, by a task of its own.
fn asking(human: &Arc<Human>) -> JoinHandle<&'static str> {
    let human = Arc::clone(human);
    tokio::spawn(async move { answer(&human).await })
}

#[tokio::test(start_paused = true)]
async fn the_next_outcome_comes_once_and_then_the_usual_one() {
    let human = human(Outcome::Approve);
    human.next(Outcome::Cancel);
    human.next(Outcome::Fail);
    human.next(Outcome::WrongPin);
    for expected in ["cancelled", "failed", "a PIN", "a PIN"] {
        assert_eq!(answer(&human).await, expected);
    }
    human.next(Outcome::Cancel);
    human.clear_next();
    human.set_usual(Outcome::Fail);
    assert_eq!(answer(&human).await, "failed");
}

#[tokio::test(start_paused = true)]
async fn people_take_their_time_and_nobody_waits_for_ever_for_who_does_not_look() {
    let human = human(Reaction { outcome: Outcome::Approve, delay: Delay::Fixed(Duration::from_secs(5)) });
    let start = now();
    assert_eq!(answer(&human).await, "a PIN");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    human.set_usual(Outcome::Ignore);
    assert_eq!(answer(&human).await, "cancelled");
    assert_eq!(start.elapsed(), Duration::from_secs(65));
    assert_eq!(human.prompts(), []);
}

#[tokio::test(start_paused = true)]
async fn a_question_waits_until_it_is_answered_once() {
    let human = human(Outcome::Wait);
    let asking = asking(&human);
    pass(600).await;
    let [prompt] = &human.prompts()[..] else { panic!("one waits") };
    assert_eq!(
        (prompt.id, prompt.service.as_str(), &prompt.purpose, prompt.tries_left),
        (1, "a door", &Purpose::Open, Some(9))
    );
    assert_eq!(human.answer(7, Outcome::Approve), Err(NoSuchPrompt(7)));
    human.answer(1, Outcome::Wait).unwrap();
    assert_eq!(human.prompts().len(), 1);
    human.answer(1, Outcome::Approve).unwrap();
    assert_eq!(human.answer(1, Outcome::Cancel), Err(NoSuchPrompt(1)));
    assert_eq!(asking.await.unwrap(), "a PIN");
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_before_what_was_to_be_done() {
    let human = human(Reaction { outcome: Outcome::Approve, delay: Delay::Fixed(Duration::from_secs(60)) });
    let asking = asking(&human);
    pass(1).await;
    human.answer(1, Outcome::Cancel).unwrap();
    assert_eq!(asking.await.unwrap(), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn whatever_waits_is_cancelled_when_nobody_is_there_any_more() {
    let human = human(Outcome::Wait);
    let asking = asking(&human);
    pass(1).await;
    human.leave();
    assert_eq!(asking.await.unwrap(), "cancelled");
    assert_eq!(answer(&human).await, "cancelled");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_was_given_up_leaves_no_question_behind_and_nobody_who_waits() {
    let human = human(Outcome::Wait);
    let asking = asking(&human);
    pass(1).await;
    assert_eq!(human.prompts().len(), 1);
    human.given_up(78);
    assert_eq!(human.prompts().len(), 1);
    human.given_up(77);
    assert_eq!(human.prompts(), []);
    assert_eq!(asking.await.unwrap(), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_given_up_before_it_was_asked_is_not_asked() {
    let human = human(Outcome::Wait);
    for number in 0..1_000 {
        human.given_up(number);
    }
    human.given_up(77);
    assert_eq!(answer(&human).await, "cancelled");
    assert_eq!(human.prompts(), []);
    assert!(human.desk().given_up.len() <= REMEMBERED);
}

#[tokio::test(start_paused = true)]
async fn questions_and_answers_are_in_the_journal() {
    let human = human(Outcome::Duress);
    answer(&human).await;
    let kinds: Vec<_> = human.journal.since(0).entries.into_iter().map(|entry| entry.kind).collect();
    let token = token();
    assert_eq!(kinds, [Kind::Asked { prompt: 1, token }, Kind::Answered { prompt: 1, outcome: Outcome::Duress }]);
}

//! What is forgotten, when, and what is not.

use super::super::tests::{TestAdmin, joe, start, window};
use super::*;
use crate::admin::{KeyScope, NewKey};
use crate::domain::actor::Actor;
use crate::storage::rows::DeviceRows;
use crate::storage::testing::block_on;
use crate::vault::testing::Pin;
use crate::vault::{Repeatable, Repeater};

const DAY: u64 = 86_400;

/// So many days pass, and each day the server looks at what need not be kept. Returns what it forgot.
async fn pass(test: &TestAdmin, days: u32) -> Forgotten {
    let mut sum = Forgotten::default();
    for _ in 0..days {
        test.clock.advance(DAY);
        let Forgotten { events, tombstones, authkeys, confirmations } = test.admin.forget().await.expect("done");
        sum.events += events;
        sum.tombstones += tombstones;
        sum.authkeys += authkeys;
        sum.confirmations += confirmations;
    }
    sum
}

#[test]
fn a_deleted_tokens_devices_are_forgotten_in_time_and_those_of_living_tokens_never() {
    block_on(async {
        let test = start().await;
        let days = Retention { tombstone_days: Some(30), event_days: Some(60), ..Retention::default() };
        let mut test = test;
        test.admin = std::sync::Arc::new(
            Admin::new(&test.instance, super::super::tests::settings()).expect("valid").with_retention(days),
        );
        let (gone, stays) = (test.service("default_a", window(30)).await, test.service("default_b", window(30)).await);
        let (vault, device) = test.device(&gone).await;
        // Its hints move on, so that the other device may begin with the same ones.
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.close(&device).await.expect("answered");
        test.device(&stays).await;
        test.admin.delete(&gone, &joe(), Actor::Operator).await.expect("deleted");
        let devices = async || test.admin.read(|_, tx| Ok(tx.device_keys()?.len())).await.expect("read");
        test.admin.deliver_events().await.expect("delivered");
        assert_eq!((test.admin.forget().await.expect("done"), devices().await), (Forgotten::default(), 2));
        let forgotten = pass(&test, 31).await;
        assert_eq!((forgotten, devices().await), (Forgotten { tombstones: 1, ..Forgotten::default() }, 1));
        // Events that the log has not written yet wait for it.
        test.admin.block(&stays, &joe(), Actor::Operator).await.expect("blocked");
        assert!(pass(&test, 61).await.events > 0);
        assert!(test.admin.audit_verify(Vec::new()).await.expect("read").holds());
        test.admin.deliver_events().await.expect("delivered");
        assert!(test.admin.forget().await.expect("done").events > 0);
    });
}

#[test]
fn a_confirmation_can_be_asked_about_for_as_long_as_is_configured() {
    block_on(async {
        for (days, forgets) in [(Retention::default().confirmation_days, true), (Some(90), false), (None, false)] {
            let mut test = start().await;
            let rules = Retention { confirmation_days: days, ..Retention::default() };
            let admin = Admin::new(&test.instance, super::super::tests::settings()).expect("valid");
            test.admin = std::sync::Arc::new(admin.with_retention(rules));
            let service = test.service("default_a", window(30)).await;
            test.device(&service).await;
            let ask = crate::domain::confirmation::Ask::new("Pay", None, Some(60)).expect("valid");
            let asked = test.admin.ask_confirmation(&service, &joe(), ask, Actor::Operator).await.expect("asked");
            let state = async || test.admin.confirmation(&service, asked.id, false).await.map(|it| it.state.name());
            let house = async || {
                test.admin.end_confirmations().await.expect("ended");
                test.admin.forget().await.expect("done").confirmations
            };
            assert_eq!((house().await, state().await), (0, Ok("pending")));
            pass(&test, 30).await;
            test.clock.advance(60);
            assert_eq!((house().await, state().await), (0, Ok("expired")), "{days:?}");
            test.clock.advance(1);
            let left = if forgets { Err(AdminError::NoConfirmation) } else { Ok("expired") };
            assert_eq!((house().await, state().await), (usize::from(forgets), left), "{days:?}");
        }
    });
}

#[test]
fn a_clock_that_jumps_ahead_is_not_believed_at_once() {
    block_on(async {
        let mut test = start().await;
        let days = Retention { event_days: Some(30), authkey_days: Some(30), ..Retention::default() };
        let admin = Admin::new(&test.instance, super::super::tests::settings()).expect("valid");
        test.admin = std::sync::Arc::new(admin.with_retention(days));
        let service = test.service("default_a", window(30)).await;
        test.device(&service).await;
        let scope = KeyScope::Service("default_a".to_owned());
        let key = NewKey::new(scope, "a key", crate::domain::permission::Permissions::BASIC);
        let key = test.admin.create_authkey(key, Actor::Operator).await.expect("created");
        test.admin.revoke_authkey(key.id, Actor::Operator).await.expect("revoked");
        test.admin.deliver_events().await.expect("delivered");
        assert_eq!(test.admin.forget().await.expect("done"), Forgotten::default());
        test.clock.advance(3_650 * DAY);
        for _ in 0..15 {
            assert_eq!(test.admin.forget().await.expect("done"), Forgotten::default());
        }
        assert_eq!(test.admin.forget().await.expect("done").authkeys, 1, "it is believed in the end");
    });
}

#[test]
fn nothing_is_forgotten_unless_somebody_says_so() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_a", window(30)).await;
        test.device(&service).await;
        test.admin.delete(&service, &joe(), Actor::Operator).await.expect("deleted");
        test.admin.deliver_events().await.expect("delivered");
        test.clock.advance(10_000 * DAY);
        assert_eq!(test.admin.forget().await.expect("done"), Forgotten::default());
    });
}

#[test]
fn what_the_log_has_not_written_yet_is_counted() {
    block_on(async {
        let mut test = start().await;
        let metrics = crate::metrics::Metrics::new();
        let admin = Admin::new(&test.instance, super::super::tests::settings()).expect("valid");
        test.admin = std::sync::Arc::new(admin.with_metrics(&metrics));
        let service = test.service("default_a", window(30)).await;
        test.device(&service).await;
        let rows = test.admin.deliver_events().await.expect("delivered");
        assert!(rows > 1 && metrics.render().contains(&format!("\ncardea_journal_rows {rows}\n")), "{rows}");
        assert!(metrics.render().contains("\ncardea_journal_log_backlog 0\n"));
    });
}

#[test]
fn the_head_is_signed_from_time_to_time_and_only_when_it_has_grown() {
    block_on(async {
        let test = start().await;
        let checkpoints = async || test.admin.audit_verify(Vec::new()).await.expect("read").checkpoints;
        let service = test.service("default_a", window(30)).await;
        test.device(&service).await;
        let mut done = super::super::housekeeping::Done::default();
        test.admin.do_what_is_due(&mut done).await;
        assert_eq!(checkpoints().await, 1);
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        test.admin.do_what_is_due(&mut done).await;
        assert_eq!(checkpoints().await, 1, "not yet");
        test.clock.advance(3_600);
        test.admin.do_what_is_due(&mut done).await;
        assert_eq!(checkpoints().await, 2);
        test.clock.advance(3_600);
        test.admin.do_what_is_due(&mut done).await;
        assert_eq!(checkpoints().await, 2, "nothing has happened since");
    });
}

#[test]
fn answers_that_nobody_may_ask_for_again_go_although_nobody_calls() {
    block_on(async {
        let test = start().await;
        let again = Repeatable {
            caller: Repeater::Authkey(1),
            call: "authkey/create",
            key: "k".to_owned(),
            asked: "a".to_owned(),
        };
        test.admin
            .write(move |vault, tx| vault.remember(tx, &again, "a secret", vault.reading()))
            .await
            .expect("remembered");
        let count = async || {
            let sql = "SELECT COUNT(*) FROM answer";
            let count = |tx: &mut dyn Transaction| {
                let mut count = 0;
                tx.query(sql, &[], &mut |row| row.int(0).map(|found| count = found))?;
                Ok(count)
            };
            test.admin.read(move |_, tx| count(tx)).await.expect("read")
        };
        let mut done = super::super::housekeeping::Done::default();
        test.admin.do_what_is_due(&mut done).await;
        assert_eq!(count().await, 1, "it may be asked for");
        test.clock.advance(DAY);
        test.admin.do_what_is_due(&mut done).await;
        assert_eq!(count().await, 0);
    });
}

#[test]
fn the_value_of_a_forgotten_authkey_never_comes_back() {
    block_on(async {
        let test = start().await;
        let days = Retention { authkey_days: Some(30), ..Retention::default() };
        let admin = Admin::new(&test.instance, super::super::tests::settings()).expect("valid").with_retention(days);
        let key = |value: &str| NewKey {
            value: Some(value.to_owned().into()),
            ..NewKey::new(KeyScope::Instance, "leaked", crate::domain::permission::Permissions::ADMIN)
        };
        let value = "this-value-has-leaked";
        let made = admin.create_authkey(key(value), Actor::Operator).await.expect("created");
        admin.revoke_authkey(made.id, Actor::Operator).await.expect("revoked");
        test.clock.advance(31 * DAY);
        assert_eq!(admin.forget().await.expect("done").authkeys, 1);
        assert_eq!(admin.list_authkeys().await.expect("listed").len(), 0);
        let again = admin.create_authkey(key(value), Actor::Operator).await;
        assert!(matches!(again, Err(AdminError::BadCall(_))), "{again:?}");
        let other = admin.create_authkey(key("another-value-altogether"), Actor::Operator).await.expect("created");
        let rotated = admin.rotate_authkey(other.id, Some(value.to_owned().into()), 0, Actor::Operator).await;
        assert!(matches!(rotated, Err(AdminError::BadCall(_))), "{rotated:?}");
    });
}

#[test]
fn a_damaged_row_keeps_the_events_and_nothing_else() {
    block_on(async {
        let test = start().await;
        let days = Retention { event_days: Some(30), authkey_days: Some(30), ..Retention::default() };
        let admin = Admin::new(&test.instance, super::super::tests::settings()).expect("valid").with_retention(days);
        let new = NewKey::new(KeyScope::Instance, "old", crate::domain::permission::Permissions::ADMIN);
        let made = admin.create_authkey(new, Actor::Operator).await.expect("created");
        admin.revoke_authkey(made.id, Actor::Operator).await.expect("revoked");
        test.admin.deliver_events().await.expect("delivered");
        let damage = |_: &Vault, tx: &mut dyn Transaction| {
            let name = crate::storage::Value::Text(LOG);
            assert_eq!(tx.execute("UPDATE meta SET sealed = x'00' WHERE name = $1", &[name])?, 1);
            Ok(())
        };
        admin.write(damage).await.expect("damaged");
        test.clock.advance(31 * DAY);
        let forgotten = admin.forget().await;
        assert!(matches!(forgotten, Err(AdminError::Failed(crate::vault::VaultError::Damaged(_)))), "{forgotten:?}");
        assert_eq!(admin.list_authkeys().await.expect("listed").len(), 0);
    });
}

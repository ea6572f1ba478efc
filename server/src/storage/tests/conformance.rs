//! One suite for every driver.

use crate::clock::UnixSeconds;
use crate::storage::rows::*;
use crate::storage::testing::{self, TestStore, block_on, file, memory, postgres};
use crate::storage::{StorageError, Store, Transaction};

/// Runs every check on every driver.
macro_rules! conformance {
    ($($check:ident),* $(,)?) => {
        mod memory_conforms { $(#[test] fn $check() { super::block_on(super::$check(super::memory())); })* }
        mod file_conforms { $(#[test] fn $check() { super::block_on(super::$check(super::file())); })* }
        mod postgres_conforms { $(#[test] fn $check() { super::block_on(super::$check(super::postgres())); })* }
    };
}

conformance!(
    what_is_written_is_read,
    a_failed_job_leaves_nothing_and_its_neighbors_alone,
    a_panicking_job_leaves_nothing_and_the_store_goes_on,
    a_reader_cannot_write,
    the_faster_change_wins,
    of_many_changes_of_one_version_one_wins,
    counters_never_give_a_number_twice,
    a_hint_finds_its_device_in_all_three_columns,
    a_user_has_one_token_per_service_and_ids_are_bytes,
    tokens_are_listed_in_the_order_of_the_bytes_of_their_users,
    pages_of_tokens_are_whole_whatever_comes_and_goes_between_them,
    an_offer_goes_with_its_token_and_devices_stay,
    expired_offers_are_swept,
    confirmations_are_listed_newest_first_and_go_with_their_token,
    an_answer_is_kept_as_it_was_first_given_until_it_expires,
    an_answer_is_there_if_and_only_if_what_was_asked_is_done,
    of_many_equal_calls_at_once_one_is_answered_for_all,
    the_journal_keeps_its_order,
    checkpoints_are_kept_by_size,
    erased_keys_are_gone,
    authkeys_are_found_by_hash_and_number,
    a_use_of_an_authkey_is_no_new_version_and_never_goes_back,
    subscriptions_go_when_their_services_are_gone,
    a_service_with_tokens_stays_and_a_webhook_goes_with_its_service,
    one_question_finds_what_several_would,
    accounts_are_found_by_either_hash_and_share_none,
    a_session_takes_the_place_of_the_one_of_its_slot_and_goes_with_its_account,
    applications_are_found_by_what_they_call_themselves_and_by_appsecret,
    a_policy_is_set_by_whoever_has_seen_it_and_goes_with_its_subscription,
    a_grant_takes_the_place_of_the_one_of_its_slot_and_has_its_tokens_with_it,
);

mod access;
mod answers;
mod confirmations;
mod jobs;
mod journal;
mod people;
mod statements;
mod status;
mod tokens;

use access::*;
use answers::*;
use confirmations::*;
use jobs::*;
use journal::*;
use people::*;
use status::*;
use tokens::*;

fn sealed(ver: u64, byte: u8) -> Sealed {
    Sealed { ver, bytes: vec![byte; 40] }
}

fn subscription_row(name: &str, at: u64) -> SubscriptionRow {
    SubscriptionRow { name: name.to_owned(), created_at: UnixSeconds::new(at), sealed: sealed(1, 3) }
}

fn service_row(id: u64) -> ServiceRow {
    ServiceRow { id, name: format!("default_s{id}"), subscription: "default".to_owned(), sealed: sealed(1, 1) }
}

fn token_row(id: u8, service: u64, user: &str) -> TokenRow {
    TokenRow { id: [id; 16], service, user: user.as_bytes().to_vec(), sealed: sealed(1, id) }
}

fn journal_row(seq: u64, token: u8) -> JournalRow {
    testing::journal_row(seq, token, &[token; 4])
}

fn device_row(token: u8, number: u8) -> DeviceRow {
    DeviceRow {
        key: DeviceKey { token: [token; 16], number: [number; 4] },
        hints: HintColumns { cur: [token ^ number; 8], prev: None, alt: None },
        static_key: [number; 32],
        sealed: sealed(1, number),
    }
}

async fn with_service(store: &Store) {
    store
        .write(|tx| {
            tx.insert_subscription(&subscription_row("default", 1))?;
            tx.insert_service(&service_row(1))
        })
        .await
        .expect("written");
}

async fn what_is_written_is_read(test: TestStore) {
    with_service(&test.store).await;
    let found = test
        .store
        .read(|tx| {
            assert!(tx.has_subscription("default")?);
            assert!(!tx.has_subscription("other")?);
            assert_eq!(tx.service_by_id(1)?, Some(service_row(1)));
            assert_eq!(tx.services()?, vec![service_row(1)]);
            assert_eq!(tx.service_by_name("default_other")?, None);
            tx.service_by_name("default_s1")
        })
        .await;
    assert_eq!(found, Ok(Some(service_row(1))));
}

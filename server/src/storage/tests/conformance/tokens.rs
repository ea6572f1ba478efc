//! Tokens, their devices and the offers for them.

use super::*;

pub(super) async fn a_user_has_one_token_per_service_and_ids_are_bytes(test: TestStore) {
    with_service(&test.store).await;
    test.store
        .write(|tx| {
            tx.insert_service(&service_row(2))?;
            tx.insert_token(&token_row(1, 1, "José"))?;
            tx.insert_token(&token_row(2, 1, "Jose\u{301}"))?;
            tx.insert_token(&token_row(3, 1, "José\0"))?;
            tx.insert_token(&token_row(4, 2, "José"))?;
            assert_eq!(tx.insert_token(&token_row(5, 1, "José")), Err(StorageError::Exists));
            assert_eq!(tx.token_of(1, "José")?.map(|row| row.id), Some([1; 16]));
            assert_eq!(tx.token_of(1, "Jose\u{301}")?.map(|row| row.id), Some([2; 16]));
            assert_eq!(tx.token_of(1, "José\0")?.map(|row| row.id), Some([3; 16]));
            assert_eq!(tx.token_of(1, "JOSÉ")?, None);
            assert_eq!(tx.token_by_id(&[4; 16])?, Some(token_row(4, 2, "José")));
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
    let orphan = test.store.write(|tx| tx.insert_token(&token_row(6, 9, "x"))).await;
    assert_eq!(orphan, Err(StorageError::Misuse("a constraint of the schema is broken")), "there is no such service");
}

/// User ids of one service, in the order of their bytes, which is neither that of a language nor that of UTF-16.
const USERS: [&[u8]; 9] = [
    b"\0",
    b"Z",
    b"a",
    b"a\0",
    b"aa",
    "e\u{301}".as_bytes(),
    "\u{e9}".as_bytes(),
    "\u{ffff}".as_bytes(),
    &[0xf0, 0x90],
];

fn user_row(id: u8, service: u64, user: &[u8]) -> TokenRow {
    TokenRow { user: user.to_vec(), ..token_row(id, service, "") }
}

async fn with_users(store: &Store) {
    with_service(store).await;
    store
        .write(|tx| {
            tx.insert_service(&service_row(2))?;
            // Neither the order in which they came nor that of their ids.
            for place in [4_u8, 0, 8, 2, 6, 1, 7, 3, 5] {
                tx.insert_token(&user_row(0x80 - place, 1, USERS[usize::from(place)]))?;
            }
            tx.insert_token(&user_row(1, 2, b"aa"))?;
            tx.insert_token(&user_row(2, 2, b"b"))
        })
        .await
        .expect("written");
}

pub(super) async fn tokens_are_listed_in_the_order_of_the_bytes_of_their_users(test: TestStore) {
    with_users(&test.store).await;
    let list = async |service: u64, after: &'static [u8], limit: u32| {
        let rows = test.store.read(move |tx| tx.tokens_after(service, after, limit)).await.expect("read");
        rows.into_iter().map(|row| row.user).collect::<Vec<_>>()
    };
    let all: Vec<_> = (0..).zip(USERS).map(|(place, user)| user_row(0x80 - place, 1, user)).collect();
    assert_eq!(test.store.read(|tx| tx.tokens_after(1, b"", 100)).await, Ok(all), "whole rows, all of them");
    assert_eq!(list(1, b"", 3).await, USERS[..3]);
    for (place, user) in USERS.into_iter().enumerate() {
        assert_eq!(list(1, user, 100).await, USERS[place + 1..], "after {user:x?}, without it");
    }
    assert_eq!(list(1, b"ab", 2).await, USERS[5..7], "after one that is not there");
    assert_eq!(list(1, b"a", 0).await, [] as [&[u8]; 0]);
    assert_eq!(list(2, b"", 100).await, [b"aa".as_slice(), b"b"], "of one service alone");
    assert_eq!(list(3, b"", 100).await, [] as [&[u8]; 0]);
}

pub(super) async fn pages_of_tokens_are_whole_whatever_comes_and_goes_between_them(test: TestStore) {
    with_users(&test.store).await;
    for size in 1..=10 {
        let (mut seen, mut after) = (Vec::new(), Vec::new());
        loop {
            let place = after.clone();
            let page = test.store.read(move |tx| tx.tokens_after(1, &place, size)).await.expect("read");
            assert!(page.len() <= size as usize);
            let Some(last) = page.last() else { break };
            after.clone_from(&last.user);
            seen.extend(page.into_iter().map(|row| row.user));
            assert!(seen.len() <= USERS.len(), "no page begins again");
        }
        assert_eq!(seen, USERS, "{size} at a time");
    }
    let first = test.store.read(|tx| tx.tokens_after(1, b"", 4)).await.expect("read");
    let last = first.last().expect("four").user.clone();
    test.store
        .write(|tx| {
            // The one where the page ended, one behind it, and one that would have been on the page before.
            tx.delete_token(&[0x80 - 3; 16])?;
            tx.delete_token(&[0x80 - 5; 16])?;
            tx.insert_token(&user_row(3, 1, b"Zz"))?;
            tx.insert_token(&user_row(4, 1, b"ab"))
        })
        .await
        .expect("written");
    let rest = test.store.read(move |tx| tx.tokens_after(1, &last, 100)).await.expect("read");
    let rest: Vec<_> = rest.into_iter().map(|row| row.user).collect();
    assert_eq!(rest, [USERS[4], b"ab", USERS[6], USERS[7], USERS[8]]);
}

pub(super) async fn an_offer_goes_with_its_token_and_devices_stay(test: TestStore) {
    with_service(&test.store).await;
    let offer = |id: u8, token: u8, lookup: &str| EnrollmentRow {
        id: [id; 8],
        lookup: lookup.to_owned(),
        token: [token; 16],
        expires_at: UnixSeconds::new(600),
        sealed: sealed(1, 1),
    };
    test.store
        .write(move |tx| {
            tx.insert_token(&token_row(1, 1, "joe"))?;
            tx.insert_token(&token_row(2, 1, "eva"))?;
            tx.insert_device(&device_row(1, 1))?;
            tx.put_slots(&device_row(1, 1).key, &sealed(1, 1))?;
            tx.insert_enrollment(&offer(1, 1, "ABCD"))?;
            assert_eq!(tx.insert_enrollment(&offer(2, 1, "EFGH")), Err(StorageError::Exists), "one per token");
            assert_eq!(tx.insert_enrollment(&offer(2, 2, "ABCD")), Err(StorageError::Exists), "one per lookup");
            assert_eq!(tx.enrollment(&[1; 8])?, Some(offer(1, 1, "ABCD")));
            assert_eq!(tx.enrollment_by_lookup("ABCD")?, Some(offer(1, 1, "ABCD")));
            assert_eq!(tx.enrollment_of(&[2; 16])?, None);
            tx.update_enrollment(&[1; 8], &sealed(2, 2))?;
            assert_eq!(tx.update_enrollment(&[1; 8], &sealed(2, 2)), Err(StorageError::Conflict));
            tx.delete_token(&[1; 16])?;
            assert_eq!(tx.enrollment(&[1; 8])?, None);
            assert!(tx.device(&device_row(1, 1).key)?.is_some());
            tx.erase_slots(&device_row(1, 1).key)?;
            assert_eq!(tx.slots(&device_row(1, 1).key)?, None);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

pub(super) async fn expired_offers_are_swept(test: TestStore) {
    with_service(&test.store).await;
    test.store
        .write(|tx| {
            for (id, expires_at) in [(1, 599), (2, 600), (3, 601)] {
                tx.insert_token(&token_row(id, 1, &format!("user {id}")))?;
                tx.insert_enrollment(&EnrollmentRow {
                    id: [id; 8],
                    lookup: format!("AAA{id}"),
                    token: [id; 16],
                    expires_at: UnixSeconds::new(expires_at),
                    sealed: sealed(1, 1),
                })?;
            }
            assert_eq!(tx.sweep_enrollments(UnixSeconds::new(600))?, 2);
            assert!(tx.enrollment(&[3; 8])?.is_some());
            tx.delete_enrollment_of(&[3; 16])?;
            assert!(tx.enrollment(&[3; 8])?.is_none());
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

pub(super) async fn a_hint_finds_its_device_in_all_three_columns(test: TestStore) {
    let hints = HintColumns { cur: [1; 8], prev: Some([2; 8]), alt: Some([3; 8]) };
    let row = DeviceRow { hints, ..device_row(7, 1) };
    let (stored, other) = (row.clone(), device_row(7, 2));
    let twice = DeviceRow { hints: HintColumns { cur: [1; 8], prev: None, alt: None }, ..device_row(8, 2) };
    test.store
        .write(move |tx| {
            tx.insert_device(&stored)?;
            tx.insert_device(&other)?;
            assert_eq!(tx.insert_device(&twice), Err(StorageError::Exists));
            for hint in [[1; 8], [2; 8], [3; 8]] {
                assert_eq!(tx.devices_by_hint(&hint)?, vec![stored.clone()]);
            }
            assert_eq!(tx.devices_by_hint(&[4; 8])?, vec![]);
            assert_eq!(tx.devices_by_static(&[2; 32])?, vec![other.clone()]);
            assert_eq!(tx.devices_of(&[7; 16])?, vec![stored.clone(), other.clone()]);
            assert_eq!(tx.device_keys()?, vec![stored.key, other.key]);
            let moved = HintColumns { cur: [4; 8], prev: Some([1; 8]), alt: None };
            tx.update_device(&DeviceRow { hints: moved, sealed: sealed(2, 1), ..stored })?;
            assert_eq!(tx.devices_by_hint(&[2; 8])?, vec![]);
            assert_eq!(tx.devices_by_hint(&[1; 8])?.len(), 1);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

use super::*;

fn account_row(id: u64, name: u8, email: Option<u8>) -> AccountRow {
    AccountRow {
        id,
        subscription: "default".to_owned(),
        name_hash: [name; 32],
        email_hash: email.map(|email| [email; 32]),
        sealed: sealed(1, name),
    }
}

fn application_row(id: u64) -> ApplicationRow {
    let byte = u8::try_from(id).expect("small");
    ApplicationRow {
        id,
        subscription: "default".to_owned(),
        client: [byte; 16],
        secret_hash: [byte; 32],
        sealed: sealed(1, byte),
    }
}

fn session_row(token: u8, account: u64, slot: u8) -> SessionRow {
    let (created_at, expires_at) = (UnixSeconds::new(u64::from(token)), SessionRow::NEVER);
    SessionRow { hash: [token; 32], account, slot: [slot; 32], created_at, expires_at, sealed: sealed(1, token) }
}

pub(super) async fn accounts_are_found_by_either_hash_and_share_none(test: TestStore) {
    with_service(&test.store).await;
    let done = test.store.write(|tx| {
        for row in [account_row(1, 1, Some(9)), account_row(2, 2, None), account_row(3, 3, None)] {
            tx.insert_account(&row)?;
        }
        // Name or address of another one; nobody without an address shares one.
        for taken in [account_row(4, 1, None), account_row(4, 4, Some(9))] {
            assert_eq!(tx.insert_account(&taken), Err(StorageError::Exists));
        }
        assert_eq!(tx.account_by_name(&[2; 32])?, Some(account_row(2, 2, None)));
        assert_eq!(tx.account_by_email(&[9; 32])?, Some(account_row(1, 1, Some(9))));
        assert_eq!(tx.account_by_email(&[2; 32])?, None);
        assert_eq!(tx.account(3)?.map(|row| row.name_hash), Some([3; 32]));
        let numbers = |rows: Vec<AccountRow>| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(numbers(tx.accounts("default", 1, 1)?), [2]);
        assert_eq!(numbers(tx.accounts("default", 0, 9)?), [1, 2, 3]);
        assert_eq!(numbers(tx.accounts("other", 0, 9)?), [0; 0]);

        let changed = AccountRow { sealed: sealed(2, 7), ..account_row(2, 8, Some(7)) };
        tx.update_account(&changed)?;
        assert_eq!(tx.account_by_name(&[8; 32])?, Some(changed.clone()));
        assert_eq!(tx.update_account(&changed), Err(StorageError::Conflict), "its version is the one that is there");
        let taken = AccountRow { sealed: sealed(3, 7), ..account_row(2, 1, None) };
        assert_eq!(tx.update_account(&taken), Err(StorageError::Exists));
        assert_eq!(tx.account(2)?, Some(changed), "and the transaction goes on");
        Ok::<_, StorageError>(())
    });
    assert_eq!(done.await, Ok(()));
}

pub(super) async fn a_session_takes_the_place_of_the_one_of_its_slot_and_goes_with_its_account(test: TestStore) {
    with_service(&test.store).await;
    let done = test.store.write(|tx| {
        tx.insert_account(&account_row(1, 1, None))?;
        tx.insert_account(&account_row(2, 2, None))?;
        for row in [session_row(1, 1, 1), session_row(2, 1, 2), session_row(3, 2, 3)] {
            tx.put_session(&row)?;
        }
        tx.put_session(&session_row(4, 1, 1))?;
        assert_eq!(tx.session(&[1; 32])?, None);
        assert_eq!(tx.session(&[4; 32])?, Some(session_row(4, 1, 1)));
        assert_eq!(tx.put_session(&session_row(4, 2, 9)), Err(StorageError::Exists));
        assert_eq!(tx.sessions_of(1)?, [session_row(2, 1, 2), session_row(4, 1, 1)]);
        assert!(tx.delete_session(&[2; 32])? && !tx.delete_session(&[2; 32])?);
        assert!(tx.delete_account(1)? && !tx.delete_account(1)?);
        assert_eq!((tx.session(&[4; 32])?, tx.sessions_of(1)?), (None, Vec::new()));
        assert!(tx.session(&[3; 32])?.is_some());
        // The oldest go where there are too many, and those that are over.
        let ending = SessionRow { expires_at: UnixSeconds::new(100), ..session_row(5, 2, 5) };
        for row in [session_row(7, 2, 7), ending, session_row(6, 2, 6)] {
            tx.put_session(&row)?;
        }
        assert_eq!((tx.trim_sessions(2, 4)?, tx.trim_sessions(1, 0)?, tx.trim_sessions(2, 3)?), (0, 0, 1));
        assert_eq!(tx.session(&[3; 32])?, None);
        assert_eq!((tx.sweep_sessions(UnixSeconds::new(99))?, tx.sweep_sessions(UnixSeconds::new(100))?), (0, 1));
        let left = tx.sessions_of(2)?.iter().map(|row| row.hash[0]).collect::<Vec<_>>();
        assert_eq!(left, [6, 7]);
        Ok::<_, StorageError>(())
    });
    assert_eq!(done.await, Ok(()));
}

pub(super) async fn applications_are_found_by_what_they_call_themselves_and_by_appsecret(test: TestStore) {
    with_service(&test.store).await;
    let done = test.store.write(|tx| {
        for id in 1..=3 {
            tx.insert_application(&application_row(id))?;
        }
        let same_secret = ApplicationRow { secret_hash: [1; 32], ..application_row(4) };
        assert_eq!(tx.insert_application(&same_secret), Err(StorageError::Exists));
        assert_eq!(tx.application_by_client(&[2; 16])?, Some(application_row(2)));
        let renewed = ApplicationRow { secret_hash: [9; 32], sealed: sealed(2, 9), ..application_row(2) };
        tx.update_application(&renewed)?;
        assert_eq!(tx.application_by_secret(&[2; 32])?, None);
        assert_eq!(tx.application_by_secret(&[9; 32])?, Some(renewed.clone()));
        assert_eq!(tx.update_application(&renewed), Err(StorageError::Conflict));
        assert_eq!(tx.applications("default", 1, 9)?.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
        assert!(tx.delete_application(3)? && !tx.delete_application(3)?);
        Ok::<_, StorageError>(())
    });
    assert_eq!(done.await, Ok(()));
}

pub(super) async fn a_grant_takes_the_place_of_the_one_of_its_slot_and_has_its_tokens_with_it(test: TestStore) {
    with_service(&test.store).await;
    let grant = |id: u8, account, slot: u8| GrantRow {
        id: [id; 16],
        account,
        slot: [slot; 32],
        created_at: UnixSeconds::new(u64::from(id)),
        sealed: sealed(1, id),
    };
    let token = |hash: u8, grant: u8, end| GrantTokenRow {
        hash: [hash; 32],
        grant: [grant; 16],
        expires_at: UnixSeconds::new(end),
        sealed: sealed(1, hash),
    };
    let done = test.store.write(move |tx| {
        tx.insert_account(&account_row(1, 1, None))?;
        tx.insert_account(&account_row(2, 2, None))?;
        for row in [grant(1, 1, 1), grant(2, 1, 2), grant(3, 2, 3), grant(4, 2, 4)] {
            tx.put_grant(&row)?;
        }
        for row in [token(1, 1, 100), token(2, 1, 200), token(3, 2, 200), token(4, 3, 100), token(5, 4, 300)] {
            tx.insert_grant_token(&row)?;
        }
        assert_eq!(tx.insert_grant_token(&token(1, 2, 300)), Err(StorageError::Exists));
        assert_eq!(tx.grant(&[2; 16])?, Some(grant(2, 1, 2)));
        assert_eq!(tx.grant_tokens(&[1; 16])?, [token(1, 1, 100), token(2, 1, 200)]);
        let used = GrantTokenRow { sealed: sealed(2, 9), ..token(2, 1, 200) };
        tx.update_grant_token(&used)?;
        assert_eq!(tx.update_grant_token(&used), Err(StorageError::Conflict));
        assert_eq!(tx.grant_token(&[2; 32])?, Some(used));
        // Another one in the slot of the first.
        tx.put_grant(&grant(5, 1, 1))?;
        assert_eq!((tx.grant(&[1; 16])?, tx.grant_token(&[2; 32])?), (None, None));
        tx.insert_grant_token(&token(6, 5, 300))?;
        assert!(tx.delete_grant_token(&[6; 32])? && !tx.delete_grant_token(&[6; 32])?);
        // The third has only a token that is over, the fifth has none any more.
        assert_eq!(tx.sweep_grants(UnixSeconds::new(100))?, 2);
        assert_eq!((tx.grant(&[3; 16])?, tx.grant(&[5; 16])?), (None, None));
        assert!(tx.grant_token(&[3; 32])?.is_some() && tx.grant_token(&[4; 32])?.is_none());
        assert_eq!((tx.trim_grants(2, 1)?, tx.trim_grants(2, 0)?), (0, 1));
        tx.put_grant(&grant(4, 2, 4))?;
        tx.insert_grant_token(&token(5, 4, 300))?;
        assert_eq!((tx.delete_grants_of(1)?, tx.delete_grants_of(1)?), (1, 0));
        assert!(tx.delete_grant(&[4; 16])? && !tx.delete_grant(&[4; 16])?);
        assert_eq!(tx.grant_token(&[5; 32])?, None);
        Ok::<_, StorageError>(())
    });
    assert_eq!(done.await, Ok(()));
}

pub(super) async fn a_policy_is_set_by_whoever_has_seen_it_and_goes_with_its_subscription(test: TestStore) {
    let policy = |ver| PolicyRow { subscription: "other".to_owned(), sealed: sealed(ver, 7) };
    let done = test.store.write(move |tx| {
        tx.insert_subscription(&subscription_row("other", 5))?;
        assert_eq!(tx.policy("other")?, None);
        tx.put_policy(&policy(1))?;
        assert_eq!(tx.put_policy(&policy(1)), Err(StorageError::Conflict));
        assert_eq!(tx.put_policy(&policy(3)), Err(StorageError::Conflict));
        tx.put_policy(&policy(2))?;
        assert_eq!(tx.policy("other")?, Some(policy(2)));
        assert!(tx.delete_subscription("other")?);
        assert_eq!(tx.policy("other")?, None);
        Ok::<_, StorageError>(())
    });
    assert_eq!(done.await, Ok(()));
}

use super::*;

fn authkey_row(id: u64) -> AuthkeyRow {
    AuthkeyRow { id, hash: [u8::try_from(id).unwrap_or(0); 32], used_at: UnixSeconds::EPOCH, sealed: sealed(1, 7) }
}

pub(super) async fn authkeys_are_found_by_hash_and_number(test: TestStore) {
    let listed = test
        .store
        .write(|tx| {
            tx.insert_authkey(&authkey_row(2))?;
            tx.insert_authkey(&authkey_row(1))?;
            assert_eq!(tx.insert_authkey(&authkey_row(1)), Err(StorageError::Exists));
            let same_value = AuthkeyRow { hash: [1; 32], ..authkey_row(3) };
            assert_eq!(tx.insert_authkey(&same_value), Err(StorageError::Exists));
            assert_eq!(tx.authkey_by_hash(&[2; 32])?, Some(authkey_row(2)));
            assert_eq!(tx.authkey_by_hash(&[9; 32])?, None);
            assert_eq!(tx.authkey_by_id(1)?, Some(authkey_row(1)));
            assert_eq!(tx.authkey_by_id(9)?, None);
            tx.authkeys()
        })
        .await;
    assert_eq!(listed, Ok(vec![authkey_row(1), authkey_row(2)]));
}

pub(super) async fn a_use_of_an_authkey_is_no_new_version_and_never_goes_back(test: TestStore) {
    let seen = test
        .store
        .write(|tx| {
            tx.insert_authkey(&authkey_row(1))?;
            for at in [50, 70, 60] {
                tx.authkey_used(1, UnixSeconds::new(at))?;
            }
            tx.authkey_used(9, UnixSeconds::new(1))?;
            tx.update_authkey(1, &sealed(2, 8))?;
            assert_eq!(tx.update_authkey(1, &sealed(2, 9)), Err(StorageError::Conflict));
            assert_eq!(tx.update_authkey(9, &sealed(2, 9)), Err(StorageError::Conflict));
            tx.authkey_by_id(1)
        })
        .await;
    let expected = AuthkeyRow { used_at: UnixSeconds::new(70), sealed: sealed(2, 8), ..authkey_row(1) };
    assert_eq!(seen, Ok(Some(expected)));
    let gone = test.store.write(|tx| Ok::<_, StorageError>((tx.delete_authkey(1)?, tx.delete_authkey(1)?))).await;
    assert_eq!(gone, Ok((true, false)));
    let known = test.store.read(|tx| Ok::<_, StorageError>((tx.was_authkey(&[1; 32])?, tx.was_authkey(&[2; 32])?)));
    assert_eq!(known.await, Ok((true, false)));
}

pub(super) async fn subscriptions_go_when_their_services_are_gone(test: TestStore) {
    with_service(&test.store).await;
    let listed = test
        .store
        .write(|tx| {
            tx.insert_subscription(&subscription_row("other", 5))?;
            assert_eq!(tx.insert_subscription(&subscription_row("other", 6)), Err(StorageError::Exists));
            assert_eq!(tx.subscription("other")?, Some(subscription_row("other", 5)));
            assert_eq!(tx.subscription("none")?, None);
            tx.subscriptions()
        })
        .await
        .expect("listed");
    assert_eq!(listed, [subscription_row("default", 1), subscription_row("other", 5)]);
    let in_use = test.store.write(|tx| tx.delete_subscription("default")).await;
    assert!(in_use.is_err(), "it has a service");
    let gone = test
        .store
        .write(|tx| {
            tx.delete_service(1)?;
            assert_eq!(tx.delete_service(1), Err(StorageError::Conflict));
            assert_eq!(tx.services()?, vec![]);
            Ok::<_, StorageError>((tx.delete_subscription("default")?, tx.delete_subscription("default")?))
        })
        .await;
    assert_eq!(gone, Ok((true, false)));
}

pub(super) async fn a_service_with_tokens_stays_and_a_webhook_goes_with_its_service(test: TestStore) {
    with_service(&test.store).await;
    test.store
        .write(|tx| {
            tx.insert_token(&token_row(1, 1, "joe"))?;
            assert_eq!(tx.webhook(1)?, None);
            tx.put_webhook(1, &sealed(1, 1))?;
            assert_eq!(tx.put_webhook(1, &sealed(1, 2)), Err(StorageError::Exists));
            tx.put_webhook(1, &sealed(2, 2))?;
            assert_eq!(tx.put_webhook(1, &sealed(2, 3)), Err(StorageError::Conflict));
            assert_eq!(tx.webhook(1)?, Some(sealed(2, 2)));
            assert!(tx.delete_webhook(1)? && !tx.delete_webhook(1)?);
            tx.put_webhook(1, &sealed(1, 4))
        })
        .await
        .expect("written");
    assert!(test.store.write(|tx| tx.delete_service(1)).await.is_err(), "it has a token");
    let left = test
        .store
        .write(|tx| {
            tx.delete_token(&[1; 16])?;
            tx.delete_service(1)?;
            tx.webhook(1)
        })
        .await;
    assert_eq!(left, Ok(None));
}

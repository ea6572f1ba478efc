//! What a clock that was far ahead leaves behind, besides openings.

use super::durability::at;
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::authkey::{OVERLAP_MAX, Rights, Scope};
use crate::domain::permission::Permissions;
use crate::domain::rules::ServiceRules;
use crate::storage::rows::AccessRows;
use crate::storage::testing::{block_on, file};
use crate::vault::testing::*;
use crate::vault::{NewAuthkey, Repeatable, Repeater, Stuck, VaultError};

const AHEAD: u64 = START + 100_000_000;
const DAY: u64 = 86_400;

fn repeatable() -> Repeatable {
    Repeatable { caller: Repeater::Authkey(1), call: "authkey/create", key: "k".to_owned(), asked: "a".to_owned() }
}

#[test]
fn authkeys_from_under_a_wrong_clock_end_in_time() {
    block_on(async {
        let vault = at(TestVault::new(file(), ServiceRules::default()).await, AHEAD).await;
        let named = UnixSeconds::new(AHEAD + 5);
        let scope = Scope::Service(vault.service.name.clone());
        let new = move |name: &str, expires_at| {
            let rights = Rights {
                scope: scope.clone(),
                permissions: Permissions::BASIC,
                expires_at,
                networks: Default::default(),
            };
            NewAuthkey { name: name.to_owned(), rights }
        };
        let make = vault.write(move |v, tx| {
            let (by, clock) = (Actor::Operator, v.reading());
            v.create_authkey(tx, new("named", Some(named)), "value-of-named-00", by, clock)?;
            let mut old = v.create_authkey(tx, new("old", None), "value-of-old-0000", by, clock)?;
            let mut next = v.rotate_authkey(tx, &mut old, ("value-of-next-000", 100), by, clock)?;
            v.revoke_authkey(tx, &mut next, by, clock)?;
            tx.authkey_used(old.number, clock.now()).map_err(VaultError::from)
        });
        make.await.expect("made");
        let vault = at(vault, START + 10).await;
        let now = UnixSeconds::new(START + 10);
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        let keys = vault.write(|v, tx| v.authkeys(tx)).await.expect("read");
        let ends: Vec<_> = keys.iter().map(|key| key.rights.expires_at).collect();
        assert_eq!(ends, [Some(named), Some(now.plus(u64::from(OVERLAP_MAX))), None]);
        assert!(keys.iter().all(|key| key.created_at == now));
        assert_eq!((keys[1].last_used_at, keys[2].revoked_at), (Some(now), Some(now)));
    });
}

#[test]
fn deliveries_from_under_a_wrong_clock_are_due_and_old_secrets_end() {
    block_on(async {
        let vault = at(TestVault::new(file(), ServiceRules::default()).await, AHEAD).await;
        let service = vault.service.clone();
        let make = vault.write(move |v, tx| {
            let clock = v.reading();
            v.set_webhook(tx, &service, Some("https://door.example/"))?;
            v.renew_webhook_secret(tx, &service, Actor::Operator, clock)?;
            let mut state = v.delivery(tx, service.id)?.expect("a webhook");
            let next_at = clock.now().plus(600);
            (state.lease.1, state.next_at) = (clock.now().plus(60), next_at);
            state.stuck = vec![Stuck { token: [1; 16], seq: 1, tries: 3, next_at }];
            v.put_delivery(tx, service.id, &mut state)
        });
        make.await.expect("made");
        let vault = at(vault, START + 10).await;
        let now = UnixSeconds::new(START + 10);
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        let id = vault.service.id;
        let state = vault.write(move |v, tx| v.delivery(tx, id)).await.expect("read").expect("a webhook");
        assert!(state.lease.1 <= now && state.next_at <= now && state.stuck[0].next_at <= now);
        assert!(state.old_secret.is_some_and(|(_, until)| until == now.plus(DAY)));
    });
}

#[test]
fn answers_from_under_a_wrong_clock_are_not_kept_until_then() {
    block_on(async {
        let vault = at(TestVault::new(file(), ServiceRules::default()).await, AHEAD).await;
        vault.write(|v, tx| v.remember(tx, &repeatable(), "told", v.reading())).await.expect("remembered");
        let vault = at(vault, START + 10).await;
        let recall = async || vault.write(|v, tx| v.recall(tx, &repeatable(), v.reading())).await;
        assert_eq!(recall().await, Ok(Some("told".to_owned())));
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        assert_eq!(recall().await, Ok(None));
    });
}

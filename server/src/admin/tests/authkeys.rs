use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::clock::Clock;
use crate::domain::authkey::{Networks, Scope};

/// The `authorize` of one key in one scope from one place.
async fn call(test: &TestAdmin, scope: AccessScope<'_>, key: &str, from: Option<&str>) -> Result<Access, AdminError> {
    let from = from.map(|address| address.parse::<IpAddr>().expect("an address"));
    test.admin.authorize(scope, &Credential::authkey(key), Permission::Services, from).await
}

fn service() -> KeyScope {
    KeyScope::Service("default_demo".to_owned())
}

async fn with_service() -> TestAdmin {
    let test = start().await;
    test.service("default_demo", ServiceRules::default()).await;
    test
}

async fn create(test: &TestAdmin, new: NewKey) -> CreatedAuthkey {
    test.admin.create_authkey(new, Actor::Operator).await.expect("created")
}

fn admin_key(scope: KeyScope) -> NewKey {
    NewKey::new(scope, "a key", Permissions::ADMIN)
}

fn networks(texts: &[&str]) -> Networks {
    Networks::parse(texts.iter().copied()).expect("valid")
}

#[test]
fn a_key_is_good_in_its_scope_and_below() {
    block_on(async {
        let test = with_service().await;
        test.service("other_demo", ServiceRules::default()).await;
        let instance = test.key(KeyScope::Instance, Permissions::ADMIN).await;
        let tenant = test.key(KeyScope::Subscription("default".to_owned()), Permissions::ADMIN).await;
        let one = test.key(service(), Permissions::ADMIN).await;
        let scopes = [
            AccessScope::Service("default_demo"),
            AccessScope::Subscription("default"),
            AccessScope::Instance,
            AccessScope::Service("other_demo"),
            AccessScope::Subscription("other"),
        ];
        for (key, good) in [(&instance, 5), (&tenant, 2), (&one, 1)] {
            for (index, scope) in scopes.into_iter().enumerate() {
                let answer = call(&test, scope, key, None).await;
                assert_eq!(answer.is_ok(), index < good, "{scope:?}");
                if index >= good {
                    assert_eq!(answer, Err(AdminError::Forbidden));
                }
            }
        }
        // 404 for who may know, 403 for who may not, 400 for what cannot be a name.
        let none = AccessScope::Subscription("none");
        assert_eq!(call(&test, none, &instance, None).await, Err(AdminError::NoSubscription));
        assert_eq!(call(&test, none, &tenant, None).await, Err(AdminError::Forbidden));
        assert!(matches!(call(&test, AccessScope::Subscription("A"), "bad", None).await, Err(AdminError::BadCall(_))));

        let access = call(&test, AccessScope::Service("default_demo"), &one, None).await.expect("allowed");
        assert_eq!(access.service().expect("named").name.as_str(), "default_demo");
        assert!(access.allows(Permission::Audit) && access.by.authkey().is_some());
        let access = call(&test, AccessScope::Subscription("default"), &tenant, None).await.expect("allowed");
        assert_eq!(
            (access.service().err(), access.scope),
            (Some(AdminError::NoService), Scope::Subscription("default".to_owned()))
        );
    });
}

#[test]
fn wrong_expired_revoked_and_foreign_keys_are_told_the_same() {
    block_on(async {
        let test = with_service().await;
        let soon = Some(UnixSeconds::new(START + 100));
        let expiring = create(&test, NewKey { expires_at: soon, ..admin_key(service()) }).await;
        let bound = create(&test, NewKey { networks: networks(&["192.0.2.0/24"]), ..admin_key(service()) }).await;
        let revoked = create(&test, admin_key(service())).await;
        let basic = test.key(service(), Permissions::BASIC).await;
        let scope = AccessScope::Service("default_demo");
        assert!(call(&test, scope, &expiring.value, None).await.is_ok());
        assert!(call(&test, scope, &bound.value, Some("192.0.2.9")).await.is_ok());
        assert!(call(&test, scope, &bound.value, Some("::ffff:192.0.2.9")).await.is_ok());
        assert!(call(&test, scope, &revoked.value, None).await.is_ok());
        test.admin.revoke_authkey(revoked.id, Actor::Operator).await.expect("revoked");
        test.clock.advance(100);
        for (key, from) in [
            ("unknown-unknown-unknown", None),
            (expiring.value.as_str(), None),
            (&bound.value, None),
            (&bound.value, Some("192.0.3.9")),
            (&bound.value, Some("::1")),
            (&revoked.value, None),
            (&basic, None),
        ] {
            assert_eq!(call(&test, scope, key, from).await, Err(AdminError::Forbidden));
            let elsewhere = AccessScope::Service("default_none");
            assert_eq!(call(&test, elsewhere, key, from).await, Err(AdminError::Forbidden));
        }
        let listed = test.admin.list_authkeys().await.expect("listed");
        assert_eq!(listed.len(), 4, "revoked and expired ones stay");
        assert_eq!(listed[2].revoked_at, Some(UnixSeconds::new(START)));
    });
}

/// A wall clock that somebody sets back.
#[derive(Debug)]
pub(super) struct Wall(pub(super) AtomicU64);

impl Wall {
    pub(super) fn set(&self, time: u64) {
        self.0.store(time, Ordering::SeqCst);
    }
}

impl Clock for Wall {
    fn now(&self) -> UnixSeconds {
        UnixSeconds::new(self.0.load(Ordering::SeqCst))
    }
}

pub(super) async fn open(folder: &tempfile::TempDir, wall: &Arc<Wall>) -> Admin {
    let clock: Arc<dyn Clock> = Arc::<Wall>::clone(wall);
    let instance = Instance::open(folder.path(), clock, Arc::new(SeededEntropy::new(2))).await.expect("opens");
    Admin::new(&instance, settings()).expect("valid")
}

async fn at_a_wall() -> (Admin, Arc<Wall>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wall = Arc::new(Wall(AtomicU64::new(START)));
    let admin = open(&folder, &wall).await;
    admin.create_service(NewService::new("default_demo"), Actor::Operator).await.expect("created");
    (admin, wall, folder)
}

#[test]
fn a_clock_that_goes_back_revives_no_key_not_even_after_a_restart() {
    block_on(async {
        let (admin, wall, folder) = at_a_wall().await;
        let new = NewKey { expires_at: Some(UnixSeconds::new(START + 100)), ..admin_key(service()) };
        let key = admin.create_authkey(new, Actor::Operator).await.expect("created").value;
        let call = async |admin: &Admin| {
            let scope = AccessScope::Service("default_demo");
            admin.authorize(scope, &Credential::authkey(&key), Permission::Services, None).await.map(|access| access.by)
        };
        wall.set(START + 99);
        assert!(call(&admin).await.is_ok());
        wall.set(START + 100);
        assert_eq!(call(&admin).await, Err(AdminError::Forbidden));
        wall.set(START);
        assert_eq!(call(&admin).await, Err(AdminError::Forbidden));
        let restarted = open(&folder, &wall).await;
        assert_eq!(
            call(&restarted).await,
            Err(AdminError::Forbidden),
            "killed and started again with the clock set back"
        );
    });
}

#[test]
fn refusing_a_revoked_key_whose_time_is_not_over_writes_nothing() {
    block_on(async {
        let (admin, wall, _folder) = at_a_wall().await;
        let new = NewKey { expires_at: Some(UnixSeconds::new(START + 100)), ..admin_key(service()) };
        let key = admin.create_authkey(new, Actor::Operator).await.expect("created");
        admin.revoke_authkey(key.id, Actor::Operator).await.expect("revoked");
        let marks = async || admin.read(|_, tx| Ok(tx.meta("marks")?)).await.expect("read");
        let before = marks().await;
        for (seconds, is_over) in [(1, false), (2, false), (100, true)] {
            wall.set(START + seconds);
            let scope = AccessScope::Service("default_demo");
            let refused = admin.authorize(scope, &Credential::authkey(&key.value), Permission::Services, None).await;
            assert_eq!(refused.expect_err("revoked"), AdminError::Forbidden);
            assert_eq!(marks().await != before, is_over, "{seconds}");
        }
    });
}

#[test]
fn the_last_use_is_noted_without_a_write_for_each_call() {
    block_on(async {
        let (admin, wall, _folder) = at_a_wall().await;
        let key = admin.create_authkey(admin_key(service()), Actor::Operator).await.expect("created");
        let call = async |scope| {
            admin.authorize(scope, &Credential::authkey(&key.value), Permission::Services, None).await.map(|_| ())
        };
        let scope = AccessScope::Service("default_demo");
        let last = async || admin.list_authkeys().await.expect("listed")[0].last_used_at;
        assert_eq!(last().await, None);
        wall.set(START + 5);
        assert_eq!(call(scope).await, Ok(()));
        assert_eq!(last().await, None, "nothing is written by the call");
        admin.record_uses().await.expect("recorded");
        assert_eq!(last().await, Some(UnixSeconds::new(START + 5)));
        // A clock that goes back, and another node that is behind, change nothing.
        wall.set(START);
        assert_eq!(call(scope).await, Ok(()));
        admin.record_uses().await.expect("recorded");
        assert_eq!(last().await, Some(UnixSeconds::new(START + 5)));
        // A refused call is no use.
        wall.set(START + 10);
        assert_eq!(call(AccessScope::Instance).await, Err(AdminError::Forbidden));
        admin.record_uses().await.expect("recorded");
        assert_eq!(last().await, Some(UnixSeconds::new(START + 5)));
    });
}

#[test]
fn a_key_gives_and_takes_no_more_than_it_has() {
    block_on(async {
        let test = with_service().await;
        test.service("default_other", ServiceRules::default()).await;
        test.service("foreign_demo", ServiceRules::default()).await;
        let own = NewKey {
            permissions: Permissions::parse("status,block,services").expect("valid"),
            expires_at: Some(UnixSeconds::new(START + 1000)),
            networks: networks(&["10.0.0.0/8"]),
            ..admin_key(KeyScope::Subscription("default".to_owned()))
        };
        let by = Actor::Authkey(create(&test, own.clone()).await.id);
        for fits in [
            own.clone(),
            NewKey { scope: service(), ..own.clone() },
            NewKey { permissions: Permissions::BASIC, ..own.clone() },
            NewKey { expires_at: Some(UnixSeconds::new(START + 1)), ..own.clone() },
            NewKey { networks: networks(&["10.2.0.0/16", "10.3.0.1"]), ..own.clone() },
        ] {
            test.admin.create_authkey(fits, by).await.expect("within its own rights");
        }
        for beyond in [
            NewKey { scope: KeyScope::Instance, ..own.clone() },
            NewKey { scope: KeyScope::Subscription("foreign".to_owned()), ..own.clone() },
            NewKey { scope: KeyScope::Service("foreign_demo".to_owned()), ..own.clone() },
            // What it may not know of is refused before anything is said about it.
            NewKey { scope: KeyScope::Service("foreign_none".to_owned()), ..own.clone() },
            NewKey { permissions: Permissions::ADMIN, ..own.clone() },
            NewKey { expires_at: None, ..own.clone() },
            NewKey { expires_at: Some(UnixSeconds::new(START + 1001)), ..own.clone() },
            NewKey { networks: Networks::default(), ..own.clone() },
            NewKey { networks: networks(&["10.0.0.0/8", "192.0.2.1"]), ..own.clone() },
        ] {
            let refused = test.admin.create_authkey(beyond.clone(), by).await;
            assert_eq!(refused.expect_err("beyond"), AdminError::Forbidden, "{beyond:?}");
        }
        let past = NewKey { expires_at: Some(UnixSeconds::new(START)), ..own.clone() };
        assert!(matches!(test.admin.create_authkey(past, by).await, Err(AdminError::BadCall(_))));
        let device = Actor::Device(cardea_protocol::token::DeviceId::new([1; 4]));
        assert_eq!(test.admin.create_authkey(own.clone(), device).await.expect_err("a device"), AdminError::Forbidden);

        // Revoking follows scope and permissions.
        let strong = create(&test, admin_key(service())).await;
        let weak = create(&test, NewKey::new(service(), "weak", Permissions::BASIC)).await;
        let foreign =
            create(&test, NewKey::new(KeyScope::Service("foreign_demo".to_owned()), "x", Permissions::BASIC)).await;
        for id in [strong.id, foreign.id] {
            assert_eq!(test.admin.revoke_authkey(id, by).await, Err(AdminError::Forbidden));
        }
        test.admin.revoke_authkey(weak.id, by).await.expect("revoked");

        // Nothing that is let in late counts: the giver itself has been revoked, or its time is over.
        test.clock.advance(1000);
        let expired = test.admin.revoke_authkey(weak.id, by).await;
        assert_eq!(expired, Err(AdminError::Forbidden));
        test.service("default_third", ServiceRules::default()).await;
        let late = test.admin.create_service(NewService::new("default_late"), by).await;
        assert_eq!(late.expect_err("expired"), AdminError::Forbidden);
    });
}

#[test]
fn a_rotated_key_is_replaced_and_the_old_value_ends_after_the_overlap() {
    block_on(async {
        let test = with_service().await;
        let scope = AccessScope::Service("default_demo");
        let good = async |value: &str| call(&test, scope, value, None).await.is_ok();
        let limits = NewKey { expires_at: Some(UnixSeconds::new(START + 5000)), ..admin_key(service()) };
        let old = create(&test, limits).await;
        let rotate = async |number, value: Option<&str>, overlap, by| {
            let value = value.map(|value| value.to_owned().into());
            test.admin.rotate_authkey(number, value, overlap, by).await
        };
        let new = rotate(old.id, None, 100, Actor::Operator).await.expect("rotated");
        assert!(good(&old.value).await && good(&new.value).await && old.value != new.value);
        assert!(
            matches!(rotate(old.id, None, 0, Actor::Operator).await, Err(AdminError::BadCall(_))),
            "replaced before"
        );
        test.clock.advance(100);
        assert!(!good(&old.value).await && good(&new.value).await);
        let listed = test.admin.list_authkeys().await.expect("listed");
        assert_eq!(
            (listed[0].replaced_by, listed[0].rights.expires_at),
            (Some(new.id), Some(UnixSeconds::new(START + 100)))
        );
        assert_eq!(listed[1].rights.expires_at, Some(UnixSeconds::new(START + 5000)), "a new value is no new time");
        assert_eq!(listed[1].name, "a key");

        // Without overlap the old one ends at once; a given value is taken.
        let given = rotate(new.id, Some("0123456789abcdef"), 0, Actor::Operator).await.expect("rotated");
        assert_eq!(given.value, "0123456789abcdef");
        assert!(!good(&new.value).await && good(&given.value).await);
        for (value, overlap) in [
            (Some("0123456789abcdef"), 0),
            // A value that was replaced does not come back.
            (Some(old.value.as_str()), 0),
            (Some("short"), 0),
            (None, 2_592_001),
        ] {
            let refused = rotate(given.id, value, overlap, Actor::Operator).await;
            assert!(matches!(refused, Err(AdminError::BadCall(_))), "{overlap}");
        }
        for number in [new.id, old.id] {
            assert!(matches!(rotate(number, None, 0, Actor::Operator).await, Err(AdminError::BadCall(_))));
        }
        assert_eq!(rotate(99, None, 0, Actor::Operator).await.expect_err("unknown"), AdminError::NoAuthkey);
        assert_eq!(test.admin.revoke_authkey(99, Actor::Operator).await, Err(AdminError::NoAuthkey));
        assert!(good(&given.value).await, "what is refused changes nothing");

        // A new value is everything that the key can do: it takes as much to get it.
        let weak =
            NewKey { permissions: Permissions::parse("status,services").expect("valid"), ..admin_key(service()) };
        let by = Actor::Authkey(create(&test, weak).await.id);
        assert_eq!(rotate(given.id, None, 0, by).await.expect_err("more"), AdminError::Forbidden);
        assert_eq!(rotate(99, None, 0, by).await.expect_err("unknown"), AdminError::Forbidden);
        let by = Actor::Authkey(given.id);
        let own = rotate(given.id, None, 10, by).await.expect("its own");
        assert!(good(&own.value).await);
        test.clock.advance(5000);
        assert_eq!(rotate(own.id, None, 0, Actor::Authkey(own.id)).await.expect_err("expired"), AdminError::Forbidden);
        assert!(matches!(rotate(own.id, None, 0, Actor::Operator).await, Err(AdminError::BadCall(_))));
    });
}

#[test]
fn what_happens_to_authkeys_is_in_the_journal_without_their_values() {
    block_on(async {
        let test = with_service().await;
        let old = create(&test, admin_key(service())).await;
        let by = Actor::Authkey(old.id);
        let new = test.admin.rotate_authkey(old.id, None, 60, by).await.expect("rotated");
        test.admin.revoke_authkey(old.id, Actor::Authkey(new.id)).await.expect("revoked");
        let entries = test
            .admin
            .read(|vault, tx| vault.journal(tx, &crate::storage::rows::JournalFilter::All, 0, 100))
            .await
            .expect("read");
        let events: Vec<_> = entries.iter().filter_map(|entry| entry.event()).collect();
        let names: Vec<_> = events.iter().map(|event| (event.kind.name(), event.by)).collect();
        assert_eq!(
            names,
            [
                ("subscription.created", Actor::Operator),
                ("service.created", Actor::Operator),
                ("authkey.created", Actor::Operator),
                ("authkey.rotated", by),
                ("authkey.revoked", Actor::Authkey(new.id)),
            ]
        );
        assert_eq!(events[3].detail["replacedBy"], new.id);
        let text = format!("{events:?}");
        assert!(!text.contains(&old.value) && !text.contains(&new.value));
    });
}

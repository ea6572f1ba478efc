use std::sync::Arc;

use cardea_protocol::Secret;
use cardea_protocol::wire::{KeyRecord, Link, TypedCode};
use tokio::sync::Barrier;

use super::*;
use crate::clock::{TestClock, UnixSeconds};
use crate::domain::authkey::Scope;
use crate::domain::name::UserId;
use crate::domain::permission::{Permission, Permissions};
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::entropy::SeededEntropy;
use crate::shutdown::Shutdown;
use crate::storage::rows::MetaRows;
use crate::storage::testing::block_on;
use crate::storage::{Location, StorageError};
use crate::vault::KeyLocation;
use crate::vault::testing::{Pin, START, test_info};

pub(super) struct TestAdmin {
    pub(super) admin: Arc<Admin>,
    pub(super) instance: Instance,
    pub(super) clock: Arc<TestClock>,
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn settings() -> AdminSettings {
    AdminSettings { web: "http://localhost:8420".to_owned(), channel: "localhost:8421".to_owned(), development: true }
}

pub(super) async fn start() -> TestAdmin {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = Arc::new(TestClock::new(UnixSeconds::new(START)));
    let entropy = Arc::new(SeededEntropy::new(1));
    let instance = Instance::open(folder.path(), Arc::<TestClock>::clone(&clock), entropy).await.expect("opens");
    let admin = Arc::new(Admin::new(&instance, settings()).expect("valid"));
    TestAdmin { admin, instance, clock, folder }
}

pub(super) fn joe() -> UserId {
    UserId::parse("José +1").expect("valid")
}

impl TestAdmin {
    pub(super) async fn service(&self, name: &str, rules: ServiceRules) -> Service {
        let rules = ServiceRules { devices: 8, ..rules };
        let new = NewService { rules, ..NewService::new(name) };
        self.admin.create_service(new, Actor::Operator).await.expect("created").service
    }

    async fn key(&self, scope: KeyScope, permissions: Permissions) -> String {
        self.admin
            .create_authkey(NewKey::new(scope, "a key", permissions), Actor::Operator)
            .await
            .expect("created")
            .value
    }

    async fn authorize(&self, service: &str, key: &str, permission: Permission) -> Result<Service, AdminError> {
        let access =
            self.admin.authorize(AccessScope::Service(service), &Credential::authkey(key), permission, None).await?;
        Ok(access.service.expect("a call that names a service"))
    }

    /// A device at the vault, as the token channel would bring it about.
    pub(super) async fn device(
        &self,
        service: &Service,
    ) -> (crate::vault::testing::TestVault, crate::vault::testing::TestDevice) {
        let offer =
            self.admin.enroll(service, &joe(), EnrollOptions::default(), Actor::Operator).await.expect("offered");
        let link = Link::parse(&offer.link).expect("a link");
        let vault = crate::vault::testing::TestVault {
            test: crate::storage::testing::TestStore { store: self.instance.store().clone(), folder: None },
            vault: Arc::clone(self.instance.vault()),
            clock: Arc::clone(&self.clock),
            service: service.clone(),
            user: joe(),
        };
        let (device, _) = vault.finish(1, &link.id, test_info()).await.expect("enrolled");
        (vault, device)
    }
}

pub(super) fn window(seconds: u32) -> ServiceRules {
    ServiceRules { window: Window::new(seconds, 60), ..ServiceRules::default() }
}

#[test]
fn an_offer_has_a_link_a_uri_and_a_code_that_devices_understand() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", ServiceRules::default()).await;
        let offer =
            test.admin.enroll(&service, &joe(), EnrollOptions::default(), Actor::Operator).await.expect("offered");
        let (link, uri) = (Link::parse(&offer.link).expect("a link"), Link::parse(&offer.uri).expect("a link"));
        assert!(offer.link.starts_with("http://localhost:8420/e#") && offer.uri.starts_with("cardea:"));
        assert_eq!((link.id, link.port, link.host.as_str()), (uri.id, 8421, "localhost"));
        assert!(TypedCode::parse(&offer.code).is_ok());
        assert_eq!(offer.expires_at, UnixSeconds::new(START + 600));
        let identity = test.admin.server_identity().await.expect("answered");
        let record = KeyRecord::decode(&identity.key_record).expect("a record");
        assert!(record.verify::<cardea_protocol::crypto::Dalek>(&identity.public_key));
        assert_eq!((record.key, record.epoch), (link.server_key, link.epoch));
        let debug = format!("{offer:?}");
        assert!(!debug.contains(&offer.code) && !debug.contains("cardea:"));
    });
}

#[test]
fn links_that_devices_would_refuse_are_refused_at_the_start() {
    block_on(async {
        let test = start().await;
        for (web, channel) in [
            ("https://id.example", "other.example:8421"),
            ("https://id.example", "id.example"),
            ("https://id.example", "id.example:0"),
            ("https://id.example", "id.example:99999"),
            ("id.example", "id.example:8421"),
            ("https://ID.example", "ID.example:8421"),
        ] {
            let settings = AdminSettings { web: web.to_owned(), channel: channel.to_owned(), development: false };
            assert!(matches!(Admin::new(&test.instance, settings), Err(AdminError::BadCall(_))), "{web} {channel}");
        }
        for (web, channel) in [
            ("https://id.example", "id.example:8421"),
            ("https://id.example:8420", "id.example:1"),
            ("http://[::1]:8420", "[::1]:8421"),
            ("http://127.0.0.1", "127.0.0.1:8421"),
        ] {
            let settings = AdminSettings { web: web.to_owned(), channel: channel.to_owned(), development: false };
            Admin::new(&test.instance, settings).expect("valid");
        }
    });
}

#[test]
fn a_call_is_checked_400_then_403_then_404() {
    block_on(async {
        let test = start().await;
        test.service("default_demo", ServiceRules::default()).await;
        test.service("other_demo", ServiceRules::default()).await;
        let basic = test.key(KeyScope::Service("default_demo".to_owned()), Permissions::BASIC).await;
        let tenant = test.key(KeyScope::Subscription("default".to_owned()), Permissions::ADMIN).await;
        let call = async |service: &str, key: &str, permission| {
            test.authorize(service, key, permission).await.map(|service| service.name.to_string())
        };
        assert_eq!(call("default_demo", &basic, Permission::Status).await, Ok("default_demo".to_owned()));
        assert_eq!(call("default_demo", &tenant, Permission::Delete).await, Ok("default_demo".to_owned()));
        // 400 before 403
        assert!(matches!(call("demo", "bad", Permission::Status).await, Err(AdminError::BadCall(_))));
        // 403: unknown, malformed, not allowed, other service, other tenant, and no word about what exists
        for (service, key, permission) in [
            ("default_demo", "unknown-unknown-unknown", Permission::Status),
            ("default_demo", "short", Permission::Status),
            ("default_demo", &format!("{basic}x"), Permission::Status),
            ("default_demo", &basic[..basic.len() - 1], Permission::Status),
            ("default_demo", &basic, Permission::Enroll),
            ("default_none", &basic, Permission::Status),
            ("other_demo", &basic, Permission::Status),
            ("other_demo", &tenant, Permission::Status),
            ("other_none", &tenant, Permission::Status),
        ] {
            assert_eq!(call(service, key, permission).await, Err(AdminError::Forbidden), "{service} {permission:?}");
        }
        // 404 only for who may know
        assert_eq!(call("default_none", &tenant, Permission::Status).await, Err(AdminError::NoService));
        let service = test.authorize("default_demo", &basic, Permission::Status).await.expect("allowed");
        assert_eq!(
            test.admin.status(&service, &joe(), Actor::Operator).await.expect_err("no token"),
            AdminError::NoToken
        );
        for change in [
            test.admin.block(&service, &joe(), Actor::Operator).await,
            test.admin.unblock(&service, &joe(), Actor::Operator).await,
            test.admin.delete(&service, &joe(), Actor::Operator).await,
            test.admin.close(&service, &joe(), Actor::Operator).await,
            test.admin.clear_duress(&service, &joe(), Actor::Operator).await,
            test.admin.confirm_enrollment(&service, &joe(), Actor::Operator).await,
        ] {
            assert_eq!(change, Err(AdminError::NoToken));
        }
    });
}

#[test]
fn authkeys_are_made_listed_and_revoked_and_never_shown_again() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", ServiceRules::default()).await;
        let scope = || KeyScope::Service("default_demo".to_owned());
        let given = Some("0123456789abcdef".to_owned());
        let create = async |scope, name: &str, permissions, value: Option<String>| {
            let new = NewKey { value: value.map(Into::into), ..NewKey::new(scope, name, permissions) };
            test.admin.create_authkey(new, Actor::Operator).await
        };
        let own = create(scope(), "own", Permissions::ADMIN, given.clone()).await.expect("created");
        let made = create(scope(), "made", Permissions::BASIC, None).await.expect("created");
        assert_eq!(made.value.len(), 43);
        assert!(!format!("{made:?}").contains(&made.value));
        let again = create(scope(), "own", Permissions::BASIC, given).await;
        assert!(matches!(again, Err(AdminError::BadCall(_))));
        let listed = test.admin.list_authkeys().await.expect("listed");
        assert_eq!(listed.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["own", "made"]);
        assert_eq!(listed[1].rights.scope, Scope::Service(service.name.clone()));

        let allowed = async |value: &str| test.authorize("default_demo", value, Permission::Status).await.is_ok();
        assert!(allowed(&own.value).await && allowed(&made.value).await);
        test.admin.revoke_authkey(made.id, Actor::Operator).await.expect("revoked");
        assert!(allowed(&own.value).await && !allowed(&made.value).await);
        assert!(matches!(test.admin.revoke_authkey(made.id, Actor::Operator).await, Err(AdminError::BadCall(_))));
        for id in [0, 999, u64::MAX] {
            assert_eq!(test.admin.revoke_authkey(id, Actor::Operator).await, Err(AdminError::NoAuthkey));
        }
        for (scope, expected) in [
            (KeyScope::Service("default_none".to_owned()), AdminError::NoService),
            (KeyScope::Subscription("none".to_owned()), AdminError::NoSubscription),
        ] {
            let refused = create(scope, "x", Permissions::BASIC, None).await;
            assert_eq!(refused.expect_err("refused"), expected);
        }
        for value in ["short", "with space in the middle", "é234567890123456"] {
            let refused = create(scope(), "x", Permissions::BASIC, Some(value.to_owned())).await;
            assert!(matches!(refused, Err(AdminError::BadCall(_))));
        }
        for name in ["", "line\nbreak", &"x".repeat(101)] {
            let refused = create(scope(), name, Permissions::BASIC, None).await;
            assert!(matches!(refused, Err(AdminError::BadCall(_))));
        }
    });
}

#[test]
fn an_authkey_row_cannot_be_given_other_permissions_or_another_value() {
    block_on(async {
        let test = start().await;
        test.service("default_demo", ServiceRules::default()).await;
        let basic = test.key(KeyScope::Service("default_demo".to_owned()), Permissions::BASIC).await;
        let admin = test.key(KeyScope::Service("default_demo".to_owned()), Permissions::ADMIN).await;
        test.admin
            .write(|_, tx| {
                let sql = "UPDATE authkey SET sealed = (SELECT sealed FROM authkey WHERE id = 2) WHERE id = 1";
                assert_eq!(tx.execute(sql, &[])?, 1);
                Ok(())
            })
            .await
            .expect("edited");
        let result = test.authorize("default_demo", &basic, Permission::Delete).await;
        assert_eq!(result.expect_err("damaged"), AdminError::Failed(VaultError::Damaged("authkey")));
        assert!(test.authorize("default_demo", &admin, Permission::Delete).await.is_ok());
    });
}

#[test]
fn a_service_has_its_own_name_and_valid_settings() {
    block_on(async {
        let test = start().await;
        test.service("default_demo", ServiceRules::default()).await;
        for (name, rules) in [
            ("default_demo", ServiceRules::default()),
            ("demo", ServiceRules::default()),
            ("default_x", window(u32::MAX)),
        ] {
            let refused =
                test.admin.create_service(NewService { rules, ..NewService::new(name) }, Actor::Operator).await;
            assert!(matches!(refused, Err(AdminError::BadCall(_))), "{name}");
        }
        let production = AdminSettings { development: false, ..settings() };
        let production = Admin::new(&test.instance, production).expect("valid");
        let refused = production.create_service(NewService::development("default_dev", 60), Actor::Operator).await;
        assert!(matches!(refused, Err(AdminError::BadCall(_))), "the cheap pin hash is for development");
        test.admin.create_service(NewService::development("default_dev", 60), Actor::Operator).await.expect("created");
        let names: Vec<_> =
            test.admin.list_services().await.expect("listed").into_iter().map(|s| s.name.to_string()).collect();
        assert_eq!(names, ["default_demo", "default_dev"]);
    });
}

#[test]
fn exactly_one_of_64_simultaneous_calls_is_told_1() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(0)).await;
        let (vault, device) = test.device(&service).await;
        for _ in 0..4 {
            vault.open(&device, Pin::Normal).await.expect("opened");
            let barrier = Arc::new(Barrier::new(64));
            let calls: Vec<_> = (0..64)
                .map(|_| {
                    let (admin, service, barrier) = (Arc::clone(&test.admin), service.clone(), Arc::clone(&barrier));
                    tokio::spawn(async move {
                        barrier.wait().await;
                        admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number()
                    })
                })
                .collect();
            let mut told = Vec::new();
            for call in calls {
                told.push(call.await.expect("joined"));
            }
            told.sort_unstable();
            assert_eq!((told[0], told[1]), (1, 2));
            assert!(told[1..].iter().all(|status| *status == 2));
            test.clock.advance(1);
        }
    });
}

#[test]
fn a_single_use_opening_that_cannot_be_ended_is_not_told() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(0)).await;
        let (vault, device) = test.device(&service).await;
        vault.open(&device, Pin::Normal).await.expect("opened");
        // A store that waits for nobody, over the same file.
        let path = test.folder.path().join("cardea.db");
        let store = Store::open(Location::File(path.clone()), crate::storage::testing::options()).expect("opens");
        let admin = Admin {
            store,
            vault: Arc::clone(&test.admin.vault),
            ..Admin::new(&test.instance, settings()).expect("valid")
        };
        let other = rusqlite::Connection::open(path).expect("opens");
        other.execute_batch("BEGIN IMMEDIATE").expect("locked");
        let refused = admin.status(&service, &joe(), Actor::Operator).await.expect_err("locked");
        assert_eq!(refused, AdminError::Failed(VaultError::Storage(StorageError::Busy)));
        assert!(refused.is_transient());
        other.execute_batch("ROLLBACK").expect("released");
        assert_eq!(admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number(), 1);
        assert_eq!(admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number(), 2);
    });
}

#[test]
fn the_end_of_a_window_is_remembered_once_it_was_told() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(30)).await;
        let (vault, device) = test.device(&service).await;
        vault.open(&device, Pin::Normal).await.expect("opened");
        test.clock.advance(30);
        assert_eq!(test.admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number(), 2);
        let mark = async || test.admin.read(|_, tx| Ok(tx.meta("marks")?)).await.expect("read");
        let marked = mark().await;
        test.clock.advance(5);
        assert_eq!(test.admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number(), 2);
        assert_eq!(mark().await, marked, "once is enough");
        // The next start has a clock that is behind.
        let clock = Arc::new(TestClock::new(UnixSeconds::new(START + 10)));
        let instance = Instance::open(test.folder.path(), clock, Arc::new(SeededEntropy::new(2))).await.expect("opens");
        let admin = Admin::new(&instance, settings()).expect("valid");
        assert_eq!(admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number(), 2);
    });
}

#[test]
fn changes_are_told_to_who_holds_live_sessions() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(30)).await;
        let mut changes = test.admin.changes();
        let (_, device) = test.device(&service).await;
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        assert_eq!(changes.recv().await.expect("told").bytes(), &device.key.token);
        test.admin.delete(&service, &joe(), Actor::Operator).await.expect("deleted");
        assert_eq!(changes.recv().await.expect("told").bytes(), &device.key.token);
    });
}

#[test]
fn events_leave_once_and_keys_are_replaced_in_time() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(30)).await;
        test.device(&service).await;
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        assert_eq!(test.admin.deliver_events().await, Ok(5));
        assert_eq!(test.admin.deliver_events().await, Ok(0));
        let before = test.admin.server_identity().await.expect("answered");
        test.clock.advance(8 * 24 * 3_600);
        test.admin.maintain_keys().await.expect("maintained");
        let after = test.admin.server_identity().await.expect("answered");
        assert_eq!(before.public_key, after.public_key);
        assert_ne!(before.key_record, after.key_record);
    });
}

#[test]
fn a_damaged_event_does_not_hold_up_the_ones_behind_it() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(30)).await;
        let (vault, _) = test.device(&service).await;
        test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
        vault
            .write(|_, tx| {
                tx.execute("UPDATE journal SET sealed = x'00' WHERE seq = 1", &[])?;
                Ok(())
            })
            .await
            .expect("edited");
        assert_eq!(test.admin.deliver_events().await, Ok(5));
        assert_eq!(test.admin.deliver_events().await, Ok(0));
    });
}

#[test]
fn an_opening_that_ended_unseen_does_not_come_back_with_the_clock() {
    for is_killed in [true, false] {
        block_on(async {
            let test = start().await;
            let service = test.service("default_demo", window(600)).await;
            let (vault, device) = test.device(&service).await;
            vault.open(&device, Pin::Normal).await.expect("answered");
            let mut done = housekeeping::Done::default();
            test.admin.do_what_is_due(&mut done).await;
            test.clock.advance(700);
            if is_killed {
                test.admin.do_what_is_due(&mut done).await;
            } else {
                let shutdown = Shutdown::new();
                shutdown.begin();
                Arc::clone(&test.admin).keep_house(shutdown).await;
            }
            let clock = Arc::new(TestClock::new(UnixSeconds::new(START + 300)));
            let entropy = Arc::new(SeededEntropy::new(2));
            let instance = Instance::open(test.folder.path(), clock, entropy).await.expect("opens");
            let admin = Admin::new(&instance, settings()).expect("valid");
            assert_eq!(admin.status(&service, &joe(), Actor::Operator).await.expect("answered").number(), 2);
        });
    }
}

#[test]
fn a_damaged_database_is_an_error_for_every_call() {
    block_on(async {
        let test = start().await;
        let service = test.service("default_demo", window(30)).await;
        test.device(&service).await;
        test.admin
            .write(|_, tx| {
                tx.execute("UPDATE token SET sealed = x'00'", &[])?;
                Ok(())
            })
            .await
            .expect("edited");
        let damaged = AdminError::Failed(VaultError::Damaged("token"));
        assert_eq!(test.admin.status(&service, &joe(), Actor::Operator).await.expect_err("damaged"), damaged);
        assert_eq!(test.admin.block(&service, &joe(), Actor::Operator).await, Err(damaged.clone()));
        assert_eq!(
            test.admin.enroll(&service, &joe(), EnrollOptions::default(), Actor::Operator).await.expect_err("damaged"),
            damaged
        );
    });
}

#[test]
fn a_database_in_memory_needs_no_folder() {
    block_on(async {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(START)));
        let key = KeyLocation::Given(Secret::new([1; 32]));
        let entropy = Arc::new(SeededEntropy::new(1));
        let instance = Instance::assemble(Location::Memory, key, clock, entropy).await.expect("opens");
        let admin = Admin::new(&instance, settings()).expect("valid");
        assert_eq!(admin.ready().await, Ok(()));
        admin.create_service(NewService::new("default_demo"), Actor::Operator).await.expect("created");
    });
}

mod authkeys;
mod clock;
mod people;
mod services;

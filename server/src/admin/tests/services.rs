use super::*;
use crate::domain::authkey::Scope;
use crate::domain::name::ServiceName;
use crate::domain::rules::RulesChange;
use crate::storage::rows::{DeviceRows, TokenRows};

const DEMO: &str = "default_demo";

fn name(name: &str) -> ServiceName {
    ServiceName::parse(name).expect("valid")
}

fn webhook(url: &str) -> ServiceChange {
    ServiceChange { webhook: Some(Some(url.to_owned())), ..ServiceChange::default() }
}

async fn update(test: &TestAdmin, change: ServiceChange) -> Result<StoredService, AdminError> {
    test.admin.update_service(&name(DEMO), change, Actor::Operator).await
}

/// An administrator's authkey there.
async fn key(test: &TestAdmin, scope: KeyScope) -> Actor {
    let new = NewKey::new(scope, "a key", Permissions::ADMIN);
    Actor::Authkey(test.admin.create_authkey(new, Actor::Operator).await.expect("created").id)
}

#[test]
fn what_a_change_names_is_changed_and_everything_else_stays() {
    block_on(async {
        let test = start().await;
        let before = test.service(DEMO, window(30)).await;
        assert_eq!((before.label(), before.created_at), (DEMO, UnixSeconds::new(START)));
        let rules = RulesChange { devices: Some(2), window: Some(0), ..RulesChange::default() };
        let label = Some(Some("Vordertür".to_owned()));
        let change = ServiceChange { rules, label, ..webhook("https://door.example/cardea") };
        let stored = update(&test, change).await.expect("updated");
        assert_eq!(stored.webhook.as_deref(), Some("https://door.example/cardea"));
        assert_eq!(stored.webhook_secret.as_ref().map(String::len), Some(43));
        assert!(!format!("{stored:?}").contains(stored.webhook_secret.as_deref().expect("new")));
        let expected = ServiceRules { devices: 2, window: Window::new(0, 60), ..before.rules };
        let (service, url) = test.admin.service(&name(DEMO)).await.expect("found");
        assert_eq!((service.rules, service.label()), (expected, "Vordertür"));
        assert_eq!(url.as_deref(), Some("https://door.example/cardea"));

        // Another address keeps the secret; a new secret is another; nowhere is nowhere.
        let moved = update(&test, webhook("https://door.example/other")).await.expect("updated");
        assert_eq!((moved.webhook.as_deref(), moved.webhook_secret), (Some("https://door.example/other"), None));
        let renewed = test.admin.renew_webhook_secret(&name(DEMO), Actor::Operator).await.expect("renewed");
        assert_ne!(Some(renewed), stored.webhook_secret);
        let gone = ServiceChange { webhook: Some(None), label: Some(None), ..ServiceChange::default() };
        let gone = update(&test, gone).await.expect("updated");
        assert_eq!((gone.webhook, gone.service.label()), (None, DEMO));
        let refused = test.admin.renew_webhook_secret(&name(DEMO), Actor::Operator).await;
        assert!(matches!(refused, Err(AdminError::BadCall(_))));
    });
}

#[test]
fn a_change_that_cannot_be_changes_nothing() {
    block_on(async {
        let test = start().await;
        test.service(DEMO, window(30)).await;
        let admin = Admin { development: false, ..Admin::new(&test.instance, settings()).expect("valid") };
        let rules = |rules| ServiceChange { rules, ..ServiceChange::default() };
        let label = |label: &str| ServiceChange { label: Some(Some(label.to_owned())), ..ServiceChange::default() };
        let none = RulesChange::default();
        for change in [
            rules(RulesChange { devices: Some(0), ..none }),
            rules(RulesChange { devices: Some(9), ..none }),
            rules(RulesChange { window: Some(u32::MAX), ..none }),
            rules(RulesChange { opening_lifetime: Some(0), ..none }),
            rules(RulesChange { attempts: Some(11), ..none }),
            rules(RulesChange { pin_min: Some(12), pin_max: Some(6), ..none }),
            rules(RulesChange { pin_max: Some(13), ..none }),
            rules(RulesChange { enrollment_seconds: Some(0), ..none }),
            label(""),
            label("a\nb"),
            label(&"x".repeat(65)),
            webhook("http://door.example/"),
            webhook("https://user:secret@door.example/"),
            webhook("x"),
        ] {
            let refused = admin.update_service(&name(DEMO), change.clone(), Actor::Operator).await;
            assert!(matches!(refused, Err(AdminError::BadCall(_))), "{change:?}");
        }
        let (service, url) = admin.service(&name(DEMO)).await.expect("found");
        assert_eq!((service.rules.window.seconds(), service.label(), url), (30, DEMO, None));
        let plain = admin.with_plain_webhooks(true);
        let allowed = plain.update_service(&name(DEMO), webhook("http://door.example/"), Actor::Operator).await;
        assert!(allowed.is_ok());
        let none = plain.update_service(&name("default_none"), ServiceChange::default(), Actor::Operator).await;
        assert_eq!(none.expect_err("none"), AdminError::NoService);
    });
}

#[test]
fn a_token_has_as_many_devices_as_its_service_says() {
    block_on(async {
        let test = start().await;
        let service = test.admin.create_service(NewService::new(DEMO), Actor::Operator).await.expect("created").service;
        test.device(&service).await;
        let add = EnrollOptions { add_device: true, replace_device: false };
        let refused = test.admin.enroll(&service, &joe(), add, Actor::Operator).await;
        assert!(matches!(refused, Err(AdminError::BadCall(_))), "one, unless the service says more");
        let rules = RulesChange { devices: Some(2), ..RulesChange::default() };
        let service =
            update(&test, ServiceChange { rules, ..ServiceChange::default() }).await.expect("updated").service;
        assert!(test.admin.enroll(&service, &joe(), add, Actor::Operator).await.is_ok());
    });
}

#[test]
fn a_deleted_service_takes_its_tokens_and_authkeys_along_and_devices_are_told() {
    block_on(async {
        let test = start().await;
        let service = test.service(DEMO, window(30)).await;
        let (vault, device) = test.device(&service).await;
        for number in 0..150 {
            let user = UserId::parse(format!("user {number}")).expect("valid");
            test.admin.enroll(&service, &user, EnrollOptions::default(), Actor::Operator).await.expect("offered");
        }
        let by = key(&test, KeyScope::Service(DEMO.to_owned())).await;
        let instance = test.key(KeyScope::Instance, Permissions::ADMIN).await;
        update(&test, webhook("https://door.example/")).await.expect("updated");
        let refused = test.admin.delete_service(&name(DEMO), false, Actor::Operator).await;
        assert!(matches!(refused, Err(AdminError::BadCall(_))), "it has tokens");
        test.admin.delete_service(&name(DEMO), true, Actor::Operator).await.expect("deleted");

        assert_eq!(test.authorize(DEMO, &instance, Permission::Status).await, Err(AdminError::NoService));
        assert!(test.admin.list_services().await.expect("listed").is_empty());
        assert_eq!(test.admin.delete_service(&name(DEMO), true, Actor::Operator).await, Err(AdminError::NoService));
        let listed = test.admin.list_authkeys().await.expect("listed");
        assert_eq!(listed[0].revoked_at, Some(UnixSeconds::new(START)), "{by:?}");
        let left = test.instance.store().read(|tx| tx.token_ids()).await.expect("read");
        assert!(left.is_empty());
        let device = device.key;
        let tombstone = test.instance.store().read(move |tx| tx.device(&device)).await.expect("read");
        assert!(tombstone.is_some(), "the device is told when it comes back");
        drop(vault);

        // The name is free again, and the old authkeys are not good there.
        test.service(DEMO, window(30)).await;
        assert_eq!(test.admin.delete_service(&name(DEMO), false, by).await, Err(AdminError::Forbidden));
        assert_eq!(test.admin.delete_service(&name(DEMO), false, Actor::Operator).await, Ok(()));
    });
}

#[test]
fn a_deletion_that_was_interrupted_is_finished_by_house_keeping() {
    block_on(async {
        let test = start().await;
        let service = test.service(DEMO, window(30)).await;
        test.device(&service).await;
        let mut gone = service.clone();
        test.admin
            .write(move |vault, tx| vault.retire_service(tx, &mut gone, true, Actor::Operator, vault.reading()))
            .await
            .expect("retired");
        let again = test.admin.create_service(NewService::new(DEMO), Actor::Operator).await;
        assert!(matches!(again, Err(AdminError::BadCall(_))), "still being deleted");
        test.admin.finish_deletions().await.expect("finished");
        assert!(test.instance.store().read(|tx| tx.token_ids()).await.expect("read").is_empty());
        test.admin.create_service(NewService::new(DEMO), Actor::Operator).await.expect("free again");
        test.admin.finish_deletions().await.expect("nothing to do");
        assert_eq!(test.admin.list_services().await.expect("listed").len(), 1);
    });
}

#[test]
fn who_administers_what() {
    block_on(async {
        let test = start().await;
        test.service(DEMO, window(30)).await;
        test.service("other_demo", window(30)).await;
        let own = key(&test, KeyScope::Service(DEMO.to_owned())).await;
        let tenant = key(&test, KeyScope::Subscription("default".to_owned())).await;
        let instance = key(&test, KeyScope::Instance).await;
        let relying = NewKey::new(KeyScope::Instance, "a key", Permissions::BASIC);
        let relying = Actor::Authkey(test.admin.create_authkey(relying, Actor::Operator).await.expect("created").id);
        let unknown = Actor::Authkey(99);

        let change = async |by, service: &str| {
            test.admin.update_service(&name(service), ServiceChange::default(), by).await.map(drop)
        };
        for by in [own, tenant, instance] {
            assert_eq!(change(by, DEMO).await, Ok(()));
        }
        for (by, service) in
            [(own, "other_demo"), (own, "default_none"), (tenant, "other_demo"), (relying, DEMO), (unknown, DEMO)]
        {
            assert_eq!(change(by, service).await, Err(AdminError::Forbidden), "{by:?} {service}");
        }
        let create = async |by, service: &str| test.admin.create_service(NewService::new(service), by).await.map(drop);
        assert_eq!(create(own, "default_new").await, Err(AdminError::Forbidden));
        assert_eq!(create(tenant, "third_new").await, Err(AdminError::Forbidden));
        assert_eq!(create(tenant, "default_new").await, Ok(()));
        assert_eq!(create(instance, "third_new").await, Err(AdminError::NoSubscription));
        let seen = test.admin.services_in(&Scope::Subscription("default".to_owned())).await.expect("listed");
        assert_eq!(seen.len(), 2);

        // Subscriptions take the whole instance.
        for by in [own, tenant, relying, unknown] {
            assert_eq!(test.admin.create_subscription("third", by).await, Err(AdminError::Forbidden));
            assert_eq!(test.admin.delete_subscription("other", by).await, Err(AdminError::Forbidden));
        }
        test.admin.create_subscription("third", instance).await.expect("created");
        assert!(matches!(test.admin.create_subscription("third", instance).await, Err(AdminError::BadCall(_))));
        for bad in ["", "a_b", "A", "docs", &"a".repeat(33)] {
            assert!(matches!(test.admin.create_subscription(bad, instance).await, Err(AdminError::BadCall(_))));
        }
        assert_eq!(create(instance, "third_new").await, Ok(()));
        let names: Vec<_> =
            test.admin.list_subscriptions().await.expect("listed").into_iter().map(|s| s.name).collect();
        assert_eq!(names, ["default", "other", "third"]);
        assert!(matches!(test.admin.delete_subscription("third", instance).await, Err(AdminError::BadCall(_))));
        test.admin.delete_service(&name("third_new"), false, instance).await.expect("deleted");
        let third = key(&test, KeyScope::Subscription("third".to_owned())).await;
        test.admin.delete_subscription("third", instance).await.expect("deleted");
        assert_eq!(test.admin.delete_subscription("third", instance).await, Err(AdminError::NoSubscription));
        test.admin.create_subscription("third", instance).await.expect("created again");
        assert_eq!(create(third, "third_new").await, Err(AdminError::Forbidden), "its old authkeys are revoked");
    });
}

#[test]
fn who_gets_a_name_that_was_used_before_sees_nothing_of_that_time() {
    block_on(async {
        let test = start().await;
        let old = test.service("third_demo", window(30)).await;
        let (vault, device) = test.device(&old).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let old_key = key(&test, KeyScope::Service("third_demo".to_owned())).await;
        key(&test, KeyScope::Subscription("third".to_owned())).await;
        let third = Scope::Subscription("third".to_owned());
        let demo = Scope::Service(name("third_demo"));
        let keys = async |scope: &Scope| {
            let keys = test.admin.authkeys_in(scope).await.expect("listed");
            keys.into_iter().map(|key| Actor::Authkey(key.number)).collect::<Vec<_>>()
        };
        assert_eq!((keys(&third).await.len(), keys(&demo).await), (2, vec![old_key]));
        // A service of the same name and the same tenant has other authkeys, and the tenant still sees all of its own.
        let again = async || {
            test.admin.delete_service(&name("third_demo"), true, Actor::Operator).await.expect("deleted");
            test.admin.finish_deletions().await.expect("finished");
        };
        again().await;
        test.service("third_demo", window(30)).await;
        assert_eq!((keys(&third).await.len(), keys(&demo).await), (2, vec![]));
        again().await;
        test.admin.delete_subscription("third", Actor::Operator).await.expect("deleted");
        assert_eq!(keys(&third).await, []);
        assert_eq!(test.admin.subscription_events("third").await, Err(AdminError::NoSubscription));
        let scope = AuditScope::Subscription("third".to_owned());
        let refused = test.admin.audit_export(&scope, Actor::Authkey(9), None, 1_000).await;
        assert_eq!(refused, Err(AdminError::NoSubscription));
        let gone = test.admin.audit_export(&scope, Actor::Operator, None, 1_000).await.expect("the operator's");
        assert!(gone.lines.len() > 8);

        let new = test.service("third_demo", window(30)).await;
        let own = key(&test, KeyScope::Service("third_demo".to_owned())).await;
        assert_eq!((keys(&third).await, keys(&demo).await), (vec![own], vec![own]));
        let events = test.admin.subscription_events("third").await.expect("there");
        let feed = test.admin.events(events.clone(), true, Some(0)).await.expect("begun");
        let rows = test.admin.read(move |vault, tx| vault.journal(tx, &events, 0, 1_000)).await.expect("read");
        let kinds: Vec<_> = rows.iter().filter_map(|row| row.event()).map(|event| event.kind.name()).collect();
        assert_eq!(kinds, ["subscription.created", "service.created", "authkey.created"]);
        let told = feed_names(feed, 3).await;
        assert_eq!(told, kinds);
        let page = test.admin.audit_export(&scope, Actor::Authkey(9), None, 1_000).await.expect("exported");
        let seqs: Vec<_> = page.lines.iter().map(|line| line.seq).collect();
        assert_eq!(seqs[..3], rows.iter().map(|row| row.seq()).collect::<Vec<_>>());
        assert_eq!(seqs.len(), 4, "and that somebody reads");
        assert_eq!(test.admin.history(&new, &joe(), None, 100).await, Err(AdminError::NoToken));
        test.device(&new).await;
        let history = test.admin.history(&new, &joe(), None, 100).await.expect("read");
        assert!(history.iter().all(|item| item.seq > seqs[3]));

        // Who edits the database cannot move where it begins.
        let edit = |sql: &'static str| test.admin.write(move |_, tx| Ok(tx.execute(sql, &[])?));
        edit("UPDATE subscription SET created_at = created_at - 1 WHERE name = 'third'").await.expect("edited");
        let damaged = test.admin.subscription_events("third").await;
        assert_eq!(damaged, Err(AdminError::Failed(VaultError::Damaged("subscription"))));
    });
}

/// The first few names of a feed that has them already.
async fn feed_names(mut feed: EventFeed, count: usize) -> Vec<&'static str> {
    let mut names = Vec::new();
    while names.len() < count {
        names.push(feed.next().await.expect("read").name);
    }
    names
}

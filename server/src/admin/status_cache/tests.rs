use std::collections::BTreeSet;

use cardea_protocol::Secret;

use super::*;
use crate::admin::{Actor, Admin, AdminSettings, EnrollOptions, Instance, KeyScope, NewKey, NewService};
use crate::clock::TestClock;
use crate::domain::name::UserId;
use crate::domain::permission::Permissions;
use crate::entropy::SeededEntropy;
use crate::storage::Location;
use crate::vault::{KeyLocation, Vault};

const KEY: &str = "status-key-0123456";
const SERVICE: &str = "default_door";

/// A service, an authkey and a token that waits for its device, read once.
struct Fixture {
    cache: StatusCache,
    vault: Arc<Vault>,
    key: Authkey,
    service: Service,
    id: [u8; 16],
    facts: Facts,
}

impl Fixture {
    async fn new(most: usize) -> Self {
        let (clock, entropy) =
            (Arc::new(TestClock::new(UnixSeconds::new(1_800_000_000))), Arc::new(SeededEntropy::new(1)));
        let place = KeyLocation::Given(Secret::new([7; 32]));
        let instance = Instance::assemble(Location::Memory, place, clock, entropy).await.expect("opens");
        let settings =
            AdminSettings { web: "https://localhost".into(), channel: "localhost:8421".into(), development: true };
        let admin = Admin::new(&instance, settings).expect("valid settings");
        let made = admin.create_service(NewService::new(SERVICE), Actor::Operator).await.expect("a service");
        let service = made.service;
        let new = NewKey::new(KeyScope::Service(SERVICE.to_owned()), "test", Permissions::BASIC);
        let new = NewKey { value: Some(KEY.to_owned().into()), ..new };
        admin.create_authkey(new, Actor::Operator).await.expect("a key");
        let joe = UserId::parse("joe").expect("a user");
        admin.enroll(&service, &joe, EnrollOptions::default(), Actor::Operator).await.expect("an offer");
        let (vault, of) = (Arc::clone(instance.vault()), service.clone());
        let read = instance.store().read(move |tx| {
            let key = vault.authkey(tx, KEY)?.expect("there");
            let token = vault.token_of(tx, &of, &joe)?.expect("there");
            Ok::<_, crate::vault::VaultError>((key, *token.id.bytes(), vault.facts(tx, &token)?))
        });
        let (key, id, facts) = read.await.expect("read");
        let vault = Arc::clone(instance.vault());
        let cache = StatusCache::new(most, &[3; 16]);
        cache.switch(true);
        Self { cache, vault, key, service, id, facts }
    }

    fn keep(&self, before: Before) {
        self.cache.keep_access(before, KEY, self.key.clone(), self.service.clone());
        self.cache.keep_token(before, self.id, self.service.id, "joe", self.facts.clone());
    }

    fn finds(&self, authkey: &str, service: &str, user: &str) -> bool {
        self.cache.find(authkey, service, user, None, || self.vault.reading()).is_some()
    }

    fn is_known(&self) -> bool {
        self.finds(KEY, SERVICE, "joe")
    }

    fn token(&self) -> Touched {
        Touched { tokens: BTreeSet::from([self.id]), ..Touched::default() }
    }

    /// Everything that a commit can touch of what is known about the call.
    fn touches(&self) -> [Touched; 3] {
        let access = Touched { access: true, ..Touched::default() };
        [self.token(), access, Touched { everything: true, ..Touched::default() }]
    }
}

#[tokio::test]
async fn only_what_is_known_is_found() {
    let fixture = Fixture::new(1_000).await;
    assert!(!fixture.is_known());
    fixture.keep(fixture.cache.before());
    assert!(fixture.is_known());
    assert!(!fixture.finds("another-key-01234567", SERVICE, "joe"));
    assert!(!fixture.finds(KEY, "default_other", "joe"));
    assert!(!fixture.finds(KEY, SERVICE, "eve"));
    fixture.cache.switch(false);
    assert!(!fixture.is_known());
    fixture.keep(fixture.cache.before());
    assert!(!fixture.is_known(), "off is off");
    fixture.cache.switch(true);
    assert!(!fixture.is_known(), "and empty afterwards");
}

#[tokio::test]
async fn a_commit_makes_copies_void_before_it_can_be_seen_and_none_is_made_until_it_has_ended() {
    let fixture = Fixture::new(1_000).await;
    for touched in fixture.touches() {
        fixture.keep(fixture.cache.before());
        assert!(fixture.is_known(), "{touched:?}");
        let begun = fixture.cache.begins(&touched).0;
        assert!(!fixture.is_known(), "{touched:?}");
        fixture.keep(fixture.cache.before());
        assert!(!fixture.is_known(), "what is read now may be from before the commit: {touched:?}");
        let during = fixture.cache.before();
        fixture.cache.ended(&touched, begun, Vec::new());
        fixture.keep(during);
        assert!(!fixture.is_known(), "{touched:?}");
        fixture.keep(fixture.cache.before());
        assert!(fixture.is_known(), "{touched:?}");
    }
}

#[tokio::test]
async fn what_was_read_before_a_commit_is_not_kept_after_it() {
    let fixture = Fixture::new(1_000).await;
    for touched in fixture.touches() {
        let before = fixture.cache.before();
        let begun = fixture.cache.begins(&touched).0;
        fixture.cache.ended(&touched, begun, Vec::new());
        fixture.keep(before);
        assert!(!fixture.is_known(), "{touched:?}");
    }
}

#[tokio::test]
async fn commits_to_other_tokens_leave_a_copy_alone_however_many_there_are() {
    let fixture = Fixture::new(1_000).await;
    fixture.keep(fixture.cache.before());
    let before = fixture.cache.before();
    for number in 0..10_000_u32 {
        let mut id = [0xff; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let other = Touched { tokens: BTreeSet::from([id]), ..Touched::default() };
        let begun = fixture.cache.begins(&other).0;
        fixture.cache.ended(&other, begun, Vec::new());
    }
    assert!(fixture.is_known());
    let ledger = fixture.cache.ledger();
    assert!(ledger.touched.len() <= REMEMBERED && ledger.going.is_empty());
    drop(ledger);
    let begun = fixture.cache.begins(&fixture.token()).0;
    fixture.cache.ended(&fixture.token(), begun, Vec::new());
    fixture.keep(before);
    assert!(!fixture.is_known(), "numbers that were forgotten count as touched");
}

#[tokio::test]
async fn commits_that_overlap_hold_until_the_last_one_has_ended() {
    let fixture = Fixture::new(1_000).await;
    for touched in fixture.touches() {
        let first = fixture.cache.begins(&touched).0;
        let second = fixture.cache.begins(&touched).0;
        fixture.cache.ended(&touched, first, Vec::new());
        fixture.keep(fixture.cache.before());
        assert!(!fixture.is_known(), "{touched:?}");
        fixture.cache.ended(&touched, second, Vec::new());
        fixture.keep(fixture.cache.before());
        assert!(fixture.is_known(), "{touched:?}");
    }
}

#[tokio::test]
async fn the_number_of_copies_is_bounded_and_the_newest_is_there() {
    let fixture = Fixture::new(128).await;
    fixture.keep(fixture.cache.before());
    for number in 0..5_000_u32 {
        let mut id = [0xff; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let user = format!("user{number}");
        let before = fixture.cache.before();
        fixture.cache.keep_token(before, id, fixture.service.id, &user, fixture.facts.clone());
        assert!(fixture.finds(KEY, SERVICE, &user), "{user}");
    }
    let kept: usize = fixture.cache.shards.iter().map(|shard| read(shard).len()).sum();
    assert_eq!(kept, fixture.cache.len());
    assert!(kept <= 128, "{kept}");
}

#[tokio::test]
async fn a_user_with_a_new_token_is_not_told_about_the_old_one() {
    let fixture = Fixture::new(1_000).await;
    fixture.keep(fixture.cache.before());
    let (before, new) = (fixture.cache.before(), [8; 16]);
    fixture.cache.keep_token(before, new, fixture.service.id, "joe", fixture.facts.clone());
    assert_eq!(fixture.cache.len(), 1);
    let touched = Touched { tokens: BTreeSet::from([new]), ..Touched::default() };
    let _ = fixture.cache.begins(&touched);
    assert!(!fixture.is_known());
}

impl Fixture {
    /// What a commit read about the token in its own transaction.
    fn fresh(&self) -> Vec<TokenCopy> {
        let (id, service, facts) = (self.id, self.service.id, self.facts.clone());
        vec![TokenCopy { id, service, user: "joe".into(), facts, valid: true.into(), checks: OnceLock::new() }]
    }

    fn known_after(&self, between: impl FnOnce(&StatusCache)) -> bool {
        self.keep(self.cache.before());
        let touched = self.token();
        let (begun, void) = self.cache.begins(&touched);
        assert_eq!(void.len(), 1);
        between(&self.cache);
        self.cache.ended(&touched, begun, self.fresh());
        self.is_known()
    }
}

#[tokio::test]
async fn a_commit_leaves_the_copy_that_it_read_unless_anything_has_touched_it_since() {
    let fixture = Fixture::new(1_000).await;
    assert!(fixture.known_after(|_| {}));
    let everything = Touched { everything: true, ..Touched::default() };
    for touched in [fixture.token(), everything] {
        assert!(
            !fixture.known_after(|cache| cache.ended(&touched, cache.begins(&touched).0, Vec::new())),
            "{touched:?}"
        );
        assert!(!fixture.known_after(|cache| _ = cache.begins(&touched)), "one that goes on: {touched:?}");
        fixture.cache.ended(&touched, commits::Begun(0), Vec::new());
    }
    for on in [false, true] {
        assert!(!fixture.known_after(|cache| cache.switch(on)), "{on}");
        fixture.cache.switch(true);
    }
    assert!(fixture.known_after(|_| {}));
}

//! What every store must do. Hosts that bring their own store run this in their tests.

use std::sync::Arc;

use cardea_protocol::Secret;
use cardea_protocol::device::{RECORD_LEN, Record};
use cardea_protocol::token::{Argon2Class, DeviceId, Policy, ShortString, TokenId};

use super::{Details, Entry, Lease, Store, StoreError, TokenKey};

/// A made-up token. Equal arguments make equal entries; another `generation` is another state of the same token.
///
/// # Panics
/// Never: the entry is valid.
#[must_use]
pub fn sample(token: u8, generation: u8) -> Entry {
    let policy = Policy {
        argon2: Argon2Class::Standard,
        pin_min: 6,
        pin_max: 8,
        duress: true,
        biometric: false,
        short_string: ShortString::Off,
        version_min: 1,
        version_max: 1,
        keepalive: 0,
    };
    let mut bytes = Secret::<RECORD_LEN>::zero();
    let fields: [&[u8]; 6] =
        [&[1, 0, 0], &policy.encode(), &[token; 16], &[token; 4], &[generation, 0, 0, 0, 0, 0, 0, 0], &[9; 192]];
    let at = bytes.expose_mut().iter_mut();
    at.zip(fields.concat()).for_each(|(to, from)| *to = from);
    let record = Record::decode(bytes.expose()).expect("a record without anything optional is valid");
    let details = Details {
        host: "id.example".into(),
        port: 8421,
        service: "default_demo".into(),
        label: "alice".into(),
        added_at: 1_800_000_000,
    };
    Entry::new(record, details).expect("every field is short")
}

fn lease(store: &dyn Store, key: &TokenKey) -> Box<dyn Lease> {
    store.try_lease(key).expect("the store works").expect("nobody has the lease")
}

/// Runs every check. `open` opens the same, initially empty, store again, as another program would.
///
/// # Panics
/// The store breaks a promise; the message says which.
pub fn check(open: impl Fn() -> Arc<dyn Store>) {
    let store = open();
    let (first, next, other) = (sample(1, 1), sample(1, 2), sample(2, 1));
    let key = first.key();
    assert_eq!(store.list().expect("the store works"), [], "a new store is empty");
    assert_eq!(store.load(&key).expect("the store works"), None, "nothing is in a new store");

    let mut held = lease(&*store, &key);
    assert!(store.try_lease(&key).expect("the store works").is_none(), "there is one lease per token");
    assert!(open().try_lease(&key).expect("the store works").is_none(), "leases hold over all handles");
    assert!(store.try_lease(&other.key()).expect("the store works").is_some(), "tokens are leased apart");
    held.remove().expect("removing nothing is no error");
    drop(held);

    let mut held = lease(&*store, &key);
    let changed = held.compare_and_swap(Some(&first), &next);
    assert!(matches!(changed, Err(StoreError::Changed)), "what is not there cannot be replaced");
    held.compare_and_swap(None, &first).expect("a new entry is stored");
    assert_eq!(open().load(&key).expect("the store works").as_ref(), Some(&first), "what is stored can be read");
    let changed = held.compare_and_swap(None, &next);
    assert!(matches!(changed, Err(StoreError::Changed)), "an entry is not overwritten as if it were new");
    let changed = held.compare_and_swap(Some(&next), &next);
    assert!(matches!(changed, Err(StoreError::Changed)), "an entry is not replaced by who has not seen it");
    assert_eq!(held.load().expect("the store works").as_ref(), Some(&first), "a refused change changes nothing");
    held.compare_and_swap(Some(&first), &next).expect("an entry is replaced");
    drop(held);

    lease(&*store, &other.key()).compare_and_swap(None, &other).expect("a second entry is stored");
    let reopened = open();
    assert_eq!(reopened.list().expect("the store works"), [key, other.key()], "all entries are listed, in order");
    assert_eq!(reopened.load(&key).expect("the store works").as_ref(), Some(&next), "changes outlive the handle");

    let mut held = lease(&*reopened, &key);
    held.remove().expect("an entry is removed");
    assert_eq!(held.load().expect("the store works"), None, "a removed entry is gone");
    drop(held);
    assert_eq!(store.list().expect("the store works"), [other.key()], "removing one leaves the others");
    drop(lease(&*store, &key));

    let device = DeviceId::new([7; 4]);
    let absent = TokenKey { token: TokenId::new([7; 16]), device };
    assert_eq!(absent.to_string().parse::<TokenKey>().ok(), Some(absent), "names can be read back");
}

//! A store that fails.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use cardea_sdk::store::{Entry, Lease, Store, StoreError, TokenKey};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::armed::Hit;
use super::catalogue::Fault;
use super::device::DeviceFaults;
use super::point::{Hook, Point};

/// What errors name where there may be no file.
fn path() -> PathBuf {
    "the emulated store".into()
}

fn broken(what: &'static str) -> StoreError {
    StoreError::Io { path: path(), source: io::Error::other(what) }
}

#[derive(Clone)]
pub(super) struct Faulty {
    inner: Arc<dyn Store>,
    device: DeviceFaults,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faulty").field(&self.inner).finish()
    }
}

impl Faulty {
    pub(super) const fn new(inner: Arc<dyn Store>, device: DeviceFaults) -> Self {
        Self { inner, device }
    }

    /// What becomes of an entry that was read.
    fn loaded(&self, entry: Option<Entry>) -> Result<Option<Entry>, StoreError> {
        let Some(found) = &entry else { return Ok(entry) };
        let Some(hit) = self.device.hit(Point::at(Hook::Load, &found.details().host)) else { return Ok(entry) };
        Err(match hit.fault {
            Fault::Corrupt => StoreError::Corrupt { path: path() },
            Fault::TruncatedEntry => StoreError::Truncated { path: path(), found: 511, expected: 512 },
            Fault::NewerFormat => StoreError::NewerFormat { path: path(), found: 255, known: 254 },
            Fault::WrongKey => StoreError::WrongKey { path: path() },
            Fault::KeyMissing => StoreError::KeyMissing { path: path() },
            Fault::Missing => return Ok(None),
            _ => return Ok(entry),
        })
    }
}

impl Store for Faulty {
    fn list(&self) -> Result<Vec<TokenKey>, StoreError> {
        self.inner.list()
    }

    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        self.loaded(self.inner.load(key)?)
    }

    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        if self.device.hit(Point::new(Hook::Lease)).is_some() {
            return Ok(None);
        }
        let lease = self.inner.try_lease(key)?;
        Ok(lease.map(|inner| Box::new(Held { inner, store: self.clone() }) as Box<dyn Lease>))
    }
}

struct Held {
    inner: Box<dyn Lease>,
    store: Faulty,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.inner).finish()
    }
}

impl Held {
    fn struck(&mut self, hit: &Hit, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError> {
        match hit.fault {
            Fault::Full => Err(StoreError::NoSpace { path: path() }),
            Fault::ReadOnly => Err(StoreError::ReadOnly { path: path() }),
            Fault::IoError => Err(broken("the disk fails")),
            Fault::LostWrite => Ok(()),
            Fault::Torn => {
                if hit.param("step") > 0 {
                    self.inner.compare_and_swap(old, new)?;
                }
                Err(broken("the write was torn"))
            }
            Fault::CrashBeforeWrite => {
                self.store.device.kill(hit);
                Err(broken("the app was killed"))
            }
            Fault::CrashAfterWrite => {
                self.inner.compare_and_swap(old, new)?;
                self.store.device.kill(hit);
                Err(broken("the app was killed"))
            }
            Fault::SlowWrite => {
                // On a thread that may wait: no call is immediate.
                Handle::current().block_on(sleep(hit.time()));
                self.inner.compare_and_swap(old, new)
            }
            _ => self.inner.compare_and_swap(old, new),
        }
    }
}

impl Lease for Held {
    fn load(&mut self) -> Result<Option<Entry>, StoreError> {
        let entry = self.inner.load()?;
        self.store.loaded(entry)
    }

    fn compare_and_swap(&mut self, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError> {
        match self.store.device.hit(Point::at(Hook::Write, &new.details().host)) {
            Some(hit) => self.struck(&hit, old, new),
            None => self.inner.compare_and_swap(old, new),
        }
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        self.inner.remove()
    }
}

//! What happens around a whole operation: copies of the device, backups that come back, apps that are killed.

use std::collections::VecDeque;
use std::sync::Arc;

use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::store::{Entry, Store, StoreError, TokenKey};
use cardea_sdk::{Env, Invitation, Wallet, WalletError};
use tokio::sync::watch;

use super::armed::Hit;
use super::catalogue::Fault;
use super::device::DeviceFaults;
use super::point::{Hook, Point};
use crate::engine::EngineError;

/// How many operations can be undone.
const KEPT: usize = 8;

/// The tokens of a device as they were before its last operations.
#[derive(Default)]
pub(super) struct History(VecDeque<Vec<Entry>>);

/// A device that does something, and what goes wrong meanwhile.
pub(crate) struct Struck {
    device: DeviceFaults,
    deaths: watch::Receiver<u64>,
    /// What is done when the operation has ended.
    afterwards: Option<(Hit, Vec<Entry>)>,
    store: Arc<dyn Store>,
    allow_test_argon2: bool,
}

impl Drop for Struck {
    fn drop(&mut self) {
        self.device.ends();
    }
}

impl DeviceFaults {
    /// The device begins to do `what` with the tokens in `store`, without any faults between.
    ///
    /// # Errors
    /// What a fault makes of it at once.
    pub(crate) async fn begin(
        &self,
        what: &'static str,
        store: Arc<dyn Store>,
        allow_test_argon2: bool,
    ) -> Result<Struck, EngineError> {
        let deaths = self.deaths();
        self.begins(what);
        let mut struck = Struck { device: self.clone(), deaths, afterwards: None, store, allow_test_argon2 };
        let entries = entries(&*struck.store).map_err(WalletError::from)?;
        if let Some(hit) = self.happens(what, Hook::Operation, |fault| !is_in_the_middle(fault)) {
            struck.strikes(hit, &entries).await?;
        }
        let mut history = self.history();
        history.0.push_front(entries);
        history.0.truncate(KEPT);
        Ok(struck)
    }

    /// Whether the holder taps twice, denies what was to be approved, or uses a code again, while `what` is done.
    pub(crate) fn also(&self, what: &'static str) -> Option<Also> {
        self.happens(what, Hook::Operation, is_in_the_middle).map(Also)
    }

    fn happens(&self, what: &'static str, hook: Hook, fits: impl Fn(Fault) -> bool) -> Option<Hit> {
        self.faults().hit_if(self.name(), &Point { op: Some(what), ..Point::new(hook) }, fits)
    }

    /// Enrolls a second time with an invitation that was used.
    pub(crate) async fn enrolls_again(&self, wallet: &Wallet, invitation: &Invitation) {
        if let Some(Also(hit)) = self.also("enroll") {
            let told = match wallet.policy(invitation).await {
                Ok(_) => "the code is as good as before".to_owned(),
                Err(error) => format!("refused with code {}", error.code()),
            };
            self.note(&hit, told);
        }
    }
}

/// Something that is done as well.
pub(crate) struct Also(Hit);

/// Faults that the operation itself asks for.
const fn is_in_the_middle(fault: Fault) -> bool {
    matches!(fault, Fault::DoubleTap | Fault::Deny | Fault::CodeReuse)
}

impl Struck {
    async fn strikes(&mut self, hit: Hit, entries: &[Entry]) -> Result<(), EngineError> {
        match hit.fault {
            Fault::ForgetToClose => return Err(EngineError::Forgotten { rule: hit.rule.to_string() }),
            Fault::CloneFirst => self.copy_acts(&hit, copies(self.permitted(entries))).await,
            Fault::Reinstalled => {
                for entry in self.permitted(entries) {
                    change(&*self.store, &entry.key(), None).map_err(WalletError::from)?;
                }
            }
            Fault::Rollback => {
                let before = self.device.history().0.get(hit.count("operations") - 1).map(|all| copies(all.iter()));
                for entry in self.permitted(&before.unwrap_or_default()) {
                    change(&*self.store, &entry.key(), Some(entry)).map_err(WalletError::from)?;
                }
            }
            Fault::CloneAfter | Fault::RevokedButTalking => {
                let copies = copies(self.permitted(entries));
                self.afterwards = Some((hit, copies));
            }
            _ => {}
        }
        Ok(())
    }

    /// Those of servers that may see faults.
    fn permitted<'a>(&self, entries: &'a [Entry]) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let gate = self.device.faults().gate().clone();
        entries.iter().filter(move |entry| gate.permits(&entry.details().host))
    }

    /// Does it, unless the app is killed meanwhile.
    ///
    /// # Errors
    /// [`EngineError::Killed`], and those of the operation.
    pub(crate) async fn through<T>(
        mut self,
        act: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let mut deaths = self.deaths.clone();
        let result = tokio::select! {
            biased;
            _ = deaths.changed() => Err(self.killed()),
            result = act => result,
        };
        // It may have ended in the moment in which it was killed.
        if self.deaths.has_changed().unwrap_or(false) {
            return Err(self.killed());
        }
        if let Some((hit, copies)) = self.afterwards.take() {
            match hit.fault {
                Fault::CloneAfter => self.copy_acts(&hit, copies).await,
                _ if result.is_ok() => {
                    for entry in &copies {
                        change(&*self.store, &entry.key(), Some(entry)).map_err(WalletError::from)?;
                    }
                }
                _ => {}
            }
        }
        result
    }

    fn killed(&self) -> EngineError {
        EngineError::Killed { rule: self.device.killer() }
    }

    /// Somebody with a copy of the device asks how its tokens stand.
    async fn copy_acts(&self, hit: &Hit, copies: Vec<Entry>) {
        let store = MemoryStore::new();
        for entry in &copies {
            if let Err(error) = change(&store, &entry.key(), Some(entry)) {
                return self.device.note(hit, error.to_string());
            }
        }
        let wallet = Wallet::builder()
            .store(Arc::new(store))
            .connector(Arc::clone(self.device.world()))
            .env(Env::os())
            .emulated(true)
            .allow_test_argon2(self.allow_test_argon2)
            .recover_in_background(false)
            .open();
        let asked = async {
            for token in wallet.await?.tokens().await? {
                let told = match token.status().await {
                    Ok(status) => format!("the copy was told {}", status.state.number()),
                    Err(error) => format!("the copy was refused with code {}", error.code()),
                };
                self.device.note(hit, told);
            }
            Ok::<_, WalletError>(())
        };
        if let Err(error) = asked.await {
            self.device.note(hit, error.to_string());
        }
    }
}

fn copies<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Entry> {
    entries.map(Entry::duplicate).collect()
}

/// All tokens of a store.
fn entries(store: &dyn Store) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for key in store.list()? {
        entries.extend(store.load(&key)?);
    }
    Ok(entries)
}

/// Makes an entry what it was, or removes it. Somebody who uses it meanwhile keeps it as it is.
fn change(store: &dyn Store, key: &TokenKey, new: Option<&Entry>) -> Result<(), StoreError> {
    let Some(mut lease) = store.try_lease(key)? else { return Ok(()) };
    let Some(new) = new else { return lease.remove() };
    let old = lease.load()?;
    lease.compare_and_swap(old.as_ref(), new)
}

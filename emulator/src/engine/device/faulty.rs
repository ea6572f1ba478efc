//! What a device does despite what goes wrong with it on purpose.

use std::sync::Arc;

use cardea_sdk::store::Store;
use cardea_sdk::store::file::FileStore;
use cardea_sdk::{Env, WalletError};

use super::{Device, Place};
use crate::engine::EngineError;

impl Place {
    /// The store itself, without anything between.
    pub(super) async fn store(&self, env: &Env) -> Result<Arc<dyn Store>, EngineError> {
        Ok(match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Folder(folder) => {
                let (folder, env) = (folder.clone(), env.clone());
                let opened = tokio::task::spawn_blocking(move || FileStore::open(folder, &env)).await;
                Arc::new(opened.map_err(|_| WalletError::ShuttingDown)?.map_err(WalletError::from)?)
            }
        })
    }
}

impl Device {
    /// Whether a fault has the holder do something else as well, or instead.
    pub(super) fn also(&self, what: &'static str) -> bool {
        self.0.faults.as_ref().is_some_and(|faults| faults.also(what).is_some())
    }

    /// Does something, whatever goes wrong on purpose meanwhile.
    pub(super) async fn despite_faults<T>(
        &self,
        what: &'static str,
        act: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let Some(faults) = &self.0.faults else { return act.await };
        let env = Env { clock: Arc::clone(&self.0.clock) as _, entropy: Arc::clone(&self.0.entropy) };
        let store = self.0.place.store(&env).await?;
        let result = faults.begin(what, store, self.0.allow_test_argon2).await?.through(act).await;
        if matches!(result, Err(EngineError::Killed { .. })) {
            // Of an app that was killed nothing goes on.
            self.rest();
        }
        result
    }
}

//! Which tokens the holder's operations want now. A live session gives way to them: it is the only one that takes a
//! lease without being asked to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::TokenKey;
use crate::table::Table;

/// How many operations of this wallet use, or wait for, each token.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    table: Mutex<Table<usize>>,
    changed: Notify,
}

/// An operation's part in the count.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    key: TokenKey,
}

impl Turns {
    /// Counts an operation until the turn is dropped.
    pub(crate) fn enter(self: &Arc<Self>, key: TokenKey) -> Turn {
        *self.table().or_default(key) += 1;
        self.changed.notify_waiters();
        Turn { turns: Arc::clone(self), key }
    }

    /// Whether an operation wants `key` now.
    pub(crate) fn is_wanted(&self, key: TokenKey) -> bool {
        self.table().contains(&key)
    }

    /// Waits until an operation wants `key`. Cancel safe.
    pub(crate) async fn wanted(&self, key: TokenKey) {
        self.until(|table| table.contains(&key)).await;
    }

    /// Waits until no operation wants `key`; returns whether one did. Cancel safe.
    pub(crate) async fn free(&self, key: TokenKey) -> bool {
        let was_wanted = self.is_wanted(key);
        self.until(|table| !table.contains(&key)).await;
        was_wanted
    }

    async fn until(&self, holds: impl Fn(&Table<usize>) -> bool) {
        loop {
            // Made before looking, so that no change between the two is missed.
            let changed = self.changed.notified();
            if holds(&self.table()) {
                return;
            }
            changed.await;
        }
    }

    fn table(&self) -> MutexGuard<'_, Table<usize>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut table = self.turns.table();
        if let Some(count) = table.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                table.remove(&self.key);
            }
        }
        drop(table);
        self.turns.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use cardea_protocol::token::{DeviceId, TokenId};
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_token_is_wanted_from_the_first_turn_to_the_end_of_the_last() {
        let turns = Arc::<Turns>::default();
        let key = |byte| TokenKey { token: TokenId::new([byte; 16]), device: DeviceId::new([1; 4]) };
        let wanted = |byte| turns.wanted(key(byte)).now_or_never().is_some();
        let free = |byte| turns.free(key(byte)).now_or_never();
        assert_eq!((wanted(1), free(1)), (false, Some(false)));
        let (first, second) = (turns.enter(key(1)), turns.enter(key(1)));
        assert_eq!((wanted(1), free(1), wanted(2)), (true, None, false));
        drop(first);
        assert_eq!((wanted(1), free(1)), (true, None));
        let (was_wanted, ()) = tokio::join!(turns.free(key(1)), async { drop(second) });
        assert!(was_wanted);
        assert_eq!((wanted(1), free(1)), (false, Some(false)));
    }
}

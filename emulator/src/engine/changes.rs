//! That something in a session is different now: for who would rather be woken than look again and again.

use tokio::sync::watch;

/// What was changed is not told, only that it was. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(watch::Sender<()>);

/// Is woken by changes.
#[derive(Debug)]
pub(crate) struct Watch(watch::Receiver<()>);

impl Changes {
    /// Something is different now. To be said once it is.
    pub(crate) fn note(&self) {
        self.0.send_replace(());
    }

    /// For who looks after this, and wants to look again when that may give something else.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

impl Watch {
    /// Waits until there was a change since this was made, or since the last call. Cancel safe.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is there who could change anything.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_change_wakes_who_has_looked_before_it_and_once() {
        let changes = Changes::default();
        changes.note();
        let mut watch = changes.watch();
        assert_eq!(watch.changed().now_or_never(), None);
        changes.clone().note();
        changes.note();
        assert_eq!(watch.changed().now_or_never(), Some(()));
        assert_eq!(watch.changed().now_or_never(), None);
        drop(changes);
        assert_eq!(watch.changed().now_or_never(), None);
    }
}

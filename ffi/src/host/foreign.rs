//! Objects of the host, which are told when nobody has them any more.

use std::sync::Arc;

use super::{Clock, Entropy, Host, LogSink, Presence, SecretStore};
use crate::end::Call;

/// An object of the host. To give it up is a call into the host, and so not done once the program ends: it goes with the
/// program then. `None` while it is dropped.
pub(crate) struct Foreign<T: ?Sized>(Option<Arc<T>>);

impl<T: ?Sized> Foreign<T> {
    pub(crate) const fn new(object: Arc<T>) -> Self {
        Self(Some(object))
    }

    pub(crate) fn get(&self) -> &T {
        self.0.as_deref().expect("it is there until it is dropped")
    }
}

impl<T: ?Sized> Clone for Foreign<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> Drop for Foreign<T> {
    fn drop(&mut self) {
        // Outlives the object.
        let call = Call::begin();
        let object = self.0.take();
        if call.is_none() {
            std::mem::forget(object);
        }
    }
}

/// What the host has brought, as it is kept.
#[derive(Default)]
pub(crate) struct Brought {
    pub(crate) clock: Option<Foreign<dyn Clock>>,
    pub(crate) entropy: Option<Foreign<dyn Entropy>>,
    pub(crate) log: Option<Foreign<dyn LogSink>>,
    pub(crate) secrets: Option<Foreign<dyn SecretStore>>,
    pub(crate) presence: Option<Foreign<dyn Presence>>,
}

impl From<Host> for Brought {
    fn from(host: Host) -> Self {
        Self {
            clock: host.clock.map(Foreign::new),
            entropy: host.entropy.map(Foreign::new),
            log: host.log.map(Foreign::new),
            secrets: host.secrets.map(Foreign::new),
            presence: host.presence.map(Foreign::new),
        }
    }
}

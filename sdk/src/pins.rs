//! PINs on their way into signing keys: slow on purpose, off the async threads, wiped afterwards.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cardea_protocol::ProtocolError;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::limits::SLOTS;
use cardea_protocol::pin::{Pin, PinDerivation, PinKey, PinSet};
use cardea_protocol::token::{Argon2Class, Policy};
use tokio::sync::Notify;

use crate::approval::BiometricKey;
use crate::env::Env;
use crate::error::WalletError;
use crate::operation::{Work, work};
use crate::task::blocking;
use crate::transport::BoxFuture;

/// The PINs that the holder chose.
#[derive(Debug)]
pub struct NewPins {
    /// The one that opens.
    pub normal: Pin,
    /// Up to three that seem to; up to two beside a biometric key.
    pub duress: Vec<Pin>,
    /// What opens in the place of a PIN, if the service allows it.
    pub biometric: Option<BiometricKey>,
}

impl NewPins {
    /// A set without duress PINs and without a biometric key.
    #[must_use]
    pub const fn normal(pin: Pin) -> Self {
        Self { normal: pin, duress: Vec::new(), biometric: None }
    }

    /// Whether the service allows these PINs.
    ///
    /// # Errors
    /// [`WalletError::Pin`]: the first rule that they break.
    pub fn check(&self, policy: &Policy) -> Result<(), WalletError> {
        Ok(PinSet { normal: &self.normal, duress: &self.duress, biometric: self.biometric.is_some() }.check(policy)?)
    }
}

/// What a wallet allows.
pub(crate) fn allowed(class: Argon2Class, allow_test: bool) -> Result<(), WalletError> {
    if class == Argon2Class::Test && !allow_test { Err(WalletError::TestArgon2) } else { Ok(()) }
}

/// Most hashes at one time in a process: each has 64 MiB and keeps a core busy.
const AT_ONCE: usize = 2;

/// The places for hashes.
#[derive(Debug)]
struct Places {
    taken: Mutex<usize>,
    freed: Notify,
}

static PLACES: Places = Places { taken: Mutex::new(0), freed: Notify::const_new() };

/// One of them, until it is dropped.
#[derive(Debug)]
struct Place(&'static Places);

impl Places {
    /// Waits for a place. Cancel safe.
    fn take(&'static self) -> BoxFuture<'static, Place> {
        Box::pin(async {
            loop {
                // Made before looking, so that no place is missed.
                let freed = self.freed.notified();
                if let Some(place) = self.try_take() {
                    return place;
                }
                freed.await;
            }
        })
    }

    fn try_take(&'static self) -> Option<Place> {
        let mut taken = self.taken();
        let is_free = *taken < AT_ONCE;
        *taken += usize::from(is_free);
        is_free.then(|| Place(self))
    }

    fn taken(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.taken() -= 1;
        self.0.freed.notify_waiters();
    }
}

type Block = <Dalek as Provider>::PinBlock;

/// Room for one hash. Phones have little, and a program that has none left is not to end because of it.
fn memory(blocks: usize) -> Result<Vec<Block>, WalletError> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks).map_err(|_| WalletError::Memory)?;
    memory.resize(blocks, Block::default());
    Ok(memory)
}

/// Makes keys by `hash`, which may take long, as soon as there is a place for it. Goes on if the future is dropped, and
/// keeps its place until it is done.
fn hashed<T: Send + 'static>(
    derivation: PinDerivation,
    hash: impl FnOnce(&PinDerivation, &mut [Block]) -> Result<T, ProtocolError> + Send + 'static,
) -> Work<'static, T> {
    work(async move {
        let place = PLACES.take().await;
        blocking(move || {
            let _place = place;
            Ok(hash(&derivation, &mut memory(derivation.blocks())?)?)
        })
        .await?
    })
}

/// The signing key of one PIN. Dropping the future drops the PIN as soon as the hash is done.
pub(crate) fn derive(derivation: PinDerivation, pin: Pin) -> Work<'static, PinKey> {
    hashed(derivation, move |derivation, memory| derivation.derive::<Dalek>(&pin, memory))
}

/// The keys of all slots.
pub(crate) struct Keys {
    pub(crate) slots: [PinKey; SLOTS],
    /// Whether the second one is a biometric slot's.
    pub(crate) biometric: bool,
}

/// The keys of all slots: the PINs' own, the biometric one, the rest random. Takes as long whatever the PINs: what comes
/// next is seen by whoever watches the network, and must not tell him how many there are.
pub(crate) fn derive_all(derivation: PinDerivation, pins: NewPins, env: &Env) -> Work<'static, Keys> {
    let mut random = env.random();
    hashed(derivation, move |derivation, memory| {
        // Random keys first, the same number whatever the PINs: randomness is used alike.
        let slots = std::array::from_fn(|_| PinKey::random(&mut random));
        let slots = fill(slots, derivation, &pins, &mut |pin| derivation.derive::<Dalek>(pin, memory))?;
        Ok(Keys { slots, biometric: pins.biometric.is_some() })
    })
}

/// Puts keys into slots that have random ones. Each slot costs one hash: what no PIN is for is hashed all the same, and
/// thrown away.
fn fill(
    mut slots: [PinKey; SLOTS],
    derivation: &PinDerivation,
    pins: &NewPins,
    hash: &mut dyn FnMut(&Pin) -> Result<PinKey, ProtocolError>,
) -> Result<[PinKey; SLOTS], ProtocolError> {
    let mut duress = pins.duress.iter();
    for (index, slot) in slots.iter_mut().enumerate() {
        let biometric = pins.biometric.as_ref().filter(|_| index == 1);
        let pin = match index {
            0 => Some(&pins.normal),
            _ if biometric.is_some() => None,
            _ => duress.next(),
        };
        let key = hash(pin.unwrap_or(&pins.normal))?;
        if let Some(secret) = biometric {
            *slot = derivation.biometric::<Dalek>(secret.secret());
        } else if pin.is_some() {
            *slot = key;
        }
    }
    Ok(slots)
}

#[cfg(test)]
mod tests;

//! PINs on their way into signing keys: slow on purpose, off the async threads, wiped afterwards.

use cardea_protocol::ProtocolError;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::limits::SLOTS;
use cardea_protocol::pin::{Pin, PinDerivation, PinKey, PinSet};
use cardea_protocol::token::{Argon2Class, Policy};

use crate::approval::BiometricKey;
use crate::env::Env;
use crate::error::WalletError;
use crate::task::{Blocking, blocking};

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

fn memory(derivation: &PinDerivation) -> Vec<<Dalek as Provider>::PinBlock> {
    vec![<Dalek as Provider>::PinBlock::default(); derivation.blocks()]
}

/// The signing key of one PIN. Dropping the future drops the PIN as soon as the hash is done.
pub(crate) fn derive(derivation: PinDerivation, pin: Pin) -> Blocking<Result<PinKey, ProtocolError>> {
    blocking(move || derivation.derive::<Dalek>(&pin, &mut memory(&derivation)))
}

/// The keys of all slots.
pub(crate) struct Keys {
    pub(crate) slots: [PinKey; SLOTS],
    /// Whether the second one is a biometric slot's.
    pub(crate) biometric: bool,
}

/// The keys of all slots: the PINs' own, the biometric one, the rest random.
pub(crate) fn derive_all(derivation: PinDerivation, pins: NewPins, env: &Env) -> Blocking<Result<Keys, ProtocolError>> {
    let mut random = env.random();
    blocking(move || {
        let mut memory = memory(&derivation);
        // Random keys first, the same number whatever the PINs: randomness is used alike.
        let mut slots: [PinKey; SLOTS] = std::array::from_fn(|_| PinKey::random(&mut random));
        let [normal, others @ ..] = &mut slots;
        *normal = derivation.derive::<Dalek>(&pins.normal, &mut memory)?;
        let mut others = others.iter_mut();
        if let Some(key) = &pins.biometric
            && let Some(slot) = others.next()
        {
            *slot = derivation.biometric::<Dalek>(key.secret());
        }
        for (slot, pin) in others.zip(&pins.duress) {
            *slot = derivation.derive::<Dalek>(pin, &mut memory)?;
        }
        Ok(Keys { slots, biometric: pins.biometric.is_some() })
    })
}

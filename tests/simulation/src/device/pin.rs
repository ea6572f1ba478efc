//! PINs: small numbers here, digits and keys for the core.

use cardea_protocol::crypto::Provider;
use cardea_protocol::pin::{Pin, PinDerivation, PinKey};

/// What a holder remembers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pins {
    pub(crate) normal: u8,
    pub(crate) duress: u8,
    /// Numbers used so far, for the next change and for wrong ones.
    pub(crate) used: u8,
}

impl Pins {
    pub(crate) const fn new(first: u8) -> Self {
        Self { normal: first, duress: first + 1, used: first + 2 }
    }

    /// A PIN that was never used.
    pub(crate) fn fresh(&mut self) -> u8 {
        self.used = self.used.wrapping_add(1);
        self.used
    }
}

/// The signing key of PIN number `pin`.
pub(crate) fn derive_key<P: Provider>(derivation: &PinDerivation, pin: u8) -> PinKey {
    let digits = format!("{:06}", (u32::from(pin) + 3) * 3_877 % 1_000_000);
    let pin = Pin::new(digits.as_bytes()).expect("six digits");
    let mut memory = vec![P::PinBlock::default(); derivation.blocks()];
    derivation.derive::<P>(&pin, &mut memory).expect("as many blocks as it needs")
}

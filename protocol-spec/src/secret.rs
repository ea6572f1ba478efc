//! The one type that holds secrets.
//!
//! A [`Secret`] is wiped when dropped, prints as `[redacted]`, compares in constant time, and can be neither cloned
//! nor serialized by accident: every copy is an explicit [`Secret::duplicate`], every look inside an [`Secret::expose`].

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::optimization_barrier;

/// `N` secret bytes, wiped on drop.
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes ownership of `bytes`. The caller wipes its own copy if it kept one.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Copies the secret out of `slice` if it has exactly `N` bytes.
    #[must_use]
    pub fn from_slice(slice: &[u8]) -> Option<Self> {
        slice.try_into().ok().map(Self)
    }

    /// The bytes. The name is long on purpose: each use is a place to review.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be filled in place.
    pub fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// A second copy, wiped on its own.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }

    /// All zero bytes: the value of a field that is not in use.
    #[must_use]
    pub const fn zero() -> Self {
        Self([0; N])
    }

    /// Whether all bytes are zero, in constant time.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        // One comparison of all bits together: byte by byte, this check would be felt beside a DH.
        bool::from(self.0.iter().fold(0, |bits, byte| bits | byte).ct_eq(&0))
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        // Plain stores and a barrier that makes the compiler keep them: a handshake drops some hundred secrets.
        self.0 = [0; N];
        optimization_barrier(&self.0);
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.0.ct_eq(&other.0))
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

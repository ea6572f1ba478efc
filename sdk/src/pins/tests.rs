use cardea_protocol::crypto::Random;
use futures_util::FutureExt as _;

use super::*;
use crate::store::conformance::sample;

const DURESS: [&[u8]; 3] = [b"836402", b"519384", b"907163"];

fn set(duress: usize, biometric: bool) -> NewPins {
    let pin = |digits| Pin::new(digits).unwrap();
    let biometric = biometric.then(|| BiometricKey::new([0xb1; 32]));
    NewPins { duress: DURESS[..duress].iter().map(|digits| pin(digits)).collect(), biometric, normal: pin(b"274951") }
}

/// The same byte for ever.
struct Only(u8);

impl Random for Only {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// A key that is known by its number.
fn key(number: u8) -> PinKey {
    PinKey::random(&mut Only(number))
}

fn public(key: PinKey) -> [u8; 32] {
    key.public::<Dalek>()
}

#[test]
fn a_set_of_pins_takes_four_hashes_whatever_is_in_it() {
    let derivation = sample(1, 1).record.pin_derivation();
    for (duress, biometric) in [(0, false), (1, false), (2, false), (3, false), (0, true), (1, true), (2, true)] {
        let mut hashes = 0;
        // The first hash gives key 10, the second key 11, and so on; what was there before are keys 0 to 3.
        let filled = fill([0, 1, 2, 3].map(key), &derivation, &set(duress, biometric), &mut |_| {
            hashes += 1;
            Ok(key(9 + hashes))
        });
        assert_eq!(hashes, 4, "{duress} {biometric}");
        let mut expected = [10, 1, 2, 3].map(key);
        let first = 1 + usize::from(biometric);
        for (number, slot) in (10..).zip(&mut expected).skip(first).take(duress) {
            *slot = key(number);
        }
        if biometric {
            expected[1] = derivation.biometric::<Dalek>(BiometricKey::new([0xb1; 32]).secret());
        }
        assert_eq!(filled.unwrap().map(public), expected.map(public), "{duress} {biometric}");
    }
}

#[test]
fn two_hashes_are_made_at_one_time_and_the_third_waits() {
    let places: &'static Places = Box::leak(Box::new(Places { taken: Mutex::new(0), freed: Notify::new() }));
    let (first, second) = (places.try_take().unwrap(), places.try_take().unwrap());
    let (mut third, mut fourth) = (places.take(), places.take());
    assert!((&mut third).now_or_never().is_none() && (&mut fourth).now_or_never().is_none());
    drop(first);
    let third = third.now_or_never().expect("a place is free");
    assert!((&mut fourth).now_or_never().is_none());
    // One that was never got is not kept either.
    drop(fourth);
    drop((second, third));
    assert_eq!(*places.taken(), 0);
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    assert!(matches!(memory(usize::MAX / 1024), Err(WalletError::Memory)));
    assert_eq!(memory(8).unwrap().len(), 8);
}

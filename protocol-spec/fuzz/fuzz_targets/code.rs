//! Typed codes and PINs.
#![no_main]

use cardea_protocol::pin::{Pin, PinSet};
use cardea_protocol::token::{Argon2Class, Policy, ShortString};
use cardea_protocol::wire::TypedCode;
use libfuzzer_sys::fuzz_target;

const POLICY: Policy = Policy {
    argon2: Argon2Class::Test,
    pin_min: 6,
    pin_max: 12,
    duress: true,
    biometric: false,
    short_string: ShortString::Off,
    version_min: 1,
    version_max: 1,
    keepalive: 0,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(code) = TypedCode::parse(text)
    {
        let text = code.text();
        let again =
            TypedCode::parse(core::str::from_utf8(text.expose()).expect("ASCII")).expect("what is shown can be typed");
        assert_eq!(again.id(), code.id());
        assert!(again.text() == text);
    }
    let pins: Vec<Pin> = data.split(|byte| *byte == b' ').take(6).filter_map(|digits| Pin::new(digits).ok()).collect();
    if let Some((normal, duress)) = pins.split_first() {
        let set = PinSet { normal, duress, biometric: false }.check(&POLICY);
        assert!(set.is_err() || duress.len() <= 3);
    }
});

//! PINs: what may be one, what may stand beside another, and what becomes of them.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::pin::{Pin, PinError, PinSet};
use cardea_protocol::token::Policy;
use cardea_protocol::wire::{LargeRequest, PinEntry, Request, RevokeDevice, Rotate, SetPins};
use cardea_protocol::{ApiMisuse, ProtocolError, Secret};

use crate::pair::{NOW, enroll, pin_key, policy};

fn check(policy: &Policy, normal: &str, duress: &[&str]) -> Result<(), PinError> {
    let duress: Vec<Pin> = duress.iter().map(|pin| Pin::new(pin.as_bytes()).unwrap()).collect();
    PinSet { normal: &Pin::new(normal.as_bytes()).unwrap(), duress: &duress, biometric: false }.check(policy)
}

#[test]
fn a_pin_is_six_to_twelve_ascii_digits() {
    for length in 0..20 {
        let digits = "4938170265384019".repeat(2)[..length].to_owned();
        let expected = if (6..=12).contains(&length) { None } else { Some(PinError::Length { min: 6, max: 12 }) };
        assert_eq!(Pin::new(digits.as_bytes()).err(), expected, "{length}");
    }
    for text in ["49381a", "493 817", "٤٩٣٨١٧", "-493817", "493817\n", "４９３８１７", "4938.7"] {
        assert_eq!(Pin::new(text.as_bytes()).err(), Some(PinError::NotDigits), "{text}");
    }
    assert_eq!(Pin::new(&[0x34; 13]).err(), Some(PinError::Length { min: 6, max: 12 }));
    assert_eq!(Pin::new(&[0xff; 6]).err(), Some(PinError::NotDigits));
}

#[test]
fn the_policy_says_how_long() {
    let policy = Policy { pin_min: 7, pin_max: 8, ..policy() };
    for (pin, good) in [("493817", false), ("4938172", true), ("49381726", true), ("493817265", false)] {
        let expected = if good { Ok(()) } else { Err(PinError::Length { min: 7, max: 8 }) };
        assert_eq!(check(&policy, pin, &[]), expected, "{pin}");
    }
}

#[test]
fn pins_that_anyone_would_try_are_refused() {
    for pin in [
        "000000", "777777", "99999999", "123456", "12345678", "234567", "789012", "654321", "987654", "210987",
        "121212", "123123", "112233", "123321", "654123", "159753", "147258", "101010", "131313", "232323", "12341234",
        "11223344",
    ] {
        assert_eq!(check(&policy(), pin, &[]), Err(PinError::TooCommon), "{pin}");
        // And as a duress PIN too.
        let normal = if pin.len() == 6 { "493817" } else { "49381726" };
        assert_eq!(check(&policy(), normal, &[pin]), Err(PinError::TooCommon), "{pin}");
    }
    for pin in ["493817", "123457", "135791", "1234567", "998877"] {
        let expected = if pin == "1234567" { Err(PinError::TooCommon) } else { Ok(()) };
        assert_eq!(check(&policy(), pin, &[]), expected, "{pin}");
    }
}

#[test]
fn the_pins_of_a_device_have_one_length() {
    assert_eq!(check(&policy(), "493817", &["2718281"]), Err(PinError::LengthsDiffer));
    assert_eq!(check(&policy(), "4938172", &["271828"]), Err(PinError::LengthsDiffer));
    assert_eq!(check(&policy(), "493817", &["271828", "141421", "161803"]), Ok(()));
}

/// Edit distance by the definition.
fn distance(one: &[u8], other: &[u8]) -> usize {
    match (one, other) {
        ([], rest) | (rest, []) => rest.len(),
        ([a, one_rest @ ..], [b, other_rest @ ..]) => {
            let substitute = distance(one_rest, other_rest) + usize::from(a != b);
            substitute.min(distance(one_rest, other) + 1).min(distance(one, other_rest) + 1)
        }
    }
}

#[test]
fn two_pins_differ_by_at_least_two_edits() {
    assert_eq!(check(&policy(), "493817", &["493817"]), Err(PinError::TooClose));
    assert_eq!(check(&policy(), "493817", &["493818"]), Err(PinError::TooClose));
    assert_eq!(check(&policy(), "493817", &["493871"]), Ok(()));
    // Between any two, not only with the first.
    assert_eq!(check(&policy(), "493817", &["271828", "271829"]), Err(PinError::TooClose));
    assert_eq!(check(&policy(), "493817", &["271828", "141421", "141422"]), Err(PinError::TooClose));
    // Against the definition, over pins that are near to each other.
    let base = b"493817";
    for at in 0..6 {
        for digit in b'0'..=b'9' {
            for other_at in 0..6 {
                let mut pin = *base;
                pin[at] = digit;
                pin.swap(other_at, (other_at + 1) % 6);
                let text = core::str::from_utf8(&pin).unwrap();
                let expected = if distance(base, &pin) < 2 { Err(PinError::TooClose) } else { Ok(()) };
                assert_eq!(check(&policy(), "493817", &[text]), expected, "{text}");
            }
        }
    }
    // Two edits that are no substitutions: one digit taken out here and put in there.
    assert_eq!(distance(b"493817", b"938174"), 2);
    assert_eq!(check(&policy(), "493817", &["938174"]), Ok(()));
}

#[test]
fn duress_pins_are_the_policys_to_allow_and_three_at_most() {
    let none = Policy { duress: false, ..policy() };
    assert_eq!(check(&none, "493817", &["271828"]), Err(PinError::DuressNotAllowed));
    assert_eq!(check(&none, "493817", &[]), Ok(()));
    let four = ["271828", "141421", "161803", "577215"];
    assert_eq!(check(&policy(), "493817", &four), Err(PinError::TooMany));
    assert_eq!(check(&policy(), "493817", &four[..3]), Ok(()));
}

#[test]
fn a_pin_key_is_made_of_pin_salt_token_and_device() {
    let (record, server, _) = enroll(700, &[b"493817"]);
    let key = |pin: &[u8]| pin_key(&record.pin_derivation(), pin).public::<Dalek>();
    assert_eq!(key(b"493817"), server.keys[0]);
    assert_ne!(key(b"493818"), server.keys[0]);
    assert_ne!(key(b"4938170"), server.keys[0]);
    // Another device has another salt.
    let (other, ..) = enroll(701, &[b"493817"]);
    assert_ne!(pin_key(&other.pin_derivation(), b"493817").public::<Dalek>(), server.keys[0]);
    // Written out: Argon2id, then HKDF over the label, the token and the device.
    let stored = record.encode();
    let salt = Secret::<32>::from_slice(&stored.expose()[107..139]).unwrap();
    let mut memory = vec![<Dalek as Provider>::PinBlock::default(); 8];
    let cost = record.policy().argon2.cost();
    let hash = Dalek::argon2id(b"493817", &salt, cost, &mut memory).unwrap();
    let info: [&[u8]; 3] = [b"cardea1 pin", record.token().bytes(), record.device().bytes()];
    let seed = Dalek::derive(&[], &[hash.expose()], &info);
    assert_eq!(Dalek::ed25519_public(&seed), server.keys[0]);
}

#[test]
fn too_little_memory_is_an_error() {
    let (record, ..) = enroll(702, &[b"493817"]);
    let derivation = record.pin_derivation();
    assert_eq!(derivation.blocks(), 8);
    let mut memory = vec![<Dalek as Provider>::PinBlock::default(); 7];
    let result = derivation.derive::<Dalek>(&Pin::new(b"493817").unwrap(), &mut memory);
    assert!(matches!(result, Err(ProtocolError::ApiMisuse(ApiMisuse::PinMemory))));
}

#[test]
fn a_biometric_key_takes_the_place_of_a_duress_pin_where_the_policy_allows_it() {
    let allowed = Policy { biometric: true, ..policy() };
    let pins = ["493817", "271828", "141421", "161803"].map(|pin| Pin::new(pin.as_bytes()).unwrap());
    let check = |policy: &Policy, duress: usize| {
        PinSet { normal: &pins[0], duress: &pins[1..=duress], biometric: true }.check(policy)
    };
    assert_eq!([check(&allowed, 0), check(&allowed, 2)], [Ok(()), Ok(())]);
    assert_eq!(check(&allowed, 3), Err(PinError::TooMany));
    assert_eq!(check(&Policy { biometric: false, ..allowed }, 0), Err(PinError::BiometricNotAllowed));
}

#[test]
fn a_biometric_key_is_that_of_its_secret_token_and_device_and_of_no_pin() {
    let (record, _, _) = enroll(704, &[b"493817"]);
    let derivation = record.pin_derivation();
    let key = |byte| derivation.biometric::<Dalek>(&Secret::new([byte; 32])).public::<Dalek>();
    let label: [&[u8]; 3] = [b"cardea1 biometric", record.token().bytes(), record.device().bytes()];
    let seed = Dalek::derive(&[], &[&[0xb1; 32]], &label);
    assert_eq!(key(0xb1), Dalek::ed25519_public(&seed));
    assert_ne!(key(0xb1), key(0xb2));
    assert_ne!(key(0xb1), Dalek::ed25519_public(&Secret::new([0xb1; 32])));
}

#[test]
fn neither_pins_nor_what_is_made_of_them_is_printed() {
    let (record, server, _) = enroll(703, &[b"493817"]);
    let pin = Pin::new(b"493817").unwrap();
    let key = pin_key(&record.pin_derivation(), b"493817");
    assert_eq!(format!("{pin:?}"), "Pin([redacted])");
    assert_eq!(format!("{key:?}"), "PinKey([redacted])");
    let set = PinSet { normal: &pin, duress: &[], biometric: false };
    assert!(!format!("{set:?}").contains("493817") && !format!("{set:?}").contains("52, 57"));
    assert!(format!("{:?}", record.pin_derivation()).contains("class: Test, .."));
    // A signature by a PIN key tells, with the salt, which PIN it was; a verification key does too.
    let signature = [0xb7; 64];
    let entries = [PinEntry { biometric: false, key: [0xb7; 32] }; 4];
    let texts = [
        format!("{:?}", Request { op: cardea_protocol::wire::Op::Open, win: 0, time: NOW, signature }),
        format!("{:?}", LargeRequest::SetPins(SetPins { time: NOW, entries, signature })),
        format!("{:?}", LargeRequest::Rotate(Rotate { time: NOW, key: [0xb7; 32], signature })),
        format!("{:?}", LargeRequest::RevokeDevice(RevokeDevice { time: NOW, device: *record.device(), signature })),
        format!("{:?}", entries[0]),
        format!("{:?}", cardea_protocol::wire::ReceiptEntry { statement: [1; 82], signature }),
        format!("{record:?}"),
        format!("{:?}", server.row),
    ];
    for text in texts {
        assert!(!text.contains("183") && !text.contains("b7"), "{text}");
    }
}

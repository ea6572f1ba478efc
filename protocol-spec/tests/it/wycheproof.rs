//! Wycheproof through the functions that the protocol itself runs. Every vector is accounted for.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{CryptoError, Dalek, Provider};
use serde::Deserialize;

use crate::support::{hex, hex_array, third_party};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<G> {
    number_of_tests: usize,
    test_groups: Vec<G>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Acceptable,
    Invalid,
}

fn groups<G: for<'de> Deserialize<'de>>(name: &str, count: usize) -> Vec<G> {
    let file: File<G> = serde_json::from_str(&third_party(&format!("wycheproof/{name}"))).expect("has this form");
    assert_eq!(file.number_of_tests, count, "{name} is complete");
    file.test_groups
}

#[derive(Deserialize)]
struct XdhGroup {
    curve: String,
    tests: Vec<Xdh>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Xdh {
    tc_id: usize,
    flags: Vec<String>,
    public: String,
    private: String,
    shared: String,
    result: Verdict,
}

#[test]
fn x25519() {
    let (mut shared, mut refused) = (0, 0);
    for group in groups::<XdhGroup>("x25519_test.json", 518) {
        assert_eq!(group.curve, "curve25519");
        for test in group.tests {
            let result = Dalek::x25519(&Secret::new(hex_array(&test.private)), &hex_array(&test.public));
            // "Acceptable" leaves the choice to the library. Ours: an all-zero result is an error, all else is RFC 7748.
            if test.flags.iter().any(|flag| flag == "ZeroSharedSecret") {
                assert_eq!(test.result, Verdict::Acceptable);
                assert_eq!(result, Err(CryptoError), "test {}", test.tc_id);
                refused += 1;
            } else {
                assert_ne!(test.result, Verdict::Invalid);
                assert_eq!(result, Ok(Secret::new(hex_array(&test.shared))), "test {}", test.tc_id);
                shared += 1;
            }
        }
    }
    assert_eq!((shared, refused), (487, 31));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EddsaGroup {
    public_key: EddsaKey,
    tests: Vec<Eddsa>,
}

#[derive(Deserialize)]
struct EddsaKey {
    curve: String,
    pk: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Eddsa {
    tc_id: usize,
    msg: String,
    sig: String,
    result: Verdict,
}

#[test]
fn ed25519() {
    let (mut accepted, mut refused, mut refused_by_type) = (0, 0, 0);
    for group in groups::<EddsaGroup>("ed25519_test.json", 151) {
        assert_eq!(group.public_key.curve, "edwards25519");
        let public = hex_array(&group.public_key.pk);
        for test in group.tests {
            let Ok(signature) = <[u8; 64]>::try_from(hex(&test.sig)) else {
                assert_eq!(test.result, Verdict::Invalid, "test {}", test.tc_id);
                refused_by_type += 1;
                continue;
            };
            let valid = Dalek::ed25519_verify(&public, &hex(&test.msg), &signature);
            assert_eq!(valid, test.result == Verdict::Valid, "test {}", test.tc_id);
            if valid { accepted += 1 } else { refused += 1 }
        }
    }
    assert_eq!((accepted, refused, refused_by_type), (88, 51, 12));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AeadGroup {
    iv_size: usize,
    key_size: usize,
    tag_size: usize,
    tests: Vec<Aead>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aead {
    tc_id: usize,
    key: String,
    iv: String,
    aad: String,
    msg: String,
    ct: String,
    tag: String,
    result: Verdict,
}

#[test]
fn chacha20_poly1305() {
    let (mut passed, mut refused, mut refused_by_type, mut as_counter) = (0, 0, 0, 0);
    for group in groups::<AeadGroup>("chacha20_poly1305_test.json", 325) {
        assert_eq!((group.key_size, group.tag_size), (256, 128));
        for test in group.tests {
            let Ok(nonce) = <[u8; 12]>::try_from(hex(&test.iv)) else {
                assert_ne!(group.iv_size, 96);
                assert_eq!(test.result, Verdict::Invalid, "test {}", test.tc_id);
                refused_by_type += 1;
                continue;
            };
            assert_eq!(group.iv_size, 96);
            let (key, aad) = (Secret::new(hex_array(&test.key)), hex(&test.aad));
            let (message, ciphertext, tag) = (hex(&test.msg), hex(&test.ct), hex_array(&test.tag));
            let valid = test.result == Verdict::Valid;

            let mut buffer = message.clone();
            let sealed = Dalek::seal_with_nonce(&key, &nonce, &aad, &mut buffer);
            assert_eq!(buffer, ciphertext, "test {}", test.tc_id);
            assert_eq!(sealed == tag, valid, "test {}", test.tc_id);

            let opened = Dalek::open_with_nonce(&key, &nonce, &aad, &mut buffer, &tag);
            assert_eq!(opened.is_ok(), valid, "test {}", test.tc_id);
            assert_eq!(buffer, if valid { message.clone() } else { ciphertext.clone() }, "test {}", test.tc_id);
            if valid {
                passed += 1
            } else {
                refused += 1
            }

            // The nonces that the protocol can express take the protocol's own entry as well.
            let (prefix, counter) = nonce.split_first_chunk::<4>().expect("12 bytes");
            if *prefix == [0; 4] {
                let counter = u64::from_le_bytes(counter.try_into().expect("8 bytes"));
                let mut buffer = message.clone();
                assert_eq!(Dalek::seal(&key, counter, &aad, &mut buffer) == tag, valid, "test {}", test.tc_id);
                let opened = Dalek::open(&key, counter, &aad, &mut buffer, &tag);
                assert_eq!(opened.is_ok(), valid, "test {}", test.tc_id);
                as_counter += 1;
            }
        }
    }
    assert_eq!((passed, refused, refused_by_type, as_counter), (256, 60, 9, 10));
}

//! Key records.
#![no_main]

use cardea_protocol::crypto::Dalek;
use cardea_protocol::wire::KeyRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = KeyRecord::decode(data) {
        assert_eq!(record.encode(), data);
        assert!(!record.verify::<Dalek>(&cardea_fuzz::reader::IDENTITY), "a forged signature");
    }
});

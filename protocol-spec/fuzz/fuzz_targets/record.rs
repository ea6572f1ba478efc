//! The device's stored record.
#![no_main]

use cardea_protocol::device::{RECORD_LEN, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Short inputs stand for records that end in zeros, as fresh ones do.
    let mut stored = [0; RECORD_LEN];
    let length = data.len().min(RECORD_LEN);
    stored[..length].copy_from_slice(&data[..length]);
    if let Ok(record) = Record::decode(&stored) {
        assert!(record.encode().expose() == &stored);
        assert!(record.duplicate() == record);
    }
});

//! The server's stored row.
#![no_main]

use cardea_protocol::ratchet::{ROW_LEN, Row};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Short inputs stand for rows that end in zeros, as fresh ones do.
    let mut stored = [0; ROW_LEN];
    let length = data.len().min(ROW_LEN);
    stored[..length].copy_from_slice(&data[..length]);
    if let Ok(row) = Row::decode(&stored) {
        assert!(row.encode().expose() == &stored);
        assert!(row.duplicate().encode().expose() == &stored);
    }
});

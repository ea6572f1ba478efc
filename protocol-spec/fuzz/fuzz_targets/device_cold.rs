//! What a device makes of a reply to a cold request.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::reader::device_cold(data));

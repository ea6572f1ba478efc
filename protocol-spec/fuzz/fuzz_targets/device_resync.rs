//! What a device makes of R2 and of the answer to its confirm.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::reader::device_resync(data));

//! What a server makes of E1 and E3.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::reader::server_enroll(data));

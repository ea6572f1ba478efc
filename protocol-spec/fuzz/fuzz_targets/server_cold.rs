//! What a server makes of a cold request, over rows in every state.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::reader::server_cold(data));

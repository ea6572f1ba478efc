//! What a server makes of frames in a session.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::reader::server_warm(data));

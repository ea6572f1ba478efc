//! What a server makes of R1 and of a confirm.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::reader::server_resync(data));

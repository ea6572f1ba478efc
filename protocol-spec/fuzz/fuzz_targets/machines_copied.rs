//! The same with a copy of the device's record, made at any moment and used by somebody else.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::world::run(data, true));

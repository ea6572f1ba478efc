//! A device, a network that loses, delays, repeats and damages, and two server nodes over one row. Nobody copies anything,
//! so nobody may ever be taken for a clone.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| cardea_fuzz::world::run(data, false));

//! The first frame of a connection, and plain errors.
#![no_main]

use cardea_protocol::wire::{FirstFrame, PlainFrame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(frame) = FirstFrame::parse(data) {
        assert_eq!(frame.bytes(), data);
    }
    if let Ok(frame) = PlainFrame::decode(data) {
        assert_eq!(frame.encode().as_ref(), data);
    }
});

//! Large cells: requests, replies and pushes.
#![no_main]

use cardea_protocol::wire::{LARGE_LEN, LargeReply, LargeRequest, Push, is_showable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Short inputs stand for cells that end in zeros, as most do.
    let mut cell = [0; LARGE_LEN];
    let length = data.len().min(LARGE_LEN);
    cell[..length].copy_from_slice(&data[..length]);
    if let Ok(request) = LargeRequest::decode(&cell) {
        assert_eq!(request.encode(), cell);
    }
    if let Ok(reply) = LargeReply::decode(&cell) {
        assert_eq!(reply.encode(), cell);
    }
    if let Ok(push) = Push::decode_large(&cell) {
        assert_eq!(push.encode_large(), Some(cell));
        if let Push::Confirmation(push) = push {
            let text = push.text.as_str();
            assert_eq!(is_showable(text), text.chars().all(|it| is_showable(it.encode_utf8(&mut [0; 4]))));
        }
    }
});

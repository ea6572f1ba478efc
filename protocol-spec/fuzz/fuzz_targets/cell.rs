//! Request and reply cells.
#![no_main]

use cardea_protocol::wire::{Push, Reply, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = Request::decode(data) {
        assert_eq!(request.encode(), data);
    }
    if let Ok(reply) = Reply::decode(data) {
        assert_eq!(reply.encode(), data);
        assert!(reply.waiting() < 8);
        if let Some(push) = Push::from_reply(&reply) {
            assert!(push.encode_large().is_none());
            assert_eq!(Push::from_reply(&push.to_reply(0).expect("a small push")), Some(push));
        }
    }
});

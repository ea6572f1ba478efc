//! Enrollment links, as text and as payload.
#![no_main]

use cardea_protocol::wire::{Host, Link};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Ok(host) = Host::new(text) {
        assert_eq!(host.as_str(), text);
    }
    if let Ok(link) = Link::parse(text) {
        let mut uri = String::new();
        link.write_uri(&mut uri).expect("a string takes everything");
        let again = Link::parse(&uri).expect("what was written can be read");
        assert_eq!(
            (again.epoch, again.id, again.server_key, again.port),
            (link.epoch, link.id, link.server_key, link.port)
        );
        assert!(again.host == link.host && again.code == link.code);
        // One text for one link, white space and the form of the link apart.
        let payload = text.trim().rsplit_once(['#', ':']).expect("a scheme").1;
        assert_eq!(uri.strip_prefix("cardea:"), Some(payload));
    }
});

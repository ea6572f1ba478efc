//! Offers to enroll.

use cardea_protocol::wire::{Host, Link};
use serde_json::Value;

/// The ways in.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The link, which is also the text of the QR code.
    pub link: String,
    /// The same for a device's own scheme.
    pub uri: String,
    /// The code to type.
    pub code: String,
    /// The whole answer.
    pub answer: Value,
}

impl Offer {
    /// The link, as it would be if the token channel were at `port`.
    #[must_use]
    pub fn through(&self, port: u16) -> String {
        let mut link = Link::parse(&self.link).expect("the server makes links");
        link.port = port;
        let mut uri = String::new();
        link.write_uri(&mut uri).expect("a text takes it");
        uri
    }

    /// The link, as it would be if the token channel were at this host.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn at_host(&self, host: &str) -> String {
        let mut link = Link::parse(&self.link).expect("the server makes links");
        link.host = Host::new(host).expect("a host");
        let mut uri = String::new();
        link.write_uri(&mut uri).expect("a text takes it");
        uri
    }
}

//! A cold opening by datagram at a real server, from the call of the SDK to its answer.
//!
//! What of it is the SDK's is judged by its own benchmark (`cold` of `cardea-sdk`), against the primitives and with no server
//! that has to store anything. The server here acknowledges nothing that is not durable, and a disk is not what is measured
//! either: its data is in memory that looks like one. Deriving the PIN's key is Argon2id in its smallest form.

use std::sync::Arc;

use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::{Token, Window};

use super::fleet::{enrolled_over, pin};
use super::getter::now;
use super::place::in_memory;
use super::report::{Line, Sample};

/// Measures `rounds` openings.
///
/// # Panics
/// The server does not open the token.
#[must_use]
pub fn cold(rounds: usize) -> Vec<Line> {
    let site = in_memory();
    let link = site.offer("ada").link;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let connector = Arc::new(UdpConnector::new(Arc::new(TcpConnector)));
    let token = runtime.block_on(enrolled_over(&link, site.time(), connector));
    let mut openings = Vec::new();
    for round in 0..=rounds {
        let began = now();
        runtime.block_on(open(&token));
        let opening = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        runtime.block_on(token.close()).expect("it closes");
        // The first round fills caches.
        if round > 0 {
            openings.push(opening);
        }
    }
    let openings = Sample::new(openings);
    let (p50, p99) = (openings.percentile(50), openings.percentile(99));
    vec![Line::said("a cold opening at a real server", format!("{p50:.0} us p50, {p99:.0} us p99, {rounds} rounds"))]
}

async fn open(token: &Token) {
    token.open(pin(), Window::Service).await.expect("it opens");
}

//! Keys of conversations, as the dissector of the specification reads them.
//!
//! ```text
//! LABEL EPHEMERAL KEY NONCE ASSOCIATED
//! ```
//!
//! `LABEL` says which part of which frame the key opens ([`Label`](super::Label)), `EPHEMERAL` is the device's ephemeral public
//! key, which names the conversation in clear. `NONCE` is the number of the message under the key, and `ASSOCIATED` what is
//! authenticated beside it, or `-`. For `DEVICE` and `SERVER` the nonce is 0: it counts on from message to message.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::file::Line;
use super::frame::Label;

const BEGINNING: &str = "# Cardea key log 1. Secret: whoever has it can read what it is the keys of.\n";

/// A line for every key, in the order in which they were used.
pub(super) fn write(lines: &[Line]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(BEGINNING.to_owned());
    let mut seen = HashSet::new();
    for key in lines.iter().flat_map(|line| &line.keys) {
        let nonce = if matches!(key.label, Label::Device | Label::Server) { 0 } else { key.nonce };
        let associated = if key.associated.is_empty() { "-" } else { &key.associated };
        if seen.insert((key.label, &key.ephemeral, &key.key, nonce)) {
            let label = key.label.as_str();
            *text += &Zeroizing::new(format!("{label} {} {} {nonce} {associated}\n", key.ephemeral, key.key));
        }
    }
    text
}

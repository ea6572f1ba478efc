//! The file format pcapng, as far as it takes to write packets: one section, one interface, packets with a remark each
//! (draft-ietf-opsawg-pcapng).

/// Block types.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
/// What the first block has, so that readers see in which order its bytes are.
const MAGIC: u32 = 0x1a2b_3c4d;
/// Packets that begin with IP.
const LINK_RAW: u16 = 101;
/// Options.
const END: u16 = 0;
const COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const APPLICATION: u16 = 4;
/// Longest text of an option that is written.
const TEXT_MAX: usize = 256;

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Capture(Vec<u8>);

impl Capture {
    /// A file without packets.
    pub(super) fn new(application: &str, interface: &str) -> Self {
        let mut capture = Self(Vec::new());
        let mut body = Vec::new();
        body.extend(MAGIC.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // How long the section is is not said.
        body.extend(u64::MAX.to_le_bytes());
        options(&mut body, &[(APPLICATION, application)]);
        capture.block(SECTION, &body);
        let mut body = Vec::new();
        body.extend(LINK_RAW.to_le_bytes());
        body.extend([0; 2]);
        // Packets of any length.
        body.extend(0_u32.to_le_bytes());
        options(&mut body, &[(INTERFACE_NAME, interface)]);
        capture.block(INTERFACE, &body);
        capture
    }

    /// Adds a packet, `time` in microseconds since 1970.
    pub(super) fn add(&mut self, time: u64, packet: &[u8], comment: &str) {
        let length = u32::try_from(packet.len()).expect("an IP packet has at most 65535 bytes");
        let [low, high] = [time & u64::from(u32::MAX), time >> 32].map(|half| u32::try_from(half).expect("a half"));
        let mut body = Vec::with_capacity(packet.len() + 64);
        // The first interface; the time, its upper half first; what was captured of a packet, and how long it was.
        for number in [0, high, low, length, length] {
            body.extend(number.to_le_bytes());
        }
        body.extend(packet);
        pad(&mut body);
        options(&mut body, &[(COMMENT, comment)]);
        self.block(PACKET, &body);
    }

    /// The file.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let length = u32::try_from(body.len() + 12).expect("blocks are short").to_le_bytes();
        self.0.extend(kind.to_le_bytes());
        self.0.extend(length);
        self.0.extend(body);
        self.0.extend(length);
    }
}

fn options(body: &mut Vec<u8>, options: &[(u16, &str)]) {
    for (kind, text) in options {
        let text = &text[..text.floor_char_boundary(TEXT_MAX)];
        body.extend(kind.to_le_bytes());
        body.extend(u16::try_from(text.len()).expect("texts are short").to_le_bytes());
        body.extend(text.as_bytes());
        pad(body);
    }
    body.extend(END.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
}

/// To a multiple of four bytes: blocks begin at one.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_says_twice_how_long_it_is() {
        let mut capture = Capture::new("a program", "made up");
        capture.add(0x0001_0203_0405_0607, &[0x45, 1, 2, 3, 4], "a remark");
        let bytes = capture.bytes();
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (mut at, mut kinds) = (0, Vec::new());
        while at < bytes.len() {
            let length = number(at + 4) as usize;
            assert_eq!((length % 4, number(at + length - 4) as usize), (0, length));
            kinds.push(number(at));
            at += length;
        }
        assert_eq!(kinds, [SECTION, INTERFACE, PACKET]);
        let packet = bytes.len() - number(bytes.len() - 4) as usize;
        assert_eq!([number(packet + 12), number(packet + 16)], [0x0001_0203, 0x0405_0607]);
        assert_eq!([number(packet + 20), number(packet + 24)], [5, 5]);
        assert_eq!(bytes[packet + 28..packet + 36], [0x45, 1, 2, 3, 4, 0, 0, 0]);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        let mut body = Vec::new();
        options(&mut body, &[(COMMENT, &"ä".repeat(200))]);
        assert_eq!(body[..4], [1, 0, 0, 1]);
        assert!(std::str::from_utf8(&body[4..260]).is_ok());
    }
}

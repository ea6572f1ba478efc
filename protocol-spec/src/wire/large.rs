//! Large cells (specification, chapter 3): 238 bytes, warm sessions only. The top bit of the first byte would say
//! "more cells follow"; version 1 has no message that needs it, and refuses it.

use super::codec::{DecodeError, Reader, Writer};

mod push;
mod reply;
mod request;

pub use push::{Attempt, Push, PushedConfirmation};
pub use reply::{DeviceEntry, Devices, History, HistoryEntry, Info, KeyRecords, LargeReply, ReceiptEntry};
pub use request::{Eval, LargeRequest, PinEntry, RevokeDevice, Rotate, SetPins};

/// Encoded length of a large cell in bytes.
pub const LARGE_LEN: usize = 238;

/// Whether a person who is shown `text` sees all of it, in its order and on one line: it has no control characters and
/// none of those that reorder or hide what stands around them (specification, 3.7).
#[must_use]
pub fn is_showable(text: &str) -> bool {
    !text.chars().any(|character| {
        character.is_control()
            || matches!(
                character,
                '\u{ad}'
                    | '\u{61c}'
                    | '\u{180e}'
                    | '\u{200b}'
                    | '\u{200e}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{feff}'
                    | '\u{fff9}'..='\u{fffb}'
                    | '\u{e0000}'..='\u{e007f}'
            )
    })
}

/// Short text in a large cell: at most `N` bytes of UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Text<N> {
    /// No text.
    pub const EMPTY: Self = Self { bytes: [0; N], length: 0 };

    /// Copies `text`.
    ///
    /// # Errors
    /// It is longer than `N` bytes.
    pub fn new(text: &str) -> Result<Self, DecodeError> {
        let mut bytes = [0; N];
        bytes.get_mut(..text.len()).ok_or(DecodeError::Field("text"))?.copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length: u8::try_from(text.len()).map_err(|_| DecodeError::Field("text"))? })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.length).put(&self.bytes);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = reader.u8()?;
        let bytes: &[u8; N] = reader.array()?;
        let (text, rest) = bytes.split_at_checked(usize::from(length)).ok_or(DecodeError::Field("text"))?;
        Reader::new(rest).padding()?;
        Self::new(core::str::from_utf8(text).map_err(|_| DecodeError::Field("text"))?)
    }
}

//! Reading and writing fixed fields.

use core::fmt;

/// Why bytes are no valid message. Nothing in it comes from the bytes themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not a length that this message can have.
    Length,
    /// An unknown or unsupported protocol version.
    Version(u8),
    /// An unknown message kind or operation.
    Kind(u8),
    /// A field has a value outside its range; the text names the field.
    Field(&'static str),
    /// Bytes that must be zero are not.
    Padding,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("the message has a length that no message of its kind has"),
            Self::Version(version) => write!(f, "protocol version {version} is not supported"),
            Self::Kind(kind) => write!(f, "unknown message kind {kind:#04x}"),
            Self::Field(field) => write!(f, "the field `{field}` is out of range"),
            Self::Padding => f.write_str("bytes that must be zero are not"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Takes fields off the front of a slice.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn slice(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The rest must be zero.
    pub(crate) fn padding(self) -> Result<(), DecodeError> {
        if self.0.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(DecodeError::Padding) }
    }

    /// There must be no rest.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Length) }
    }
}

/// Puts fields into a zeroed buffer, front to back.
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(out: &'a mut [u8]) -> Self {
        Self { rest: out }
    }

    /// Callers write into arrays whose length is the sum of their fields, so this always fits; were it not so, the
    /// round-trip tests would see the missing field.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        if let Some((head, tail)) = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.rest = tail;
        } else {
            debug_assert!(false, "a message is longer than its buffer");
        }
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.put(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }
}

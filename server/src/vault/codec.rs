//! The content of sealed rows: fixed fields, little-endian, one encoding each.

use cardea_protocol::Secret;
use zeroize::Zeroizing;

use super::VaultError;
use super::seal::Table;
use crate::clock::UnixSeconds;

/// Writes fields one after the other; wiped when dropped.
pub(super) struct Encoder(Zeroizing<Vec<u8>>);

impl Encoder {
    pub(super) fn new() -> Self {
        // Large enough for every row, so that no half-written copy is left behind by growing.
        Self(Zeroizing::new(Vec::with_capacity(1024)))
    }

    /// For a row that may be longer: at most so many bytes.
    pub(super) fn with_room(room: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(room)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.put(&[value])
    }

    pub(super) fn flag(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    pub(super) fn time(&mut self, value: UnixSeconds) -> &mut Self {
        self.u64(value.get())
    }

    /// A flag and `bytes`, which are zero when the flag is off.
    pub(super) fn optional<const N: usize>(&mut self, bytes: Option<&[u8; N]>) -> &mut Self {
        self.flag(bytes.is_some()).put(bytes.unwrap_or(&[0; N]))
    }

    /// Text of at most 255 bytes with its length before it.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        self.u8(length).put(&text.as_bytes()[..usize::from(length)])
    }

    /// `bytes` with its length before it and zeros after it, `room` bytes in all without the length.
    pub(super) fn padded(&mut self, bytes: &[u8], room: u8) -> Result<&mut Self, VaultError> {
        let length = u8::try_from(bytes.len()).ok().filter(|length| *length <= room);
        let length = length.ok_or(VaultError::Misuse("a field does not fit its room"))?;
        self.u8(length).put(bytes);
        let padded = self.0.len() + usize::from(room - length);
        self.0.resize(padded, 0);
        Ok(self)
    }
}

/// Reads fields one after the other. A row that is too short, too long or out of range is damaged.
pub(super) struct Decoder<'a> {
    table: Table,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(super) const fn new(table: Table, bytes: &'a [u8]) -> Self {
        Self { table, rest: bytes }
    }

    pub(super) const fn damaged(&self) -> VaultError {
        VaultError::Damaged(self.table.name())
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], VaultError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(self.damaged())?;
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], VaultError> {
        let damaged = self.damaged();
        self.take(N)?.try_into().map_err(|_| damaged)
    }

    pub(super) fn secret<const N: usize>(&mut self) -> Result<Secret<N>, VaultError> {
        let damaged = self.damaged();
        Secret::from_slice(self.take(N)?).ok_or(damaged)
    }

    pub(super) fn u8(&mut self) -> Result<u8, VaultError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn flag(&mut self) -> Result<bool, VaultError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged()),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, VaultError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, VaultError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn time(&mut self) -> Result<UnixSeconds, VaultError> {
        Ok(UnixSeconds::new(self.u64()?))
    }

    pub(super) fn optional<const N: usize>(&mut self) -> Result<Option<[u8; N]>, VaultError> {
        let present = self.flag()?;
        let bytes = self.array()?;
        Ok(present.then_some(bytes))
    }

    pub(super) fn text(&mut self) -> Result<String, VaultError> {
        let length = self.u8()?;
        let damaged = self.damaged();
        String::from_utf8(self.take(usize::from(length))?.to_owned()).map_err(|_| damaged)
    }

    pub(super) fn padded(&mut self, room: u8) -> Result<&'a [u8], VaultError> {
        let length = self.u8()?;
        let field = self.take(usize::from(room))?;
        field.get(..usize::from(length)).ok_or(self.damaged())
    }

    /// Everything that is left.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn end(self) -> Result<(), VaultError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.damaged()) }
    }
}

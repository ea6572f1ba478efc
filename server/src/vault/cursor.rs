//! Where a page of a list ended. Callers carry it, sealed: they can neither read nor change it, nor use it for another
//! list; every node can open it.

use data_encoding::BASE64URL_NOPAD;

use super::seal::Table;
use super::{Encoder, Vault, VaultError};
use crate::storage::Sealed;

impl Vault {
    /// Seals `place`, an entry of `list`.
    ///
    /// `list` is everything that says which list it is: the call and what it was asked for.
    #[must_use]
    pub fn seal_cursor(&self, list: &str, place: &[u8]) -> String {
        let mut content = Encoder::new();
        content.put(place);
        BASE64URL_NOPAD.encode(&self.seal(Table::Cursor, &[list.as_bytes()], 0, &content).bytes)
    }

    /// The place that [`Vault::seal_cursor`] sealed for the same list.
    ///
    /// # Errors
    /// [`VaultError::ForeignCursor`]: it is something else.
    pub fn open_cursor(&self, list: &str, cursor: &str) -> Result<Vec<u8>, VaultError> {
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| VaultError::ForeignCursor)?;
        let sealed = Sealed { ver: 0, bytes };
        let place = self.sealer.open(Table::Cursor, &[list.as_bytes()], &sealed);
        place.map(|place| place.to_vec()).map_err(|_| VaultError::ForeignCursor)
    }
}

//! What is known of the holder of a device in a state folder when it is opened again. PINs are not kept; a file says whether
//! they are those that everybody knows, so that nobody types those where others were chosen: wrong ones are counted.

use std::io;
use std::path::PathBuf;

use cardea_sdk::WalletError;
use cardea_sdk::store::StoreError;

use super::{Device, Place};
use crate::engine::{EngineError, Persona};

/// Is there while all tokens of the device have the PINs that everybody knows.
const MARK: &str = "well-known-pins";
/// What is in it, for who looks.
const WORDS: &str = "The tokens of this device have the PINs that everybody knows: see the emulator's README.\n";

impl Device {
    /// Has a holder who was told no PIN, if there are tokens with others than everybody knows.
    pub(super) async fn meet_holder(&self) {
        let Some(mark) = self.mark() else { return };
        // What cannot be read may be a token.
        let has_tokens = self.stored(|store| Ok(!store.list()?.is_empty())).await.unwrap_or(true);
        if has_tokens && !mark.is_file() {
            self.have_untold_holder();
        }
    }

    /// Has a holder who was told no PIN: if its folder is mended, nobody types those that everybody knows.
    pub(super) fn have_untold_holder(&self) {
        self.human().set_persona(Persona::untold());
    }

    /// From here on there may be PINs that not everybody knows.
    pub(super) fn pins_are_chosen(&self) -> Result<(), EngineError> {
        let Some(mark) = self.mark() else { return Ok(()) };
        match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(WalletError::from(StoreError::Io { path: mark, source: error }).into())
            }
            _ => Ok(()),
        }
    }

    /// All PINs are those that everybody knows.
    pub(super) fn pins_are_well_known(&self) {
        if let Some(mark) = self.mark() {
            // Without it the PIN is asked for after the next start.
            let _ = std::fs::write(mark, WORDS);
        }
    }

    fn mark(&self) -> Option<PathBuf> {
        match &self.0.place {
            Place::Folder(folder) => Some(folder.join(MARK)),
            Place::Memory(_) => None,
        }
    }
}

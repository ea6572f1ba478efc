//! What relying parties are told: the other side of a token.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use cardea_sdk::relying_party::{Authkey, RelyingParty, TokenStatus};
use zeroize::Zeroizing;

use crate::cli::CliError;

/// No authkey is longer.
const LONGEST: u64 = 4096;

/// Who asks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// Address of the token API.
    pub server: String,
    /// The service.
    pub service: String,
    /// The file with an authkey that may ask.
    pub authkey_file: PathBuf,
}

impl Whom {
    /// The relying party.
    ///
    /// # Errors
    /// [`CliError::File`], [`CliError::Relying`].
    pub(crate) async fn party(&self) -> Result<RelyingParty, CliError> {
        let path = self.authkey_file.clone();
        // What is at the path may have nothing to say, and keeps nobody else waiting for it.
        let read = tokio::task::spawn_blocking(move || authkey(&path)).await;
        let authkey = read.map_err(|error| CliError::File { path: self.authkey_file.clone(), source: error.into() })?;
        Ok(RelyingParty::new(&self.server, &self.service, authkey?)?)
    }
}

/// How a token stands, in a word.
pub(crate) const fn word(status: TokenStatus) -> &'static str {
    match status {
        TokenStatus::NotEnrolled => "not enrolled",
        TokenStatus::Open => "open",
        TokenStatus::Closed => "closed",
        TokenStatus::Duress => "duress",
        TokenStatus::Blocked => "blocked",
    }
}

/// Reads an authkey, with the line break that editors put at its end.
///
/// # Errors
/// [`CliError::File`].
pub(crate) fn authkey(path: &Path) -> Result<Authkey, CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path).map_err(failed)?.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(Zeroizing::new(text.trim().to_owned()).into())
}

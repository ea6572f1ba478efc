//! What relying parties are told: the other side of a token.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use cardea_sdk::relying_party::{RelyingParty, TokenStatus};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::CliError;
use crate::cli::args::{RelyingArguments, RelyingVerb};
use crate::cli::output::Output;

/// No authkey is longer.
const LONGEST: u64 = 4096;

pub(super) async fn relying(verb: RelyingVerb, timeout: Option<u64>, output: &Output) -> Result<(), CliError> {
    match verb {
        RelyingVerb::Check { user, whom } => {
            let (party, patience) = (party(&whom)?, timeout.map(Duration::from_millis));
            let checking = check(&party, &user, output);
            match patience {
                Some(patience) => {
                    tokio::time::timeout(patience, checking).await.unwrap_or(Err(CliError::TimedOut(patience)))
                }
                None => checking.await,
            }
        }
        RelyingVerb::Watch { whom } => {
            let mut events = party(&whom)?.watch(None, &[]);
            while let Some(event) = events.next().await {
                let event = event?;
                let data = serde_json::from_str(&event.json).unwrap_or_default();
                let user = event.user.as_deref().unwrap_or_default();
                output.next(&data, &format!("{}  {}  {}  {user}", event.id, event.at, event.kind))?;
            }
            Ok(())
        }
    }
}

async fn check(party: &RelyingParty, user: &str, output: &Output) -> Result<(), CliError> {
    let status = party.status(user).await?;
    let word = match status {
        TokenStatus::NotEnrolled => "not enrolled",
        TokenStatus::Open => "open",
        TokenStatus::Closed => "closed",
        TokenStatus::Duress => "duress",
        TokenStatus::Blocked => "blocked",
    };
    output.done(&json!({ "status": status.number(), "state": word }), word)?;
    if status.is_open() { Ok(()) } else { Err(CliError::NotOpen(word)) }
}

fn party(whom: &RelyingArguments) -> Result<RelyingParty, CliError> {
    Ok(RelyingParty::new(&whom.server, &whom.service, authkey(&whom.authkey_file)?)?)
}

fn authkey(path: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path).map_err(failed)?.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text.trim().to_owned())
}

//! What relying parties are told: the other side of a token.

use std::time::Duration;

use cardea_sdk::relying_party::RelyingParty;
use serde_json::json;

use crate::cli::CliError;
use crate::cli::args::RelyingVerb;
use crate::cli::output::Output;
use crate::relying::word;

pub(super) async fn relying(verb: RelyingVerb, timeout: Option<u64>, output: &Output) -> Result<(), CliError> {
    match verb {
        RelyingVerb::Check { user, whom } => {
            let (party, patience) = (whom.whom().party().await?, timeout.map(Duration::from_millis));
            let checking = check(&party, &user, output);
            match patience {
                Some(patience) => {
                    tokio::time::timeout(patience, checking).await.unwrap_or(Err(CliError::TimedOut(patience)))
                }
                None => checking.await,
            }
        }
        RelyingVerb::Watch { whom } => {
            let mut events = whom.whom().party().await?.watch(None, &[]);
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
    let word = word(status);
    output.done(&json!({ "status": status.number(), "state": word }), word)?;
    if status.is_open() { Ok(()) } else { Err(CliError::NotOpen(word)) }
}

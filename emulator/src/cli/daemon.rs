//! `run`.

use std::time::Duration;

use cardea_sdk::Env;

use super::CliError;
use super::args::{Common, RunArguments};
use crate::daemon::{self, Ended, Plan, Told};

/// Runs until something ends it.
pub(super) async fn run(common: Common, how: RunArguments) -> Result<Ended, CliError> {
    let plan = Plan {
        options: common.options(),
        state: if how.ephemeral { None } else { Some(common.state_folder()?) },
        http: how.conditions.http,
        socket: how.socket,
        token_file: common.token_file,
        ready: Told { json: common.json, file: how.ready_file, descriptor: how.ready_fd },
        lease: how.conditions.lease.map(Duration::from_secs),
        with_parent: how.exit_with_parent,
    };
    Ok(daemon::run(plan, Env::os()).await?)
}

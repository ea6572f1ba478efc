//! `run`.

use std::time::Duration;

use cardea_sdk::Env;

use super::CliError;
use super::args::{Arguments, RunArguments};
use super::run::default_state;
use crate::daemon::{self, Ended, Plan, Told};
use crate::engine::Options;

/// Runs until something ends it.
pub(super) async fn run(common: Arguments, how: RunArguments) -> Result<Ended, CliError> {
    let Arguments { state, json, allow_test_argon2, transport, web_port, web_ca, .. } = common;
    let state = match state {
        _ if how.ephemeral => None,
        Some(state) => Some(state),
        None => Some(default_state()?),
    };
    let plan = Plan {
        options: Options { allow_test_argon2, transport: transport.into(), web_port, web_ca },
        state,
        http: how.http,
        socket: how.socket,
        token_file: how.token_file,
        ready: Told { json, file: how.ready_file, descriptor: how.ready_fd },
        lease: how.lease.map(Duration::from_secs),
        with_parent: how.exit_with_parent,
    };
    Ok(daemon::run(plan, Env::os()).await?)
}

//! `run`.

use std::collections::BTreeMap;
use std::time::Duration;

use cardea_sdk::Env;

use super::CliError;
use super::args::{Common, RunArguments, list};
use crate::control::DeviceProfile;
use crate::daemon::{self, Ended, Plan, Told};
use crate::faults::Gate;
use crate::log::Log;

/// Runs until something ends it.
pub(super) async fn run(
    common: Common,
    how: RunArguments,
    profiles: BTreeMap<String, DeviceProfile>,
    log: Log,
) -> Result<Ended, CliError> {
    let plan = Plan {
        options: common.options(),
        state: if how.ephemeral { None } else { Some(common.state_folder()?) },
        http: how.conditions.http,
        socket: how.socket,
        token_file: common.token_file,
        list: list(),
        faults: match (how.conditions.allow_faults, how.conditions.faults_at) {
            (false, _) => Gate::closed(),
            (true, hosts) => Gate::and_hosts(hosts),
        },
        profiles,
        log,
        ready: Told { json: common.json, file: how.ready_file, descriptor: how.ready_fd, heard: None },
        lease: how.conditions.lease.map(Duration::from_secs),
        with_parent: how.exit_with_parent,
    };
    Ok(daemon::run(plan, Env::os()).await?)
}

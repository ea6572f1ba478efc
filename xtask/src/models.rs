//! The ratchet's model: the rules hold in its small configurations, and switching one off brings a violation back.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Configurations that end within seconds.
const SMALL: [&str; 5] = ["unknown", "expiry", "restore3", "nodes", "honest"];
/// A rule, and a small configuration that misses it.
const MUTATIONS: [(&str, &str); 6] = [
    ("honest", "sup"),
    ("honest", "seed"),
    ("honest", "lock"),
    ("restore3", "marker_first"),
    ("restore3", "marker_until_used"),
    ("restore3", "rs_ack"),
];

/// Runs the model checker.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    process::logged(python(workspace).arg("fixed").args(SMALL), &workspace.log("models"))?;
    process::logged(python(workspace).args(["fixed", "records"]), &workspace.log("models-records"))?;
    for (configuration, rule) in MUTATIONS {
        let mut command = python(workspace);
        command.args(["fixed", configuration, &format!("-{rule}")]);
        let log = workspace.log(&format!("models-{rule}"));
        let (held, text) = process::logged_any(&mut command, &log)?;
        if held || !text.contains("!!") {
            bail!("without the rule `{rule}` the model finds no violation in `{configuration}`; see {}", log.display());
        }
    }
    Outcome::passed(format!("{} configurations, {} rules switched off", SMALL.len(), MUTATIONS.len()))
}

fn python(workspace: &Workspace) -> Command {
    let mut command = Command::new("python3");
    command.current_dir(workspace.root.join("protocol-spec/models/ratchet")).arg("-B").arg("check.py");
    command
}

//! Datagrams, counted in a capture.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// What the program says when this user may not capture.
const NOT_ALLOWED: &str = "may not capture";

/// Runs the program that counts, on the programs that are built already.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut command = Command::new(workspace.program("capture"));
    command.current_dir(&workspace.root);
    let log = workspace.log("capture");
    let (succeeded, text) = process::logged_any(&mut command, &log)?;
    if succeeded {
        return Outcome::passed(text.lines().next().unwrap_or_default().trim().to_owned());
    }
    if text.contains(NOT_ALLOWED) {
        return Ok(Outcome::Skipped("capturing on the loopback interface needs root".to_owned()));
    }
    bail!("what travels is not what the specification says:\n{text}");
}

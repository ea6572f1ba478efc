//! What a test costs that enrolls a fresh device, opens, checks and closes: one alone, and 200 at a time.

use std::process::Command;

use crate::process;
use crate::report::{Outcome, Report};
use crate::test::fixtures::{FOLDER, plugin, with_programs};
use crate::workspace::Workspace;

/// Most milliseconds that one test may take, of several the median.
const LIMIT: &str = "150";

/// Builds the programs as they ship, and lets pytest measure.
pub(super) fn measure(workspace: &Workspace, report: &mut Report) {
    report.printing_part("fixtures", || {
        let bin = plugin(workspace, "release")?;
        let mut tests = Command::new(bin.join("pytest"));
        tests.current_dir(workspace.root.join(FOLDER).join("pytest"));
        tests.args(["-q", "-s", "-p", "no:cacheprovider", "bench"]);
        tests.env("PYTHONDONTWRITEBYTECODE", "1").env("CARDEA_LIMIT_MS", LIMIT);
        process::shown_to_the_end(with_programs(&mut tests, workspace, "release"))?;
        Outcome::passed(format!("at most {LIMIT} ms"))
    });
}

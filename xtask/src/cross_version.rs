//! `cargo xtask cross-version`: apps of one version with servers of another.
//!
//! The scenarios of `ffi/conformance` are what an app counts on. The runner of this tree plays them against another server,
//! and the runner of another revision plays its own against the server of this tree: a runner takes the server's program
//! from `CARDEA_SERVER`. With a revision both sides play the scenarios of that revision, because an older server need
//! not know what came later.

mod revision;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::process;
use crate::report::{Outcome, Report};
use crate::test::Counts;
use crate::workspace::Workspace;
use revision::Revision;

/// The test that plays them, and where it says how many there were.
const RUNNER: &str = "conformance::every_scenario_holds";
const COUNTED: &str = " scenarios";
/// The pages with the scenarios.
const PAGES: &str = "ffi/conformance";
/// What a runner that takes another server has in it.
const SWITCH: (&str, &str) = ("tests/src/harness/programs.rs", "CARDEA_SERVER");

/// Which servers and revisions.
#[derive(Args)]
pub(crate) struct Options {
    /// A server's program; may be repeated
    #[arg(long, value_name = "PATH")]
    server: Vec<PathBuf>,
    /// A revision or tag of git; may be repeated. All releases, if there is neither this nor a server
    #[arg(long, value_name = "REV")]
    against: Vec<String>,
}

/// Plays with all of them.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    let mut against = options.against.clone();
    if options.server.is_empty() && against.is_empty() {
        against = revision::releases(&workspace)?;
        if against.is_empty() {
            report.part("releases", || Outcome::passed("no released version yet"));
        }
    }
    // What is not there is said before minutes of building.
    let there =
        |server: &PathBuf| fs::canonicalize(server).with_context(|| format!("there is no {}", server.display()));
    let servers = options.server.iter().map(there).collect::<Result<Vec<PathBuf>>>()?;
    for name in &against {
        Revision::unpack(&workspace, name)?;
    }
    report.part("build", || {
        build(&workspace)?;
        Outcome::passed("this tree")
    });
    for server in servers {
        report.part("our SDK", || {
            let count = play(&workspace, &workspace.root, None, &server, None)?;
            Outcome::passed(format!("{count} scenarios against {}", server.display()))
        });
    }
    for name in &against {
        report.part(name, || Outcome::passed(both_ways(&workspace, name)?));
    }
    Ok(report.finish())
}

/// Our SDK with the server of `name`, and its SDK with ours. Returns what was played.
fn both_ways(workspace: &Workspace, name: &str) -> Result<String> {
    let revision = Revision::unpack(workspace, name)?;
    revision.build(workspace)?;
    let pages = revision.folder.join(PAGES);
    let ours = play(workspace, &workspace.root, None, &revision.server(workspace), Some(&pages))
        .with_context(|| format!("the SDK of this tree with the server of {name}"))?;
    let (file, switch) = SWITCH;
    if !fs::read_to_string(revision.folder.join(file)).is_ok_and(|text| text.contains(switch)) {
        bail!("the runner of {name} cannot be told which server to play against: it is older than this command");
    }
    let theirs = play(
        workspace,
        &revision.folder,
        Some(&revision::builds(workspace)),
        &workspace.program("cardea-server"),
        None,
    )
    .with_context(|| format!("the SDK of {name} with the server of this tree"))?;
    Ok(format!("{ours} scenarios against its server, {theirs} by its SDK"))
}

/// What is checked in every run of the tests: that all of this works, and the newest release.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    build(workspace)?;
    let server = workspace.program("cardea-server");
    let count = play(workspace, &workspace.root, None, &server, None)?;
    refuses(workspace)?;
    let Some(newest) = revision::releases(workspace)?.pop() else {
        return Outcome::passed(format!("{count} scenarios with a server by its path; no released version yet"));
    };
    let both = both_ways(workspace, &newest)?;
    Outcome::passed(format!("{count} scenarios with a server by its path; {newest}: {both}"))
}

/// A scenario that does not hold is a failure, and so is a server that is none: otherwise all of this shows nothing.
fn refuses(workspace: &Workspace) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let page = folder.path().join("page.txt");
    let played = |text: &str, server: &Path| {
        fs::write(&page, text).context("cannot write a page")?;
        play(workspace, &workspace.root, None, server, Some(folder.path()))
    };
    let server = workspace.program("cardea-server");
    ensure!(played("scenario one\ninvite joe\ncheck joe -> 0\n", &server)? == 1, "one scenario is not one");
    ensure!(
        played("scenario one\ninvite joe\ncheck joe -> 1\n", &server).is_err(),
        "a scenario that does not hold was passed"
    );
    let none = workspace.target().join("cross-version/no-server");
    ensure!(
        played("scenario one\ninvite joe\ncheck joe -> 0\n", &none).is_err(),
        "a server that is not there was passed"
    );
    Ok(())
}

fn build(workspace: &Workspace) -> Result<()> {
    crate::bindings::build(workspace)
}

/// Plays the scenarios of a tree, or of `pages`, against `server`. Returns how many there were.
///
/// # Errors
/// One did not hold, or there was none.
fn play(workspace: &Workspace, tree: &Path, builds: Option<&Path>, server: &Path, pages: Option<&Path>) -> Result<u64> {
    let mut command = process::cargo(tree);
    // The whole workspace, as everywhere: another selection has other features, and everything would be built again.
    command.args(["test", "--locked", "--workspace", "--test", "it"]);
    if let Some(builds) = builds {
        command.arg("--target-dir").arg(builds);
    }
    command.args(["--", "--exact", RUNNER, "--nocapture"]).env("CARDEA_SERVER", server);
    match pages {
        Some(pages) => command.env("CARDEA_SCENARIOS", pages),
        None => command.env_remove("CARDEA_SCENARIOS"),
    };
    let text = process::logged(&mut command, &workspace.log("cross-version"))?;
    let count = counted(&text);
    ensure!(Counts::of(&text).passed == 1 && count > 0, "no scenario was played: is there no test {RUNNER}?");
    Ok(count)
}

fn counted(text: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.strip_suffix(COUNTED));
    lines.find_map(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_many_scenarios_were_played() {
        assert_eq!(counted("running 1 test\n66 scenarios\ntest a ... ok\n"), 66);
        assert_eq!(counted("test conformance::every_scenario_holds ... 66 scenarios\nok\n"), 66);
        assert_eq!(counted("running 0 tests\n"), 0);
    }
}

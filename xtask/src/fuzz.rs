//! `cargo xtask fuzz`, and the short run of every target in `cargo xtask test`.
//!
//! The targets are built here with the coverage instrumentation of the stable compiler and run as they are, so that
//! nothing has to be installed besides a C++ compiler. `cargo fuzz` works on the same folder.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::{self, Workspace};

const FOLDER: &str = "protocol-spec/fuzz";

/// What cargo-fuzz passes for a build without sanitizers, and the choice of back ends of `.cargo/config.toml`, which an
/// environment variable replaces.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks --cfg fuzzing \
    --cfg poly1305_backend=\"soft\" --cfg chacha20_backend=\"soft\"";

/// How long to fuzz what.
#[derive(Args)]
pub(crate) struct Options {
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// One target only
    #[arg(long)]
    target: Option<String>,
}

/// Fuzzes with one line per target.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    let mut built = None;
    report.part("build", || {
        let fuzzing = Fuzzing::build(&workspace)?;
        if let Some(wanted) = &options.target {
            ensure!(fuzzing.targets.contains(wanted), "no target {wanted}; there are: {}", fuzzing.targets.join(", "));
        }
        let count = fuzzing.targets.len();
        built = Some(fuzzing);
        Outcome::passed(format!("{count} targets"))
    });
    if let Some(fuzzing) = built {
        let wanted = |target: &&String| options.target.as_ref().is_none_or(|wanted| wanted == *target);
        for target in fuzzing.targets.iter().filter(wanted) {
            report.part(target, || {
                let runs = fuzzing.run(&workspace, target, options.seconds)?;
                Outcome::passed(format!("{runs} runs"))
            });
        }
    }
    Ok(report.finish())
}

/// Fuzzes every target for `seconds`, as one part.
pub(crate) fn smoke(workspace: &Workspace, seconds: u32) -> Result<Outcome> {
    let fuzzing = Fuzzing::build(workspace)?;
    let mut runs = 0;
    for target in &fuzzing.targets {
        runs += fuzzing.run(workspace, target, seconds)?;
    }
    Outcome::passed(format!("{} targets, {runs} runs", fuzzing.targets.len()))
}

/// The built targets.
struct Fuzzing {
    targets: Vec<String>,
    programs: PathBuf,
    work: PathBuf,
}

impl Fuzzing {
    fn build(workspace: &Workspace) -> Result<Self> {
        let manifest = workspace.root.join(FOLDER).join("Cargo.toml");
        let metadata = workspace::metadata(&workspace.root, &manifest, &["--no-deps"])?;
        let targets: Vec<String> = metadata
            .packages
            .iter()
            .flat_map(|package| &package.targets)
            .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
            .map(|target| target.name.clone())
            .collect();
        if targets.is_empty() {
            bail!("{FOLDER} has no targets");
        }
        let host = host(workspace)?;
        let work = workspace.target().join("fuzz");
        let mut build = process::cargo(&workspace.root);
        // Naming the target keeps the instrumentation out of build scripts and macros.
        build
            .args(["build", "--quiet", "--locked", "--release", "--bins", "--target", &host, "--manifest-path"])
            .arg(&manifest)
            .arg("--target-dir")
            .arg(&work)
            .env("RUSTFLAGS", FLAGS);
        process::logged(&mut build, &workspace.log("fuzz-build"))?;
        Ok(Self { targets, programs: work.join(host).join("release"), work })
    }

    /// Fuzzes one target from its committed seeds and from what earlier runs found. Returns the number of runs.
    fn run(&self, workspace: &Workspace, target: &str, seconds: u32) -> Result<u64> {
        let found = self.folder("corpus", target)?;
        let crashes = self.folder("artifacts", target)?;
        let mut command = Command::new(self.programs.join(target));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .args(["-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1"])
            .arg(found);
        // The first folder is written to; the committed one is only read.
        let seeds = workspace.root.join(FOLDER).join("corpus").join(target);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        let text = process::logged(&mut command, &workspace.log(&format!("fuzz-{target}")))?;
        let runs = executed(&text).with_context(|| format!("{target} did not say how many inputs it ran"))?;
        if runs == 0 {
            bail!("{target} ran no input");
        }
        Ok(runs)
    }

    fn folder(&self, kind: &str, target: &str) -> Result<PathBuf> {
        let folder = self.work.join(kind).join(target);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

fn host(workspace: &Workspace) -> Result<String> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let text = process::output(rustc.current_dir(&workspace.root).arg("-vV"))?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc does not name its host")
}

fn executed(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_number_of_runs() {
        assert_eq!(executed("Done\nstat::number_of_executed_units: 1234\nstat::x: 1"), Some(1234));
        assert_eq!(executed("Done"), None);
    }
}

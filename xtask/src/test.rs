//! `cargo xtask test`: everything that must hold, in an order that fails fast.

mod api;
mod capture;
mod cargo;
mod demo;
mod features;
pub(crate) mod fixtures;
mod kotlin;
mod no_std;
pub(crate) mod python;
mod swift;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

pub(crate) use cargo::{Counts, all as build_all};

use crate::report::{Named, Outcome, Report};
use crate::tools::{
    self, AT_SPI, BROWSER, CC, CURL, CXX, DBUS, DEBOOTSTRAP, GDBUS, GIT, JAVA, KEYRING, NGINX, NPM, PAMTESTER,
    POSTGRES, PYTHON, STRACE, SYSTEMD, TMUX, TSHARK, Tool, VENV, XVFB,
};
use crate::workspace::Workspace;
use crate::{bindings, cross_version, docs, fuzz, lint, models};

/// Seconds for each fuzz target: enough to go through the seeds and some thousand variations of them.
const FUZZ_SECONDS: u32 = 4;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Run only this part, or every part of this group (`lint`); may be repeated
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// Let rustfmt and clippy mend what they can
    #[arg(long)]
    fix: bool,
}

struct Part {
    name: &'static str,
    needs: &'static [Tool],
    run: Run,
    row: Row,
}

/// What runs at one time. Most of the later parts keep one core busy, or wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    /// One after the other, before the rest: they use all cores, look at the whole machine, or build other programs in
    /// the place of those that the rest runs.
    Alone,
    Languages,
    Programs,
}

enum Run {
    Lint(lint::Check),
    Other(fn(&Workspace) -> Result<Outcome>),
}

/// Runs the chosen parts. What they need is installed or named first.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let parts = chosen(&options.only)?;
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    let mut missing = Vec::new();
    report.part("needs", || {
        let mut needs: Vec<Tool> = Vec::new();
        for tool in parts.iter().flat_map(|part| part.needs) {
            if !needs.contains(tool) {
                needs.push(*tool);
            }
        }
        let (installed, still_missing) = tools::provide(&needs, &workspace.log("needs"))?;
        let installed: Vec<&str> = installed.iter().map(|tool| tool.program).collect();
        let text = match (installed.as_slice(), needs.len()) {
            ([], count) => format!("{} of {count} programs there", count - still_missing.len()),
            (names, _) => format!("installed {}", names.join(", ")),
        };
        missing = still_missing;
        Outcome::passed(text)
    });
    let run = |part: Part| match part.needs.iter().find(|tool| missing.contains(tool)) {
        Some(tool) => Ok(Outcome::Skipped(tool.missing())),
        None => match &part.run {
            Run::Lint(check) => check.run(&workspace, lint::Options { fix: options.fix }),
            Run::Other(run) => run(&workspace),
        },
    };
    let (alone, beside): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.row == Row::Alone);
    for part in alone {
        report.part(part.name, || run(part));
    }
    let (languages, programs): (Vec<Part>, Vec<Part>) = beside.into_iter().partition(|it| it.row == Row::Languages);
    let row = |parts: Vec<Part>| parts.into_iter().map(|part| -> Named<'_> { (part.name, Box::new(|| run(part))) });
    report.beside([languages, programs].map(|parts| row(parts).collect()).into());
    Ok(report.finish())
}

/// The parts by name, for `--help`.
pub(crate) fn listed() -> String {
    let names: Vec<&str> = all().iter().map(|part| part.name).collect();
    format!("Parts: {}", names.join(", "))
}

fn all() -> Vec<Part> {
    let lint =
        lint::CHECKS.map(|check| Part { name: check.name, needs: &[CC, GIT], run: Run::Lint(check), row: Row::Alone });
    let other = |row, name, needs, run| Part { name, needs, run: Run::Other(run), row };
    let alone = |name, needs, run| other(Row::Alone, name, needs, run);
    let language = |name, needs, run| other(Row::Languages, name, needs, run);
    let program = |name, needs, run| other(Row::Programs, name, needs, run);
    let mut parts = Vec::from(lint);
    parts.extend([
        alone("models", &[PYTHON], models::run),
        alone("no-std", &[CC], no_std::run),
        alone("build", &[CC], cargo::build),
        alone("features", &[CC], features::run),
        alone(
            "tests",
            &[
                AT_SPI, BROWSER, CC, CURL, DBUS, GDBUS, KEYRING, NGINX, PAMTESTER, POSTGRES, PYTHON, STRACE, SYSTEMD,
                TMUX, TSHARK, XVFB,
            ],
            cargo::tests,
        ),
        alone("bindings", &[CC, PYTHON], bindings::check),
        alone("cross-version", &[CC, GIT], cross_version::check),
        alone("capture", &[CC, TSHARK], capture::run),
        alone("demo", &[CC], demo::run),
        alone("fixtures/tutorial", &[BROWSER, CC, PYTHON, VENV], fixtures::tutorial),
        language("python", &[CC, DBUS, KEYRING, PYTHON, VENV], python::run),
        language("swift", &[CC, DEBOOTSTRAP], swift::run),
        language("kotlin", &[CC, JAVA, NPM], kotlin::run),
        program("api", &[CC, CURL, PYTHON], api::run),
        program("fixtures/pytest", &[BROWSER, CC, PYTHON, VENV], fixtures::pytest),
        program("fixtures/playwright", &[BROWSER, CC, NPM], fixtures::playwright),
        program("fixtures/junit", &[BROWSER, CC, JAVA], fixtures::junit),
        program("fixtures/cookbook", &[CC, CURL], fixtures::cookbook),
        program("fuzz", &[CC, CXX], |workspace| fuzz::smoke(workspace, FUZZ_SECONDS)),
        program("emulator-docs", &[CC], docs::emulator::check),
        program("docs", &[CC], cargo::docs),
    ]);
    parts
}

/// The names of all parts, for the documents that mention them.
pub(crate) fn part_names() -> Vec<&'static str> {
    all().iter().map(|part| part.name).collect()
}

fn chosen(only: &[String]) -> Result<Vec<Part>> {
    let mut parts = all();
    for name in only {
        if !parts.iter().any(|part| is_named(part, name)) {
            bail!("no part is named {name}; there are: lint, {}", part_names().join(", "));
        }
    }
    parts.retain(|part| only.is_empty() || only.iter().any(|name| is_named(part, name)));
    Ok(parts)
}

fn is_named(part: &Part, name: &str) -> bool {
    part.name == name || part.name.split_once('/').is_some_and(|(group, _)| group == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Vec<&'static str> {
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        chosen(&only).unwrap().iter().map(|part| part.name).collect()
    }

    #[test]
    fn a_part_or_a_group_can_be_chosen() {
        assert_eq!(names(&["docs"]), ["docs"]);
        assert_eq!(names(&["lint"]).len(), lint::CHECKS.len());
        assert_eq!(names(&["lint/words", "docs"]), ["lint/words", "docs"]);
        assert_eq!(names(&[]).len(), all().len());
    }

    #[test]
    fn an_unknown_part_is_refused() {
        assert!(chosen(&["dcos".to_owned()]).is_err());
    }
}

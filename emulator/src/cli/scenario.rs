//! `scenario`: files that say what happens and what is expected.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::CliError;
use super::args::pair;
use super::output::Output;

/// What to do with scenarios.
#[derive(Debug, Subcommand)]
pub(super) enum ScenarioCommand {
    /// Run them, in all their variants
    Run(RunScenarios),
    /// Say what is wrong with them, or probably is, without running them
    Check {
        /// Files, and folders of them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What a name of the file's `vars` stands for; may be given several times
        #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
        vars: Vec<(String, String)>,
    },
    /// Print one to begin with
    New {
        /// What it shows, in a line
        #[arg(default_value = "a holder opens a token and closes it")]
        name: String,
    },
    /// Write one from what was done in the session of a running emulator
    ///
    /// What was waited for is time that passes, and what came of each operation is what is expected. PINs are not recorded.
    Record(RecordArguments),
    /// Print the JSON Schema, for editors
    Schema,
}

/// What to write.
#[derive(Debug, Args)]
pub(super) struct RecordArguments {
    /// The file; standard output without one, or with `-`
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// What it shows, in a line
    #[arg(long)]
    pub(super) name: Option<String>,
}

/// How to run them.
#[derive(Debug, Args)]
pub(super) struct RunScenarios {
    /// Files, and folders of them
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Run so many at once [default: one for each processor]
    #[arg(long, value_name = "NUMBER")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Run each so often, each time with the next seed
    #[arg(long, value_name = "NUMBER", default_value_t = NonZeroU32::MIN)]
    pub(super) repeat: NonZeroU32,
    /// What chance follows from, in place of what the files say
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
    /// Run those with this tag only
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Option<String>,
    /// What a name of the file's `vars` stands for; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) vars: Vec<(String, String)>,
    /// Let things go wrong on purpose towards a server at this host, too; may be given several times
    #[arg(long, value_name = "HOST")]
    pub(super) faults_at: Vec<String>,
    /// How to tell what came of it; `--json` is the same as jsonl
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub(super) format: FormArgument,
    /// Write it to this file, and a summary for people to standard output
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// How to tell what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum FormArgument {
    /// For people
    #[default]
    Human,
    /// XML as JUnit writes it
    Junit,
    /// The Test Anything Protocol
    Tap,
    /// A line of JSON for each
    Jsonl,
}

#[cfg(not(feature = "embedded-server"))]
pub(super) async fn run(_: &ScenarioCommand, _: &Output) -> Result<(), CliError> {
    std::future::ready(Err(CliError::NoServer)).await
}

#[cfg(feature = "embedded-server")]
pub(super) use embedded::run;

#[cfg(feature = "embedded-server")]
mod embedded {
    use std::fs;
    use std::io;
    use std::num::NonZeroUsize;
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::{CliError, FormArgument, Output, RunScenarios, ScenarioCommand};
    use crate::cli::output::line;
    use crate::scenario::report::{self, Form};
    use crate::scenario::run::{self, Plan};
    use crate::scenario::{SCHEMA, Scenario, Vars, lint};

    /// What the names of files end with that are read in a folder.
    const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

    pub(in super::super) async fn run(command: &ScenarioCommand, output: &Output) -> Result<(), CliError> {
        let json = !output.is_for_people();
        match command {
            ScenarioCommand::Run(arguments) => run_all(arguments, json).await,
            ScenarioCommand::Check { files, vars } => check(files, vars.iter().cloned().collect(), json),
            ScenarioCommand::New { name } => line(&template(name)),
            ScenarioCommand::Schema => line(SCHEMA.trim_end()),
            // A client of the control API does that.
            ScenarioCommand::Record(_) => Ok(()),
        }
    }

    async fn run_all(arguments: &RunScenarios, json: bool) -> Result<(), CliError> {
        let RunScenarios { files, jobs, repeat, seed, tag, vars, faults_at, format, out } = arguments;
        let vars = vars.iter().cloned().collect();
        let mut scenarios = Vec::new();
        for path in all(files)? {
            let scenario = parse(&path, &vars)?;
            if tag.as_ref().is_none_or(|tag| scenario.tags.contains(tag)) {
                scenarios.push((path.display().to_string(), scenario));
            }
        }
        if scenarios.is_empty() {
            return Err(CliError::NoScenario);
        }
        let (files, scenarios): (Vec<_>, Vec<_>) = scenarios.into_iter().unzip();
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let plan = Plan {
            jobs: jobs.unwrap_or_else(processors),
            repeat: repeat.get(),
            seed: *seed,
            faults_at: faults_at.clone(),
        };
        let form = match format {
            FormArgument::Human if json => Form::JsonLines,
            FormArgument::Human => Form::Human,
            FormArgument::Junit => Form::JUnit,
            FormArgument::Tap => Form::Tap,
            FormArgument::Jsonl => Form::JsonLines,
        };
        if let Some(path) = out {
            // Who cannot have it is told so before everything has run.
            let opened = fs::OpenOptions::new().append(true).create(true).open(path);
            opened.map_err(|source| CliError::Written { path: path.clone(), source })?;
        }
        // What is known is told, however much longer the others take, and whatever becomes of them.
        let shown = match out {
            Some(_) if json => Form::JsonLines,
            Some(_) => Form::Human,
            None => form,
        };
        let (mut number, mut said) = (0, report::head(shown).map_or(Ok(()), line));
        let runs = run::all(&scenarios, &plan, |run| {
            number += 1;
            if let (Some(text), Ok(())) = (report::one(shown, number, run, &files), &said) {
                said = line(&text);
            }
        });
        let runs = runs.await;
        if let Some(path) = out {
            fs::write(path, format!("{}\n", report::write(form, &runs, &files)))
                .map_err(|source| CliError::Written { path: path.clone(), source })?;
        }
        said?;
        line(&report::end(shown, &runs, &files))?;
        match runs.iter().filter(|run| run.failure.is_some()).count() {
            0 => Ok(()),
            failed => Err(CliError::Scenario { failed, of: runs.len() }),
        }
    }

    fn check(files: &[PathBuf], vars: Vars, json: bool) -> Result<(), CliError> {
        let (mut lines, mut found, files) = (Vec::new(), 0, all(files)?);
        for path in &files {
            let text = read(path)?;
            let findings = match Scenario::parse_file(&text, &vars, path) {
                Ok(scenario) => lint::look(&scenario),
                Err(error) => vec![lint::Finding { place: error.place, message: error.message }],
            };
            found += findings.len();
            for lint::Finding { place, message } in findings {
                lines.push(if json {
                    json!({ "file": path.display().to_string(), "line": place.line, "column": place.column, "message": message }).to_string()
                } else {
                    format!("{}: {place}: {message}", path.display())
                });
            }
        }
        let of = files.len();
        lines.push(if json {
            json!({ "ok": found == 0, "files": of, "findings": found }).to_string()
        } else {
            format!("{of} read, {found} to mend")
        });
        line(&lines.join("\n"))?;
        if found == 0 { Ok(()) } else { Err(CliError::Findings(found)) }
    }

    /// The files, and those in the folders, in order.
    fn all(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
        let mut files = Vec::new();
        for path in named {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let failed = |source: io::Error| CliError::File { path: path.clone(), source };
            let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
            let mut inside: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
            inside.retain(|path| {
                path.extension().and_then(|it| it.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
            });
            inside.sort();
            files.extend(inside);
        }
        Ok(files)
    }

    fn read(path: &Path) -> Result<String, CliError> {
        fs::read_to_string(path).map_err(|source| CliError::File { path: path.to_owned(), source })
    }

    fn parse(path: &Path, vars: &Vars) -> Result<Scenario, CliError> {
        Scenario::parse_file(&read(path)?, vars, path)
            .map_err(|source| CliError::Document { path: path.to_owned(), source })
    }

    /// One to begin with.
    fn template(name: &str) -> String {
        let name = serde_json::Value::from(name);
        format!(
            "cardea-scenario: 1
name: {name}
devices: [alice]
steps:
  - enroll: alice
    expect: {{server: {{alice: closed}}}}
  - open: alice
    expect: {{server: {{alice: open}}, device: {{alice: open}}}}
  - clock: {{advance: 60s}}
  - check: alice
    expect: {{answer: closed}}"
        )
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_one_to_begin_with_is_one_that_nothing_can_be_said_about() {
            for name in ["a: b # c", "x", "\"quoted\"\nlines"] {
                let scenario = Scenario::parse(&template(name)).unwrap();
                assert_eq!((scenario.name.as_str(), lint::look(&scenario)), (name, Vec::new()));
            }
        }
    }
}

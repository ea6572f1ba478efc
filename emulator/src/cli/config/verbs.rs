//! `config`: what is in force, where it comes from, and what could be said.

use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Subcommand};
use serde_json::{Map, Value, json};

use super::file::{Layer, is_there};
use super::settings::{SECTIONS, Setting, Shape, environment};
use super::{Config, ConfigError, Place};
use crate::cli::CliError;
use crate::cli::output::{Output, line};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(in super::super) enum ConfigVerb {
    /// Print what is in force, as a configuration file
    Print {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Say which files are read, the one that wins first
    Path,
    /// Say what is wrong with a file; with those that are read, unless one is named
    Check {
        /// The file
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of a file, for editors
    Schema,
}

/// Does what one of them says.
pub(in super::super) fn run(
    verb: &ConfigVerb,
    config: &Config,
    named: Option<&Path>,
    matches: &ArgMatches,
    output: &Output,
) -> Result<(), CliError> {
    match verb {
        ConfigVerb::Print { origin } => print(config, matches, *origin, output),
        ConfigVerb::Path => {
            let places = Place::all(named);
            let value = |place: &Place| json!({ "path": place.path, "exists": is_there(&place.path) });
            let text = |place: &Place| {
                format!("{}{}", place.path.display(), if is_there(&place.path) { "" } else { "  (not there)" })
            };
            let (values, texts): (Vec<_>, Vec<_>) = places.iter().map(|place| (value(place), text(place))).unzip();
            output.done(&json!({ "files": values }), &texts.join("\n"))
        }
        ConfigVerb::Check { file } => check(file.as_deref().or(named), output),
        ConfigVerb::Schema => line(&serde_json::to_string_pretty(&schema()).unwrap_or_default()),
    }
}

fn check(named: Option<&Path>, output: &Output) -> Result<(), CliError> {
    let (mut files, mut findings) = (0, Vec::new());
    for place in Place::all(named) {
        if !place.is_named && !is_there(&place.path) {
            continue;
        }
        files += 1;
        findings.extend(Layer::read(&place)?.1);
    }
    let value = |finding: &ConfigError| match finding {
        ConfigError::Wrong { path, line, problem } => json!({ "file": path, "line": line, "message": problem }),
        ConfigError::Read { .. } => Value::Null,
    };
    let mut text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    text.push(format!("{files} read, {} to mend", findings.len()));
    let found = json!({ "files": files, "findings": findings.iter().map(value).collect::<Vec<_>>() });
    let result = if findings.is_empty() { Ok(()) } else { Err(CliError::ConfigFindings(findings.len())) };
    output.looked(&found, &text.join("\n"), result)
}

/// An option as it is.
struct InForce {
    setting: Setting,
    raw: Option<Vec<String>>,
    origin: String,
}

fn print(config: &Config, matches: &ArgMatches, origin: bool, output: &Output) -> Result<(), CliError> {
    let all = in_force(config, matches)?;
    let (mut text, mut values, mut origins) = (String::new(), Map::new(), Map::new());
    let mut section = "";
    for InForce { setting, raw, origin: from } in &all {
        if setting.section != section {
            section = setting.section;
            text += &format!("\n[{section}]\n");
        }
        let Some(raw) = raw else {
            text += &format!("# {} is not set\n", setting.key);
            continue;
        };
        let behind = if origin { format!(" # {from}") } else { String::new() };
        let shown = shown(setting, raw);
        text += &format!("{} = {shown}{behind}\n", setting.key);
        values.insert(setting.name(), shown);
        origins.insert(setting.name(), json!(from));
    }
    for (name, profile) in config.profiles() {
        let profile = json!(profile);
        text += &format!("\n[profiles.{name}]\n");
        for (key, value) in profile.as_object().into_iter().flatten() {
            text += &format!("{key} = {}\n", inline(value));
        }
        values.insert(format!("profiles.{name}"), profile);
    }
    output.done(&json!({ "values": values, "origins": origins }), text.trim_end())
}

/// A value of JSON as TOML has it.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        value => value.to_string(),
    }
}

/// A value as a file would have it. What TOML and JSON write of it is the same.
fn shown(setting: &Setting, raw: &[String]) -> Value {
    let first = raw.first().map(String::as_str).unwrap_or_default();
    match setting.shape() {
        Shape::Flag => json!(matches!(first, "true" | "yes" | "on" | "y" | "t" | "1")),
        Shape::Number => json!(first.parse::<i64>().unwrap_or_default()),
        Shape::List => json!(raw),
        Shape::Text => first.parse::<i64>().map_or_else(|_| json!(first), |number| json!(number)),
    }
}

fn in_force(config: &Config, matches: &ArgMatches) -> Result<Vec<InForce>, CliError> {
    // Options of commands that are not given now: what they would be.
    let mut sections = Vec::new();
    for (section, _) in SECTIONS {
        let given = config.command().try_get_matches_from(["cardea-emulator", section]);
        let given = given.map_err(|error| CliError::Usage(error.render().to_string()))?;
        sections.push((section, given.subcommand_matches(section).cloned()));
    }
    let of = |setting: Setting| {
        let found = sections.iter().find(|(section, _)| *section == setting.section);
        let matches = found.and_then(|(_, matches)| matches.as_ref()).unwrap_or(matches);
        let id = setting.arg.get_id().as_str();
        let raw = matches.get_raw(id).map(|raw| raw.map(|it| it.to_string_lossy().into_owned()).collect());
        let origin = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "an option".to_owned(),
            Some(ValueSource::EnvVariable) => environment(&setting.key),
            _ => match config.entry(setting.section, &setting.key) {
                Some((layer, entry)) => format!("{}:{}", layer.path.display(), entry.line),
                None => "the default".to_owned(),
            },
        };
        InForce { setting, raw, origin }
    };
    Ok(Setting::in_files().into_iter().map(of).collect())
}

/// The JSON Schema of a file.
fn schema() -> Value {
    let mut root = Map::new();
    let mut sections: Vec<(&str, Map<String, Value>)> = SECTIONS.iter().map(|(name, _)| (*name, Map::new())).collect();
    for setting in Setting::in_files() {
        let one = described(&setting);
        match sections.iter_mut().find(|(name, _)| *name == setting.section) {
            Some((_, members)) => members.insert(setting.key, one),
            None => root.insert(setting.key, one),
        };
    }
    for (name, members) in sections {
        root.insert(name.to_owned(), json!({ "type": "object", "additionalProperties": false, "properties": members }));
    }
    let profiles = json!({
        "type": "object",
        "description": "What devices are like that are made with `device new --profile`.",
        "additionalProperties": crate::control::profile_schema(),
    });
    root.insert("profiles".to_owned(), profiles);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of cardea-emulator",
        "type": "object",
        "additionalProperties": false,
        "properties": root,
    })
}

fn described(setting: &Setting) -> Value {
    let mut one = match setting.shape() {
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::List => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::Text => json!({ "type": ["string", "integer"] }),
    };
    let words: Vec<String> =
        setting.arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if setting.shape() == Shape::Text && !words.is_empty() {
        one = json!({ "enum": words });
    }
    if let Some(help) = setting.arg.get_help() {
        one["description"] = json!(help.to_string());
    }
    one
}

//! What a file says.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{SECTIONS, Setting, Shape, environment};
use super::{ConfigError, Place};
use crate::cli::args::{Arguments, delay};
use crate::control::DeviceProfile;
use crate::suggest::nearest;

/// No file is longer.
const LONGEST: u64 = 1 << 20;

/// What a file says.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) path: PathBuf,
    pub(super) entries: Vec<Entry>,
    pub(super) profiles: BTreeMap<String, DeviceProfile>,
}

/// What it says of one option.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) section: &'static str,
    pub(super) key: String,
    /// As it would be given.
    pub(super) raw: Vec<String>,
    pub(super) line: usize,
}

impl Layer {
    /// Reads a file, and says all that is wrong with it.
    pub(super) fn read(place: &Place) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        let failed = |source| ConfigError::Read { path: place.path.clone(), source };
        let mut text = String::new();
        let file = std::fs::File::open(&place.path).map_err(failed)?;
        file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
        let mut reading = Reading { place, text: &text, settings: Setting::in_files(), findings: Vec::new() };
        let mut layer = Self { path: place.path.clone(), entries: Vec::new(), profiles: BTreeMap::new() };
        match DeTable::parse(&text) {
            Ok(table) => reading.all(table.get_ref(), &mut layer),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                reading.wrong(at, format!("this is no TOML: {}", error.message()));
            }
        }
        Ok((layer, reading.findings))
    }

    pub(super) fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.section == section && entry.key == key)
    }
}

/// A file that is being read.
struct Reading<'a> {
    place: &'a Place,
    text: &'a str,
    settings: Vec<Setting>,
    findings: Vec<ConfigError>,
}

impl Reading<'_> {
    fn wrong(&mut self, at: usize, problem: String) {
        let line = self.line(at);
        self.findings.push(ConfigError::Wrong { path: self.place.path.clone(), line, problem });
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    fn all(&mut self, table: &DeTable<'_>, layer: &mut Layer) {
        for (key, value) in table {
            let (at, name) = (key.span().start, key.get_ref().as_ref());
            match value.get_ref() {
                DeValue::Table(profiles) if name == "profiles" => self.profiles(profiles, layer),
                DeValue::Table(entries) => match SECTIONS.iter().find(|(section, _)| *section == name) {
                    Some((section, _)) => {
                        for (key, value) in entries {
                            self.entry(section, key.get_ref(), key.span().start, value, layer);
                        }
                    }
                    None => {
                        let meant = meant(name, SECTIONS.iter().map(|(name, _)| *name).chain(["profiles"]));
                        self.wrong(at, format!("there is no section `{name}`{meant}"));
                    }
                },
                _ => self.entry("", name, at, value, layer),
            }
        }
        // Tables are sorted by name; people look for what is wrong from the top.
        self.findings.sort_by_key(|finding| if let ConfigError::Wrong { line, .. } = finding { *line } else { 0 });
    }

    fn entry(&mut self, section: &'static str, key: &str, at: usize, value: &Spanned<DeValue<'_>>, layer: &mut Layer) {
        let known = self.settings.iter().find(|setting| setting.section == section && setting.key == key);
        let Some(setting) = known.cloned() else {
            let problem = self.unknown(section, key);
            return self.wrong(at, problem);
        };
        if setting.is_own() && !self.place.is_own {
            let problem = format!(
                "`{}` is not for the file of a folder: say it in your own (see `config path`), in {}, or as an option",
                setting.name(),
                environment(key)
            );
            return self.wrong(at, problem);
        }
        let at = value.span().start;
        match self.raw(&setting, value.get_ref()).and_then(|raw| checked(&setting, &raw).map(|()| raw)) {
            Ok(raw) => layer.entries.push(Entry { section, key: key.to_owned(), raw, line: self.line(at) }),
            Err(problem) => self.wrong(at, format!("`{}` {problem}", setting.name())),
        }
    }

    fn unknown(&self, section: &str, key: &str) -> String {
        if Setting::is_for_each_time(key) {
            let option = key.replace('_', "-");
            return format!("`{key}` is said each time: as --{option}, or in {}", environment(key));
        }
        let here = self.settings.iter().filter(|setting| setting.section == section);
        let meant = meant(key, here.map(|setting| setting.key.as_str()));
        let elsewhere = self.settings.iter().find(|setting| setting.key == key);
        let place = if section.is_empty() { String::new() } else { format!(" in `[{section}]`") };
        match elsewhere {
            Some(setting) if setting.section.is_empty() => {
                format!("there is no `{key}`{place}: it is above all sections")
            }
            Some(setting) => format!("there is no `{key}`{place}: it is in `[{}]`", setting.section),
            None => format!("there is no `{key}`{place}{meant}"),
        }
    }

    /// A value as it would be given as an option.
    fn raw(&self, setting: &Setting, value: &DeValue<'_>) -> Result<Vec<String>, String> {
        let text = |value: &DeValue<'_>| match value {
            DeValue::String(text) => Some(self.path(setting, text)),
            DeValue::Integer(number) => Some(i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string()),
            _ => None,
        };
        match (setting.shape(), value) {
            (Shape::Flag, DeValue::Boolean(is)) => Ok(vec![is.to_string()]),
            (Shape::Flag, _) => Err("must be true or false".to_owned()),
            (Shape::List, DeValue::Array(values)) => {
                let texts: Option<Vec<String>> = values.iter().map(|value| text(value.get_ref())).collect();
                texts.ok_or_else(|| "must be a list of texts".to_owned())
            }
            (Shape::List, _) => Err("must be a list of texts".to_owned()),
            (Shape::Number, DeValue::Integer(_)) => Ok(text(value).into_iter().collect()),
            (Shape::Number, _) => Err("must be a whole number".to_owned()),
            (Shape::Text, value) => {
                text(value).map(|text| vec![text]).ok_or_else(|| "must be a text or a number".to_owned())
            }
        }
    }

    /// Paths in a file are seen from its folder.
    fn path(&self, setting: &Setting, text: &str) -> String {
        match self.place.path.parent() {
            Some(folder) if setting.is_path() => folder.join(text).display().to_string(),
            _ => text.to_owned(),
        }
    }

    fn profiles(&mut self, profiles: &DeTable<'_>, layer: &mut Layer) {
        for (name, value) in profiles {
            let (at, name) = (name.span().start, name.get_ref().as_ref());
            if !crate::engine::is_name(name) {
                self.wrong(at, format!("`{name}` is no name: it has 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-'"));
                continue;
            }
            match profile(value.get_ref()) {
                Ok(profile) => {
                    layer.profiles.insert(name.to_owned(), profile);
                }
                Err(problem) => self.wrong(at, format!("the profile `{name}`: {problem}")),
            }
        }
    }
}

/// What was meant, or all there is to mean.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(|| ": see `config schema`".to_owned(), |near| format!(": did you mean `{near}`?"))
}

/// Whether an option takes it, whatever the environment says.
fn checked(setting: &Setting, raw: &[String]) -> Result<(), String> {
    if matches!(setting.shape(), Shape::Flag | Shape::Number) {
        return Ok(());
    }
    let option = format!("--{}", setting.key.replace('_', "-"));
    let options = raw.iter().map(|value| format!("{option}={value}"));
    let command = if setting.section.is_empty() { "list" } else { setting.section };
    let arguments = ["cardea-emulator".to_owned(), command.to_owned()].into_iter().chain(options);
    // The environment is not asked here: it has its own say, and its own errors.
    match Arguments::command().try_get_matches_from(arguments) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.render().to_string();
            let said = text.split("\n\nFor more").next().unwrap_or_default();
            let said = said.strip_prefix("error: ").unwrap_or(said).split_whitespace().collect::<Vec<_>>().join(" ");
            Err(format!("cannot be so: {said}"))
        }
    }
}

/// A profile, with the times that people write.
fn profile(value: &DeValue<'_>) -> Result<DeviceProfile, String> {
    let mut value = json(value)?;
    if let Some(Value::String(text)) = value.get("delay") {
        let read = delay(text).map_err(|problem| format!("`delay`: {problem}"))?;
        value["delay"] = read;
    }
    DeviceProfile::parse(value)
}

fn json(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            Value::from(number.map_err(|_| "a number is too large".to_owned())?)
        }
        DeValue::Float(number) => Value::from(number.as_str().parse::<f64>().map_err(|error| error.to_string())?),
        DeValue::Boolean(is) => Value::from(*is),
        DeValue::Array(values) => values.iter().map(|value| json(value.get_ref())).collect::<Result<_, _>>()?,
        DeValue::Table(table) => {
            let members = table.iter().map(|(name, value)| Ok((name.get_ref().to_string(), json(value.get_ref())?)));
            Value::Object(members.collect::<Result<Map<_, _>, String>>()?)
        }
        DeValue::Datetime(_) => return Err("there are no dates in a profile".to_owned()),
    })
}

/// Whether there is a file.
pub(super) fn is_there(path: &Path) -> bool {
    path.is_file()
}

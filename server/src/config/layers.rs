//! How the four sources become one configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;
use super::database::is_secret;
use super::keys::credential;

/// The documented defaults, which are also where every key and its type comes from.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// A configuration that cannot be used. The operator has to change the named source.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not valid TOML: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("{origin} sets `{key}`, which does not exist; `cardea-server config` lists every key")]
    UnknownKey {
        /// Which source.
        origin: String,
        /// The key.
        key: String,
    },
    /// A value of the wrong type or out of range.
    #[error("{origin}: `{key}` {problem}")]
    Value {
        /// Which source.
        origin: String,
        /// The key.
        key: String,
        /// What it must be.
        problem: String,
    },
}

/// Where a configuration comes from. Later fields win.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment, name and value; what does not start with a section's prefix is ignored.
    pub environment: Vec<(String, String)>,
    /// Flags: dotted key, value, and the flag's name for error texts.
    pub flags: Vec<(String, String, String)>,
}

impl Sources {
    /// Reads, merges and checks.
    ///
    /// # Errors
    /// A source cannot be read, names an unknown key, or has a value that cannot be used.
    ///
    /// # Panics
    /// Never: the built-in defaults parse, and a test holds them to it.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let (merged, origins) = self.merge()?;
        let config = deserialize(&merged, &origins)?;
        config.check().map_err(|(key, problem)| ConfigError::Value {
            origin: origin_of(&origins, key).unwrap_or("the configuration").to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        })?;
        Ok(config)
    }

    /// What [`Self::load`] comes to, as a configuration file that says for each key where its value comes from. A
    /// password is left out.
    ///
    /// # Errors
    /// As [`Self::load`].
    ///
    /// # Panics
    /// As [`Self::load`].
    pub fn explain(&self) -> Result<String, ConfigError> {
        self.load()?;
        let (merged, origins) = self.merge()?;
        let mut text = String::new();
        for (section, entries) in &merged {
            text += &format!("{}[{section}]\n", if text.is_empty() { "" } else { "\n" });
            for (name, value) in entries.as_table().into_iter().flatten() {
                let key = format!("{section}.{name}");
                let origin = origin_of(&origins, &key).unwrap_or("the default");
                if value.as_str().is_some_and(|value| is_secret(&key, value)) {
                    text += &format!("# {name} has a password and is not shown; from {origin}\n");
                } else {
                    text += &format!("{name} = {value} # {origin}\n");
                }
            }
        }
        Ok(text)
    }

    /// All sources on top of each other, and which one set a key, in the order in which they did.
    fn merge(&self) -> Result<(Table, Vec<(String, String)>), ConfigError> {
        let mut merged: Table = DEFAULTS.parse().expect("the built-in defaults are valid TOML");
        // Which source set a key last, for the errors of the checks at the end.
        let mut origins: Vec<(String, String)> = Vec::new();
        if let Some(path) = credential(&self.environment) {
            let (key, origin) = ("keys.master_key_file", "the credential vault.key (CREDENTIALS_DIRECTORY)");
            place(&mut merged, key, Value::String(path), origin)?;
            origins.push((key.to_owned(), origin.to_owned()));
        }
        if let Some(path) = &self.file {
            let origin = format!("the configuration file {}", path.display());
            for (section, value) in read(path)? {
                let Value::Table(entries) = value else {
                    return Err(ConfigError::UnknownKey { origin, key: section });
                };
                if entries.is_empty() && !merged.contains_key(&section) {
                    return Err(ConfigError::UnknownKey { origin, key: section });
                }
                for (key, value) in entries {
                    let key = format!("{section}.{key}");
                    place(&mut merged, &key, value, &origin)?;
                    origins.push((key, origin.clone()));
                }
            }
        }
        for (name, value) in &self.environment {
            let Some(key) = environment_key(&merged, name) else { continue };
            let origin = format!("the environment variable {name}");
            let value = typed(&merged, &key, value, &origin)?;
            place(&mut merged, &key, value, &origin)?;
            origins.push((key, origin));
        }
        for (key, value, flag) in &self.flags {
            let origin = format!("the flag {flag}");
            if is_secret(key, value) {
                let problem = "must have no password where other users can see it: use database.password_file";
                return Err(ConfigError::Value { origin, key: key.clone(), problem: problem.to_owned() });
            }
            let value = typed(&merged, key, value, &origin)?;
            place(&mut merged, key, value, &origin)?;
            origins.push((key.clone(), origin));
        }
        Ok((merged, origins))
    }
}

fn origin_of<'a>(origins: &'a [(String, String)], key: &str) -> Option<&'a str> {
    origins.iter().rev().find(|(set, _)| set == key).map(|(_, origin)| origin.as_str())
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    text.parse().map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })
}

/// The slot of `key` in `table`.
fn slot<'a>(table: &'a mut Table, key: &str, origin: &str) -> Result<&'a mut Value, ConfigError> {
    let unknown = || ConfigError::UnknownKey { origin: origin.to_owned(), key: key.to_owned() };
    let (section, name) = key.split_once('.').ok_or_else(unknown)?;
    table.get_mut(section).and_then(Value::as_table_mut).and_then(|section| section.get_mut(name)).ok_or_else(unknown)
}

fn place(table: &mut Table, key: &str, value: Value, origin: &str) -> Result<(), ConfigError> {
    let slot = slot(table, key, origin)?;
    if !slot.same_type(&value) {
        return Err(ConfigError::Value {
            origin: origin.to_owned(),
            key: key.to_owned(),
            problem: format!("must be of type {}, not {}", slot.type_str(), value.type_str()),
        });
    }
    *slot = value;
    Ok(())
}

/// `text` as a value of the type that `key` has.
fn typed(table: &Table, key: &str, text: &str, origin: &str) -> Result<Value, ConfigError> {
    let mut table = table.clone();
    let (value, expected) = match slot(&mut table, key, origin)? {
        Value::Integer(_) => (text.parse().ok().map(Value::Integer), "a whole number"),
        Value::Boolean(_) => (text.parse().ok().map(Value::Boolean), "true or false"),
        _ => (Some(Value::String(text.to_owned())), "a text"),
    };
    value.ok_or_else(|| ConfigError::Value {
        origin: origin.to_owned(),
        key: key.to_owned(),
        problem: format!("must be {expected}"),
    })
}

/// The dotted key of the environment variable `name`, if it is one of ours: its prefix must be one of the sections.
/// The key itself need not exist; a misspelled one is an error later, while the variables of other programs are not.
fn environment_key(table: &Table, name: &str) -> Option<String> {
    let rest = name.strip_prefix("CARDEA_")?;
    table.keys().find_map(|section| {
        let key = rest.strip_prefix(&section.to_uppercase())?.strip_prefix('_')?;
        Some(format!("{section}.{}", key.to_lowercase()))
    })
}

/// Key by key first, so that the error names the key and who set it.
fn deserialize(merged: &Table, origins: &[(String, String)]) -> Result<Config, ConfigError> {
    let config = |table: Table| Config::deserialize(Value::Table(table));
    let problem = match config(merged.clone()) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let defaults: Table = DEFAULTS.parse().expect("the built-in defaults are valid TOML");
    for (key, origin) in origins {
        let mut alone = defaults.clone();
        let value = slot(&mut merged.clone(), key, origin)?.clone();
        place(&mut alone, key, value, origin)?;
        if let Err(error) = config(alone) {
            let problem = error.message().to_owned();
            return Err(ConfigError::Value { origin: origin.clone(), key: key.clone(), problem });
        }
    }
    Err(ConfigError::Value {
        origin: "the configuration".to_owned(),
        key: String::new(),
        problem: problem.message().to_owned(),
    })
}

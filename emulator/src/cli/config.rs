//! The configuration: what options are that are neither given nor in the environment. The keys of a file are the names of
//! options, and so are the variables of the environment: there is one list of them, that of the command line.
//!
//! | what | where |
//! |---|---|
//! | which options there are | `settings` |
//! | what a file says | `file` |
//! | `config print`, `path`, `check`, `schema` | `verbs` |

mod file;
mod settings;
mod verbs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

use super::help;
use crate::control::DeviceProfile;
use file::{Entry, Layer};
use settings::{SECTIONS, Setting, environment, key_of};
pub(super) use verbs::{ConfigVerb, run};

/// The file of a folder in which one works.
const HERE: &str = "cardea-emulator.toml";

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something in a file is not as it must be.
    #[error("{}:{line}: {problem}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What, and what to do.
        problem: String,
    },
}

/// What the files say, the one that wins first.
#[derive(Debug, Default)]
pub(super) struct Config {
    layers: Vec<Layer>,
}

/// Whether there is no file; or none that this user could know of, in the home folder of somebody else.
fn is_none(path: &Path, error: &io::Error) -> bool {
    let is_closed = || std::fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    error.kind() == io::ErrorKind::NotFound || is_closed()
}

impl Config {
    /// Reads the files: the one that is named, or those that are found.
    pub(super) fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        let mut layers = Vec::new();
        for place in Place::all(named) {
            let (layer, findings) = match Layer::read(&place) {
                Err(ConfigError::Read { source, .. }) if !place.is_named && is_none(&place.path, &source) => continue,
                read => read?,
            };
            if let Some(finding) = findings.into_iter().next() {
                return Err(finding);
            }
            layers.push(layer);
        }
        Ok(Self { layers })
    }

    /// The command line, with what the environment and the files say in place of what is not given.
    pub(super) fn command(&self) -> Command {
        let mut command = help::command().mut_args(|arg| self.dressed(arg, ""));
        for (section, subcommands) in SECTIONS {
            for name in subcommands {
                command = command.mut_subcommand(name, |sub| sub.mut_args(|arg| self.dressed(arg, section)));
            }
        }
        command
    }

    fn dressed(&self, arg: Arg, section: &str) -> Arg {
        let Some(key) = arg.get_long().map(key_of) else { return arg };
        let arg = match arg.get_action() {
            ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
            _ => arg,
        };
        let arg = arg.env(environment(&key)).hide_env_values(true);
        match self.entry(section, &key) {
            Some((_, entry)) => arg.default_values(entry.raw.iter().map(OsString::from)),
            None => arg,
        }
    }

    /// What a file says of an option, and which.
    fn entry(&self, section: &str, key: &str) -> Option<(&Layer, &Entry)> {
        self.layers.iter().find_map(|layer| Some((layer, layer.entry(section, key)?)))
    }

    /// The profiles for devices.
    pub(super) fn profiles(&self) -> BTreeMap<String, DeviceProfile> {
        // Those of the first file win.
        self.layers.iter().rev().flat_map(|layer| layer.profiles.clone()).collect()
    }
}

/// Where there may be a file.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    /// Whether somebody said that it is there.
    is_named: bool,
    /// Whether it is the user's own, and not something that came with a folder.
    is_own: bool,
}

impl Place {
    /// All of them, the one that wins first.
    fn all(named: Option<&Path>) -> Vec<Self> {
        if let Some(path) = named {
            return vec![Self { path: path.to_owned(), is_named: true, is_own: true }];
        }
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let own = folder("XDG_CONFIG_HOME")
            .or_else(|| Some(folder("HOME")?.join(".config")))
            .or_else(|| folder("APPDATA"))
            .map(|base| base.join("cardea-emulator").join("config.toml"));
        let here = Self { path: HERE.into(), is_named: false, is_own: false };
        let own = own.map(|path| Self { path, is_named: false, is_own: true });
        [Some(here), own].into_iter().flatten().collect()
    }
}

/// What the environment says to this program and nobody hears, for a person.
pub(super) fn unheard() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let said = |(name, meant): (String, Option<String>)| {
        let meant = meant.map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
        format!("{name} is in the environment, and no option is called so{meant}")
    };
    Setting::unknown(names).into_iter().map(said).collect()
}

/// The value of an option that has to be known before all others are: given, or in the environment.
pub(super) fn early(long: &str, short: Option<&str>, arguments: &[OsString]) -> Option<OsString> {
    let mut rest = arguments.iter().skip(1).take_while(|it| *it != "--");
    while let Some(argument) = rest.next() {
        let Some(text) = argument.to_str() else { continue };
        if text.strip_prefix("--") == Some(long) || Some(text) == short {
            return rest.next().cloned();
        }
        if let Some(value) = text.strip_prefix("--").and_then(|text| text.strip_prefix(long)?.strip_prefix('=')) {
            return Some(value.into());
        }
        if let Some(value) = short.and_then(|short| text.strip_prefix(short)) {
            return Some(value.into());
        }
    }
    std::env::var_os(environment(long))
}

#[cfg(test)]
mod tests;

//! Which options can be set for good.

use clap::{Arg, ArgAction, CommandFactory as _};

use crate::cli::args::Arguments;
use crate::suggest::nearest;

/// The sections of a file, and the commands whose options they have. Those that all commands have are in none.
pub(super) const SECTIONS: [(&str, &[&str]); 2] = [("run", &["run", "up"]), ("stub", &["stub"])];

/// What the names of options begin with in the environment.
const PREFIX: &str = "CARDEA_EMULATOR_";
/// What is said each time, and in no file.
const EACH_TIME: [&str; 7] = ["allow_faults", "config", "json", "pin_fd", "ready_fd", "verbose", "yes"];
/// What a folder in which one works cannot say: whom to give what is secret, and where to write.
const OWN: [&str; 6] = ["ctl", "log_file", "pin_file", "ready_file", "socket", "token_file"];

/// An option that can be set for good.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// Empty for what all commands have.
    pub(super) section: &'static str,
    pub(super) key: String,
    pub(super) arg: Arg,
}

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Flag,
    Number,
    Text,
    List,
}

impl Setting {
    /// All of them, those of the environment only, too.
    pub(super) fn all() -> Vec<Self> {
        let mut command = Arguments::command();
        // Among other things, it names what was not named.
        command.build();
        let of = |section: &'static str, args: Vec<Arg>| {
            let known = move |arg: Arg| {
                let key = key_of(arg.get_long()?);
                let is_one = !matches!(key.as_str(), "help" | "version");
                (is_one && !(section.is_empty() ^ arg.is_global_set())).then_some(Self { section, key, arg })
            };
            args.into_iter().filter_map(known).collect::<Vec<_>>()
        };
        let mut all = of("", command.get_arguments().cloned().collect());
        for (section, subcommands) in SECTIONS {
            if let Some(sub) = subcommands.first().and_then(|name| command.find_subcommand(name)) {
                all.extend(of(section, sub.get_arguments().cloned().collect()));
            }
        }
        all
    }

    /// What the environment says to this program, and no option is called so: each with the option that may be meant.
    pub(super) fn unknown(names: impl IntoIterator<Item = String>) -> Vec<(String, Option<String>)> {
        let known: Vec<String> = Self::all().into_iter().map(|setting| environment(&setting.key)).collect();
        let names = names.into_iter().filter(|name| name.starts_with(PREFIX) && !known.contains(name));
        names
            .map(|name| {
                let meant = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
                (name, meant)
            })
            .collect()
    }

    /// What a file may say.
    pub(super) fn in_files() -> Vec<Self> {
        let mut all = Self::all();
        all.retain(|setting| !EACH_TIME.contains(&setting.key.as_str()));
        all
    }

    /// Whether it is said each time.
    pub(super) fn is_for_each_time(key: &str) -> bool {
        EACH_TIME.contains(&key)
    }

    /// Whether only the user's own file says it.
    pub(super) fn is_own(&self) -> bool {
        OWN.contains(&self.key.as_str())
    }

    /// Whether it names a file or a folder.
    pub(super) fn is_path(&self) -> bool {
        self.arg.get_value_parser().type_id() == std::any::TypeId::of::<std::path::PathBuf>()
    }

    pub(super) fn shape(&self) -> Shape {
        match self.arg.get_action() {
            ArgAction::SetTrue => Shape::Flag,
            ArgAction::Count => Shape::Number,
            ArgAction::Append => Shape::List,
            _ => Shape::Text,
        }
    }

    /// Its name, as a file of several sections is spoken of.
    pub(super) fn name(&self) -> String {
        if self.section.is_empty() { self.key.clone() } else { format!("{}.{}", self.section, self.key) }
    }
}

/// An option's name in a file.
pub(super) fn key_of(long: &str) -> String {
    long.replace('-', "_")
}

/// An option's name in the environment.
pub(super) fn environment(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

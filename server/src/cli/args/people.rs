//! The commands about accounts and applications.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Settings;
use crate::domain::account::{AccountKind, AccountState};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AccountCommand {
    /// Create an account and print its number.
    Create(AccountCreateArgs),
    /// List the accounts of a subscription.
    List(PeopleListArgs),
    /// Print everything about an account.
    Show(AccountArgs),
    /// Change what an account is and may do; what is not named stays as it is.
    Update(AccountUpdateArgs),
    /// Give an account another password. What it was signed in with is over.
    Password(AccountPasswordArgs),
    /// End everything that an account was signed in with.
    SignOut(AccountArgs),
    /// Delete an account with all that it was signed in with.
    Delete(AccountArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AccountCreateArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The subscription.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: String,
    /// What it signs in with: 1 to 64 of A-Z, a-z, 0-9, `.`, `_` and `-`.
    pub(in crate::cli) name: String,
    /// The first line of this file, or of standard input if it is `-`, is its password.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) about: AboutArgs,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// What an account is and may do.
#[derive(Debug, Args)]
pub(in crate::cli) struct AboutArgs {
    /// What it can sign in with beside its name; empty for nothing.
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) email: Option<String>,
    /// Who it is for.
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) kind: Option<KindWord>,
    /// May do everything in the subscription.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(in crate::cli) admin: Option<bool>,
    /// May not see what is public (`nopublic`).
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(in crate::cli) restricted: Option<bool>,
    /// Numbers of groups, with commas between them; `7=false` says that it is not in one.
    #[arg(long, value_name = "LIST", value_parser = groups)]
    pub(in crate::cli) groups: Option<BTreeMap<u32, bool>>,
    /// Words of permissions, with commas between them; `billing=false` says that it is not allowed.
    #[arg(long, value_name = "LIST", value_parser = words)]
    pub(in crate::cli) permissions: Option<BTreeMap<String, bool>>,
    /// A number that the organization knows its owner by.
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) contact: Option<u32>,
}

/// Who an account is for, as the command line says it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum KindWord {
    Employee,
    Guest,
}

impl From<KindWord> for AccountKind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::Employee => Self::Employee,
            KindWord::Guest => Self::Guest,
        }
    }
}

/// Whether an account may sign in, as the command line says it.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum StateWord {
    /// It may.
    Active,
    /// Not now.
    Suspended,
    /// Never again.
    Left,
}

impl From<StateWord> for AccountState {
    fn from(word: StateWord) -> Self {
        match word {
            StateWord::Active => Self::Active,
            StateWord::Suspended => Self::Suspended,
            StateWord::Left => Self::Left,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AccountArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The subscription.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: String,
    /// Its number, its name or its e-mail address.
    pub(in crate::cli) account: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AccountUpdateArgs {
    #[command(flatten)]
    pub(in crate::cli) account: AccountArgs,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// Whether it may sign in; what it was signed in with is over when it may not.
    #[arg(long, value_name = "STATE")]
    pub(in crate::cli) state: Option<StateWord>,
    #[command(flatten)]
    pub(in crate::cli) about: AboutArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AccountPasswordArgs {
    #[command(flatten)]
    pub(in crate::cli) account: AccountArgs,
    /// The first line of this file, or of standard input if it is `-`, is the password.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) password_file: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PeopleListArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The subscription.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApplicationCommand {
    /// Create an application and print its appsecret. It is shown once.
    Create(ApplicationCreateArgs),
    /// List the applications of a subscription.
    List(PeopleListArgs),
    /// Call an application otherwise, or let accounts sign in to it or not.
    Update(ApplicationUpdateArgs),
    /// Give an application another appsecret, and print it. It is shown once; sessions stay good.
    Secret(ApplicationArgs),
    /// Delete an application with all that accounts were signed in to it with.
    Delete(ApplicationArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApplicationCreateArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The subscription.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: String,
    /// What people call it.
    pub(in crate::cli) name: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApplicationArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The subscription.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: String,
    /// Its number.
    pub(in crate::cli) application: u64,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApplicationUpdateArgs {
    #[command(flatten)]
    pub(in crate::cli) application: ApplicationArgs,
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) name: Option<String>,
    /// Whether accounts may sign in to it; what they were signed in with is over when they may not.
    #[arg(long, value_name = "BOOL")]
    pub(in crate::cli) active: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PolicyCommand {
    /// Print what a subscription asks of those who sign in.
    Show(PolicyArgs),
    /// Change it, and print it; what is not named stays as it is. Passwords that there are stay good.
    Update(PolicyUpdateArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PolicyArgs {
    #[command(flatten)]
    pub(in crate::cli) settings: Settings,
    /// The subscription.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) subscription: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PolicyUpdateArgs {
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    /// Fewest characters of a new password, 15 to 64.
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) password_least: Option<u16>,
    /// Words that count for nothing in a password, with commas between them; empty for none.
    #[arg(long, value_name = "LIST")]
    pub(in crate::cli) blocked_words: Option<String>,
}

/// Pairs of a name and whether it is so: `a,b=false`.
fn pairs(list: &str) -> impl Iterator<Item = Result<(&str, bool), String>> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| match item.split_once('=') {
        None | Some((_, "true")) => Ok((item.split('=').next().unwrap_or(item), true)),
        Some((name, "false")) => Ok((name, false)),
        Some(_) => Err("after a `=` comes `true` or `false`".to_owned()),
    })
}

fn groups(list: &str) -> Result<BTreeMap<u32, bool>, String> {
    let number = |name: &str| name.parse().map_err(|_| "a group is a number".to_owned());
    pairs(list).map(|pair| pair.and_then(|(name, is)| Ok((number(name)?, is)))).collect()
}

fn words(list: &str) -> Result<BTreeMap<String, bool>, String> {
    pairs(list).map(|pair| pair.map(|(name, is)| (name.to_owned(), is))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_what_is_so_and_what_is_not() {
        assert_eq!(groups("1, 7=false,13=true").unwrap(), [(1, true), (7, false), (13, true)].into());
        assert_eq!(words("").unwrap(), BTreeMap::new());
        assert!(!words("billing=false,notes").unwrap()["billing"]);
        assert!(groups("x").is_err() && groups("1=maybe").is_err() && words("a=b=c").is_err());
    }
}

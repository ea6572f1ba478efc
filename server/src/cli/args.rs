//! The command line as clap sees it. Secrets are never arguments: everybody on the machine can read those.

mod access;
mod audit;
mod people;

use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) use access::*;
pub(super) use audit::{AuditCommand, AuditExportArgs, AuditProofArgs, AuditReceiptArgs, AuditVerifyArgs};
use clap::{Args, Parser, Subcommand};
pub(super) use people::*;

use crate::config::{Config, ConfigError, Sources};

/// The Cardea server: tokens that are closed until their holder opens them.
#[derive(Debug, Parser)]
#[command(name = "cardea-server", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve until SIGTERM or SIGINT.
    Run(RunArgs),
    /// Serve on loopback with no configuration: a demo service, its authkeys, and what to do next.
    Dev(DevArgs),
    /// Create data folder, master key and database, and print the first authkeys. They are shown once.
    Init(InitArgs),
    /// Print the configuration file with every key and its default.
    Config(ConfigArgs),
    /// Subscriptions: tenants, each with services and authkeys of its own.
    #[command(subcommand)]
    Subscription(SubscriptionCommand),
    /// Services: groups of tokens with the same rules.
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Webhooks: where services have their events delivered.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Authkeys: what relying parties and administrators call the API with.
    #[command(subcommand)]
    Authkey(AuthkeyCommand),
    /// Accounts: people and programs of a subscription that sign in.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Applications: what accounts sign in to.
    #[command(subcommand)]
    Application(ApplicationCommand),
    /// What a subscription asks of those who sign in.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Tokens: see and change one, as the operator.
    #[command(subcommand)]
    Token(TokenCommand),
    /// The audit log: verify it, export it, prove things with it.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The server's own keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look for whatever keeps the server from working well, and say what to do. Makes nothing.
    Doctor(ListArgs),
    /// Copy the SQLite database into a new file, also while the server runs. The master key is not in it.
    Backup(BackupArgs),
    /// After a restore from backup, with the server stopped: close everything, and let devices resynchronize.
    RestoreMarker(OfflineArgs),
    /// After the clock was far in the future, with the server stopped: close everything and forget that time.
    ForgetFuture(OfflineArgs),
}

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub(super) command: Option<ConfigCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the configuration in force, with where each value comes from; passwords are left out.
    Print(OfflineArgs),
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Settings {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "CARDEA_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of database and master key; same as --set data.dir=DIR.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Set one configuration key, for example --set log.level=debug. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
}

/// Where to listen, and how to tell others.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Listen {
    /// Address of the API; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) http: Option<SocketAddr>,
    /// Address of the token channel; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) channel: Option<SocketAddr>,
    /// Write the addresses as JSON to this file once the server answers (mode 0600, replaced at once).
    #[arg(long, value_name = "FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// Print the same JSON as the first and only line of standard output.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(flatten)]
    pub(super) listen: Listen,
}

#[derive(Debug, Args)]
pub(super) struct DevArgs {
    /// Keep the data in this folder; without it everything is gone at the end.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) listen: Listen,
    /// How long an opening lasts in the demo service, in seconds; 0: until the first check.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(super) window: u32,
    /// Stop the clock, at START (Unix seconds) or now, and let POST /dev/clock {"advance":SECONDS} move it.
    #[arg(long, value_name = "START", num_args = 0..=1, require_equals = true)]
    pub(super) test_clock: Option<Option<u32>>,
    /// Protect PINs as cheaply as only tests may: devices have to be told to accept it.
    #[arg(long)]
    pub(super) test_argon2: bool,
    /// End with the process that started it.
    #[arg(long)]
    pub(super) exit_with_parent: bool,
    /// What to log, as log.level in the configuration.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub(super) log: String,
    /// Set one configuration key, for example --set channel.reply_grid_ms=0. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// The first service, <subscription>_<service>.
    #[arg(long, value_name = "NAME", default_value = "default_main")]
    pub(super) service: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print the status; an opening for single use is used up by that, as by every check.
    Status(TokenArgs),
    /// Close it.
    Close(TokenArgs),
    /// End duress: the holder is safe. The token is closed afterwards.
    ClearDuress(TokenArgs),
    /// Block it.
    Block(TokenArgs),
    /// Lift a block and give the devices their tries back.
    Unblock(TokenArgs),
    /// Delete it.
    Delete(TokenArgs),
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// <subscription>_<service>, for example default_vpn.
    pub(super) service: String,
    /// The user id.
    pub(super) user: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Print the identity key and the current key record.
    Show(ListArgs),
    /// Replace the channel key before its time.
    Rotate(ListArgs),
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// The new file; there must be none of that name.
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct OfflineArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Settings {
    /// The same flags again, each after a space, for the command that comes next.
    pub(super) fn repeated(&self) -> String {
        let mut flags = String::new();
        for (flag, path) in [("--config", &self.config), ("--data-dir", &self.data_dir)] {
            if let Some(path) = path {
                flags += &format!(" {flag} {}", path.display());
            }
        }
        for (key, value) in &self.set {
            flags += &format!(" --set {key}={value}");
        }
        flags
    }

    /// Merges all sources.
    pub(super) fn load(&self, listen: Option<&Listen>) -> Result<Config, ConfigError> {
        self.sources(listen).load()
    }

    /// All sources, in the order in which they win.
    pub(super) fn sources(&self, listen: Option<&Listen>) -> Sources {
        let flag = |key: &str, value: String, flag: &str| (key.to_owned(), value, flag.to_owned());
        let mut flags = Vec::new();
        for (key, value) in &self.set {
            flags.push(flag(key, value.clone(), "--set"));
        }
        if let Some(dir) = &self.data_dir {
            flags.push(flag("data.dir", dir.to_string_lossy().into_owned(), "--data-dir"));
        }
        if let Some(address) = listen.and_then(|listen| listen.http) {
            flags.push(flag("http.listen", address.to_string(), "--http"));
        }
        if let Some(address) = listen.and_then(|listen| listen.channel) {
            flags.push(flag("channel.listen", address.to_string(), "--channel"));
        }
        // A variable that is not text cannot be a number or an address either; `vars` would panic on it.
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let environment = std::env::vars_os().filter_map(text).collect();
        Sources { file: self.config.clone(), environment, flags }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use cardea_protocol::token::ShortString;
    use clap::CommandFactory;

    use super::*;
    use crate::domain::rules::RulesChange;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_test_clock_exists_in_dev_only_with_and_without_a_start() {
        let start = |line: &str| match parse(line) {
            Ok(Command::Dev(dev)) => dev.test_clock,
            other => panic!("{other:?}"),
        };
        assert_eq!(start("cardea-server dev"), None);
        assert_eq!(start("cardea-server dev --test-clock"), Some(None));
        assert_eq!(start("cardea-server dev --test-clock=1800000000"), Some(Some(1_800_000_000)));
        assert!(parse("cardea-server run --test-clock").is_err());
    }

    #[test]
    fn no_argument_takes_the_value_of_an_authkey() {
        let create = "cardea-server authkey create --service default_demo --name web";
        assert!(parse(create).is_ok());
        assert!(parse(&format!("{create} --value secret")).is_err());
        assert!(parse(&format!("{create} --subscription default")).is_err());
        assert!(parse("cardea-server authkey create --name web").is_err());
    }

    #[test]
    fn every_setting_of_a_service_has_a_flag_and_what_is_not_named_is_not_changed() {
        let change = |flags: &str| match parse(&format!("cardea-server service update default_x{flags}")) {
            Ok(Command::Service(ServiceCommand::Update(args))) => args.rules.change(),
            other => panic!("{other:?}"),
        };
        assert_eq!(change(""), RulesChange::default());
        let all = change(
            " --window 1 --lifetime 2 --tries 3 --unblock-after 4 --no-duress --silent-alarm=false --biometric \
             --emulated=false --pin-min 7 --pin-max 8 --short-string required --enrollment-seconds 9 --devices 2 --tell-checks",
        );
        let expected = RulesChange {
            window: Some(1),
            opening_lifetime: Some(2),
            attempts: Some(3),
            unblock_after: Some(4),
            duress: Some(false),
            silent_alarm: Some(false),
            biometric: Some(true),
            emulated: Some(false),
            pin_min: Some(7),
            pin_max: Some(8),
            short_string: Some(ShortString::Required),
            enrollment_seconds: Some(9),
            devices: Some(2),
            tell_checks: Some(true),
        };
        assert_eq!(all, expected);
        for flags in ["--short-string on", "--duress=maybe", "--devices x", "--no-duress --duress", "--window -1"] {
            assert!(parse(&format!("cardea-server service update default_x {flags}")).is_err(), "{flags}");
        }
    }

    #[test]
    fn flags_become_configuration_and_the_shortcuts_win() {
        let line = "cardea-server run --data-dir /tmp/a --set data.dir=/tmp/b --set log.level=debug --http 127.0.0.1:0";
        let Ok(Command::Run(run)) = parse(line) else { panic!("valid") };
        let config = run.settings.load(Some(&run.listen)).expect("valid");
        assert_eq!(config.data.dir, PathBuf::from("/tmp/a"));
        assert_eq!((config.log.level.as_str(), config.http.listen.port()), ("debug", 0));
        assert!(parse("cardea-server run --set log.level").is_err());
        assert_eq!(run.settings.repeated(), " --data-dir /tmp/a --set data.dir=/tmp/b --set log.level=debug");
    }
}

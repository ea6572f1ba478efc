//! The data folder: opening it, and telling it about restores and wrong clocks.

use std::path::Path;
use std::sync::Arc;

use super::args::{BackupArgs, OfflineArgs};
use super::{CliError, log, output};
use crate::admin::{Admin, AdminSettings, Instance};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::entropy::OsEntropy;
use crate::storage::{self, Location, PostgresUrl, ServerLock, StorageError};
use crate::webhook::Caller;

/// Creates the data folder, for this user only, if it is not there.
pub(super) fn create_folder(dir: &Path) -> Result<(), CliError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(CliError::io(format!("cannot create {}", dir.display())))
}

/// Opens the data in the folder that `config` names, to serve it or beside a server.
pub(super) async fn instance(config: &Config, clock: Arc<dyn Clock>, serves: bool) -> Result<Instance, CliError> {
    let (folder, entropy) = (&config.data.dir, Arc::new(OsEntropy));
    let key = config.keys.master_key(folder);
    Ok(match postgres(config)? {
        Some(url) => {
            let location = Location::Postgres(url);
            Instance::assemble_with(location, config.database.options(), key, clock, entropy).await?
        }
        None if serves => Instance::assemble(Location::File(Instance::database(folder)), key, clock, entropy).await?,
        None => Instance::open_with(folder, key, clock, entropy).await?,
    })
}

pub(super) fn postgres(config: &Config) -> Result<Option<PostgresUrl>, CliError> {
    config.database.postgres().map_err(|error| CliError::Argument(format!("database: {error}")))
}

/// Keeps other servers from the data folder, where the database is in it. A database on PostgreSQL is there for several.
pub(super) fn lock(config: &Config) -> Result<Option<ServerLock>, CliError> {
    match postgres(config)? {
        None => Ok(Some(ServerLock::acquire(&config.data.dir)?)),
        Some(_) => Ok(None),
    }
}

/// The calls, while no server runs: it would go on with what it remembers.
async fn alone(config: &Config) -> Result<(Option<ServerLock>, Admin), CliError> {
    let (lock, admin) = (lock(config)?, admin(config).await?);
    admin.check_alone().await?;
    Ok((lock, admin))
}

/// Opens the data for a command that makes no links.
pub(super) async fn admin(config: &Config) -> Result<Admin, CliError> {
    let instance = instance(config, Arc::new(SystemClock), false).await?;
    let nowhere = AdminSettings {
        web: "https://localhost".to_owned(),
        channel: format!("localhost:{}", config.channel.listen.port().max(1)),
        development: false,
    };
    Ok(Admin::new(&instance, nowhere)?.with_password_cost(config.password.cost()))
}

/// What calls webhooks, as `config` allows it; `dev` may call the machine that it runs on.
pub(super) fn caller(config: &Config, development: bool) -> Result<Caller, CliError> {
    let allow_private = development || config.webhook.allow_private;
    Ok(match &config.webhook.ca_file {
        Some(path) => Caller::with_authorities(allow_private, Path::new(path))?,
        None => Caller::new(allow_private),
    })
}

/// `cardea-server backup FILE`.
pub(super) async fn backup(args: BackupArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    if postgres(&config)?.is_some() {
        return Err(CliError::Argument("the database is on PostgreSQL: use pg_dump instead".to_owned()));
    }
    let (from, to) = (Instance::database(&config.data.dir), args.file.clone());
    let copied = tokio::task::spawn_blocking(move || storage::backup(&from, &to)).await;
    copied.map_err(|_| StorageError::Panicked)??;
    output::text(&format!("the database is in {}; keep it apart from vault.key\n", args.file.display()))
}

/// `cardea-server restore-marker`.
pub(super) async fn restore_marker(args: OfflineArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let (_lock, admin) = alone(&config).await?;
    let devices = admin.mark_restored().await?;
    output::text(&format!("everything is closed; {devices} devices will resynchronize\n"))
}

/// `cardea-server forget-future`.
pub(super) async fn forget_future(args: OfflineArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let (_lock, admin) = alone(&config).await?;
    admin.forget_future().await?;
    output::text("everything is closed and may be opened again\n")
}

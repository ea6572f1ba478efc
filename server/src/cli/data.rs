//! The data folder: opening it, and telling it about restores and wrong clocks.

use std::path::Path;
use std::sync::Arc;

use super::args::OfflineArgs;
use super::{CliError, log, output};
use crate::admin::{Admin, AdminSettings, Instance};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::entropy::OsEntropy;
use crate::storage::ServerLock;

/// Creates the data folder, for this user only, if it is not there.
pub(super) fn create_folder(dir: &Path) -> Result<(), CliError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(CliError::io(format!("cannot create {}", dir.display())))
}

/// Opens the data in the folder that `config` names.
pub(super) async fn instance(config: &Config, clock: Arc<dyn Clock>) -> Result<Instance, CliError> {
    Ok(Instance::open(&config.data.dir, clock, Arc::new(OsEntropy)).await?)
}

/// Opens the data for a command that makes no links.
pub(super) async fn admin(config: &Config) -> Result<Admin, CliError> {
    let instance = instance(config, Arc::new(SystemClock)).await?;
    let nowhere = AdminSettings {
        web: "https://localhost".to_owned(),
        channel: format!("localhost:{}", config.channel.listen.port().max(1)),
        development: false,
    };
    Ok(Admin::new(&instance, nowhere)?)
}

/// `cardea-server restore-marker`.
pub(super) async fn restore_marker(args: OfflineArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    // A running server would go on with what it remembers from before the restore.
    let _lock = ServerLock::acquire(&config.data.dir)?;
    let devices = admin(&config).await?.mark_restored().await?;
    output::text(&format!("everything is closed; {devices} devices will resynchronize\n"))
}

/// `cardea-server forget-future`.
pub(super) async fn forget_future(args: OfflineArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let _lock = ServerLock::acquire(&config.data.dir)?;
    admin(&config).await?.forget_future().await?;
    output::text("everything is closed and may be opened again\n")
}

//! `keys show` and `keys rotate`.

use data_encoding::HEXLOWER;
use serde_json::json;

use super::args::ListArgs;
use super::{CliError, data, log, output};
use crate::admin::{Actor, Admin};

/// `cardea-server keys show`.
pub(super) async fn show(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    print(&data::admin(&config).await?, args.json).await
}

/// `cardea-server keys rotate`.
pub(super) async fn rotate(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    admin.rotate_keys(Actor::Operator).await?;
    print(&admin, args.json).await
}

async fn print(admin: &Admin, as_json: bool) -> Result<(), CliError> {
    let identity = admin.server_identity().await?;
    let (public, record) = (HEXLOWER.encode(&identity.public_key), HEXLOWER.encode(&identity.key_record));
    if as_json {
        return output::json(&json!({ "identity": public, "keyRecord": record }));
    }
    output::text(&format!("identity    {public}\nkey record  {record}\n"))
}

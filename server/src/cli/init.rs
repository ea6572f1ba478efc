//! `init`: the first start of an installation.

use serde_json::json;

use super::args::InitArgs;
use super::{CliError, data, log, output};
use crate::admin::{Actor, KeyScope, NewKey, NewService};
use crate::domain::permission::Permissions;

/// `cardea-server init`.
pub(super) async fn run(args: InitArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    data::create_folder(&config.data.dir)?;
    let admin = data::admin(&config).await?;
    if !admin.list_services().await?.is_empty() {
        let dir = config.data.dir.display();
        return Err(CliError::Argument(format!("{dir} is initialized already: use `service` and `authkey` instead")));
    }
    admin.create_service(NewService::new(&args.service), Actor::Operator).await?;
    let create = async |name: &str, permissions| {
        let scope = KeyScope::Service(args.service.clone());
        admin.create_authkey(NewKey::new(scope, name, permissions), Actor::Operator).await
    };
    let status = create("first status key", Permissions::BASIC).await?;
    let all = create("first admin key", Permissions::ADMIN).await?;
    let instance = NewKey::new(KeyScope::Instance, "first instance key", Permissions::ADMIN);
    let instance = admin.create_authkey(instance, Actor::Operator).await?;
    if args.json {
        return output::json(&json!({
            "dataDir": config.data.dir,
            "service": args.service,
            "statusKey": status.value,
            "adminKey": all.value,
            "instanceKey": instance.value,
        }));
    }
    let key = config.keys.master_key(&config.data.dir).file().unwrap_or_default();
    output::text(&format!(
        "Data in {dir}. Back up {key} apart from the database: without it the database is lost.\n\n\
         service        {service}\n\
         authkeys       {status}  reads the status\n\
         {pad}{all}  does everything in it\n\
         {pad}{instance}  does everything, and administers subscriptions\n\n\
         The authkeys are not shown again. Next: cardea-server run{flags}\n",
        dir = config.data.dir.display(),
        key = key.display(),
        service = args.service,
        status = status.value,
        pad = " ".repeat(15),
        all = all.value,
        instance = instance.value,
        flags = args.settings.repeated(),
    ))
}

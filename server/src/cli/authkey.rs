//! `authkey create`, `authkey list` and `authkey revoke`.

use serde_json::{Value, json};

use super::args::{AuthkeyCreateArgs, AuthkeyRevokeArgs, ListArgs};
use super::{CliError, data, log, output, secret_input};
use crate::admin::{Actor, KeyScope, NewKey};
use crate::domain::permission::Permissions;

/// `cardea-server authkey create`.
pub(super) async fn create(args: AuthkeyCreateArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let permissions = Permissions::parse(&args.permissions).map_err(|error| CliError::Argument(error.to_string()))?;
    let scope = match (args.service, args.subscription) {
        (Some(service), _) => KeyScope::Service(service),
        (None, Some(subscription)) => KeyScope::Subscription(subscription),
        (None, None) => return Err(CliError::Argument("name a service or a subscription".to_owned())),
    };
    let value = match &args.value_file {
        Some(path) => {
            Some(secret_input::read_line(path).map_err(CliError::io(format!("cannot read {}", path.display())))?)
        }
        None => None,
    };
    let given = value.is_some();
    let admin = data::admin(&config).await?;
    let new = NewKey { value, ..NewKey::new(scope, &args.name, permissions) };
    let created = admin.create_authkey(new, Actor::Operator).await?;
    if args.json {
        return output::json(&json!({ "id": created.id, "value": created.value }));
    }
    if given {
        return output::text(&format!("created {}\n", created.id));
    }
    output::text(&format!("{}\n", created.value))
}

/// `cardea-server authkey list`.
pub(super) async fn list(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let keys = data::admin(&config).await?.list_authkeys().await?;
    if args.json {
        let keys: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "id": key.number,
                    "name": key.name,
                    "scope": key.rights.scope.to_string(),
                    "permissions": key.rights.permissions.names().collect::<Vec<_>>(),
                    "createdAt": key.created_at.get(),
                })
            })
            .collect();
        return output::json(&keys);
    }
    let rows: Vec<[String; 4]> = keys
        .iter()
        .map(|key| {
            let permissions: Vec<&str> = key.rights.permissions.names().collect();
            [key.number.to_string(), key.rights.scope.to_string(), permissions.join(","), key.name.clone()]
        })
        .collect();
    output::table(["ID", "FOR", "PERMISSIONS", "NAME"], &rows)
}

/// `cardea-server authkey revoke`.
pub(super) async fn revoke(args: AuthkeyRevokeArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    data::admin(&config).await?.revoke_authkey(args.id, Actor::Operator).await?;
    output::text(&format!("revoked {}\n", args.id))
}

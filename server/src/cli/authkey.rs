//! `authkey create`, `list`, `rotate` and `revoke`.

use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::{AuthkeyCreateArgs, AuthkeyRevokeArgs, AuthkeyRotateArgs, ListArgs};
use super::{CliError, data, log, output, secret_input};
use crate::admin::{Actor, AdminError, Authkey, CreatedAuthkey, KeyScope, NewKey};
use crate::clock::{Clock, SystemClock, UnixSeconds};
use crate::domain::authkey::Networks;
use crate::domain::permission::Permissions;

/// `cardea-server authkey create`.
pub(super) async fn create(args: AuthkeyCreateArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let permissions = Permissions::parse(&args.permissions).map_err(AdminError::from)?;
    let networks = Networks::parse(args.networks.iter().map(String::as_str)).map_err(AdminError::from)?;
    let scope = match (args.service, args.subscription) {
        (Some(service), _) => KeyScope::Service(service),
        (None, Some(subscription)) => KeyScope::Subscription(subscription),
        (None, None) => KeyScope::Instance,
    };
    let value = args.value_file.as_deref().map(read).transpose()?;
    let is_given = value.is_some();
    let expires_at = args.expires_at.map(UnixSeconds::new);
    let new = NewKey { expires_at, networks, value, ..NewKey::new(scope, &args.name, permissions) };
    let created = data::admin(&config).await?.create_authkey(new, Actor::Operator).await?;
    report(&created, is_given, args.json)
}

/// `cardea-server authkey rotate`.
pub(super) async fn rotate(args: AuthkeyRotateArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let number = number(&args.id)?;
    let value = args.value_file.as_deref().map(read).transpose()?;
    let is_given = value.is_some();
    let admin = data::admin(&config).await?;
    let created = admin.rotate_authkey(number, value, args.overlap, Actor::Operator).await?;
    report(&created, is_given, args.json)
}

fn read(path: &Path) -> Result<Zeroizing<String>, CliError> {
    secret_input::read_line(path).map_err(CliError::io(format!("cannot read {}", path.display())))
}

fn report(created: &CreatedAuthkey, is_given: bool, is_json: bool) -> Result<(), CliError> {
    if is_json {
        return output::json(&json!({ "id": created.id, "value": created.value }));
    }
    if is_given {
        return output::text(&format!("created {}\n", created.id));
    }
    output::text(&format!("{}\n", created.value))
}

fn number(id: &str) -> Result<u64, CliError> {
    id.parse().map_err(|_| CliError::Argument("there is no authkey with this id: see `authkey list`".to_owned()))
}

/// `cardea-server authkey list`.
pub(super) async fn list(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let keys = data::admin(&config).await?.list_authkeys().await?;
    let now = SystemClock.now();
    if args.json {
        return output::json(&keys.iter().map(document).collect::<Vec<_>>());
    }
    let rows: Vec<[String; 6]> = keys
        .iter()
        .map(|key| {
            let permissions: Vec<&str> = key.rights.permissions.names().collect();
            let is_expired = key.rights.expires_at.is_some_and(|end| end <= now);
            let state = match (key.revoked_at, is_expired) {
                (Some(_), _) => "revoked",
                (None, true) => "expired",
                (None, false) => "good",
            };
            [
                key.number.to_string(),
                key.rights.scope.to_string(),
                permissions.join(","),
                state.to_owned(),
                key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
                key.name.clone(),
            ]
        })
        .collect();
    output::table(["ID", "FOR", "PERMISSIONS", "STATE", "LAST USED", "NAME"], &rows)
}

fn document(key: &Authkey) -> Value {
    let time = |time: Option<UnixSeconds>| time.map(UnixSeconds::get);
    json!({
        "id": key.number,
        "name": key.name,
        "scope": key.rights.scope.to_string(),
        "permissions": key.rights.permissions.names().collect::<Vec<_>>(),
        "networks": key.rights.networks.iter().map(|network| network.to_string()).collect::<Vec<_>>(),
        "createdAt": key.created_at.get(),
        "expiresAt": time(key.rights.expires_at),
        "lastUsedAt": time(key.last_used_at),
        "revokedAt": time(key.revoked_at),
        "replacedBy": key.replaced_by,
    })
}

/// `cardea-server authkey revoke`.
pub(super) async fn revoke(args: AuthkeyRevokeArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    data::admin(&config).await?.revoke_authkey(number(&args.id)?, Actor::Operator).await?;
    output::text(&format!("revoked {}\n", args.id))
}

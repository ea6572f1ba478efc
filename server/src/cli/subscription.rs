//! `subscription create`, `list` and `delete`.

use serde_json::{Value, json};

use super::args::{ListArgs, SubscriptionArgs, SubscriptionCommand};
use super::{CliError, data, log, output};
use crate::admin::{Actor, Admin};

/// `cardea-server subscription …`.
pub(super) async fn run(command: SubscriptionCommand) -> Result<(), CliError> {
    match command {
        SubscriptionCommand::Create(args) => {
            open(&args).await?.create_subscription(&args.name, Actor::Operator).await?;
            output::text(&format!("created {}\n", args.name))
        }
        SubscriptionCommand::Delete(args) => {
            open(&args).await?.delete_subscription(&args.name, Actor::Operator).await?;
            output::text(&format!("deleted {}\n", args.name))
        }
        SubscriptionCommand::List(args) => list(args).await,
    }
}

async fn open(args: &SubscriptionArgs) -> Result<Admin, CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    data::admin(&config).await
}

async fn list(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let subscriptions = data::admin(&config).await?.list_subscriptions().await?;
    if args.json {
        let item = |name: &str, at: u64| json!({ "name": name, "createdAt": at });
        let items = subscriptions.iter().map(|entry| item(&entry.name, entry.created_at.get()));
        return output::json(&items.collect::<Vec<Value>>());
    }
    let rows: Vec<[String; 2]> =
        subscriptions.into_iter().map(|entry| [entry.name, entry.created_at.to_string()]).collect();
    output::table(["SUBSCRIPTION", "CREATED"], &rows)
}

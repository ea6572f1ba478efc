//! `application create`, `list`, `update`, `secret` and `delete`.

use serde_json::{Value, json};

use super::args::{ApplicationArgs, ApplicationCommand, ApplicationCreateArgs, PeopleListArgs};
use super::{CliError, data, log, output};
use crate::admin::{Actor, Admin, Application};

/// `cardea-server application …`.
pub(super) async fn run(command: ApplicationCommand) -> Result<(), CliError> {
    match command {
        ApplicationCommand::Create(args) => create(args).await,
        ApplicationCommand::List(args) => list(args).await,
        ApplicationCommand::Update(args) => {
            let which = &args.application;
            let (subscription, number) = (&which.subscription, which.application);
            let admin = open(which).await?;
            let changed =
                admin.update_application(subscription, number, args.name.as_deref(), args.active, Actor::Operator);
            output::text(&format!("updated {}\n", changed.await?.name))
        }
        ApplicationCommand::Secret(args) => {
            let admin = open(&args).await?;
            let renewed = admin.renew_appsecret(&args.subscription, args.application, Actor::Operator).await?;
            output::text(&format!("{}\n", *renewed.secret))
        }
        ApplicationCommand::Delete(args) => {
            open(&args).await?.delete_application(&args.subscription, args.application, Actor::Operator).await?;
            output::text(&format!("deleted {}\n", args.application))
        }
    }
}

async fn open(args: &ApplicationArgs) -> Result<Admin, CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    data::admin(&config).await
}

async fn create(args: ApplicationCreateArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let created =
        data::admin(&config).await?.create_application(&args.subscription, &args.name, Actor::Operator).await?;
    if args.json {
        let mut document = document(&created.application);
        document["appsecret"] = created.secret.as_str().into();
        return output::json(&document);
    }
    output::text(&format!("{}\n", *created.secret))
}

async fn list(args: PeopleListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    let mut applications: Vec<Application> = Vec::new();
    loop {
        let after = applications.last().map_or(0, |application| application.number);
        let page = admin.list_applications(&args.subscription, after, 1_000).await?;
        if page.is_empty() {
            break;
        }
        applications.extend(page);
    }
    if args.json {
        return output::json(&applications.iter().map(document).collect::<Vec<_>>());
    }
    let rows: Vec<[String; 5]> = applications
        .iter()
        .map(|it| {
            let state = if it.active { "active" } else { "deactivated" };
            [it.number.to_string(), it.client_id(), state.to_owned(), it.created_at.to_string(), it.name.clone()]
        })
        .collect();
    output::table(["ID", "CLIENT ID", "STATE", "CREATED", "NAME"], &rows)
}

fn document(application: &Application) -> Value {
    json!({
        "id": application.number,
        "clientId": application.client_id(),
        "name": application.name,
        "active": application.active,
        "createdAt": application.created_at.get(),
        "secretSetAt": application.secret_at.get(),
    })
}

//! `token …`: what an operator does to one token, beside or without a running server.

use super::args::{TokenArgs, TokenCommand};
use super::{CliError, data, log, output};
use crate::admin::Actor;
use crate::admin::{Admin, Service};
use crate::domain::name::{ServiceName, UserId};

/// `cardea-server token …`.
pub(super) async fn run(command: TokenCommand) -> Result<(), CliError> {
    match command {
        TokenCommand::Status(args) => {
            let (admin, service, user) = find(args).await?;
            let status = admin.status(&service, &user, Actor::Operator).await?;
            output::text(&format!("{}\n", status.number()))
        }
        TokenCommand::Close(args) => {
            let (admin, service, user) = find(args).await?;
            admin.close(&service, &user, Actor::Operator).await?;
            output::text("closed\n")
        }
        TokenCommand::ClearDuress(args) => {
            let (admin, service, user) = find(args).await?;
            admin.clear_duress(&service, &user, Actor::Operator).await?;
            output::text("duress has ended, the token is closed\n")
        }
        TokenCommand::Block(args) => {
            let (admin, service, user) = find(args).await?;
            admin.block(&service, &user, Actor::Operator).await?;
            output::text("blocked\n")
        }
        TokenCommand::Unblock(args) => {
            let (admin, service, user) = find(args).await?;
            admin.unblock(&service, &user, Actor::Operator).await?;
            output::text("unblocked\n")
        }
        TokenCommand::Delete(args) => {
            let (admin, service, user) = find(args).await?;
            admin.delete(&service, &user, Actor::Operator).await?;
            output::text("deleted\n")
        }
    }
}

async fn find(args: TokenArgs) -> Result<(Admin, Service, UserId), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let argument = |error: crate::domain::name::NameError| CliError::Argument(error.to_string());
    let name = ServiceName::parse(&args.service).map_err(argument)?;
    let user = UserId::parse(args.user).map_err(argument)?;
    let admin = data::admin(&config).await?;
    let service = admin.list_services().await?.into_iter().find(|service| service.name == name);
    let none = || CliError::Argument(format!("there is no service {name}: see `cardea-server service list`"));
    Ok((admin, service.ok_or_else(none)?, user))
}

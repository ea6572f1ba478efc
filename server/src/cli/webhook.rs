//! `webhook show`, `test`, `secret` and `enable`.

use serde_json::{Value, json};

use super::args::{ServiceShowArgs, WebhookCommand};
use super::{CliError, data, log, output};
use crate::admin::{Actor, Admin, AdminError, Service};
use crate::domain::name::ServiceName;
use crate::http::webhook_body;

/// `cardea-server webhook …`.
pub(super) async fn run(command: WebhookCommand) -> Result<(), CliError> {
    match command {
        WebhookCommand::Show(args) => show(args).await,
        WebhookCommand::Test(args) => test(args).await,
        WebhookCommand::Secret(args) => secret(args).await,
        WebhookCommand::Enable(args) => enable(args).await,
    }
}

async fn open(args: &ServiceShowArgs) -> Result<(Admin, Service), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let name = ServiceName::parse(&args.name).map_err(AdminError::from)?;
    let admin = data::admin(&config).await?.with_caller(data::caller(&config, false)?);
    let (service, _) = admin.service(&name).await?;
    Ok((admin, service))
}

async fn show(args: ServiceShowArgs) -> Result<(), CliError> {
    let (admin, service) = open(&args).await?;
    let state = admin.webhook_state(&service).await?;
    let state = state.ok_or_else(|| AdminError::BadCall("the service has no webhook".to_owned()))?;
    let value = webhook_body(&state);
    if args.json {
        return output::json(&value);
    }
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = value.as_object().into_iter().flatten();
    let rows: Vec<[String; 2]> = members.map(|(name, value)| [name.clone(), plain(value)]).collect();
    output::table(["WEBHOOK", service.name.as_str()], &rows)
}

async fn test(args: ServiceShowArgs) -> Result<(), CliError> {
    let (admin, service) = open(&args).await?;
    let failed = admin.test_webhook(&service).await?;
    if args.json {
        let delivered = failed.is_none();
        output::json(&json!({ "delivered": delivered, "error": failed }))?;
    } else if failed.is_none() {
        output::text("the test was delivered\n")?;
    }
    failed.map_or(Ok(()), |error| Err(CliError::Undelivered(error)))
}

async fn secret(args: ServiceShowArgs) -> Result<(), CliError> {
    let (admin, service) = open(&args).await?;
    let secret = admin.renew_webhook_secret(&service.name, Actor::Operator).await?;
    if args.json {
        return output::json(&json!({ "secret": secret }));
    }
    output::text(&format!("{secret}\n"))
}

async fn enable(args: ServiceShowArgs) -> Result<(), CliError> {
    let (admin, service) = open(&args).await?;
    let erased = admin.enable_webhook(&service, Actor::Operator).await?;
    if args.json {
        return output::json(&json!({ "enabled": true, "erased": erased }));
    }
    let lost = match erased {
        0 => String::new(),
        erased => format!(", but {erased} of its events were erased by retention meanwhile"),
    };
    output::text(&format!("deliveries of {} go on{lost}\n", service.name))
}

//! `service create`, `list`, `show`, `update` and `delete`.

use serde_json::Value;

use super::args::{ListArgs, ServiceArgs, ServiceDeleteArgs, ServiceShowArgs};
use super::{CliError, data, log, output};
use crate::admin::{Actor, Admin, AdminError, NewService, Service, ServiceChange, StoredService};
use crate::config::Config;
use crate::domain::authkey::Scope;
use crate::domain::name::ServiceName;
use crate::domain::rules::ServiceRules;
use crate::http::service_body;

/// `cardea-server service create`.
pub(super) async fn create(args: ServiceArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let new = NewService {
        name: args.name.clone(),
        rules: args.rules.change().applied_to(ServiceRules::default()),
        label: args.label.filter(|label| !label.is_empty()),
        webhook: args.webhook.filter(|url| !url.is_empty()),
    };
    let stored = open(&config).await?.create_service(new, Actor::Operator).await?;
    report("created", &stored, args.json)
}

/// `cardea-server service update`.
pub(super) async fn update(args: ServiceArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let or_none = |text: String| (!text.is_empty()).then_some(text);
    let change = ServiceChange {
        rules: args.rules.change(),
        label: args.label.map(or_none),
        webhook: args.webhook.map(or_none),
    };
    if change == ServiceChange::default() {
        return Err(CliError::Argument("name a setting to change: see `service update --help`".to_owned()));
    }
    let stored = open(&config).await?.update_service(&name(&args.name)?, change, Actor::Operator).await?;
    report("updated", &stored, args.json)
}

async fn open(config: &Config) -> Result<Admin, CliError> {
    Ok(data::admin(config).await?.with_plain_webhooks(config.webhook.allow_http))
}

fn report(done: &str, stored: &StoredService, is_json: bool) -> Result<(), CliError> {
    let StoredService { service, webhook, webhook_secret } = stored;
    if is_json {
        let mut value = document(service, webhook.as_deref());
        if let Some(secret) = webhook_secret {
            value["webhookSecret"] = secret.as_str().into();
        }
        return output::json(&value);
    }
    let secret = webhook_secret.as_ref();
    let secret = secret.map_or_else(String::new, |secret| format!("webhook secret, not shown again: {secret}\n"));
    output::text(&format!("{done} {}\n{secret}", service.name))
}

fn name(text: &str) -> Result<ServiceName, AdminError> {
    Ok(ServiceName::parse(text)?)
}

/// `cardea-server service delete`.
pub(super) async fn delete(args: ServiceDeleteArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    data::admin(&config).await?.delete_service(&name(&args.name)?, args.force, Actor::Operator).await?;
    output::text(&format!("deleted {}\n", args.name))
}

/// `cardea-server service show`.
pub(super) async fn show(args: ServiceShowArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let (service, webhook) = data::admin(&config).await?.service(&name(&args.name)?).await?;
    let value = document(&service, webhook.as_deref());
    if args.json {
        return output::json(&value);
    }
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let settings = value.as_object().into_iter().flatten();
    let rows: Vec<[String; 2]> = settings.map(|(name, value)| [name.clone(), plain(value)]).collect();
    output::table(["SETTING", "VALUE"], &rows)
}

/// A service as the API shows it, and its name once more under `name`.
fn document(service: &Service, webhook: Option<&str>) -> Value {
    let mut document = service_body(service, webhook);
    document["name"] = service.name.as_str().into();
    document
}

/// `cardea-server service list`.
pub(super) async fn list(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let services = data::admin(&config).await?.services_in(&Scope::Instance).await?;
    if args.json {
        let services = services.iter().map(|(service, webhook)| document(service, webhook.as_deref()));
        return output::json(&services.collect::<Vec<_>>());
    }
    let rows: Vec<[String; 5]> = services
        .iter()
        .map(|(service, webhook)| {
            let window = service.rules.window;
            let duress = match (service.rules.duress, service.rules.silent_alarm) {
                (false, _) => "off",
                (true, false) => "status 3",
                (true, true) => "silent alarm",
            };
            [
                service.name.to_string(),
                if window.is_single_use() { "single use".to_owned() } else { format!("{} s", window.seconds()) },
                service.rules.limits.tries.to_string(),
                duress.to_owned(),
                webhook.clone().unwrap_or_default(),
            ]
        })
        .collect();
    output::table(["SERVICE", "WINDOW", "TRIES", "DURESS", "WEBHOOK"], &rows)
}

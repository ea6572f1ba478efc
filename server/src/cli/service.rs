//! `service create` and `service list`.

use serde_json::{Value, json};

use super::args::{ListArgs, ServiceCreateArgs};
use super::{CliError, data, log, output};
use crate::admin::{Actor, NewService};
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::Limits;
use crate::domain::world::Window;

/// `cardea-server service create`.
pub(super) async fn create(args: ServiceCreateArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let admin = data::admin(&config).await?;
    admin.create_service(NewService { name: args.name.clone(), rules: rules(&args) }, Actor::Operator).await?;
    output::text(&format!("created {}\n", args.name))
}

fn rules(args: &ServiceCreateArgs) -> ServiceRules {
    ServiceRules {
        window: Window::new(args.window, args.lifetime),
        limits: Limits { tries: args.tries, unblock_after: args.unblock_after },
        silent_alarm: args.silent_alarm,
        duress: !args.no_duress,
        biometric: args.biometric,
        emulated: !args.no_emulated,
        ..ServiceRules::default()
    }
}

/// `cardea-server service list`.
pub(super) async fn list(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let services = data::admin(&config).await?.list_services().await?;
    if args.json {
        let services: Vec<Value> = services
            .iter()
            .map(|service| {
                json!({
                    "name": service.name.as_str(),
                    "window": service.rules.window.seconds(),
                    "lifetime": service.rules.window.lifetime(),
                    "tries": service.rules.limits.tries,
                    "unblockAfter": service.rules.limits.unblock_after,
                    "duress": service.rules.duress,
                    "silentAlarm": service.rules.silent_alarm,
                    "biometric": service.rules.biometric,
                    "emulated": service.rules.emulated,
                })
            })
            .collect();
        return output::json(&services);
    }
    let rows: Vec<[String; 4]> = services
        .iter()
        .map(|service| {
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
            ]
        })
        .collect();
    output::table(["SERVICE", "WINDOW", "TRIES", "DURESS"], &rows)
}

//! `policy show` and `update`.

use serde_json::{Value, json};

use super::args::{PolicyArgs, PolicyCommand, PolicyUpdateArgs};
use super::{CliError, data, log, output};
use crate::admin::{Actor, PolicyChange};
use crate::domain::policy::SignInPolicy;

/// `cardea-server policy …`.
pub(super) async fn run(command: PolicyCommand) -> Result<(), CliError> {
    match command {
        PolicyCommand::Show(PolicyArgs { settings, subscription }) => {
            let config = settings.load(None)?;
            log::start(&config.log);
            output::json(&document(&data::admin(&config).await?.policy(&subscription).await?))
        }
        PolicyCommand::Update(PolicyUpdateArgs { policy, password_least, blocked_words }) => {
            let config = policy.settings.load(None)?;
            log::start(&config.log);
            let blocked = blocked_words.map(|list| words(&list));
            let change = PolicyChange { password_least, blocked };
            let admin = data::admin(&config).await?;
            output::json(&document(&admin.update_policy(&policy.subscription, change, Actor::Operator).await?))
        }
    }
}

/// The words of a list with commas; of an empty one none.
fn words(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn document(policy: &SignInPolicy) -> Value {
    json!({ "passwordLeast": policy.password_least, "blockedWords": policy.blocked })
}

//! What each command does.

mod device;
mod evidence;
mod process;
mod relying;
mod replay;
mod session;
mod state;
mod token;

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::args::{Arguments, Command, Common, FaultVerb, Final, TraceVerb};
use super::client::Client;
use super::output::Output;
use super::pins::{Pins, Text};
use super::scenario::ScenarioCommand;
use super::{CliError, ask};

/// What commands work with.
struct Doing<'a> {
    common: &'a Common,
    client: Client,
    pins: Pins,
    output: Output,
}

/// Does what one command says; what to print is printed.
pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), CliError> {
    let Arguments { common, command } = arguments;
    let command = match command {
        Command::Up(conditions) => return process::up(&common, &conditions, output).await,
        Command::Down => return process::down(&common, output).await,
        Command::Ps => return process::ps(output).await,
        Command::Rp(verb) => return relying::relying(verb, common.talk.timeout, output).await,
        Command::Trace(TraceVerb::Diff { first, second }) => return replay::diff(&first, &second, output),
        command => command,
    };
    let client = match &command {
        Command::Fault(FaultVerb::Catalog { .. }) => Client::find(&common).await?,
        Command::Session(_)
        | Command::Snap(_)
        | Command::Journal(_)
        | Command::Fault(_)
        | Command::Trace(_)
        | Command::Replay(_)
        | Command::Scenario(ScenarioCommand::Record(_)) => Client::running(&common).await?,
        _ => Client::find(&common).await?,
    };
    let client = match &command {
        // They say themselves for how long.
        Command::Wait(_) => client,
        _ => client.give_up_after(common.talk.timeout.map(Duration::from_millis)),
    };
    let client = client.heard_by(output.log().clone());
    let pins = Pins::open(&common.pins, common.talk.no_input)?;
    let mut doing = Doing { common: &common, client, pins, output: output.clone() };
    match command {
        Command::Enroll(how) => token::enroll(&mut doing, how).await,
        Command::Open { which, time } => token::open(&mut doing, which, time).await,
        Command::Close(which) => token::close(&doing, which).await,
        Command::Toggle(which) => token::toggle(&mut doing, which).await,
        Command::Status { which, exit_state } => token::status(&doing, which, exit_state).await,
        Command::List => token::list(&doing).await,
        Command::Confirmations(which) => token::confirmations(&doing, which).await,
        Command::Approve(which) => token::approve(&mut doing, which).await,
        Command::Deny(how) => token::deny(&doing, how).await,
        Command::Info(which) => token::info(&doing, which).await,
        Command::Devices(which) => token::siblings(&doing, which).await,
        Command::History { which, page } => token::history(&doing, which, page).await,
        Command::RevokeDevice { other, which, is_final } => token::revoke(&mut doing, &other, which, is_final).await,
        Command::ChangePin { which, duress } => token::change_pin(&mut doing, which, duress).await,
        Command::SetDuress(which) => token::set_duress(&mut doing, which).await,
        Command::Label { label, which } => token::label(&doing, &label, which).await,
        Command::Unenroll { which, local, is_final } => token::unenroll(&mut doing, which, local, is_final).await,
        Command::Device(verb) => device::device(&mut doing, verb).await,
        Command::Prompt(verb) => device::prompt(&mut doing, verb).await,
        Command::Net(verb) => device::net(&doing, verb).await,
        Command::Clock(verb) => session::clock(&doing, verb).await,
        Command::Session(verb) => session::session(&doing, verb).await,
        Command::Snap(verb) => state::snap(&doing, verb).await,
        Command::Journal(how) => session::journal(&doing, how).await,
        Command::Fault(verb) => evidence::fault(&doing, verb).await,
        Command::Scenario(ScenarioCommand::Record(how)) => evidence::record(&doing, how).await,
        Command::Trace(verb) => evidence::trace(&doing, verb).await,
        Command::Replay(how) => replay::replay(&doing, how).await,
        Command::Watch => session::watch(&doing).await,
        Command::Wait(how) => session::wait(&doing, how).await,
        Command::Version => process::version(&doing).await,
        Command::Capabilities => {
            let can = doing.client.call(Method::GET, "/v1/capabilities", None).await?;
            let lines = can.as_object().into_iter().flatten().map(|(name, value)| format!("{name}: {value}"));
            doing.output.done(&can, &lines.collect::<Vec<_>>().join("\n"))
        }
        #[cfg(feature = "window")]
        Command::Window(_) => Ok(()),
        Command::Run(_)
        | Command::Up(_)
        | Command::Down
        | Command::Ps
        | Command::Rp(_)
        | Command::Config(_)
        | Command::Doctor(_)
        | Command::Openapi
        | Command::Completions(_)
        | Command::Man
        | Command::Reference
        | Command::Stub(_)
        | Command::Scenario(_) => Ok(()),
        #[cfg(feature = "terminal")]
        Command::Terminal(_) => Ok(()),
    }
}

impl Doing<'_> {
    /// Tells the device to do something.
    async fn tell(&self, path: &str, body: Value) -> Result<Value, CliError> {
        self.client.of_device(Method::POST, path, Some(body)).await
    }

    /// Whether something is to be done that cannot be undone: not if it is only to be said, and else if somebody says so.
    fn is_sure(&self, how: Final, what: &str) -> Result<bool, CliError> {
        if how.dry_run {
            self.output.done(&json!({ "dryRun": true, "would": what }), &format!("would {what}"))?;
            return Ok(false);
        }
        if !self.common.talk.yes {
            ask::whether(what, self.common.talk.no_input)?;
        }
        Ok(true)
    }

    /// The PIN for an operation, unless its holder types it.
    async fn pin(&mut self) -> Result<Option<Text>, CliError> {
        if self.says_pins().await? { self.pins.current().map(Some) } else { Ok(None) }
    }

    /// Whether PINs are said with what is done: where some are given, where nobody else holds the device, and where whoever
    /// does was not told them.
    async fn says_pins(&self) -> Result<bool, CliError> {
        if self.pins.are_given() || self.client.has_no_holder() {
            return Ok(true);
        }
        Ok(self.client.of_device(Method::GET, "", None).await?["knowsPin"] == false)
    }
}

/// A body with these members; those that are nothing are left out.
fn body<const N: usize>(members: [(&str, Value); N]) -> Value {
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(given.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn pin_value(pin: Option<&Text>) -> Value {
    pin.map_or(Value::Null, |pin| json!(**pin))
}

fn pin_values(pins: &[Text]) -> Value {
    pins.iter().map(|pin| Value::from(pin.as_str())).collect()
}

/// What follows the `?` of an address.
fn query<const N: usize>(members: [(&str, Option<&str>); N]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        if let Some(value) = value {
            text.append_pair(name, value);
        }
    }
    let text = text.finish();
    if text.is_empty() { text } else { format!("?{text}") }
}

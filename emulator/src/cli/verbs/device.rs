//! What is done with devices, their holders and their networks.

use hyper::Method;
use serde_json::{Value, json};

use super::token::invitation;
use super::{Doing, body, pin_value, pin_values, state};
use crate::cli::args::{DeviceVerb, Does, NetVerb, PromptVerb};
use crate::cli::{CliError, say};
use crate::engine::Profile;

pub(super) async fn device(doing: &mut Doing<'_>, verb: DeviceVerb) -> Result<(), CliError> {
    match verb {
        DeviceVerb::New { name, enroll, profile, watch } => {
            let enroll = match enroll.as_deref().map(invitation).transpose()? {
                Some(link) => json!({ "invitation": *link }),
                None => Value::Null,
            };
            if doing.client.has_no_holder() && !enroll.is_null() {
                let hint = "who is to choose its PIN? `--device NAME enroll` asks for one, and so does nobody here";
                return Err(CliError::Usage(hint.into()));
            }
            if doing.client.has_no_holder() && profile.is_some() {
                return Err(CliError::NotRunning(doing.common.state_folder()?.display().to_string()));
            }
            // Nobody is asked for PINs here: without them its holder has those that everybody knows.
            let pins = if doing.pins.are_given() { Some(doing.pins.new_set(false)?) } else { None };
            let (pin, duress) = pins.as_ref().map_or((None, &[][..]), |(pin, duress)| (Some(pin), duress));
            let new = body([
                ("name", json!(name)),
                ("pin", pin_value(pin)),
                ("duressPins", pin_values(duress)),
                ("enroll", enroll),
                ("profile", json!(profile)),
                ("watch", json!(watch)),
            ]);
            let made = doing.client.of_session(Method::POST, "/devices", Some(new)).await?;
            doing.output.done(&made, &say::device(&made))
        }
        DeviceVerb::List => {
            let devices = doing.client.of_session(Method::GET, "/devices", None).await?;
            doing.output.done(&devices, &say::devices(&devices))
        }
        DeviceVerb::Show { .. } => {
            let shown = doing.client.of_device(Method::GET, "", None).await?;
            doing.output.done(&shown, &say::device_with_tokens(&shown))
        }
        DeviceVerb::Clone { name, new } => state::copy(doing, &name, &new).await,
        DeviceVerb::Rename { name, new } => state::rename(doing, &name, &new).await,
        DeviceVerb::Reset { name, is_final } => state::reset(doing, &name, is_final).await,
        DeviceVerb::Export(how) => state::export(doing, how).await,
        DeviceVerb::Import(how) => state::import(doing, how).await,
        DeviceVerb::Listen | DeviceVerb::Rest => {
            if doing.client.has_no_holder() {
                return Err(CliError::NotRunning(doing.common.state_folder()?.display().to_string()));
            }
            let listens = matches!(verb, DeviceVerb::Listen);
            let method = if listens { Method::POST } else { Method::DELETE };
            doing.client.of_device(method, "/watch", None).await?;
            doing.output.done(&json!({ "watched": listens }), if listens { "listens" } else { "rests" })
        }
        DeviceVerb::Rm { name, is_final } => {
            state::is_there(doing, &name).await?;
            let path = format!("/devices/{name}");
            if !doing.is_sure(is_final, &format!("remove the device {name} with its tokens"))? {
                return Ok(());
            }
            doing.client.of_session(Method::DELETE, &path, None).await?;
            doing.output.done(&json!({ "removed": name }), &format!("removed {name}"))
        }
    }
}

pub(super) async fn prompt(doing: &mut Doing<'_>, verb: PromptVerb) -> Result<(), CliError> {
    if doing.client.has_no_holder() {
        return Err(CliError::NotRunning(doing.common.state_folder()?.display().to_string()));
    }
    let reaction = |does: Does, delay: Option<Value>| {
        body([("outcome", json!(does.word())), ("delay", delay.unwrap_or(Value::Null))])
    };
    match verb {
        PromptVerb::List => {
            let waiting = doing.client.of_device(Method::GET, "/prompts", None).await?;
            doing.output.done(&waiting, &say::prompts(&waiting))
        }
        PromptVerb::Answer { does, id } => {
            let ids = match id {
                Some(id) => vec![json!(id)],
                None => {
                    let waiting = doing.client.of_device(Method::GET, "/prompts", None).await?;
                    waiting["prompts"].as_array().into_iter().flatten().map(|prompt| prompt["prompt"].clone()).collect()
                }
            };
            if ids.is_empty() {
                return Err(CliError::Usage("nobody is asked anything: wait with `wait \"prompt != null\"`".into()));
            }
            // A PIN that was given is typed, whichever it is.
            let pin = (does == Does::Approve && doing.pins.are_given()).then(|| doing.pins.current()).transpose()?;
            for id in &ids {
                let answer = body([("outcome", json!(does.word())), ("pin", pin_value(pin.as_ref()))]);
                doing.tell(&format!("/prompts/{id}"), answer).await?;
            }
            doing.output.done(&json!({ "answered": ids }), &format!("answered {}", ids.len()))
        }
        PromptVerb::Next { does, delay } => {
            let next = reaction(does, delay);
            doing.tell("/presence/next", next.clone()).await?;
            doing.output.done(&next, &format!("next: {}", say::habit(&next)))
        }
        PromptVerb::Policy { does: None, .. } => {
            let usual = doing.client.of_device(Method::GET, "/presence", None).await?;
            doing.output.done(&usual, &say::habit(&usual))
        }
        PromptVerb::Policy { does: Some(does), delay } => {
            let usual = reaction(does, delay);
            doing.client.of_device(Method::PUT, "/presence", Some(usual.clone())).await?;
            doing.output.done(&usual, &format!("always: {}", say::habit(&usual)))
        }
        PromptVerb::Forget => {
            doing.client.of_device(Method::DELETE, "/presence/next", None).await?;
            doing.output.done(&json!({}), "forgotten")
        }
        PromptVerb::Pins => {
            let (pin, duress) = doing.pins.new_set(true)?;
            let new = body([("pin", pin_value(Some(&pin))), ("duressPins", pin_values(&duress))]);
            doing.client.of_device(Method::PUT, "/persona", Some(new)).await?;
            doing.output.done(&json!({ "duressPins": duress.len() }), "the holder has these PINs from now on")
        }
    }
}

pub(super) async fn net(doing: &Doing<'_>, verb: NetVerb) -> Result<(), CliError> {
    if doing.client.has_no_holder() {
        return Err(CliError::NotRunning(doing.common.state_folder()?.display().to_string()));
    }
    let set = match verb {
        NetVerb::Show => None,
        NetVerb::Set { profile } => {
            let profile = if profile.trim_start().starts_with('{') {
                serde_json::from_str(&profile)
                    .map_err(|error| CliError::Usage(format!("the conditions are no JSON: {error}")))?
            } else {
                json!(profile)
            };
            crate::json::from_value::<Profile>(profile.clone()).map_err(CliError::Usage)?;
            Some(profile)
        }
        NetVerb::Clear => Some(json!("ideal")),
    };
    if let Some(profile) = set {
        doing.client.of_device(Method::PUT, "/network", Some(json!({ "profile": profile }))).await?;
    }
    let now = doing.client.of_device(Method::GET, "/network", None).await?;
    doing.output.done(&now, &say::network(&now))
}

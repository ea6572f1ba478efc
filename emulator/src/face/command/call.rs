//! What is said, as a call of the control API.

use base64ct::{Base64, Encoding as _};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::{Command, Invitation, On, Secret};

/// A call.
#[derive(Debug)]
pub(in super::super) struct Call {
    pub(in super::super) method: Method,
    pub(in super::super) path: String,
    pub(in super::super) body: Option<Value>,
}

/// What only the owner of the emulator should see is in bodies, never in paths.
impl Command {
    /// The call in this session; none where nothing is changed or it is a file that is written.
    pub(in super::super) fn call(&self, session: &str) -> Option<Call> {
        let of_session = |method: Method, path: &str, body: Value| {
            Some(Call { method, path: format!("/v1/sessions/{session}{path}"), body: some(body) })
        };
        let of_device = |method: Method, device: &str, path: &str, body: Value| {
            of_session(method, &format!("/devices/{device}{path}"), body)
        };
        let post = |on: &On, path: &str, rest: Value| of_device(Method::POST, &on.device, path, about(on, rest));
        let ask = |on: &On, path: &str| {
            let query = on.token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
            of_device(Method::GET, &on.device, &format!("{path}{query}"), Value::Null)
        };
        match self {
            Self::Refresh | Self::Look(_) | Self::Export(_) | Self::Record(_) | Self::Check { .. } => None,
            Self::Open { on, seconds, pin } => post(on, "/open", json!({ "seconds": seconds, "pin": typed(pin) })),
            Self::Close(on) => post(on, "/close", json!({})),
            Self::Status(on) => post(on, "/status", json!({})),
            Self::Enroll { device, invitation, pin, duress, label } => {
                let mut body = invited(invitation);
                body["pin"] = json!(pin.reveal());
                body["duressPins"] = all(duress);
                if !label.is_empty() {
                    body["label"] = json!(label);
                }
                of_device(Method::POST, device, "/enroll", body)
            }
            Self::Confirmations(on) => ask(on, "/confirmations"),
            Self::Approve { on, id, pin } => post(on, "/approve", json!({ "id": id, "pin": typed(pin) })),
            Self::Deny { on, id, reason } => post(on, "/deny", json!({ "id": id, "reason": reason })),
            Self::Answer { device, prompt, does, pin } => {
                let body = given(json!({ "outcome": does, "pin": typed(pin) }));
                of_device(Method::POST, device, &format!("/prompts/{prompt}"), body)
            }
            Self::NewDevice { name } => of_session(Method::POST, "/devices", json!({ "name": name })),
            Self::RemoveDevice { name } => of_device(Method::DELETE, name, "", Value::Null),
            Self::Clone { device, new } => of_device(Method::POST, device, "/clone", json!({ "name": new })),
            Self::Rename { device, new } => of_device(Method::POST, device, "/rename", json!({ "name": new })),
            Self::Reset { device } => of_device(Method::POST, device, "/reset", Value::Null),
            Self::SnapSave(name) => of_session(Method::POST, "/snapshots", json!({ "name": name })),
            Self::SnapLoad(name) => of_session(Method::POST, &format!("/snapshots/{name}/restore"), Value::Null),
            Self::SnapRemove(name) => of_session(Method::DELETE, &format!("/snapshots/{name}"), Value::Null),
            Self::Watch { device, watch } => {
                let method = if *watch { Method::POST } else { Method::DELETE };
                of_device(method, device, "/watch", Value::Null)
            }
            Self::Label { on, label } => {
                of_device(Method::PUT, &on.device, "/label", about(on, json!({ "label": label })))
            }
            Self::Unenroll { on, pin } => post(on, "/unenroll", json!({ "pin": typed(pin) })),
            Self::Forget(on) => post(on, "/forget", json!({})),
            Self::About(on) => ask(on, "/about"),
            Self::Siblings(on) => ask(on, "/devices"),
            Self::History(on) => ask(on, "/history"),
            Self::Revoke { on, other, pin } => post(on, "/revoke", json!({ "device": other, "pin": typed(pin) })),
            Self::ChangePins { on, pin, new, duress } => {
                let body = json!({ "pin": pin.reveal(), "newPin": new.reveal(), "duressPins": all(duress) });
                post(on, "/change-pins", body)
            }
            Self::Network { device, profile } => {
                of_device(Method::PUT, device, "/network", json!({ "profile": profile }))
            }
            Self::Habit { device, does } => of_device(Method::PUT, device, "/presence", json!({ "outcome": does })),
            Self::Next { device, does } => {
                of_device(Method::POST, device, "/presence/next", json!({ "outcome": does }))
            }
            Self::Persona { device, pin, duress } => {
                let body = json!({ "pin": pin.reveal(), "duressPins": all(duress) });
                of_device(Method::PUT, device, "/persona", body)
            }
            Self::Freeze(frozen) => of_session(Method::PUT, "/clock", json!({ "frozen": frozen })),
            Self::Advance(seconds) => of_session(Method::POST, "/clock/advance", json!({ "seconds": seconds })),
            Self::Skew { device, seconds } => {
                of_device(Method::PUT, device, "/clock", json!({ "skewSeconds": seconds }))
            }
            Self::Arm { fault, times, device } => {
                let mut rule = given(json!({ "fault": fault, "times": times }));
                if let Some(device) = device {
                    rule["match"] = json!({ "device": device });
                }
                of_session(Method::POST, "/faults", rule)
            }
            Self::Disarm { id } => of_session(Method::DELETE, &format!("/faults/{id}"), Value::Null),
            Self::ClearFaults => of_session(Method::DELETE, "/faults", Value::Null),
            Self::Trace(on) => of_session(if *on { Method::POST } else { Method::DELETE }, "/trace", Value::Null),
        }
    }
}

fn some(body: Value) -> Option<Value> {
    (!body.is_null()).then_some(body)
}

/// Without what is nothing.
fn given(body: Value) -> Value {
    let Value::Object(members) = body else { return body };
    Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
}

/// With the token that is meant.
fn about(on: &On, mut body: Value) -> Value {
    body["token"] = json!(on.token);
    given(body)
}

fn typed(pin: &Option<Secret>) -> Value {
    pin.as_ref().map_or(Value::Null, |pin| json!(pin.reveal()))
}

fn all(pins: &[Secret]) -> Value {
    pins.iter().map(|pin| json!(pin.reveal())).collect()
}

fn invited(invitation: &Invitation) -> Value {
    match invitation {
        Invitation::Text(text) => json!({ "invitation": text.reveal() }),
        Invitation::Code(code, host) => json!({ "invitation": code.reveal(), "host": host }),
        Invitation::Picture(bytes, _) => json!({ "picture": Base64::encode_string(bytes) }),
    }
}

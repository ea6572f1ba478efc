//! Servers that are there already, and what cannot be done with them: their time and their users are not the scenario's.

use std::path::PathBuf;

use crate::document::{DocumentError, Fields, Node};
use crate::scenario::{Party, Scenario, Server, Step, Verb};

/// The fields of such a server.
pub(in crate::scenario) const SERVER: &[&str] = &["url", "service", "authkey-file", "test-argon2"];

/// `{url: "https://id.example", service: default_door, authkey-file: key.txt}`.
pub(super) fn server(node: &Node) -> Result<Server, DocumentError> {
    let fields = node.fields(SERVER)?;
    let url = fields.need("url")?;
    if !["http://", "https://"].iter().any(|scheme| url.text().is_ok_and(|url| url.starts_with(scheme))) {
        return Err(url.error("the address of a token API is needed here: http://... or https://..."));
    }
    let party = match (fields.read("service", Node::text)?, fields.read("authkey-file", Node::text)?) {
        (Some(service), Some(file)) => Some(Party { service: service.to_owned(), authkey_file: PathBuf::from(file) }),
        (None, None) => None,
        _ => return Err(node.error("to ask needs both `service` and `authkey-file`")),
    };
    let test_argon2 = fields.read("test-argon2", super::truth)?.unwrap_or(false);
    Ok(Server { url: url.text()?.to_owned(), party, test_argon2 })
}

/// Whether everything in a scenario can be done with its server.
pub(super) fn fits(scenario: &Scenario, fields: Fields<'_>) -> Result<(), DocumentError> {
    let server = scenario.server.as_ref();
    if server.is_some() {
        for stubs in ["stub", "service"] {
            if let Some(node) = fields.get(stubs) {
                return Err(node.error(format!(
                    "`{stubs}` is of a stub, and there is a `server` with an address: leave one of them out"
                )));
            }
        }
        if let Some(window) = fields.get("matrix").filter(|_| !scenario.matrix.window.is_empty()) {
            return Err(window.error("the window of a `server` with an address is its own: leave `window` out"));
        }
    }
    steps(server, &scenario.steps)
}

fn steps(server: Option<&Server>, all: &[Step]) -> Result<(), DocumentError> {
    all.iter().try_for_each(|step| match (&step.verb, server) {
        (Verb::Repeat { steps: inner, .. } | Verb::Parallel(inner), _) => steps(server, inner),
        (Verb::Include { file, steps: inner }, _) => {
            steps(server, inner).map_err(|error| step.place.error(format!("in {file}, {error}")))
        }
        (verb, server) => {
            let wrong = server.map_or_else(|| of_stub(verb), |server| of_server(server, step));
            wrong.map_or(Ok(()), |message| Err(step.place.error(message)))
        }
    })
}

fn of_stub(verb: &Verb) -> Option<&'static str> {
    let offered = matches!(verb, Verb::Enroll { offered: Some(_), .. });
    offered.then_some("the stub offers by itself: leave out `with`, or say which `server` has offered it")
}

fn of_server(server: &Server, step: &Step) -> Option<&'static str> {
    let is_asked = matches!(step.verb, Verb::Check { .. } | Verb::Ask { .. });
    if is_asked && server.party.is_none() {
        return Some("to ask, `server` needs `service` and `authkey-file`");
    }
    if step.expect.as_ref().is_some_and(|expect| !expect.server.is_empty()) {
        return Some(
            "nobody looks into a `server` with an address: say `check: USER` with the `answer` that is expected",
        );
    }
    match &step.verb {
        Verb::Enroll { offered: None, .. } => {
            Some("a `server` with an address is not told to offer anything: say the link or the code in `with`")
        }
        Verb::Advance(_) => {
            Some("the time of a `server` with an address is its own: only the clock of a device can be wrong")
        }
        Verb::Token { .. } | Verb::RotateKeys | Verb::ServerSkew(_) => {
            Some("nobody administers a `server` with an address from here: use a stub")
        }
        Verb::Stub(_) => Some("rules of a stub need a stub: leave out `server`"),
        _ => None,
    }
}

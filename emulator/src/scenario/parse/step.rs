//! Steps as people write them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::include::Files;
use super::{VERBS, net, seconds, skew};
use crate::document::{DocumentError, Fields, Node, did_you_mean};
use crate::engine::Persona;
use crate::faults::{Rule, RuleError};
use crate::json;
use crate::scenario::words::{OUTCOMES, REASONS};
use crate::scenario::{Act, Expect, Hidden, Offered, Step, Verb};
use crate::stub::script::{self, TokenChange};

/// What can be named.
pub(super) struct Known<'a> {
    /// The devices that there are so far: a step can make one more.
    pub(super) devices: Rc<RefCell<BTreeSet<String>>>,
    /// Where files are looked for that are included.
    pub(super) files: &'a Files,
}

impl<'a> Known<'a> {
    /// The same devices, and files that are looked for otherwise.
    pub(super) fn within<'f>(&'f self, files: &'f Files) -> Known<'f> {
        Known { devices: Rc::clone(&self.devices), files }
    }

    pub(super) fn new<'d>(devices: impl IntoIterator<Item = &'d str>, files: &'a Files) -> Self {
        Self { devices: Rc::new(RefCell::new(devices.into_iter().map(str::to_owned).collect())), files }
    }
}

impl Known<'_> {
    pub(super) fn device(&self, node: &Node) -> Result<String, DocumentError> {
        let (name, known) = (node.text()?, self.devices.borrow());
        if known.contains(name) {
            return Ok(name.to_owned());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Err(node.error(format!("there is no device `{name}`{}", did_you_mean(name, &known))))
    }

    pub(super) fn steps(&self, node: &Node) -> Result<Vec<Step>, DocumentError> {
        node.list().iter().map(|node| self.step(node)).collect()
    }

    fn step(&self, node: &Node) -> Result<Step, DocumentError> {
        let fields = node.map()?;
        let mut found = None;
        for (name, value) in fields.iter().filter(|(name, _)| name.text != "expect") {
            let Some(word) = VERBS.iter().find(|verb| **verb == name.text) else {
                return Err(name.place.error(unknown_verb(&name.text)));
            };
            if found.replace((*word, value)).is_some() {
                return Err(name.place.error("a step does one thing: make another step of this"));
            }
        }
        let expect = fields.iter().find(|(name, _)| name.text == "expect").map(|(name, node)| (name.place, node));
        let (word, verb) = match found {
            Some((word, value)) => (word, self.verb(word, value)?),
            None if expect.is_some() => ("expect", Verb::Nothing),
            None => return Err(node.error("a step does something, or expects something")),
        };
        let expect =
            expect.map(|(place, node)| self.expect(node, &verb).map(|it| Expect { place, ..it })).transpose()?;
        Ok(Step { place: node.place, word, verb, expect })
    }

    /// A rule of `faults`, as it is everywhere. What is wrong with it is told of the member that it is in, as far as that is known.
    fn fault(&self, node: &Node) -> Result<Verb, DocumentError> {
        let about = member(node, "match");
        if let Some(device) = about.and_then(|about| member(about, "device")) {
            self.device(device)?;
        }
        let rule: Rule = json::from_value(node.json()).map_err(|why| node.error(why))?;
        rule.check().map_err(|error| {
            let of = match error {
                RuleError::UnknownFault { .. } => member(node, "fault"),
                RuleError::UnknownOp { .. } => about.and_then(|about| member(about, "op")),
                _ => None,
            };
            of.unwrap_or(node).error(error.to_string())
        })?;
        Ok(Verb::Fault(Box::new(rule)))
    }

    fn verb(&self, word: &str, node: &Node) -> Result<Verb, DocumentError> {
        Ok(match word {
            "enroll" => {
                let (device, fields) = self.on(node, &["user", "with", "host"])?;
                let text =
                    |name: &str| fields.map(|fields| fields.read(name, Node::text)).transpose().map(Option::flatten);
                let (user, with, host) = (text("user")?, text("with")?, text("host")?.map(str::to_owned));
                if host.is_some() && with.is_none() {
                    return Err(node.error("a `host` is that of a code: say the code, too, with `with`"));
                }
                let offered = with.map(|with| Offered { with: Hidden::new(with), host });
                Verb::Enroll { user: user.map_or_else(|| device.clone(), str::to_owned), device, offered }
            }
            "ask" => {
                let fields = node.fields(&["user", "text", "within"])?;
                let (user, text) = (fields.need("user")?.text()?.to_owned(), fields.need("text")?.text()?.to_owned());
                Verb::Ask { user, text, within: fields.read("within", seconds)? }
            }
            "check" => Verb::Check { user: node.text()?.to_owned() },
            "presence" => {
                let fields = node.fields(&["device", "next", "usual"])?;
                let device = self.device(fields.need("device")?)?;
                match (fields.get("next"), fields.get("usual")) {
                    (Some(next), None) => Verb::Presence { device, outcome: next.one_of(OUTCOMES)?, is_usual: false },
                    (None, Some(usual)) => Verb::Presence { device, outcome: usual.one_of(OUTCOMES)?, is_usual: true },
                    _ => return Err(node.error("say what the holder does `next`, or what is `usual`")),
                }
            }
            "clock" => self.clock(node)?,
            "net" => {
                let fields = node.fields(&["device", "set"])?;
                Verb::Net { device: self.device(fields.need("device")?)?, net: net(fields.need("set")?)? }
            }
            "server" => server(node)?,
            "fault" => self.fault(node)?,
            "stub" => Verb::Stub(script::rules(node)?),
            "repeat" => {
                let fields = node.fields(&["times", "steps"])?;
                let times = fields.need("times")?.small("the number of times")?;
                Verb::Repeat { times, steps: self.steps(fields.need("steps")?)? }
            }
            "parallel" => Verb::Parallel(self.steps(node)?),
            "snap" => snap(node)?,
            "clone" => {
                let fields = node.fields(&["device", "as"])?;
                let (device, new) = (self.device(fields.need("device")?)?, fields.need("as")?);
                let name = new.text()?;
                if !self.devices.borrow_mut().insert(name.to_owned()) {
                    return Err(new.error(format!("there is a device `{name}` already")));
                }
                Verb::Clone { device, new: name.to_owned() }
            }
            "reset" => Verb::Reset { device: self.device(node)? },
            "include" => self.include(node)?,
            _ => self.act(word, node)?,
        })
    }

    /// A device alone, or with more about it.
    fn on<'n>(&self, node: &'n Node, more: &[&str]) -> Result<(String, Option<Fields<'n>>), DocumentError> {
        if node.text().is_ok() {
            return Ok((self.device(node)?, None));
        }
        let known: Vec<&str> = ["device"].iter().chain(more).copied().collect();
        let fields = node.fields(&known)?;
        Ok((self.device(fields.need("device")?)?, Some(fields)))
    }

    fn act(&self, word: &str, node: &Node) -> Result<Verb, DocumentError> {
        let more: &[&str] = match word {
            "open" => &["for"],
            "deny" => &["reason"],
            "change-pin" => &["pin", "duress"],
            _ => &[],
        };
        let (device, fields) = self.on(node, more)?;
        let act = match word {
            "open" => Act::Open(fields.map(|fields| fields.read("for", Node::duration)).transpose()?.flatten()),
            "close" => Act::Close,
            "status" => Act::Status,
            "approve" => Act::Approve,
            "deny" => {
                let reason = fields.map(|fields| fields.read("reason", |node| node.one_of(REASONS))).transpose()?;
                Act::Deny(reason.flatten().unwrap_or_default())
            }
            "change-pin" => {
                let fields = fields.ok_or_else(|| node.error("say which `pin` the `device` has from now on"))?;
                let (pin, duress) = (fields.need("pin")?, fields.read("duress", Node::text)?);
                if Persona::new(pin.text()?, duress.as_slice()).is_err() {
                    return Err(pin.error("a PIN has 6 to 12 digits"));
                }
                Act::ChangePin { pin: Hidden::new(pin.text()?), duress: duress.map(Hidden::new) }
            }
            "unenroll" => Act::Unenroll,
            "forget" => Act::Forget,
            "watch" => Act::Watch,
            _ => Act::Rest,
        };
        Ok(Verb::Device { device, act })
    }

    fn clock(&self, node: &Node) -> Result<Verb, DocumentError> {
        let fields = node.fields(&["advance", "device", "ahead", "behind"])?;
        match (fields.get("advance"), fields.get("device")) {
            (Some(advance), None) => Ok(Verb::Advance(advance.seconds()?)),
            (None, Some(device)) => {
                let seconds = skew(fields)?.ok_or_else(|| node.error("say how far it is `ahead` or `behind`"))?;
                Ok(Verb::Skew { device: self.device(device)?, seconds })
            }
            _ => Err(node.error("either time passes with `advance`, or the clock of one `device` is wrong")),
        }
    }
}

fn unknown_verb(word: &str) -> String {
    match word {
        "sleep" | "wait" | "pause" => format!(
            "there is no `{word}`: time passes with `clock: {{advance: ...}}`, and what happens by itself is waited for with `expect: {{within: ...}}`"
        ),
        _ => format!("there is no verb `{word}`{}", did_you_mean(word, VERBS)),
    }
}

/// What is called so in it, if it has names.
fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    node.map().ok()?.iter().find(|(it, _)| it.text == name).map(|(_, node)| node)
}

/// `{save: NAME}` or `{load: NAME}`.
fn snap(node: &Node) -> Result<Verb, DocumentError> {
    let fields = node.fields(&["save", "load"])?;
    let [(word, name)] = node.map()? else { return Err(fields.place.error("say what to `save`, or what to `load`")) };
    Ok(Verb::Snap { name: name.text()?.to_owned(), is_loaded: word.text == "load" })
}

/// What an administrator does.
fn server(node: &Node) -> Result<Verb, DocumentError> {
    let fields = node.fields(&["block", "unblock", "close", "unenroll", "clear-duress", "keys", "clock"])?;
    let [(name, value)] = node.map()? else { return Err(fields.place.error("a step does one thing to the server")) };
    let change = match name.text.as_str() {
        "block" => TokenChange::Block,
        "unblock" => TokenChange::Unblock,
        "close" => TokenChange::Close,
        "unenroll" => TokenChange::Unenroll,
        "clear-duress" => TokenChange::ClearDuress,
        "keys" => return value.one_of(&[("rotate", ())]).map(|()| Verb::RotateKeys),
        _ => {
            let seconds = skew(value.fields(&["ahead", "behind"])?)?;
            return seconds.map(Verb::ServerSkew).ok_or_else(|| value.error("say how far it is `ahead` or `behind`"));
        }
    };
    Ok(Verb::Token { user: value.text()?.to_owned(), change })
}

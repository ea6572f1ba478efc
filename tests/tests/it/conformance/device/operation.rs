//! The operations of wallets and tokens. Each is first prepared, with all that it has to ask before, and then done: in
//! between the server may go away.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use cardea_ffi::{
    Approval, Cancel, Closed, Confirmation, DenyReason, HistoryItem, Invitation, NewPins, SecretBytes, Status, Token,
    Wallet,
};

use super::super::host::key;
use super::super::party::Party;
use super::super::{Outcome, snake};
use super::{Devices, Known, Result};

/// An operation that was prepared.
pub(super) type Operation = Pin<Box<dyn Future<Output = Outcome> + Send>>;

fn approval(word: &str) -> Approval {
    match (word, key(word)) {
        ("ask", _) => Approval::Ask,
        (_, Some(key)) => Approval::Biometric { key: SecretBytes::new(key) },
        (pin, None) => Approval::pin(pin.as_bytes()),
    }
}

fn secrets(pins: &[&str]) -> Vec<SecretBytes> {
    pins.iter().map(|pin| pin.as_bytes().into()).collect()
}

fn pins(all: &[&str]) -> NewPins {
    let [normal, others @ ..] = all else { panic!("a PIN is missing") };
    let biometric = others.last().and_then(|word| key(word));
    let duress = &others[..others.len() - usize::from(biometric.is_some())];
    NewPins {
        duress: secrets(duress),
        biometric: biometric.map(SecretBytes::new),
        ..NewPins::normal(normal.as_bytes())
    }
}

/// Does `operation` and says how it ended.
fn outcome<T: Into<Outcome>>(operation: impl Future<Output = Result<T>> + Send + 'static) -> Operation {
    Box::pin(async move { Outcome::of(operation.await) })
}

impl Devices {
    /// Prepares a step that one operation does.
    pub(super) async fn prepared(&self, words: &[&str], party: &mut Party) -> Result<Operation> {
        let wallet = Arc::clone(&self.open().wallet);
        Ok(match words {
            ["policy", user] => {
                let invitation = Invitation::from_text(&party.offer(user).link)?;
                outcome(async move {
                    let policy = wallet.policy(invitation, None).await?;
                    Ok(format!("{} to {}", policy.pin_min, policy.pin_max))
                })
            }
            ["enroll", user, chosen @ ..] => {
                let invitation = Invitation::from_text(&party.offer(user).link)?;
                self.enrolling(wallet, user, invitation, chosen)
            }
            ["enroll_code", user, pin] => {
                let (code, server) = (party.offer(user).code.clone(), party.site.http().to_string());
                let invitation = Invitation::from_code(code, server, None).await?;
                self.enrolling(wallet, user, invitation, &[*pin])
            }
            ["close_all"] => Box::pin(async move {
                let count = |all: Vec<Closed>| all.iter().filter(|one| one.status.is_some()).count();
                let closed = wallet.close_all(None).await;
                closed.map_or_else(Outcome::Failed, |all| Outcome::count(count(all)))
            }),
            [verb, user, rest @ ..] => {
                let token = wallet.token(self.id(user), None).await?;
                let step = TokenStep { token, user: (*user).to_owned(), known: Arc::clone(&self.known) };
                step.prepared(verb, rest).await?
            }
            other => panic!("no step: {other:?}"),
        })
    }

    fn enrolling(&self, wallet: Arc<Wallet>, user: &str, invitation: Arc<Invitation>, chosen: &[&str]) -> Operation {
        let (known, user, pins) = (Arc::clone(&self.known), user.to_owned(), pins(chosen));
        outcome(async move {
            let enrolled = wallet.enroll(invitation, pins, None).await?;
            known.lock().expect("no one panics with it").ids.insert(user, enrolled.token.id());
            Ok(())
        })
    }
}

/// A step with one token.
struct TokenStep {
    token: Arc<Token>,
    user: String,
    known: Arc<Mutex<Known>>,
}

impl TokenStep {
    /// The first of the texts that were kept.
    fn asked(&self) -> Arc<Confirmation> {
        let known = self.known.lock().expect("no one panics with it");
        Arc::clone(known.waiting.get(&self.user).and_then(|all| all.first()).expect("a text waited"))
    }

    async fn prepared(self, verb: &str, rest: &[&str]) -> Result<Operation> {
        let token = Arc::clone(&self.token);
        Ok(match (verb, rest) {
            ("open", [pin, seconds @ ..]) => {
                let (approval, seconds) = (approval(pin), seconds.first().map(|it| it.parse().expect("seconds")));
                outcome(async move { token.open(approval, seconds, None).await })
            }
            ("close", []) => outcome(async move { token.close(None).await }),
            ("change_pin", [pin, new @ ..]) => {
                let (approval, new) = (approval(pin), pins(new));
                outcome(async move { token.change_pin(approval, new, None).await })
            }
            ("set_duress", [pin, duress @ ..]) => {
                let (current, duress) = (pin.as_bytes().into(), secrets(duress));
                outcome(async move { token.set_duress(current, duress, None).await })
            }
            ("unenroll", [pin]) => {
                let approval = approval(pin);
                outcome(async move { token.unenroll(approval, None).await })
            }
            ("approve", [pin]) => {
                let (asked, approval) = (self.asked(), approval(pin));
                outcome(async move { token.approve(asked, approval, None).await })
            }
            ("deny", reason) => {
                let reason = match reason {
                    [] => None,
                    ["cancelled"] => Some(DenyReason::Cancelled),
                    ["not_me"] => Some(DenyReason::NotMe),
                    other => panic!("no reason: {other:?}"),
                };
                let asked = self.asked();
                outcome(async move { token.deny(asked, reason, None).await })
            }
            ("revoke_other", [pin]) => {
                let approval = approval(pin);
                let devices = token.devices(None).await?;
                // When there is no other one, its own is no other one either.
                let other = devices.iter().find(|device| !device.is_this).unwrap_or(&devices[0]).id.clone();
                outcome(async move { token.revoke_device(other, approval, None).await })
            }
            ("confirmations", []) => outcome(self.confirmations()),
            ("forget", []) => outcome(async move { token.forget(None).await }),
            ("label", [text]) => {
                let text = (*text).to_owned();
                outcome(async move { token.set_label(text, None).await })
            }
            ("cancelled", []) => outcome(async move {
                let cancel = Cancel::new();
                cancel.cancel();
                token.status(Some(cancel)).await
            }),
            (verb, []) => reading(token, verb.to_owned()),
            other => panic!("no step: {other:?}"),
        })
    }

    async fn confirmations(self) -> Result<String> {
        let waiting = self.token.confirmations(None).await?;
        let texts: Vec<String> = waiting.iter().map(|it| it.text()).collect();
        self.known.lock().expect("no one panics with it").waiting.insert(self.user, waiting);
        Ok(texts.join(" / "))
    }
}

/// A step that changes nothing and keeps nothing.
fn reading(token: Arc<Token>, verb: String) -> Operation {
    let asked = Arc::clone(&token);
    let status = move |look: fn(Status) -> Outcome| -> Operation {
        Box::pin(async move { asked.status(None).await.map_or_else(Outcome::Failed, look) })
    };
    match &*verb {
        "status" => status(Outcome::from),
        "remaining" => status(|status| Outcome::Number(status.remaining_seconds.unwrap_or(0))),
        "tries" => status(|status| Outcome::Number(status.tries_left.into())),
        "waiting" => status(|status| Outcome::Number(status.confirmations.into())),
        "skewed" => status(|status| Outcome::yes(status.clock_difference.is_some())),
        "labeled" => outcome(async move { Ok(token.info(None).await?.label) }),
        "pending" => {
            Box::pin(
                async move { token.info(None).await.map_or_else(Outcome::Failed, |info| Outcome::yes(info.pending)) },
            )
        }
        "devices" => Box::pin(async move {
            token.devices(None).await.map_or_else(Outcome::Failed, |devices| Outcome::count(devices.len()))
        }),
        "history" => outcome(async move {
            let deeds =
                |items: Vec<HistoryItem>| items.iter().map(|it| snake(&format!("{:?}", it.deed))).collect::<Vec<_>>();
            Ok(deeds(token.history(0, None).await?).join(", "))
        }),
        "service_info" => outcome(async move {
            let info = token.service_info(None).await?;
            Ok(format!("{} / {}", info.service, info.user))
        }),
        other => panic!("no step: {other}"),
    }
}

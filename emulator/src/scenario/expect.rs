//! Whether it is as it is expected to be.

use std::time::Duration;

use super::run::Failure;
use super::step::{Done, World};
use super::words::{self, KNOWN, STATUSES, word_of};
use super::{Expect, Happened, Step};
use crate::engine::Entry;
use crate::stub::Stub;

/// How often it is looked whether something has become true.
const PAUSE: Duration = Duration::from_millis(5);

impl World<'_> {
    /// Looks whether a step went as it is expected to.
    pub(super) async fn expect(&self, step: &Step, done: &Done) -> Result<(), Failure> {
        let failed = |message| Failure {
            place: step.expect.as_ref().map_or(step.place, |expect| expect.place),
            step: step.word,
            message,
            last: Vec::new(),
        };
        went(step.expect.as_ref(), done).map_err(failed)?;
        let Some(expect) = &step.expect else { return Ok(()) };
        let Some(within) = expect.within else { return self.holds(expect).await.map_err(failed) };
        let mut last = Ok(());
        let becoming = async {
            loop {
                last = self.holds(expect).await;
                if last.is_ok() {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        // What was found last says what is missing.
        let _ = tokio::time::timeout(within, becoming).await;
        last.map_err(failed)
    }

    async fn holds(&self, expect: &Expect) -> Result<(), String> {
        for (user, wanted) in &expect.server {
            let found = match &self.stub {
                Some(stub) => stub.status(user).await,
                None => return Err("nobody looks into a server with an address".to_owned()),
            };
            let found = found.map_err(|error| format!("the server knows no `{user}`: {error}"))?;
            same(&format!("at the server `{user}` is"), word_of(STATUSES, *wanted), word_of(STATUSES, found))?;
        }
        for (name, wanted) in &expect.device {
            let found = self.known(name).await?;
            same(&format!("the device knows that `{name}` is"), word_of(KNOWN, *wanted), word_of(KNOWN, found))?;
        }
        let entries = self.session.journal().since(0).entries;
        for happened in &expect.journal {
            let found = entries.iter().filter(|entry| happened.is(entry)).count();
            let of = happened.device.as_ref().map_or_else(String::new, |device| format!(" of `{device}`"));
            match happened.count {
                Some(wanted) if wanted != found => {
                    return Err(format!("`{}`{of} is {found} times in the journal, not {wanted} times", happened.has));
                }
                None if found == 0 => return Err(format!("`{}`{of} is not in the journal", happened.has)),
                _ => {}
            }
        }
        for (rule, wanted) in &expect.hits {
            let found =
                self.hits(rule).ok_or_else(|| format!("there is no rule of the stub and no fault called `{rule}`"))?;
            same(&format!("rule `{rule}` has happened so often:"), *wanted, found)?;
        }
        Ok(())
    }

    /// How often a rule has happened, by its name or number.
    fn hits(&self, rule: &str) -> Option<u64> {
        let all = self.stub.as_ref().map(Stub::hits).unwrap_or_default();
        let named = all.iter().find(|hits| hits.name.as_deref() == Some(rule));
        let found = named.or_else(|| all.iter().find(|hits| hits.rule.to_string() == rule));
        found.map(|hits| hits.hits).or_else(|| Some(self.session.faults().get(rule).ok()?.hits))
    }

    /// What a device knows of its token.
    async fn known(&self, name: &str) -> Result<Option<u8>, String> {
        let device = self.session.device(name).map_err(|error| error.to_string())?;
        let tokens = device.list().await.map_err(|error| error.to_string())?;
        let token = tokens.iter().find(|token| token.confirmed).or(tokens.first());
        Ok(token.and_then(|token| device.standing(token.key).state(device.session_now())).map(|state| state.number()))
    }
}

/// Whether it was done, or failed as it is expected to.
fn went(expect: Option<&Expect>, done: &Done) -> Result<(), String> {
    let wanted = expect.and_then(|expect| expect.error);
    match (wanted, &done.error) {
        (None, Some((code, text))) => return Err(format!("it failed with `{}`: {text}", words::error(*code))),
        (Some(wanted), None) => {
            return Err(format!("it was done, and should have failed with `{}`", words::error(wanted)));
        }
        (Some(wanted), Some((found, text))) if wanted != *found => {
            let (wanted, found) = (words::error(wanted), words::error(*found));
            return Err(format!("it failed with `{found}`, not with `{wanted}`: {text}"));
        }
        _ => {}
    }
    let Some(expect) = expect else { return Ok(()) };
    if let (Some(wanted), Some(found)) = (expect.answer, done.answer) {
        same("the relying party is told", word_of(STATUSES, wanted), word_of(STATUSES, found))?;
    }
    if let (Some(wanted), Some(status)) = (expect.tries_left, &done.status) {
        same("wrong PINs left:", wanted, status.tries_left)?;
    }
    if let (Some(wanted), Some(status)) = (expect.remaining, &done.status) {
        let found = status.remaining.map(|time| time.as_secs());
        match found {
            Some(found) => same("seconds left:", wanted, found)?,
            None => return Err(format!("it is not open for {wanted} seconds more: nothing ends by itself")),
        }
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, wanted: T, found: T) -> Result<(), String> {
    if wanted == found { Ok(()) } else { Err(format!("{what} {found}, not {wanted}")) }
}

impl Happened {
    fn is(&self, entry: &Entry) -> bool {
        self.device.as_deref().is_none_or(|device| *device == *entry.device) && entry.kind.word() == self.has
    }
}

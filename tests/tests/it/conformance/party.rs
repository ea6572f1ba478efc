//! The relying party's and the operator's part of the scenarios.

use std::collections::HashMap;

use cardea_tests::harness::{Offer, Site};
use serde_json::{Value, json};

use super::Outcome;

/// A server, and what was agreed with it.
pub(super) struct Party {
    pub(super) site: Site,
    offers: HashMap<String, Offer>,
    /// The text that each user was asked last.
    pub(super) asked: HashMap<String, String>,
}

impl Party {
    pub(super) fn start() -> Self {
        Self { site: Site::dev(), offers: HashMap::new(), asked: HashMap::new() }
    }

    /// Takes a step, if it is one of these.
    pub(super) fn step(&mut self, words: &[&str]) -> Option<Outcome> {
        match words {
            ["server", "stop"] => self.site.kill(),
            ["server", "start"] => self.site.up(),
            ["service", setting, value] => {
                let value: Value = serde_json::from_str(value).expect("a setting is JSON");
                let answer = self.site.manage("service/update", &json!({ *setting: value }));
                assert_eq!(answer.code, 200, "{answer:?}");
            }
            ["advance", seconds] => self.site.advance(seconds.parse().expect("seconds")),
            ["check", user] => return Some(Outcome::Number(self.site.status(user).into())),
            ["ask", user, text, lifetime @ ..] => {
                let mut more = json!({ "text": text });
                if let [lifetime] = lifetime {
                    more["expiresIn"] = json!(lifetime.parse::<u32>().expect("seconds"));
                }
                let asked = self.call("confirmation", user, &more)["confirmation"].as_str().map(str::to_owned);
                self.asked.insert((*user).to_owned(), asked.expect("an id"));
            }
            ["answer", user] => {
                let answer = self.site.look("confirmation", &format!("&confirmation={}", self.asked[*user]));
                return Some(Outcome::Text(answer.json()["state"].as_str().expect("a state").to_owned()));
            }
            ["withdraw", user] => {
                let answer = self.site.manage("confirmation/cancel", &json!({ "confirmation": self.asked[*user] }));
                assert_eq!(answer.code, 200, "{answer:?}");
            }
            ["close_at_server", user] => drop(self.call("close", user, &Value::Null)),
            ["unblock", user] => drop(self.call("unblock", user, &Value::Null)),
            ["clear_duress", user] => drop(self.call("duress/clear", user, &Value::Null)),
            ["delete", user] => drop(self.call("delete", user, &Value::Null)),
            ["invite", user] => self.invite(user, &Value::Null),
            ["invite", user, "replace"] => self.invite(user, &json!({ "replaceDevice": true })),
            ["invite", user, "add"] => self.invite(user, &json!({ "addDevice": true })),
            _ => return None,
        }
        Some(Outcome::Done)
    }

    fn call(&self, what: &str, user: &str, more: &Value) -> Value {
        let answer = self.site.call(what, user, more);
        assert_eq!(answer.code, 200, "{answer:?}");
        answer.json()
    }

    fn invite(&mut self, user: &str, options: &Value) {
        self.offers.insert(user.to_owned(), self.site.offer_with(user, options));
    }

    /// The user's invitation, which is made if there is none.
    pub(super) fn offer(&mut self, user: &str) -> &Offer {
        if !self.offers.contains_key(user) {
            self.invite(user, &Value::Null);
        }
        &self.offers[user]
    }
}

//! What a relying party does with the SDK.

use std::sync::Arc;
use std::time::Duration;

use cardea_ffi::{
    CardeaError, Deed, ReceiptExpectation, RelyingParty, RelyingPartyOptions, VerifiedReceipt, Watch, verify_receipt,
};
use tokio::time::timeout;

use super::party::Party;
use super::{Outcome, snake};

type Result<T> = std::result::Result<T, CardeaError>;

/// The relying party of a scenario.
pub(super) struct Relying {
    key: String,
    place: String,
    made: Option<Arc<RelyingParty>>,
    watch: Option<Arc<Watch>>,
}

impl Default for Relying {
    fn default() -> Self {
        Self { key: "admin".to_owned(), place: "server".to_owned(), made: None, watch: None }
    }
}

impl Relying {
    fn made(&mut self, party: &Party) -> Result<Arc<RelyingParty>> {
        if let Some(made) = &self.made {
            return Ok(Arc::clone(made));
        }
        let key = match &*self.key {
            "status" => party.site.status_key.clone(),
            "admin" => party.site.admin_key.clone(),
            "wrong" => "wrong-key".to_owned(),
            "malformed" => "a b".to_owned(),
            other => panic!("no such key: {other}"),
        };
        let place = match &*self.place {
            "server" => format!("http://{}", party.site.http()),
            "nowhere" => "http://127.0.0.1:1".to_owned(),
            "elsewhere" => "http://id.example".to_owned(),
            other => panic!("no such place: {other}"),
        };
        let made = RelyingParty::new(&place, &party.site.service, key, RelyingPartyOptions::default())?;
        self.made = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Takes a step, of which `words` are those behind `party`.
    pub(super) async fn step(&mut self, words: &[&str], party: &mut Party) -> Outcome {
        match words {
            ["key", which] => (self.key, self.made) = ((*which).to_owned(), None),
            ["at", place] => (self.place, self.made) = ((*place).to_owned(), None),
            ["receipt", user, text @ ..] => {
                let proved = receipt(user, text, party);
                return Outcome::of(proved.map(|proved| snake(&format!("{:?}", proved.deed))));
            }
            words => return self.ask(words, party).await.unwrap_or_else(Outcome::Failed),
        }
        Outcome::Done
    }

    async fn ask(&mut self, words: &[&str], party: &mut Party) -> Result<Outcome> {
        let made = self.made(party)?;
        let asked = |user: &str| party.asked[user].clone();
        Ok(match words {
            ["status", user] => made.status((*user).to_owned(), None).await?.into(),
            ["is_open", user] => Outcome::yes(made.is_open((*user).to_owned(), None).await),
            ["gate", user] => Outcome::yes(made.gate((*user).to_owned(), None).await),
            ["ask", user, text, seconds @ ..] => {
                let seconds = seconds.first().map_or(120, |seconds| seconds.parse().expect("seconds"));
                let pending = made.confirm((*user).to_owned(), (*text).to_owned(), seconds, None).await?;
                party.asked.insert((*user).to_owned(), pending.id);
                Outcome::Done
            }
            ["answer", user] => answered(made.confirmation(asked(user), None).await?.answer),
            ["await", user] => answered(made.await_confirmation(asked(user), 30, None).await?.answer),
            ["withdraw", user] => answered(made.cancel_confirmation(asked(user), None).await?),
            ["watch"] => {
                self.watch = Some(made.watch(Some(0), Vec::new()));
                Outcome::Done
            }
            ["event", user, kind] => {
                let watch = self.watch.as_ref().expect("it is watched");
                let found = async {
                    // Between two servers there is nobody who tells.
                    while !matches!(watch.next().await, Ok(Some(event))
                        if event.kind == *kind && event.user.as_deref() == Some(*user))
                    {}
                };
                timeout(Duration::from_secs(30), found).await.expect("it is told");
                Outcome::Done
            }
            other => panic!("no step: {other:?}"),
        })
    }
}

fn answered(answer: cardea_ffi::Answer) -> Outcome {
    Outcome::Text(snake(&format!("{answer:?}")))
}

fn receipt(user: &str, text: &[&str], party: &Party) -> Result<VerifiedReceipt> {
    let [text, mangling @ ..] = text else {
        let history = party.site.look("history", &format!("&id={user}")).json();
        let items = history["items"].as_array().expect("a history has items");
        let item = items.iter().find(|item| item.get("receipt").is_some()).expect("something was signed");
        return verify_receipt(&item.to_string(), ReceiptExpectation::default());
    };
    let id = &party.asked[user];
    let mut kept = party.site.look("confirmation", &format!("&confirmation={id}")).text().to_owned();
    match mangling {
        [] => {}
        ["cut"] => drop(kept.pop()),
        ["flipped"] => {
            let name = "\"signature\":\"";
            let at = kept.find(name).expect("it has a signature") + name.len();
            let flipped = if kept[at..].starts_with('A') { "B" } else { "A" };
            kept.replace_range(at..=at, flipped);
        }
        ["long"] => kept.push_str(&" ".repeat(100_000)),
        other => panic!("no mangling: {other:?}"),
    }
    let expected = ReceiptExpectation {
        deed: Some(Deed::Approved),
        text: Some((*text).to_owned()),
        confirmation: Some(id.clone()),
        ..ReceiptExpectation::default()
    };
    verify_receipt(&kept, expected)
}

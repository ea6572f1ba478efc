//! What is expected, as people write it.

use super::EXPECT;
use super::step::Known;
use crate::document::{DocumentError, Name, Node, Value};
use crate::engine::Kind;
use crate::scenario::words::{ERRORS, KNOWN, STATUSES};
use crate::scenario::{Act, Expect, Happened, Verb};

impl Known<'_> {
    pub(super) fn expect(&self, node: &Node, verb: &Verb) -> Result<Expect, DocumentError> {
        let fields = node.fields(EXPECT)?;
        let status = |node: &Node| node.one_of(STATUSES);
        let error = fields.read("error", |node| match node.number() {
            Ok(_) => node.small("the number of an error"),
            Err(_) => node.one_of(ERRORS),
        })?;
        if error.is_some() && !can_fail(verb) {
            return Err(node.error("this step never fails, so its error is never there"));
        }
        let pairs = |node: &Node| {
            let pair = |(name, node): &(Name, Node)| Ok((name.text.clone(), status(node)?));
            node.map()?.iter().map(pair).collect::<Result<Vec<_>, DocumentError>>()
        };
        let known = |node: &Node| {
            let pair = |(name, node): &(Name, Node)| {
                let device =
                    Node { place: name.place, value: Value::Scalar { text: name.text.clone(), is_plain: false } };
                Ok((self.device(&device)?, node.one_of(KNOWN)?))
            };
            node.map()?.iter().map(pair).collect::<Result<Vec<_>, DocumentError>>()
        };
        let hits = |node: &Node| {
            let pair = |(name, node): &(Name, Node)| Ok((name.text.clone(), node.number()?));
            node.map()?.iter().map(pair).collect::<Result<Vec<_>, DocumentError>>()
        };
        let answer = fields.read("answer", status)?;
        if answer.is_some() && !matches!(verb, Verb::Check { .. }) {
            return Err(node.error("only a `check` is answered; what the server knows is `server: {USER: ...}`"));
        }
        if error.is_some() && answer.is_some() {
            return Err(node.error("what fails has no answer"));
        }
        let (tries_left, remaining) =
            (fields.read("tries-left", |node| node.small("this"))?, fields.read("remaining", Node::seconds)?);
        let tells = matches!(
            verb,
            Verb::Device { act: Act::Open(_) | Act::Close | Act::Status | Act::Approve | Act::Deny(_), .. }
        );
        if (tries_left.is_some() || remaining.is_some()) && !tells {
            return Err(node.error("only what a device asks of its server tells that: a `status`, for example"));
        }
        let expect = Expect {
            place: node.place,
            error,
            answer,
            tries_left,
            remaining,
            server: fields.read("server", pairs)?.unwrap_or_default(),
            device: fields.read("device", known)?.unwrap_or_default(),
            journal: fields
                .read("journal", |node| node.list().iter().map(|node| self.happened(node)).collect())?
                .unwrap_or_default(),
            hits: fields.read("hits", hits)?.unwrap_or_default(),
            within: fields.read("within", Node::duration)?,
        };
        if node.map()?.is_empty() {
            return Err(node.error("nothing is expected here"));
        }
        Ok(expect)
    }

    fn happened(&self, node: &Node) -> Result<Happened, DocumentError> {
        let fields = node.fields(&["has", "device", "count"])?;
        let has = fields.need("has")?;
        Ok(Happened {
            has: has.one_of(&Kind::WORDS.map(|(word, _)| (word, word)))?,
            device: fields.read("device", |node| self.device(node))?,
            count: fields.read("count", |node| node.small("this"))?,
        })
    }
}

const fn can_fail(verb: &Verb) -> bool {
    matches!(verb, Verb::Enroll { .. } | Verb::Device { .. } | Verb::Check { .. })
}

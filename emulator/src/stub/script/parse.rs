//! Scripts as people write them.

use std::time::Duration;

use super::{Answer, Change, Cut, Deed, Match, Opening, RULES_MAX, Refusal, Rule, Script, TokenChange, Told};
use crate::document::{self, DocumentError, Fields, Node};

/// The version of the form that is read.
const VERSION: u64 = 1;
/// Longest time that anything waits: it is real time, and everybody waits with it.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Whose answers are statuses.
const STATUS_PATHS: [&str; 2] = ["/token/status", "/token/gate"];

/// The fields of a rule.
const RULE: &[&str] = &["name", "match", "skip", "times", "prob", "do"];
const CALL: &[&str] = &["method", "path", "user"];
const CONNECTION: &[&str] = &["channel", "user"];
const DEED: &[&str] =
    &["code", "retry-after", "maintenance", "status", "slow-body", "delay", "cut", "refuse", "token", "keys", "clock"];

pub(super) fn script(text: &str) -> Result<Script, DocumentError> {
    let document = document::read(text)?;
    let fields = document.fields(&["cardea-stub", "seed", "rules"])?;
    let version = fields.need("cardea-stub")?;
    if version.number()? != VERSION {
        return Err(version.error(format!("this program reads version {VERSION} of scripts")));
    }
    let seed = fields.read("seed", Node::number)?.unwrap_or_default();
    Ok(Script { seed, rules: rules(fields.need("rules")?)? })
}

/// A list of rules.
pub(crate) fn rules(node: &Node) -> Result<Vec<Rule>, DocumentError> {
    if node.is_null() {
        return Ok(Vec::new());
    }
    let rules = node.list();
    if rules.len() > RULES_MAX {
        return Err(node.error(format!("there are more than {RULES_MAX} rules")));
    }
    rules.iter().map(rule).collect()
}

fn rule(node: &Node) -> Result<Rule, DocumentError> {
    let fields = node.fields(RULE)?;
    let on = fields.read("match", matched)?.unwrap_or(Match::Call { method: None, path: None, user: None });
    let deed = deed(fields.need("do")?, &on)?;
    Ok(Rule {
        name: fields.read("name", Node::text)?.map(str::to_owned),
        skip: fields.read("skip", Node::number)?.unwrap_or_default(),
        times: fields.read("times", Node::number)?,
        prob: fields.read("prob", Node::fraction)?.unwrap_or(1.0),
        on,
        deed,
    })
}

fn matched(node: &Node) -> Result<Match, DocumentError> {
    let owned = |fields: Fields<'_>, name| Ok(fields.read(name, Node::text)?.map(str::to_owned));
    if node.map()?.iter().any(|(name, _)| name.text == "channel") {
        let fields = node.fields(CONNECTION)?;
        let kinds = [
            ("any", None),
            ("operate", Some(Opening::Operate)),
            ("resync", Some(Opening::Resync)),
            ("enroll", Some(Opening::Enroll)),
        ];
        let kind = fields.need("channel")?;
        let on = Match::Connection { kind: kind.one_of(&kinds)?, user: owned(fields, "user")? };
        if matches!(&on, Match::Connection { kind: Some(Opening::Resync), user: Some(_) }) {
            return Err(kind.error("nobody can tell whose device begins a resync: leave `user` out"));
        }
        return Ok(on);
    }
    let fields = node.fields(CALL)?;
    let method = fields.read("method", |node| node.one_of(&[("GET", "GET"), ("POST", "POST")]))?;
    let path = fields.read("path", |node| match node.text()? {
        path if path.starts_with('/') => Ok(path.to_owned()),
        _ => Err(node.error("a path begins with `/`")),
    })?;
    Ok(Match::Call { method: method.map(str::to_owned), path, user: owned(fields, "user")? })
}

fn wait(node: &Node) -> Result<Duration, DocumentError> {
    let time = node.duration()?;
    if time <= WAIT_MAX { Ok(time) } else { Err(node.error("nobody waits longer than 5m, which is real time")) }
}

fn deed(node: &Node, on: &Match) -> Result<Deed, DocumentError> {
    let fields = node.fields(DEED)?;
    let mut changes = Vec::new();
    changes.extend(fields.read("token", token_change)?.map(Change::Token));
    changes.extend(fields.read("keys", |node| node.one_of(&[("rotate", Change::RotateKeys)]))?);
    changes.extend(fields.read("clock", skew)?);
    let delay = fields.read("delay", wait)?.unwrap_or_default();
    let mut answers = Vec::new();
    for name in ["code", "maintenance", "status", "slow-body", "cut", "refuse"] {
        if let Some(node) = fields.get(name) {
            answers.push((node, answer(name, node, fields)?));
        }
    }
    let answer = match answers.as_slice() {
        [] => Answer::Real,
        [(node, answer)] => {
            check(node, *answer, on)?;
            *answer
        }
        [_, (node, _), ..] => return Err(node.error("only one thing can be answered")),
    };
    if let Some(node) = fields.get("retry-after")
        && !matches!(answer, Answer::Error { .. })
    {
        return Err(node.error("`retry-after` needs a `code` beside it"));
    }
    if changes.is_empty() && delay.is_zero() && answer == Answer::Real {
        return Err(node.error("nothing happens here"));
    }
    Ok(Deed { changes, delay, answer })
}

fn answer(name: &str, node: &Node, fields: Fields<'_>) -> Result<Answer, DocumentError> {
    Ok(match name {
        "code" => {
            let code = node.small("an HTTP status")?;
            if !(400..=599).contains(&code) {
                return Err(
                    node.error("an HTTP status from 400 to 599 is needed here; a token's is told with `status`")
                );
            }
            Answer::Error { code, retry_after: fields.read("retry-after", Node::seconds)? }
        }
        "maintenance" => Answer::Error { code: 503, retry_after: Some(node.seconds()?) },
        "status" => Answer::Status(node.one_of(&[
            ("not-enrolled", Told::NotEnrolled),
            ("open", Told::Open),
            ("closed", Told::Closed),
            ("duress", Told::Duress),
            ("blocked", Told::Blocked),
            ("unknown", Told::Unknown),
            ("stale", Told::Stale),
        ])?),
        "slow-body" => Answer::SlowBody(wait(node)?),
        "cut" => Answer::Cut(node.one_of(&[("before", Cut::Before), ("answer", Cut::Answer), ("body", Cut::Body)])?),
        _ => Answer::Refusal(node.one_of(&[
            ("unknown-hint", Refusal::UnknownHint),
            ("version", Refusal::Version),
            ("overloaded", Refusal::Overloaded),
        ])?),
    })
}

/// Whether such an answer can be given to such calls.
fn check(node: &Node, answer: Answer, on: &Match) -> Result<(), DocumentError> {
    match (answer, on) {
        (Answer::Refusal(_), Match::Call { .. }) => {
            Err(node.error("plain errors are for devices: match `channel`, or answer with `code`"))
        }
        (Answer::Cut(Cut::Body) | Answer::SlowBody(_), Match::Connection { .. })
        | (Answer::Error { .. } | Answer::Status(_), Match::Connection { .. }) => {
            Err(node.error("this is answered to calls over HTTP only: match a `path` in place of `channel`"))
        }
        (Answer::Status(_), Match::Call { path, .. })
            if !path.as_deref().is_some_and(|path| STATUS_PATHS.contains(&path)) =>
        {
            Err(node.error("a status is told at `/token/status` and `/token/gate` only: match one of these paths"))
        }
        _ => Ok(()),
    }
}

fn token_change(node: &Node) -> Result<TokenChange, DocumentError> {
    node.one_of(&[
        ("unenroll", TokenChange::Unenroll),
        ("block", TokenChange::Block),
        ("unblock", TokenChange::Unblock),
        ("close", TokenChange::Close),
        ("clear-duress", TokenChange::ClearDuress),
    ])
}

/// `{ahead: 1d}` or `{behind: 90s}`.
fn skew(node: &Node) -> Result<Change, DocumentError> {
    let fields = node.fields(&["ahead", "behind"])?;
    let seconds = |node: &Node| node.seconds().map(u64::cast_signed);
    match (fields.read("ahead", seconds)?, fields.read("behind", seconds)?) {
        (Some(ahead), None) => Ok(Change::Skew(ahead)),
        (None, Some(behind)) => Ok(Change::Skew(-behind)),
        _ => Err(node.error("a clock is either `ahead` or `behind`")),
    }
}

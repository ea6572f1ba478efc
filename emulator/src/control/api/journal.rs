//! What happened, and what happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};

use super::super::extract::{InSession, Parameters};
use super::super::problem::{Problem, ProblemBody};
use super::super::sessions::InUse;
use super::super::wire::{EntryList, EntryView, JournalQuery, SessionPath};
use crate::engine::Kind;
use crate::suggest::nearest;

/// Most entries in one answer.
const PAGE: usize = 1_000;
/// How often something is said where nothing happens, so that who is gone is found out.
const PULSE: Duration = Duration::from_secs(15);

/// Lists what happened in a session, the oldest first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/journal", tag = "evidence", params(SessionPath, JournalQuery),
    responses((status = 200, body = EntryList), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn journal(
    InSession(session): InSession,
    Parameters(query): Parameters<JournalQuery>,
) -> Result<Json<EntryList>, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::BadCall("limit is from 1 to 1000".into()));
    }
    if let Some(kind) = &query.kind
        && !Kind::WORDS.iter().any(|(known, _)| known == kind)
    {
        let known = Kind::WORDS.iter().map(|(known, _)| *known);
        let meant = nearest(kind, known).map(|near| format!(": did you mean {near:?}?")).unwrap_or_default();
        return Err(Problem::BadCall(format!("{kind:?} is no kind of entry{meant}")));
    }
    if let Some(device) = &query.device
        && !session.journal().since(0).entries.iter().any(|entry| *entry.device == **device)
    {
        // One that is gone is not told from one that never was, but what it did is still there.
        session.device(device)?;
    }
    let since = session.journal().since(begins(&session, query.since));
    let is_asked_for = |entry: &EntryView| {
        query.device.as_ref().is_none_or(|device| *device == entry.device)
            && query.kind.as_ref().is_none_or(|kind| kind == entry.kind)
    };
    let mut entries: Vec<EntryView> = since.entries.iter().map(EntryView::from).filter(is_asked_for).collect();
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok(Json(EntryList { lost: since.lost, entries, more }))
}

/// Tells what happens in a session, as server-sent events: each has the number of its entry in the journal as id. Goes on
/// after `Last-Event-ID`, or after `since`; after a number that no entry has had yet, which is of a session before this one, from
/// the beginning. What was not kept long enough is told as an event `lost` with its count.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/events", tag = "evidence",
    params(SessionPath, ("since" = Option<u64>, Query, description = "After the entry of this number; 0 for all."),
        ("Last-Event-ID" = Option<u64>, Header, description = "The same, as clients say it that come back.")),
    responses(
        (status = 200, content_type = "text/event-stream", body = EntryView), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody),
    )
)]
pub(super) async fn events(
    InSession(session): InSession,
    headers: HeaderMap,
    Parameters(query): Parameters<Since>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let told = match headers.get("last-event-id") {
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.parse().ok());
            id.ok_or_else(|| Problem::BadCall("Last-Event-ID is the number of an entry".into()))?
        }
        None => query.since.unwrap_or_else(|| session.journal().newest()),
    };
    let told = begins(&session, told);
    let telling = Telling { session, told, next: VecDeque::new() };
    let stream = unfold(telling, async |mut telling| Some((Ok(telling.next().await?), telling)));
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(PULSE)))
}

/// After which entry to begin. A number that none has had yet is of an emulator before this one, or of another session of that
/// name: then nothing of this one was told.
fn begins(session: &InUse, since: u64) -> u64 {
    if since > session.journal().newest() { 0 } else { since }
}

/// From where to tell.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Since {
    since: Option<u64>,
}

/// Somebody who is told what happens.
struct Telling {
    session: InUse,
    /// The number of the newest entry that was fetched.
    told: u64,
    next: VecDeque<Event>,
}

impl Telling {
    /// The next event; `None` once the session has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Some(event);
            }
            if self.session.has_ended() && self.session.journal().newest() <= self.told {
                return None;
            }
            tokio::select! {
                () = self.session.journal().after(self.told) => {}
                () = self.session.ended() => continue,
            }
            let since = self.session.journal().since(self.told);
            if since.lost > 0 {
                self.next.push_back(Event::default().event("lost").data(since.lost.to_string()));
            }
            for entry in since.entries.iter().take(PAGE) {
                let view = EntryView::from(entry);
                let data = serde_json::to_string(&view).unwrap_or_default();
                self.next.push_back(Event::default().id(view.number.to_string()).event(view.kind).data(data));
                self.told = view.number;
            }
        }
    }
}

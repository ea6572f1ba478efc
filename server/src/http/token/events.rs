//! What happens, as it happens, and what has happened to a token.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::admin::{EventFeed, FeedItem};
use crate::domain::authkey::Scope;
use crate::domain::permission::Permission;
use crate::http::call::{Call, Mounted, by_verb, mount};
use crate::http::form::Form;
use crate::http::origin::Origin;
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{ID, Kind, Parameter, Reach, Route, SERVICE, SOME_SERVICE, SOME_SUBSCRIPTION};
use crate::http::serve::Lifetime;
use crate::http::{Api, Problem};
use crate::storage::rows::JournalFilter;
use crate::webhook::BLOCK;

/// The greatest number that an event can have.
const NUMBER_MAX: u64 = (1 << 53) - 1;

const AFTER: Parameter = Parameter::optional("after", Kind::Number { least: 0, most: NUMBER_MAX });
const TYPE: Parameter = Parameter::optional("type", Kind::Text { least: 1, most: 1_024 });
/// What browsers send when they connect again. It counts more than `after`, which is still in their URL.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

static HISTORY: Route = Route::get("/token/history", Permission::History, &[ID, SERVICE, CURSOR, LIMIT]);
static EVENTS: Route = Route::get("/token/events", Permission::Events, &[SOME_SERVICE, SOME_SUBSCRIPTION, AFTER, TYPE])
    .within(Reach::ServiceOrSubscription);

/// How often a comment says that the stream lives, and how often at least its authkey is checked.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// An authkey that was checked so long ago is checked again before an event leaves.
const FRESH: Duration = Duration::from_secs(1);
/// How long a reader may take nothing before it is cut off.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines that may wait for a reader, beside what the connection holds.
const WAITING: usize = 8;
/// What proxies need to be told so that they pass lines on as they come.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&HISTORY, history), (&EVENTS, by_verb(EVENTS.verb, events))]
}

/// What has happened to a token, the newest first.
async fn history(call: Call) -> Result<Json<Value>, Problem> {
    let page = Page::of(&call)?;
    let found = call.api.admin.history(call.service()?, &call.user()?, page.after_number()?, page.limit).await?;
    let is_full = found.len() as u64 >= u64::from(page.limit);
    let last = found.last().filter(|_| is_full).map(|item| item.seq.to_le_bytes());
    let items = found.into_iter().filter_map(|item| item.body).collect();
    Ok(page.answer(&call, items, last.as_ref().map(<[u8; 8]>::as_slice)))
}

/// Events as they happen: `id`, `event` and `data` of each, and comments in between. One that begins now begins with the
/// `id` behind which it does.
async fn events(
    State(api): State<Arc<Api>>,
    lifetime: Option<Extension<Lifetime>>,
    origin: Origin,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = Form::of_query(&EVENTS, uri.query())?;
    let types = form.text(TYPE.name).map(types).transpose()?;
    let after = last_seen(&headers)?.or_else(|| form.number(AFTER.name));
    let call = Call::admit(Arc::clone(&api), &EVENTS, form, &headers, origin).await?;
    let permit = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| Problem::Busy)?;
    let scope = match &call.access.scope {
        Scope::Instance => JournalFilter::All,
        Scope::Subscription(name) => api.admin.subscription_events(name).await?,
        Scope::Service(_) => JournalFilter::Service(call.service()?.id),
    };
    let feed = api.admin.events(scope, call.access.allows(Permission::History), after).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let lifetime = lifetime.map(|Extension(lifetime)| lifetime);
    if let Some(lifetime) = &lifetime {
        lifetime.stream();
    }
    if after.is_none() {
        // So that a reader whose stream breaks before the first event can come back without a gap. There is room.
        let _ = sender.try_send(format!("id: {}\n\n", feed.begins_after()).into());
    }
    tokio::spawn(Streaming { call, feed, types, sender, lifetime, _permit: permit }.run());
    let lines = stream::unfold(receiver, async |mut receiver| {
        let line: Bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(line), receiver))
    });
    Ok(([(CONTENT_TYPE, "text/event-stream"), UNBUFFERED], Body::from_stream(lines)).into_response())
}

/// The event that the caller has seen last, by the header.
fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(LAST_EVENT_ID) {
            Err(Problem::bad_call("the Last-Event-ID header is repeated"))
        } else {
            Ok(None)
        };
    };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok()).filter(|number| *number <= NUMBER_MAX);
    number.map(Some).ok_or_else(|| Problem::bad_call("the Last-Event-ID header must be the number of an event"))
}

/// Names of events, with commas in between.
fn types(list: &str) -> Result<Vec<String>, Problem> {
    let is_name = |name: &str| {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        name.split_once('.').is_some_and(|(head, tail)| is_word(head) && is_word(tail))
    };
    let names = list.split(',');
    if names.clone().all(is_name) {
        return Ok(names.map(str::to_owned).collect());
    }
    Err(Problem::bad_call("`type` must be names of events such as `token.opened`, with commas in between"))
}

/// A stream and its reader.
struct Streaming {
    call: Call,
    feed: EventFeed,
    types: Option<Vec<String>>,
    sender: mpsc::Sender<Bytes>,
    lifetime: Option<Lifetime>,
    _permit: OwnedSemaphorePermit,
}

impl Streaming {
    /// Until the server stops, the reader goes or takes nothing, or the authkey is no longer good.
    async fn run(mut self) {
        let shutdown = self.call.api.shutdown.clone();
        let _guard = shutdown.guard();
        let mut pace = interval(HEARTBEAT);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut staling, mut is_fresh) = (interval(FRESH), true);
        staling.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let item = tokio::select! {
                biased;
                () = shutdown.requested() => break,
                () = self.sender.closed() => break,
                _ = pace.tick() => None,
                _ = staling.tick() => {
                    is_fresh = false;
                    continue;
                }
                item = self.feed.next() => match item {
                    Ok(item) => Some(item),
                    Err(error) => break tracing::warn!(%error, "a stream of events ended: its reader will come back"),
                },
            };
            if item.as_ref().is_some_and(|item| !self.wants(item)) {
                continue;
            }
            if item.is_none() || !is_fresh {
                if let Err(problem) = self.call.is_still_admitted().await {
                    break tracing::debug!(%problem, "a stream of events ended");
                }
                is_fresh = true;
            }
            let line = item.map_or(Bytes::from_static(b":\n\n"), |item| line(&item));
            let sent = tokio::select! {
                () = shutdown.requested() => break,
                sent = timeout(PATIENCE, self.sender.send(line)) => sent,
            };
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(_)) => break,
                Err(_) => {
                    if let Some(lifetime) = &self.lifetime {
                        lifetime.cut();
                    }
                    break;
                }
            }
        }
    }

    fn wants(&self, item: &FeedItem) -> bool {
        self.types.as_ref().is_none_or(|types| types.iter().any(|name| name == item.name))
    }
}

/// JSON has no line breaks, so one line of data is enough. Spaces make every frame as large as a webhook's body, so that
/// who sees the encrypted connection cannot tell duress by its size.
fn line(item: &FeedItem) -> Bytes {
    let FeedItem { seq, name, body } = item;
    let mut line = format!("id: {seq}\nevent: {name}\ndata: {body}");
    let end = "\n\n";
    let size = (line.len() + end.len()).next_multiple_of(BLOCK);
    line.extend(std::iter::repeat_n(' ', size - line.len() - end.len()));
    line.push_str(end);
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_of_one_size_and_still_json() {
        for (name, user) in [("token.opened", "joe"), ("token.duress", &"\u{1}".repeat(255))] {
            let line = line(&FeedItem { seq: 7, name, body: serde_json::json!({ "user": user }) });
            assert_eq!(line.len(), BLOCK);
            let text = std::str::from_utf8(&line).expect("text");
            let data = text.strip_suffix("\n\n").and_then(|text| text.split_once("data: ")).expect("a frame").1;
            assert_eq!(serde_json::from_str::<Value>(data).expect("JSON")["user"], *user);
        }
    }
}

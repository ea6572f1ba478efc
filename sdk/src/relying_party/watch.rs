//! Events of a service as they happen, without a gap.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Sleep, sleep, timeout};

use super::http::{Ask, Stream};
use super::sse::{Broken, Frame, Frames};
use super::{Inner, RelyingPartyError};
use crate::env::{Env, Stopwatch};

/// A server says every five seconds that it lives.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// How long what came while nobody waited may take to be seen.
const LATE_MAX: Duration = Duration::from_secs(1);
/// A stream that lived so long is none of a row of failures.
const LASTED: Duration = RETRY_LAST;
/// How soon, and how late at most, a stream that broke is begun again.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LAST: Duration = Duration::from_secs(30);
/// Most bytes of a refusal.
const REFUSAL_MAX: usize = 16 * 1024;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelyingEvent {
    /// Its number. Give it to [`RelyingParty::watch`](super::RelyingParty::watch) to go on after it.
    pub id: u64,
    /// What it is, such as `token.opened`. More may come with newer servers.
    pub kind: String,
    /// When, by the server's clock, Unix seconds.
    pub at: u64,
    /// The user, where there is one.
    pub user: Option<String>,
    /// The token, in hexadecimal, where there is one.
    pub token: Option<String>,
    /// The device, in hexadecimal, where there is one.
    pub device: Option<String>,
    /// All of it, as the server says it.
    pub json: String,
}

struct Beginning(Pin<Box<dyn Future<Output = Result<Stream, RelyingPartyError>> + Send>>);

impl fmt::Debug for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beginning(..)")
    }
}

/// A stream that has begun.
#[derive(Debug)]
struct Listening {
    stream: Stream,
    frames: Frames,
    began: Stopwatch,
    /// Since the last bytes. Whoever waits in pieces is to notice silence, too.
    heard: Stopwatch,
    /// Since somebody waited again when it had been silent for too long.
    late: Option<Stopwatch>,
}

impl Listening {
    fn to(stream: Stream) -> Self {
        let now = Stopwatch::start();
        Self { stream, frames: Frames::default(), began: now, heard: now, late: None }
    }

    /// How long it may still be silent.
    fn patience(&mut self) -> Duration {
        let left = SILENCE_MAX.saturating_sub(self.heard.elapsed());
        if left.is_zero() {
            // Perhaps nobody has listened all the while.
            return LATE_MAX.saturating_sub(self.late.get_or_insert_with(Stopwatch::start).elapsed());
        }
        left
    }

    fn push(&mut self, bytes: &[u8]) {
        (self.heard, self.late) = (Stopwatch::start(), None);
        self.frames.push(bytes);
    }
}

/// The events of a service, one after the other. It holds at most one connection, and that while it is not dropped.
#[derive(Debug)]
#[must_use = "it asks nobody before `next`"]
pub struct Watch {
    inner: Arc<Inner>,
    kinds: String,
    after: Option<u64>,
    stream: Option<Listening>,
    /// A stream that is being begun: whoever drops `next` again and again gets there too.
    beginning: Option<Beginning>,
    pause: Option<Pin<Box<Sleep>>>,
    failures: u32,
    has_ended: bool,
}

impl Watch {
    pub(super) fn new(inner: Arc<Inner>, after: Option<u64>, kinds: String) -> Self {
        Self { inner, kinds, after, stream: None, beginning: None, pause: None, failures: 0, has_ended: false }
    }

    /// The next event. Waits for it as long as it takes.
    ///
    /// An error says that the stream broke: until the next event nothing is known of what happens. The next call begins
    /// again, after a while that grows, behind the last event; none is left out that the server still keeps. Only an error
    /// that cannot pass ([`RelyingPartyError::may_pass`]) is the last, and `None` comes after it. Such a one is
    /// [`RelyingPartyError::Call`] where the server has not come as far as the last event: it was restored from a backup.
    ///
    /// Silence is noticed after 20 seconds, also by whoever waits for a shorter time again and again.
    ///
    /// Cancel safe: no event is lost.
    pub async fn next(&mut self) -> Option<Result<RelyingEvent, RelyingPartyError>> {
        if self.has_ended {
            return None;
        }
        let next = self.try_next().await;
        if let Err(error) = &next {
            self.stream = None;
            self.has_ended = !error.may_pass();
            self.pause = Some(Box::pin(sleep(error.wait().max(backoff(self.failures, &self.inner.env)))));
            self.failures = self.failures.saturating_add(1);
        }
        Some(next)
    }

    /// The number of the last event, or of where the stream began. `None` before that is known.
    #[must_use]
    pub const fn position(&self) -> Option<u64> {
        self.after
    }

    async fn try_next(&mut self) -> Result<RelyingEvent, RelyingPartyError> {
        loop {
            if let Some(pause) = &mut self.pause {
                pause.as_mut().await;
                self.pause = None;
            }
            if self.stream.is_none() {
                let (inner, after, kinds) = (&self.inner, self.after, &self.kinds);
                let begin = || Beginning(Box::pin(begin(Arc::clone(inner), after, kinds.clone())));
                let begun = self.beginning.get_or_insert_with(begin).0.as_mut().await;
                self.beginning = None;
                self.stream = Some(Listening::to(begun?));
            }
            let Some(listening) = &mut self.stream else { continue };
            while let Some(frame) = listening.frames.next().map_err(wrong)? {
                let id = frame.id.as_deref().map(number).transpose()?;
                if frame.data.is_empty() {
                    // Where the stream begins; there is no event before it to go on after.
                    self.after = self.after.max(id);
                } else if let Some(event) = event(id, frame, self.after)? {
                    self.after = Some(event.id);
                    self.failures = 0;
                    return Ok(event);
                }
            }
            let patience = listening.patience();
            let piece = timeout(patience, listening.stream.next()).await.map_err(|_| RelyingPartyError::Timeout)?;
            match piece {
                Some(piece) => {
                    listening.push(&piece?);
                    if listening.began.elapsed() >= LASTED {
                        self.failures = 0;
                    }
                }
                None => return Err(RelyingPartyError::Unreachable { reason: "it ended the stream".to_owned() }),
            }
        }
    }
}

async fn begin(inner: Arc<Inner>, after: Option<u64>, kinds: String) -> Result<Stream, RelyingPartyError> {
    let after = after.map(|after| after.to_string());
    let mut query = vec![("service", inner.service.as_str())];
    if let Some(after) = &after {
        query.push(("after", after));
    }
    if !kinds.is_empty() {
        query.push(("type", &kinds));
    }
    let ask = Ask { path: "/token/events", query: &query, body: None, most: REFUSAL_MAX };
    inner.http.stream(ask).await
}

#[derive(Deserialize)]
struct Body {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    at: u64,
    user: Option<String>,
    token: Option<String>,
    device: Option<String>,
}

/// The event in `frame`; none if it was there already.
fn event(id: Option<u64>, frame: Frame, after: Option<u64>) -> Result<Option<RelyingEvent>, RelyingPartyError> {
    let wrong = || RelyingPartyError::Answer("it has an event that is none");
    let body: Body = serde_json::from_str(&frame.data).map_err(|_| wrong())?;
    let id = id.ok_or_else(wrong)?;
    if number(&body.id)? != id || body.kind != frame.event {
        return Err(wrong());
    }
    if after.is_some_and(|after| id <= after) {
        return Ok(None);
    }
    let Body { kind, at, user, token, device, .. } = body;
    let json = frame.data.trim_end().to_owned();
    Ok(Some(RelyingEvent { id, kind, at, user, token, device, json }))
}

fn number(text: &str) -> Result<u64, RelyingPartyError> {
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(RelyingPartyError::Answer("it has an event without a number"))
}

fn wrong(broken: Broken) -> RelyingPartyError {
    RelyingPartyError::Answer(match broken {
        Broken::TooLong => "it has an event that does not end",
        Broken::Text => "it has an event that is no text",
    })
}

/// How long to wait after so many failures: twice as long each time, and somewhere in the upper half of that, so that not all
/// readers of a server that comes back come at once.
fn backoff(failures: u32, env: &Env) -> Duration {
    let most = RETRY_FIRST.saturating_mul(1 << failures.min(10)).min(RETRY_LAST);
    let mut random = [0; 2];
    env.entropy.fill(&mut random);
    most / 2 + most / 2 * u32::from(u16::from_le_bytes(random)) / (u32::from(u16::MAX) + 1)
}

//! One connection, from its first frame to its end. What frames mean is the desk's business; here is only what may
//! come when, and how long it may take.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::limits::SESSION_SECONDS;
use cardea_protocol::responder::Session;
use cardea_protocol::wire::{DecodeError, FirstFrame};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::address::Admitted;
use super::counts::{Kind, Outcome};
use super::desk::{Answer, Desk, DeskError, Started, Subscription, WarmAnswer};
use super::framing::{Farewell, FrameError, Frames, Transport};
use super::grid::{Grid, now};
use super::live::Place;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// From the connection to the end of its handshake, and for each frame of it.
    pub(super) handshake: Duration,
    /// Between two frames of a session.
    pub(super) idle: Duration,
    /// The grid on which replies leave; zero is none.
    pub(super) grid: Duration,
}

/// Why a connection ended other than by the peer's or the server's will. For the log; nothing here comes from the peer.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("the peer broke the protocol: {0}")]
    Protocol(&'static str),
    #[error("{0}")]
    Desk(#[from] DeskError),
    #[error("cannot send: {0}")]
    Send(std::io::Error),
}

/// What a session that waits hears.
enum Event {
    /// Another session has taken over, the token is gone, or the server stops.
    Replaced,
    /// The session is over: it is too old, or nothing came for too long.
    Over,
    /// There may be something to tell the device.
    Due,
    /// A frame, or none.
    Received(Result<Bytes, FrameError>),
}

/// What comes after a frame of a session.
enum Next {
    /// Another one.
    Frame,
    /// Pushes of these kinds, and another one.
    Pushes(u8),
    /// Nothing.
    End,
}

/// What a session has asked to be told; none for an empty mask.
fn subscribed(desk: &Desk, session: &Session<Dalek>, place: &Place, mask: u8) -> Option<Box<Subscription>> {
    place.subscribe(mask != 0);
    (mask != 0).then(|| Box::new(desk.subscription(session, mask)))
}

/// Serves a connection to its end.
///
/// Most of its life a connection waits in its session, and there are as many as there are devices. So everything else
/// that it does has a box of its own, which is gone when it is done.
pub(super) async fn run<T: Transport>(transport: T, shared: Arc<Shared>, admitted: Admitted) {
    let _present = shared.desk.counts().connected(T::CARRIER);
    let mut connection = Connection { frames: Frames::new(transport), shared, admitted, grid: Grid::new() };
    let begun = Box::pin(connection.handshake()).await;
    let ended = match begun {
        Ok(Some(started)) => connection.warm(started).await,
        Ok(None) => Ok(()),
        Err(ended) => Err(ended),
    };
    Box::pin(connection.close(ended)).await;
}

struct Connection<T> {
    frames: Frames<T>,
    shared: Arc<Shared>,
    admitted: Admitted,
    grid: Grid,
}

impl<T: Transport> Connection<T> {
    /// Everything up to the session; gives the session that goes on, if one does.
    async fn handshake(&mut self) -> Result<Option<Started>, Ended> {
        let shared = Arc::clone(&self.shared);
        let (desk, timing) = (&shared.desk, shared.timing);
        let Some(first) = self.next(timing.handshake).await? else { return Ok(None) };
        match FirstFrame::parse(&first) {
            Ok(FirstFrame::Cold(request)) => {
                let answer = desk.cold(&request).await?;
                self.answer(answer).await
            }
            Ok(FirstFrame::Resync(request)) => {
                if !self.admitted.may_resync() {
                    desk.counts().handshake(Kind::Resync, Outcome::Refused);
                    return self.answer(desk.plain(Code::Overloaded)).await;
                }
                match desk.resync(&request).await? {
                    Ok((reply, mut confirm)) => {
                        self.send(&reply).await?;
                        let Some(frame) = self.next(timing.handshake).await? else { return Ok(None) };
                        match desk.confirm(&mut confirm, &frame).await? {
                            WarmAnswer::Reply(reply) | WarmAnswer::Last(reply) | WarmAnswer::Subscribed(reply, _) => {
                                self.send(&reply).await?;
                                Ok(None)
                            }
                            WarmAnswer::Fenced => Ok(None),
                            WarmAnswer::Broken => self.failed("confirm of a resync does not authenticate"),
                        }
                    }
                    Err(refused) => self.answer(refused).await,
                }
            }
            Ok(FirstFrame::Enroll(request)) => match desk.offer(&request).await? {
                Ok((reply, pending)) => {
                    self.send(&reply).await?;
                    // The holder chooses a PIN and the device hashes it meanwhile: that takes as long as it takes.
                    let Some(frame) = self.next(timing.idle).await? else { return Ok(None) };
                    let answer = desk.enroll(pending, &frame).await?;
                    self.answer(answer).await
                }
                Err(refused) => self.answer(refused).await,
            },
            Err(DecodeError::Version(_)) => {
                desk.counts().handshake(Kind::Other, Outcome::Refused);
                self.answer(desk.plain(Code::VersionUnsupported)).await
            }
            Err(_) => {
                desk.counts().handshake(Kind::Other, Outcome::Failed);
                self.failed("the first frame is none")
            }
        }
    }

    /// The next frame of a handshake; `None` when there will be none and nobody is to blame.
    async fn next(&mut self, patience: Duration) -> Result<Option<Bytes>, Ended> {
        let received = tokio::select! {
            biased;
            () = self.shared.shutdown.requested() => return Ok(None),
            received = self.frames.receive(patience) => received,
        };
        match received {
            Ok(frame) => Ok(Some(frame)),
            // Between two frames a peer may leave: probes do, and devices that have heard enough.
            Err(FrameError::Closed) => Ok(None),
            Err(error) => {
                self.shared.desk.counts().handshake(Kind::Other, Outcome::Failed);
                self.admitted.failed();
                Err(error.into())
            }
        }
    }

    /// Sends what the desk answers; gives the session that goes on, if one does.
    async fn answer(&mut self, answer: Answer) -> Result<Option<Started>, Ended> {
        match answer {
            Answer::Reply { frame, started } => {
                self.send(&frame).await?;
                Ok(started)
            }
            Answer::Stale { frame, record } => {
                self.admitted.stale();
                self.send(&frame).await?;
                if let Some(record) = record {
                    self.send(&record).await?;
                }
                Ok(None)
            }
            Answer::Plain { frame, failed } => {
                if failed {
                    self.admitted.failed();
                }
                self.send(&frame).await?;
                Ok(None)
            }
            Answer::Drop { failed } => {
                if failed {
                    self.admitted.failed();
                }
                Ok(None)
            }
        }
    }

    async fn warm(&mut self, started: Started) -> Result<(), Ended> {
        let Started { mut session, place, subscription } = started;
        // Few sessions have one, so that it has no room of its own in all of them.
        let mut subscription = subscribed(&self.shared.desk, &session, &place, subscription);
        let life = now() + Duration::from_secs(u64::from(SESSION_SECONDS));
        // Who takes a place after all sessions were ended sees here that the server stops.
        while !self.shared.shutdown.is_requested() {
            match self.wait(&place, life).await {
                Event::Received(Err(FrameError::Closed)) | Event::Over => break,
                Event::Received(frame) => {
                    let frame = frame?;
                    match Box::pin(self.respond(&mut session, frame)).await? {
                        Next::Frame => {}
                        Next::Pushes(mask) => subscription = subscribed(&self.shared.desk, &session, &place, mask),
                        Next::End => break,
                    }
                }
                Event::Due => {
                    if let Some(subscription) = &mut subscription
                        && !Box::pin(self.push(&mut session, subscription)).await?
                    {
                        // Who looks may see it before it is said, and on another node it may never be.
                        return Box::pin(self.revoke(&mut session)).await;
                    }
                }
                Event::Replaced if self.shared.shutdown.is_requested() => break,
                Event::Replaced => return Box::pin(self.revoke(&mut session)).await,
            }
        }
        Ok(())
    }

    /// What happens next in a session. This is where a connection spends its life.
    async fn wait(&mut self, place: &Place, life: Instant) -> Event {
        let mut over = pin!(sleep_until(life.min(now() + self.shared.timing.idle)));
        poll_fn(|cx| {
            if place.poll_ended(cx).is_ready() {
                return Poll::Ready(Event::Replaced);
            }
            if place.poll_due().is_ready() {
                return Poll::Ready(Event::Due);
            }
            if let Poll::Ready(received) = self.frames.poll_receive(cx) {
                return Poll::Ready(Event::Received(received));
            }
            over.as_mut().poll(cx).map(|()| Event::Over)
        })
        .await
    }

    /// Answers a frame of a session.
    async fn respond(&mut self, session: &mut Session<Dalek>, frame: Bytes) -> Result<Next, Ended> {
        self.frames.spend(frame.len()).await;
        match self.shared.desk.warm(session, &frame).await? {
            WarmAnswer::Reply(reply) => self.send(&reply).await.map(|()| Next::Frame),
            WarmAnswer::Subscribed(reply, mask) => self.send(&reply).await.map(|()| Next::Pushes(mask)),
            WarmAnswer::Last(reply) => self.send(&reply).await.map(|()| Next::End),
            WarmAnswer::Fenced => Ok(Next::End),
            WarmAnswer::Broken => Err(Ended::Protocol("warm frame does not authenticate")),
        }
    }

    /// Tells a device what it has asked to be told; whether the session is still the device's.
    async fn push(&mut self, session: &mut Session<Dalek>, subscription: &mut Subscription) -> Result<bool, Ended> {
        let shared = Arc::clone(&self.shared);
        let Some(frames) = shared.desk.pushes(session, subscription).await? else { return Ok(false) };
        for frame in frames {
            self.send(&frame).await?;
        }
        Ok(true)
    }

    async fn revoke(&mut self, session: &mut Session<Dalek>) -> Result<(), Ended> {
        let revoked = self.shared.desk.revoked(session)?;
        self.send(&revoked).await
    }

    fn failed<A>(&self, why: &'static str) -> Result<A, Ended> {
        self.admitted.failed();
        Err(Ended::Protocol(why))
    }

    async fn send(&mut self, frame: &[u8]) -> Result<(), Ended> {
        let timing = self.shared.timing;
        self.grid.wait(timing.grid).await;
        self.frames.send(frame, timing.handshake).await.map_err(Ended::Send)
    }

    async fn close(mut self, ended: Result<(), Ended>) {
        let farewell = match &ended {
            Ok(()) | Err(Ended::Desk(_) | Ended::Send(_)) if self.shared.shutdown.is_requested() => Farewell::Stopping,
            Ok(()) | Err(Ended::Desk(_) | Ended::Send(_)) => Farewell::Done,
            Err(Ended::Frame(FrameError::TimedOut | FrameError::Closed)) => Farewell::Done,
            Err(Ended::Frame(_) | Ended::Protocol(_)) => Farewell::Broken,
        };
        match ended {
            Ok(()) => {}
            // A failure of our own is the operator's business; a peer's is noise.
            Err(Ended::Desk(error)) => tracing::error!(%error, "token channel: operation failed"),
            Err(ended) => tracing::debug!(%ended, "token channel: connection closed"),
        }
        self.frames.close(farewell, self.shared.timing.handshake).await;
    }
}

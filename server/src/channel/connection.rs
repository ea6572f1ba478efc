//! One connection, from its first frame to its end. What frames mean is the desk's business; here is only what may
//! come when, and how long it may take.

use std::time::Duration;

use bytes::BytesMut;
use cardea_protocol::Code;
use cardea_protocol::limits::SESSION_SECONDS;
use cardea_protocol::wire::{DecodeError, FirstFrame};
use tokio::io::{AsyncRead, AsyncWrite};

use super::address::Admitted;
use super::desk::{Answer, Desk, DeskError, Started, WarmAnswer};
use super::framing::{FrameError, Frames};
use super::grid::Grid;
use crate::shutdown::Shutdown;

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

/// Serves a connection to its end.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    desk: &Desk,
    admitted: &Admitted,
    timing: Timing,
    shutdown: &Shutdown,
) {
    let connection = Connection { frames: Frames::new(stream), desk, admitted, timing, grid: Grid::new(timing.grid) };
    match connection.serve(shutdown).await {
        Ok(()) => {}
        // A failure of our own is the operator's business; a peer's is noise.
        Err(Ended::Desk(error)) => tracing::error!(%error, "token channel: operation failed"),
        Err(ended) => tracing::debug!(%ended, "token channel: connection closed"),
    }
}

struct Connection<'a, S> {
    frames: Frames<S>,
    desk: &'a Desk,
    admitted: &'a Admitted,
    timing: Timing,
    grid: Grid,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    async fn serve(mut self, shutdown: &Shutdown) -> Result<(), Ended> {
        let Some(first) = self.next(self.timing.handshake, shutdown).await? else { return Ok(()) };
        match FirstFrame::parse(&first) {
            Ok(FirstFrame::Cold(request)) => {
                let answer = self.desk.cold(&request).await?;
                let Some(started) = self.answer(answer).await? else { return Ok(()) };
                self.warm(started, shutdown).await
            }
            Ok(FirstFrame::Resync(request)) => {
                if !self.admitted.may_resync() {
                    let answer = self.desk.plain(Code::Overloaded);
                    return self.answer(answer).await.map(drop);
                }
                match self.desk.resync(&request).await? {
                    Ok((reply, mut confirm)) => {
                        self.send(&reply).await?;
                        let Some(frame) = self.next(self.timing.handshake, shutdown).await? else { return Ok(()) };
                        match self.desk.confirm(&mut confirm, &frame).await? {
                            WarmAnswer::Reply(reply) | WarmAnswer::Last(reply) => self.send(&reply).await,
                            WarmAnswer::Fenced => Ok(()),
                            WarmAnswer::Broken => self.failed("confirm of a resync does not authenticate"),
                        }
                    }
                    Err(refused) => self.answer(refused).await.map(drop),
                }
            }
            Ok(FirstFrame::Enroll(request)) => match self.desk.offer(&request).await? {
                Ok((reply, pending)) => {
                    self.send(&reply).await?;
                    // The holder chooses a PIN and the device hashes it meanwhile: that takes as long as it takes.
                    let Some(frame) = self.next(self.timing.idle, shutdown).await? else { return Ok(()) };
                    let answer = self.desk.enroll(pending, &frame).await?;
                    self.answer(answer).await.map(drop)
                }
                Err(refused) => self.answer(refused).await.map(drop),
            },
            Err(DecodeError::Version(_)) => {
                let answer = self.desk.plain(Code::VersionUnsupported);
                self.answer(answer).await.map(drop)
            }
            Err(_) => self.failed("the first frame is none"),
        }
    }

    /// The next frame of a handshake; `None` when there will be none and nobody is to blame.
    async fn next(&mut self, patience: Duration, shutdown: &Shutdown) -> Result<Option<BytesMut>, Ended> {
        let received = tokio::select! {
            biased;
            () = shutdown.requested() => return Ok(None),
            received = self.frames.receive(patience) => received,
        };
        match received {
            Ok(frame) => Ok(Some(frame)),
            // Between two frames a peer may leave: probes do, and devices that have heard enough.
            Err(FrameError::Closed) => Ok(None),
            Err(error) => {
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
            Answer::Plain { frame, record, failed } => {
                if failed {
                    self.admitted.failed();
                }
                self.send(&frame).await?;
                if let Some(record) = record {
                    self.send(&record).await?;
                }
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

    async fn warm(&mut self, started: Started, shutdown: &Shutdown) -> Result<(), Ended> {
        let Started { mut session, mut place } = started;
        let life = tokio::time::sleep(Duration::from_secs(u64::from(SESSION_SECONDS)));
        tokio::pin!(life);
        loop {
            let frame: BytesMut = tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                () = place.ended() => {
                    let revoked = self.desk.revoked(&mut session)?;
                    return self.send(&revoked).await;
                }
                () = &mut life => return Ok(()),
                frame = self.frames.receive(self.timing.idle) => match frame {
                    Err(FrameError::Closed | FrameError::TimedOut) => return Ok(()),
                    frame => frame?,
                },
            };
            match self.desk.warm(&mut session, &frame).await? {
                WarmAnswer::Reply(reply) => self.send(&reply).await?,
                WarmAnswer::Last(reply) => return self.send(&reply).await,
                WarmAnswer::Fenced => return Ok(()),
                WarmAnswer::Broken => return Err(Ended::Protocol("warm frame does not authenticate")),
            }
        }
    }

    fn failed(&self, why: &'static str) -> Result<(), Ended> {
        self.admitted.failed();
        Err(Ended::Protocol(why))
    }

    async fn send(&mut self, frame: &[u8]) -> Result<(), Ended> {
        self.grid.wait().await;
        self.frames.send(frame, self.timing.handshake).await.map_err(Ended::Send)
    }
}

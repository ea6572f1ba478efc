//! What stands in front of the server: applies the script to each call, and passes on what it says nothing about.

mod body;
mod calls;
mod channel;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cardea_server::admin::Actor;
use cardea_server::domain::name::UserId;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub(super) use body::Answered;
pub(super) use calls::json as plain;

use super::clock::StubClock;
use super::script::{Change, Desk, TokenChange, Told};
use super::server::Server;
use super::{StubError, user_id};

/// Most users whose last status is remembered, for a stale one.
const REMEMBERED: usize = 10_000;

/// What the front's connections share.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) server: Server,
    pub(super) clock: Arc<StubClock>,
    pub(super) desk: Desk,
    /// The last two statuses that differ, by user, as they were told.
    told: Mutex<HashMap<String, (Told, Option<Told>)>>,
}

impl Front {
    pub(super) fn new(server: Server, clock: Arc<StubClock>, desk: Desk) -> Self {
        Self { server, clock, desk, told: Mutex::default() }
    }

    /// Changes what a rule says. Where there is nothing to change, nothing is: a rule may come too early.
    async fn change(&self, changes: &[Change], user: Option<&str>) {
        for change in changes {
            match change {
                Change::Skew(seconds) => self.clock.set_skew(*seconds),
                Change::RotateKeys => drop(self.server.admin.rotate_keys(Actor::Operator).await),
                Change::Token(change) => {
                    if let Some(Ok(user)) = user.map(user_id) {
                        let _ = self.change_token(*change, &user).await;
                    }
                }
            }
        }
    }

    pub(super) async fn change_token(&self, change: TokenChange, user: &UserId) -> Result<(), StubError> {
        let (admin, by) = (&self.server.admin, Actor::Operator);
        let service = self.server.service().await?;
        match change {
            TokenChange::Unenroll => admin.delete(&service, user, by).await,
            TokenChange::Block => admin.block(&service, user, by).await,
            TokenChange::Unblock => admin.unblock(&service, user, by).await,
            TokenChange::Close => admin.close(&service, user, by).await,
            TokenChange::ClearDuress => admin.clear_duress(&service, user, by).await,
        }?;
        Ok(())
    }

    /// Notes what was told about a user.
    fn note(&self, user: &str, body: &Bytes) {
        let Some(told) = Told::of(body) else { return };
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(user) {
            Some((last, before)) if *last != told => {
                *before = Some(*last);
                *last = told;
            }
            Some(_) => {}
            None => {
                if all.len() < REMEMBERED {
                    all.insert(user.to_owned(), (told, None));
                }
            }
        }
    }

    /// What was told before the last change, or what was told last if nothing has changed. Never "open": that is for
    /// the server to say.
    fn stale(&self, user: &str) -> Option<Told> {
        let all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, before) = all.get(user)?;
        Some(before.unwrap_or(*last)).filter(|told| *told != Told::Open)
    }
}

impl Told {
    /// The number in the body.
    const fn number(self) -> Option<u8> {
        match self {
            Self::NotEnrolled => Some(0),
            Self::Open => Some(1),
            Self::Closed => Some(2),
            Self::Duress => Some(3),
            Self::Blocked => Some(4),
            Self::Unknown => Some(7),
            Self::Stale => None,
        }
    }

    fn body(self) -> Option<String> {
        self.number().map(|number| format!("{{\"status\":{number}}}"))
    }

    fn of(body: &Bytes) -> Option<Self> {
        [Self::NotEnrolled, Self::Open, Self::Closed, Self::Duress, Self::Blocked]
            .into_iter()
            .find(|told| told.body().is_some_and(|text| text.as_bytes() == &body[..]))
    }
}

/// Takes calls over HTTP.
pub(super) fn take_calls(front: Arc<Front>, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(accept(listener, move |stream| calls::serve(Arc::clone(&front), stream)))
}

/// Takes connections of devices.
pub(super) fn take_devices(front: Arc<Front>, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(accept(listener, move |stream| channel::serve(Arc::clone(&front), stream)))
}

/// Serves each connection until it ends; all of them end with this task.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(tokio::net::TcpStream) -> F,
) {
    let mut all = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are one small write each; waiting to merge them only costs time.
                let _ = stream.set_nodelay(true);
                while all.try_join_next().is_some() {}
                all.spawn(serve(stream));
            }
            // Too many files are open, or the peer is gone: the next one may be luckier, but not in a hurry.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

/// Connects to the server behind.
async fn connect(address: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

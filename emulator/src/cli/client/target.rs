//! Where whoever does it is: in this process, at a socket, or at an address of this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use cardea_sdk::Env;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::service::Service as _;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::super::CliError;
use super::super::args::Common;
use crate::control::Control;
use crate::daemon;
use crate::engine::{Options, Session, Settings};

/// How long a running emulator may take to say that it is there: it is on this machine, and does nothing for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// And answers.
    Answers,
    /// Nobody is.
    Nobody,
    /// Somebody takes the call, and says nothing.
    Silent,
}

/// Who does it.
pub(super) enum Target {
    /// This process.
    Here { session: Session, router: Router },
    /// A running emulator.
    Socket(PathBuf),
    /// A running emulator, over HTTP.
    Http { address: String, token: Zeroizing<String> },
}

impl Target {
    /// Whom `--ctl` names.
    pub(super) fn named(at: &str, common: &Common) -> Result<Self, CliError> {
        if let Some(path) = at.strip_prefix("unix:") {
            return Ok(Self::Socket(path.into()));
        }
        let Some(address) = at.strip_prefix("http://") else {
            return Err(CliError::Usage("--ctl is unix:PATH, or http:// and an address of this machine".into()));
        };
        let path = match &common.token_file {
            Some(path) => path.clone(),
            None => common.state_folder()?.join("control.token"),
        };
        Self::http(address, &path)
    }

    /// The token is for programs on this machine: it goes nowhere else, whoever names the place.
    fn http(address: &str, token: &Path) -> Result<Self, CliError> {
        let address = address.trim_end_matches('/');
        if !is_here(address) {
            return Err(CliError::Usage(format!(
                "{address:?} is no address of this machine: http://127.0.0.1:PORT, http://[::1]:PORT or http://localhost:PORT"
            )));
        }
        let read = std::fs::read_to_string(token);
        let read = read.map_err(|source| CliError::File { path: token.to_owned(), source })?;
        let token = Zeroizing::new(Zeroizing::new(read).trim().to_owned());
        Ok(Self::Http { address: address.to_owned(), token })
    }

    /// The one that says it runs.
    pub(super) fn running(found: &daemon::Found) -> Option<Self> {
        if let Some(socket) = &found.socket {
            return Some(Self::Socket(socket.clone()));
        }
        Self::http(found.http.as_deref()?.strip_prefix("http://")?, found.token_file.as_deref()?).ok()
    }

    /// This process, over the devices of the state folder.
    pub(super) fn here(state: &Path, options: Options) -> Result<Self, CliError> {
        let world = Env::os();
        let settings = Settings { options: options.clone(), ..Settings::default() };
        let session = Session::in_folder(state, settings, &world)?;
        let control = Control::new(options, world);
        control.keep(session.clone());
        Ok(Self::Here { session, router: control.calls() })
    }

    /// Whether there is somebody: who was killed has left what says where it was.
    pub(super) async fn look(&self) -> Found {
        match timeout(PATIENCE, self.send(Method::GET, "/live", None)).await {
            Ok(Ok(answer)) if answer.status().is_success() => Found::Answers,
            Ok(_) => Found::Nobody,
            Err(_) => Found::Silent,
        }
    }

    /// What is said of one that is silent.
    pub(super) fn silent(&self) -> CliError {
        let why = format!("not within {} seconds: is its process stopped? End it, or let it go on", PATIENCE.as_secs());
        CliError::NoAnswer { at: self.at(), why }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Response<Body>, CliError> {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        match self {
            Self::Here { router, .. } => {
                let request = request.body(body).map_err(|error| self.no_answer(&error))?;
                let answered = TowerToHyperService::new(router.clone()).call(request).await;
                Ok(answered.unwrap_or_else(|never| match never {}))
            }
            #[cfg(unix)]
            Self::Socket(path) => {
                let stream = tokio::net::UnixStream::connect(path).await;
                let stream = stream.map_err(|_| CliError::NotRunning(path.display().to_string()))?;
                request = request.header(HOST, "localhost");
                let request = request.body(body).map_err(|error| self.no_answer(&error))?;
                self.over(stream, request).await
            }
            #[cfg(not(unix))]
            Self::Socket(_) => Err(CliError::Usage("there are no such sockets on this system: use http://".into())),
            Self::Http { address, token } => {
                let stream = tokio::net::TcpStream::connect(address).await;
                let stream = stream.map_err(|_| CliError::NotRunning(format!("http://{address}")))?;
                request = request.header(HOST, address).header(AUTHORIZATION, format!("Bearer {}", **token));
                let request = request.body(body).map_err(|error| self.no_answer(&error))?;
                self.over(stream, request).await
            }
        }
    }

    async fn over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Body>,
    ) -> Result<Response<Body>, CliError> {
        let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connected.map_err(|error| self.no_answer(&error))?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| self.no_answer(&error))?;
        Ok(answer.map(Body::new))
    }

    pub(super) fn at(&self) -> String {
        match self {
            Self::Here { .. } => "this process".to_owned(),
            Self::Socket(path) => path.display().to_string(),
            Self::Http { address, .. } => format!("http://{address}"),
        }
    }

    pub(super) fn no_answer(&self, error: &dyn std::error::Error) -> CliError {
        CliError::NoAnswer { at: self.at(), why: error.to_string() }
    }
}

/// Whether an address is one of this machine, with a port.
fn is_here(address: &str) -> bool {
    let port = address.strip_prefix("localhost:");
    port.is_some_and(|port| port.parse::<u16>().is_ok())
        || address.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_no_other_machine() {
        for address in ["127.0.0.1:80", "127.9.9.9:1", "[::1]:8420", "localhost:8420"] {
            assert!(is_here(address), "{address}");
        }
        for address in [
            "192.0.2.2:80",
            "0.0.0.0:80",
            "[::]:80",
            "example.com:80",
            "localhost.example.com:80",
            "localhost",
            "localhost:80@example.com:80",
            "127.0.0.1",
            "127.0.0.1:80/path",
            "127.0.0.1.example.com:80",
            "",
        ] {
            assert!(!is_here(address), "{address}");
            let Err(error) = Target::http(address, Path::new("/nowhere/control.token")) else { panic!("{address}") };
            assert!(matches!(error, CliError::Usage(_)), "before the token is read: {error}");
        }
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn one_that_is_stopped_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        assert_eq!(Target::Socket(path.clone()).look().await, Found::Nobody);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let target = Target::Socket(path.clone());
        assert_eq!(target.look().await, Found::Silent);
        assert!(target.silent().to_string().contains("2 seconds"));
        drop(listener);
        assert_eq!(target.look().await, Found::Nobody);
    }
}

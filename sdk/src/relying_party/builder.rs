//! Setting a relying party up.

use std::sync::Arc;
use std::time::Duration;

use super::authkey::Authkey;
use super::base::Base;
use super::http::Http;
use super::{Inner, RelyingParty, RelyingPartyError};
use crate::env::Env;
use crate::tls;

/// How long a call takes at most, unless told otherwise.
const LIMIT: Duration = Duration::from_secs(10);
/// Longest time limit.
const LIMIT_MAX: Duration = Duration::from_secs(120);
/// Longest name of a service, with its subscription.
const SERVICE_MAX: usize = 128;

/// What a [`RelyingParty`] is made of.
#[derive(Debug)]
#[must_use = "nothing is set up before `build`"]
pub struct Builder {
    base_url: String,
    service: String,
    authkey: Authkey,
    limit: Duration,
    root: Option<Vec<u8>>,
    allow_http: bool,
    env: Env,
}

impl Builder {
    pub(super) fn new(base_url: &str, service: &str, authkey: Authkey) -> Self {
        Self {
            base_url: base_url.to_owned(),
            service: service.to_owned(),
            authkey,
            limit: LIMIT,
            root: None,
            allow_http: false,
            env: Env::os(),
        }
    }

    /// How long a call takes at most, from looking up the host to the last byte of the answer: more than nothing, up to
    /// two minutes.
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Believes the certificate authorities in `pem` in place of those that browsers believe.
    pub fn root_certificate(mut self, pem: &[u8]) -> Self {
        self.root = Some(pem.to_vec());
        self
    }

    /// Allows `http` to hosts other than this machine. Whoever is on the way then reads the authkey and answers in the
    /// server's place: for networks where nobody else is, such as that of a pod.
    pub const fn allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Takes randomness from `env`, for tests.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Checks everything. Asks nobody.
    ///
    /// # Errors
    /// [`RelyingPartyError::Setup`].
    pub fn build(self) -> Result<RelyingParty, RelyingPartyError> {
        let wrong = RelyingPartyError::Setup;
        let base = Base::parse(&self.base_url, self.allow_http)?;
        if self.service.is_empty() || self.service.len() > SERVICE_MAX {
            return Err(wrong("the service has no name, or one that is too long"));
        }
        if self.limit.is_zero() || self.limit > LIMIT_MAX {
            return Err(wrong("the time limit is more than nothing, and two minutes at most"));
        }
        let tls = match (base.is_tls, &self.root) {
            (false, None) => None,
            (false, Some(_)) => return Err(wrong("a certificate is for https: correct the address of the server")),
            (true, None) => Some(tls::web().map_err(|_| wrong("TLS cannot be set up"))?),
            (true, Some(pem)) => {
                Some(tls::authorities(pem).map_err(|_| wrong("the certificate is none in PEM form that can be read"))?)
            }
        };
        let http = Http { base, tls, authorization: self.authkey.header()?, limit: self.limit };
        Ok(RelyingParty(Arc::new(Inner { http, service: self.service, env: self.env })))
    }
}

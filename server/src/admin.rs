//! What administrators and relying parties can ask for: the calls behind the token API and the command line.
//!
//! Every method either has happened, durably, when it returns, or has not happened at all. None of them reads a clock
//! or a random number but through the vault, and none of them can be told which PIN a device has used.

mod accounts;
mod applications;
mod audit;
mod authkeys;
mod authorize;
mod check;
mod confirmations;
mod copies;
mod counts;
mod devices;
mod error;
mod events;
mod grants;
mod history;
mod housekeeping;
mod instance;
mod keys;
mod listing;
mod nodes;
mod offers;
mod once;
mod policies;
mod readiness;
mod retention;
mod services;
mod sign_in;
pub(crate) mod status_cache;
mod subscriptions;
mod tokens;
mod webhooks;

use std::sync::{Arc, OnceLock};

use cardea_protocol::token::TokenId;
use cardea_protocol::wire::Host;
use tokio::sync::broadcast;

pub use accounts::{AccountChange, NewPerson};
pub use applications::CreatedApplication;
pub use audit::{AuditPage, AuditPosition, AuditProof, AuditReport, AuditScope, Subtrees};
pub use authkeys::{CreatedAuthkey, KeyScope, NewKey};
pub use authorize::{Access, AccessScope, Credential};
pub use check::Check;
pub use confirmations::ConfirmationList;
pub use copies::Copies;
pub use error::AdminError;
pub use events::{EventFeed, FeedItem};
pub use grants::{ACCESS_SECONDS, REFRESH_SECONDS, TokenCall, Tokens};
pub use history::HistoryItem;
pub use instance::Instance;
pub use keys::ServerIdentity;
pub use listing::TOKENS_MAX;
pub use offers::{INVITED_MAX, Invited, Offer, Offers};
pub use policies::PolicyChange;
pub use readiness::Part;
pub use retention::{Forgotten, Retention};
pub use services::{NewService, ServiceChange, StoredService};
pub use sign_in::{SignIn, SignInRefusal, SignedIn, SignedInWith, WhoIs};
pub use webhooks::WebhookState;

pub use crate::domain::actor::Actor;
pub use crate::domain::confirmation::{Ask, ConfirmationState};
pub use crate::domain::enrollment::EnrollOptions;
pub use crate::vault::{
    Account, Application, Authkey, Confirmation, Detail, DeviceEntry, DeviceState, Progress, Repeatable, Repeater,
    Service, Subscription, TokenEntry,
};

use crate::checks::Checks;
use crate::metrics::Metrics;
use crate::password::{Cost, Hasher};
use crate::storage::{CacheLock, StorageError, Store, Transaction};
use crate::vault::{Endpoint, Vault, VaultError};
use status_cache::StatusCache;

/// Changed tokens that nobody has looked at yet; who falls behind further looks at all.
const CHANGES: usize = 1024;

/// How the world reaches this server, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSettings {
    /// Origin of the landing page, for links: `https://id.example`, without a path.
    pub web: String,
    /// Host and port of the token channel, for links: `id.example:8421`.
    pub channel: String,
    /// `dev`: the cheap PIN hash is allowed.
    pub development: bool,
}

/// The calls of administrators and relying parties.
#[derive(Debug)]
pub struct Admin {
    store: Store,
    vault: Arc<Vault>,
    web: String,
    endpoint: Endpoint,
    development: bool,
    changes: broadcast::Sender<TokenId>,
    uses: authkeys::Uses,
    retention: Retention,
    caller: crate::webhook::Caller,
    busy: webhooks::Busy,
    tests: webhooks::Busy,
    subtrees: Subtrees,
    pulse: events::Pulse,
    plain_webhooks: bool,
    copies: OnceLock<Arc<StatusCache>>,
    looks: readiness::Looks,
    counts: counts::Counts,
    checks: Arc<Checks>,
    hasher: OnceLock<Hasher>,
    password_cost: Cost,
    _lock: Option<Arc<CacheLock>>,
}

impl Admin {
    /// The calls over an open instance.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the settings contradict each other, so that no link would work.
    pub fn new(instance: &Instance, settings: AdminSettings) -> Result<Self, AdminError> {
        let AdminSettings { web, channel, development } = settings;
        let endpoint = parse_endpoint(&channel).ok_or_else(|| {
            AdminError::BadCall(format!("the token channel `{channel}` is not of the form host:port"))
        })?;
        // Devices refuse a link that points to one host and enrolls with another.
        if web_host(&web) != Some(endpoint.host.as_str()) {
            let host = endpoint.host.as_str();
            return Err(AdminError::BadCall(format!(
                "the web address `{web}` and the token channel `{host}` are on different hosts: links need one name"
            )));
        }
        let (changes, _) = broadcast::channel(CHANGES);
        let (store, vault) = (instance.store().clone(), Arc::clone(instance.vault()));
        let (uses, subtrees, pulse) = (authkeys::Uses::default(), Subtrees::default(), events::Pulse::default());
        let plain_webhooks = false;
        let retention = Retention::default();
        let caller = crate::webhook::Caller::new(development);
        let (busy, tests) = (webhooks::Busy::default(), webhooks::Busy::default());
        Ok(Self {
            store,
            vault,
            web,
            endpoint,
            development,
            changes,
            uses,
            retention,
            caller,
            busy,
            tests,
            subtrees,
            pulse,
            plain_webhooks,
            copies: OnceLock::new(),
            looks: readiness::Looks::default(),
            counts: counts::Counts::default(),
            checks: Arc::default(),
            hasher: OnceLock::new(),
            password_cost: Cost::STANDARD,
            _lock: instance.lock(),
        })
    }

    /// The same, with webhooks allowed to be called by plain HTTP if `allowed`.
    #[must_use]
    pub fn with_plain_webhooks(self, allowed: bool) -> Self {
        Self { plain_webhooks: allowed, ..self }
    }

    /// The same, where new passwords cost this much to look at.
    #[must_use]
    pub fn with_password_cost(self, cost: Cost) -> Self {
        Self { password_cost: cost, ..self }
    }

    /// Who looks at passwords. The threads begin with the first one.
    fn passwords(&self) -> Result<&Hasher, AdminError> {
        if let Some(hasher) = self.hasher.get() {
            return Ok(hasher);
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let hasher = Hasher::start(threads, self.password_cost).map_err(|error| {
            tracing::error!(%error, "no thread for passwords");
            AdminError::TooMany
        })?;
        Ok(self.hasher.get_or_init(|| hasher))
    }

    /// The same, which counts in `metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: &Metrics) -> Self {
        self.store.count_in(metrics);
        Self { counts: counts::Counts::new(metrics), ..self }
    }

    /// Tokens that were changed by a call, as it happens: live sessions of their devices have to be told or ended.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<TokenId> {
        self.changes.subscribe()
    }

    /// Where checks of closed tokens are counted, for the token channel to tell devices of.
    #[must_use]
    pub fn checks(&self) -> Arc<Checks> {
        Arc::clone(&self.checks)
    }

    fn changed(&self, token: TokenId) {
        // Nobody may be listening, and that is no failure of the call.
        let _ = self.changes.send(token);
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Vault, &mut dyn Transaction) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let vault = Arc::clone(&self.vault);
        Ok(self.store.read(move |tx| job(&vault, tx)).await?)
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Vault, &mut dyn Transaction) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let vault = Arc::clone(&self.vault);
        Ok(self.store.write(move |tx| job(&vault, tx)).await?)
    }
}

fn taken<T>(result: Result<T, AdminError>, message: &str) -> Result<T, AdminError> {
    match result {
        Err(AdminError::Failed(VaultError::Storage(StorageError::Exists))) => {
            Err(AdminError::BadCall(message.to_owned()))
        }
        result => result,
    }
}

fn parse_endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    Some(Endpoint { host: Host::new(host).ok()?, port })
}

/// The host of a web address, as devices read it.
fn web_host(web: &str) -> Option<&str> {
    let authority = web.strip_prefix("https://").or_else(|| web.strip_prefix("http://"))?;
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => Some(host),
        _ => Some(authority),
    }
}

#[cfg(test)]
mod tests;

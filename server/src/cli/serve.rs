//! `run`, and what it shares with `dev`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cardea_protocol::token::TokenId;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::args::{Listen, RunArgs};
use super::channel_threads::ChannelThreads;
use super::ready::{self, DevReady, Ready};
use super::{CliError, copies, data, descriptors, log};
use crate::admin::{Admin, AdminError, AdminSettings};
use crate::channel::{self, Channel, ChannelServer, Desk, LiveSessions};
use crate::clock::{Clock, SystemClock, TestClock};
use crate::config::{Config, HttpConfig, public_host};
use crate::http::{Api, Certificates, HttpServer};
use crate::metrics::{self, Metrics};
use crate::shutdown::{self, Shutdown};

/// Connections at once to the listener of the metrics.
const WATCHERS: usize = 32;

/// What differs between `run` and `dev`.
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) listen: Listen,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) test_clock: Option<Arc<TestClock>>,
    pub(super) development: bool,
    /// Ends it with the process that started it.
    pub(super) with_parent: bool,
}

/// `cardea-server run`.
pub(super) async fn run(args: RunArgs) -> Result<(), CliError> {
    let config = args.settings.load(Some(&args.listen))?;
    log::start(&config.log);
    let setup = Setup {
        config,
        listen: args.listen,
        clock: Arc::new(SystemClock),
        test_clock: None,
        development: false,
        with_parent: false,
    };
    serve(setup, async |_| Ok(None), |_| Ok(())).await
}

/// Serves until a signal comes, then stops in order.
///
/// `prepare` runs before anybody can call, `announce` when everybody can.
pub(super) async fn serve(
    setup: Setup,
    prepare: impl AsyncFnOnce(&Admin) -> Result<Option<DevReady>, CliError>,
    announce: impl FnOnce(&Ready) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let Setup { config, listen, clock, test_clock, development, with_parent } = setup;
    let shutdown = Shutdown::new();
    shutdown::on_signals(&shutdown).map_err(CliError::io("cannot watch for signals"))?;

    if with_parent {
        shutdown::with_parent(&shutdown).map_err(CliError::io("cannot watch its parent"))?;
    }
    if !development {
        descriptors::warn_if_few(&config);
        shutdown::outlive_hangups().map_err(CliError::io("cannot watch for signals"))?;
    }
    let certificates = certificates(&config)?;
    let _lock = data::lock(&config)?;
    let instance = data::instance(&config, clock, true).await?;
    let clock = Arc::clone(instance.clock());
    let (http, http_address) = bind("http.listen", config.http.listen).await?;
    let threads = ChannelThreads::start().map_err(CliError::io("cannot start threads"))?;
    let cannot = || CliError::io(format!("cannot listen on {} (channel.listen)", config.channel.listen));
    let bound = threads.handle().spawn(channel::bind(config.channel.listen, config.channel.udp)).await;
    let listeners = bound.expect("binding does not panic").map_err(cannot())?;
    let channel_address = listeners.0.local_addr().map_err(cannot())?;
    let channel_port = match config.public.channel_port {
        0 => channel_address.port(),
        port => port,
    };

    let settings = addresses(&config, http_address, channel_port, development)?;
    let admin = Admin::new(&instance, settings)?.with_plain_webhooks(config.webhook.allow_http);
    let admin = admin.with_password_cost(config.password.cost());
    let admin = admin.with_caller(data::caller(&config, development)?);
    let metrics = Metrics::new();
    metrics::of_process(&metrics);
    let admin = Arc::new(admin.with_retention(config.retention.rules(&config.audit)).with_metrics(&metrics));
    let dev = prepare(&admin).await?;
    let mut api = Api::new(Arc::clone(&admin), &config.http, channel_port, test_clock);
    api = api.with_limits(&config.limits, Arc::clone(&clock)).until(shutdown.clone()).with_apps(&config.public);
    if config.metrics.public {
        api = api.with_metrics(metrics.clone());
    }
    let http_clock = Arc::clone(&clock);
    let (live, grace) = (Arc::new(LiveSessions::default()), config.shutdown.grace);
    let handshakes = config.channel.max_handshakes_per_minute;
    let desk = Desk::open(instance.store().clone(), Arc::clone(instance.vault()), clock, Arc::clone(&live), handshakes);
    let desk = desk.await.map_err(AdminError::from)?.with_metrics(&metrics).with_checks(admin.checks());
    let desk = Arc::new(desk);
    let channel = Channel::new(desk, &config.channel, shutdown.clone());
    if config.channel.websocket {
        api = api.with_channel(channel.clone());
    }
    let desk_for_statuses = api.status_desk().with_metrics(&metrics);
    let mut http = HttpServer::new(http, api.router(), config.http.clone(), grace, shutdown.clone())
        .with_limits(&config.limits, http_clock)
        .with_status_desk(desk_for_statuses)
        .with_metrics(&metrics);
    if let Some(certificates) = &certificates {
        http = http.with_tls(Arc::clone(certificates), config.tls.handshake_timeout);
    }
    let channel = ChannelServer::new(channel, listeners, grace);
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let mut tasks = Vec::new();
    if let Some(address) = config.metrics.listen {
        let (listener, address) = bind("metrics.listen", address).await?;
        tracing::info!(%address, "metrics");
        let few = HttpConfig { max_connections: WATCHERS, trusted_proxies: Vec::new(), ..config.http.clone() };
        let router = Api::watch_router(Arc::clone(&admin), &few, metrics.clone(), shutdown.clone());
        tasks.push(tokio::spawn(HttpServer::new(listener, router, few, grace, shutdown.clone()).run()));
    }
    tasks.extend([
        tokio::spawn(http.run()),
        threads.handle().spawn(channel.run()),
        tokio::spawn(end_sessions(admin.changes(), live, shutdown.clone())),
        tokio::spawn(Arc::clone(&admin).keep_house(shutdown.clone())),
        tokio::spawn(Arc::clone(&admin).call_webhooks(shutdown.clone())),
    ]);
    let store = instance.store().clone();
    let waiting = store.clone();
    metrics.sample("cardea_storage_waiting", "Jobs that wait to be written.", &[], move || waiting.waiting() as u64);
    if config.limits.cached_statuses > 0
        && let Some(kept) = admin.keep_copies(config.limits.cached_statuses).await?
    {
        let counted = kept.clone();
        metrics.sample("cardea_cached_statuses", "Tokens in the cache.", &[], move || counted.tokens() as u64);
        tasks.push(tokio::spawn(copies::keep(kept, store, config.data.dir.clone(), shutdown.clone())));
    }
    tasks.extend(certificates.map(|certificates| tokio::spawn(certificates.watch(shutdown.clone()))));

    let ready = Ready {
        http: format!("{scheme}://{}", reachable(http_address)),
        channel: reachable(channel_address),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        dev,
    };
    tracing::info!(http = %http_address, channel = %channel_address, version = ready.version, "ready");
    if let Some(path) = &listen.ready_file {
        ready::write_file(path, &ready).map_err(CliError::io(format!("cannot write {}", path.display())))?;
    }
    if listen.json {
        ready::print(&ready).map_err(CliError::io("cannot write to standard output"))?;
    } else {
        announce(&ready)?;
    }

    shutdown.drained().await;
    for task in tasks {
        // A task that panicked has ended the process already.
        let _ = task.await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Ends the sessions of the devices of every token that a call changes, until the server stops.
async fn end_sessions(mut changes: broadcast::Receiver<TokenId>, live: Arc<LiveSessions>, shutdown: Shutdown) {
    let _guard = shutdown.guard();
    loop {
        let changed = tokio::select! {
            () = shutdown.requested() => return,
            changed = changes.recv() => changed,
        };
        match changed {
            Ok(token) => live.end(token.bytes()),
            // Their next operation finds the change in the database.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "sessions of changed tokens go on for now"),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Certificate and key, if the API is HTTPS. Beyond loopback it should be.
fn certificates(config: &Config) -> Result<Option<Arc<Certificates>>, CliError> {
    let Some((certificate, key)) = config.tls.files() else {
        if !config.http.listen.ip().is_loopback() {
            tracing::warn!(
                listen = %config.http.listen,
                "the API is plain HTTP and anybody on the way can read the authkeys: set tls.certificate and tls.key, \
                 or listen on loopback behind a proxy that speaks HTTPS"
            );
        }
        return Ok(None);
    };
    Ok(Some(Arc::new(Certificates::load(certificate, key)?)))
}

/// What goes into enrollment links.
fn addresses(
    config: &Config,
    http: SocketAddr,
    channel_port: u16,
    development: bool,
) -> Result<AdminSettings, CliError> {
    let web = config.public.url.clone().unwrap_or_else(|| {
        if !http.ip().is_loopback() {
            tracing::warn!("enrollment links lead to this machine only: set public.url");
        }
        let local = if http.is_ipv6() { "[::1]" } else { "127.0.0.1" };
        let scheme = if config.tls.files().is_some() { "https" } else { "http" };
        format!("{scheme}://{local}:{}", http.port())
    });
    let host = public_host(&web).ok_or_else(|| CliError::Argument(format!("public.url {web} cannot be used")))?;
    Ok(AdminSettings { channel: format!("{}:{channel_port}", host.as_str()), web, development })
}

async fn bind(key: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), CliError> {
    let failed = || CliError::io(format!("cannot listen on {address} ({key})"));
    let listener = TcpListener::bind(address).await.map_err(failed())?;
    let bound = listener.local_addr().map_err(failed())?;
    Ok((listener, bound))
}

/// An address that one can connect to on this machine, for a listener that may be bound to all of them.
fn reachable(mut bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() {
        bound.set_ip(match bound.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    bound
}

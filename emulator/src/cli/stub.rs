//! `stub`: a server of one's own, in memory.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use super::output::Output;

/// What a stub is to be like.
#[derive(Debug, Args)]
pub(super) struct StubArguments {
    /// Port of the token API [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(super) port: u16,
    /// Port of the token channel [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(super) channel_port: u16,
    /// Answer and fail as this script says
    #[arg(long, value_name = "FILE")]
    pub(super) script: Option<PathBuf>,
    /// Offer this user to enroll and print the link; may be given several times
    #[arg(long, value_name = "USER")]
    pub(super) enroll: Vec<String>,
    /// Name of the service
    #[arg(long, value_name = "NAME", default_value = "default_demo")]
    pub(super) service: String,
    /// Seconds that an opening lasts; 0 for one check
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(super) window: u32,
    /// Hash PINs at full cost, so that devices need not allow the cheap hash of tests
    #[arg(long)]
    pub(super) standard_argon2: bool,
    /// The same keys for the same number, which everybody can guess
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
}

#[cfg(not(feature = "embedded-server"))]
pub(super) async fn run(_: &StubArguments, _: &Output) -> Result<(), CliError> {
    std::future::ready(Err(CliError::NoServer)).await
}

#[cfg(feature = "embedded-server")]
pub(super) use embedded::run;

#[cfg(feature = "embedded-server")]
mod embedded {
    use std::fmt::Write as _;
    use std::io::{self, IsTerminal as _, Write as _};

    use qrcode::QrCode;
    use qrcode::render::unicode::Dense1x2;
    use serde_json::{Value, json};

    use super::{CliError, Output, StubArguments};
    use crate::engine::Seed;
    use crate::stub::script::{Hits, Script};
    use crate::stub::{Offer, ServiceSettings, Settings, Stub};

    /// Runs one until somebody ends it.
    pub(in super::super) async fn run(arguments: &StubArguments, output: &Output) -> Result<(), CliError> {
        let script = match &arguments.script {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|source| CliError::File { path: path.clone(), source })?;
                Script::parse(&text).map_err(|source| CliError::Document { path: path.clone(), source })?
            }
            None => Script::default(),
        };
        // Before anybody is told that it is ready.
        let mut end = Signals::new().map_err(CliError::Runtime)?;
        let StubArguments { port, channel_port, window, seed, .. } = *arguments;
        let service = ServiceSettings {
            name: arguments.service.clone(),
            window,
            standard_argon2: arguments.standard_argon2,
            ..ServiceSettings::default()
        };
        let seed = seed.map(Seed::new);
        let settings = Settings { http: port, channel: channel_port, seed, service, script, ..Settings::default() };
        let stub = Stub::start(settings).await?;
        let mut offers = Vec::new();
        for user in &arguments.enroll {
            offers.push((user.as_str(), stub.enroll(user).await?));
        }
        let text = if !output.is_for_people() {
            ready(&stub, &offers).to_string()
        } else {
            what_next(&stub, &offers, arguments)
        };
        print(&text).map_err(CliError::Output)?;
        end.next().await;
        let hits = stub.hits();
        stub.stop().await;
        if !hits.is_empty() {
            output.next(&json!({ "rules": hits }), &counted(&hits))?;
        }
        Ok(())
    }

    /// Prints it now: somebody may wait for it.
    fn print(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    fn ready(stub: &Stub, offers: &[(&str, Offer)]) -> Value {
        let offer = |(user, offer): &(&str, Offer)| json!({ "user": user, "link": offer.link, "code": offer.code, "expiresAt": offer.expires_at });
        json!({
            "ready": true, "http": stub.url(), "channel": stub.channel(), "service": stub.service(),
            "statusKey": stub.status_key(), "authKey": stub.authkey(), "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"), "enroll": offers.iter().map(offer).collect::<Vec<_>>(),
        })
    }

    fn what_next(stub: &Stub, offers: &[(&str, Offer)], arguments: &StubArguments) -> String {
        let (http, channel, service) = (stub.url(), stub.channel(), stub.service());
        let (status_key, authkey) = (stub.status_key(), stub.authkey());
        let mut text = format!(
            "A Cardea server in memory, for apps that have none. Ctrl-C ends it, and everything in it.

  token API      {http}
  token channel  {channel}
  service        {service}
  status key     {status_key}  reads the status of its tokens
  admin key      {authkey}  does everything
"
        );
        let cheap = if arguments.standard_argon2 { "" } else { " --allow-test-argon2" };
        for (user, Offer { link, code, .. }) in offers {
            let _ = write!(
                text,
                "\nEnroll `{user}` with this link, or by typing {code} with the host {http}:\n\n  {link}\n"
            );
            if io::stdout().is_terminal()
                && let Ok(picture) = QrCode::new(link)
            {
                // Terminals are mostly dark: what is printed is the light part.
                let picture =
                    picture.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
                let _ = write!(text, "\n{picture}\n");
            }
            let _ = write!(text, "\n  cardea-emulator{cheap} enroll - <<< '{link}'\n");
            let _ = writeln!(text, "  curl -s '{http}/token/status?id={user}&service={service}&authKey={status_key}'");
        }
        if offers.is_empty() {
            let call = json!({ "id": "joe", "service": service, "authKey": authkey });
            let _ = write!(text, "\nOffer somebody to enroll:\n\n  curl -s {http}/token/enroll -d '{call}'\n");
        }
        let _ = write!(text, "\nCARDEA_STUB_READY http={http} channel={channel} pid={} v=1", std::process::id());
        text
    }

    fn counted(hits: &[Hits]) -> String {
        let line = |hits: &Hits| {
            let name = hits.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
            format!("rule {}{name}: {} of {}", hits.rule, hits.hits, hits.seen)
        };
        hits.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Whatever asks the program to end.
    struct Signals {
        #[cfg(unix)]
        terminate: tokio::signal::unix::Signal,
        #[cfg(unix)]
        interrupt: tokio::signal::unix::Signal,
    }

    impl Signals {
        #[cfg(unix)]
        fn new() -> io::Result<Self> {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }

        #[cfg(not(unix))]
        fn new() -> io::Result<Self> {
            Ok(Self {})
        }

        #[cfg(unix)]
        async fn next(&mut self) {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        }

        #[cfg(not(unix))]
        async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await
            }
        }
    }
}

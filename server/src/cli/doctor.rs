//! `doctor`: looks at everything that keeps a server from working well, and says what to do about it.
//!
//! It never makes anything: where there is no database yet, it says so.

use std::io;
use std::path::Path;

use serde_json::json;

use super::args::ListArgs;
use super::{CliError, data, descriptors, log, output};
use crate::admin::{Admin, Instance};
use crate::config::{Config, public_host};
use crate::http::Certificates;
use crate::storage::{Location, PostgresUrl, Protection, StorageError, Store};
use crate::vault::KeyLocation;

/// An authkey that ends within so many seconds is worth a word.
const SOON: u64 = 14 * 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    Bad,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// What was found, in the order in which it was looked at.
#[derive(Debug, Default)]
struct Findings(Vec<(Verdict, &'static str, String)>);

impl Findings {
    fn good(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push((Verdict::Good, what, text.into()));
    }

    fn warning(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push((Verdict::Warning, what, text.into()));
    }

    fn bad(&mut self, what: &'static str, text: impl Into<String>) {
        self.0.push((Verdict::Bad, what, text.into()));
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.0 == verdict).count()
    }
}

/// `cardea-server doctor`.
pub(super) async fn run(args: ListArgs) -> Result<(), CliError> {
    let config = args.settings.load(None)?;
    log::start(&config.log);
    let mut findings = Findings::default();
    addresses(&config, &mut findings);
    certificates(&config, &mut findings);
    descriptors(&config, &mut findings);
    authorities(&config, &mut findings);
    if folder(&config.data.dir, &mut findings) && database(&config, &mut findings).await {
        master_key(&config, &mut findings);
        match data::admin(&config).await {
            Ok(admin) => contents(&admin, &mut findings).await,
            Err(error) => findings.bad("database", error.to_string()),
        }
    }
    report(&findings, args.json)?;
    match findings.count(Verdict::Bad) {
        0 => Ok(()),
        bad => Err(CliError::Unwell(bad)),
    }
}

fn report(findings: &Findings, as_json: bool) -> Result<(), CliError> {
    if as_json {
        let line = |(verdict, what, text): &(Verdict, &str, String)| json!({ "verdict": verdict.name(), "what": what, "text": text });
        return output::json(&json!({ "findings": findings.0.iter().map(line).collect::<Vec<_>>() }));
    }
    let mut lines = String::new();
    for (verdict, what, text) in &findings.0 {
        lines += &format!("{:<8} {what:<12} {text}\n", verdict.name());
    }
    let [good, warnings, bad] = [Verdict::Good, Verdict::Warning, Verdict::Bad].map(|verdict| findings.count(verdict));
    lines += &format!("{good} ok, {warnings} to think about, {bad} to mend\n");
    output::text(&lines)
}

fn addresses(config: &Config, findings: &mut Findings) {
    match &config.public.url {
        None => findings.warning(
            "public.url",
            "not set: enrollment links lead to this machine only; set it to the address that people use",
        ),
        Some(url) if public_host(url).is_some_and(|host| host.is_loopback()) => {
            findings.warning("public.url", format!("{url} is this machine only: phones cannot reach it"));
        }
        Some(url) => findings.good("public.url", url.as_str()),
    }
}

fn certificates(config: &Config, findings: &mut Findings) {
    let listen = config.http.listen;
    match config.tls.files() {
        Some((certificate, key)) => match Certificates::load(certificate, key) {
            Ok(_) => findings.good("tls", format!("{} and its key fit", certificate.display())),
            Err(error) => findings.bad("tls", error.to_string()),
        },
        None if listen.ip().is_loopback() => {
            findings.good("tls", format!("plain HTTP on {listen}, which is this machine only"));
        }
        None => findings.warning(
            "tls",
            format!("plain HTTP on {listen}: authkeys can be read on the way; set tls.certificate and tls.key"),
        ),
    }
}

fn descriptors(config: &Config, findings: &mut Findings) {
    let needed = descriptors::needed(config);
    match descriptors::allowed() {
        Some(limit) if limit < needed => findings.warning(
            "files",
            format!("this shell allows {limit} open files, the configured connections need {needed}: raise the limit (`ulimit -n`, LimitNOFILE)"),
        ),
        Some(limit) => findings.good("files", format!("{limit} open files are allowed, {needed} are needed at most")),
        None => findings.good("files", "the number of open files is not limited"),
    }
}

/// The certificate authorities of webhooks, if there are others than the public ones.
fn authorities(config: &Config, findings: &mut Findings) {
    let Some(file) = &config.webhook.ca_file else { return };
    match data::caller(config, false) {
        Ok(_) => findings.good("webhook", format!("certificate authorities are in {file}")),
        Err(error) => findings.bad("webhook", error.to_string()),
    }
}

/// Whether the folder can be looked into.
fn folder(dir: &Path, findings: &mut Findings) -> bool {
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.bad("data.dir", format!("{shown} does not exist: run `cardea-server init`"));
            return false;
        }
        Err(error) => {
            findings.bad("data.dir", format!("{shown} cannot be read ({error}): run this as the server's user"));
            return false;
        }
        Ok(metadata) if !metadata.is_dir() => {
            findings.bad("data.dir", format!("{shown} is not a folder"));
            return false;
        }
        #[cfg(unix)]
        Ok(metadata) if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 => {
            findings.bad("data.dir", format!("{shown} is open to other users: chmod 700 {shown}"));
        }
        Ok(_) => findings.good("data.dir", format!("{shown} is for its owner alone")),
    }
    true
}

/// Whether there is something to open. What is empty is left empty.
async fn database(config: &Config, findings: &mut Findings) -> bool {
    let location = match data::postgres(config) {
        Ok(Some(url)) => {
            way(config, &url, findings);
            Location::Postgres(url)
        }
        Ok(None) => Location::File(Instance::database(&config.data.dir)),
        Err(error) => {
            findings.bad("database", error.to_string());
            return false;
        }
    };
    let place = match &location {
        Location::Postgres(url) => url.name(),
        _ => Instance::database(&config.data.dir).display().to_string(),
    };
    let options = config.database.options();
    let looked = tokio::task::spawn_blocking(move || Store::is_there(location, &options)).await;
    match looked.unwrap_or(Err(StorageError::Panicked)) {
        Ok(true) => return true,
        Ok(false) => findings.bad("database", format!("there is none at {place}: run `cardea-server init`")),
        Err(error) => findings.bad("database", error.to_string()),
    }
    false
}

/// How the way to PostgreSQL is protected, as far as the configuration says.
fn way(config: &Config, url: &PostgresUrl, findings: &mut Findings) {
    let name = url.name();
    match url.protection() {
        Protection::Tls => findings.good("database.url", format!("{name}, by TLS with its certificate checked")),
        Protection::SameMachine => findings.good("database.url", format!("{name}, which is this machine")),
        Protection::Nothing => findings.warning(
            "database.url",
            format!("{name}, without TLS: who is on the way can read and change everything; use sslmode=verify-full"),
        ),
    }
    if config.database.has_password_in_url() {
        findings.warning(
            "database.url",
            "has a password in it: put that into a file and name it in database.password_file",
        );
    }
}

/// Whether the key is where it should be, for the server alone, and there only.
fn master_key(config: &Config, findings: &mut Findings) {
    let (place, own) = (config.keys.master_key(&config.data.dir), KeyLocation::Folder(config.data.dir.clone()));
    let (file, own) = (place.file().unwrap_or_default(), own.file().unwrap_or_default());
    match place.check() {
        Ok(()) => findings.good("master key", format!("{} is for the server alone", file.display())),
        Err(error) => findings.bad("master key", error.to_string()),
    }
    if file != own && own.exists() {
        findings.warning(
            "master key",
            format!("there is another one at {}, which is not used: take it away", own.display()),
        );
    }
}

async fn contents(admin: &Admin, findings: &mut Findings) {
    match admin.ready().await {
        Ok(()) => findings.good("database", "it opens with this master key, and has the server's keys"),
        Err(error) => findings.bad("database", error.to_string()),
    }
    let reading = admin.time();
    match reading.trusted() {
        Some(now) => findings.good("clock", format!("{now} is not before anything that was recorded")),
        None => findings.bad(
            "clock",
            "the clock is behind what was recorded, so nothing opens: set it right, or see `cardea-server forget-future --help`",
        ),
    }
    match admin.list_services().await {
        Ok(services) if services.is_empty() => {
            findings.warning("services", "there is none: run `cardea-server service create`");
        }
        Ok(services) => {
            findings.good("services", format!("{}", services.len()));
            for service in &services {
                match admin.webhook_state(service).await {
                    Ok(Some(state)) if state.disabled => findings.warning(
                        "webhook",
                        format!(
                            "the webhook of {} is off after too many failures: mend its receiver and enable it",
                            service.name
                        ),
                    ),
                    Ok(_) => {}
                    Err(error) => findings.bad("webhook", error.to_string()),
                }
            }
        }
        Err(error) => findings.bad("services", error.to_string()),
    }
    match admin.list_authkeys().await {
        Ok(keys) => {
            let good = keys.iter().filter(|key| key.is_good(reading)).count();
            let soon = reading.now().plus(SOON);
            let ending =
                keys.iter().filter(|key| key.is_good(reading) && key.rights.expires_at.is_some_and(|end| end < soon));
            let ending = ending.count();
            if ending > 0 {
                findings.warning(
                    "authkeys",
                    format!("{ending} of {good} end within two weeks: see `cardea-server authkey list`"),
                );
            } else {
                findings.good("authkeys", format!("{good} are good"));
            }
        }
        Err(error) => findings.bad("authkeys", error.to_string()),
    }
}

//! `dev`: everything at once, for one person on one machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_protocol::token::Argon2Class;

use super::args::DevArgs;
use super::ready::{DevReady, Ready};
use super::serve::{Setup, serve};
use super::{CliError, data, log, output};
use crate::admin::{AccessScope, Actor, Admin, Credential, KeyScope, NewKey, NewService};
use crate::clock::{Clock, SystemClock, TestClock, UnixSeconds};
use crate::config::{Config, Sources};
use crate::domain::permission::{Permission, Permissions};

/// The service that `dev` creates.
const SERVICE: &str = "default_demo";

/// Where `dev` keeps its authkeys between starts.
const KEYS_FILE: &str = "dev-authkeys";

/// `cardea-server dev`.
pub(super) async fn run(args: DevArgs) -> Result<(), CliError> {
    let (folder, _temporary) = folder(args.data_dir.as_deref())?;
    let config = configure(&args, &folder)?;
    log::start(&config.log);
    let test_clock = args.test_clock.map(|start| {
        let start = start.map_or_else(|| SystemClock.now(), UnixSeconds::from);
        Arc::new(TestClock::new(start))
    });
    let clock: Arc<dyn Clock> = match &test_clock {
        Some(clock) => Arc::<TestClock>::clone(clock),
        None => Arc::new(SystemClock),
    };
    let keep = args.data_dir.is_some();
    let (window, test_argon2) = (args.window, args.test_argon2);
    let with_parent = args.exit_with_parent;
    let setup = Setup { config, listen: args.listen, clock, test_clock, development: true, with_parent };
    let prepare = async |admin: &Admin| prepare(admin, &folder, window, test_argon2).await.map(Some);
    serve(setup, prepare, |ready| output::text(&what_next(ready, keep, test_argon2))).await
}

fn folder(given: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), CliError> {
    if let Some(folder) = given {
        data::create_folder(folder)?;
        return Ok((folder.to_owned(), None));
    }
    let temporary = tempfile::Builder::new().prefix("cardea-dev-").tempdir();
    let temporary = temporary.map_err(CliError::io("cannot create a temporary folder"))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// The defaults with loopback, the given flags, and nothing from file or environment: `dev` is the same for everybody.
fn configure(args: &DevArgs, folder: &Path) -> Result<Config, CliError> {
    let flag = |key: &str, value: String, flag: &str| (key.to_owned(), value, flag.to_owned());
    let mut flags = vec![
        flag("channel.listen", "127.0.0.1:8421".to_owned(), "--channel"),
        flag("log.level", args.log.clone(), "--log"),
        // Tests and fleets of emulators come from one address, and in a hurry.
        flag("channel.max_connections_per_address", "4096".to_owned(), "dev"),
        flag("channel.max_handshakes_per_minute", "1000000".to_owned(), "dev"),
        flag("channel.max_failures_per_minute", "1000000".to_owned(), "dev"),
        // A suite may be busy elsewhere for a while. Clients keep connections, Java's twenty minutes, and do not repeat a
        // call where one is closed while they send it.
        flag("http.header_timeout", "3600".to_owned(), "dev"),
        flag("http.connection_timeout", "86400".to_owned(), "dev"),
        flag("limits.connections_per_address", "0".to_owned(), "dev"),
        flag("limits.wrong_authkeys", "1000000".to_owned(), "dev"),
        flag("limits.wrong_passwords_per_address", "0".to_owned(), "dev"),
        flag("limits.wrong_passwords_per_name", "0".to_owned(), "dev"),
        flag("limits.wrong_passwords_per_application", "0".to_owned(), "dev"),
        flag("limits.calls_per_authkey", "0".to_owned(), "dev"),
        flag("limits.checks_per_token", "0".to_owned(), "dev"),
    ];
    if let Some(address) = args.listen.http {
        flags.push(flag("http.listen", address.to_string(), "--http"));
    }
    if let Some(address) = args.listen.channel {
        flags.push(flag("channel.listen", address.to_string(), "--channel"));
    }
    flags.extend(args.set.iter().map(|(key, value)| flag(key, value.clone(), "--set")));
    let mut config = Sources { flags, ..Sources::default() }.load()?;
    folder.clone_into(&mut config.data.dir);
    for (name, address) in [("--http", config.http.listen), ("--channel", config.channel.listen)] {
        if !address.ip().is_loopback() {
            return Err(CliError::Argument(format!(
                "{name} {address}: `dev` listens on loopback only, because it shows its authkeys; use `run` instead"
            )));
        }
    }
    Ok(config)
}

/// Makes sure that the demo service and its two authkeys are there.
async fn prepare(admin: &Admin, folder: &Path, window: u32, test_argon2: bool) -> Result<DevReady, CliError> {
    let services = admin.list_services().await?;
    if let Some(service) = services.iter().find(|service| service.name.as_str() == SERVICE) {
        let kept = service.rules.window.seconds();
        if kept != window {
            tracing::warn!(window = kept, "the service in this folder keeps its window, whatever --window says");
        }
    } else {
        let mut service = NewService::development(SERVICE, window);
        if !test_argon2 {
            service.rules.argon2 = Argon2Class::Standard;
        }
        admin.create_service(service, Actor::Operator).await?;
    }
    let (status_key, admin_key) = authkeys(admin, folder).await?;
    Ok(DevReady { data_dir: folder.display().to_string(), service: SERVICE, status_key, admin_key })
}

/// The two authkeys: those of the last start when the folder still has them and the database still knows them.
async fn authkeys(admin: &Admin, folder: &Path) -> Result<(String, String), CliError> {
    let path = folder.join(KEYS_FILE);
    if let Ok(text) = std::fs::read_to_string(&path)
        && let Some((status, all)) = text.trim_end().split_once('\n')
        && knows(admin, AccessScope::Service(SERVICE), status, Permission::Status).await
        && knows(admin, AccessScope::Instance, all, Permission::Services).await
    {
        return Ok((status.to_owned(), all.to_owned()));
    }
    let create = async |scope, name: &str, permissions| {
        admin.create_authkey(NewKey::new(scope, name, permissions), Actor::Operator).await
    };
    let status = create(KeyScope::Service(SERVICE.to_owned()), "dev-status", Permissions::BASIC).await?;
    // Of the whole instance, so that every call of the API can be tried with it.
    let all = create(KeyScope::Instance, "dev-admin", Permissions::ADMIN).await?;
    private_file(&path, &format!("{}\n{}\n", status.value, all.value))
        .map_err(CliError::io(format!("cannot write {}", path.display())))?;
    Ok((status.value, all.value))
}

async fn knows(admin: &Admin, scope: AccessScope<'_>, authkey: &str, permission: Permission) -> bool {
    admin.authorize(scope, &Credential::authkey(authkey), permission, None).await.is_ok()
}

fn private_file(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn what_next(ready: &Ready, keep: bool, test_argon2: bool) -> String {
    let Some(dev) = &ready.dev else { return String::new() };
    let (http, channel) = (&ready.http, ready.channel);
    let (service, status_key, admin_key) = (dev.service, &dev.status_key, &dev.admin_key);
    let fate = if keep { "kept" } else { "deleted at the end" };
    let folder = &dev.data_dir;
    let emulator = if test_argon2 { "cardea-emulator --allow-test-argon2" } else { "cardea-emulator" };
    format!(
        "Cardea {version}, development server. Ctrl-C stops it.

  token API      {http}
  token channel  {channel}
  data           {folder} ({fate})
  service        {service}
  status key     {status_key}  reads the status of its tokens
  admin key      {admin_key}  does everything, in all services and subscriptions

Enroll a token for the user `joe`:

  curl -s {http}/token/enroll -d '{{\"id\":\"joe\",\"service\":\"{service}\",\"authKey\":\"{admin_key}\"}}' \\
    | grep -o 'http[^\"]*/e#[^\"]*'
  {emulator} enroll 'LINK'        # the link that came out

Open it, and ask:

  {emulator} open
  curl -s '{http}/token/status?id=joe&service={service}&authKey={status_key}'

",
        version = ready.version,
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Cli, Command};
    use super::*;

    fn arguments(line: &str) -> DevArgs {
        match Cli::try_parse_from(line.split(' ')).expect("a valid line").command {
            Command::Dev(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn dev_listens_on_loopback_and_refuses_anything_else() {
        let folder = Path::new("/tmp/x");
        let config = configure(&arguments("cardea-server dev"), folder).expect("valid");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8420");
        assert_eq!(config.channel.listen.to_string(), "127.0.0.1:8421");
        assert_eq!(config.data.dir, folder);
        for flag in ["--http 0.0.0.0:8420", "--channel [::]:8421", "--http 192.0.2.7:80"] {
            let error = configure(&arguments(&format!("cardea-server dev {flag}")), folder).expect_err("not loopback");
            assert!(error.to_string().contains("loopback only"), "{error}");
        }
        assert!(configure(&arguments("cardea-server dev --channel [::1]:0"), folder).is_ok());
        assert!(configure(&arguments("cardea-server dev --log a=b=c"), folder).is_err());
    }

    #[test]
    fn what_to_do_next_can_be_pasted() {
        let dev = DevReady {
            data_dir: "/tmp/x".into(),
            service: SERVICE,
            status_key: "status-key".into(),
            admin_key: "admin-key".into(),
        };
        let channel = "127.0.0.1:8421".parse().expect("an address");
        let ready = Ready { http: "http://127.0.0.1:8420".into(), channel, pid: 7, version: "0", dev: Some(dev) };
        let text = what_next(&ready, false, false);
        for line in [
            r#"  curl -s http://127.0.0.1:8420/token/enroll -d '{"id":"joe","service":"default_demo","authKey":"admin-key"}' \"#,
            r#"    | grep -o 'http[^"]*/e#[^"]*'"#,
            "  curl -s 'http://127.0.0.1:8420/token/status?id=joe&service=default_demo&authKey=status-key'",
        ] {
            assert!(text.lines().any(|have| have == line), "{text}");
        }
        assert!(text.contains("\n  cardea-emulator open\n"), "{text}");
        let page = include_str!("../../../docs/api.md");
        for (name, value) in [("status key", "status-key"), ("admin key", "admin-key")] {
            assert!(page.contains(&format!("\"{name}\" of the output")), "{name}");
            let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name)).expect("a line of its own");
            assert!(line.trim_start().starts_with(&format!("{value}  ")), "{line}");
        }
        let cheap = what_next(&ready, false, true);
        assert!(cheap.contains("\n  cardea-emulator --allow-test-argon2 open\n"), "{cheap}");
    }
}

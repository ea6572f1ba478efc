//! Emulators in the background.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::Doing;
use crate::cli::CliError;
use crate::cli::args::{Common, Conditions, instances, list};
use crate::cli::client::{Client, refused};
use crate::cli::output::Output;
use crate::daemon::{DaemonError, Found, Listed, find, listed};
use crate::faults::Gate;

/// How often to look whether it has ended.
const LOOK: Duration = Duration::from_millis(20);
/// How often at most: for ten seconds.
const LOOKS: u32 = 500;

pub(super) async fn up(common: &Common, conditions: &Conditions, output: &Output) -> Result<(), CliError> {
    let state = common.state_folder()?;
    if let Some(found) = find(&state)
        && let Ok(client) = Client::running(common).await
    {
        return runs_already(&client, &found, conditions, output).await;
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::from(DaemonError::File { path, source })
    };
    builder.create(&state).map_err(failed(&state))?;
    let log = state.join("control.log");
    let errors = OpenOptions::new().create(true).write(true).truncate(true).open(&log).map_err(failed(&log))?;
    let program = std::env::current_exe().map_err(CliError::Runtime)?;
    let mut command = tokio::process::Command::new(program);
    command.args(["run", "--json", "--state"]).arg(&state).args(forwarded(common, conditions));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
    // Ctrl-C is for what stands in front.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(CliError::Runtime)?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line).await.map_err(CliError::Runtime)?;
    }
    match serde_json::from_str::<Value>(&line) {
        // Somebody else starts one at this moment.
        Ok(said) if said["error"]["code"] == "runs" => match began(&state).await {
            Some(found) => runs_already(&Client::running(common).await?, &found, conditions, output).await,
            None => Err(DaemonError::Runs(state).into()),
        },
        Ok(mut said) if said["ok"] == false => {
            let mut why = said["error"].take();
            why["detail"] = why["message"].take();
            Err(refused(why))
        }
        Ok(found) => output.done(&found, &format!("runs, process {}", found["pid"])),
        Err(_) => {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let why = said.trim().strip_prefix("cardea-emulator: ").unwrap_or(said.trim()).to_owned();
            Err(CliError::NoAnswer { at: state.display().to_string(), why })
        }
    }
}

/// Whether the one that runs is as it is wanted.
async fn runs_already(
    client: &Client,
    found: &Found,
    conditions: &Conditions,
    output: &Output,
) -> Result<(), CliError> {
    let mut without = Vec::new();
    if let Some(http) = conditions.http {
        let wanted = if http.port() == 0 { format!("http://{}:", http.ip()) } else { format!("http://{http}") };
        if !found.http.as_ref().is_some_and(|has| has.starts_with(&wanted)) {
            without.push(if http.port() == 0 { "--http".to_owned() } else { format!("--http {http}") });
        }
    }
    if conditions.allow_faults {
        let can = client.call(Method::GET, "/v1/capabilities", None).await?;
        if can["faultsAllowed"] != true {
            without.push("--allow-faults".to_owned());
        }
        let gate = Gate::and_hosts(&conditions.faults_at);
        let allowed = can["faultsAt"].as_array();
        let is_allowed = |host: &String| allowed.is_some_and(|allowed| allowed.iter().any(|it| it == host));
        without.extend(gate.hosts().iter().filter(|host| !is_allowed(host)).map(|host| format!("--faults-at {host}")));
    }
    if without.is_empty() {
        return output.done(&json!(found), &format!("runs already, process {}", found.pid));
    }
    Err(DaemonError::RunsWithout { pid: found.pid, without: without.join(" and ") }.into())
}

/// The emulator on a state folder, which somebody else has begun to start.
async fn began(state: &Path) -> Option<Found> {
    for _ in 0..LOOKS {
        if let Some(found) = find(state) {
            match Client::is_there(&found).await {
                Some(true) => return Some(found),
                // It has begun long ago, and is stopped.
                Some(false) => return None,
                None => {}
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

/// The options that it is to have, too.
fn forwarded(common: &Common, conditions: &Conditions) -> Vec<String> {
    use clap::ValueEnum as _;

    let way = common.transport.to_possible_value().map(|value| value.get_name().to_owned());
    let mut arguments = vec!["--transport".to_owned(), way.unwrap_or_default()];
    if common.allow_test_argon2 {
        arguments.push("--allow-test-argon2".to_owned());
    }
    if conditions.allow_faults {
        arguments.push("--allow-faults".to_owned());
    }
    let talk = &common.talk;
    for (name, is) in [("--verbose", talk.verbose), ("--quiet", talk.quiet)] {
        if is {
            arguments.push(name.to_owned());
        }
    }
    for host in &conditions.faults_at {
        arguments.extend(["--faults-at".to_owned(), host.clone()]);
    }
    let options = [
        ("--web-port", common.web_port.map(|port| port.to_string())),
        ("--web-ca", common.web_ca.as_ref().map(|path| path.display().to_string())),
        ("--token-file", common.token_file.as_ref().map(|path| path.display().to_string())),
        ("--config", talk.config.as_ref().map(|path| path.display().to_string())),
        ("--log-file", talk.log_file.as_ref().map(|path| path.display().to_string())),
        ("--http", conditions.http.map(|address| address.to_string())),
        ("--lease", conditions.lease.map(|lease| lease.to_string())),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            arguments.extend([name.to_owned(), value]);
        }
    }
    arguments
}

/// Which version this is, and the one that runs.
pub(super) async fn version(doing: &Doing<'_>) -> Result<(), CliError> {
    let ours = env!("CARGO_PKG_VERSION");
    let runs = match doing.client.has_no_holder() {
        true => Value::Null,
        false => doing.client.call(Method::GET, "/v1/version", None).await?["version"].take(),
    };
    let text = match runs.as_str() {
        Some(runs) => format!("cardea-emulator {ours}; the one that runs at {} is {runs}", doing.client.whom()),
        None => format!("cardea-emulator {ours}; none runs"),
    };
    doing.output.done(&json!({ "version": ours, "running": runs }), &text)
}

pub(super) async fn down(common: &Common, output: &Output) -> Result<(), CliError> {
    let client = Client::running(common).await?;
    client.call(Method::POST, "/v1/shutdown", Some(json!({}))).await?;
    let state = common.state_folder()?;
    for _ in 0..LOOKS {
        if common.ctl.is_some() || find(&state).is_none() {
            return output.done(&json!({ "ended": true }), "ended");
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(CliError::NoAnswer { at: state.display().to_string(), why: "it was told to end, and has not".to_owned() })
}

/// An emulator, and whether it answers.
struct Running {
    listed: Listed,
    answers: bool,
}

impl Running {
    /// Its name, if its state folder is where those with names are.
    fn instance(&self, instances: &Path) -> Option<String> {
        let name = self.listed.state.as_ref()?.strip_prefix(instances).ok()?.to_str()?;
        crate::engine::is_name(name).then(|| name.to_owned())
    }

    /// For a person: how to name it, and where it is called.
    fn line(&self, instances: &Path) -> String {
        let Listed { state, found } = &self.listed;
        let shown = |path: &Path| path.display().to_string();
        let name = self.instance(instances).or_else(|| state.as_deref().map(shown));
        let name = name.unwrap_or_else(|| "(in memory)".to_owned());
        let socket = found.socket.as_deref().map_or_else(|| "-".to_owned(), shown);
        let http = found.http.as_deref().unwrap_or("-");
        let silent = if self.answers { "" } else { "  does not answer: is it stopped?" };
        format!("{name}  process {}  {socket}  {http}{silent}", found.pid)
    }
}

/// All that run, wherever their state folders are.
async fn all_running(instances: &Path) -> Result<Vec<Running>, CliError> {
    let mut all = list().map(|list| listed(&list)).unwrap_or_default();
    // Those that could not be put into the list.
    let entries = match std::fs::read_dir(instances) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        entries => Some(entries.map_err(|source| CliError::File { path: instances.to_owned(), source })?),
    };
    for state in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Some(found) = find(&state) else { continue };
        if all.iter().all(|it| it.found.pid != found.pid) {
            all.push(Listed { state: Some(state), found });
        }
    }
    let mut running = Vec::new();
    for listed in all {
        if let Some(answers) = Client::is_there(&listed.found).await {
            running.push(Running { listed, answers });
        }
    }
    running.sort_by_cached_key(|it| (it.instance(instances).is_none(), it.listed.state.clone(), it.listed.found.pid));
    Ok(running)
}

pub(super) async fn ps(output: &Output) -> Result<(), CliError> {
    let instances = instances()?;
    let running = all_running(&instances).await?;
    let said = running.iter().map(|it| {
        let Listed { state, found } = &it.listed;
        json!({ "instance": it.instance(&instances), "state": state, "answers": it.answers, "found": found })
    });
    let said: Vec<Value> = said.collect();
    let lines: Vec<String> = running.iter().map(|it| it.line(&instances)).collect();
    let text = if lines.is_empty() { "no emulator runs".to_owned() } else { lines.join("\n") };
    output.done(&json!({ "running": said }), &text)
}

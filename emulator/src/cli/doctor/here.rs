//! This machine: the state folder, who runs on it, and how many files may be open.

use std::fs::{self, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use cardea_sdk::store::StoreError;
use cardea_sdk::{Env, WalletError};
use serde_json::Value;

use super::Findings;
use crate::cli::CliError;
use crate::cli::args::Common;
use crate::cli::client::{Client, DEFAULT};
use crate::daemon::{Found, LONGEST_SOCKET, find};
use crate::engine::{EngineError, Session, Settings};
use crate::exit;

/// Fewer open files are a limit that many devices meet.
const FILES: u64 = 1024;

pub(super) async fn look(common: &Common, findings: &mut Findings) -> Result<(), CliError> {
    let state = common.state_folder()?;
    if folder(&state, findings) {
        match running(&state, findings).await {
            Some(found) => {
                socket(&found, findings);
                devices(running_with(&found).await, findings);
            }
            None => devices(kept(&state, common).await, findings),
        }
    }
    length(&state, findings);
    files(findings);
    findings.good("keyring", "not used: the keys of the devices are in the state folder, for its owner only");
    Ok(())
}

/// The state folder. Whether there is one that can be used.
fn folder(state: &Path, findings: &mut Findings) -> bool {
    let at = state.display();
    let metadata = match fs::metadata(state) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            findings.bad(exit::BUSY, "state", format!("{at} is no folder"), "remove it, or give another --state");
            return false;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            findings.good("state", format!("{at} is not there yet; it is made when it is needed"));
            return false;
        }
        Err(error) => {
            findings.bad(
                exit::BUSY,
                "state",
                format!("{at}: {error}"),
                "mend the rights of it, or give another --state",
            );
            return false;
        }
    };
    rights(state, &metadata, findings)
}

#[cfg(unix)]
fn rights(state: &Path, metadata: &fs::Metadata, findings: &mut Findings) -> bool {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let (at, mode) = (state.display(), metadata.permissions().mode());
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me {
        let text = format!("{at} belongs to user {}, and this is user {me}", metadata.uid());
        findings.bad(exit::BUSY, "owner", text, "run it as that user, or give another --state");
        return false;
    }
    if mode & 0o022 != 0 {
        findings.bad(exit::BUSY, "rights", format!("others can write to {at}"), format!("chmod 700 {at}"));
        return false;
    }
    if mode & 0o300 != 0o300 {
        findings.bad(exit::BUSY, "rights", format!("its owner cannot write to {at}"), format!("chmod 700 {at}"));
        return false;
    }
    if mode & 0o077 != 0 {
        findings.warning("rights", format!("others can look into {at}"), format!("chmod 700 {at}"));
    }
    findings.good("state", format!("{at}, for user {me}"));
    true
}

#[cfg(not(unix))]
fn rights(state: &Path, metadata: &fs::Metadata, findings: &mut Findings) -> bool {
    let at = state.display();
    if metadata.permissions().readonly() {
        findings.bad(exit::BUSY, "rights", format!("{at} can only be read"), "give another --state");
        return false;
    }
    findings.good("state", at.to_string());
    true
}

/// Who runs on the folder.
async fn running(state: &Path, findings: &mut Findings) -> Option<Found> {
    let ours = env!("CARGO_PKG_VERSION");
    let locked = match fs::File::open(state.join("control.lock")).map(|file| file.try_lock()) {
        Ok(Err(TryLockError::WouldBlock)) => true,
        // Given back at once.
        Ok(_) | Err(_) => false,
    };
    let found = find(state);
    match (locked, found) {
        (true, Some(found)) if Client::is_there(&found).await != Some(true) => {
            let text = format!("process {} has the folder, and does not answer", found.pid);
            findings.bad(exit::NOT_RUNNING, "emulator", text, format!("end it: kill {}", found.pid));
            None
        }
        (true, Some(found)) => {
            let text = format!("process {} runs, version {}", found.pid, found.version);
            if found.version == ours {
                findings.good("emulator", text);
            } else {
                let mend = "end it with `cardea-emulator down`, and start it again";
                findings.warning("emulator", format!("{text}; this program is {ours}"), mend);
            }
            Some(found)
        }
        (true, None) => {
            let mend = "wait until it has started, or end it";
            findings.warning("emulator", "somebody has the folder, and does not say who it is", mend);
            None
        }
        (false, Some(found)) => {
            let text = format!("process {} was killed and has left files, which the next one replaces", found.pid);
            findings.good("emulator", text);
            None
        }
        (false, None) => {
            findings.good("emulator", "none runs: commands do what they say by themselves");
            None
        }
    }
}

/// Its socket.
fn socket(found: &Found, findings: &mut Findings) {
    let Some(path) = &found.socket else { return };
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt as _;

        if metadata.permissions().mode() & 0o077 != 0 {
            let at = path.display();
            return findings.bad(exit::BUSY, "socket", format!("others can open {at}"), format!("chmod 600 {at}"));
        }
    }
    findings.good("socket", path.display().to_string());
}

/// What is known of the devices that are kept: how many tokens each has, or why they cannot be read.
type Devices = Vec<(String, Result<usize, String>)>;

/// The devices that are kept, where nobody else has them.
async fn kept(state: &Path, common: &Common) -> Result<Devices, EngineError> {
    let settings = Settings { options: common.options(), ..Settings::default() };
    let session = Session::in_folder(state, settings, &Env::os())?;
    let names =
        session.kept().map_err(|source| WalletError::from(StoreError::Io { path: state.to_owned(), source }))?;
    let mut devices = Devices::new();
    for name in names {
        // To open an empty one would make a key in it.
        let tokens = if is_empty(&state.join("devices").join(&name)) {
            Ok(Vec::new())
        } else {
            match session.add(&name).await {
                Ok(device) => device.list().await,
                Err(error) => Err(error),
            }
        };
        devices.push((name, tokens.map(|tokens| tokens.len()).map_err(|error| error.to_string())));
    }
    Ok(devices)
}

/// Whether a device is kept there that has neither tokens nor a key for them, and could have them.
fn is_empty(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o077 != 0) {
            return false;
        }
    }
    let is_kept = |name: &str| matches!(name, "store.key" | "store.id") || name.ends_with(".token");
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(|name| !is_kept(name))))
    })
}

/// Those of an emulator that runs.
async fn running_with(found: &Found) -> Result<Devices, CliError> {
    let Some(client) = Client::of(found) else { return Ok(Devices::new()) };
    let all = client.call(hyper::Method::GET, &format!("/v1/sessions/{DEFAULT}/devices"), None).await?;
    let device = |device: &Value| {
        let name = device["device"].as_str().unwrap_or_default().to_owned();
        let tokens = device["tokens"].as_array().map_or(0, Vec::len);
        (name, device["damaged"].as_str().map_or(Ok(tokens), |why| Err(why.to_owned())))
    };
    Ok(all["devices"].as_array().into_iter().flatten().map(device).collect())
}

/// Whether devices can be read.
fn devices<E: std::fmt::Display>(all: Result<Devices, E>, findings: &mut Findings) {
    let all = match all {
        Ok(all) => all,
        Err(error) => {
            let mend = "mend the rights of the state folder, or give another --state";
            return findings.bad(exit::BUSY, "devices", error.to_string(), mend);
        }
    };
    let counts: Vec<usize> = all.iter().filter_map(|(_, tokens)| tokens.as_ref().ok().copied()).collect();
    let (count, tokens) = (counts.len(), counts.iter().sum::<usize>());
    findings.good("devices", format!("{} with {} can be read", counted(count, "device"), counted(tokens, "token")));
    for (name, tokens) in &all {
        if let Err(why) = tokens {
            let mend = format!("`device reset {name}` makes it new, `device rm {name}` removes it");
            findings.bad(exit::BUSY, "device", format!("{name} is damaged: {why}"), mend);
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Whether the socket of an emulator on the folder has a path that systems accept.
fn length(state: &Path, findings: &mut Findings) {
    let length = state.join("control.sock").as_os_str().len();
    if cfg!(unix) && length > LONGEST_SOCKET {
        let text = format!("the path of the socket would have {length} bytes; {LONGEST_SOCKET} are possible");
        findings.warning("socket", text, "give `run` a shorter --socket, or a shorter --state");
    }
}

/// How many files may be open.
fn files(findings: &mut Findings) {
    #[cfg(unix)]
    {
        match rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
            Some(limit) if limit < FILES => {
                let text = format!("{limit} files may be open, and each device that is watched needs one");
                findings.warning("files", text, "raise the limit: ulimit -n 65536");
            }
            Some(limit) => findings.good("files", format!("{limit} may be open")),
            None => findings.good("files", "as many may be open as are needed"),
        }
    }
    #[cfg(not(unix))]
    findings.good("files", format!("at least {FILES} may be open"));
}

//! Who waits for an emulator to be ready, and how they are told.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::place::{Found, Place};
use super::{DaemonError, Told};

/// The first word of the line on standard output.
pub(super) const WORD: &str = "CARDEA_EMULATOR_READY";

/// Tells everybody.
pub(super) fn tell(told: &Told, place: &Place) -> Result<(), DaemonError> {
    let found = place.found();
    let json = serde_json::to_string(found).unwrap_or_default();
    if let Some(path) = &told.file {
        // Whoever sees it sees all of it.
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let written = fs::write(&draft, format!("{json}\n")).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.map_err(DaemonError::file(path))?;
    }
    if let Some(descriptor) = told.descriptor {
        let path = Path::new("/dev/fd").join(descriptor.to_string());
        let written = OpenOptions::new().append(true).open(&path).and_then(|mut file| writeln!(file, "{json}"));
        written.map_err(DaemonError::file(path))?;
    }
    #[cfg(target_os = "linux")]
    notify();
    if let Some(heard) = &told.heard {
        heard.send_replace(Some(found.clone()));
        return Ok(());
    }
    let line = if told.json { json } else { line(found) };
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|source| DaemonError::System { what: "write to standard output", source })
}

/// One line for people and for programs that read only that.
fn line(found: &Found) -> String {
    let mut line = WORD.to_owned();
    if let Some(socket) = &found.socket {
        line += &format!(" ctl=unix:{}", socket.display());
    }
    if let Some(http) = &found.http {
        line += &format!(" http={http}");
    }
    if let Some(file) = &found.token_file {
        line += &format!(" token-file={}", file.display());
    }
    line + &format!(" pid={} v=1", found.pid)
}

/// Tells systemd, if it waits: a datagram to the socket that it names. One that is not there is its own affair.
#[cfg(target_os = "linux")]
fn notify() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(name) = std::env::var("NOTIFY_SOCKET").ok() else { return };
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&name),
    };
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(b"READY=1", &address);
    }
}

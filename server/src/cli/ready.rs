//! How tests, scripts and supervisors learn where the server listens.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

/// What `--ready-file` and `--json` give out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready {
    /// Base address of the API, as in `http://127.0.0.1:8420`.
    pub(super) http: String,
    /// Bound address of the token channel.
    pub(super) channel: SocketAddr,
    pub(super) pid: u32,
    pub(super) version: &'static str,
    /// Only under `dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dev: Option<DevReady>,
}

/// What a development server has set up. Contains authkeys: it is meant for one person on one machine.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DevReady {
    pub(super) data_dir: String,
    pub(super) service: &'static str,
    pub(super) status_key: String,
    pub(super) admin_key: String,
}

/// Writes `ready` to `path`, for this user only, and so that a reader sees all of it or nothing.
///
/// # Errors
/// The folder is missing, full or read-only.
pub(super) fn write_file(path: &Path, ready: &Ready) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, ready)?;
    file.write_all(b"\n")?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Prints `ready` as one line.
///
/// # Errors
/// Standard output is closed.
pub(super) fn print(ready: &Ready) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, ready)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_file_is_complete_private_and_replaces_an_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ready.json");
        let mut ready = Ready {
            http: "http://127.0.0.1:1".into(),
            channel: "127.0.0.1:2".parse().expect("an address"),
            pid: 3,
            version: "4",
            dev: None,
        };
        for port in ["http://127.0.0.1:5", "http://127.0.0.1:6"] {
            port.clone_into(&mut ready.http);
            write_file(&path, &ready).expect("written");
            let text = std::fs::read_to_string(&path).expect("there");
            assert_eq!(
                text,
                format!("{{\"http\":\"{port}\",\"channel\":\"127.0.0.1:2\",\"pid\":3,\"version\":\"4\"}}\n")
            );
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert!(write_file(Path::new("/nonexistent/ready.json"), &ready).is_err());
    }
}

//! When the server may answer from copies: while no other process can change the database. Who wants to rings the
//! doorbell, a socket in the data folder, and waits for the lock; see [`CacheLock`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::admin::Copies;
use crate::shutdown::Shutdown;
use crate::storage::{CacheLock, Store};

/// Between two looks at the lock, while a tool has it.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the server makes sure that the database is still in its place.
const PACE: Duration = Duration::from_secs(1);

/// Switches `copies` on and off until the server stops.
pub(super) async fn keep(copies: Copies, store: Store, folder: PathBuf, shutdown: Shutdown) {
    let _guard = shutdown.guard();
    let doorbell = match Doorbell::hang(&folder) {
        Ok(doorbell) => doorbell,
        Err(error) => {
            tracing::warn!(%error, "every status is read from the database: tools could not reach this server");
            return;
        }
    };
    loop {
        let lock = tokio::select! {
            biased;
            () = shutdown.requested() => return,
            lock = alone(&folder) => lock,
        };
        copies.switch(true);
        let tool = tokio::select! {
            biased;
            () = shutdown.requested() => None,
            tool = doorbell.rung() => tool,
            () = lost(&store) => None,
            () = fill(&copies) => None,
        };
        copies.switch(false);
        drop(lock);
        let Some(tool) = tool else {
            if shutdown.is_requested() {
                return;
            }
            continue;
        };
        tracing::debug!("a tool changes the database");
        tokio::select! {
            biased;
            () = shutdown.requested() => return,
            () = tool.gone() => {}
        }
    }
}

/// Fills `copies` in the background.
async fn fill(copies: &Copies) {
    match copies.fill().await {
        Ok(()) => tracing::debug!(tokens = copies.tokens(), "statuses are in memory"),
        Err(error) => tracing::warn!(%error, "not every status could be read into memory"),
    }
    std::future::pending().await
}

/// The lock, once nobody else has it.
async fn alone(folder: &Path) -> CacheLock {
    let mut warned = false;
    loop {
        match CacheLock::alone(folder) {
            Ok(Some(lock)) => return lock,
            Ok(None) => {}
            Err(error) if !warned => {
                tracing::warn!(%error, "every status is read from the database");
                warned = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Until the database is no longer the one that was opened.
async fn lost(store: &Store) {
    loop {
        tokio::time::sleep(PACE).await;
        if let Err(error) = store.check_in_place() {
            tracing::error!(%error, "the database is gone");
            return;
        }
    }
}

#[cfg(unix)]
mod doorbell {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{UnixListener, UnixStream};

    /// After a failed accept.
    const PAUSE: Duration = Duration::from_millis(100);

    /// The socket that tools connect to.
    pub(super) struct Doorbell {
        listener: UnixListener,
        path: PathBuf,
    }

    impl Doorbell {
        /// # Errors
        /// The folder cannot be written, or its path is too long for a socket.
        pub(super) fn hang(folder: &Path) -> io::Result<Self> {
            let path = folder.join(crate::storage::DOORBELL);
            // Left by a server that was killed: only one runs on a folder.
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            let listener = UnixListener::bind(&path)?;
            // The folder is its owner's alone already; so is everything in it.
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            Ok(Self { listener, path })
        }

        /// The next tool. Whoever may write into the folder may ring.
        pub(super) async fn rung(&self) -> Option<Tool> {
            loop {
                match self.listener.accept().await {
                    Ok((stream, _)) => return Some(Tool(stream)),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        }
    }

    impl Drop for Doorbell {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// A tool that has rung; it stays connected as long as it has the lock.
    pub(super) struct Tool(UnixStream);

    impl Tool {
        pub(super) async fn gone(mut self) {
            while matches!(self.0.read(&mut [0; 16]).await, Ok(1..)) {}
        }
    }
}

/// Without sockets nobody can be asked to let go.
#[cfg(not(unix))]
mod doorbell {
    use std::io;
    use std::path::Path;

    pub(super) struct Doorbell;
    pub(super) struct Tool;

    impl Doorbell {
        pub(super) fn hang(_: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) async fn rung(&self) -> Option<Tool> {
            std::future::pending().await
        }
    }

    impl Tool {
        pub(super) async fn gone(self) {}
    }
}

use doorbell::Doorbell;

//! What ends a running emulator.

use std::io;
use std::time::Duration;

use super::DaemonError;
use crate::control::Control;

/// How often to look whether the parent is still there.
const LOOK: Duration = Duration::from_millis(200);

/// What has ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody told it over the control API.
    Told,
    /// Nobody has called for longer than its lease.
    Lease,
    /// The process that started it has ended.
    Parent,
    /// Ctrl-C.
    Interrupt,
    /// A signal to terminate.
    Terminate,
}

impl Ended {
    /// The exit code of the program.
    #[must_use]
    pub const fn exit(self) -> u8 {
        match self {
            Self::Told | Self::Lease | Self::Parent => crate::exit::DONE,
            Self::Interrupt => crate::exit::INTERRUPTED,
            Self::Terminate => crate::exit::TERMINATED,
        }
    }
}

/// Watches for what ends it, from the beginning on.
pub(super) struct Life {
    lease: Option<Duration>,
    #[cfg(unix)]
    parent: Option<u32>,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Life {
    pub(super) fn watch(lease: Option<Duration>, with_parent: bool) -> Result<Self, DaemonError> {
        let cannot = |source: io::Error| DaemonError::System { what: "watch for signals", source };
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                lease,
                parent: with_parent.then(std::os::unix::process::parent_id),
                interrupt: signal(SignalKind::interrupt()).map_err(cannot)?,
                terminate: signal(SignalKind::terminate()).map_err(cannot)?,
            })
        }
        #[cfg(not(unix))]
        {
            let _ = cannot;
            if with_parent {
                let source = io::Error::from(io::ErrorKind::Unsupported);
                return Err(DaemonError::System { what: "watch its parent on this system", source });
            }
            Ok(Self { lease })
        }
    }

    /// Waits until something ends it.
    pub(super) async fn over(self, control: &Control) -> Ended {
        let lease = async {
            match self.lease {
                Some(lease) => control.unused_for(lease).await,
                None => std::future::pending().await,
            }
        };
        #[cfg(unix)]
        {
            let Self { parent, mut interrupt, mut terminate, .. } = self;
            tokio::select! {
                _ = interrupt.recv() => Ended::Interrupt,
                _ = terminate.recv() => Ended::Terminate,
                () = control.told_to_end() => Ended::Told,
                () = lease => Ended::Lease,
                () = orphaned(parent) => Ended::Parent,
            }
        }
        #[cfg(not(unix))]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => Ended::Interrupt,
            () = control.told_to_end() => Ended::Told,
            () = lease => Ended::Lease,
        }
    }
}

/// Waits until the parent is another one than at the beginning.
#[cfg(unix)]
async fn orphaned(parent: Option<u32>) {
    let Some(parent) = parent else { return std::future::pending().await };
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(LOOK).await;
    }
}

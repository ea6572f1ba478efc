//! What happens while the interface is on the screen: keys, new facts, signals.

use std::io;
use std::sync::mpsc::Sender;

use crossterm::event::Event;

use super::run::Ended;
use crate::cli::CliError;

/// Something that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A key, a paste, another size.
    Typed(Event),
    /// There are new facts.
    Facts,
    /// The process is told to end.
    End(Ended),
    /// The terminal cannot be read any more.
    Broken(io::Error),
}

/// Reads the terminal from now on.
pub(super) fn read_keys(happening: Sender<Happening>) -> Result<(), CliError> {
    let read = move || {
        loop {
            let (told, goes_on) = match crossterm::event::read() {
                Ok(event) => (Happening::Typed(event), true),
                Err(error) => (Happening::Broken(error), false),
            };
            // Nobody listens where it has ended.
            if happening.send(told).is_err() || !goes_on {
                return;
            }
        }
    };
    std::thread::Builder::new().name("keys".into()).spawn(read).map(drop).map_err(CliError::Runtime)
}

/// Watches for signals to end from now on.
#[cfg(unix)]
pub(super) fn watch_signals(happening: Sender<Happening>) -> Result<(), CliError> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    let watch = |kind| {
        let _context = runtime.enter();
        signal(kind).map_err(CliError::Runtime)
    };
    let mut terminate = watch(SignalKind::terminate())?;
    let mut hang_up = watch(SignalKind::hangup())?;
    let mut interrupt = watch(SignalKind::interrupt())?;
    let wait = move || {
        let ended = runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => Ended::Terminated,
                _ = hang_up.recv() => Ended::Terminated,
                _ = interrupt.recv() => Ended::Interrupted,
            }
        });
        // Nobody listens where it has ended.
        let _ = happening.send(Happening::End(ended));
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop).map_err(CliError::Runtime)
}

/// Ctrl-C is a key here, and there are no others.
#[cfg(not(unix))]
pub(super) fn watch_signals(_: Sender<Happening>) -> Result<(), CliError> {
    Ok(())
}

//! What is typed unseen. Whatever ends the question, the terminal shows again what is typed after it.

use std::fs::File;
use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// The terminal, and how it was before the question that is being asked.
static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);
/// Signals are looked after once a question was asked, until the program ends.
static WATCHED: Once = Once::new();

/// Asks.
pub(super) fn ask(question: &str) -> io::Result<String> {
    let _asked = Asked::begin();
    let typed = rpassword::prompt_password(question);
    if typed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        // Ctrl-C is a key while nothing is shown, and no signal.
        leave(SignalKind::interrupt());
    }
    typed
}

/// A question, until it is answered.
struct Asked;

impl Asked {
    fn begin() -> Self {
        let terminal = File::open("/dev/tty").ok();
        let now = terminal.and_then(|terminal| tcgetattr(&terminal).ok().map(|is| (terminal, is)));
        if now.is_some() {
            WATCHED.call_once(watch);
        }
        *before() = now;
        Self
    }
}

impl Drop for Asked {
    /// An answer has made the terminal what it was.
    fn drop(&mut self) {
        *before() = None;
    }
}

/// Makes the terminal what it was, and ends the program as the signal would have.
fn leave(kind: SignalKind) {
    if let Some((terminal, was)) = before().take() {
        // One that is gone needs nothing.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &was);
        eprintln!();
    }
    std::process::exit(128 + kind.as_raw_value());
}

/// Waits for a signal, beside everything else.
fn watch() {
    let (tell, heard) = mpsc::channel();
    let watching = move || {
        let Ok(runtime) = Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let [Ok(mut interrupt), Ok(mut end), Ok(mut hang_up)] = kinds.map(signal) else { return };
            let _ = tell.send(());
            let kind = tokio::select! {
                _ = interrupt.recv() => kinds[0],
                _ = end.recv() => kinds[1],
                _ = hang_up.recv() => kinds[2],
            };
            leave(kind);
        });
    };
    std::thread::spawn(watching);
    // Where that cannot be done, signals end the program as they always do.
    let _ = heard.recv();
}

fn before() -> MutexGuard<'static, Option<(File, Termios)>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

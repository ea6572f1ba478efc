//! Logs go to standard error; standard output is for answers.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging. A second call changes nothing.
pub(super) fn start(config: &LogConfig) {
    // The configuration has checked the filter.
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match config.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Makes every panic, on whatever thread, the end of the process: a server that has lost a part of itself must not go
/// on answering. Acknowledged changes are on the disk already.
pub(super) fn end_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        report(panic);
        std::process::exit(101);
    }));
}

fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    // A formatted message may quote data; a literal cannot.
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(message withheld)");
    tracing::error!(place, message, "panic: the server stops");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    const CHILD: &str = "CARDEA_TEST_PANICS";

    /// Not a test of its own: the process that the test below starts.
    #[test]
    fn child() {
        let Ok(secret) = std::env::var(CHILD) else { return };
        start(&Sources::default().load().expect("the defaults").log);
        end_on_panic();
        let handle = std::thread::spawn(move || panic!("holding {secret}"));
        let _ = handle.join();
        println!("survived");
    }

    #[test]
    fn a_panic_on_any_thread_ends_the_process_without_quoting_data() {
        let output = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "cli::log::tests::child", "--nocapture"])
            .env(CHILD, "something secret")
            .output()
            .expect("the child runs");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(101), "{text}");
        assert!(text.contains("panic: the server stops") && text.contains("log.rs"), "{text}");
        assert!(!text.contains("secret") && !text.contains("survived"), "{text}");
    }
}

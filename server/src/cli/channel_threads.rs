//! The threads of the token channel: apart from those of the API, and behind them.
//!
//! A device's operation is a third of a millisecond of cryptography, a status check is a look into a table. On one set of
//! threads a check would wait for every operation that came before it. So the channel has its own, of lower priority:
//! whatever devices do, a relying party is answered first.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// How much nicer than the rest of the process; 0 is no nicer, 19 takes only what nobody wants.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// A runtime for the channel. Dropping it ends what still runs there without waiting for it.
#[derive(Debug)]
pub(super) struct ChannelThreads(Option<Runtime>);

impl ChannelThreads {
    /// Starts one thread for each core.
    pub(super) fn start() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().thread_name("token-channel").on_thread_start(step_back).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where the channel's tasks are spawned.
    pub(super) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("taken only when dropped").handle()
    }
}

impl Drop for ChannelThreads {
    fn drop(&mut self) {
        // Dropping a runtime would block, which is not allowed in a task of another one.
        self.0.take().map(Runtime::shutdown_background).unwrap_or_default();
    }
}

/// Lowers the priority of the calling thread. Linux alone keeps one for each thread.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_threads_of_the_channel_step_back() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let threads = ChannelThreads::start().unwrap();
        let (task, blocking) = threads.handle().block_on(async {
            let task = tokio::spawn(async move { nice() });
            let blocking = tokio::task::spawn_blocking(nice);
            (task.await.unwrap(), blocking.await.unwrap())
        });
        let expected = (before + NICE).min(19);
        assert_eq!((task, blocking), (expected, expected));
        assert_eq!(nice(), before);
    }
}

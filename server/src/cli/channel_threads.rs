//! The threads of the token channel: apart from those of the API, and behind them.
//!
//! A device's operation is a third of a millisecond of cryptography, a status check is a look into a table. On one set of
//! threads a check would wait for every operation that came before it. So the channel has its own, of lower priority:
//! whatever devices do, a relying party is answered first.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::priority::step_back;

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::priority::NICE;

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

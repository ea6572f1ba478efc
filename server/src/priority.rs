//! Threads that stand behind the rest of the process: whatever they do, a relying party is answered first.

/// How much nicer than the rest of the process; 0 is no nicer, 19 takes only what nobody wants.
#[cfg(target_os = "linux")]
pub(crate) const NICE: i32 = 10;

/// Lowers the priority of the calling thread. Linux alone keeps one for each thread.
pub(crate) fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
}

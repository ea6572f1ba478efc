//! What a process has used, as Linux counts it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// How long a process has computed, in user and kernel mode together. The kernel counts in hundredths of a second.
pub(super) fn time(pid: u64) -> Duration {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    // The name in parentheses may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).expect("a number of ticks");
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// How long the threads of a process have computed, each to the nanosecond, where hundredths of a second are too coarse.
#[derive(Debug, Default)]
pub(super) struct Threads(BTreeMap<String, u64>);

impl Threads {
    /// By now.
    pub(super) fn of(pid: u64) -> Self {
        let mut threads = Self::default();
        threads.look(pid);
        threads
    }

    /// Looks again. Threads that have ended keep what was seen of them.
    pub(super) fn look(&mut self, pid: u64) {
        let path = format!("/proc/{pid}/task");
        let threads = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        for thread in threads.filter_map(Result::ok) {
            // It may have ended just now.
            let Ok(line) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let nanos = line.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).expect("a number");
            self.0.insert(thread.file_name().to_string_lossy().into_owned(), nanos);
        }
    }

    /// All of them together.
    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.0.values().sum())
    }
}

/// How much memory of the machine a process holds, in KiB.
pub(super) fn memory(pid: u64) -> u64 {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Everything that a process has open.
pub(super) fn files(pid: u64) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_is_counted() {
        let pid = u64::from(std::process::id());
        let before = time(pid);
        let mut sum = 0_u64;
        let mut threads = Threads::of(pid);
        let used = threads.used();
        while time(pid) == before {
            sum = (0..100_000_u64).fold(sum, |sum, next| std::hint::black_box(sum ^ next));
        }
        assert!(time(pid) > before);
        threads.look(pid);
        assert!(threads.used() > used);
    }
}

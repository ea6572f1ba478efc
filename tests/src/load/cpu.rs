//! What a process has used, as Linux counts it.

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
        while time(pid) == before {
            sum = (0..100_000_u64).fold(sum, |sum, next| std::hint::black_box(sum ^ next));
        }
        assert!(time(pid) > before);
    }
}

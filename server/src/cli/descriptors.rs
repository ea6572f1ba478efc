//! How many files the process may have open, and how many its connections need.

use crate::config::Config;

/// Descriptors that a server needs beside its connections: database, logs, listeners.
const OTHER_FILES: u64 = 64;

/// How many descriptors are needed when there are as many connections as `config` allows.
pub(super) fn needed(config: &Config) -> u64 {
    let connections = [config.http.max_connections, config.channel.max_connections];
    let count = |connections: &usize| u64::try_from(*connections).unwrap_or(u64::MAX);
    connections.iter().map(count).fold(OTHER_FILES, u64::saturating_add)
}

/// How many this process may have; `None`: as many as it likes.
#[cfg(unix)]
pub(super) fn allowed() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// How many this process may have; `None`: as many as it likes.
#[cfg(not(unix))]
pub(super) fn allowed() -> Option<u64> {
    None
}

/// Says so in the log when connections would be turned away long before the configured limits.
pub(super) fn warn_if_few(config: &Config) {
    let needed = needed(config);
    if let Some(allowed) = allowed().filter(|allowed| *allowed < needed) {
        tracing::warn!(
            allowed,
            needed,
            "fewer files may be open than the configured connections need, so that some will be turned away: raise the \
             limit (`ulimit -n`, LimitNOFILE), or lower http.max_connections and channel.max_connections"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn every_connection_that_is_allowed_needs_a_descriptor() {
        let mut config = Sources::default().load().expect("the defaults");
        (config.http.max_connections, config.channel.max_connections) = (1_000, 3_000);
        assert_eq!(needed(&config), 4_064);
        (config.http.max_connections, config.channel.max_connections) = (usize::MAX, usize::MAX);
        assert_eq!(needed(&config), u64::MAX);
    }
}

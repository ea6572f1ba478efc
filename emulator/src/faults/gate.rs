//! Who may see faults.

use std::net::IpAddr;

/// Whether a session may have faults, and which servers may see them besides those on this machine. Said when the session is started,
/// and never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gate(Option<Vec<String>>);

impl Gate {
    /// No faults.
    #[must_use]
    pub const fn closed() -> Self {
        Self(None)
    }

    /// Faults, and servers on this machine may see them.
    #[must_use]
    pub const fn loopback() -> Self {
        Self(Some(Vec::new()))
    }

    /// The same, and servers at these hosts: names or addresses as devices have them, without ports.
    #[must_use]
    pub fn and_hosts<I: IntoIterator<Item = S>, S: Into<String>>(hosts: I) -> Self {
        Self(Some(hosts.into_iter().map(|host| plain(&host.into())).collect()))
    }

    /// Whether there may be any.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// The hosts of servers that may see them, besides this machine.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether a server at this host may see them.
    #[must_use]
    pub fn permits(&self, host: &str) -> bool {
        let Some(hosts) = &self.0 else { return false };
        let host = plain(host);
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        is_here || hosts.contains(&host)
    }
}

/// Without brackets, a dot at the end and capitals.
fn plain(host: &str) -> String {
    let host = host.trim();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_permitted_and_others_where_they_were_named() {
        let gates = [Gate::closed(), Gate::loopback(), Gate::and_hosts(["Id.Example.", "192.0.2.7"])];
        assert_eq!(gates.each_ref().map(Gate::is_open), [false, true, true]);
        for (host, permitted) in [
            ("localhost", [false, true, true]),
            ("LOCALHOST.", [false, true, true]),
            ("127.0.0.1", [false, true, true]),
            ("127.8.9.1", [false, true, true]),
            ("[::1]", [false, true, true]),
            ("id.example", [false, false, true]),
            ("ID.example.", [false, false, true]),
            ("192.0.2.7", [false, false, true]),
            ("192.0.2.8", [false; 3]),
            ("localhost.example", [false; 3]),
            ("127.0.0.1.example", [false; 3]),
            ("x.id.example", [false; 3]),
            ("0.0.0.0", [false; 3]),
            ("", [false; 3]),
        ] {
            assert_eq!(gates.each_ref().map(|gate| gate.permits(host)), permitted, "{host}");
        }
    }
}

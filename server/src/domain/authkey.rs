//! What an authkey is good for: where, for what, until when, and from where.

use core::net::IpAddr;
use std::fmt;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::name::ServiceName;
use super::permission::Permissions;
use super::world::ClockReading;
use crate::clock::UnixSeconds;

/// Most networks that one authkey may be bound to.
pub const NETWORKS_MAX: usize = 16;
/// Longest time, in seconds, for which a replaced authkey may stay good: 30 days.
pub const OVERLAP_MAX: u32 = 2_592_000;

/// A part of an instance: where an authkey is good, or where a call wants to act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Instance,
    /// All services of one subscription, and their administration.
    Subscription(String),
    /// One service.
    Service(ServiceName),
}

impl Scope {
    /// Whether everything in `other` is in this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Instance, _) => true,
            (Self::Subscription(mine), Self::Subscription(other)) => mine == other,
            (Self::Subscription(mine), Self::Service(other)) => mine == other.subscription(),
            (Self::Service(mine), Self::Service(other)) => mine == other,
            (Self::Subscription(_) | Self::Service(_), _) => false,
        }
    }
}

impl fmt::Display for Scope {
    /// The name of the service or subscription; `*` for the instance.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance => f.write_str("*"),
            Self::Subscription(name) => f.write_str(name),
            Self::Service(name) => f.write_str(name.as_str()),
        }
    }
}

/// The networks that a call must come from; none means that it may come from anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<IpNet>);

/// Text that names no networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworksError {
    /// One is no network.
    #[error("a network is an IP address or ADDRESS/PREFIX without bits behind the prefix, as in `192.0.2.0/24`")]
    Form,
    /// There are too many.
    #[error("an authkey has at most {NETWORKS_MAX} networks: merge some of them")]
    TooMany,
}

impl Networks {
    /// Parses networks in CIDR notation; an address alone stands for itself. One that says more than its prefix
    /// (`10.1.2.3/8`) is refused, since it may have been meant narrower than it would be taken.
    ///
    /// # Errors
    /// One is no network, or there are more than [`NETWORKS_MAX`].
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NetworksError> {
        let mut networks = Vec::new();
        for text in texts {
            if networks.len() == NETWORKS_MAX {
                return Err(NetworksError::TooMany);
            }
            networks.push(parse_network(text).ok_or(NetworksError::Form)?);
        }
        Ok(Self(networks))
    }

    /// Each network.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = IpNet> {
        self.0.iter().copied()
    }

    /// Whether a call from `from` may use the authkey; one from nowhere that is known may only if there is no limit.
    #[must_use]
    pub fn admit(&self, from: Option<IpAddr>) -> bool {
        // A dual-stack socket shows IPv4 callers as ::ffff:a.b.c.d.
        let from = from.map(|address| address.to_canonical());
        self.0.is_empty() || from.is_some_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }

    /// Whether every caller that `other` admits is admitted here too.
    #[must_use]
    pub fn contain(&self, other: &Self) -> bool {
        let within = |inner: &IpNet| self.0.iter().any(|outer| outer.contains(inner));
        self.0.is_empty() || (!other.0.is_empty() && other.0.iter().all(within))
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

fn parse_network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => text.parse::<IpAddr>().ok()?.into(),
    };
    // Callers are looked up by their canonical address, which no mapped network would ever match.
    let mapped = matches!(network.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    (network.trunc() == network && !mapped).then_some(network)
}

/// The network of `prefix` bits at an address of `family` 4 or 6, as rows keep it; `None` if there is none such.
#[must_use]
pub fn network_of(family: u8, prefix: u8, address: [u8; 16]) -> Option<IpNet> {
    match (family, address) {
        (4, [a, b, c, d, ..]) => Ipv4Net::new([a, b, c, d].into(), prefix).ok().map(IpNet::V4),
        (6, address) => Ipv6Net::new(address.into(), prefix).ok().map(IpNet::V6),
        _ => None,
    }
}

/// What an authkey is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Where.
    pub scope: Scope,
    /// For what.
    pub permissions: Permissions,
    /// The first second in which it is no longer good.
    pub expires_at: Option<UnixSeconds>,
    /// From where.
    pub networks: Networks,
}

impl Rights {
    /// Whether the time of the authkey is over. A clock that went back revives none: what has expired by the highest
    /// time that was ever seen stays expired.
    #[must_use]
    pub fn is_expired(&self, clock: ClockReading) -> bool {
        self.expires_at.is_some_and(|end| clock.has_reached(end))
    }

    /// Whether `other` may do nothing that these rights do not allow, nowhere, at no time, from no place.
    #[must_use]
    pub fn contain(&self, other: &Self) -> bool {
        let ends_within = match (self.expires_at, other.expires_at) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(other)) => other <= mine,
        };
        self.administer(other) && ends_within && self.networks.contain(&other.networks)
    }

    /// Whether `other` reaches no further in scope and permissions: enough to revoke it.
    #[must_use]
    pub fn administer(&self, other: &Self) -> bool {
        self.scope.covers(&other.scope) && self.permissions.contains(other.permissions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> Scope {
        Scope::Service(ServiceName::parse(name).expect("valid"))
    }

    fn subscription(name: &str) -> Scope {
        Scope::Subscription(name.to_owned())
    }

    fn networks(texts: &[&str]) -> Networks {
        Networks::parse(texts.iter().copied()).expect("valid")
    }

    fn rights(scope: Scope, permissions: &str) -> Rights {
        let permissions = Permissions::parse(permissions).expect("valid");
        Rights { scope, permissions, expires_at: None, networks: Networks::default() }
    }

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().expect("an address"))
    }

    #[test]
    fn a_scope_covers_itself_and_what_is_below_it() {
        let all =
            [Scope::Instance, subscription("acme"), service("acme_vpn"), service("acme_door"), service("other_vpn")];
        for (outer, covered) in [
            (Scope::Instance, &all[..]),
            (subscription("acme"), &all[1..4]),
            (service("acme_vpn"), &all[2..3]),
            (subscription("acm"), &[]),
        ] {
            for inner in &all {
                assert_eq!(outer.covers(inner), covered.contains(inner), "{outer} {inner}");
            }
        }
    }

    #[test]
    fn networks_are_addresses_and_prefixes() {
        let four = networks(&["192.0.2.0/24", "198.51.100.7"]);
        assert!(four.admit(from("192.0.2.255")) && four.admit(from("198.51.100.7")));
        assert!(four.admit(from("::ffff:192.0.2.1")), "the same caller on a dual-stack socket");
        for foreign in ["192.0.3.0", "198.51.100.8", "::1", "::ffff:198.51.100.8"] {
            assert!(!four.admit(from(foreign)), "{foreign}");
        }
        assert!(!four.admit(None), "a caller from nowhere");
        let six = networks(&["2001:db8::/32"]);
        assert!(six.admit(from("2001:db8:ffff::1")) && !six.admit(from("2001:db9::")) && !six.admit(from("192.0.2.1")));
        assert!(Networks::default().admit(None) && Networks::default().admit(from("192.0.2.1")));
        assert!(networks(&["0.0.0.0/0"]).admit(from("192.0.2.1")) && !networks(&["0.0.0.0/0"]).admit(from("::1")));
    }

    #[test]
    fn text_that_names_no_network_is_refused() {
        for text in [
            "",
            "x",
            "10.0.0.0/33",
            "10.1.2.3/8",
            "10.0.0.0/",
            "/8",
            "10.0.0/8",
            "::/129",
            "::1/64",
            " 10.0.0.1",
            "::ffff:10.0.0.0/104",
            "::ffff:10.0.0.1",
            "localhost",
            "10.0.0.0/8,::1",
        ] {
            assert_eq!(Networks::parse([text]), Err(NetworksError::Form), "{text:?}");
        }
        let many: Vec<String> = (0..17).map(|number| format!("10.0.0.{number}")).collect();
        assert!(Networks::parse(many.iter().take(16).map(String::as_str)).is_ok());
        assert_eq!(Networks::parse(many.iter().map(String::as_str)), Err(NetworksError::TooMany));
    }

    #[test]
    fn a_network_survives_the_form_that_rows_have() {
        for network in networks(&["192.0.2.0/24", "2001:db8::/32", "::/0"]).iter() {
            let (family, address) = match network {
                IpNet::V4(four) => (4, {
                    let [a, b, c, d] = four.addr().octets();
                    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
                }),
                IpNet::V6(six) => (6, six.addr().octets()),
            };
            assert_eq!(network_of(family, network.prefix_len(), address), Some(network));
        }
        assert_eq!(
            (network_of(4, 33, [0; 16]), network_of(6, 129, [0; 16]), network_of(5, 8, [0; 16])),
            (None, None, None)
        );
    }

    #[test]
    fn an_authkey_expires_in_its_second_and_never_comes_back() {
        let key = Rights { expires_at: Some(UnixSeconds::new(100)), ..rights(Scope::Instance, "admin") };
        let at =
            |now, high_water| key.is_expired(ClockReading::new(UnixSeconds::new(now), UnixSeconds::new(high_water)));
        assert!(!at(99, 99) && at(100, 99) && at(u64::MAX, 0));
        assert!(at(50, 100), "the clock went back");
        assert!(!at(50, 99), "the clock went back, and the key had time left");
        assert!(
            !rights(Scope::Instance, "admin")
                .is_expired(ClockReading::new(UnixSeconds::new(u64::MAX), UnixSeconds::new(u64::MAX)))
        );
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let own = Rights {
            expires_at: Some(UnixSeconds::new(100)),
            networks: networks(&["10.0.0.0/8", "2001:db8::/32"]),
            ..rights(subscription("acme"), "status,services")
        };
        assert!(own.contain(&own));
        let narrower = Rights {
            expires_at: Some(UnixSeconds::new(99)),
            networks: networks(&["10.1.0.0/16"]),
            ..rights(service("acme_vpn"), "status")
        };
        assert!(own.contain(&narrower) && !narrower.contain(&own));
        for beyond in [
            Rights { scope: Scope::Instance, ..own.clone() },
            Rights { scope: subscription("other"), ..own.clone() },
            Rights { scope: service("other_vpn"), ..own.clone() },
            Rights { permissions: Permissions::ADMIN, ..own.clone() },
            Rights { permissions: Permissions::parse("enroll").expect("valid"), ..own.clone() },
            Rights { expires_at: None, ..own.clone() },
            Rights { expires_at: Some(UnixSeconds::new(101)), ..own.clone() },
            Rights { networks: Networks::default(), ..own.clone() },
            Rights { networks: networks(&["10.1.0.0/16", "192.0.2.1"]), ..own.clone() },
            Rights { networks: networks(&["0.0.0.0/0"]), ..own.clone() },
        ] {
            assert!(!own.contain(&beyond), "{beyond:?}");
        }
        assert!(rights(Scope::Instance, "admin").contain(&own));
    }
}

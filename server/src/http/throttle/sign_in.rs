//! Limits on wrong passwords: of one address, for one name, with one appsecret. Per minute, and in memory; what locks an
//! account for good is counted with it.
//!
//! A try is counted before it is looked at and given back when it was right, so that however many come at once, no more
//! than the limit are looked at.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Minutes, Problem};
use crate::clock::{Clock, UnixSeconds};
use crate::config::LimitsConfig;
use crate::domain::minute::Minute;
use crate::network::{Network, counted_as};

/// Wrong sign-ins by address, name and application, and calls for tokens by subscription. Names and appsecrets are known by a hash with a key of its own,
/// whether or not there is anybody who is called so.
pub(in crate::http) struct SignInLimits {
    addresses: Minutes<IpAddr>,
    names: Minutes<u64>,
    applications: Minutes<u64>,
    organizations: Minutes<u64>,
    most: Most,
    exempt: Vec<Network>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone, Copy)]
struct Most {
    per_address: u32,
    per_name: u32,
    per_application: u32,
    per_organization: u32,
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Trying<'a> {
    /// From where, if that is known.
    pub(in crate::http) from: Option<IpAddr>,
    /// Where.
    pub(in crate::http) subscription: &'a str,
    /// Under which name.
    pub(in crate::http) login: &'a str,
    /// For which application.
    pub(in crate::http) appsecret: Option<&'a str>,
}

/// What is left of the calls of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Share {
    /// Calls of a minute.
    pub(in crate::http) most: u32,
    /// Those that are left.
    pub(in crate::http) left: u32,
    /// Seconds until all of them are.
    pub(in crate::http) reset: u32,
    /// There was none left for this one; seconds until there is.
    pub(in crate::http) is_over: Option<u32>,
}

/// A try that is counted as a wrong one until it is known to be right.
#[must_use]
pub(in crate::http) struct Counted {
    minutes: Vec<Arc<Minute>>,
    at: UnixSeconds,
}

impl SignInLimits {
    /// The limits of `config`.
    pub(in crate::http) fn new(config: &LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        let most = Most {
            per_address: config.wrong_passwords_per_address,
            per_name: config.wrong_passwords_per_name,
            per_application: config.wrong_passwords_per_application,
            per_organization: config.tokens_per_organization,
        };
        let exempt = config.exempt.clone();
        let (addresses, names, applications) = (Minutes::new(), Minutes::new(), Minutes::new());
        Self { addresses, names, applications, organizations: Minutes::new(), most, exempt, clock }
    }

    /// Counts a call for tokens of a subscription; `None` where there is no limit.
    pub(in crate::http) fn organization(&self, subscription: &str) -> Option<Share> {
        let (most, now) = (self.most.per_organization, self.clock.now());
        if most == 0 {
            return None;
        }
        let minute = keyed(&self.organizations, subscription, now);
        let is_over = minute.take(now, most).err();
        let (count, reset) = minute.so_far(now);
        Some(Share { most, left: most.saturating_sub(count), reset, is_over })
    }

    /// Counts a try.
    ///
    /// # Errors
    /// [`Problem::TooMany`]: of one of the three there were too many wrong ones. Then none is counted.
    pub(in crate::http) fn count(&self, trying: Trying<'_>) -> Result<Counted, Problem> {
        let at = self.clock.now();
        let mut counted = Counted { minutes: Vec::with_capacity(3), at };
        let Trying { from, subscription, login, appsecret } = trying;
        let from = from.filter(|from| !self.exempt.iter().any(|network| network.contains(*from)));
        if let Some(from) = from.map(counted_as).filter(|_| self.most.per_address > 0) {
            counted.take(self.addresses.of(from, at), self.most.per_address)?;
        }
        if self.most.per_name > 0 {
            let minute = keyed(&self.names, (subscription, login.to_lowercase()), at);
            counted.take(minute, self.most.per_name)?;
        }
        if let Some(appsecret) = appsecret.filter(|_| self.most.per_application > 0) {
            counted.take(keyed(&self.applications, (subscription, appsecret), at), self.most.per_application)?;
        }
        Ok(counted)
    }
}

impl std::fmt::Debug for SignInLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInLimits").field("most", &self.most).finish_non_exhaustive()
    }
}

fn keyed(minutes: &Minutes<u64>, key: impl Hash, now: UnixSeconds) -> Arc<Minute> {
    minutes.of(minutes.hash(key), now)
}

impl Counted {
    fn take(&mut self, minute: Arc<Minute>, most: u32) -> Result<(), Problem> {
        match minute.take(self.at, most) {
            Ok(()) => {
                self.minutes.push(minute);
                Ok(())
            }
            Err(retry_after) => {
                self.give_back();
                Err(Problem::TooMany { retry_after })
            }
        }
    }

    /// It was no wrong one.
    pub(in crate::http) fn forget(mut self) {
        self.give_back();
    }

    fn give_back(&mut self) {
        for minute in self.minutes.drain(..) {
            minute.give_back(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

    fn limits(clock: &Arc<TestClock>) -> SignInLimits {
        let config = crate::config::Sources::default().load().expect("the defaults");
        let config = LimitsConfig {
            wrong_passwords_per_address: 4,
            wrong_passwords_per_name: 2,
            wrong_passwords_per_application: 3,
            exempt: Network::parse_list("203.0.113.0/24").expect("a network"),
            ..config.limits
        };
        SignInLimits::new(&config, Arc::<TestClock>::clone(clock))
    }

    fn trying<'a>(from: &str, login: &'a str, appsecret: Option<&'a str>) -> Trying<'a> {
        Trying { from: Some(from.parse().expect("an address")), subscription: "demo", login, appsecret }
    }

    #[test]
    fn wrong_ones_count_for_a_minute_by_name_in_any_case_by_address_and_by_application() {
        let clock = Arc::new(TestClock::new(NOW));
        let limits = limits(&clock);
        let wrong = |from, login, secret| limits.count(trying(from, login, secret)).map(drop);
        assert!(wrong("192.0.2.1", "joe", None).is_ok() && wrong("192.0.2.2", "JOE", None).is_ok());
        assert_eq!(wrong("192.0.2.3", "joe", None), Err(Problem::TooMany { retry_after: 60 }));
        assert!(wrong("192.0.2.1", "a", None).is_ok() && wrong("192.0.2.1", "b", None).is_ok());
        assert!(wrong("192.0.2.1", "c", None).is_ok());
        assert_eq!(wrong("192.0.2.1", "d", None), Err(Problem::TooMany { retry_after: 60 }));
        for (at, name) in ["e", "f", "g"].into_iter().enumerate() {
            let from = format!("192.0.2.{}", 10 + at);
            assert!(limits.count(trying(&from, name, Some("secret"))).is_ok());
        }
        assert!(wrong("192.0.2.20", "h", Some("secret")).is_err() && wrong("192.0.2.20", "h", Some("other")).is_ok());
        clock.advance(60);
        assert!(wrong("192.0.2.1", "joe", Some("secret")).is_ok());
    }

    #[test]
    fn right_ones_are_given_back_and_so_is_what_was_counted_before_a_limit() {
        let clock = Arc::new(TestClock::new(NOW));
        let limits = limits(&clock);
        for _ in 0..10 {
            limits.count(trying("192.0.2.1", "joe", Some("secret"))).expect("room").forget();
        }
        let held: Vec<_> = (0..2).map(|_| limits.count(trying("192.0.2.1", "joe", None)).expect("room")).collect();
        // Refused for its name, and not counted for its address.
        for _ in 0..10 {
            assert!(limits.count(trying("192.0.2.1", "joe", None)).is_err());
        }
        assert!(limits.count(trying("192.0.2.1", "eve", None)).is_ok());
        drop(held);
        assert!(limits.count(trying("192.0.2.9", "joe", None)).is_err());
    }

    #[test]
    fn exempt_addresses_are_held_to_the_other_limits_only() {
        let clock = Arc::new(TestClock::new(NOW));
        let limits = limits(&clock);
        for number in 0..20 {
            let name = format!("user-{number}");
            assert!(limits.count(trying("203.0.113.7", &name, None)).is_ok());
        }
        assert!(limits.count(trying("203.0.113.7", "user-0", None)).is_ok());
        assert!(limits.count(trying("203.0.113.7", "user-0", None)).is_err());
    }
}

//! The network of a device: as it is, or worse. What it is like can be changed at any time, also under connections that are there.
//!
//! Nothing here needs rights on the machine or touches other programs: frames of this device arrive later, or not at all.

mod link;
mod profile;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cardea_sdk::Entropy;
use cardea_sdk::transport::Connector;
use tokio::sync::watch;
use tokio::time::Instant;

pub use profile::{Conditions, Flap, Named, Profile, ProfileError};

use super::journal::{Journal, Kind};
use super::seed::{Seed, Stream};

/// The network of one device. Clones are one and the same.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    now: watch::Sender<Weather>,
    chance: Luck,
    device: Arc<str>,
    journal: Journal,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.show()).finish()
    }
}

/// What the network is like, and since when.
#[derive(Debug, Clone, Copy)]
struct Weather {
    profile: Profile,
    conditions: Conditions,
    since: Instant,
    /// How often connections had broken before.
    falls: u64,
}

/// What a link does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Frames travel.
    Up,
    /// There is no network.
    Down,
    /// Everything vanishes, and nobody is told.
    Mute,
    /// Whoever answers is not the server.
    Captive,
}

impl Weather {
    /// What the link does, and until when if that ends by itself.
    fn phase(&self, now: Instant) -> (Phase, Option<Instant>) {
        let Conditions { down, half_open, captive, flap, .. } = self.conditions;
        match (down, half_open, captive, flap) {
            (true, ..) => (Phase::Down, None),
            (_, true, ..) => (Phase::Mute, None),
            (_, _, true, _) => (Phase::Captive, None),
            (.., Some(flap)) => {
                let (up, period) = (flap.up(), flap.up() + flap.down());
                let into = Duration::from_nanos(nanos(now - self.since) % nanos(period).max(1));
                let begun = now - into;
                if into < up { (Phase::Up, Some(begun + up)) } else { (Phase::Down, Some(begun + period)) }
            }
            _ => (Phase::Up, None),
        }
    }

    /// How often connections have broken by now: one that was made before the last time is gone.
    fn falls(&self, now: Instant) -> u64 {
        let Conditions { down, captive, flap, .. } = self.conditions;
        let since = match flap {
            _ if down || captive => 1,
            Some(flap) => {
                let (up, period) = (flap.up(), flap.up() + flap.down());
                let passed = nanos(now - self.since);
                let (whole, into) = (passed / nanos(period).max(1), passed % nanos(period).max(1));
                whole + u64::from(into >= nanos(up))
            }
            None => 0,
        };
        self.falls + since
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for delays, as tokio's own timers take it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Random bytes of a name, made when the first are drawn: most devices never need any.
#[derive(Debug)]
pub(crate) struct Luck {
    seed: Seed,
    name: String,
    stream: OnceLock<Box<Stream>>,
}

impl Luck {
    pub(crate) const fn new(seed: Seed, name: String) -> Self {
        Self { seed, name, stream: OnceLock::new() }
    }

    /// Draws something else from here on, which follows from what was drawn so far and from `with`.
    pub(crate) fn stir(&self, with: &[u8]) {
        self.stream().stir(with);
    }

    fn stream(&self) -> &Stream {
        self.stream.get_or_init(|| Box::new(self.seed.stream(&self.name)))
    }

    /// From 0 to just below 1.
    pub(crate) fn uniform(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

impl Entropy for Luck {
    fn fill(&self, bytes: &mut [u8]) {
        self.stream().fill(bytes);
    }
}

impl Network {
    pub(super) fn new(chance: Luck, device: Arc<str>, journal: Journal) -> Self {
        let profile = Profile::default();
        let weather = Weather { profile, conditions: profile.conditions(), since: now(), falls: 0 };
        Self(Arc::new(Shared { now: watch::Sender::new(weather), chance, device, journal }))
    }

    /// What it is like.
    #[must_use]
    pub fn show(&self) -> Profile {
        self.0.now.borrow().profile
    }

    /// Makes it like this from now on, for connections that are there, too: those that have no network any more break.
    ///
    /// # Errors
    /// [`ProfileError`] for conditions that cannot be. Nothing has changed then.
    pub fn set(&self, profile: impl Into<Profile>) -> Result<(), ProfileError> {
        let profile = profile.into();
        let conditions = profile.checked()?;
        let now = now();
        // Under the lock of the channel, so that no fall is counted twice or lost.
        self.0.now.send_modify(|weather| {
            *weather = Weather { profile, conditions, since: now, falls: weather.falls(now) };
        });
        self.0.journal.note(&self.0.device, Kind::Network { profile: profile.to_string() });
        Ok(())
    }

    /// Makes it as it is.
    pub fn clear(&self) {
        // What is ideal can be.
        let _ = self.set(Named::Ideal);
    }

    /// Servers reached by `connector`, as this network lets them be.
    pub(super) fn over(&self, connector: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(link::Linked::new(connector, self.clone()))
    }
}

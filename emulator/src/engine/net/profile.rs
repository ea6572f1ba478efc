//! What a network can be like.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::suggest::{nearest, or_meant};

/// Nothing takes longer, in milliseconds: an hour.
const LONGEST: u32 = 3_600_000;

/// A network with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Named {
    /// As it is: nothing is added.
    #[default]
    Ideal,
    /// None at all.
    Offline,
    /// A phone at the edge: 40 kbit/s, and most of a second for an answer.
    G2,
    /// A phone in a train: 384 kbit/s.
    G3,
    /// A wireless network behind too many walls: quick, and every fifth frame has to be sent again or is lost.
    LossyWifi,
    /// A hotel's network before its page was clicked away: everything is answered, by somebody else.
    Captive,
    /// Five seconds with a network, two without.
    Flap,
    /// The other end is gone and nobody has said so: everything vanishes.
    HalfOpen,
}

impl Named {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Ideal, Self::Offline, Self::G2, Self::G3, Self::LossyWifi, Self::Captive, Self::Flap, Self::HalfOpen];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ideal => "ideal",
            Self::Offline => "offline",
            Self::G2 => "2g",
            Self::G3 => "3g",
            Self::LossyWifi => "lossy-wifi",
            Self::Captive => "captive",
            Self::Flap => "flap",
            Self::HalfOpen => "half-open",
        }
    }

    /// For who chooses.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Ideal => "as it is",
            Self::Offline => "no network",
            Self::G2 => "250 to 350 ms each way, 40 kbit/s, 1 of 100 frames lost",
            Self::G3 => "80 to 120 ms each way, 384 kbit/s, 2 of 1000 frames lost",
            Self::LossyWifi => "2 to 12 ms each way, 1 of 5 frames lost",
            Self::Captive => "a web page answers in place of every server",
            Self::Flap => "5 s up, 2 s down, again and again",
            Self::HalfOpen => "everything vanishes, and connections stay",
        }
    }

    /// What that means.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        let ideal = Conditions::default();
        match self {
            Self::Ideal => ideal,
            Self::Offline => Conditions { down: true, ..ideal },
            Self::G2 => Conditions { latency_ms: 250, jitter_ms: 100, bandwidth: Some(5_000), loss: 0.01, ..ideal },
            Self::G3 => Conditions { latency_ms: 80, jitter_ms: 40, bandwidth: Some(48_000), loss: 0.002, ..ideal },
            Self::LossyWifi => Conditions { latency_ms: 2, jitter_ms: 10, loss: 0.2, ..ideal },
            Self::Captive => Conditions { captive: true, ..ideal },
            Self::Flap => Conditions { flap: Some(Flap { up_ms: 5_000, down_ms: 2_000 }), ..ideal },
            Self::HalfOpen => Conditions { half_open: true, ..ideal },
        }
    }
}

impl FromStr for Named {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        Self::ALL
            .into_iter()
            .find(|named| named.name() == text)
            .ok_or_else(|| ProfileError::Unknown(text.chars().take(64).collect()))
    }
}

/// Up and down in turns. In JSON: `{"upMs": 5000, "downMs": 2000}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flap {
    /// How long there is a network, in milliseconds.
    pub up_ms: u32,
    /// How long there is none, in milliseconds.
    pub down_ms: u32,
}

impl Flap {
    pub(super) const fn up(self) -> Duration {
        Duration::from_millis(self.up_ms as u64)
    }

    pub(super) const fn down(self) -> Duration {
        Duration::from_millis(self.down_ms as u64)
    }
}

/// What a network is like in numbers. Without any it is ideal. In JSON an object with these names in camel case, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Conditions {
    /// What a frame takes each way, in milliseconds; a connection takes twice that to be made.
    pub latency_ms: u32,
    /// Up to so many milliseconds more, each as likely.
    pub jitter_ms: u32,
    /// Bytes per second, each way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u32>,
    /// How likely it is that a frame is lost, from 0 to 1. Datagrams are gone then; connections send again after 200, 400, 800…
    /// milliseconds, and break when that did not help eight times.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub loss: f64,
    /// After so many bytes, both ways together, a connection breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_data: Option<u64>,
    /// There is no network.
    pub down: bool,
    /// Everything vanishes, and nobody is told.
    pub half_open: bool,
    /// A web page answers in place of every server.
    pub captive: bool,
    /// There is a network, and then none, in turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = Flap::schema)]
    pub flap: Option<Flap>,
}

impl Conditions {
    fn check(&self) -> Result<(), ProfileError> {
        let Self { latency_ms, jitter_ms, bandwidth, loss, flap, down, half_open, captive, .. } = *self;
        let is_too_long = |time: u32| time > LONGEST;
        if is_too_long(latency_ms) || is_too_long(jitter_ms) {
            return Err(ProfileError::TooLong);
        }
        if bandwidth == Some(0) {
            return Err(ProfileError::Bandwidth);
        }
        if !(0.0..=1.0).contains(&loss) {
            return Err(ProfileError::Loss);
        }
        if let Some(Flap { up_ms, down_ms }) = flap
            && (up_ms == 0 || down_ms == 0 || is_too_long(up_ms) || is_too_long(down_ms))
        {
            return Err(ProfileError::Flap);
        }
        if [down, half_open, captive, flap.is_some()].into_iter().filter(|it| *it).count() > 1 {
            return Err(ProfileError::Several);
        }
        Ok(())
    }
}

/// A network by its name or in numbers. In JSON the name, or an object: `"2g"`, `{"latencyMs": 300, "loss": 0.1}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Profile {
    /// By its name.
    Named(Named),
    /// In numbers.
    Custom(Conditions),
}

impl Default for Profile {
    fn default() -> Self {
        Self::Named(Named::Ideal)
    }
}

impl From<Named> for Profile {
    fn from(named: Named) -> Self {
        Self::Named(named)
    }
}

impl From<Conditions> for Profile {
    fn from(conditions: Conditions) -> Self {
        Self::Custom(conditions)
    }
}

impl Profile {
    /// What it means.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        match self {
            Self::Named(named) => named.conditions(),
            Self::Custom(conditions) => conditions,
        }
    }

    /// The same, if it can be.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn checked(self) -> Result<Conditions, ProfileError> {
        let conditions = self.conditions();
        conditions.check().map(|()| conditions)
    }
}

impl fmt::Display for Profile {
    /// Its name, or `custom`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named(named) => named.name(),
            Self::Custom(_) => "custom",
        })
    }
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        text.parse().map(Self::Named)
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(named) => serializer.serialize_str(named.name()),
            Self::Custom(conditions) => conditions.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Profile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a network, or an object with its conditions")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Profile, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Profile, A::Error> {
                let conditions = Conditions::deserialize(MapAccessDeserializer::new(map))?;
                conditions.check().map_err(A::Error::custom)?;
                Ok(conditions.into())
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl PartialSchema for Profile {
    fn schema() -> RefOr<Schema> {
        let names = Named::ALL.map(Named::name);
        let name =
            ObjectBuilder::new().schema_type(Type::String).description(Some("By its name.")).enum_values(Some(names));
        let said = "A network by its name or in numbers.";
        OneOfBuilder::new().description(Some(said)).item(name).item(Conditions::schema()).into()
    }
}

impl ToSchema for Profile {}

/// Why a network cannot be like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Nobody knows the name.
    #[error(
        "no network is called {0:?}: there are ideal, offline, 2g, 3g, lossy-wifi, captive, flap and half-open{meant}",
        meant = or_meant(nearest(.0, Named::ALL.map(Named::name)))
    )]
    Unknown(String),
    /// A latency or a jitter.
    #[error("latency and jitter are an hour at most (3600000 ms)")]
    TooLong,
    /// A bandwidth of nothing.
    #[error("a bandwidth is at least one byte per second: for no network at all say down")]
    Bandwidth,
    /// A loss.
    #[error("the loss is a number from 0 to 1")]
    Loss,
    /// Turns.
    #[error("both turns of a flap take from 1 ms to an hour")]
    Flap,
    /// More than one of what excludes each other.
    #[error("down, half-open, captive and flap exclude each other: say one")]
    Several,
}

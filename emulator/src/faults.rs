//! Faults: what goes wrong with a device on purpose, to see that nothing worse comes of it.
//!
//! | what | where |
//! |---|---|
//! | all faults, with the reaction that device and server are held to | [`catalogue`] |
//! | a [`Rule`]: which fault happens to whom, when and how often | `rule` |
//! | the [`Faults`] of a session, and whether there may be any ([`Gate`]) | `armed`, `gate` |
//! | what is put between the SDK and the world | `wire`, `raw`, `store`, `senses`, `operation` |
//!
//! Everything is done by what the SDK is given: a way to servers, a store, a clock, chance, and who is asked. The SDK knows nothing
//! of faults.

mod armed;
mod catalogue;
mod device;
mod frame;
mod gate;
mod operation;
mod point;
mod raw;
mod rule;
mod senses;
mod store;
mod wire;

pub use armed::{Armed, Faults, MOST};
pub use catalogue::{Entry, Layer, Param, catalogue, entry, markdown};
pub(crate) use device::DeviceFaults;
pub use frame::FrameKind;
pub use gate::Gate;
pub use rule::{Direction, Match, Rule, RuleError};

//! Emulated devices. Prints nothing and asks nobody: that is for the faces in front of it.
//!
//! | what | where |
//! |---|---|
//! | a [`Session`]: devices that know nothing of others, with a [`Seed`], a [`Time`] and a [`Journal`] | `session`, `seed`, `time`, `journal`, `changes` |
//! | a [`Device`], which is a wallet of the SDK, and its tokens | `device`, `token`, `standing` |
//! | the [`Human`] who holds it, with PINs and habits | `human` |
//! | what a session was at a moment, and a device in a file ([`Parcel`]) | `snapshot`, `parcel` |
//! | how servers are reached, and the [`Network`] between | `options`, `net` |

mod changes;
mod device;
mod error;
mod human;
mod journal;
mod net;
mod options;
mod parcel;
mod seed;
mod session;
mod snapshot;
mod standing;
mod time;
mod token;

pub(crate) use device::is_label;
pub use device::{Device, device_id};
pub use error::EngineError;
pub use human::{Delay, Human, NoSuchPrompt, Outcome, Persona, Prompt, Reaction, Reply};
pub use journal::{Entry, Journal, KEPT, Kind, Since};
pub(crate) use net::now as tokio_now;
pub use net::{Conditions, Flap, Named, Network, Profile, ProfileError};
pub use options::{Options, Transport};
pub use parcel::{Parcel, ParcelError};
pub use seed::{Seed, Stream};
pub(crate) use session::{MOST as MOST_DEVICES, is_name};
pub use session::{Session, Settings};
pub use snapshot::{Difference, SnapshotInfo};
pub use standing::{Said, Standing};
pub use time::{DeviceClock, LATEST, Time};
pub use token::{State, TokenInfo, Tokens};

//! What a person sees and does, whatever draws it: the window and the terminal are two ways to show the same [`Facts`] and to say
//! the same [`Command`]s. No toolkit is known here, and nothing is done that the control API does not do.
//!
//! | what | where |
//! |---|---|
//! | what is known of the emulator, at one moment | [`Facts`], in `facts` |
//! | what happened, and what was said on the wire | [`Timeline`] |
//! | how a token stands, as a person is told | [`Card`] |
//! | what can be said, as a call and as a command line | [`Command`] |
//! | what came of it | [`Notice`] |
//! | when what is shown changes by itself | `rest` |
//! | who follows the emulator, or runs one | [`Face`], in `run` and `follow` |

mod card;
mod command;
mod facts;
mod fetch;
mod follow;
mod order;
mod pins;
#[cfg(any(feature = "terminal", feature = "window"))]
pub(crate) mod rest;
mod run;
#[cfg(test)]
mod tests;
mod timeline;
mod words;

pub use crate::relying::Whom;
pub(crate) use card::clock;
pub use card::{Card, Shape, Tone};
pub use command::{Command, Invitation, On, SCENARIO_FILE, Secret, Told, scenario_file};
pub use facts::{
    About, Answers, Asked, Clock, Confirmation, Deed, Device, DeviceClock, Facts, Fault, FaultRule, Habit, Link,
    Notice, Param, Prompt, Sibling, Snapshot, State, Token, TraceState, Working,
};
pub use pins::why_no_pins;
#[cfg(any(feature = "terminal", feature = "window"))]
pub(crate) use run::moment;
pub use run::{Face, How, Source};
pub use timeline::{Row, RowKind, Timeline};
pub use words::{HABITS, NETWORKS};

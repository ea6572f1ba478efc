//! The server's end, without I/O (specification, chapters 7 and 9).
//!
//! Everything here is a pure step over a [`Row`](crate::ratchet::Row): look at a frame ([`receive`]), decide, and make
//! the next row together with the reply. The caller finds the row by its hint, writes the next one by compare-and-swap
//! in one transaction with whatever else the operation changes, and sends the reply only after the commit.

mod cold;
mod enroll;
mod resync;
mod session;

pub use cold::{Committed, Dropped, Operation, Recovery, Refusal, Verdict, receive};
pub use enroll::{AwaitKeys, EnrollmentOffer, NewDevice, offer};
pub use resync::{AwaitConfirm, OpenedResync, ResyncVerdict, open_resync};
pub use session::{Fence, Opened, Session, WarmOperation};

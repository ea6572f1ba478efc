//! Real servers and emulators, each a process of its own, on loopback, free ports and a temporary folder.
//!
//! A [`Site`] is a folder with a server in it; a [`Device`] is an emulator's state folder; a [`Proxy`] stands between
//! the two and ends processes at chosen points. Everything hangs on values: whatever a test does, and also when it
//! panics, the processes end and the folder goes. When a test fails, the server's log is printed; when it succeeds, the
//! log is searched for every secret that was used.
//!
//! Nothing here waits for time to pass. Servers run on a test clock that moves by command, and what has to be waited
//! for (a process that comes up, a line in a log) is looked for again and again, but not for ever.
#![expect(
    clippy::missing_panics_doc,
    reason = "the harness is test code: it panics when something is not as it must be"
)]

mod authority;
mod browser;
mod device;
mod http;
mod instance;
mod link;
mod listen;
mod nginx;
mod offer;
pub mod ports;
#[path = "../../server/tests/support/postgres.rs"]
mod postgres;
mod process;
mod programs;
mod proxy;
mod receiver;
mod site;
mod wait;
mod webdriver;

pub use authority::{Authority, Certified};
pub use browser::Browser;
pub use device::{Device, Ran, Running};
pub use http::{Answer, get, post, raw, request};
pub use instance::Instance;
pub use link::Link;
pub use nginx::Nginx;
pub use offer::Offer;
pub use postgres::Cluster;
pub use process::{Killer, Output, output, output_with};
pub use programs::{emulator, pam_module, server};
pub use proxy::{Event, Proxy, replay};
pub use receiver::{Delivery, Receiver, Reply};
pub use site::{Site, Start};
pub use wait::{pause, until};
pub use webdriver::WebDriver;

//! The Cardea server: tokens that are closed until their holder opens them, behind one HTTP GET.
//!
//! From the outside in:
//!
//! * [`cli`] is the program; [`config`] says how it runs, [`shutdown`] how it stops;
//! * [`http`] answers relying parties and administrators, [`channel`] answers devices;
//! * [`admin`] is what can be asked for, and what both the HTTP side and the command line call;
//! * [`webhook`] calls the receivers of events;
//! * [`vault`] keeps secrets and is the only code that knows which PIN was the right one;
//! * [`audit`] is the log's tree of hashes, its checkpoints and proofs, without I/O;
//! * [`domain`] decides, without I/O; [`storage`] makes it durable;
//! * [`accept`], [`network`] and [`proxy_protocol`] are what both listeners share: who comes in, and from where;
//! * [`metrics`] counts what happens, without saying to whom; [`private_file`] says which files others cannot read;
//! * [`clock`] and [`entropy`] are parameters everywhere below the program itself.
//!
//! ```
//! use std::sync::Arc;
//!
//! use cardea_protocol::Secret;
//! use cardea_server::admin::{Actor, Admin, AdminSettings, EnrollOptions, Instance, NewService};
//! use cardea_server::clock::SystemClock;
//! use cardea_server::domain::{name::UserId, status::TokenStatus};
//! use cardea_server::entropy::OsEntropy;
//! use cardea_server::storage::Location;
//! use cardea_server::vault::KeyLocation;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = KeyLocation::Given(Secret::new([7; 32]));
//! let instance = Instance::assemble(Location::Memory, key, Arc::new(SystemClock), Arc::new(OsEntropy)).await?;
//! let (web, channel) = ("https://token.example".to_owned(), "token.example:8421".to_owned());
//! let admin = Admin::new(&instance, AdminSettings { web, channel, development: false })?;
//!
//! let service = admin.create_service(NewService::new("default_door"), Actor::Operator).await?.service;
//! let joe = UserId::parse("joe")?;
//! let offer = admin.enroll(&service, &joe, EnrollOptions::default(), Actor::Operator).await?;
//! assert!(offer.link.starts_with("https://token.example/e#"));
//! assert_eq!(admin.status(&service, &joe, Actor::Operator).await?, TokenStatus::NotEnrolled);
//! # Ok(())
//! # }
//! ```

pub mod accept;
pub mod admin;
pub mod audit;
pub mod channel;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod http;
pub mod metrics;
pub mod network;
pub mod password;
mod priority;
pub mod private_file;
pub mod proxy_protocol;
pub mod shutdown;
pub mod storage;
pub mod vault;
pub mod webhook;

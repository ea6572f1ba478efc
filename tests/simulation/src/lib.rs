//! A deterministic simulation of devices, network and server nodes in virtual time.
//!
//! The real device core and the real responder core run here, with the server's real decisions, over a network that
//! loses, repeats, delays, reorders, damages and forges, with crashes wherever something is written, thieves with copies of
//! a device's record, and an operator who restores backups. One seed is one schedule, byte for byte. [`Violation`] names
//! a rule that did not hold; [`examine`] also finds the shortest part of the schedule that breaks it.
//!
//! What is simulated is in [`Config`] (all of them in [`CONFIGURATIONS`]); [`Mutation`] lists the rules that can be
//! broken on purpose, to see that it is noticed.

mod attacker;
mod config;
mod confirmations;
mod database;
mod device;
mod enroll;
mod ghost;
mod network;
mod node;
mod operator;
mod provider;
mod random;
mod report;
mod schedule;
mod settle;
mod world;

pub use config::{CONFIGURATIONS, Config, Kind, Mutation, Thief, Want};
pub use ghost::{Seen, Violation};
pub use provider::Toy;
pub use report::{Totals, configuration, find, simulate};
pub use schedule::{Failure, Outcome, examine, is_real, run};

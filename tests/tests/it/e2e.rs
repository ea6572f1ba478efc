//! Real processes: a server, emulated devices, and relying parties that ask.

mod clients;
mod configuration;
mod confirmations;
mod crash;
mod database;
mod docs;
mod duress;
mod enroll;
mod integrating;
mod integrations;
mod nodes;
mod open;
mod secrets;
mod service;
mod single_use;
mod state_folder;
mod transports;

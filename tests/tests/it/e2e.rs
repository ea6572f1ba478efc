//! Real processes: a server, emulated devices, and relying parties that ask.

mod clients;
mod configuration;
mod confirmations;
mod crash;
mod database;
mod docs;
mod duress;
mod enroll;
mod first_start;
mod guarded;
mod integrating;
mod integrations;
mod nodes;
mod open;
mod pair;
mod partition;
mod postgres_login;
mod postgres_page;
mod secrets;
mod service;
mod single_use;
mod state_folder;
mod status_question;
mod transports;
mod two_nodes;

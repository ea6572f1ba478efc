//! The API over real sockets and real storage.

mod administration;
mod auth;
mod checks;
mod clients;
mod copies;
mod described;
mod events;
mod grants;
mod hostile;
mod limits;
mod manage;
mod other;
mod status;
mod support;
mod table;
mod tokens;

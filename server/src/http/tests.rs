//! The API over real sockets and real storage.

mod clients;
mod manage;
mod other;
mod status;
mod support;

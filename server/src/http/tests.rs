//! The API over real sockets and real storage.

mod clients;
mod described;
mod limits;
mod manage;
mod other;
mod status;
mod support;

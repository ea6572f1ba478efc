//! The Cardea server.

pub mod admin;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod shutdown;
pub mod storage;
pub mod vault;

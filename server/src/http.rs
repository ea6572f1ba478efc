//! The HTTP side: the token API for relying parties and administrators, and a few pages beside it.

mod body;
mod credentials;
mod finish;
mod problem;
mod query;
mod serve;

pub use problem::Problem;
pub use serve::HttpServer;

/// Every path that is served, for the log.
const ROUTES: &[&str] = &[];

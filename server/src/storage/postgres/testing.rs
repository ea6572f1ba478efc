//! What tests of this crate need of PostgreSQL.

#[path = "../../../tests/support/postgres.rs"]
#[expect(unreachable_pub, reason = "another package shows it outside")]
mod cluster;

pub(crate) use cluster::Cluster;

use super::PostgresUrl;

/// A new database on the server that all tests share.
pub(crate) fn database() -> PostgresUrl {
    PostgresUrl::parse(&Cluster::shared().database()).expect("a good url")
}

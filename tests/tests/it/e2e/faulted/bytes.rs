//! Faults of bytes, over TCP.

use super::case::{Case, all};

pub(super) const CASES: &[Case] = &[
    Case::opens("slicer").with(|rule| rule.param("bytes", 7).param("ms", 1)),
    Case::opens("slow-loris"),
    Case::opens("reset"),
    Case::opens("reset").with(|rule| rule.times(1).param("at", 130)),
    Case::opens("limit-data"),
    Case::opens("half-close"),
    Case::opens("oversize"),
    Case::opens("zero-length"),
    Case::opens("bad-length"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_say_something_else_than_they_bring_change_nothing() {
    all(CASES).await;
}

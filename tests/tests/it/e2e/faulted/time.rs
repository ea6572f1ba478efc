//! Faults of the device's clock, and of its chance.

use super::case::{Case, all};

pub(super) const CASES: &[Case] = &[
    Case::opens("clock-skew").with(|rule| rule),
    Case::opens("clock-skew").with(|rule| rule.param("seconds", -86_400)),
    Case::opens("clock-jump").with(|rule| rule),
    Case::opens("clock-freeze").with(|rule| rule),
    Case::opens("clock-epoch-zero").with(|rule| rule),
    Case::opens("clock-far-future").with(|rule| rule),
    Case::fails("suspend", 102).with(|rule| rule),
    // The fifth time that it looks afterwards, the answer is there.
    Case::fails("suspend", 101).with(|rule| rule.skip(4)).then(&[1]),
    Case::opens("stuck-random").with(|rule| rule),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_is_evidence_and_nothing_more() {
    all(CASES).await;
}

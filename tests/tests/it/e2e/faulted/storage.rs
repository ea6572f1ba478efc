//! Faults of where the device keeps its tokens. The first write of an opening says that something is about to be sent, the second one
//! what was answered.

use super::case::{Case, all};

pub(super) const CASES: &[Case] = &[
    Case::fails("storage-full", 138),
    Case::fails("storage-full", 138).with(|rule| rule.times(1).skip(1)).then(&[1]),
    Case::fails("storage-read-only", 137),
    Case::fails("storage-broken", 139),
    Case::opens("storage-slow").with(|rule| rule.param("ms", 50)),
    Case::fails("torn-write", 139),
    Case::fails("torn-write", 139).with(|rule| rule.times(1).param("step", 0)),
    Case::fails("torn-write", 139).with(|rule| rule.times(1).skip(1)).then(&[1]),
    Case::fails("torn-write", 139).with(|rule| rule.times(1).skip(1).param("step", 0)).then(&[1]),
    Case::opens("lost-write").with(|rule| rule.times(1).skip(1)),
    Case::fails("corrupt", 131),
    Case::fails("truncated-entry", 132),
    Case::fails("missing-entry", 104),
    Case::fails("newer-format", 133),
    Case::fails("wrong-storage-key", 134),
    Case::fails("storage-key-missing", 135),
    Case::opens("storage-locked").with(|rule| rule.times(3)),
    Case::killed("crash-before-write", &[2]),
    Case::killed("crash-before-write", &[1]).with(|rule| rule.times(1).skip(1)),
    Case::killed("crash-after-write", &[2]),
    Case::killed("crash-after-write", &[1]).with(|rule| rule.times(1).skip(1)),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_stops_the_device_and_is_found_out() {
    all(CASES).await;
}

//! `/token/…`: the API of relying parties and administrators, one file per resource.
//!
//! The order of the checks is always: form of the call (400), authkey (403), service and token (404).

mod audit;
mod authkey;
mod confirmation;
mod enroll;
mod events;
mod service;
mod status;
mod tokens;
mod webhook;

pub(crate) use service::body as service_body;
pub(crate) use webhook::body as webhook_body;

use super::call::Mounted;
pub(super) use status::body as status_body;

/// All calls.
pub(super) fn calls() -> Vec<Mounted> {
    [
        status::calls(),
        enroll::calls(),
        tokens::calls(),
        confirmation::calls(),
        events::calls(),
        service::calls(),
        webhook::calls(),
        authkey::calls(),
        audit::calls(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

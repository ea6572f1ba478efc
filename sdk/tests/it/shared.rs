//! What apps hold may go to any thread, and errors too. Checked by the compiler: leaving it out of a type would break apps.

use cardea_sdk::{Approval, Confirmation, Enrollment, Events, Invitation, Live, Status, Token, Wallet, WalletError};

const fn is_shared<T: Send + Sync + 'static>() {}
const fn is_send<T: Send + 'static>() {}

#[test]
fn what_apps_hold_may_go_to_any_thread() {
    is_shared::<Wallet>();
    is_shared::<Token>();
    is_shared::<Live>();
    is_shared::<Invitation>();
    is_shared::<Confirmation>();
    is_shared::<Enrollment>();
    is_shared::<Status>();
    is_shared::<WalletError>();
    is_send::<Events>();
    is_send::<Approval>();
    is_shared::<cardea_sdk::receipt::Receipt>();
    is_shared::<cardea_sdk::store::file::FileStore>();
    is_shared::<cardea_sdk::store::memory::MemoryStore>();
}

#[cfg(feature = "relying-party")]
#[test]
fn so_may_what_relying_parties_hold() {
    use cardea_sdk::relying_party::{RelyingParty, RelyingPartyError, Watch};
    is_shared::<RelyingParty>();
    is_shared::<RelyingPartyError>();
    is_send::<Watch>();
}

//! Pictures of QR codes, as files.
#![no_main]

use cardea_sdk::{Invitation, InvitationKind, WalletError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| match Invitation::from_qr_image(data) {
    Ok(invitation) => {
        let preview = invitation.preview();
        assert!(!preview.host.is_empty());
        assert_eq!(preview.kind, InvitationKind::Link);
    }
    Err(WalletError::Image(_)) => {}
    Err(other) => panic!("{other}"),
});

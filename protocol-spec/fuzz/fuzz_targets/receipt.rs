//! Receipts as the API gives them, alone and within what stands beside them.
#![no_main]

use cardea_sdk::receipt::{Act, Expected, Receipt, ReceiptError};
use libfuzzer_sys::fuzz_target;

/// A key that nobody has: the point of order one.
const NOBODY: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let Ok(receipt) = Receipt::from_json(text) else { return };
    assert_eq!(receipt.verify(&Expected::any().public_key([2; 32])).err(), Some(ReceiptError::Key));
    let Ok(proved) = receipt.verify(&Expected::any()) else { return };
    // Only a signature gets here, and one under a key that is anybody's proves nothing.
    assert_ne!(proved.public_key, NOBODY);
    assert_eq!(&proved.public_key, receipt.public_key());
    let same = Expected::any().token(proved.token).device(proved.device).within(proved.at..=proved.at);
    assert_eq!(receipt.verify(&same), Ok(proved));
    if proved.act != Act::Approved {
        assert!(receipt.verify(&Expected::approval("Pay")).is_err());
    }
});

//! An app's own parts, against a server process: biometric keys, and pictures of invitations.

use std::future::Future;

use cardea_sdk::{BiometricKey, Env, Invitation, NewPins, Pin, PinError, Token, Wallet, WalletError, Window};
use cardea_tests::harness::{Offer, Site};
use serde_json::json;

const PIN: &str = Site::PIN;
const DURESS: &str = "83640275";

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("it works in this test").block_on(future)
}

fn pin(digits: &str) -> Pin {
    Pin::new(digits.as_bytes()).expect("it works in this test")
}

async fn wallet() -> Wallet {
    Wallet::builder().allow_test_argon2(true).recover_in_background(false).open().await.expect("it works in this test")
}

async fn enroll(offer: &Offer, pins: NewPins) -> Result<Token, WalletError> {
    let invitation = Invitation::from_text(&offer.link).expect("it works in this test");
    Ok(wallet().await.enroll(&invitation, async |_| Ok(pins)).await?.token)
}

fn with_key(key: &BiometricKey) -> NewPins {
    NewPins { normal: pin(PIN), duress: vec![pin(DURESS)], biometric: Some(key.duplicate()) }
}

#[test]
fn a_finger_opens_where_the_service_allows_it_and_never_raises_or_clears_duress() {
    let mut site = Site::dev();
    let key = BiometricKey::generate(&Env::os());
    wait(async {
        let offer = site.offer("joe");
        let invitation = Invitation::from_text(&offer.link).unwrap();
        assert!(!wallet().await.policy(&invitation).await.unwrap().biometric);
        let refused = enroll(&offer, with_key(&key)).await;
        assert!(matches!(refused, Err(WalletError::Pin(PinError::BiometricNotAllowed))));

        assert_eq!(site.manage("service/update", &json!({ "biometric": true })).code, 200);
        let offer = site.offer("joe");
        let invitation = Invitation::from_text(&offer.link).unwrap();
        assert!(wallet().await.policy(&invitation).await.unwrap().biometric);
        let token = enroll(&offer, with_key(&key)).await.unwrap();
        token.open(key.duplicate(), Window::Service).await.unwrap();
        assert_eq!(site.status("joe"), 1);
        site.advance(60);
        assert_eq!(site.status("joe"), 2);

        // A wrong one counts like a wrong PIN, and the right one makes up for it.
        let tries = token.status().await.unwrap().tries_left;
        let refused = token.open(BiometricKey::generate(&Env::os()), Window::Service).await;
        assert!(matches!(refused, Err(WalletError::PinRejected { tries_left }) if tries_left == tries - 1));
        assert_eq!(site.status("joe"), 2);
        token.open(key.duplicate(), Window::Service).await.unwrap();
        assert_eq!(token.status().await.unwrap().tries_left, tries);

        // Under duress it seems to open, and changes nothing.
        site.advance(60);
        token.open(pin(DURESS), Window::Service).await.unwrap();
        assert_eq!(site.status("joe"), 3);
        token.close().await.unwrap();
        token.open(key.duplicate(), Window::Service).await.unwrap();
        assert_eq!(site.status("joe"), 3);
        // A key that is set under duress holds until that is cleared, and then the old one does again.
        let forced = BiometricKey::generate(&Env::os());
        token.change_pin(key.duplicate(), with_key(&forced)).await.unwrap();
        token.open(forced.duplicate(), Window::Service).await.unwrap();
        assert_eq!(site.status("joe"), 3);
        assert_eq!(site.call("duress/clear", "joe", &json!({})).code, 200);
        assert_eq!(site.status("joe"), 2);
        let refused = token.open(forced, Window::Service).await;
        assert!(matches!(refused, Err(WalletError::PinRejected { .. })));
        token.open(key.duplicate(), Window::Service).await.unwrap();
        assert_eq!(site.status("joe"), 1);

        // Without it in the new set it is gone.
        token.change_pin(key.duplicate(), NewPins::normal(pin(PIN))).await.unwrap();
        let refused = token.open(key.duplicate(), Window::Service).await;
        assert!(matches!(refused, Err(WalletError::PinRejected { .. })));
        token.open(pin(PIN), Window::Service).await.unwrap();
    });
}

#[test]
fn wrong_keys_block_like_wrong_pins() {
    let site = Site::dev();
    assert_eq!(site.manage("service/update", &json!({ "biometric": true, "attempts": 5 })).code, 200);
    wait(async {
        let key = BiometricKey::generate(&Env::os());
        let token = enroll(&site.offer("joe"), with_key(&key)).await.unwrap();
        for _ in 0..20 {
            match token.open(BiometricKey::generate(&Env::os()), Window::Service).await {
                Err(WalletError::PinRejected { .. }) => {}
                Err(WalletError::Wait { .. } | WalletError::Blocked { .. }) => return,
                other => panic!("{other:?}"),
            }
        }
        panic!("twenty guesses and no end");
    });
}

/// The modules of a code as the server draws it: rectangles of one height in a path.
fn modules(svg: &str) -> Vec<[usize; 4]> {
    let path = svg.split(" d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} in {path}"));
    let pieces = path.split('M').skip(1).map(|piece| {
        let (x, rest) = piece.split_once(' ').expect("a place");
        let (y, rest) = rest.split_once('h').expect("a width");
        let (width, rest) = rest.split_once('v').expect("a height");
        let height = rest.split(['H', 'h', 'V', 'z']).next().expect("an end");
        [x, y, width, height].map(number)
    });
    pieces.collect()
}

/// The picture as a browser would draw it.
pub(super) fn drawn(svg: &str) -> Vec<u8> {
    drawn_beside(&[svg])
}

/// Several of them in one picture, which may be none.
pub(super) fn drawn_beside(svgs: &[&str]) -> Vec<u8> {
    let (mut modules_of_all, mut side) = (Vec::new(), 100);
    for svg in svgs {
        let modules = modules(svg);
        let left = if modules_of_all.is_empty() { 0 } else { side };
        side = left + modules.iter().map(|[x, _, width, _]| x + width).max().expect("some") + 20;
        modules_of_all.extend(modules.into_iter().map(|[x, y, width, height]| [left + x, y, width, height]));
    }
    let modules = modules_of_all;
    let mut gray = vec![255; side * side];
    for [x, y, width, height] in modules {
        for row in y..y + height {
            gray[row * side + x..][..width].fill(0);
        }
    }
    let mut file = Vec::new();
    let size = u32::try_from(side).expect("it is drawn");
    let mut encoder = png::Encoder::new(&mut file, size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("it is drawn");
    writer.write_image_data(&gray).expect("it is drawn");
    writer.finish().expect("it is drawn");
    file
}

#[test]
fn the_code_that_the_server_draws_enrolls() {
    let site = Site::dev();
    let offer = site.offer("joe");
    let picture = drawn(offer.answer["qrSvg"].as_str().expect("drawn"));
    let invitation = Invitation::from_qr_image(&picture).unwrap();
    assert_eq!(invitation.endpoint().port, site.channel().port());
    wait(async {
        let wallet = wallet().await;
        let enrolled = wallet.enroll(&invitation, async |_| Ok(NewPins::normal(pin(PIN)))).await.unwrap();
        enrolled.token.open(pin(PIN), Window::Service).await.unwrap();
    });
    assert_eq!(site.status("joe"), 1);
}

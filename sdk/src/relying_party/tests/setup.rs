//! Setting up, and what nobody is shown.

use std::time::Duration;

use super::hostile::{Hostile, KEY, json};
use crate::relying_party::RelyingParty;

#[test]
fn what_cannot_work_is_refused_before_anybody_is_asked() {
    let code = |builder: crate::relying_party::Builder| builder.build().unwrap_err().code();
    let builder = || RelyingParty::builder("https://id.example", "default_door", KEY);
    assert!(builder().build().is_ok());
    assert_eq!(code(RelyingParty::builder("http://id.example", "default_door", KEY)), 160);
    assert!(RelyingParty::builder("http://id.example", "default_door", KEY).allow_http().build().is_ok());
    assert_eq!(code(RelyingParty::builder("https://id.example", "", KEY)), 160);
    assert_eq!(code(RelyingParty::builder("https://id.example", "default_door", "a key\n")), 160);
    assert_eq!(code(builder().timeout(Duration::ZERO)), 160);
    assert_eq!(code(builder().timeout(Duration::from_secs(121))), 160);
    for pem in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(code(builder().root_certificate(pem.as_bytes())), 160, "{pem}");
    }
    assert_eq!(code(RelyingParty::builder("http://localhost", "default_door", KEY).root_certificate(b"x")), 160);
}

#[tokio::test]
async fn the_authkey_is_in_no_debug_text_and_in_no_error() {
    let server = Hostile::new([json(403, &format!(r#"{{"error":"forbidden","message":"{KEY}"}}"#))]).await;
    let builder = RelyingParty::builder(&format!("http://{}", server.address), "default_door", KEY);
    let mut shown = format!("{builder:?}");
    let asked = builder.build().unwrap();
    let error = asked.status("joe").await.unwrap_err();
    let watch = asked.watch(None, &[]);
    shown += &format!("{asked:?}{asked:#?}{watch:?}{error}{error:?}");
    assert!(!shown.contains(KEY), "{shown}");
    assert!(server.requests()[0].contains(KEY));
}

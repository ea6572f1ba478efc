//! How the clients in the field decide. Each takes HTTP status and body, and says whether it lets the person in.

/// The Drone plugin, a shell script: the whole body, byte for byte (the shell strips line ends), whatever the status.
pub(super) fn drone(_: u16, body: &str) -> bool {
    body.trim_end_matches('\n') == r#"{"status":1}"#
}

/// The PAM script for Linux and the login agent for macOS (`grep 1`), and the PAM module for macOS (`strchr`): the
/// character anywhere.
pub(super) fn grep(_: u16, body: &str) -> bool {
    body.contains('1')
}

/// The GitHub action: fixed failures for four statuses, else the JSON number.
pub(super) fn action(status: u16, body: &str) -> bool {
    let parsed = || serde_json::from_str::<serde_json::Value>(body).ok();
    ![400, 403, 404, 500].contains(&status) && parsed().is_some_and(|body| body["status"].as_f64() == Some(1.0))
}

/// The PAM module in Rust: a struct with one integer, other members ignored.
pub(super) fn rust_pam(_: u16, body: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Body {
        status: i32,
    }
    serde_json::from_str::<Body>(body).is_ok_and(|body| body.status == 1)
}

/// Decides from HTTP status and body.
type Decision = fn(u16, &str) -> bool;

/// All of them.
pub(super) const ALL: [(&str, Decision); 4] =
    [("drone", drone), ("grep", grep), ("action", action), ("rust-pam", rust_pam)];

/// The rows of the table that was measured with the real programs: these functions decide as they did.
#[test]
fn the_rules_agree_with_what_was_measured() {
    for (status, body, expected) in [
        (200, "{\"status\":1}", [true, true, true, true]),
        (200, "{\"status\":1}\n", [true, true, true, true]),
        (200, "{\"status\": 1}", [false, true, true, true]),
        (200, "{\"status\":1,\"message\":\"open\"}", [false, true, true, true]),
        (200, "{\"status\":\"1\"}", [false, true, false, false]),
        (200, "{\"status\":2}", [false, false, false, false]),
        (403, "{\"message\":\"bad key for user joe1\"}", [false, true, false, false]),
        (500, "<html>nginx/1.18.0</html>", [false, true, false, false]),
        (429, "{\"status\":1}", [true, true, true, true]),
        (503, "", [false, false, false, false]),
    ] {
        let decisions = ALL.map(|(_, lets_in)| lets_in(status, body));
        assert_eq!(decisions, expected, "{status} {body}");
    }
}

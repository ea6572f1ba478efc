//! What there is to choose from, in words: for a person, as the control API calls it, and what it means.

/// Networks, and what they are like.
pub const NETWORKS: [(&str, &str, &str); 8] = [
    ("Ideal", "ideal", "Nothing in the way"),
    ("Offline", "offline", "No server is reached"),
    ("2G", "2g", "Slow, and slow to answer"),
    ("3G", "3g", "Somewhat slow"),
    ("Lossy WiFi", "lossy-wifi", "Much is lost on the way"),
    ("Captive portal", "captive", "Something else answers in place of the server"),
    ("Flapping", "flap", "Comes and goes"),
    ("Half open", "half-open", "What is sent arrives, and no answer comes"),
];

/// What a holder does who is asked.
pub const HABITS: [(&str, &str, &str); 7] = [
    ("Types the PIN", "approve", "The device's own one, known to everybody unless it was enrolled with another"),
    ("Waits for me", "wait", "The question is shown here, and you answer it"),
    ("Types a duress PIN", "duress", "As somebody who is forced to"),
    ("Types a wrong PIN", "wrong-pin", "One that nobody has"),
    ("Says no", "cancel", "Refuses"),
    ("Does not look", "ignore", "After a minute nobody is waited for any more"),
    ("Cannot be asked", "fail", "The screen is broken"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_networks_and_habits_are_those_of_the_control_api() {
        for (_, profile, _) in NETWORKS {
            assert!(serde_json::from_value::<crate::engine::Profile>(profile.into()).is_ok(), "{profile}");
        }
        for (_, does, _) in HABITS {
            assert!(crate::cli::takes(&["cardea-emulator", "prompt", "policy", does]), "{does}");
        }
    }
}

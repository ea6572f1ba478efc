//! The words of errors, for programs, with what each means.

/// In the member `code` of an answer that is no success, and of what `--json` prints. They stay the same; texts may change.
pub const WORDS: &[(&str, &str)] = &[
    ("already-enrolled", "the device has a token of this service and user already"),
    ("ambiguous", "several tokens or texts are meant: say which"),
    ("authkey", "the authkey does not allow a relying party to ask this"),
    ("bad-call", "the call, or what was asked for, is not as it must be; the message says what to change"),
    ("bad-label", "what a token is to be called is too long, or has characters that nobody sees"),
    ("bad-name", "no name for a device or session"),
    ("bad-parcel", "a file is no device that was exported, is sealed with another passphrase, or was altered"),
    ("bad-rule", "a rule for a fault that cannot be"),
    ("blocked", "the token or the device is blocked, until an administrator or the time lifts that"),
    ("busy", "another program or operation uses the token"),
    ("cancelled", "the holder said no, or did not look"),
    ("code-used", "the enrollment code was used already"),
    ("configuration", "a configuration file is not as it must be; the message has the line"),
    ("declined", "somebody was asked, and did not say yes"),
    ("default-session", "the session `default` ends with the program"),
    ("device-broken", "a defect of the emulator broke this device: remove it, and make another one"),
    ("device-exists", "there is a device of this name already"),
    ("device-removed", "the device was removed meanwhile"),
    ("differs", "what was compared is not the same"),
    ("document", "a script or scenario is not as it must be; the message has the line"),
    ("elsewhere", "a web page of somebody else calls"),
    ("emulator", "the program itself, the machine, or the state folder"),
    ("faults-not-allowed", "the emulator was not started with `--allow-faults`"),
    ("file", "a file that was named cannot be read"),
    ("method", "this path takes another method"),
    ("no-answer", "the emulator that runs was gone in the middle of a call"),
    ("no-device", "no device is called so"),
    ("no-display", "there is no screen to open a window on"),
    ("no-invitation", "neither a link, nor a code, nor a picture of one"),
    ("no-path", "nothing is at this path of the control API"),
    ("no-profile", "no profile of the configuration is called so"),
    ("no-prompt", "no question with this number waits"),
    ("no-room", "other calls send so much that there is no room for what this one sends: try again"),
    ("no-rule", "no rule has this id"),
    (
        "no-server",
        "the program was built without a server, which `stub` and `scenario` need: build it with `--features embedded-server`",
    ),
    ("no-session", "no session is called so"),
    ("no-snapshot", "no snapshot is called so"),
    ("no-such-text", "no such text waits to be approved or denied"),
    ("no-such-token", "the device has no such token"),
    ("no-terminal", "there is no terminal to draw on"),
    ("no-token", "the call has not the token of the emulator"),
    ("not-confirmed", "nobody knows whether it was done: ask again with `status`"),
    ("not-created", "a session was wanted, in the form of WebDriver, that cannot be made"),
    ("not-enrolled", "the server does not know the token any more"),
    ("not-open", "the token is not open"),
    ("not-running", "no emulator runs there"),
    ("not-sure", "nobody can be asked whether it is to be done: say `--yes`"),
    ("not-yet", "what was waited for did not become true in time"),
    ("offline", "the server cannot be reached"),
    ("pin-not-allowed", "a PIN that the rules for PINs do not allow"),
    ("pin-rejected", "a wrong PIN; the message says how many tries are left"),
    ("pins", "a PIN cannot be read, or is missing"),
    ("refused", "the server has refused, or something else that has no word of its own"),
    ("runs", "an emulator runs there already"),
    ("runs-without", "an emulator runs on this state folder already, and was not started with all that is wanted"),
    ("scenario", "a scenario failed, or has something to mend"),
    ("server", "the server does not keep to the protocol"),
    ("session-ended", "the session has ended meanwhile"),
    ("session-exists", "there is a session of this name already"),
    ("snapshot-exists", "there is a snapshot of this name already"),
    ("store", "the state folder cannot be used"),
    ("stub", "the stub did not start"),
    ("test-argon2", "the service hashes PINs as cheaply as tests do: give `--allow-test-argon2`"),
    ("text-over", "the text was answered, withdrawn, or its time is over"),
    ("throttled", "a relying party has called too often: the message says how long to wait"),
    ("timeout", "no answer in time: ask again with `status`, or as a relying party"),
    ("too-long", "the body is too long"),
    ("too-many", "there are as many sessions, devices or snapshots as there may be"),
    ("too-slow", "the body did not arrive in time"),
    ("unavailable", "the server cannot answer a relying party now"),
    ("unknown", "a relying party asks for a service, token or confirmation that is not there"),
    ("unwell", "`doctor` has found something to mend"),
    ("usage", "arguments that do not fit together"),
    ("wait", "after wrong PINs: not before a while, which the message says"),
    ("wrong-server", "the server is not the one of the enrollment"),
];

#[cfg(test)]
mod tests {
    use super::WORDS;

    /// What says the words.
    const SAID: [&str; 3] =
        [include_str!("../exit.rs"), include_str!("../cli/error.rs"), include_str!("../control/problem.rs")];

    #[test]
    fn what_can_be_tried_again_is_a_word() {
        assert!(crate::exit::RETRYABLE.iter().all(|word| WORDS.iter().any(|(known, _)| known == word)));
        assert!(crate::exit::is_retryable("busy") && !crate::exit::is_retryable("not-confirmed"));
    }

    #[test]
    fn the_list_has_every_word_that_is_said_and_no_other() {
        let arms = SAID.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once("=> \""));
        let mut said: Vec<&str> = arms.filter_map(|(_, rest)| rest.split_once("\",")).map(|(word, _)| word).collect();
        said.sort_unstable();
        said.dedup();
        assert_eq!(said, WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>());
    }
}

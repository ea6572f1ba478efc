//! What was meant by who misspelled something.

/// How many letters may be wrong.
const WRONG: usize = 2;

/// The one of `known` that was probably meant by `word`.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let word = plain(word);
    // A long word would only cost time.
    if word.len() > 64 {
        return None;
    }
    let wrong = |candidate: &str| {
        let candidate = plain(candidate);
        let begins = word.len() >= 3 && (candidate.starts_with(&word) || word.starts_with(&candidate));
        if begins { 1 } else { strsim::osa_distance(&word, &candidate) }
    };
    let scored =
        known.into_iter().filter(|candidate| !candidate.is_empty()).map(|candidate| (wrong(candidate), candidate));
    let best = scored.min_by_key(|(wrong, _)| *wrong)?;
    // A word of which half is wrong is another word.
    (best.0 <= WRONG && best.0 * 2 < word.len().max(3)).then_some(best.1)
}

/// What to say after a name that is not known, if another one was probably meant.
pub(crate) fn or_meant(meant: Option<&str>) -> String {
    meant.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

/// What a reader of JSON says of what is not as it must be, with what was meant if a name was misspelled.
pub(crate) fn explained(error: &str) -> String {
    // Serde says: unknown field `sed`, expected one of `name`, `seed`.
    let mut names = error.split('`').skip(1).step_by(2);
    let meant = error.starts_with("unknown ").then(|| names.next().and_then(|given| nearest(given, names))).flatten();
    match meant {
        Some(meant) => format!("{error}: did you mean `{meant}`?"),
        None => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_found() {
        let known = ["open", "close", "status", "change-pin", "expect", "copy", ""];
        for (word, meant) in [
            ("opne", "open"),
            ("closee", "close"),
            ("expct", "expect"),
            ("change_pin", "change-pin"),
            ("stat", "status"),
            ("Open", "open"),
        ] {
            assert_eq!(nearest(word, known), Some(meant), "{word}");
        }
        for word in ["", "x", "fly", "nope", "entirely", &"a".repeat(100)] {
            assert_eq!(nearest(word, known), None, "{word}");
        }
    }

    #[test]
    fn what_was_meant_is_said_where_it_can_be_known() {
        let error = "unknown field `sed`, expected one of `name`, `seed`, `leaseMs` at line 1 column 6";
        assert!(explained(error).ends_with(": did you mean `seed`?"));
        let error = "unknown variant `aprove`, expected `approve` or `cancel`";
        assert!(explained(error).ends_with(": did you mean `approve`?"));
        for error in ["unknown field `xyz`, expected one of `name`, `seed`", "missing field `name`", "unknown field"] {
            assert_eq!(explained(error), error);
        }
    }
}

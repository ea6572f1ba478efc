//! Words that somebody mistyped.

/// How many letters may be wrong.
const WRONG: usize = 2;

/// The one of `known` that was probably meant by `word`.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
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
    let scored = known.iter().map(|candidate| (wrong(candidate), *candidate));
    let best = scored.min_by_key(|(wrong, _)| *wrong)?;
    // Half of a short word is another word.
    (best.0 <= WRONG && best.0 * 2 <= word.len().max(2)).then_some(best.1)
}

/// What to say after a word that is not known.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(meant) => format!(": did you mean `{meant}`?"),
        None => format!(": there are {}", known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_found() {
        let known = ["open", "close", "status", "change-pin", "expect"];
        for (word, meant) in [
            ("opne", "open"),
            ("closee", "close"),
            ("expct", "expect"),
            ("change_pin", "change-pin"),
            ("stat", "status"),
            ("Open", "open"),
        ] {
            assert_eq!(nearest(word, &known), Some(meant), "{word}");
        }
        for word in ["", "x", "fly", "entirely", &"a".repeat(100)] {
            assert_eq!(nearest(word, &known), None, "{word}");
        }
    }

    #[test]
    fn who_is_far_off_is_told_all_there_is() {
        assert_eq!(did_you_mean("clos", &["open", "close"]), ": did you mean `close`?");
        assert_eq!(did_you_mean("dance", &["open", "close"]), ": there are `open`, `close`");
    }
}

//! Words that somebody mistyped.

use crate::suggest::nearest;

/// What to say after a word that is not known.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!(": did you mean `{meant}`?"),
        None => format!(": there are {}", known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_far_off_is_told_all_there_is() {
        assert_eq!(did_you_mean("clos", &["open", "close"]), ": did you mean `close`?");
        assert_eq!(did_you_mean("dance", &["open", "close"]), ": there are `open`, `close`");
    }
}

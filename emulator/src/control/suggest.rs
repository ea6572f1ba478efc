//! What was meant by who misspelled something.

/// The one of `known` that is most like `given`, if one is like it.
pub(super) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &&str| strsim::normalized_damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase());
    let best = known.into_iter().map(|name| (likeness(&name), name)).max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 > 0.6).then_some(best.1)
}

/// What a reader of JSON says of what is not as it must be, with what was meant if a name was misspelled.
pub(super) fn explained(error: &str) -> String {
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

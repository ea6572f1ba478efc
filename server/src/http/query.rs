//! Query parameters, read strictly.
//!
//! The clients in the field put ids into the target without encoding them. An id such as `joe&service=other` or
//! `joe&x` would change the meaning of the call, so repeated, unknown, empty and malformed parameters are refused, and
//! nothing is guessed. Raw UTF-8 is taken as it is, and `+` is a plus sign, because that is what those clients mean.

use super::problem::Problem;

/// The decoded parameters of one call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query<const N: usize>([Option<String>; N]);

impl<const N: usize> Query<N> {
    /// Reads `query` (what follows the `?`), which may have the parameters `names` only, each at most once.
    ///
    /// The values are in the order of `names`.
    ///
    /// # Errors
    /// A parameter is repeated, unknown or empty, or an encoding is broken. The text names only parameters of `names`.
    pub(super) fn parse(query: Option<&str>, names: [&'static str; N]) -> Result<Self, Problem> {
        let mut values = [const { None }; N];
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let Some(at) = names.iter().position(|known| *known == name) else {
                return Err(Problem::bad_call(format!(
                    "there is a parameter other than {}; encode `&` in values as %26",
                    names.join(", ")
                )));
            };
            if values[at].replace(decode(value)?).is_some() {
                return Err(Problem::bad_call(format!("parameter `{}` is repeated", names[at])));
            }
        }
        Ok(Self(values))
    }

    /// Takes parameter number `at` out, if it was given.
    pub(super) const fn take(&mut self, at: usize) -> Option<String> {
        self.0[at].take()
    }
}

/// The value of the parameter or member `name`.
///
/// # Errors
/// It is missing.
pub(super) fn required(value: Option<String>, name: &str) -> Result<String, Problem> {
    value.ok_or_else(|| Problem::bad_call(format!("`{name}` is missing")))
}

/// Undoes percent-encoding, and nothing else: `+` is a plus sign.
///
/// # Errors
/// The encoding is broken, or what it says is not UTF-8.
pub(super) fn decode(text: &str) -> Result<String, Problem> {
    let broken = || Problem::bad_call("a parameter has a broken encoding; write `%` as %25");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (pair, tail) = rest.split_first_chunk::<2>().ok_or_else(broken)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return Err(broken()),
        }
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["id", "service", "authKey"];

    fn id(query: &str) -> Result<Option<String>, Problem> {
        Query::parse(Some(query), NAMES).map(|mut query| query.take(0))
    }

    #[test]
    fn values_are_taken_literally_with_percent_encoding_undone() {
        for (query, expected) in [
            ("id=joe", "joe"),
            ("id=joe+t@x.com", "joe+t@x.com"),
            ("id=José", "José"),
            ("id=Jos%C3%A9", "José"),
            ("id=joe%20b", "joe b"),
            ("id=joe%26service%3Dzz", "joe&service=zz"),
            ("id=o'b", "o'b"),
            ("id=a=b==", "a=b=="),
            ("id=", ""),
            ("id=%00", "\0"),
            ("%69d=joe", "joe"),
            ("service=s&id=joe", "joe"),
        ] {
            assert_eq!(id(query), Ok(Some(expected.to_owned())), "{query}");
        }
    }

    #[test]
    fn what_could_change_the_meaning_of_a_call_is_refused() {
        for query in [
            "id=joe&id=joe",
            "id=joe&%69d=eve",
            "id=joe&service=a&service=b",
            "id=joe&x",
            "id=joe&x=y",
            "id=joe&&service=a",
            "&id=joe",
            "id=joe&",
            "ID=joe",
            "id=50%",
            "id=%4",
            "id=%zz",
            "id=%+4",
            "id=%FF",
            "id=%C3",
            "",
        ] {
            assert!(id(query).is_err(), "{query}");
        }
        assert_eq!(Query::parse(None, NAMES).map(|mut query| query.take(0)), Ok(None));
    }

    proptest! {
        #[test]
        fn every_text_survives_encoding(text in "\\PC{0,40}") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(id(&format!("id={encoded}")), Ok(Some(text)));
        }

        #[test]
        fn no_query_panics_and_no_error_text_contains_the_digit_one(query in "\\PC{0,60}|[&=%a-fi0-9+]{0,30}") {
            if let Err(problem) = id(&query) {
                prop_assert!(!problem.to_string().contains('1'), "{}", problem);
            }
        }
    }
}

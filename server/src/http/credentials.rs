//! Where a call carries its authkey.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::problem::Problem;

/// The authkey of a call: `given` (query parameter or JSON member `authKey`), else `Authorization: apikey …` or
/// `Authorization: bearer …`.
///
/// # Errors
/// There is none at all (400), or the header is repeated or has another scheme (400).
pub(super) fn authkey(given: Option<String>, headers: &HeaderMap) -> Result<String, Problem> {
    if let Some(given) = given {
        return Ok(given);
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Problem::bad_call("`authKey` is missing")),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Problem::bad_call("the Authorization header is repeated")),
    };
    let scheme = || Problem::bad_call("the Authorization header must be `apikey KEY` or `bearer KEY`");
    let (name, key) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(scheme)?;
    if !["apikey", "bearer"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return Err(scheme());
    }
    Ok(key.trim_matches(' ').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a header value"));
        }
        headers
    }

    #[test]
    fn the_parameter_wins_over_the_header_and_both_schemes_are_taken() {
        assert_eq!(authkey(Some("param".into()), &with(&["apikey header"])), Ok("param".into()));
        for value in ["apikey key", "Apikey key", "bearer key", "Bearer  key", "BEARER key"] {
            assert_eq!(authkey(None, &with(&[value])), Ok("key".into()), "{value}");
        }
    }

    #[test]
    fn missing_repeated_and_foreign_credentials_are_bad_calls() {
        for values in [&[][..], &["apikey a", "apikey b"], &["Basic dTpw"], &["apikey"], &[""]] {
            assert!(matches!(authkey(None, &with(values)), Err(Problem::BadCall(_))), "{values:?}");
        }
    }
}

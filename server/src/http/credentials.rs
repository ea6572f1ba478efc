//! Where a call carries what says whose it is.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::problem::Problem;
use crate::admin::Credential;

/// What a call carries: `given` (query parameter or JSON member `authKey`), else the Authorization header.
///
/// # Errors
/// There is none at all (400), or the header is repeated or is none of these (400).
pub(super) fn credential(given: Option<String>, headers: &HeaderMap) -> Result<Credential, Problem> {
    match given {
        Some(given) => Ok(Credential::Authkey(given.into())),
        None => authorization(headers)?.ok_or_else(|| Problem::bad_call("`authKey` is missing")),
    }
}

/// What the Authorization header carries: `apikey KEY`, `Bearer TOKEN` (RFC 6750, section 2.1) or `Basic PAIR` (RFC 7617,
/// in UTF-8). `None`: there is no such header.
///
/// # Errors
/// The header is repeated or is none of these (400).
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<Credential>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Problem::bad_call("the Authorization header is repeated")),
    };
    let wrong = || Problem::bad_call("the Authorization header must be `apikey KEY`, `Bearer TOKEN` or `Basic PAIR`");
    let (scheme, rest) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(wrong)?;
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("apikey") {
        return Ok(Some(Credential::authkey(rest)));
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Credential::Bearer(Zeroizing::new(rest.to_owned()))));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = Zeroizing::new(BASE64.decode(rest.as_bytes()).map_err(|_| wrong())?);
        let (login, password) =
            std::str::from_utf8(&pair).ok().and_then(|pair| pair.split_once(':')).ok_or_else(wrong)?;
        return Ok(Some(Credential::Basic { login: login.to_owned(), password: password.to_owned().into() }));
    }
    Err(wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a header value"));
        }
        headers
    }

    /// Its kind, and what it says.
    fn told(credential: &Credential) -> String {
        match credential {
            Credential::Authkey(value) => format!("authkey {}", value.as_str()),
            Credential::Bearer(value) => format!("bearer {}", value.as_str()),
            Credential::Basic { login, password } => format!("basic {login}/{}", password.as_str()),
            Credential::Known { .. } => "known".to_owned(),
        }
    }

    #[test]
    fn the_parameter_wins_over_the_header_and_all_schemes_are_taken() {
        let given = credential(Some("param".into()), &with(&["apikey header"])).expect("one");
        assert_eq!(told(&given), "authkey param");
        for (value, expected) in [
            ("apikey key", "authkey key"),
            ("Apikey key", "authkey key"),
            ("bearer key", "bearer key"),
            ("Bearer  key", "bearer key"),
            ("BEARER key", "bearer key"),
            ("Basic am9lOnNlY3JldA==", "basic joe/secret"),
            ("basic am9lOmE6Yjpj", "basic joe/a:b:c"),
            ("Basic Og==", "basic /"),
            ("Basic am/DqTrDqQ==", "basic joé/é"),
        ] {
            let found = authorization(&with(&[value])).expect("right in form").expect("one");
            assert_eq!(told(&found), expected, "{value}");
        }
    }

    #[test]
    fn missing_repeated_and_foreign_credentials_are_bad_calls() {
        for values in [
            &[][..],
            &["apikey a", "apikey b"],
            &["Digest dTpw"],
            &["apikey"],
            &[""],
            &["Basic"],
            &["Basic dTpw!"],
            &["Basic dXA="],
            &["Basic gDpw"],
        ] {
            assert!(matches!(credential(None, &with(values)), Err(Problem::BadCall(_))), "{values:?}");
        }
        assert!(authorization(&HeaderMap::new()).expect("none").is_none());
    }
}

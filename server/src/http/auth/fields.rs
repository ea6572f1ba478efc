//! What somebody signs in with, as a form or as JSON.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

use crate::http::form::Json;
use crate::http::problem::Problem;
use crate::http::query::decode;

/// The members of a call, each given once. Those that nobody asks for are ignored, as clients of other systems expect;
/// values that are empty count as not given.
pub(super) struct Fields(BTreeMap<String, Given>);

enum Given {
    Text(Zeroizing<String>),
    Number(u64),
    Other,
}

impl Fields {
    /// Reads a body by its `Content-Type`: `application/x-www-form-urlencoded` (in UTF-8) or `application/json`.
    ///
    /// # Errors
    /// It is neither, or a member is repeated.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let members = if kind.eq_ignore_ascii_case("application/json") {
            of_json(body)?
        } else if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            of_form(body)?
        } else {
            let wanted = "send `Content-Type: application/x-www-form-urlencoded` or `application/json`";
            return Err(Problem::bad_call(wanted));
        };
        let mut fields = BTreeMap::new();
        for (name, value) in members {
            if fields.insert(name, value).is_some() {
                return Err(Problem::bad_call("a member is repeated"));
            }
        }
        Ok(Self(fields))
    }

    /// A text.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<Zeroizing<String>>, Problem> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Given::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(Problem::bad_call(format!("`{name}` must be a text"))),
        }
    }

    /// A text that the call cannot do without.
    ///
    /// # Errors
    /// It is missing, or something else.
    pub(super) fn needed(&mut self, name: &str) -> Result<Zeroizing<String>, Problem> {
        self.text(name)?.ok_or_else(|| Problem::bad_call(format!("`{name}` is missing")))
    }

    /// A whole number.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let wrong = || Problem::bad_call(format!("`{name}` must be a whole number"));
        match self.0.remove(name) {
            None => Ok(None),
            Some(Given::Number(number)) => Ok(Some(number)),
            Some(Given::Text(text)) if text.is_empty() => Ok(None),
            Some(Given::Text(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map(Some).map_err(|_| wrong())
            }
            Some(_) => Err(wrong()),
        }
    }
}

fn of_json(body: &[u8]) -> Result<Vec<(String, Given)>, Problem> {
    let Ok(Json::Object(members)) = serde_json::from_slice(body) else {
        return Err(Problem::bad_call("the body must be one JSON object"));
    };
    let given = members.into_iter().filter_map(|(name, value)| {
        let value = match value {
            Json::Null => return None,
            Json::Text(text) => Given::Text(text.into()),
            Json::Number(number) => Given::Number(number),
            _ => Given::Other,
        };
        Some((name, value))
    });
    Ok(given.collect())
}

fn of_form(body: &[u8]) -> Result<Vec<(String, Given)>, Problem> {
    let body = std::str::from_utf8(body).map_err(|_| Problem::bad_call("the body must be a form in UTF-8"))?;
    let pairs = body.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // In a form, a plus sign is a space.
        let value = Zeroizing::new(value.replace('+', " "));
        Ok((decode(&name.replace('+', " "))?, Given::Text(decode(&value)?.into())))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json; charset=utf-8";

    fn read(kind: &str, body: &str) -> Result<Fields, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().expect("a header value"));
        Fields::read(&headers, body.as_bytes())
    }

    fn text(fields: &mut Fields, name: &str) -> Option<String> {
        fields.text(name).expect("a text").map(|text| text.as_str().to_owned())
    }

    #[test]
    fn forms_and_json_say_the_same() {
        for (kind, body) in [
            (FORM, "name=max.power&password=My+Secret%2BPwd%C3%A9&expdate=872838840&otp=&other=%26"),
            (JSON, r#"{"name":"max.power","password":"My Secret+Pwdé","expdate":872838840,"otp":null,"other":[7]}"#),
        ] {
            let mut fields = read(kind, body).expect("right in form");
            assert_eq!(text(&mut fields, "name").as_deref(), Some("max.power"));
            assert_eq!(text(&mut fields, "password").as_deref(), Some("My Secret+Pwdé"));
            assert_eq!(fields.number("expdate"), Ok(Some(872_838_840)));
            assert_eq!((text(&mut fields, "otp"), fields.number("none")), (None, Ok(None)));
        }
    }

    #[test]
    fn what_is_malformed_or_said_twice_is_refused_without_repeating_it() {
        for (kind, body) in [
            (FORM, "name=a&name=a"),
            (FORM, "name=a&n%61me=b"),
            (FORM, "name=%zz"),
            (FORM, "name=%ff"),
            (JSON, r#"{"name":"a","name":"a"}"#),
            (JSON, r#"["name"]"#),
            (JSON, r#"{"name":"a""#),
            (JSON, ""),
            ("text/plain", "name=a"),
            ("multipart/form-data", "name=a"),
        ] {
            let Err(problem) = read(kind, body) else { panic!("{kind} {body}") };
            assert!(!problem.to_string().contains('1'), "{problem}");
        }
        for body in [r#"{"name":7,"expdate":"soon"}"#, r#"{"name":{},"expdate":-5}"#, r#"{"name":true,"expdate":1.5}"#]
        {
            let mut fields = read(JSON, body).expect("right in form");
            assert!(fields.needed("name").is_err() && fields.number("expdate").is_err(), "{body}");
        }
        let mut fields = read(FORM, "name=&expdate=99999999999999999999").expect("right in form");
        assert!(fields.needed("name").is_err() && fields.number("expdate").is_err());
    }
}

//! JSON of others. What is not as it must be is named by its field, and not repeated: it may have been meant as a PIN.

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::suggest::explained;

/// Reads it from bytes.
///
/// # Errors
/// Where it is not as it must be, and why, for a person.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = read(&mut reader)?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(read)
}

/// Reads it from a value.
///
/// # Errors
/// Where it is not as it must be, and why, for a person.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    read(value)
}

fn read<'de, T: DeserializeOwned, D: Deserializer<'de>>(reader: D) -> Result<T, String>
where
    D::Error: std::fmt::Display,
{
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let place = error.path().to_string();
        let why = error.into_inner().to_string();
        let why = explained(&without_value(&why));
        // A name that is not known is no place to look at; and `.` is the whole.
        if place == "." || place.split('.').any(|part| part == "?") || why.starts_with("unknown field") {
            why
        } else {
            format!("{place}: {why}")
        }
    })
}

/// What a reader says without the value that it is said of: serde says "invalid type: integer `739164`, expected a string".
fn without_value(error: &str) -> String {
    let is_of_value = ["invalid type: ", "invalid value: "].iter().any(|kind| error.starts_with(kind));
    match (is_of_value, error.find(['`', '"']), error.rfind(", expected ")) {
        (true, Some(begins), Some(ends)) if begins < ends => {
            format!("{}{}", error[..begins].trim_end(), &error[ends..])
        }
        _ => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "it is only read")]
        pins: Vec<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "it is only read")]
        inner: Inner,
    }

    #[test]
    fn the_place_is_named_and_the_value_is_not_repeated() {
        for (value, said) in [
            (json!({ "inner": { "pins": ["1", 739_164] } }), "inner.pins[1]: invalid type: integer, expected a string"),
            (json!({ "inner": { "pins": "739164" } }), "inner.pins: invalid type: string, expected a sequence"),
            (
                json!({ "inner": { "pins": ", expected 739164" } }),
                "inner.pins: invalid type: string, expected a sequence",
            ),
            (
                json!({ "inner": { "pins": [-7.39164] } }),
                "inner.pins[0]: invalid type: floating point, expected a string",
            ),
            (json!({ "inner": { "pins": [null] } }), "inner.pins[0]: invalid type: null, expected a string"),
            (json!({ "inner": {} }), "inner: missing field `pins`"),
            (json!({}), "missing field `inner`"),
            (json!({ "iner": {} }), "unknown field `iner`, expected `inner`: did you mean `inner`?"),
            (json!([]), "invalid length 0, expected struct Outer with 1 element"),
        ] {
            assert_eq!(from_value::<Outer>(value).unwrap_err(), said);
        }
    }

    #[test]
    fn what_comes_after_it_is_not_passed_over() {
        assert!(from_slice::<Inner>(br#"{"pins": []} "#).is_ok());
        assert!(from_slice::<Inner>(br#"{"pins": []} {"#).unwrap_err().contains("trailing"));
        let error = from_slice::<Inner>(br#"{"pins": [739164]}"#).unwrap_err();
        assert_eq!(error, "pins[0]: invalid type: integer, expected a string at line 1 column 16");
    }
}

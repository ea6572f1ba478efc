use cardea_sdk::Env;
use serde_json::{Value, json};

use super::*;
use crate::engine::Named;

fn parcel() -> Parcel {
    let mut kept = Kept { skew: -3, network: Named::G2.into(), is_watched: true, ..Kept::default() };
    kept.habits.persona = Persona::new("918273", &["605172"]).unwrap();
    Parcel::new("phone", kept)
}

/// Whether it has come through.
fn is_whole(parcel: &Parcel) -> bool {
    let Kept { skew, network, is_watched, habits, .. } = parcel.kept();
    (parcel.name(), *skew, *network, *is_watched) == ("phone", -3, Named::G2.into(), true)
        && habits.persona == Persona::new("918273", &["605172"]).unwrap()
}

#[test]
fn a_sealed_file_is_read_with_its_passphrase_and_with_no_other() {
    let entropy = Env::os().entropy;
    let file = parcel().sealed("correct horse", &*entropy).unwrap();
    assert!(!file.contains("918273") && !file.contains("skew"), "{}", *file);
    assert!(is_whole(&Parcel::read(file.as_bytes(), Some("correct horse")).unwrap()));
    let read = |passphrase| Parcel::read(file.as_bytes(), passphrase).map(|_| ());
    assert_eq!(read(Some("correct house")), Err(ParcelError::Passphrase));
    assert_eq!(read(None), Err(ParcelError::Sealed));
    let again = parcel().sealed("correct horse", &*entropy).unwrap();
    assert_ne!(*file, *again, "no key seals two files");

    // Whatever is altered is noticed, the name too.
    for (member, to) in [("name", json!("tablet")), ("salt", json!(Base64::encode_string(&[0; SALT])))] {
        let mut altered: Value = serde_json::from_str(&file).unwrap();
        altered[member] = to;
        let read = Parcel::read(altered.to_string().as_bytes(), Some("correct horse"));
        assert_eq!(read.map(|_| ()), Err(ParcelError::Passphrase), "{member}");
    }
    assert_eq!(parcel().sealed("short", &*entropy).map(|_| ()), Err(ParcelError::Short));
}

#[test]
fn a_file_that_everybody_can_read_says_so_and_takes_no_passphrase() {
    let file = parcel().plain().unwrap();
    assert!(file.contains("918273"));
    assert!(is_whole(&Parcel::read(file.as_bytes(), None).unwrap()));
    assert_eq!(Parcel::read(file.as_bytes(), Some("correct horse")).map(|_| ()), Err(ParcelError::NotSealed));
}

#[test]
fn what_is_no_such_file_is_refused_with_a_reason() {
    let read = |text: &str| Parcel::read(text.as_bytes(), None).map(|_| ()).unwrap_err();
    for (text, reason) in [
        ("", "EOF"),
        ("hello", "expected value"),
        (r#"{"name": "phone"}"#, "cardeaEmulatorDevice"),
        (r#"{"cardeaEmulatorDevice": 1, "name": "phone"}"#, "neither content nor"),
        (r#"{"cardeaEmulatorDevice": 1, "name": "phone", "more": 1}"#, "more"),
    ] {
        let error = read(text);
        assert!(matches!(&error, ParcelError::Malformed(_)) && error.to_string().contains(reason), "{error}");
    }
    assert_eq!(read(r#"{"cardeaEmulatorDevice": 2, "news": true}"#), ParcelError::Newer(2));
    assert_eq!(read(&" ".repeat(LONGEST + 1)), ParcelError::TooLong);
    let with = |member: &str, to: Value| {
        let mut file: Value = serde_json::from_str(&parcel().plain().unwrap()).unwrap();
        file["plain"][member] = to;
        read(&file.to_string()).to_string()
    };
    assert!(with("tokens", json!(["%%"])).contains("altered"));
    assert!(with("tokens", json!([Base64::encode_string(&[7; 40])])).contains("a token is damaged"));
    assert!(!with("pin", json!("91827x")).contains("91827"));
    assert!(with("network", json!({ "loss": 2 })).contains("loss"));
}

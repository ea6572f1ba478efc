//! New PINs that are typed into a form: what no service allows is told before anybody is asked.

use cardea_sdk::{Argon2Class, NewPins, Pin, Policy, ShortString, WalletError};

/// As much as a service can allow.
const ANYTHING: Policy = Policy {
    argon2: Argon2Class::Standard,
    pin_min: 6,
    pin_max: 12,
    duress: true,
    biometric: false,
    short_string: ShortString::Off,
    version_min: 1,
    version_max: 1,
    keepalive: 0,
};

/// Why no service allows these PINs, for a person; nothing if one may.
#[must_use]
pub fn why_no_pins(pin: &str, duress: &[&str]) -> Option<String> {
    let new = |text: &str| Pin::new(text.as_bytes()).map_err(WalletError::from);
    let set = || {
        let duress = duress.iter().map(|text| new(text)).collect::<Result<Vec<_>, _>>()?;
        NewPins { normal: new(pin)?, duress, biometric: None }.check(&ANYTHING)
    };
    set().err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::why_no_pins;

    #[test]
    fn what_no_service_allows_is_told_and_what_one_may_is_not() {
        assert_eq!(why_no_pins("274951", &[]), None);
        assert_eq!(why_no_pins("274951", &["836402", "605172"]), None);
        for (pin, duress, said) in [
            ("27495", &[][..], "6 to 12 digits"),
            ("27495x", &[], "digits only"),
            ("123456", &[], "too easy to guess"),
            ("274951", &["274951"], "too much alike"),
            ("274951", &["8364025"], "the same length"),
            ("274951", &["836402", "605172", "918273", "517394"], "at most three"),
        ] {
            let problem = why_no_pins(pin, duress).unwrap();
            assert!(problem.contains(said) && !problem.contains(pin), "{problem}");
        }
    }
}

//! The PINs of a holder who was not told any.

use std::fmt;

use cardea_sdk::{Approval, NewPins, Pin, PinError, Policy};
use zeroize::Zeroizing;

use super::Outcome;

/// As many digits as a PIN may have.
const LONGEST: usize = 12;
/// The PIN, as far as a service wants it.
const NORMAL: &[u8; LONGEST] = b"274951836027";
/// The duress PIN.
const DURESS: &[u8; LONGEST] = b"836402517693";
/// Wrong ones, of which one is taken that nobody has.
const WRONG: [&[u8; LONGEST]; 5] =
    [b"605172948305", b"940386152738", b"517493062841", b"728405913640", b"391628407519"];

/// Who holds a device: the PINs that are typed. Without any of its own these are known to everybody: `274951` opens and
/// `836402` opens under duress, with more digits (`2749518360…`) where a service wants more.
#[derive(Clone, Default, PartialEq)]
pub struct Persona(Who);

#[derive(Clone, Default, PartialEq)]
enum Who {
    #[default]
    WellKnown,
    Own(Own),
    Untold,
}

/// PINs of one's own.
#[derive(Clone, PartialEq)]
struct Own {
    pin: Zeroizing<String>,
    duress: Vec<Zeroizing<String>>,
}

impl fmt::Debug for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Persona")
    }
}

impl Persona {
    /// Somebody with this PIN, and these for duress, of which the first is typed; none if there is none.
    ///
    /// # Errors
    /// [`PinError`]: one is no PIN.
    pub fn new(pin: &str, duress: &[&str]) -> Result<Self, PinError> {
        for pin in [pin].iter().chain(duress) {
            Pin::new(pin.as_bytes())?;
        }
        let own = |pin: &str| Zeroizing::new(pin.to_owned());
        Ok(Self(Who::Own(Own { pin: own(pin), duress: duress.iter().map(|pin| own(pin)).collect() })))
    }

    /// Somebody who has PINs and was not told which: types none.
    #[must_use]
    pub const fn untold() -> Self {
        Self(Who::Untold)
    }

    /// Whether it is somebody who was not told the PINs.
    #[must_use]
    pub const fn is_untold(&self) -> bool {
        matches!(self.0, Who::Untold)
    }

    /// Whether the PINs are those that everybody knows.
    #[must_use]
    pub const fn is_well_known(&self) -> bool {
        matches!(self.0, Who::WellKnown)
    }

    /// The PIN and the duress PIN that everybody knows, as long as a service wants them; no duress PIN where it wants none.
    #[must_use]
    pub fn well_known(policy: &Policy) -> Option<(&'static str, Option<&'static str>)> {
        let length = usize::from(policy.pin_min);
        let digits = |all: &'static [u8; LONGEST]| std::str::from_utf8(all.get(..length)?).ok();
        Some((digits(NORMAL)?, if policy.duress { digits(DURESS) } else { None }))
    }

    /// The PIN and those for duress, of somebody who has some of their own.
    pub(in crate::engine) fn own(&self) -> Option<(&str, impl Iterator<Item = &str>)> {
        let own = self.0.own()?;
        Some((&own.pin, own.duress.iter().map(|pin| pin.as_str())))
    }

    /// What to enroll with.
    pub(crate) fn new_pins(&self, policy: &Policy) -> Option<NewPins> {
        let duress = match &self.0 {
            _ if !policy.duress => Vec::new(),
            Who::Own(own) => own.duress.iter().map(|pin| Pin::new(pin.as_bytes()).ok()).collect::<Option<_>>()?,
            Who::WellKnown | Who::Untold => vec![self.typed(Outcome::Duress, policy)?],
        };
        Some(NewPins { normal: self.typed(Outcome::Approve, policy)?, duress, biometric: None })
    }

    /// What is answered; nothing by who types nothing, or has no such PIN.
    pub(super) fn approval(&self, outcome: Outcome, policy: &Policy) -> Option<Approval> {
        self.typed(outcome, policy).map(Approval::Pin)
    }

    fn typed(&self, outcome: Outcome, policy: &Policy) -> Option<Pin> {
        // All PINs of a device have the same length.
        let length = self.0.own().map_or(policy.pin_min.into(), |own| own.pin.len());
        let digits = match (outcome, &self.0) {
            (_, Who::Untold) => return None,
            (Outcome::Approve, Who::Own(own)) => own.pin.as_bytes(),
            (Outcome::Duress, Who::Own(own)) => own.duress.first()?.as_bytes(),
            (Outcome::Approve, Who::WellKnown) => NORMAL.get(..length)?,
            (Outcome::Duress, Who::WellKnown) => DURESS.get(..length)?,
            (Outcome::WrongPin, _) => self.wrong().get(..length)?,
            (Outcome::Cancel | Outcome::Ignore | Outcome::Wait | Outcome::Fail, _) => return None,
        };
        Pin::new(digits).ok()
    }

    /// One that begins with none of the holder's own PINs.
    fn wrong(&self) -> &'static [u8; LONGEST] {
        let own: Vec<_> = self.0.own().into_iter().flat_map(|own| own.duress.iter().chain([&own.pin])).collect();
        let is_own = |digits: &[u8]| own.iter().any(|pin| digits.starts_with(pin.as_bytes()));
        // One PIN that opens and three for duress are the most that there are.
        WRONG.into_iter().find(|digits| !is_own(&digits[..])).unwrap_or(WRONG[0])
    }
}

impl Who {
    const fn own(&self) -> Option<&Own> {
        match self {
            Self::Own(own) => Some(own),
            Self::WellKnown | Self::Untold => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use cardea_sdk::{Argon2Class, ShortString};

    use super::*;

    /// What a service asks for.
    pub(in super::super) fn policy(pin_min: u8, duress: bool) -> Policy {
        Policy {
            argon2: Argon2Class::Test,
            pin_min,
            pin_max: 12,
            duress,
            biometric: false,
            short_string: ShortString::Off,
            version_min: 1,
            version_max: 1,
            keepalive: 0,
        }
    }

    #[test]
    fn whatever_a_service_asks_of_pins_the_known_ones_have_it() {
        for pin_min in 6..=12 {
            for duress in [false, true] {
                let policy = policy(pin_min, duress);
                let pins = Persona::default().new_pins(&policy).unwrap();
                assert_eq!(pins.duress.len(), usize::from(duress));
                pins.check(&policy).unwrap();
            }
        }
    }

    /// Two that are alike are refused beside each other.
    fn are_alike(one: Pin, other: &str) -> bool {
        let other = Pin::new(other.as_bytes()).unwrap();
        NewPins { normal: one, duress: vec![other], biometric: None }.check(&policy(6, true)).is_err()
    }

    #[test]
    fn own_pins_are_typed_as_they_are() {
        let persona = Persona::new("91827364", &["60517294"]).unwrap();
        let mut pins = persona.new_pins(&policy(6, true)).unwrap();
        pins.check(&policy(6, true)).unwrap();
        assert!(are_alike(pins.duress.remove(0), "60517294"));
        assert!(are_alike(pins.normal, "91827364"));
        // Too short for the service: that is for it to say.
        assert!(persona.new_pins(&policy(9, true)).unwrap().check(&policy(9, true)).is_err());
        assert!(Persona::new("12", &[]).is_err());
        assert!(Persona::new("918273", &["abcdef"]).is_err());
    }

    #[test]
    fn who_has_no_duress_pin_types_none_and_wrong_ones_are_as_long_as_the_right_one() {
        let persona = Persona::new("91827364", &[]).unwrap();
        assert_eq!(persona.new_pins(&policy(6, true)).unwrap().duress.len(), 0);
        assert!(persona.approval(Outcome::Duress, &policy(6, true)).is_none());
        assert!(are_alike(persona.typed(Outcome::WrongPin, &policy(6, true)).unwrap(), "60517294"));
    }

    #[test]
    fn a_wrong_pin_is_wrong_whatever_the_right_ones_are() {
        for own in [
            ["605172", "940386", "517493", "728405"],
            ["605172948305", "517493062841", "391628407519", "940386152738"],
            ["940386", "517493", "000000", "111111"],
        ] {
            let persona = Persona::new(own[0], &own[1..]).unwrap();
            for own in own {
                assert!(!persona.wrong().starts_with(own.as_bytes()), "{own}");
            }
        }
    }

    #[test]
    fn the_well_known_ones_are_as_long_as_the_service_wants_them() {
        assert_eq!(Persona::well_known(&policy(6, true)), Some(("274951", Some("836402"))));
        assert_eq!(Persona::well_known(&policy(8, false)), Some(("27495183", None)));
    }

    #[test]
    fn who_was_not_told_types_nothing_and_enrolls_nothing() {
        let persona = Persona::untold();
        for outcome in [Outcome::Approve, Outcome::Duress, Outcome::WrongPin] {
            assert!(persona.approval(outcome, &policy(6, true)).is_none());
        }
        assert!(persona.new_pins(&policy(6, false)).is_none());
    }

    #[test]
    fn nobody_sees_a_pin_in_what_is_printed() {
        let persona = Persona::new("918273", &[]).unwrap();
        assert!(!format!("{persona:?}").contains("918273"));
    }
}

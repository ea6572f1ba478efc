//! What a service configures for its tokens.

use cardea_protocol::limits::{DEVICES_PER_TOKEN, ENROLLMENT_SECONDS, PIN_MAX, PIN_MIN, VERSION};
use cardea_protocol::token::{Argon2Class, Policy, ShortString};

use super::throttle::{Limits, TRIES_MAX};
use super::world::Window;

/// Longest window that a service may have, in seconds: ten years.
pub const WINDOW_MAX: u32 = 315_360_000;
/// Longest life of an unused single-use opening, in seconds.
pub const LIFETIME_MAX: u32 = 3_600;
/// Longest life of an enrollment, in seconds.
pub const ENROLLMENT_MAX: u32 = 604_800;

/// The settings of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceRules {
    /// How long an opening lasts.
    pub window: Window,
    /// Wrong PINs until a device is blocked, and for how long.
    pub limits: Limits,
    /// Under duress answer 1 and 2 from the shadow instead of 3.
    pub silent_alarm: bool,
    /// Whether duress PINs may be set.
    pub duress: bool,
    /// Whether a biometric slot may be used.
    pub biometric: bool,
    /// Whether emulated devices may enroll.
    pub emulated: bool,
    /// Cost of the PIN hash. [`Argon2Class::Test`] is refused outside `dev`.
    pub argon2: Argon2Class,
    /// Shortest and longest PIN in digits.
    pub pin_digits: (u8, u8),
    /// The short authentication string at enrollment.
    pub short_string: ShortString,
    /// Seconds within which an enrollment must be finished.
    pub enrollment_seconds: u32,
    /// How many devices a token may have.
    pub devices: u8,
    /// Whether devices are told that somebody has checked the closed token.
    pub tell_checks: bool,
}

impl Default for ServiceRules {
    fn default() -> Self {
        Self {
            window: Window::new(60, 60),
            limits: Limits { tries: TRIES_MAX, unblock_after: 0 },
            silent_alarm: false,
            duress: true,
            biometric: false,
            emulated: true,
            argon2: Argon2Class::Standard,
            pin_digits: (6, 12),
            short_string: ShortString::Off,
            enrollment_seconds: ENROLLMENT_SECONDS,
            devices: 1,
            tell_checks: false,
        }
    }
}

/// A setting of a service is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The window is too long.
    #[error("the window is longer than {WINDOW_MAX} seconds: choose a shorter one, or 0 for single use")]
    Window,
    /// The life of a single-use opening is out of range.
    #[error("the lifetime of a single-use opening is not between one and {LIFETIME_MAX} seconds")]
    Lifetime,
    /// The number of tries is out of range.
    #[error("the number of wrong PINs that block a device is not between one and {TRIES_MAX}")]
    Tries,
    /// The range of PIN lengths is empty or leaves what the protocol allows.
    #[error("the PIN lengths are not a range within {PIN_MIN} to {PIN_MAX} digits")]
    PinDigits,
    /// The life of an enrollment is out of range.
    #[error("the life of an enrollment is not between one and {ENROLLMENT_MAX} seconds")]
    Enrollment,
    /// The number of devices is out of range.
    #[error("the number of devices of a token is not between one and {DEVICES_PER_TOKEN}")]
    Devices,
    /// There is no such setting of the short authentication string.
    #[error("the short authentication string is off, shown or required")]
    ShortString,
    /// A silent alarm without anything that could raise it.
    #[error("a silent alarm needs duress PINs: allow duress, or leave the silent alarm off")]
    SilentAlarm,
    /// The cheap PIN hash was asked for where real tokens live.
    #[error("the test class of the PIN hash is allowed in `cardea-server dev` only")]
    TestClass,
}

impl ServiceRules {
    /// Checks every setting; `development` allows the cheap PIN hash.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self, development: bool) -> Result<(), RulesError> {
        let (shortest, longest) = self.pin_digits;
        let digits = PIN_MIN..=PIN_MAX;
        if self.window.seconds() > WINDOW_MAX {
            return Err(RulesError::Window);
        }
        if !(1..=LIFETIME_MAX).contains(&self.window.lifetime()) {
            return Err(RulesError::Lifetime);
        }
        if !(1..=TRIES_MAX).contains(&self.limits.tries) {
            return Err(RulesError::Tries);
        }
        if shortest > longest || !digits.contains(&usize::from(shortest)) || !digits.contains(&usize::from(longest)) {
            return Err(RulesError::PinDigits);
        }
        if !(1..=ENROLLMENT_MAX).contains(&self.enrollment_seconds) {
            return Err(RulesError::Enrollment);
        }
        if !(1..=DEVICES_PER_TOKEN).contains(&usize::from(self.devices)) {
            return Err(RulesError::Devices);
        }
        if self.silent_alarm && !self.duress {
            return Err(RulesError::SilentAlarm);
        }
        if self.argon2 == Argon2Class::Test && !development {
            return Err(RulesError::TestClass);
        }
        Ok(())
    }

    /// What the protocol tells a device of these rules.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        Policy {
            argon2: self.argon2,
            pin_min: self.pin_digits.0,
            pin_max: self.pin_digits.1,
            duress: self.duress,
            biometric: self.biometric,
            short_string: self.short_string,
            version_min: VERSION,
            version_max: VERSION,
            keepalive: 0,
        }
    }
}

/// The settings that somebody wants to be different; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RulesChange {
    /// Seconds that an opening lasts; 0 is single use.
    pub window: Option<u32>,
    /// Seconds after which an unused single-use opening ends.
    pub opening_lifetime: Option<u32>,
    /// Whether duress PINs may be set.
    pub duress: Option<bool>,
    /// Under duress answer from the shadow.
    pub silent_alarm: Option<bool>,
    /// Whether a biometric slot may be used.
    pub biometric: Option<bool>,
    /// Whether emulated devices may enroll.
    pub emulated: Option<bool>,
    /// Shortest PIN in digits.
    pub pin_min: Option<u8>,
    /// Longest PIN in digits.
    pub pin_max: Option<u8>,
    /// Wrong PINs until a device is blocked.
    pub attempts: Option<u8>,
    /// Seconds after which such a block ends; 0 for never.
    pub unblock_after: Option<u32>,
    /// The short authentication string at enrollment.
    pub short_string: Option<ShortString>,
    /// Seconds within which an enrollment must be finished.
    pub enrollment_seconds: Option<u32>,
    /// How many devices a token may have. Those that there are stay.
    pub devices: Option<u8>,
    /// Whether devices are told that somebody has checked the closed token.
    pub tell_checks: Option<bool>,
}

impl RulesChange {
    /// `rules` with these changes. Nothing is checked: see [`ServiceRules::validate`].
    #[must_use]
    pub fn applied_to(&self, rules: ServiceRules) -> ServiceRules {
        let (window, limits) = (rules.window, rules.limits);
        ServiceRules {
            window: Window::new(
                self.window.unwrap_or(window.seconds()),
                self.opening_lifetime.unwrap_or(window.lifetime()),
            ),
            limits: Limits {
                tries: self.attempts.unwrap_or(limits.tries),
                unblock_after: self.unblock_after.unwrap_or(limits.unblock_after),
            },
            silent_alarm: self.silent_alarm.unwrap_or(rules.silent_alarm),
            duress: self.duress.unwrap_or(rules.duress),
            biometric: self.biometric.unwrap_or(rules.biometric),
            emulated: self.emulated.unwrap_or(rules.emulated),
            argon2: rules.argon2,
            pin_digits: (self.pin_min.unwrap_or(rules.pin_digits.0), self.pin_max.unwrap_or(rules.pin_digits.1)),
            short_string: self.short_string.unwrap_or(rules.short_string),
            enrollment_seconds: self.enrollment_seconds.unwrap_or(rules.enrollment_seconds),
            devices: self.devices.unwrap_or(rules.devices),
            tell_checks: self.tell_checks.unwrap_or(rules.tell_checks),
        }
    }
}

/// What the API and the command line call a setting of the short authentication string.
#[must_use]
pub const fn short_string_name(setting: ShortString) -> &'static str {
    match setting {
        ShortString::Off => "off",
        ShortString::Shown => "shown",
        ShortString::Required => "required",
    }
}

/// The setting of the short authentication string with this name.
///
/// # Errors
/// There is none.
pub fn parse_short_string(name: &str) -> Result<ShortString, RulesError> {
    [ShortString::Off, ShortString::Shown, ShortString::Required]
        .into_iter()
        .find(|setting| short_string_name(*setting) == name)
        .ok_or(RulesError::ShortString)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_so_is_their_policy() {
        let rules = ServiceRules::default();
        assert_eq!(rules.validate(false), Ok(()));
        assert_eq!(Policy::decode(&rules.policy().encode()).expect("valid"), rules.policy());
    }

    #[test]
    fn a_change_changes_what_it_names_and_nothing_else() {
        let rules = ServiceRules { argon2: Argon2Class::Test, silent_alarm: true, ..ServiceRules::default() };
        assert_eq!(RulesChange::default().applied_to(rules), rules);
        let change = RulesChange { window: Some(0), pin_max: Some(8), devices: Some(3), ..RulesChange::default() };
        let expected = ServiceRules { window: Window::new(0, 60), pin_digits: (6, 8), devices: 3, ..rules };
        assert_eq!(change.applied_to(rules), expected);
        let all = RulesChange {
            window: Some(1),
            opening_lifetime: Some(2),
            duress: Some(false),
            silent_alarm: Some(false),
            biometric: Some(true),
            emulated: Some(false),
            pin_min: Some(7),
            pin_max: Some(9),
            attempts: Some(3),
            unblock_after: Some(4),
            short_string: Some(ShortString::Required),
            enrollment_seconds: Some(5),
            devices: Some(8),
            tell_checks: Some(true),
        };
        let expected = ServiceRules {
            window: Window::new(1, 2),
            limits: Limits { tries: 3, unblock_after: 4 },
            silent_alarm: false,
            duress: false,
            biometric: true,
            emulated: false,
            argon2: Argon2Class::Test,
            pin_digits: (7, 9),
            short_string: ShortString::Required,
            enrollment_seconds: 5,
            devices: 8,
            tell_checks: true,
        };
        assert_eq!(all.applied_to(rules), expected);
    }

    #[test]
    fn settings_of_the_short_string_have_names() {
        for setting in [ShortString::Off, ShortString::Shown, ShortString::Required] {
            assert_eq!(parse_short_string(short_string_name(setting)), Ok(setting));
        }
        for name in ["", "on", "Off", "required "] {
            assert_eq!(parse_short_string(name), Err(RulesError::ShortString));
        }
    }

    #[test]
    fn every_setting_has_its_range() {
        let valid = ServiceRules::default();
        let tries = |tries| Limits { tries, unblock_after: 0 };
        for (rules, expected) in [
            (ServiceRules { window: Window::new(WINDOW_MAX + 1, 60), ..valid }, RulesError::Window),
            (ServiceRules { window: Window::new(0, 0), ..valid }, RulesError::Lifetime),
            (ServiceRules { window: Window::new(0, LIFETIME_MAX + 1), ..valid }, RulesError::Lifetime),
            (ServiceRules { limits: tries(0), ..valid }, RulesError::Tries),
            (ServiceRules { limits: tries(11), ..valid }, RulesError::Tries),
            (ServiceRules { pin_digits: (5, 6), ..valid }, RulesError::PinDigits),
            (ServiceRules { pin_digits: (6, 13), ..valid }, RulesError::PinDigits),
            (ServiceRules { pin_digits: (8, 7), ..valid }, RulesError::PinDigits),
            (ServiceRules { enrollment_seconds: 0, ..valid }, RulesError::Enrollment),
            (ServiceRules { devices: 0, ..valid }, RulesError::Devices),
            (ServiceRules { devices: 9, ..valid }, RulesError::Devices),
            (ServiceRules { silent_alarm: true, duress: false, ..valid }, RulesError::SilentAlarm),
            (ServiceRules { argon2: Argon2Class::Test, ..valid }, RulesError::TestClass),
        ] {
            assert_eq!(rules.validate(false), Err(expected));
        }
        assert_eq!(ServiceRules { argon2: Argon2Class::Test, ..valid }.validate(true), Ok(()));
    }
}

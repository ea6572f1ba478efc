//! What an authkey allows.

use std::fmt;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $bit:literal $text:literal,)*) => {
        /// One thing that an authkey may allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// All permissions.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            const EVERY_BIT: u32 = $((1 << $bit))|*;

            const fn bit(self) -> u32 {
                match self {
                    $(Self::$name => 1 << $bit,)*
                }
            }

            /// Its name in the API, in the command line and in lists.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// Read the status of tokens, which consumes single-use openings.
    Status = 0 "status",
    /// Create tokens and enroll devices.
    Enroll = 1 "enroll",
    /// Delete tokens and revoke devices.
    Delete = 2 "delete",
    /// Block tokens and lift blocks.
    Block = 3 "block",
    /// Clear duress.
    Duress = 4 "duress",
    /// Force tokens closed.
    Close = 5 "close",
    /// List tokens, read their details and what happened to them. Consumes nothing.
    History = 6 "history",
    /// Ask holders for confirmations and read the answers.
    Confirm = 7 "confirm",
    /// Listen to events.
    Events = 8 "events",
    /// Administer services, webhooks and authkeys, and with an authkey for the whole instance subscriptions.
    Services = 9 "services",
    /// Export the audit log.
    Audit = 10 "audit",
    /// Administer accounts and applications: who signs in, and to what.
    Accounts = 11 "accounts",
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// Only [`Permission::Status`]: what a relying party needs.
    pub const BASIC: Self = Self(Permission::Status.bit());
    /// Everything.
    pub const ADMIN: Self = Self(Permission::EVERY_BIT);

    /// The set as stored.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set with these bits, unless one of them means nothing.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::ADMIN.0 == 0 { Some(Self(bits)) } else { None }
    }

    /// Whether the set has `permission`.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether the set has everything that `other` has.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// The set of these names, `basic` and `admin` included.
    ///
    /// # Errors
    /// There is no name, or one that is none.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, PermissionError> {
        let set = names.into_iter().try_fold(Self::default(), |set, name| {
            let one = match name {
                "basic" => Self::BASIC,
                "admin" => Self::ADMIN,
                name => Self(Permission::ALL.iter().find(|known| known.name() == name).ok_or(PermissionError)?.bit()),
            };
            Ok(Self(set.0 | one.0))
        })?;
        if set == Self::default() { Err(PermissionError) } else { Ok(set) }
    }

    /// Parses a comma-separated list of names, `basic` and `admin` included.
    ///
    /// # Errors
    /// The list is empty or has a name that is none.
    pub fn parse(list: &str) -> Result<Self, PermissionError> {
        Self::of_names(list.split(',').map(str::trim))
    }

    /// The names in the set.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.allows(*permission))
    }

    /// The names of all of them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Permission::ALL.iter().copied().filter(move |permission| self.allows(*permission)).map(Permission::name)
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A name that is no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "permissions are basic, admin, or a list of status, enroll, delete, block, duress, close, history, confirm, events, \
     services, audit and accounts"
)]
pub struct PermissionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_allows_what_is_in_it_and_nothing_else() {
        let set = Permissions::parse("status, block").expect("valid");
        for &permission in Permission::ALL {
            let expected = matches!(permission, Permission::Status | Permission::Block);
            assert_eq!(set.allows(permission), expected, "{permission:?}");
            assert!(Permissions::ADMIN.allows(permission));
            assert!(!Permissions::default().allows(permission));
        }
        assert_eq!(Permissions::from_bits(set.bits()), Some(set));
        assert_eq!(Permission::ALL.iter().copied().collect::<Permissions>(), Permissions::ADMIN);
        assert_eq!(Permissions::parse("basic"), Ok(Permissions::BASIC));
    }

    #[test]
    fn a_set_contains_itself_and_its_parts_and_nothing_beyond() {
        let set = Permissions::parse("status,block").expect("valid");
        for part in [Permissions::default(), Permissions::BASIC, set] {
            assert!(set.contains(part) && Permissions::ADMIN.contains(part));
        }
        for beyond in [Permissions::ADMIN, Permissions::parse("status,close").expect("valid")] {
            assert!(!set.contains(beyond));
        }
    }

    #[test]
    fn unknown_names_and_bits_are_refused() {
        for list in ["", "root", "status,", "Status", "status;block"] {
            assert_eq!(Permissions::parse(list), Err(PermissionError), "{list:?}");
        }
        assert_eq!(Permissions::from_bits(1 << 12), None);
        assert_eq!(Permissions::from_bits(u32::MAX), None);
    }
}

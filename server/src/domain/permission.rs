//! What an authkey allows.

use std::fmt;

/// One thing that an authkey may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// Read the status of tokens, which consumes single-use openings.
    Status,
    /// Create tokens and enroll devices.
    Enroll,
    /// Delete tokens.
    Delete,
    /// Block tokens, lift blocks, force them closed.
    Block,
    /// Clear duress.
    Duress,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 5] = [Self::Status, Self::Enroll, Self::Delete, Self::Block, Self::Duress];

    const fn bit(self) -> u32 {
        match self {
            Self::Status => 1,
            Self::Enroll => 2,
            Self::Delete => 4,
            Self::Block => 8,
            Self::Duress => 16,
        }
    }

    /// Its name in the command line and in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Enroll => "enroll",
            Self::Delete => "delete",
            Self::Block => "block",
            Self::Duress => "duress",
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// Only [`Permission::Status`]: what a relying party needs.
    pub const BASIC: Self = Self(Permission::Status.bit());
    /// Everything.
    pub const ADMIN: Self = Self(31);

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

    /// Parses a comma-separated list of names, `basic` and `admin` included.
    ///
    /// # Errors
    /// The list is empty or has a name that is none.
    pub fn parse(list: &str) -> Result<Self, PermissionError> {
        let set = list.split(',').try_fold(Self::default(), |set, name| {
            let one = match name.trim() {
                "basic" => Self::BASIC,
                "admin" => Self::ADMIN,
                name => Self(Permission::ALL.iter().find(|known| known.name() == name).ok_or(PermissionError)?.bit()),
            };
            Ok(Self(set.0 | one.0))
        })?;
        Ok(set)
    }

    /// The names in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Permission::ALL.into_iter().filter(move |permission| self.allows(*permission)).map(Permission::name)
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
#[error("permissions are basic, admin, or a list of status, enroll, delete, block and duress")]
pub struct PermissionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_allows_what_is_in_it_and_nothing_else() {
        let set = Permissions::parse("status, block").expect("valid");
        for permission in Permission::ALL {
            let expected = matches!(permission, Permission::Status | Permission::Block);
            assert_eq!(set.allows(permission), expected, "{permission:?}");
            assert!(Permissions::ADMIN.allows(permission));
            assert!(!Permissions::default().allows(permission));
        }
        assert_eq!(Permissions::from_bits(set.bits()), Some(set));
        assert_eq!(Permission::ALL.into_iter().collect::<Permissions>(), Permissions::ADMIN);
        assert_eq!(Permissions::parse("basic"), Ok(Permissions::BASIC));
    }

    #[test]
    fn unknown_names_and_bits_are_refused() {
        for list in ["", "root", "status,", "Status", "status;block"] {
            assert_eq!(Permissions::parse(list), Err(PermissionError), "{list:?}");
        }
        assert_eq!(Permissions::from_bits(32), None);
        assert_eq!(Permissions::from_bits(u32::MAX), None);
    }
}

//! A field of a form: what it takes, and what may be seen of it.

use zeroize::Zeroizing;

/// A field.
pub(in crate::terminal) struct Field {
    pub(in crate::terminal) label: &'static str,
    pub(in crate::terminal) holds: Holds,
    pub(super) text: Zeroizing<String>,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Field").field("label", &self.label).finish_non_exhaustive()
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::terminal) enum Holds {
    /// Words.
    Text,
    /// A link or a typed code.
    Invitation,
    /// A number, perhaps with a sign.
    Number,
    /// A PIN.
    Pin,
    /// Any number of PINs, with spaces between them.
    Pins,
}

impl Holds {
    const fn most(self) -> usize {
        match self {
            Self::Text => 255,
            Self::Invitation => 4096,
            Self::Number => 12,
            Self::Pin => 12,
            Self::Pins => 38,
        }
    }

    fn takes(self, it: char) -> bool {
        match self {
            Self::Text => !it.is_control(),
            Self::Invitation => !it.is_control() && !it.is_whitespace(),
            Self::Number => it.is_ascii_digit() || it == '-',
            Self::Pin => it.is_ascii_digit(),
            Self::Pins => it.is_ascii_digit() || it == ' ',
        }
    }
}

impl Field {
    pub(super) fn new(label: &'static str, holds: Holds) -> Self {
        // Never moved while it grows: no copy is left behind.
        Self { label, holds, text: Zeroizing::new(String::with_capacity(holds.most() + 4)) }
    }

    /// Types or pastes into it; what does not belong there is left out.
    pub(in crate::terminal) fn add(&mut self, text: &str) {
        for it in text.chars().filter(|it| self.holds.takes(*it)) {
            if self.text.len() + it.len_utf8() <= self.holds.most() {
                self.text.push(it);
            }
        }
    }

    /// What may be seen of it.
    pub(in crate::terminal) fn shown(&self) -> String {
        match (self.holds, self.text.is_empty()) {
            (_, true) => String::new(),
            (Holds::Pin | Holds::Pins, _) => "typed, not shown".to_owned(),
            // What follows the # is the secret.
            (Holds::Invitation, _) => match self.text.split_once('#') {
                Some((before, _)) => format!("{before}#… ({} characters)", self.text.len()),
                None => self.text.to_string(),
            },
            _ => self.text.to_string(),
        }
    }
}

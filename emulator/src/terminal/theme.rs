//! Colors: the eight that every terminal has, and none where nobody wants any. Nothing is said by a color alone.

use ratatui::style::{Color, Modifier, Style};

use crate::face::Tone;

/// How things are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    has_color: bool,
}

impl Theme {
    pub(super) const PLAIN: Self = Self { has_color: false };
    #[cfg(test)]
    pub(super) const COLORED: Self = Self { has_color: true };

    /// As the environment says: `NO_COLOR`, if it is not empty, means none.
    pub(super) fn said(no_color: Option<&std::ffi::OsStr>) -> Self {
        Self { has_color: no_color.is_none_or(std::ffi::OsStr::is_empty) }
    }

    fn colored(self, color: Color, plain: Modifier) -> Style {
        if self.has_color {
            Style::new().fg(color).add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(plain)
        }
    }

    pub(super) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Good => self.colored(Color::Green, Modifier::BOLD),
            Tone::Calm => self.colored(Color::Cyan, Modifier::BOLD),
            Tone::Soon => self.colored(Color::Yellow, Modifier::BOLD),
            Tone::Bad => self.colored(Color::Red, Modifier::BOLD.union(Modifier::UNDERLINED)),
            Tone::Quiet => Style::new().add_modifier(Modifier::BOLD),
        }
    }

    /// Something is made to go wrong.
    pub(super) fn banner(self) -> Style {
        if self.has_color {
            Style::new().bg(Color::Red).fg(Color::White).add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::REVERSED.union(Modifier::BOLD))
        }
    }

    /// Somebody is asked.
    pub(super) fn question(self) -> Style {
        if self.has_color {
            Style::new().bg(Color::Yellow).fg(Color::Black)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }

    pub(super) fn frame(self, is_in_front: bool) -> Style {
        match (is_in_front, self.has_color) {
            (true, true) => Style::new().fg(Color::Cyan),
            (true, false) => Style::new().add_modifier(Modifier::BOLD),
            (false, _) => self.quiet(),
        }
    }

    pub(super) const fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) const fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

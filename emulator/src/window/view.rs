//! What was chosen and typed, and not yet said.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::face::{Card, Device, Facts, On};

use super::copies::CopiesView;
use super::enroll::Enrolling;
use super::faults::FaultView;
use super::pad::Pad;
use super::palette::Palette;
use super::relying::RelyingView;
use super::timeline::TimelineView;
use super::token::TokenView;

/// What the window is called where nothing is shown in it.
pub(super) const TITLE: &str = "Cardea emulator";

/// What is beside the lock card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tab {
    #[default]
    Timeline,
    Token,
    Conditions,
    Faults,
    Relying,
    Copies,
}

impl Tab {
    pub(super) const ALL: [Self; 6] =
        [Self::Timeline, Self::Token, Self::Conditions, Self::Faults, Self::Relying, Self::Copies];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Timeline",
            Self::Token => "Token",
            Self::Conditions => "Conditions",
            Self::Faults => "Faults",
            Self::Relying => "Check",
            Self::Copies => "Copies",
        }
    }
}

/// What was chosen and typed.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The name of the device that is shown.
    pub(super) device: String,
    /// The id of its token that is shown; the first without one.
    pub(super) token: Option<String>,
    pub(super) tab: Tab,
    pub(super) pad: Option<Pad>,
    pub(super) enroll: Enrolling,
    pub(super) timeline: TimelineView,
    pub(super) token_view: TokenView,
    pub(super) faults: FaultView,
    pub(super) relying: RelyingView,
    pub(super) copies: CopiesView,
    /// What the device is to be called from now on.
    pub(super) renamed: Option<String>,
    pub(super) palette: Palette,
    pub(super) devices: DeviceFilter,
    /// The last thing that was said, as a command line.
    pub(super) last: Option<String>,
    /// The number of the notice that was put away, or was the newest when something else was said.
    pub(super) seen: Option<u64>,
    pub(super) was_focused: bool,
}

/// The devices that there are.
type Devices = Arc<BTreeMap<String, Arc<Device>>>;

/// Which devices are listed.
#[derive(Debug, Default)]
pub(super) struct DeviceFilter {
    pub(super) text: String,
    pub(super) new: String,
    /// How high what is below the list was when it was last drawn.
    pub(super) foot: f32,
    /// The device whose removal was clicked once.
    pub(super) leaves: Option<String>,
    /// Of which devices, and for which text, the names are.
    of: Option<(Devices, String)>,
    names: Vec<String>,
}

impl DeviceFilter {
    /// The names of the devices that are listed: looked for only when something has changed.
    pub(super) fn names(&mut self, devices: &Devices) -> &[String] {
        let is_same = |(of, text): &(Arc<_>, String)| Arc::ptr_eq(of, devices) && *text == self.text;
        if !self.of.as_ref().is_some_and(is_same) {
            let wanted = self.text.to_lowercase();
            let matches = |device: &Device| {
                device.name.to_lowercase().contains(&wanted)
                    || device.tokens.iter().any(|token| token.title().to_lowercase().contains(&wanted))
            };
            self.names = devices.values().filter(|device| matches(device)).map(|device| device.name.clone()).collect();
            self.of = Some((Arc::clone(devices), self.text.clone()));
        }
        &self.names
    }
}

impl View {
    /// What stands above the window, and in lists of windows: how the device stands that is shown.
    pub(super) fn title(&self, facts: &Facts, now: u64) -> String {
        if self.device.is_empty() {
            return TITLE.to_owned();
        }
        let card = Card::of(facts, &self.device, self.token.as_deref(), now);
        format!("{} — {} — {TITLE}", self.device, card.word)
    }

    /// Chooses a device that is there; whether that is another one than before.
    pub(super) fn settle(&mut self, facts: &Facts) -> bool {
        if facts.devices.contains_key(&self.device) {
            return false;
        }
        if let Some(renamed) = self.renamed.take_if(|name| facts.devices.contains_key(name)) {
            self.choose(&renamed);
            return true;
        }
        // The one that everybody has; else one that can be opened.
        let main = facts.devices.get("main");
        let enrolled = || facts.devices.values().find(|device| !device.tokens.is_empty());
        let Some(first) = main.or_else(enrolled).or_else(|| facts.devices.values().next()) else { return false };
        self.choose(&first.name);
        true
    }

    /// Shows another device.
    pub(super) fn choose(&mut self, device: &str) {
        device.clone_into(&mut self.device);
        self.token = None;
        self.pad = None;
        self.timeline.leaves();
        self.enroll = Enrolling::default();
        self.token_view = TokenView::default();
    }

    /// The token that is shown, as commands name it: only where there are several.
    pub(super) fn on(&self, facts: &Facts) -> On {
        let device = facts.device(&self.device);
        let token = device.and_then(|device| device.token(self.token.as_deref()));
        let is_only = device.is_none_or(|device| device.tokens.len() < 2);
        On { device: self.device.clone(), token: token.filter(|_| !is_only).map(|token| token.id.clone()) }
    }

    /// The same, always named: answers are kept by it.
    pub(super) fn on_named(&self, facts: &Facts) -> On {
        let token = facts.device(&self.device).and_then(|device| device.token(self.token.as_deref()));
        On { device: self.device.clone(), token: token.map(|token| token.id.clone()) }
    }
}

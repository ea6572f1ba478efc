//! The desktop window: a face of the emulator for people who do not type. It is a [`Source`]'s facts, drawn, and its commands,
//! clicked; what it does is what the control API does, and every action says the command line that does the same.
//!
//! | what | where |
//! |---|---|
//! | the window itself: where it opens, when it draws | this file, `open` |
//! | what was chosen and typed, and not yet said | `view` |
//! | colors, type, spacing | `theme`; what is drawn with them: `parts`, `padlock` |
//! | the lock card, the PIN pad, what waits for an answer | `lock`, `pad`, `prompts` |
//! | devices; getting a token | `devices`; `enroll`, `sources` |
//! | what happened | `timeline`; what of it is looked for: `found` |
//! | the token at its server; what relying parties are told | `token`, `relying` |
//! | network, time, holder; what goes wrong | `conditions`; `faults`, `banner` |
//! | going back, and copies of devices | `copies` |
//! | keys, and the palette | `keys`, `palette` |

mod banner;
mod conditions;
mod copies;
mod devices;
mod enroll;
mod faults;
mod found;
mod keys;
mod lock;
mod notices;
mod open;
mod pad;
mod padlock;
mod palette;
mod parts;
mod prompts;
mod relying;
pub(crate) mod sources;
mod theme;
mod timeline;
mod token;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Frame, Margin, Panel, Ui};

use crate::face::{Card, Command, Facts, Link, Source, rest};
pub(crate) use open::open;
use theme::Colors;
use view::{Tab, View};

/// The window: somebody's facts, and what was chosen.
pub struct Window {
    source: Arc<dyn Source>,
    view: View,
    /// What stands above it.
    title: String,
    /// The time where there is one; tests have none.
    moment: fn() -> Option<Instant>,
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").finish_non_exhaustive()
    }
}

/// What panels draw from, and what they say.
struct Scene<'a> {
    facts: &'a Facts,
    /// Unix seconds of the session.
    now: u64,
    colors: Colors,
    said: Vec<Command>,
}

impl Scene<'_> {
    fn say(&mut self, command: Command) {
        self.said.push(command);
    }
}

impl Window {
    /// Of these facts, at this moment of the clock.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, moment: fn() -> Option<Instant>) -> Self {
        Self { source, view: View::default(), title: String::new(), moment }
    }

    /// Has a context draw in the window's own colors and type: to be said before anything is drawn.
    pub fn dress(context: &egui::Context) {
        theme::install(context);
    }

    /// Draws everything, and says what was clicked.
    pub fn draw(&mut self, ui: &mut Ui) {
        let facts = self.source.facts();
        if facts.link == Link::Ended {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
        let moment = (self.moment)();
        let now = facts.clock.at(moment);
        let mut scene = Scene { facts: &facts, now, colors: Colors::of(ui), said: Vec::new() };
        if self.view.settle(&facts) {
            scene.say(Command::Look(self.view.device.clone()));
        }
        if ui.input(|input| input.focused && !self.view.was_focused) {
            scene.say(Command::Refresh);
        }
        self.view.was_focused = ui.input(|input| input.focused);
        keys::take(ui, &mut self.view, &mut scene);
        let view = &mut self.view;
        let colors = scene.colors;
        let bare = |fill| Frame::new().fill(fill).inner_margin(Margin::ZERO);
        if scene.facts.misbehaves() {
            let banner = Panel::top("banner").frame(bare(colors.bad)).resizable(false).show_separator_line(false);
            banner.show(ui, |ui| banner::show(ui, view, &mut scene));
        }
        let padded = bare(colors.back).inner_margin(Margin::same(16));
        Panel::left("devices").exact_size(248.0).resizable(false).frame(padded.fill(colors.side)).show(ui, |ui| {
            devices::show(ui, view, &mut scene);
        });
        Panel::bottom("notices").frame(padded.inner_margin(Margin::symmetric(20, 8))).resizable(false).show(ui, |ui| {
            notices::show(ui, view, &mut scene);
        });
        let lock = padded.inner_margin(Margin { left: 20, right: 10, top: 16, bottom: 16 });
        Panel::left("lock").exact_size(392.0).resizable(false).show_separator_line(false).frame(lock).show(ui, |ui| {
            lock::show(ui, view, &mut scene);
        });
        let right = padded.inner_margin(Margin { left: 10, right: 20, top: 16, bottom: 16 });
        egui::CentralPanel::default().frame(right).show(ui, |ui| tabs(ui, view, &mut scene));
        palette::show(ui, view, &mut scene);
        for command in scene.said {
            if let Some(line) = command.command_line(&facts.program) {
                // What came of something else does not stand over it.
                self.view.seen = facts.notices.last().map(|notice| notice.number);
                self.view.last = Some(line);
            }
            self.source.tell(command);
        }
        let title = self.view.title(&facts, now);
        if title != self.title {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        if let Some(next) = moment.and_then(|moment| self.changes_in(&facts, moment)) {
            ui.ctx().request_repaint_after(next);
        }
    }

    /// How long until what is shown changes by itself.
    fn changes_in(&self, facts: &Facts, moment: Instant) -> Option<Duration> {
        let View { device, token, tab, .. } = &self.view;
        let is_asked = facts.device(device).is_some_and(|device| !device.prompts.is_empty());
        if is_asked || *tab == Tab::Conditions {
            // Seconds are told there.
            return facts.clock.ticks_in(moment);
        }
        rest::until_next(|now| Card::of(facts, device, token.as_deref(), now), facts, moment)
    }
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}

/// What is beside the lock card.
fn tabs(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    ui.horizontal_wrapped(|ui| {
        for tab in Tab::ALL {
            if parts::tab(ui, scene.colors, tab.title(), view.tab == tab).clicked() {
                view.tab = tab;
            }
        }
    });
    ui.add_space(theme::GAP);
    match view.tab {
        Tab::Timeline => timeline::show(ui, view, scene),
        Tab::Token => token::show(ui, view, scene),
        Tab::Conditions => conditions::show(ui, view, scene),
        Tab::Faults => faults::show(ui, view, scene),
        Tab::Relying => relying::show(ui, view, scene),
        Tab::Copies => copies::show(ui, view, scene),
    }
}

#[cfg(test)]
mod tests;

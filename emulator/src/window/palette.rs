//! Everything that can be done, found by typing a few letters.

use eframe::egui::{
    Align, Button, Id, Key, Label, Layout, Modal, Modifiers, Response, RichText, ScrollArea, TextEdit, ThemePreference,
    Ui, WidgetInfo,
};

use crate::face::{Command, HABITS, NETWORKS, scenario_file};

use super::view::{Tab, View};
use super::{Scene, keys, parts};

/// What was typed, and which line is chosen.
#[derive(Debug, Default)]
pub(super) struct Palette {
    shown: bool,
    text: String,
    line: usize,
    is_new: bool,
}

impl Palette {
    pub(super) const fn is_open(&self) -> bool {
        self.shown
    }

    pub(super) fn open(&mut self) {
        *self = Self { shown: true, is_new: true, ..Self::default() };
    }

    pub(super) fn toggle(&mut self) {
        if self.shown { *self = Self::default() } else { self.open() }
    }
}

/// What a line does.
#[derive(Debug, Clone)]
enum Does {
    Say(Command),
    Show(Tab),
    Choose(String),
    Toggle,
    Enroll,
    Color(ThemePreference),
}

/// So many lines are listed: who looks for more types more.
const LINES: usize = 100;
/// How wide it is, and how high its list, however many lines there are: it stays where it is while somebody types.
const SIZE: [f32; 2] = [640.0, 360.0];

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    if !view.palette.shown {
        return;
    }
    let lines = found(view, scene);
    let mut done = None;
    let modal = Modal::new(Id::unique("palette")).show(ui.ctx(), |ui| {
        ui.set_width(SIZE[0]);
        let before = view.palette.line;
        let pressed = |ui: &Ui, key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(ui, Key::ArrowDown) {
            view.palette.line = (view.palette.line + 1).min(lines.len().saturating_sub(1));
        }
        if pressed(ui, Key::ArrowUp) {
            view.palette.line = view.palette.line.saturating_sub(1);
        }
        let entered = pressed(ui, Key::Enter);
        let edit = TextEdit::singleline(&mut view.palette.text).hint_text("What do you want to do?");
        let edit = ui.add(edit.desired_width(f32::INFINITY).margin(eframe::egui::Margin::symmetric(12, 10)));
        edit.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::TextInput, true, "Find a command"));
        if std::mem::take(&mut view.palette.is_new) {
            edit.request_focus();
        }
        if edit.changed() {
            view.palette.line = 0;
        }
        let has_moved = view.palette.line != before;
        let list = ScrollArea::vertical().max_height(SIZE[1]).min_scrolled_height(SIZE[1]).auto_shrink(false);
        list.show(ui, |ui| {
            ui.set_min_height(SIZE[1]);
            for (place, (text, does)) in lines.iter().enumerate() {
                let is_chosen = place == view.palette.line;
                let line = line(ui, scene, text, does, is_chosen);
                if is_chosen && has_moved {
                    line.scroll_to_me(None);
                }
                if line.clicked() || (entered && is_chosen) {
                    done = Some(does.clone());
                }
            }
            if lines.is_empty() {
                parts::faint(ui, "Nothing here is called so");
            }
        });
    });
    let closes = modal.should_close() || done.is_some();
    if closes {
        view.palette = Palette::default();
    }
    if let Some(does) = done {
        act(ui, does, view, scene);
    }
}

fn line(ui: &mut Ui, scene: &Scene<'_>, text: &str, does: &Does, is_chosen: bool) -> Response {
    let half = ui.available_width() / 2.0;
    ui.horizontal(|ui| {
        let chosen = ui.scope(|ui| {
            ui.set_max_width(half);
            ui.add(Button::selectable(is_chosen, text).truncate())
        });
        if let Does::Say(command) = does
            && let Some(line) = command.command_line("")
        {
            let line = RichText::new(line.trim()).monospace().color(scene.colors.faint);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(Label::new(line).truncate()));
        }
        chosen.inner
    })
    .inner
}

fn act(ui: &Ui, does: Does, view: &mut View, scene: &mut Scene<'_>) {
    match does {
        Does::Say(command) => scene.say(command),
        Does::Show(tab) => view.tab = tab,
        Does::Choose(device) => {
            view.choose(&device);
            scene.say(Command::Look(device));
        }
        Does::Toggle => keys::toggle(view, scene),
        Does::Enroll => view.enroll.open(),
        Does::Color(theme) => ui.ctx().set_theme(theme),
    }
}

/// The lines that have all the words that were typed.
fn found(view: &View, scene: &Scene<'_>) -> Vec<(String, Does)> {
    let wanted = view.palette.text.to_lowercase();
    let matches = |text: &str| {
        let text = text.to_lowercase();
        wanted.split_whitespace().all(|word| text.contains(word))
    };
    let mut lines = always(view, scene);
    lines.retain(|(text, _)| matches(text));
    let devices = scene.facts.devices.keys().map(|name| (format!("Go to {name}"), Does::Choose(name.clone())));
    let faults = scene.facts.catalogue.iter().map(|fault| {
        let command = Command::Arm { fault: fault.name.clone(), times: Some(1), device: Some(view.device.clone()) };
        (format!("Next time goes wrong: {}", fault.name), Does::Say(command))
    });
    lines.extend(devices.chain(faults).filter(|(text, _)| matches(text)).take(LINES));
    lines.truncate(LINES);
    lines
}

fn always(view: &View, scene: &Scene<'_>) -> Vec<(String, Does)> {
    let (on, device) = (view.on(scene.facts), || view.device.clone());
    let named = || view.on_named(scene.facts);
    let say = |text: &str, command| (text.to_owned(), Does::Say(command));
    let mut lines: Vec<(String, Does)> = vec![
        ("Open or close".into(), Does::Toggle),
        ("Enroll".into(), Does::Enroll),
        say("Ask the server how the token stands", Command::Status(on)),
    ];
    lines.extend(Tab::ALL.map(|tab| (format!("Show {}", tab.title()), Does::Show(tab))));
    lines.extend(NETWORKS.map(|(name, profile, _)| {
        let command = Command::Network { device: device(), profile: profile.to_owned() };
        say(&format!("Network: {}", name.to_lowercase()), command)
    }));
    lines.extend([
        say("Stop time", Command::Freeze(true)),
        say("Let time go on", Command::Freeze(false)),
        say("One minute later", Command::Advance(60)),
        say("One hour later", Command::Advance(3_600)),
        say("One day later", Command::Advance(86_400)),
        say("Make the device's clock right", Command::Skew { device: device(), seconds: 0 }),
    ]);
    lines.extend(HABITS.map(|(name, does, _)| {
        let command = Command::Habit { device: device(), does: does.to_owned() };
        say(&format!("When the holder is asked: {}", name.to_lowercase()), command)
    }));
    lines.extend([
        say("Ask for the texts that wait", Command::Confirmations(named())),
        say("Ask whom the token is for", Command::About(named())),
        say("Ask for the devices of the token", Command::Siblings(named())),
        say("Ask for what was done with the token", Command::History(named())),
        say("Record frames", Command::Trace(true)),
        say("Stop recording frames", Command::Trace(false)),
        say("Clear all faults", Command::ClearFaults),
    ]);
    if scene.facts.has_scenarios() {
        lines.push(say("Save what was done as a scenario", Command::Record(scenario_file(""))));
    }
    let themes = [
        ("light", ThemePreference::Light),
        ("dark", ThemePreference::Dark),
        ("as the system", ThemePreference::System),
    ];
    lines.extend(themes.map(|(name, theme)| (format!("Colors: {name}"), Does::Color(theme))));
    lines
}

//! Everything that can be done, found by typing a few letters.

use eframe::egui::{Align, Id, Key, Layout, Modal, Modifiers, RichText, ScrollArea, TextEdit, Ui, WidgetInfo};

use crate::face::{Command, scenario_file};

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
}

/// So many lines are shown: who looks for more types more.
const LINES: usize = 12;

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    if !view.palette.shown {
        return;
    }
    let lines = found(view, scene);
    let mut done = None;
    let modal = Modal::new(Id::unique("palette")).show(ui.ctx(), |ui| {
        ui.set_width(460.0);
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
        ScrollArea::vertical().max_height(380.0).show(ui, |ui| {
            for (place, (text, does)) in lines.iter().enumerate() {
                let line = line(ui, scene, text, does, place == view.palette.line);
                if line || (entered && place == view.palette.line) {
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
        act(does, view, scene);
    }
}

fn line(ui: &mut Ui, scene: &Scene<'_>, text: &str, does: &Does, is_chosen: bool) -> bool {
    let mut clicked = false;
    ui.horizontal(|ui| {
        clicked = ui.selectable_label(is_chosen, text).clicked();
        if let Does::Say(command) = does
            && let Some(line) = command.command_line("")
        {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(line.trim()).monospace().color(scene.colors.faint));
            });
        }
    });
    clicked
}

fn act(does: Does, view: &mut View, scene: &mut Scene<'_>) {
    match does {
        Does::Say(command) => scene.say(command),
        Does::Show(tab) => view.tab = tab,
        Does::Choose(device) => {
            view.choose(&device);
            scene.say(Command::Look(device));
        }
        Does::Toggle => keys::toggle(view, scene),
        Does::Enroll => view.enroll.open(),
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
    let network = |profile: &str| Does::Say(Command::Network { device: device(), profile: profile.to_owned() });
    let mut lines: Vec<(String, Does)> = vec![
        ("Open or close".into(), Does::Toggle),
        ("Enroll".into(), Does::Enroll),
        ("Ask the server how the token stands".into(), Does::Say(Command::Status(on))),
        ("Network: offline".into(), network("offline")),
        ("Network: ideal".into(), network("ideal")),
        ("Network: slow (2G)".into(), network("2g")),
        ("Stop time".into(), Does::Say(Command::Freeze(true))),
        ("Let time go on".into(), Does::Say(Command::Freeze(false))),
        ("One hour later".into(), Does::Say(Command::Advance(3_600))),
        ("Record frames".into(), Does::Say(Command::Trace(true))),
        ("Stop recording frames".into(), Does::Say(Command::Trace(false))),
        ("Save what was done as a scenario".into(), Does::Say(Command::Record(scenario_file("")))),
        ("Clear all faults".into(), Does::Say(Command::ClearFaults)),
    ];
    lines.extend(Tab::ALL.map(|tab| (format!("Show {}", tab.title()), Does::Show(tab))));
    lines
}

//! The PIN pad. Whoever looks sees how many digits were typed and nothing else; neither does the window know which of the
//! holder's PINs it is, if any.

use eframe::egui::{Event, Key, Label, RichText, Sense, Ui, WidgetInfo, vec2};
use zeroize::Zeroize as _;

use crate::face::{Command, Secret};

use super::theme::{self, Colors};
use super::view::View;
use super::{Scene, parts};

/// As a PIN may be.
const SHORTEST: usize = 4;
const LONGEST: usize = 12;
/// How long it may be opened for: the service's own time, or less.
const TIMES: [(&str, Option<u64>); 4] =
    [("As long as allowed", None), ("1 min", Some(64)), ("5 min", Some(256)), ("1 h", Some(3_600))];

/// What the PIN is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    Open,
    Approve { id: String, text: String },
    Answer { prompt: u64, what: String },
    Unenroll,
    Revoke { other: String },
}

/// A PIN that is being typed.
#[derive(Debug)]
pub(super) struct Pad {
    purpose: Purpose,
    typed: Typed,
    seconds: Option<u64>,
}

/// Digits, wiped when they are not needed any more.
#[derive(Default)]
struct Typed(String);

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed")
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Pad {
    pub(super) fn new(purpose: Purpose) -> Self {
        // As long as a PIN gets: no copy of it is left behind.
        Self { purpose, typed: Typed(String::with_capacity(LONGEST)), seconds: None }
    }

    fn digit(&mut self, digit: char) {
        if self.typed.0.len() < LONGEST {
            self.typed.0.push(digit);
        }
    }

    fn title(&self) -> String {
        match &self.purpose {
            Purpose::Open => "PIN to open".to_owned(),
            Purpose::Approve { .. } => "PIN to approve".to_owned(),
            Purpose::Answer { what, .. } => format!("PIN to {what}"),
            Purpose::Unenroll => "PIN to give the token up".to_owned(),
            Purpose::Revoke { other } => format!("PIN to revoke device {other}"),
        }
    }

    fn command(&self, view: &View, scene: &Scene<'_>) -> Command {
        let (on, pin) = (view.on(scene.facts), Some(Secret::new(&self.typed.0)));
        match &self.purpose {
            Purpose::Open => Command::Open { on, seconds: self.seconds, pin },
            Purpose::Approve { id, .. } => Command::Approve { on, id: id.clone(), pin },
            Purpose::Answer { prompt, .. } => {
                Command::Answer { device: on.device, prompt: *prompt, does: "approve", pin }
            }
            Purpose::Unenroll => Command::Unenroll { on, pin },
            Purpose::Revoke { other } => Command::Revoke { on, other: other.clone(), pin },
        }
    }
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let Some(mut pad) = view.pad.take() else { return };
    let colors = scene.colors;
    let typed_done = typed(ui, &mut pad);
    ui.add_space(theme::NEAR);
    ui.add(Label::new(RichText::new(pad.title()).text_style(theme::title())).selectable(false));
    if let Purpose::Approve { text, .. } = &pad.purpose {
        ui.add(Label::new(RichText::new(text).strong()).wrap());
    }
    dots(ui, &pad, colors);
    let clicked_done = keys(ui, &mut pad, colors);
    if pad.purpose == Purpose::Open {
        ui.add_space(theme::NEAR);
        times(ui, &mut pad, colors);
    }
    ui.add_space(theme::NEAR);
    let cancelled = parts::quiet(ui, "Cancel").clicked() || ui.input_mut(|input| input.consume_key(no(), Key::Escape));
    let is_complete = pad.typed.0.len() >= SHORTEST;
    if (typed_done || clicked_done) && is_complete {
        let command = pad.command(view, scene);
        scene.say(command);
    } else if !cancelled {
        view.pad = Some(pad);
    }
}

const fn no() -> eframe::egui::Modifiers {
    eframe::egui::Modifiers::NONE
}

/// What was typed on the keyboard; whether that ends with Enter.
fn typed(ui: &Ui, pad: &mut Pad) -> bool {
    ui.input_mut(|input| {
        let mut digits = Vec::new();
        input.events.retain(|event| match event {
            Event::Text(text) if text.chars().all(|it| it.is_ascii_digit()) => {
                digits.extend(text.chars());
                false
            }
            _ => true,
        });
        digits.into_iter().for_each(|digit| pad.digit(digit));
        if input.consume_key(no(), Key::Backspace) {
            pad.typed.0.pop();
        }
        input.consume_key(no(), Key::Enter)
    })
}

fn dots(ui: &mut Ui, pad: &Pad, colors: Colors) {
    let count = pad.typed.0.len();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    let said = format!("{count} digits typed");
    response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Label, true, &said));
    let shown = count.max(6);
    for place in 0..shown {
        #[expect(clippy::cast_precision_loss, reason = "a dozen dots")]
        let x = rect.center().x + (place as f32 - (shown as f32 - 1.0) / 2.0) * 20.0;
        let center = eframe::egui::pos2(x, rect.center().y);
        if place < count {
            ui.painter().circle_filled(center, 6.0, colors.ink);
        } else {
            ui.painter().circle_stroke(center, 5.0, eframe::egui::Stroke::new(1.5, colors.faint));
        }
    }
}

/// The keys; whether it is done.
fn keys(ui: &mut Ui, pad: &mut Pad, colors: Colors) -> bool {
    let mut done = false;
    let size = vec2(84.0, 54.0);
    let spacing = 8.0;
    let margin = (ui.available_width() - 3.0 * size.x - 2.0 * spacing) / 2.0;
    let big = |text: &str| eframe::egui::Button::new(RichText::new(text).size(20.0)).min_size(size).corner_radius(14);
    for row in [['1', '2', '3'], ['4', '5', '6'], ['7', '8', '9'], ['<', '0', '>']] {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = spacing;
            ui.add_space(margin.max(0.0));
            for key in row {
                match key {
                    '<' => {
                        if ui.add(small("Delete", size)).clicked() {
                            pad.typed.0.pop();
                        }
                    }
                    '>' => {
                        let ready = pad.typed.0.len() >= SHORTEST;
                        let text = RichText::new("OK").size(16.0).color(colors.on_brand);
                        let fill = if ready { colors.brand } else { colors.brand.gamma_multiply(0.4) };
                        let button = eframe::egui::Button::new(text).fill(fill).min_size(size).corner_radius(14);
                        done |= ui.add_enabled(ready, button).clicked();
                    }
                    digit => {
                        if ui.add(big(&digit.to_string())).clicked() {
                            pad.digit(digit);
                        }
                    }
                }
            }
        });
    }
    done
}

fn small(text: &'static str, size: eframe::egui::Vec2) -> eframe::egui::Button<'static> {
    eframe::egui::Button::new(RichText::new(text).small()).min_size(size).corner_radius(14)
}

fn times(ui: &mut Ui, pad: &mut Pad, colors: Colors) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (text, seconds) in TIMES {
            if parts::choice(ui, colors, text, pad.seconds == seconds).clicked() {
                pad.seconds = seconds;
            }
        }
    });
}

//! Keys: Space opens or closes, A and D answer, Ctrl-K finds everything, F6 goes around.

use eframe::egui::{Key, Modifiers, Ui};

use crate::face::{Card, Command, Shape};

use super::pad::{Pad, Purpose};
use super::view::{Tab, View};
use super::{Scene, prompts};

/// Takes those keys that are for the whole window.
pub(super) fn take(ui: &Ui, view: &mut View, scene: &mut Scene<'_>) {
    let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    if pressed(Modifiers::COMMAND, Key::K) {
        view.palette.toggle();
    }
    for (key, tab) in [Key::Num1, Key::Num2, Key::Num3, Key::Num4].into_iter().zip(Tab::ALL) {
        if pressed(Modifiers::COMMAND, key) {
            view.tab = tab;
        }
    }
    let is_busy = view.pad.is_some() || view.enroll.is_open || view.palette.is_open();
    // What has the focus takes Space itself, and letters are typed.
    if is_busy || ui.ctx().memory(|memory| memory.focused().is_some()) {
        return;
    }
    if pressed(Modifiers::NONE, Key::Space) {
        toggle(view, scene);
    }
    let text = prompts::waiting(view, scene).into_iter().next();
    if let Some(text) = text {
        if pressed(Modifiers::NONE, Key::A) {
            prompts::approve(view, &text);
        } else if pressed(Modifiers::NONE, Key::D) {
            scene.say(prompts::deny(view, scene, &text, "unsaid"));
        }
    }
}

/// Closes what is open; asks for the PIN of what is not.
pub(super) fn toggle(view: &mut View, scene: &mut Scene<'_>) {
    let card = Card::of(scene.facts, &view.device, view.token.as_deref(), scene.now);
    match card.shape {
        Shape::Open => scene.say(Command::Close(view.on(scene.facts))),
        Shape::Empty if !view.device.is_empty() => view.enroll.open(),
        Shape::Closed | Shape::Unknown | Shape::Barred if scene.facts.device(&view.device).is_some() => {
            view.pad = Some(Pad::new(Purpose::Open));
        }
        _ => {}
    }
}

//! Keys: Space opens or closes, A and D answer, Ctrl-K finds everything.

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
    for (key, tab) in [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6].into_iter().zip(Tab::ALL) {
        if pressed(Modifiers::COMMAND, key) {
            view.tab = tab;
        }
    }
    let is_busy = view.pad.is_some() || view.enroll.is_open || view.palette.is_open();
    // What has the focus takes Space itself, and letters are typed.
    if is_busy || ui.ctx().memory(|memory| memory.focused().is_some()) {
        return;
    }
    let letters = [
        Key::Space,
        Key::T,
        Key::O,
        Key::C,
        Key::S,
        Key::I,
        Key::E,
        Key::P,
        Key::M,
        Key::N,
        Key::K,
        Key::H,
        Key::F,
        Key::V,
        Key::B,
        Key::R,
        Key::A,
        Key::D,
        Key::X,
        Key::Slash,
        Key::Questionmark,
    ];
    // A question mark is typed with Shift.
    let shifted = |key| if key == Key::Questionmark { Modifiers::SHIFT } else { Modifiers::NONE };
    if let Some(key) = letters.into_iter().find(|key| pressed(shifted(*key), *key)) {
        letter(key, view, scene);
    }
}

/// The same keys as in the terminal.
fn letter(key: Key, view: &mut View, scene: &mut Scene<'_>) {
    let has_token = view.on_named(scene.facts).token.is_some();
    match key {
        Key::Space | Key::T => toggle(view, scene),
        Key::O if has_token => view.pad = Some(Pad::new(Purpose::Open)),
        Key::C if has_token => scene.say(Command::Close(view.on(scene.facts))),
        Key::S if has_token => scene.say(Command::Status(view.on(scene.facts))),
        Key::I if has_token => {
            view.tab = Tab::Token;
            let on = view.on_named(scene.facts);
            for asks in [Command::Siblings, Command::History, Command::About] {
                scene.say(asks(on.clone()));
            }
        }
        Key::O | Key::E if !view.device.is_empty() => view.enroll.open(),
        Key::P | Key::M => view.tab = Tab::Token,
        Key::N | Key::K | Key::H => view.tab = Tab::Conditions,
        Key::F => view.tab = Tab::Faults,
        Key::V => view.tab = Tab::Relying,
        Key::B => view.tab = Tab::Copies,
        Key::R => scene.say(Command::Trace(!scene.facts.trace.on)),
        Key::Slash => {
            view.tab = Tab::Timeline;
            view.timeline.looks();
        }
        Key::Questionmark => view.palette.open(),
        Key::A | Key::D | Key::X => answer(key, view, scene),
        _ => {}
    }
}

/// Approves, denies or cancels what waits: what the device asks, or else a text.
fn answer(key: Key, view: &mut View, scene: &mut Scene<'_>) {
    let prompt = scene.facts.device(&view.device).and_then(|device| device.prompts.first()).cloned();
    let text = prompts::waiting(view, scene).into_iter().next();
    match (key, prompt, text) {
        (Key::A, Some(prompt), _) => prompts::types(view, &prompt),
        (_, Some(prompt), _) => scene.say(prompts::answer(view, &prompt, "cancel")),
        (Key::A, None, Some(text)) => prompts::approve(view, &text),
        (Key::D, None, Some(text)) => scene.say(prompts::deny(view, scene, &text, "unsaid")),
        (_, None, Some(text)) => scene.say(prompts::deny(view, scene, &text, "cancelled")),
        (_, None, None) => {}
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

//! The pictures of the documentation: drawn in every run, and kept where `CARDEA_PICTURES` names a folder.

use std::path::PathBuf;

use eframe::egui::{Event, Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::super::Window;
use super::raster::{drawn, png};
use super::scripted::{Scripted, answered, asking, device, facts, lively, misbehaving};
use super::{themed, type_into};
use crate::face::Facts;

/// What is done before a picture is taken.
type Done = fn(&mut Harness<'_, Window>);

fn click(window: &mut Harness<'_, Window>, name: &str) {
    window.get_by_label(name).click();
    window.run();
}

/// Every picture: its name, what there is, and what is done.
fn pictures() -> Vec<(&'static str, Facts, Done)> {
    vec![
        ("open", lively(), |_| {}),
        ("pin", lively(), |window| {
            click(window, "tablet, closed");
            click(window, "Open");
            window.event(Event::Text("2749".into()));
            window.run();
        }),
        ("approve", asking(), |_| {}),
        ("enroll", facts(vec![device("phone", vec![])]), |window| {
            click(window, "Enroll");
            type_into(window, "Link or code", "https://id.example.com/e#8mKq");
            window.run();
        }),
        ("token", answered(), |window| click(window, "Token")),
        ("conditions", lively(), |window| click(window, "Conditions")),
        ("faults", misbehaving(), |window| click(window, "Faults")),
        ("detail", lively(), |window| click(window, "OPEN from id.example.com:7433: S1, authentic, 118 bytes")),
        ("palette", lively(), |window| {
            window.key_press_modifiers(Modifiers::COMMAND, Key::K);
            window.run();
        }),
    ]
}

#[test]
fn the_pictures_of_the_documentation_are_drawn_light_and_dark() {
    let kept = std::env::var_os("CARDEA_PICTURES").map(PathBuf::from);
    for (theme, word) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        // All of them only where somebody wants them: each takes seconds without optimization.
        for (name, facts, done) in pictures().into_iter().filter(|(name, ..)| kept.is_some() || *name == "open") {
            let mut window = themed(&Scripted::new(facts), theme, 1.0);
            done(&mut window);
            let picture = drawn(&mut window);
            let (width, height, pixels) = &picture;
            assert_eq!((*width, *height), (1240, 800));
            // Something is drawn, and it is light or dark.
            let light = pixels.iter().map(|it| u64::from(*it)).sum::<u64>() / pixels.len() as u64;
            assert_eq!(light > 128, theme == Theme::Light, "{name} {word}: {light}");
            if let Some(folder) = &kept {
                std::fs::write(folder.join(format!("{name}-{word}.png")), png(&picture)).unwrap();
            }
        }
    }
}

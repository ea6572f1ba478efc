//! The pictures of the documentation: drawn in every run, and compared with those that are there. With `CARDEA_PICTURES` in the
//! environment they are replaced.

use std::path::Path;

use eframe::egui::{Event, Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::super::Window;
use super::raster::{Picture, drawn, png};
use super::scripted::{Scripted, answered, asked, asking, device, facts, kept, lively, misbehaving};
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
        ("check", asked(), |window| {
            click(window, "Check");
            for (field, text) in [
                ("Address of the token API", "https://id.example"),
                ("Name of the service", "default_demo"),
                ("Whose token", "joe"),
                ("File with an authkey", "status.key"),
            ] {
                type_into(window, field, text);
            }
        }),
        ("copies", kept(), |window| click(window, "Copies")),
        ("detail", lively(), |window| click(window, "OPEN from id.example.com:7433: S1, authentic, 118 bytes")),
        ("palette", lively(), |window| {
            window.key_press_modifiers(Modifiers::COMMAND, Key::K);
            window.run();
        }),
    ]
}

/// Of a picture of the documentation, how much may be seen to be otherwise: what other machines round otherwise.
const OTHERWISE: f64 = 0.000_2;
/// A channel that is off by more than this is seen to be.
const SEEN: u8 = 32;

/// How much of a picture is seen to be otherwise than what is drawn, from 0 to 1.
fn differs(path: &Path, (width, height, drawn): &Picture) -> f64 {
    let file = std::fs::File::open(path).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let size = (info.width as usize, info.height as usize, info.buffer_size());
    assert_eq!(size, (*width, *height, drawn.len()), "{}", path.display());
    let is_otherwise = |(one, other): &(&[u8], &[u8])| one.iter().zip(*other).any(|(a, b)| a.abs_diff(*b) > SEEN);
    let otherwise = pixels.chunks_exact(3).zip(drawn.chunks_exact(3)).filter(is_otherwise).count();
    otherwise as f64 / (width * height) as f64
}

#[test]
fn the_pictures_of_the_documentation_are_what_is_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/emulator/pictures");
    let is_new = std::env::var_os("CARDEA_PICTURES").is_some();
    for (theme, word) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        for (name, facts, done) in pictures() {
            let path = folder.join(format!("{name}-{word}.png"));
            // Where nobody looks at it, it is not drawn: each takes seconds without optimization.
            if !path.exists() {
                continue;
            }
            let mut window = themed(&Scripted::new(facts), theme, 1.0);
            done(&mut window);
            let picture = drawn(&mut window);
            let (width, height, pixels) = &picture;
            assert_eq!((*width, *height), (1240, 800));
            // Something is drawn, and it is light or dark.
            let light = pixels.iter().map(|it| u64::from(*it)).sum::<u64>() / pixels.len() as u64;
            assert_eq!(light > 128, theme == Theme::Light, "{name} {word}: {light}");
            if is_new {
                std::fs::write(&path, png(&picture)).unwrap();
                continue;
            }
            let differs = differs(&path, &picture);
            assert!(differs < OTHERWISE, "{differs} of {name}-{word}.png is otherwise: draw it again, see window.md");
        }
    }
}

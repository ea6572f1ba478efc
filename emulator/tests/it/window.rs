//! `cardea-emulator window`, on a screen that nobody sees.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageFormat, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::screen::{Process, screen};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cardea-emulator");

fn emulator(state: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for name in ["CARDEA_EMULATOR_STATE", "DISPLAY", "WAYLAND_DISPLAY"] {
        command.env_remove(name);
    }
    command.arg("--state").arg(state);
    command
}

/// Waits until a window is shown whose name ends so.
fn shown(connection: &RustConnection, root: Window, name: &[u8]) -> Window {
    loop {
        let children = connection.query_tree(root).unwrap().reply().unwrap().children;
        for window in children {
            let asked = connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64).unwrap();
            // One that is gone by now has no name.
            if asked.reply().is_ok_and(|property| property.value.ends_with(name)) {
                return window;
            }
        }
        while !matches!(connection.wait_for_event().unwrap(), Event::MapNotify(_) | Event::CreateNotify(_)) {}
    }
}

/// Waits until something is drawn, and keeps it where people find it.
fn drawn(connection: &RustConnection, window: Window) {
    loop {
        // One that cannot be seen yet has no pixels.
        let attributes = connection.get_window_attributes(window).unwrap().reply().unwrap();
        if attributes.map_state != MapState::VIEWABLE {
            while !matches!(connection.wait_for_event().unwrap(), Event::MapNotify(_)) {}
            continue;
        }
        let size = connection.get_geometry(window).unwrap().reply().unwrap();
        let asked =
            connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX).unwrap();
        let pixels = asked.reply().unwrap().data;
        let colors: HashSet<&[u8]> = pixels.chunks_exact(4).collect();
        if colors.len() > 100 {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window.png");
            let mut encoder = png::Encoder::new(File::create(path).unwrap(), size.width.into(), size.height.into());
            encoder.set_color(png::ColorType::Rgb);
            let rgb: Vec<u8> = pixels.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
            encoder.write_header().unwrap().write_image_data(&rgb).unwrap();
            return;
        }
    }
}

#[test]
fn the_window_opens_draws_and_shares_its_devices_with_commands_until_it_is_told_to_end() {
    let (_screen, display) = screen();
    let (connection, number) = x11rb::connect(Some(&display)).unwrap();
    let root = connection.setup().roots[number].root;
    let events = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
    connection.change_window_attributes(root, &events).unwrap().check().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let mut window = Process(emulator(folder.path()).arg("window").env("DISPLAY", &display).spawn().unwrap());
    drawn(&connection, shown(&connection, root, b"Cardea emulator"));

    // Its name says how the device stands.
    shown(&connection, root, "main — NOT ENROLLED — Cardea emulator".as_bytes());

    let listed = emulator(folder.path()).args(["--json", "device", "list"]).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.status.success() && text.contains(r#""device":"main""#), "{text}");
    // Only a running emulator has a journal.
    let journal = emulator(folder.path()).arg("journal").output().unwrap();
    assert!(journal.status.success());

    let down = emulator(folder.path()).arg("down").output().unwrap();
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    assert_eq!(window.0.wait().unwrap().code(), Some(0));
    assert!(!folder.path().join("control.sock").exists());
}

#[test]
fn without_a_display_it_says_so_and_what_to_do_instead() {
    let folder = tempfile::tempdir().unwrap();
    let ended = emulator(folder.path()).args(["--json", "window"]).output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(8), "{text}");
    assert!(text.contains("no-display") && text.contains("cardea-emulator --help"), "{text}");
    // Nothing was begun.
    assert!(!folder.path().join("control.json").exists());
    let unreachable = emulator(folder.path()).arg("window").env("DISPLAY", ":59999").output().unwrap();
    assert_eq!(unreachable.status.code(), Some(8), "{}", String::from_utf8_lossy(&unreachable.stderr));
}

/// Draws a QR code on the screen itself.
#[cfg(feature = "embedded-server")]
fn drawn_code(connection: &RustConnection, root: Window, text: &str) {
    use x11rb::protocol::xproto::CreateGCAux;

    const SIDE: usize = 8;
    let code = qrcode::QrCode::new(text).unwrap();
    let modules = code.width() + 8;
    let colors = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(4).filter(|at| *at < code.width());
        inside(x).zip(inside(y)).is_some_and(|(x, y)| colors[y * code.width() + x] == qrcode::Color::Dark)
    };
    let size = modules * SIDE;
    let pixels = (0..size * size).flat_map(|pixel| {
        let dark = is_dark(pixel % size / SIDE, pixel / size / SIDE);
        [if dark { 0_u8 } else { 255 }; 4]
    });
    let context = connection.generate_id().unwrap();
    connection.create_gc(context, root, &CreateGCAux::new()).unwrap();
    let side = u16::try_from(size).unwrap();
    let pixels: Vec<u8> = pixels.collect();
    let put = connection.put_image(ImageFormat::Z_PIXMAP, root, context, side, side, 60, 40, 0, 24, &pixels);
    put.unwrap().check().unwrap();
}

#[cfg(feature = "embedded-server")]
#[test]
fn an_enrollment_is_read_off_the_screen() {
    let (_screen, display) = screen();
    let (connection, number) = x11rb::connect(Some(&display)).unwrap();
    let root = connection.setup().roots[number].root;
    let folder = tempfile::tempdir().unwrap();
    let enroll = || {
        let mut enroll = emulator(folder.path());
        enroll.args(["--no-input", "enroll", "--qr", "screen"]).env("DISPLAY", &display);
        let ended = enroll.output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    let (code, said) = enroll();
    assert!(code == Some(2) && said.contains("QR code"), "{code:?} {said}");
    drawn_code(&connection, root, &crate::process::link(9));
    let (code, said) = enroll();
    assert!(said.contains("enrolling at 127.0.0.1"), "{code:?} {said}");
    // Without a screen it says so.
    let nothing = emulator(folder.path()).args(["enroll", "--qr", "screen"]).output().unwrap();
    let said = String::from_utf8(nothing.stderr).unwrap();
    assert!(nothing.status.code() == Some(2) && said.contains("X11"), "{said}");
}

//! `cardea-emulator window`, on a screen that nobody sees.

use std::path::Path;
use std::process::Command;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageFormat, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::picture::Picture;
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
            // Another name is told from now on; that of one that is gone does not matter.
            let names = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
            let _ = connection.change_window_attributes(window, &names).unwrap().check();
            let asked = connection.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64).unwrap();
            // One that is gone by now has no name.
            if asked.reply().is_ok_and(|property| property.value.ends_with(name)) {
                return window;
            }
        }
        while !matches!(
            connection.wait_for_event().unwrap(),
            Event::MapNotify(_) | Event::CreateNotify(_) | Event::PropertyNotify(_)
        ) {}
    }
}

/// What a window shows, once it can be seen.
fn seen(connection: &RustConnection, window: Window) -> Picture {
    loop {
        // One that cannot be seen yet has no pixels.
        let attributes = connection.get_window_attributes(window).unwrap().reply().unwrap();
        if attributes.map_state == MapState::VIEWABLE {
            break;
        }
        while !matches!(connection.wait_for_event().unwrap(), Event::MapNotify(_)) {}
    }
    let size = connection.get_geometry(window).unwrap().reply().unwrap();
    let asked = connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, size.width, size.height, u32::MAX).unwrap();
    let pixels = asked.reply().unwrap().data;
    let pixels = pixels.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    Picture { width: size.width.into(), height: size.height.into(), pixels }
}

/// Waits until something is drawn.
fn drawn(connection: &RustConnection, window: Window) {
    while seen(connection, window).colors() <= 100 {}
}

/// A connection that is told of every window, and the root that they are on.
fn watched(display: &str) -> (RustConnection, u32) {
    let (connection, number) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[number].root;
    let events = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
    connection.change_window_attributes(root, &events).unwrap().check().unwrap();
    (connection, root)
}

#[test]
fn the_window_opens_draws_and_shares_its_devices_with_commands_until_it_is_told_to_end() {
    let (_screen, display) = screen();
    let (connection, root) = watched(&display);

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
fn ctrl_c_where_it_was_started_ends_the_window_and_gives_the_devices_back() {
    let (_screen, display) = screen();
    let (connection, root) = watched(&display);
    let folder = tempfile::tempdir().unwrap();
    let mut window = Process(emulator(folder.path()).arg("window").env("DISPLAY", &display).spawn().unwrap());
    shown(&connection, root, "main — NOT ENROLLED — Cardea emulator".as_bytes());
    assert!(Command::new("kill").args(["-INT", &window.0.id().to_string()]).status().unwrap().success());
    assert_eq!(window.0.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("control.sock").exists());
    let listed = emulator(folder.path()).args(["device", "list"]).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
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

/// What the documentation shows: a window on a desktop, over a token that a server of the stub opened.
#[cfg(feature = "embedded-server")]
#[test]
fn the_documentation_shows_what_is_seen_on_a_desktop() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    // So often it is looked, while what is seen comes to rest.
    const LOOKS: usize = 100;
    /// Times, addresses and names of tokens are others each time.
    const OTHERWISE: f64 = 0.02;

    let (_screen, display) = screen();
    let (connection, root) = watched(&display);
    let mut stub = Command::new(PROGRAM);
    let stub =
        stub.args(["stub", "--enroll", "joe", "--window", "10", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stub = Process(stub);
    let mut line = String::new();
    BufReader::new(stub.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let link = ready["enroll"][0]["link"].as_str().unwrap_or_else(|| panic!("{ready}"));

    let folder = tempfile::tempdir().unwrap();
    let mut running = emulator(folder.path());
    running.args(["--allow-test-argon2", "window"]).env("DISPLAY", &display);
    let _running = Process(running.spawn().unwrap());
    let window = shown(&connection, root, "main — NOT ENROLLED — Cardea emulator".as_bytes());
    drawn(&connection, window);
    let empty = seen(&connection, window);
    for arguments in [&["enroll", link][..], &["open"]] {
        let done = emulator(folder.path()).arg("--no-input").args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    shown(&connection, root, "main — OPEN — Cardea emulator".as_bytes());
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/emulator/pictures/desktop.png");
    if std::env::var_os("CARDEA_PICTURES").is_some() {
        let last = (0..10).map(|_| seen(&connection, window)).last().unwrap();
        return last.write(&place);
    }
    let shown = Picture::read(&place);
    assert!(shown.differs(&empty) > 2.0 * OTHERWISE, "another state is told from it: {}", shown.differs(&empty));
    let nearest = (0..LOOKS).map(|_| shown.differs(&seen(&connection, window))).find(|differs| *differs < OTHERWISE);
    if nearest.is_none() {
        let found = seen(&connection, window);
        found.write(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("desktop.png"));
        panic!("{} of the picture is otherwise: draw it again, see docs/emulator/window.md", shown.differs(&found));
    }
}

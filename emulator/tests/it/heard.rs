//! The window as screen readers have it: over AT-SPI, from outside.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::screen::{Process, screen};

/// A bus of a session whose accessibility is wanted.
struct Bus {
    _daemon: Process,
    address: String,
    /// Of the bus on which screen readers and programs find each other.
    accessible: String,
}

impl Bus {
    fn start(folder: &Path) -> Self {
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--print-address=1", "--address"]);
        daemon.arg(format!("unix:dir={}", folder.display()));
        // What the bus starts keeps its sockets there, too, and draws nothing.
        for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"] {
            daemon.env(name, folder);
        }
        daemon.env_remove("DISPLAY").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut daemon = Process(daemon.spawn().expect("dbus-daemon starts (apt-get install dbus-daemon)"));
        let mut address = String::new();
        BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let mut bus = Self { _daemon: daemon, address: address.trim().to_owned(), accessible: String::new() };
        let of_bus =
            |method: &str, arguments: &[&str]| called(&bus.address, "org.a11y.Bus", "/org/a11y/bus", method, arguments);
        for is_wanted in ["IsEnabled", "ScreenReaderEnabled"] {
            of_bus("org.freedesktop.DBus.Properties.Set", &["org.a11y.Status", is_wanted, "<true>"]);
        }
        let said = of_bus("org.a11y.Bus.GetAddress", &[]);
        bus.accessible = said.split('\'').nth(1).expect("an address").to_owned();
        bus
    }

    fn call(&self, of: &str, object: &str, method: &str, arguments: &[&str]) -> String {
        called(&self.accessible, of, object, method, arguments)
    }

    /// Waits for a program and for what is in it: whose it is, and its path.
    fn find(&self, program: &mut Process, name: &str) -> (String, String) {
        // Each time is two processes.
        for _ in 0..2_000 {
            assert_eq!(program.0.try_wait().unwrap(), None, "it has ended before there was {name:?}");
            let registry = "org.a11y.atspi.Registry";
            let root = "/org/a11y/atspi/accessible/root";
            let there = self.call(registry, root, "org.a11y.atspi.Accessible.GetChildren", &[]);
            // ([(':1.0', objectpath '/org/a11y/atspi/accessible/root')],)
            let Some(of) = there.split('\'').find(|it| it.starts_with(':')) else { continue };
            let items = self.call(of, "/org/a11y/atspi/cache", "org.a11y.atspi.Cache.GetItems", &[]);
            // ((':1.0', 'its path'), (':1.0', 'the program'), (':1.0', 'what it is in'), 0, 0, [interfaces], 'its name', …
            let items = items.split("((':").skip(1);
            let found = items.filter(|item| item.contains(&format!("'], '{name}', "))).last();
            if let Some(path) = found.and_then(|item| item.split('\'').nth(2)) {
                return (of.to_owned(), path.to_owned());
            }
        }
        panic!("there is no {name:?}")
    }
}

/// Calls a method, and gives what it says.
fn called(address: &str, of: &str, object: &str, method: &str, arguments: &[&str]) -> String {
    let mut gdbus = Command::new("gdbus");
    gdbus.args(["call", "--address", address, "--dest", of, "--object-path", object, "--method", method]);
    let output = gdbus.args(arguments).output().expect("gdbus runs (apt-get install libglib2.0-bin)");
    assert!(output.status.success(), "{method}: {output:?} (apt-get install at-spi2-core)");
    String::from_utf8(output.stdout).unwrap()
}

/// A window on a bus.
fn shown(bus: &Bus, folder: &Path, display: &str) -> Process {
    let mut window = Command::new(env!("CARGO_BIN_EXE_cardea-emulator"));
    window.arg("--state").arg(folder.join("state")).arg("window");
    window.env("DISPLAY", display).env("DBUS_SESSION_BUS_ADDRESS", &bus.address).env_remove("WAYLAND_DISPLAY");
    window.env_remove("AT_SPI_BUS_ADDRESS").env_remove("CARDEA_EMULATOR_STATE");
    Process(window.spawn().unwrap())
}

#[test]
fn a_screen_reader_hears_how_the_token_stands_and_presses_buttons() {
    let (_screen, display) = screen();
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(folder.path());
    let mut window = shown(&bus, folder.path(), &display);

    bus.find(&mut window, "main, not enrolled");
    bus.find(&mut window, "Lock: NOT ENROLLED");
    let (of, button) = bus.find(&mut window, "Commands  Ctrl K");
    let pressed = bus.call(&of, &button, "org.a11y.atspi.Action.DoAction", &["0"]);
    assert_eq!(pressed.trim(), "(true,)");
    bus.find(&mut window, "Find a command");
}

/// What other programs paste.
fn clipboard(display: &str) -> String {
    use x11rb::connection::Connection as _;
    use x11rb::protocol::Event;
    use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, WindowClass};

    let (connection, number) = x11rb::connect(Some(display)).unwrap();
    let root = connection.setup().roots[number].root;
    let window = connection.generate_id().unwrap();
    let (kind, aux) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
    connection.create_window(0, window, root, 0, 0, 1, 1, 0, kind, 0, &aux).unwrap().check().unwrap();
    let atom = |name: &str| connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (which, text, place) = (atom("CLIPBOARD"), atom("UTF8_STRING"), atom("PASTED"));
    connection.convert_selection(window, which, text, place, x11rb::CURRENT_TIME).unwrap().check().unwrap();
    while !matches!(connection.wait_for_event().unwrap(), Event::SelectionNotify(_)) {}
    let pasted = connection.get_property(false, window, place, AtomEnum::ANY, 0, 1_024).unwrap().reply().unwrap();
    String::from_utf8(pasted.value).unwrap()
}

#[test]
fn what_is_copied_in_the_window_is_pasted_elsewhere() {
    let (_screen, display) = screen();
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(folder.path());
    let mut window = shown(&bus, folder.path(), &display);
    let press = |window: &mut Process, name: &str| {
        let (of, button) = bus.find(window, name);
        assert_eq!(bus.call(&of, &button, "org.a11y.atspi.Action.DoAction", &["0"]).trim(), "(true,)");
    };
    press(&mut window, "Record frames");
    let line = format!("cardea-emulator --state {} trace start", folder.path().join("state").display());
    bus.find(&mut window, &line);
    press(&mut window, "Copy");
    // It is there once the window has drawn what was pressed.
    for _ in 0..2_000 {
        let pasted = clipboard(&display);
        if !pasted.is_empty() {
            assert_eq!(pasted, line);
            return;
        }
        bus.find(&mut window, &line);
    }
    panic!("nothing is in the clipboard")
}

//! The emulator's window over a real server: what a person clicks is what relying parties are told.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use cardea_emulator::engine::Options;
use cardea_emulator::face::{Face, How, Source};
use cardea_emulator::faults::Gate;
use cardea_emulator::window::Window;
use cardea_tests::harness::Site;
use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use tempfile::TempDir;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Frames until the window rests: what is new in it is drawn twice, and news may come in between.
const FRAMES: u64 = 64;

/// A window without a screen, over an emulator in this process.
struct Person<'a> {
    window: Harness<'a, Window>,
    /// Says that there is something new to see.
    woken: Receiver<()>,
    _folder: TempDir,
}

impl Person<'_> {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { allow_test_argon2: true, ..Options::default() };
        let (wake, woken) = channel();
        let how = How::folder(&folder.path().join("state"), options, Gate::closed());
        let tell = move || {
            // The test may be over.
            let _ = wake.send(());
        };
        let face = Face::start(how, tell).expect("an emulator");
        let window = Window::new(Arc::new(face) as Arc<dyn Source>, || None);
        let size = egui::vec2(1240.0, 900.0);
        let builder = Harness::builder().with_size(size).with_max_steps(FRAMES).with_context_setup(Window::dress);
        let window = builder.build_ui_state(|ui: &mut egui::Ui, window: &mut Window| window.draw(ui), window);
        Self { window, woken, _folder: folder }
    }

    /// Waits until this is to be seen.
    fn sees(&mut self, label: &str) {
        self.waits(label, |window| window.query_all_by_label(label).next().is_some());
    }

    /// The same for a part of what is said there.
    fn sees_with(&mut self, part: &str) {
        self.waits(part, |window| window.query_all_by_label_contains(part).next().is_some());
    }

    fn waits(&mut self, what: &str, is_seen: impl Fn(&Harness<'_, Window>) -> bool) {
        self.window.run();
        while !is_seen(&self.window) {
            assert!(self.woken.recv_timeout(PATIENCE).is_ok(), "{what} is not to be seen: {:?}", self.window.root());
            self.window.run();
        }
    }

    fn clicks(&mut self, label: &str) {
        self.sees(label);
        self.window.get_by_label(label).click();
        self.window.run();
    }

    fn types(&mut self, text: &str) {
        self.window.event(egui::Event::Text(text.into()));
        self.window.run();
    }

    fn types_into(&mut self, field: &str, text: &str) {
        self.sees(field);
        self.window.get_by_label(field).focus();
        self.window.run();
        self.types(text);
    }

    fn enrolls(&mut self, link: &str, pin: &str) {
        self.clicks("Enroll");
        self.types_into("Link or code", link);
        self.types_into("New PIN", pin);
        self.types_into("New PIN again", pin);
        self.clicks("Enroll with this PIN");
        self.sees("Open");
    }
}

#[test]
fn a_token_is_enrolled_opened_and_closed_by_clicks() {
    let (site, mut person) = (Site::dev(), Person::new());
    person.sees("NOT ENROLLED");
    person.enrolls(&site.offer("joe").link, "274951");
    assert_eq!(site.status("joe"), 2);

    person.clicks("Open");
    person.types("274951");
    person.sees("6 digits typed");
    person.clicks("OK");
    person.sees("OPEN");
    assert_eq!(site.status("joe"), 1);

    person.clicks("Close");
    person.sees("CLOSED");
    assert_eq!(site.status("joe"), 2);
    person.sees("The token is closed");
}

#[test]
fn a_relying_party_is_told_what_the_person_did() {
    let (site, mut person) = (Site::dev(), Person::new());
    person.enrolls(&site.offer("joe").link, "274951");
    let key = site.folder().join("status.key");
    person.clicks("Check");
    person.types_into("Address of the token API", &format!("http://{}", site.http()));
    person.types_into("Name of the service", &site.service);
    person.types_into("Whose token", "joe");
    person.types_into("File with an authkey", key.to_str().expect("text"));
    // What cannot be asked is told, and is no answer.
    person.clicks("Ask now");
    person.sees("Nobody has asked yet.");
    std::fs::write(&key, &site.status_key).expect("written");
    person.clicks("Ask now");
    person.sees("joe is closed");

    person.clicks("Open");
    person.types("274951");
    person.clicks("OK");
    person.sees("OPEN");
    person.clicks("Ask now");
    person.sees("joe is open");
}

#[test]
fn what_a_server_says_unasked_is_seen_and_what_it_refuses_counts() {
    let (site, mut person) = (Site::dev(), Person::new());
    person.enrolls(&site.offer("joe").link, "274951");
    let asked = site.call("confirmation", "joe", &serde_json::json!({ "text": "Pay 20 EUR to Ann" }));
    assert_eq!(asked.code, 200);
    person.sees("Pay 20 EUR to Ann");
    person.clicks("Deny");
    person.sees("Denied");

    person.clicks("Open");
    person.types("111222");
    person.clicks("OK");
    person.sees("Not done: the PIN is wrong (tries left: 9)");
    person.sees_with("9 wrong PINs left before it is blocked");
}

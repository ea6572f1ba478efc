//! A face over an emulator in this process.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Command, Face, How, Notice, Source as _};
use crate::engine::Options;
use crate::faults::Gate;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Person {
    face: Face,
    woken: Receiver<()>,
}

impl Person {
    fn new(state: &Path) -> Self {
        let (wake, woken) = channel();
        let tell = move || {
            // The test may be over.
            let _ = wake.send(());
        };
        let face = Face::start(How::folder(state, Options::default(), Gate::closed()), tell).unwrap();
        Self { face, woken }
    }

    /// Says something, and waits for what comes of it.
    fn says(&self, command: Command) -> Notice {
        let before = self.face.facts().notices.len();
        self.face.tell(command);
        loop {
            if let Some(notice) = self.face.facts().notices.get(before) {
                return notice.clone();
            }
            self.woken.recv_timeout(PATIENCE).expect("something comes of it");
        }
    }
}

#[cfg(feature = "embedded-server")]
#[test]
fn what_was_done_is_written_as_a_scenario_and_no_file_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let person = Person::new(&folder.path().join("state"));
    let named = |name: &str| folder.path().join(name);

    let wrong = person.says(Command::Record(named("byhand.txt")));
    assert_eq!((wrong.failed.as_deref(), wrong.text.as_str()), (Some("usage"), "the file ends with .yaml"));
    assert!(!named("byhand.txt").exists());

    let file = named("byhand.yaml");
    let written = person.says(Command::Record(file.clone()));
    assert_eq!((written.failed, written.file.as_deref()), (None, Some(&*file)), "{}", written.text);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("cardea-scenario: 1\n"), "{text}");

    std::fs::write(&file, "mine").unwrap();
    let refused = person.says(Command::Record(file.clone()));
    let already = format!("{} is there already: name another file", file.display());
    assert_eq!((refused.failed.as_deref(), refused.text), (Some("usage"), already));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[cfg(not(feature = "embedded-server"))]
#[test]
fn an_emulator_without_scenarios_says_how_to_get_one_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let person = Person::new(&folder.path().join("state"));
    let file = folder.path().join("byhand.yaml");
    let refused = person.says(Command::Record(file.clone()));
    assert!(refused.text.ends_with("build it with --features embedded-server"), "{}", refused.text);
    assert_eq!(refused.failed.as_deref(), Some("usage"));
    assert!(!file.exists());
}

//! What is typed and pasted into forms.

use super::*;
use crate::face::{Invitation, On, Secret, Sibling, Snapshot};

const LINK: &str = "https://id.example/e#AQsecretsecret";

fn fill(it: &mut Person, fields: &[&str]) {
    for (place, text) in fields.iter().enumerate() {
        it.types(text);
        if place + 1 < fields.len() {
            it.presses(KeyCode::Tab);
        }
    }
}

#[test]
fn an_enrollment_takes_a_link_that_is_pasted_and_any_pins() {
    let mut it = Person::before(with(facts(), device("main", vec![])));
    it.does(&Event::Paste(format!("  {LINK}\r\n")));
    it.finds("Enroll main");
    it.finds("https://id.example/e#… (35 characters)");
    it.misses("secretsecret");
    it.presses(KeyCode::Enter);
    fill(&mut it, &["", "door", PIN, PIN, DURESS, DURESS]);
    it.misses(PIN);
    let enroll = Command::Enroll {
        device: "main".into(),
        invitation: Invitation::Text(Secret::new(LINK)),
        pin: Secret::new(PIN),
        duress: vec![Secret::new(DURESS)],
        label: "door".into(),
    };
    assert_eq!(it.says(KeyCode::Enter), [enroll]);
    it.finds("$ cardea-emulator enroll - --label door --pin-file FILE");
}

#[test]
fn a_typed_code_has_its_server_beside_it() {
    let mut it = Person::before(facts());
    it.types("e");
    fill(&mut it, &["7K4MQ2ABCD", "id.example", "", PIN, PIN, "", ""]);
    it.finds("7K4MQ2ABCD");
    let said = it.says(KeyCode::Enter);
    let Command::Enroll { invitation, duress, .. } = &said[0] else { panic!("{said:?}") };
    assert_eq!(*invitation, Invitation::Code(Secret::new("7K4MQ2ABCD"), "id.example".into()));
    assert!(duress.is_empty());
}

#[test]
fn what_is_wrong_in_a_form_is_named_and_nothing_is_said() {
    let wrong = |fields: &[&str], problem: &str| {
        let mut it = Person::before(facts());
        it.types("e");
        fill(&mut it, fields);
        assert_eq!(it.says(KeyCode::Enter), [], "{problem}");
        it.finds(problem);
        it.misses(PIN);
        // It is mended there.
        it.types("1");
        it.misses(problem);
    };
    wrong(&["", "", "", PIN, PIN, "", ""], "paste the link, or type the code");
    wrong(&["7K4MQ2ABCD", "", "", PIN, DURESS, "", ""], "not the same: type it again");
    wrong(&["7K4MQ2ABCD", "", "", PIN, PIN, DURESS, ""], "not the same: type it again");
    wrong(&["7K4MQ2ABCD", "", "", "2749", "2749", "", ""], "the PIN must have 6 to 12 digits");
    wrong(&["7K4MQ2ABCD", "", "", "123456", "123456", "", ""], "this PIN is too easy to guess");
    wrong(&["7K4MQ2ABCD", "", "", PIN, PIN, PIN, PIN], "the PINs are too much alike");
}

#[test]
fn a_long_problem_is_read_to_its_end_in_a_narrow_terminal() {
    let mut it = Person::before(facts());
    it.chooses('b', "Keep everything as it is…");
    it.types("no name");
    it.says(KeyCode::Enter);
    let seen = it.sees_at(60, 18);
    assert!(seen.contains("begins with neither│") && seen.contains("│'.' nor '-' "), "{seen}");
}

#[test]
fn fields_take_what_belongs_there_and_no_more() {
    let mut it = Person::before(facts());
    it.types("o");
    it.does(&Event::Paste(format!("{PIN}x{}", "7".repeat(1_000))));
    let said = it.says(KeyCode::Enter);
    let Command::Open { pin: Some(pin), .. } = &said[0] else { panic!("{said:?}") };
    assert_eq!(pin.reveal(), format!("{PIN}777777"));

    it.types("o");
    it.types(PIN);
    it.presses(KeyCode::Backspace);
    it.types("3");
    let said = it.says(KeyCode::Enter);
    assert_eq!(said[0], Command::Open { on: it.app.on(&it.facts), seconds: None, pin: Some(Secret::new("274953")) });
}

#[test]
fn pins_of_the_token_and_of_the_holder_are_changed() {
    let mut it = Person::before(facts());
    it.types("p");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("New PINs for Front door");
    fill(&mut it, &[PIN, "518364", "518364", "", ""]);
    let on = it.app.on(&it.facts);
    let change = Command::ChangePins { on, pin: Secret::new(PIN), new: Secret::new("518364"), duress: vec![] };
    assert_eq!(it.says(KeyCode::Enter), [change]);

    it.types("p");
    it.presses(KeyCode::Down);
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("PINs that the holder of main knows");
    fill(&mut it, &[PIN, PIN, DURESS, DURESS]);
    let persona = Command::Persona { device: "main".into(), pin: Secret::new(PIN), duress: vec![Secret::new(DURESS)] };
    assert_eq!(it.says(KeyCode::Enter), [persona]);
}

#[test]
fn what_was_done_or_said_is_written_to_a_file_whose_name_says_what() {
    let mut it = Person::before(facts());
    let write = |it: &mut Person, file: &str| {
        it.types("w");
        it.finds("Write what was done or said");
        it.types(file);
        it.says(KeyCode::Enter)
    };
    assert_eq!(write(&mut it, "my day.yaml"), [Command::Record("my day.yaml".into())]);
    it.finds("$ cardea-emulator scenario record 'my day.yaml'");
    assert_eq!(write(&mut it, ""), [Command::Record("byhand.yaml".into())]);
    for file in ["said.jsonl", "said.pcapng", "said.keylog"] {
        assert_eq!(write(&mut it, file), [Command::Export(file.into())]);
    }
    assert_eq!(write(&mut it, "said.txt"), []);
    it.finds("end it in .yaml, .jsonl, .pcapng or .keylog");
}

#[test]
fn a_token_is_called_something_given_up_and_removed() {
    let mut it = Person::before(facts());
    let on = it.app.on(&it.facts);
    it.types("m");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.types("Back door");
    assert_eq!(it.says(KeyCode::Enter), [Command::Label { on: on.clone(), label: "Back door".into() }]);

    it.chooses('m', "Give Front door up…");
    it.types(PIN);
    it.misses(PIN);
    assert_eq!(it.says(KeyCode::Enter), [Command::Unenroll { on: on.clone(), pin: Some(Secret::new(PIN)) }]);

    it.chooses('m', "Remove Front door here only…");
    // A key too many removes nothing.
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("type yes, or leave with Esc");
    it.types("yes");
    assert_eq!(it.says(KeyCode::Enter), [Command::Forget(on)]);

    it.chooses('m', "Remove the device main…");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.types("yes");
    assert_eq!(it.says(KeyCode::Enter), [Command::RemoveDevice { name: "main".into() }]);
}

#[test]
fn the_session_is_kept_and_gone_back_to_and_a_device_is_copied_and_made_new() {
    let kept = Snapshot { name: "baseline".into(), taken_at: 0, devices: vec!["main".into()] };
    let mut it = Person::before(Facts { snapshots: Arc::new(vec![kept]), ..facts() });
    it.chooses('b', "Keep everything as it is…");
    it.types("-x");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("is no name for a snapshot");
    it.presses(KeyCode::Esc);
    it.chooses('b', "Keep everything as it is…");
    it.types("later");
    assert_eq!(it.says(KeyCode::Enter), [Command::SnapSave("later".into())]);

    it.chooses('b', "Go back to baseline…");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("type yes, or leave with Esc");
    it.types("yes");
    assert_eq!(it.says(KeyCode::Enter), [Command::SnapLoad("baseline".into())]);
    assert_eq!(it.chosen('b', "Forget baseline"), [Command::SnapRemove("baseline".into())]);

    let device = || "main".to_owned();
    it.chooses('b', "Copy the device main…");
    it.types("evil");
    assert_eq!(it.says(KeyCode::Enter), [Command::Clone { device: device(), new: "evil".into() }]);
    it.chooses('b', "Call the device main otherwise…");
    it.types("old");
    assert_eq!(it.says(KeyCode::Enter), [Command::Rename { device: device(), new: "old".into() }]);
    it.chooses('b', "Make the device main new…");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.types("yes");
    assert_eq!(it.says(KeyCode::Enter), [Command::Reset { device: device() }]);
}

#[test]
fn another_device_of_the_token_is_revoked_once_the_server_has_said_which_there_are() {
    let mut it = Person::before(facts());
    let id = token().id;
    let siblings = it.chosen('m', "Which devices the token has");
    assert_eq!(siblings, [Command::Siblings(On { device: "main".into(), token: Some(id.clone()) })]);

    let sibling = |device: &str, this| Sibling { device: device.into(), this, ..Sibling::default() };
    let answers =
        Answers { siblings: Some(vec![sibling("0a0b0c0d", true), sibling("1f2e3d4c", false)]), ..Answers::default() };
    let answers = BTreeMap::from([(("main".to_owned(), id), Arc::new(answers))]);
    let mut it = Person::before(Facts { answers, ..facts() });
    it.types("m");
    it.finds("Revoke the device 1f2e3d4c…");
    it.misses("Revoke the device 0a0b0c0d…");
    it.presses(KeyCode::Esc);
    it.chooses('m', "Revoke the device 1f2e3d4c…");
    it.types(PIN);
    let on = it.app.on(&it.facts);
    let revoke = Command::Revoke { on, other: "1f2e3d4c".into(), pin: Some(Secret::new(PIN)) };
    assert_eq!(it.says(KeyCode::Enter), [revoke]);
}

#[test]
fn a_device_without_a_token_has_less_to_choose_from() {
    let mut it = Person::before(with(facts(), device("main", vec![])));
    let listens = it.chosen('m', "Listens to its servers");
    assert_eq!(listens, [Command::Watch { device: "main".into(), watch: true }]);
    it.types("m");
    it.misses("Call the token…");
    it.misses("Give");
}

#[test]
fn what_is_typed_is_nowhere_to_be_printed() {
    let mut it = Person::before(facts());
    it.types("e");
    it.types("7K4MQ2ABCD");
    assert!(!format!("{:?}", it.app).contains("7K4MQ2ABCD"));
}

#[test]
fn a_relying_party_asks_once_everything_is_said() {
    let mut it = Person::before(facts());
    it.types("v");
    it.finds("Ask as a relying party");
    fill(&mut it, &["https://id.example", "default_demo", "joe"]);
    it.presses(KeyCode::Tab);
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("this has to be said");
    it.types("status.key");
    let whom = crate::face::Whom {
        server: "https://id.example".into(),
        service: "default_demo".into(),
        authkey_file: "status.key".into(),
    };
    assert_eq!(it.says(KeyCode::Enter), [Command::Check { whom, user: "joe".into() }]);
    it.finds("$ cardea-emulator rp check joe");
}

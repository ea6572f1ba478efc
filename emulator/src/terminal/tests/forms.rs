//! What is typed and pasted into forms.

use super::*;
use crate::face::{Invitation, Secret};

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
fn what_was_done_is_written_as_a_scenario_to_a_file_that_is_named_or_not() {
    let mut it = Person::before(facts());
    it.types("w");
    it.finds("Write what was done as a scenario");
    it.types("my day.yaml");
    assert_eq!(it.says(KeyCode::Enter), [Command::Record("my day.yaml".into())]);
    it.finds("$ cardea-emulator scenario record 'my day.yaml'");
    it.types("w");
    assert_eq!(it.says(KeyCode::Enter), [Command::Record("byhand.yaml".into())]);
}

#[test]
fn what_is_typed_is_nowhere_to_be_printed() {
    let mut it = Person::before(facts());
    it.types("e");
    it.types("7K4MQ2ABCD");
    assert!(!format!("{:?}", it.app).contains("7K4MQ2ABCD"));
}

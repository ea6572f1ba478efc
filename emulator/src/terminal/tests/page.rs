//! The page about the terminal shows what there is.

use super::super::once::{Size, picture};
use super::*;

const PAGE: &str = include_str!("../../../../docs/emulator/terminal.md");

#[test]
fn the_picture_of_the_page_is_the_one_that_is_drawn() {
    let mut it = Person::before(facts());
    it.types("o");
    it.types(PIN);
    it.says(KeyCode::Enter);
    let drawn = picture(&it.app, &it.facts, NOW, Size { width: 120, height: 24 });
    let shown = PAGE.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let clean = |text: &str| text.trim_end().to_owned();
    assert_eq!(clean(shown), clean(&drawn), "docs/emulator/terminal.md is to have this picture:\n{drawn}");
}

#[test]
fn every_key_of_the_page_is_one_that_the_help_knows() {
    let mut it = Person::before(facts());
    it.types("?");
    let help = it.sees();
    let keys: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| {
            line.split('|')
                .nth(1)
                .unwrap_or_default()
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|key| key.chars().count() == 1)
        })
        .collect();
    assert!(keys.len() > 15, "{keys:?}");
    for key in keys {
        assert!(help.lines().any(|line| line.split(' ').any(|word| word == key)), "{key}\n{help}");
    }
}

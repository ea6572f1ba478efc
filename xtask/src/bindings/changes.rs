//! What has changed between two lists of public things, a line each: its path, a colon, and how it is declared.

use std::collections::{BTreeMap, BTreeSet};

/// What is gone, changed and new, and what to do about each; none if nothing is.
pub(super) fn changes(committed: &str, given: &str) -> Option<String> {
    let only = |from: &str, other: &str| {
        let other: BTreeSet<&str> = other.lines().collect();
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in from.lines().filter(|line| !other.contains(line)) {
            let (path, text) = line.split_once(": ").unwrap_or((line, ""));
            // Several implementations of one thing stand under its name; what each is of tells them apart.
            let key = if text.contains("impl ") && !text.contains("pub ") { line } else { path };
            lines.entry(key.to_owned()).or_default().push(line.to_owned());
        }
        lines
    };
    let (before, now) = (only(committed, given), only(given, committed));
    let (mut gone, mut changed, mut new) = (String::new(), String::new(), String::new());
    for (path, lines) in &before {
        let to = if now.contains_key(path) { &mut changed } else { &mut gone };
        lines.iter().for_each(|line| *to += &format!("- {line}\n"));
        now.get(path).into_iter().flatten().for_each(|line| *to += &format!("+ {line}\n"));
    }
    for (_, lines) in now.iter().filter(|(path, _)| !before.contains_key(*path)) {
        lines.iter().for_each(|line| new += &format!("+ {line}\n"));
    }
    let mut text = String::new();
    for (lines, what) in [
        (
            gone,
            "gone; apps that use it do not build or run any more. Keep it, deprecated, as docs/sdk/versions.md says:",
        ),
        (
            changed,
            "changed; apps that use it may not build or run any more. Give the new one another name, or wait for the next major version:",
        ),
        (new, "new; apps will count on it. If it is meant to be public, say so in the changelog:"),
    ] {
        if !lines.is_empty() {
            text += &format!("{what}\n{lines}");
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_change_is_reported_with_what_to_do() {
        let before =
            "a::gone: pub fn gone()\na::kept: pub fn kept()\na::other: pub fn other(&self)\na::x: impl Clone\n";
        let now =
            "a::kept: pub fn kept()\na::new: pub fn new()\na::other: pub fn other(&self, more: u8)\na::x: impl Copy\n";
        let text = changes(before, now).unwrap();
        let part = |start: &str| text.split(start).nth(1).unwrap_or_else(|| panic!("{start}: {text}"));
        let lines = |start: &str| {
            part(start).lines().skip(1).take_while(|line| line.starts_with(['-', '+'])).collect::<Vec<_>>()
        };
        assert_eq!(lines("gone; "), ["- a::gone: pub fn gone()", "- a::x: impl Clone"]);
        assert!(part("gone; ").contains("deprecated"));
        assert_eq!(
            lines("changed; "),
            ["- a::other: pub fn other(&self)", "+ a::other: pub fn other(&self, more: u8)"]
        );
        assert!(part("changed; ").contains("major version"));
        assert_eq!(lines("new; apps"), ["+ a::new: pub fn new()", "+ a::x: impl Copy"]);
        assert!(part("new; apps").contains("changelog"));
        assert_eq!(changes(before, before), None);
    }
}

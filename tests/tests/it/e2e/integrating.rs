//! `docs/api.md`, word for word.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use cardea_tests::harness::{Site, emulator as program};

use super::page::blocks;

const PAGE: &str = include_str!("../../../../docs/api.md");

/// Whether `said` is `expected`, where `…` stands for anything within a line.
pub(super) fn fits(expected: &str, said: &str) -> bool {
    let mut rest = said;
    let mut parts = expected.split('…').peekable();
    let Some(first) = parts.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    while let Some(part) = parts.next() {
        let found = if parts.peek().is_none() && part.is_empty() { Some(rest.len()) } else { rest.find(part) };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

#[test]
fn the_page_for_integrators_is_right_word_for_word() {
    let site = Site::dev();
    let folder = site.folder().join("page");
    fs::create_dir(&folder).expect("a folder");
    // The server of this test hashes PINs cheaply, which the emulator has to be told.
    let emulator = folder.join("cardea-emulator");
    let real = program().display().to_string();
    let script = format!("#!/bin/sh\nexec {real} --state {}/state --allow-test-argon2 \"$@\"\n", folder.display());
    fs::write(&emulator, script).expect("written");
    fs::set_permissions(&emulator, fs::Permissions::from_mode(0o700)).expect("set");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());

    let blocks: Vec<_> = blocks(PAGE).collect();
    let mut compared = 0;
    for (index, (language, text)) in blocks.iter().enumerate() {
        if *language != "sh" || text.starts_with("export ") {
            continue;
        }
        let ran = Command::new("bash")
            .args(["-c", text])
            .current_dir(&folder)
            .env("PATH", &path)
            .env("CARDEA", format!("http://{}", site.http()))
            .env("STATUS_KEY", &site.status_key)
            .env("ADMIN_KEY", &site.admin_key)
            .output()
            .expect("bash runs");
        let said = String::from_utf8(ran.stdout).expect("text");
        if let Some((_, expected)) = blocks.get(index + 1).filter(|(language, _)| ["json", "text"].contains(language)) {
            // Answers have no line ends; what the emulator says before them is its own affair.
            let (expected, said) = (expected.replace('\n', ""), said.replace('\n', ""));
            let start = expected.split('…').next().unwrap_or_default();
            let said = said.find(start).map_or(said.as_str(), |at| &said[at..]);
            let errors = String::from_utf8_lossy(&ran.stderr);
            assert!(fits(&expected, said), "{text}\nsaid {said}\nnot  {expected}\n{errors}");
            compared += 1;
        }
    }
    assert!(compared > 9, "{compared}");
}

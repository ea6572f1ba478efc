//! `docs/server.md`, word for word: what it says to type works, and what there is to type and to set is on it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cardea_tests::harness::{Output, Site, emulator, output, server};
use serde_json::Value;

use super::integrating::fits;
use super::page::{blocks, project};

const PAGE: &str = include_str!("../../../../docs/server.md");

/// The page and those that it was split into.
fn pages() -> String {
    let files = fs::read_dir(project("docs/server")).expect("a folder").map(|entry| entry.expect("a file").path());
    files.fold(PAGE.to_owned(), |all, path| all + &fs::read_to_string(path).expect("text"))
}

/// What is typed on the page, and what it then prints.
fn console() -> Vec<(String, String)> {
    let blocks = blocks(PAGE).filter_map(|(language, text)| (language == "console").then_some(text));
    let mut typed: Vec<(String, String)> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match line.strip_prefix("$ ") {
            Some(command) => typed.push((command.to_owned(), String::new())),
            None => typed.last_mut().expect("a command comes first").1.push_str(line),
        }
    }
    typed
}

/// A script called `name` that others can run.
fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("set");
}

/// Runs a line in a folder whose programs come first.
fn shell(folder: &Path, line: &str) -> Output {
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    output(Command::new("bash").args(["-c", line]).current_dir(folder).env("PATH", path))
}

#[test]
fn the_first_five_minutes_are_as_the_page_says() {
    let site = Site::dev();
    let folder = site.folder();
    fs::write(folder.join("pin"), format!("{}\n", Site::PIN)).expect("written");
    // The server of this test hashes PINs cheaply, which the emulator has to be told; and nobody is there to type.
    let state = folder.join("state").display().to_string();
    let real = emulator().display();
    script(
        folder,
        "cardea-emulator",
        &format!("exec {real} --state {state} --allow-test-argon2 --pin-file pin \"$@\""),
    );
    let mut link = String::new();
    let mut compared = 0;
    for (command, expected) in console() {
        if !command.contains("curl") && !command.starts_with("cardea-emulator") {
            continue;
        }
        let line = command
            .replace("127.0.0.1:8420", &site.http().to_string())
            .replace("ADMIN_KEY", &site.admin_key)
            .replace("STATUS_KEY", &site.status_key)
            .replace("LINK", &link);
        let said = shell(folder, &line);
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
        if !expected.is_empty() {
            let said = said.out.replace('\n', "");
            let mut sorted = [expected.clone(), said.clone()].map(|text| serde_json::from_str::<Value>(&text).ok());
            // The members of an object have no order; what is left out on the page may be anything.
            let is_same = fits(&expected, &said) || members(&expected) == members(&said);
            assert!(is_same, "{command}\nsaid {said}\nnot  {expected}");
            if let Some(answer) = sorted[1].take().filter(|answer| answer["link"].is_string()) {
                link = answer["link"].as_str().expect("text").to_owned();
            }
            compared += 1;
        }
    }
    assert!(compared >= 2, "{compared}");
    assert_eq!(site.status("joe"), 1);
}

/// The names of the members of an object, whatever its values are.
fn members(text: &str) -> BTreeSet<String> {
    let whole: Option<Value> = serde_json::from_str(&text.replace(":…", ":0")).ok();
    whole.as_ref().and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn an_installation_is_made_as_the_page_says() {
    let mut site = Site::empty();
    let folder = site.folder().to_owned();
    script(&folder, "cardea-server", &format!("exec {} \"$@\"", server().display()));
    let (data, config) = (site.data().display().to_string(), folder.join("cardea.toml").display().to_string());
    let local = |text: &str| text.replace("/var/lib/cardea", &data).replace("/etc/cardea.toml", &config);
    let mut steps = Vec::new();
    for (command, _) in console() {
        let what = command.split(' ').nth(1).unwrap_or_default().to_owned();
        let line = local(&command);
        match what.as_str() {
            "init" => {
                let said = shell(&folder, &line);
                assert_eq!(said.code, Some(0), "{said:?}");
                let keys: Vec<&str> = said.out.split_whitespace().filter(|word| word.len() > 40).collect();
                site.hide(
                    &keys.iter().filter(|key| !key.contains('/')).map(|key| (*key).to_owned()).collect::<Vec<_>>(),
                );
            }
            "config" => {
                let said = shell(&folder, &line);
                assert_eq!(said.code, Some(0), "{said:?}");
                // Only the place is another one here.
                let text = local(&fs::read_to_string(&config).expect("it is there"));
                fs::write(&config, text).expect("written");
            }
            "run" => {
                let (_, arguments) = line.split_once(" run ").expect("it has arguments");
                site.start.run = true;
                site.start.arguments = arguments.split(' ').map(str::to_owned).collect();
                site.up();
                let listed = site.tool(&["service", "list", "--json"]);
                let listed: Value = serde_json::from_str(&listed.out).expect("JSON");
                assert_eq!(listed[0]["name"], "default_main");
                assert_eq!(site.stop(), Some(0));
            }
            _ => continue,
        }
        steps.push(what);
    }
    assert_eq!(steps, ["init", "config", "run"]);
}

/// Every command that `--help` of the program knows, as words after its name.
fn commands(before: &[String]) -> Vec<Vec<String>> {
    let help = output(Command::new(server()).args(before).arg("--help"));
    assert_eq!(help.code, Some(0), "{before:?}: {help:?}");
    let Some((_, list)) = help.out.split_once("Commands:\n") else { return vec![before.to_vec()] };
    let names = list.lines().take_while(|line| line.starts_with("  ")).filter(|line| !line.starts_with("    "));
    let mut all = Vec::new();
    if help.out.contains("[COMMAND]") {
        all.push(before.to_vec());
    }
    for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        all.extend(commands(&[before, &[name.to_owned()]].concat()));
    }
    all
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The cells of the tables on all pages.
fn rows(pages: &str) -> Vec<Vec<&str>> {
    let lines = pages.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    lines.map(|line| line.split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_pages_have_every_command_and_no_other() {
    let pages = pages();
    let mut told = BTreeSet::new();
    for row in rows(&pages).iter().filter(|row| row.len() == 2) {
        let mut group = Vec::new();
        for piece in quoted(row[0]) {
            let words: Vec<&str> =
                piece.split(' ').filter(|word| word.chars().all(|c| c.is_lowercase() || c == '-')).collect();
            let words: Vec<&str> = words.into_iter().filter(|word| !word.starts_with('-')).collect();
            match words.as_slice() {
                [one] if !group.is_empty() => drop(told.insert(format!("{} {one}", group.join(" ")))),
                [] => {}
                all => {
                    told.insert(all.join(" "));
                    group = all[..all.len() - 1].to_vec();
                }
            }
        }
    }
    let known: BTreeSet<String> = commands(&[]).iter().map(|words| words.join(" ")).collect();
    let missing: Vec<&String> = known.difference(&told).collect();
    assert!(missing.is_empty(), "on no page: {missing:?}");
    // The tables of keys and calls are about something else.
    let groups: BTreeSet<&str> = known.iter().filter_map(|command| command.split(' ').next()).collect();
    let invented: Vec<&String> = told
        .difference(&known)
        .filter(|told| told.split(' ').next().is_some_and(|first| groups.contains(first)))
        .collect();
    assert!(invented.is_empty(), "not to be typed: {invented:?}");
}

#[test]
fn the_pages_have_every_key_of_the_configuration_with_its_default() {
    let printed = output(Command::new(server()).arg("config"));
    let (pages, mut section) = (pages(), String::new());
    let rows = rows(&pages);
    let mut defaults = Vec::new();
    for line in printed.out.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once(" = ") {
            defaults.push((section.clone(), key.to_owned(), value.trim_matches('"').to_owned()));
        }
    }
    assert!(defaults.len() > 40, "{defaults:?}");
    let mut missing = Vec::new();
    for (section, key, value) in &defaults {
        let whole = format!("{section}.{key}");
        let row = rows.iter().find(|row| {
            let names = quoted(row[0]);
            let inside = names.first().is_some_and(|first| first.starts_with(&format!("{section}.")));
            row.len() == 3 && inside && (names.contains(&whole.as_str()) || names.contains(&key.as_str()))
        });
        let Some(row) = row else {
            if !pages.contains(&format!("`{whole}`")) {
                missing.push(whole);
            }
            continue;
        };
        let names = quoted(row[0]);
        let at = names.iter().position(|name| *name == whole || name == key).expect("it was found there");
        let told: Vec<&str> = row[1].split(", ").map(|value| value.trim_matches('`')).collect();
        let told = told.get(at).copied().unwrap_or_default();
        // Words stand for what follows from other keys.
        if !told.is_empty() && !value.is_empty() && told.chars().any(|c| c.is_ascii_digit()) {
            assert_eq!(told, value, "{whole}");
        }
    }
    assert!(missing.is_empty(), "on no page: {missing:?}");
}

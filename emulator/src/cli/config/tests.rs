use std::collections::BTreeSet;
use std::fs;

use clap::FromArgMatches as _;

use super::*;
use crate::cli::args::{Arguments, Command, Way};
use crate::cli::config::settings::Setting;

/// A place for a file with this text.
fn place(text: &str, is_own: bool) -> (tempfile::TempDir, Place) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    fs::write(&path, text).unwrap();
    (folder, Place { path, is_named: true, is_own })
}

/// What is said of a file of a folder: the line, and what is wrong.
fn findings(text: &str) -> Vec<(usize, String)> {
    let (_folder, place) = place(text, false);
    let said = |finding| match finding {
        ConfigError::Wrong { line, problem, .. } => (line, problem),
        ConfigError::Read { .. } => panic!("it is there"),
    };
    Layer::read(&place).unwrap().1.into_iter().map(said).collect()
}

fn arguments(config: &Config, text: &str) -> Arguments {
    Arguments::from_arg_matches(&config.command().try_get_matches_from(text.split(' ')).unwrap()).unwrap()
}

#[test]
fn an_option_wins_over_the_first_file_and_that_over_the_second() {
    let (_one, first) = place("transport = 'udp'\n", true);
    let (_other, second) = place("transport = 'auto'\nallow_test_argon2 = true\n[run]\nlease = 60\n", true);
    let layers = [first, second].map(|place| Layer::read(&place).unwrap().0);
    let config = Config { layers: layers.into() };
    assert!(matches!(arguments(&config, "x --transport tcp list").common.transport, Way::Tcp));
    let Arguments { common, command } = arguments(&config, "x run");
    assert!(matches!(common.transport, Way::Udp) && common.allow_test_argon2);
    assert!(matches!(command, Command::Run(how) if how.conditions.lease == Some(60)));
    // `up` starts `run`.
    assert!(matches!(arguments(&config, "x up").command, Command::Up(how) if how.lease == Some(60)));
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line_and_what_was_meant() {
    for (text, line, said) in [
        ("web_port = 1\ntrasport = 'tcp'\n", 2, "there is no `trasport`: did you mean `transport`?"),
        ("web-port = 1\n", 1, "did you mean `web_port`?"),
        ("\n[rnu]\n", 2, "there is no section `rnu`: did you mean `run`?"),
        ("[run]\n\nleese = 1\n", 3, "there is no `leese` in `[run]`: did you mean `lease`?"),
        ("lease = 1\n", 1, "it is in `[run]`"),
        ("[run]\ntransport = 'tcp'\n", 2, "it is above all sections"),
        ("allow_test_argon2 = 1\n", 1, "`allow_test_argon2` must be true or false"),
        ("transport = true\n", 1, "must be a text or a number"),
        ("transport = 'tpc'\n", 1, "[possible values: auto, tcp, udp, websocket]"),
        ("[run]\nhttp = '10.0.0.1:80'\n", 2, "`run.http` cannot be so"),
        ("[run]\nlease = 100000\n", 2, "`run.lease` cannot be so"),
        ("[run]\nfaults_at = 'x'\n", 2, "must be a list of texts"),
        ("yes = true\n", 1, "is said each time: as --yes"),
        ("pin_file = 'x'\n", 1, "is not for the file of a folder"),
        ("ctl = 'http://id.example'\n", 1, "is not for the file of a folder"),
        ("timeout = 'soon'\n", 1, "`timeout` cannot be so"),
        ("a = \n", 1, "this is no TOML"),
        ("[profiles]\nslow = { nett = '2g' }\n", 2, "the profile `slow`: unknown field `nett`"),
        ("profiles.slow = { delay = 'soon' }\n", 1, "the profile `slow`: `delay`: "),
        ("profiles.\"../x\" = {}\n", 1, "is no name"),
    ] {
        let found = findings(text);
        assert!(found.len() == 1 && found[0].0 == line && found[0].1.contains(said), "{text}: {found:?}");
    }
    let several = findings("yes = 1\nz = 2\n[profiles.a]\nnet = 3\n[run]\nb = 1\n");
    assert_eq!(several.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3, 6]);
}

#[test]
fn a_file_of_ones_own_says_more_and_its_paths_are_seen_from_its_folder() {
    let (folder, place) = place("pin_file = 'pins'\nweb_ca = '/ca.pem'\n", true);
    let (layer, findings) = Layer::read(&place).unwrap();
    assert!(findings.is_empty());
    let config = Config { layers: vec![layer] };
    let common = arguments(&config, "x list").common;
    assert_eq!(common.pins.pin_file, Some(folder.path().join("pins")));
    assert_eq!(common.web_ca, Some("/ca.pem".into()));
}

#[test]
fn profiles_are_read_as_people_write_them() {
    let text = "[profiles]\nqa-flaky = { net = 'lossy-wifi', presence = 'approve', delay = 'lognormal(900ms,0.5)' }\n\
                bad-train = { net = { latencyMs = 300, loss = 0.1 } }\n";
    let (_folder, place) = place(text, false);
    let config = Config { layers: vec![Layer::read(&place).unwrap().0] };
    let profiles = serde_json::json!(config.profiles());
    assert_eq!(profiles["qa-flaky"]["delay"], serde_json::json!({ "medianMs": 900, "sigma": 0.5 }));
    assert_eq!(profiles["bad-train"]["net"]["latencyMs"], 300);
    assert_eq!(profiles["bad-train"]["presence"], "approve");
}

#[test]
fn every_option_has_a_name_of_its_own_in_the_environment() {
    let all = Setting::all();
    let names: BTreeSet<&str> = all.iter().map(|setting| setting.key.as_str()).collect();
    assert_eq!(names.len(), all.len(), "{names:?}");
    for key in ["timeout", "no_input", "pin_file", "color", "quiet", "log_file", "web_port", "http", "window"] {
        assert!(names.contains(key), "{key}");
    }
}

#[test]
fn options_that_have_to_be_known_first_are_found_wherever_they_stand() {
    let find = |text: &str| {
        let given: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        early("config", Some("-c"), &given)
    };
    for text in ["x --config a list", "x list --config=a", "x -c a", "x list -ca"] {
        assert_eq!(find(text), Some("a".into()), "{text}");
    }
    for text in ["x list", "x --configure a", "x label -- --config a", "x --config"] {
        assert_eq!(find(text), None, "{text}");
    }
}

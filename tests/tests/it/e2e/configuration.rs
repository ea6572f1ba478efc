//! An installation that is configured: `init`, services and authkeys from the command line, and the four sources.

use std::fs;
use std::path::Path;

use cardea_tests::harness::{Site, output_with, server};
use serde_json::{Value, json};

const PIN: &str = Site::PIN;

#[test]
fn an_installation_is_made_from_the_command_line_while_the_server_runs() {
    let mut site = Site::run();
    let ok = |arguments: &[&str]| {
        let done = site.tool(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {done:?}");
        done.out
    };
    ok(&["service", "create", "default_vpn", "--window", "3600"]);
    let services: Value = serde_json::from_str(&ok(&["service", "list", "--json"])).unwrap();
    assert_eq!((&services[1]["name"], &services[1]["window"]), (&json!("default_vpn"), &json!(3600)));

    let create =
        ["authkey", "create", "--subscription", "default", "--name", "all", "--permissions", "admin", "--json"];
    let made: Value = serde_json::from_str(&ok(&create)).unwrap();
    let (key, id) = (made["value"].as_str().unwrap().to_owned(), made["id"].as_str().map(str::to_owned));
    let id = id.unwrap_or_else(|| made["id"].to_string());
    site.hide(std::slice::from_ref(&key));

    let mut command = std::process::Command::new(server());
    command.args(["authkey", "create", "--service", "default_vpn", "--name", "given", "--value-file", "-"]);
    let given = "given-by-somebody-else";
    site.hide(&[given.to_owned()]);
    let done = output_with(command.arg("--data-dir").arg(site.data()), &format!("{given}\n"));
    assert!(done.code == Some(0) && !done.out.contains(given), "{done:?}");

    let listed = ok(&["authkey", "list"]);
    for secret in [key.as_str(), given, &site.status_key, &site.admin_key] {
        assert!(!listed.contains(secret), "{listed}");
    }

    site.service = "default_vpn".to_owned();
    let first_keys = (site.admin_key.clone(), site.status_key.clone());
    assert_eq!(site.call("enroll", "joe", &json!({})).code, 403, "the first keys are for the first service");
    (site.admin_key, site.status_key) = (key, given.to_owned());
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    std::mem::swap(&mut site.admin_key, &mut site.status_key);
    assert_eq!(site.call("delete", "joe", &json!({})).code, 403, "a basic key only asks");
    std::mem::swap(&mut site.admin_key, &mut site.status_key);

    let revoked = site.tool(&["authkey", "revoke", &id]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert_eq!(site.call("delete", "joe", &json!({})).code, 403, "a revoked key does nothing, at once");
    assert_eq!(site.status("joe"), 1);
    (site.admin_key, site.status_key) = first_keys;
    site.service = "default_main".to_owned();
    site.power_failure();
    site.enrolled("ann").open(PIN).ended(0);
    assert_eq!(site.status("ann"), 1);
}

#[test]
fn mistakes_on_the_command_line_are_told_and_change_nothing() {
    let site = Site::run();
    let listed = || (site.tool(&["service", "list"]).out, site.tool(&["authkey", "list"]).out);
    let before = listed();
    let mistakes: [(&[&str], i32, &str); 10] = [
        (&["init"], 1, "initialized already"),
        (&["service", "create", "default_main"], 1, ""),
        (&["service", "create", "nounderscore"], 1, ""),
        (&["service", "create", "default_x", "--tries", "11"], 1, ""),
        (&["service", "create", "default_x", "--window", "-1"], 2, ""),
        (&["authkey", "create", "--service", "default_none", "--name", "x"], 1, ""),
        (&["authkey", "create", "--service", "default_main", "--name", "x", "--permissions", "all"], 1, ""),
        (&["authkey", "create", "--service", "default_main", "--name", "x", "--value-file", "/nowhere"], 1, "/nowhere"),
        (&["authkey", "revoke", "none"], 1, ""),
        (&["restore-marker"], 1, "stop it first"),
    ];
    for (arguments, code, piece) in mistakes {
        let done = site.tool(arguments);
        assert_eq!(done.code, Some(code), "{arguments:?}: {done:?}");
        assert!(done.err.contains(piece) && done.err.lines().count() >= 1, "{arguments:?}: {done:?}");
    }
    assert_eq!(listed(), before);
}

/// Whether the server's first line in the log is JSON, which `log.format` says.
fn logs_json(site: &mut Site) -> bool {
    let before = site.log().len();
    site.up();
    assert_eq!(site.stop(), Some(0));
    site.log()[before..].starts_with('{')
}

#[test]
fn flags_win_over_the_environment_the_environment_over_the_file_the_file_over_the_defaults() {
    let mut site = Site::run();
    assert_eq!(site.stop(), Some(0));
    let file = site.folder().join("cardea.toml");
    let file_name = file.display().to_string();
    assert!(!logs_json(&mut site), "the default is text");

    fs::write(&file, "[log]\nformat = \"json\"\n").unwrap();
    site.start.arguments = vec!["--config".to_owned(), file_name.clone()];
    assert!(logs_json(&mut site), "the file says JSON");
    site.start.environment = vec![("CARDEA_LOG_FORMAT".to_owned(), "text".to_owned())];
    assert!(!logs_json(&mut site), "the environment says text");
    site.start.arguments.extend(["--set".to_owned(), "log.format=json".to_owned()]);
    assert!(logs_json(&mut site), "the flag says JSON");

    site.start.arguments.clear();
    site.start.environment = vec![("CARDEA_CONFIG".to_owned(), file_name)];
    assert!(logs_json(&mut site), "the environment names the file");

    let printed = site.tool(&["config"]);
    assert_ne!(printed.code, Some(0), "it is the same for every folder");
    let printed = output_with(std::process::Command::new(server()).arg("config"), "");
    fs::write(&file, printed.out).unwrap();
    assert!(!logs_json(&mut site), "what `config` prints can be used as it is");
}

#[test]
fn a_wrong_configuration_names_the_key_and_its_source() {
    let mut site = Site::run();
    assert_eq!(site.stop(), Some(0));
    let file = site.folder().join("cardea.toml");
    let mut refused = |text: &str, environment: &[(&str, &str)], arguments: &[&str], pieces: &[&str]| {
        fs::write(&file, text).unwrap();
        let mut all = vec!["--config".to_owned(), file.display().to_string()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        site.start.arguments = all;
        site.start.environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let ended = site.try_up().expect_err("it must not start");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        for piece in pieces {
            assert!(ended.err.contains(piece), "{piece}: {ended:?}");
        }
    };
    refused("[log]\nfromat = \"json\"\n", &[], &[], &["cardea.toml", "log.fromat"]);
    refused("[http]\nmax_requests = \"many\"\n", &[], &[], &["cardea.toml", "http.max_requests"]);
    refused("nonsense", &[], &[], &["cardea.toml", "TOML"]);
    refused("", &[("CARDEA_HTTP_BODY_LIMIT", "much")], &[], &["CARDEA_HTTP_BODY_LIMIT", "http.body_limit"]);
    refused("", &[], &["--set", "channel.idle=1"], &["--set", "channel.idle"]);
    refused("", &[], &["--set", "log.format=xml"], &["--set", "log.format"]);
    refused("", &[], &["--set", "public.url=ftp://x"], &["--set", "public.url"]);
}

#[test]
fn what_stands_in_the_way_of_a_start_is_named() {
    let mut site = Site::empty();
    site.start.run = true;
    let ended = site.try_up().expect_err("there is no data");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("data"), "{ended:?}");
    assert!(!site.data().exists(), "a start does not make an installation by the way");

    let running = Site::run();
    let mut second = Site::run();
    assert_eq!(second.stop(), Some(0));
    let taken = running.http().to_string();
    second.start.arguments = vec!["--http".to_owned(), taken.clone()];
    let ended = second.try_up().expect_err("the port is taken");
    assert!(ended.code == Some(1) && ended.err.contains(&taken) && ended.err.contains("http.listen"), "{ended:?}");

    let done = running.tool(&["run", "--http", "127.0.0.1:0", "--channel", "127.0.0.1:0"]);
    assert!(done.code == Some(1) && done.err.contains("another server"), "{done:?}");

    for (arguments, code) in [(&["dev", "--http", "0.0.0.0:0"][..], 1), (&["fly"], 2), (&[], 2)] {
        let done = output_with(std::process::Command::new(Path::new(server())).args(arguments), "");
        assert_eq!(done.code, Some(code), "{arguments:?}: {done:?}");
        assert!(!done.err.is_empty(), "{arguments:?}");
    }
}

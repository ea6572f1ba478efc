//! The commands that administer, beside a running server and without one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use cardea_tests::harness::{Output, Site, output_with, server};
use serde_json::{Value, json};

const PIN: &str = Site::PIN;

fn done(site: &Site, line: &str) -> String {
    let said = site.tool(&words(line));
    assert_eq!(said.code, Some(0), "{line}: {said:?}");
    said.out
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').filter(|word| !word.is_empty()).collect()
}

fn parsed(site: &Site, line: &str) -> Value {
    let out = done(site, &format!("{line} --json"));
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}: {out}"))
}

/// An authkey that is shown here and nowhere else.
fn new_key(site: &Site, line: &str) -> (String, String) {
    let made = parsed(site, line);
    let value = made["value"].as_str().expect("it is shown").to_owned();
    site.hide(std::slice::from_ref(&value));
    (made["id"].to_string(), value)
}

/// What the commands about services, authkeys and subscriptions print, whoever else has the data open.
fn administered(site: &Site) -> Vec<String> {
    assert_eq!(done(site, "subscription create clinic"), "created clinic\n");
    assert_eq!(parsed(site, "subscription list")[0]["name"], "clinic");
    let created = parsed(site, "service create clinic_ward --window 0 --lifetime 30 --tries 5 --devices 2 --no-duress");
    assert_eq!((&created["window"], &created["devices"], &created["duress"]), (&json!(0), &json!(2), &json!(false)));
    assert_eq!(done(site, "service update clinic_ward --window 20 --label Ward"), "updated clinic_ward\n");
    let shown = parsed(site, "service show clinic_ward");
    assert_eq!((&shown["window"], &shown["label"], &shown["attempts"]), (&json!(20), &json!("Ward"), &json!(5)));
    let listed = done(site, "service list");
    assert!(listed.lines().any(|line| words(line) == ["clinic_ward", "20", "s", "5", "off"]), "{listed}");

    let (id, first) = new_key(site, "authkey create --service clinic_ward --name door --permissions status,enroll");
    let (next, second) = new_key(site, &format!("authkey rotate {id} --overlap 3600"));
    let (other, third) =
        new_key(site, "authkey create --subscription clinic --name all --permissions admin --network 127.0.0.0/8");
    assert_eq!(done(site, &format!("authkey revoke {other}")), format!("revoked {other}\n"));
    let listed = parsed(site, "authkey list");
    let entry = |id: &str| {
        let mut all = listed.as_array().expect("a list").iter();
        all.find(|key| key["id"].as_u64() == id.parse().ok()).unwrap_or_else(|| panic!("no {id}: {listed}")).clone()
    };
    assert_eq!(entry(&id)["replacedBy"].to_string(), next);
    assert_eq!(entry(&id)["permissions"], json!(["status", "enroll"]));
    assert!(entry(&other)["revokedAt"].is_u64() && entry(&next)["revokedAt"].is_null());
    assert_eq!(entry(&other)["networks"], json!(["127.0.0.0/8"]));
    let table = done(site, "authkey list");
    assert!(table.lines().any(|line| line.starts_with(&other) && line.contains("revoked")), "{table}");
    vec![first, second, third]
}

/// Nothing that can be asked afterwards shows the value of an authkey again.
fn shown_once(site: &Site, values: &[String]) {
    let export = site.folder().join("audit.jsonl").display().to_string();
    let asked = [
        "authkey list",
        "authkey list --json",
        "service show clinic_ward --json",
        "config print",
        "doctor",
        "keys show",
        "audit verify",
        &format!("audit export --out {export}"),
    ];
    for line in asked {
        let said = site.tool(&words(line));
        for value in values.iter().chain([&site.status_key, &site.admin_key]) {
            assert!(!said.out.contains(value) && !said.err.contains(value), "{line} shows an authkey");
        }
    }
    let export = fs::read_to_string(export).expect("it was written");
    assert!(values.iter().all(|value| !export.contains(value)));
}

#[test]
fn services_and_authkeys_are_administered_beside_a_running_server() {
    let mut site = Site::run();
    let values = administered(&site);
    // The server knows at once.
    let ask = |site: &Site, value: &str| {
        let target = format!("/token/status?id=nobody&service=clinic_ward&authKey={value}");
        cardea_tests::harness::get(site.http(), target.as_bytes()).code
    };
    assert_eq!(values.iter().map(|value| ask(&site, value)).collect::<Vec<_>>(), [404, 404, 403]);
    shown_once(&site, &values);
    let refused = site.tool(&["service", "delete", "clinic_ward", "--data-dir-of-another"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_eq!(done(&site, "service delete clinic_ward"), "deleted clinic_ward\n");
    assert_eq!(values.iter().map(|value| ask(&site, value)).collect::<Vec<_>>(), [403; 3]);
    assert_eq!(done(&site, "subscription delete clinic"), "deleted clinic\n");
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn services_and_authkeys_are_administered_without_a_server() {
    let mut site = Site::run();
    assert_eq!(site.stop(), Some(0));
    let values = administered(&site);
    shown_once(&site, &values);
    site.up();
    let target = format!("/token/status?id=nobody&service=clinic_ward&authKey={}", values[1]);
    assert_eq!(cardea_tests::harness::get(site.http(), target.as_bytes()).code, 404);
}

#[test]
fn one_token_is_seen_and_changed_with_and_without_a_server() {
    let mut site = Site::run();
    let device = site.enrolled("joe smith");
    let token = |site: &Site, what: &str| site.tool(&["token", what, &site.service, "joe smith"]);
    let status = |site: &Site| token(site, "status").out;
    device.open(PIN).ended(0);
    for round in 0..2 {
        if round == 1 {
            assert_eq!(site.stop(), Some(0));
        }
        for (what, expected) in [("block", "4\n"), ("unblock", "2\n"), ("close", "2\n"), ("clear-duress", "2\n")] {
            let said = token(&site, what);
            assert_eq!((said.code, status(&site).as_str()), (Some(0), expected), "{what}: {said:?}");
        }
    }
    assert_eq!(token(&site, "delete").code, Some(0));
    let gone = token(&site, "status");
    assert!(gone.code == Some(1) && gone.err.contains("no token"), "{gone:?}");
    site.up();
    assert_eq!(site.ask("joe%20smith").code, 404);
    device.open(PIN).failed("not-enrolled");
}

#[test]
fn the_audit_log_is_verified_exported_and_proved_while_the_server_runs() {
    let site = Site::run();
    site.enrolled("joe").open(PIN).ended(0);
    let folder = site.folder();
    let path = |name: &str| folder.join(name).display().to_string();
    let identity = parsed(&site, "keys show")["identity"].as_str().expect("a key").to_owned();
    let checkpoint = done(&site, "audit checkpoint");
    fs::write(path("checkpoint"), &checkpoint).expect("written");
    site.enrolled("ann").open(PIN).ended(0);

    let report = parsed(&site, &format!("audit verify --checkpoint {}", path("checkpoint")));
    assert_eq!((&report["holds"], &report["findings"]), (&json!(true), &json!([])));
    done(&site, &format!("audit export --out {}", path("export")));
    let twice = site.tool(&words(&format!("audit export --out {}", path("export"))));
    assert!(twice.code == Some(1) && twice.err.contains(&path("export")), "{twice:?}");
    let offline = |file: &str, key: &str| {
        let mut program = std::process::Command::new(server());
        program.args(["audit", "verify", "--file", file, "--key", key]);
        output_with(program.args(["--checkpoint", &path("checkpoint")]), "")
    };
    let good = offline(&path("export"), &identity);
    assert_eq!(good.code, Some(0), "{good:?}");
    let rows = fs::read_to_string(path("export")).expect("text");
    for (name, spoilt) in [
        ("changed", rows.replacen("token.opened", "token.closed", 1)),
        ("dropped", rows.lines().enumerate().filter(|(at, _)| *at != 5).map(|(_, row)| format!("{row}\n")).collect()),
        ("moved", {
            let mut rows: Vec<&str> = rows.lines().collect();
            rows.swap(4, 5);
            rows.join("\n") + "\n"
        }),
    ] {
        assert_ne!(spoilt, rows, "{name}");
        fs::write(path(name), spoilt).expect("written");
        let bad = offline(&path(name), &identity);
        assert_eq!(bad.code, Some(1), "{name}: {bad:?}");
        assert!(!bad.err.is_empty(), "{name}");
    }
    let other = "00".repeat(32);
    assert_eq!(offline(&path("export"), &other).code, Some(1));
    assert!(!done(&site, "audit proof --row 2").is_empty());
    assert!(!done(&site, "audit proof --since 3").is_empty());

    let history = site.look("history", "&id=joe");
    let opened =
        history.json()["items"].as_array().expect("a list").iter().find(|it| it["type"] == "token.opened").cloned();
    fs::write(path("receipt"), opened.expect("it was opened")["receipt"].to_string()).expect("written");
    let mut check = std::process::Command::new(server());
    let said = output_with(check.args(["audit", "receipt", &path("receipt")]), "");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.to_lowercase().contains("open"), "{said:?}");
}

#[test]
fn the_channel_key_is_replaced_while_the_server_runs() {
    let site = Site::run();
    let device = site.enrolled("joe");
    let before = parsed(&site, "keys show");
    let after = parsed(&site, "keys rotate");
    assert_eq!(before["identity"], after["identity"]);
    assert_ne!(before["keyRecord"], after["keyRecord"]);
    assert_eq!(parsed(&site, "keys show"), after);
    // Devices learn of it by themselves.
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    site.enrolled("ann").open(PIN).ended(0);
}

/// A command line, its exit code, and what the error must say.
type Mistake = (&'static str, i32, &'static [&'static str]);

const MISTAKES: &[Mistake] = &[
    ("subscription create Bad_Name", 1, &["a-z"]),
    ("subscription create default", 1, &["already"]),
    ("subscription delete default", 1, &["services", "first"]),
    ("subscription delete nope", 1, &["no such subscription", "subscription list"]),
    ("service create", 2, &["<NAME>"]),
    ("service create noname", 1, &["<subscription>_<service>"]),
    ("service create default_main", 1, &["already"]),
    ("service create default_x --webhook http://x.example/", 1, &["https"]),
    ("service create default_x --pin-min 9 --pin-max 8", 1, &["6 to 12"]),
    ("service create default_x --devices 9", 1, &["8"]),
    ("service create default_x --short-string maybe", 2, &["off", "shown", "required"]),
    ("service create default_x --duress --no-duress", 2, &["cannot be used with"]),
    ("service show default_nope", 1, &["no such service", "service list"]),
    ("service update default_nope --window 5", 1, &["no such service", "service list"]),
    ("service update default_main", 1, &["setting", "--help"]),
    ("service delete default_nope", 1, &["no such service", "service list"]),
    ("service delete default_main", 1, &["tokens", "force"]),
    ("authkey create --service default_main", 2, &["--name"]),
    ("authkey create --name x", 2, &["--service", "--subscription", "--instance"]),
    ("authkey create --service default_nope --name x", 1, &["no such service", "service list"]),
    ("authkey create --subscription nope --name x", 1, &["no such subscription", "subscription list"]),
    ("authkey create --service default_main --name x --permissions all", 1, &["basic", "admin", "status"]),
    ("authkey create --service default_main --name x --network 10.0.0.1/8", 1, &["192.0.2.0/24"]),
    ("authkey create --service default_main --name x --expires-at 5", 1, &["past"]),
    ("authkey create --service default_main --name x --value-file /nowhere", 1, &["/nowhere"]),
    ("authkey rotate 99", 1, &["no authkey", "authkey list"]),
    ("authkey rotate 1 --overlap 99999999", 1, &["30 days"]),
    ("authkey revoke 99", 1, &["no authkey", "authkey list"]),
    ("authkey revoke one", 1, &["no authkey", "authkey list"]),
    ("token status default_main", 2, &["<USER>"]),
    ("token status default_nope joe", 1, &["default_nope", "service list"]),
    ("token block default_main nobody", 1, &["no token"]),
    ("audit verify --file /nowhere", 2, &["--key"]),
    ("audit verify --checkpoint /nowhere", 1, &["/nowhere"]),
    ("audit proof", 2, &["--row"]),
    ("audit proof --row 999999", 1, &["no row"]),
    ("audit export --subscription nope", 1, &["no such subscription", "subscription list"]),
    ("backup", 2, &["<FILE>"]),
    ("backup /nowhere/at/all", 1, &["/nowhere/at/all"]),
    ("config print --set http.nope=1", 1, &["http.nope", "cardea-server config"]),
    ("config print --set http.listen", 2, &["KEY=VALUE"]),
    ("config print --set database.url=postgresql://u:secret@h/d", 1, &["password_file"]),
    ("init", 1, &["initialized already"]),
    ("restore-marker", 1, &["stop it first"]),
    ("forget-future", 1, &["stop it first"]),
    ("restore-marker now", 2, &["now"]),
];

#[test]
fn mistakes_are_told_with_what_to_do_and_change_nothing() {
    let site = Site::run();
    let _ = site.offer("joe");
    let everything = |site: &Site| ["service list", "authkey list", "subscription list"].map(|line| done(site, line));
    let before = everything(&site);
    let rows = parsed(&site, "audit verify")["rows"].clone();
    for (line, code, pieces) in MISTAKES {
        refused(&site.tool(&words(line)), line, *code, pieces);
    }
    let there = site.data().join("cardea.db").display().to_string();
    refused(&site.tool(&["backup", &there]), "backup over the database", 1, &["cardea.db", "another"]);
    assert_eq!(everything(&site), before);
    assert_eq!(parsed(&site, "audit verify")["rows"], rows, "nothing happened, and nothing was written down");
    assert_eq!(site.status("joe"), 0);
}

fn refused(said: &Output, line: &str, code: i32, pieces: &[&str]) {
    assert_eq!(said.code, Some(code), "{line}: {said:?}");
    assert!(said.out.is_empty(), "{line}: {said:?}");
    for piece in pieces {
        assert!(said.err.contains(piece), "{line}: no {piece:?} in {}", said.err);
    }
    assert!(!said.err.contains("secret@"), "{line}: {said:?}");
}

#[test]
fn without_data_or_without_the_right_key_every_command_says_what_is_missing_and_makes_nothing() {
    let site = Site::empty();
    let backup = site.folder().join("backup.db").display().to_string();
    let lines = [
        "service list",
        "service create default_x",
        "authkey list",
        "authkey revoke 1",
        "subscription list",
        "token status default_x joe",
        "audit verify",
        "audit checkpoint",
        "keys show",
        "keys rotate",
        "restore-marker",
        &format!("backup {backup}"),
    ];
    for line in lines {
        refused(&site.tool(&words(line)), line, 1, &["cardea-server init"]);
    }
    assert!(!site.data().exists(), "nothing was made");
    assert!(!fs::exists(&backup).expect("it can be asked"), "nothing was made");

    let mut site = Site::run();
    assert_eq!(site.stop(), Some(0));
    let key = site.data().join("vault.key");
    let right = fs::read(&key).expect("a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("it is ours");
    refused(&site.tool(&["service", "list"]), "an exposed key", 1, &["vault.key", "chmod 600"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    for (wrong, about) in [(&b"nonsense"[..], "nonsense"), (b"", "nothing")] {
        fs::write(&key, wrong).expect("written");
        refused(&site.tool(&["service", "list"]), about, 1, &["vault.key"]);
    }
    fs::remove_file(&key).expect("it is ours");
    refused(&site.tool(&["service", "list"]), "no key", 1, &["vault.key"]);
    assert!(!key.exists(), "no other key is made");
    fs::write(&key, right).expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    done(&site, "service list");
}

#[test]
fn doctor_and_config_print_speak_of_the_same_installation_with_and_without_a_server() {
    let mut site = Site::run_with(vec![("CARDEA_HTTP_MAX_REQUESTS".to_owned(), "77".to_owned())]);
    for round in 0..2 {
        let doctor = site.tool(&["doctor"]);
        assert_eq!(doctor.code, Some(0), "{doctor:?}");
        assert!(doctor.out.contains("0 to mend"), "{doctor:?}");
        let printed = done(&site, "config print");
        let line = printed.lines().find(|line| line.contains("max_requests")).expect("a line");
        assert!(line.contains("77") && printed.contains("CARDEA_HTTP_MAX_REQUESTS"), "{printed}");
        assert!(printed.contains(&site.data().display().to_string()), "{printed}");
        if round == 0 {
            assert_eq!(site.stop(), Some(0));
        }
    }
    // It is a configuration: the next server runs with it.
    let file = site.folder().join("printed.toml");
    fs::write(&file, done(&site, "config print")).expect("written");
    site.start.environment.clear();
    site.start.arguments = vec!["--config".to_owned(), file.display().to_string()];
    site.up();
    assert_eq!(site.stop(), Some(0));
}

#[test]
fn a_development_server_ends_with_who_started_it() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    // The shell ends when its input does; what it started has its standard output, which ends with it.
    let what = "dev --json --exit-with-parent --log error --http 127.0.0.1:0 --channel 127.0.0.1:0";
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec 9<&0; \"$0\" {what} & read line <&9; exit 0"));
    shell.arg(server()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = shell.spawn().expect("a shell");
    let (mut output, mut line) = (BufReader::new(shell.stdout.take().expect("a pipe")), String::new());
    output.read_line(&mut line).expect("it speaks");
    assert!(line.contains("\"statusKey\""), "it is ready");
    drop(shell.stdin.take());
    shell.wait().expect("it ends");
    line.clear();
    output.read_to_string(&mut line).expect("its end");
    assert_eq!(line, "");
}

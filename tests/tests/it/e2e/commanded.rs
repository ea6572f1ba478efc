//! The command line over an emulator that runs: what testers type, and scripts.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use cardea_tests::harness::{Instance, Ran, Site, output, until};
use serde_json::{Value, json};

#[test]
fn everyday_commands_tell_the_emulator_that_runs_and_its_holders_answer() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    it.done(&["enroll", &site.offer("joe").link, "--label", "door"]);
    assert_eq!(site.status("joe"), 2);
    // Nobody typed a PIN: the holder has one.
    assert_eq!(it.done(&["open", "door"])["state"], "open");
    assert_eq!(site.status("joe"), 1);
    assert_eq!(it.done(&["toggle"])["state"], "closed");
    assert_eq!(it.run(&["status", "--exit-state"]).code, 10);
    assert_eq!(it.done(&["toggle"])["state"], "open");
    it.run(&["status", "--exit-state"]).ended(0);
    it.done(&["wait", "state == 'open' && remaining > 0", "--timeout", "1s"]);
    let vain = it.run(&["wait", "state == 'blocked'", "--timeout", "50ms"]);
    let said = vain.json();
    assert_eq!((vain.code, &said["code"], &said["nearMisses"][0]["found"]), (3, &json!("not-yet"), &json!("open")));
    assert_eq!(it.run(&["wait", "stat == 'open'"]).failed("bad-call").code, 2);

    // A PIN that is given is what the holder types.
    let pins = it.path("pins");
    std::fs::write(&pins, "918273\n").expect("written");
    let wrong = it.run(&["open", "--pin-file", pins.to_str().expect("text")]);
    assert_eq!(wrong.failed("pin-rejected").code, 4);
    assert_eq!(it.run(&["open", "window"]).failed("no-such-token").code, 7);
    // What cannot be undone is asked, and here is nobody who could be.
    assert_eq!(it.run(&["unenroll"]).failed("not-sure").code, 2);
    let before = site.status("joe");
    let would = it.done(&["unenroll", "--dry-run"]);
    assert_eq!((&would["dryRun"], site.status("joe")), (&json!(true), before));
    it.done(&["unenroll", "--yes"]);
    assert_eq!(site.status("joe"), 0);
}

#[test]
fn a_device_that_is_made_and_enrolled_at_once_has_the_pin_that_was_given() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    let pins = it.path("pins");
    std::fs::write(&pins, "918273\n").expect("written");
    let pins = pins.to_str().expect("text");
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link, "--pin-file", pins]);
    let known = it.path("known");
    std::fs::write(&known, "274951\n").expect("written");
    let known = it.run(&["-d", "phone", "open", "--pin-file", known.to_str().expect("text")]);
    assert_eq!(known.failed("pin-rejected").code, 4, "the PIN that everybody knows");
    assert_eq!(site.status("joe"), 2);
    it.done(&["-d", "phone", "open", "--pin-file", pins]);
    assert_eq!(site.status("joe"), 1);
    // Where nobody meant a PIN to be.
    let said = it.run(&["-d", "phone", "open", "918273"]).failed("bad-call").json().to_string();
    assert!(!said.contains("918273"), "{said}");
    assert!(!it.done(&["journal"]).to_string().contains("918273"));
}

#[test]
fn prompts_networks_clocks_and_devices_are_a_testers_to_change() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link, "--watch"]);
    let names = |listed: &Value| -> Vec<String> {
        listed["devices"].as_array().into_iter().flatten().map(|it| it["device"].to_string()).collect()
    };
    assert_eq!(names(&it.done(&["device", "list"])), ["\"phone\""]);
    it.done(&["-d", "phone", "prompt", "next", "cancel", "--delay", "1ms"]);
    assert_eq!(it.run(&["-d", "phone", "open"]).failed("cancelled").code, 4);

    it.done(&["-d", "phone", "prompt", "policy", "wait"]);
    assert_eq!(it.done(&["-d", "phone", "prompt", "policy"])["outcome"], "wait");
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| it.done(&["-d", "phone", "open"]));
        it.done(&["-d", "phone", "wait", "prompt == 'open'"]);
        assert_eq!(it.done(&["-d", "phone", "prompt", "list"])["prompts"][0]["purpose"], "open");
        it.done(&["-d", "phone", "prompt", "answer", "approve"]);
        assert_eq!(opening.join().expect("no panic")["state"], "open");
    });
    assert_eq!(it.run(&["-d", "phone", "prompt", "answer", "approve"]).failed("usage").code, 2);

    it.done(&["-d", "phone", "net", "set", "offline"]);
    assert_eq!(it.run(&["-d", "phone", "status"]).failed("offline").code, 5);
    it.done(&["-d", "phone", "net", "set", r#"{"latencyMs": 1}"#]);
    it.done(&["-d", "phone", "status"]);
    assert_eq!(it.done(&["-d", "phone", "net", "clear"])["profile"], "ideal");
    assert_eq!(it.run(&["-d", "phone", "net", "set", "4g"]).failed("usage").code, 2);

    let before = it.done(&["clock", "freeze"])["now"].as_u64().expect("a time");
    assert_eq!(it.done(&["clock", "advance", "2m"])["now"], before + 120);
    it.done(&["-d", "phone", "clock", "skew", "-90"]);
    assert_eq!(it.done(&["-d", "phone", "device", "show"])["clock"], json!({ "now": before + 30, "skewSeconds": -90 }));

    let kinds = it.done(&["journal", "--kind", "answered"]);
    assert_eq!(kinds["entries"].as_array().map(Vec::len), Some(2));
    it.done(&["device", "rm", "phone", "--yes"]);
    assert_eq!(it.run(&["-d", "phone", "status"]).failed("no-device").code, 7);
}

#[test]
fn a_profile_says_what_a_device_is_like_and_nobody_waits_longer_than_they_said() {
    let (site, folder) = (Site::dev(), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("c.toml");
    let text = "[profiles]\nqa-tired = { net = 'half-open', presence = 'cancel', delay = '1ms' }\n\
                qa-hasty = { presence = 'cancel' }\n";
    std::fs::write(&file, text).expect("written");
    let it = Instance::up(&["--config", file.to_str().expect("text")]);
    assert_eq!(it.done(&["capabilities"])["profiles"], json!(["qa-hasty", "qa-tired"]));

    it.done(&["device", "new", "hasty", "--profile", "qa-hasty", "--enroll", &site.offer("joe").link]);
    assert_eq!(it.run(&["-d", "hasty", "open"]).failed("cancelled").code, 4);
    let tired = it.done(&["device", "new", "tired", "--profile", "qa-tired"]);
    assert_eq!(tired["network"], "half-open");
    let habit = it.done(&["-d", "tired", "prompt", "policy"]);
    assert_eq!(habit, json!({ "outcome": "cancel", "delay": { "ms": 1 }, "next": [] }));
    let unknown = it.run(&["device", "new", "other", "--profile", "qa-hastey"]).failed("no-profile");
    assert!(unknown.code == 2 && unknown.out.contains("did you mean \\\"qa-hasty\\\"?"), "{unknown:?}");
    let unknown = it.run(&["-d", "hastey", "status"]).failed("no-device");
    assert!(unknown.out.contains("did you mean \\\"hasty\\\"?"), "{unknown:?}");

    // A server that never answers.
    it.done(&["-d", "hasty", "net", "set", "half-open"]);
    assert_eq!(it.run(&["-d", "hasty", "status", "--timeout", "50ms"]).failed("timeout").code, 3);
    it.done(&["-d", "hasty", "net", "clear"]);
    it.done(&["-d", "hasty", "status"]);
}

#[test]
fn sessions_are_apart_and_emulators_are_found_started_once_and_ended() {
    let (site, it) = (Site::dev(), Instance::up(&["--http"]));
    let again = it.done(&["up"]);
    let running = it.done(&["ps"]);
    assert_eq!((&running["running"][0]["instance"], &running["running"][0]["found"]), (&json!("test"), &again));

    it.done(&["session", "new", "one", "--seed", "7", "--lease", "10m"]);
    it.done(&["--session", "one", "enroll", &site.offer("joe").link]);
    assert_eq!(it.done(&["list"])["tokens"], json!([]), "the default session knows nothing of it");
    assert_eq!(it.done(&["-s", "one", "open"])["state"], "open");
    assert_eq!(it.done(&["session", "list"])["sessions"], json!(["default", "one"]));
    // The same over HTTP.
    let (http, token) = (again["http"].as_str().expect("an address"), again["tokenFile"].as_str().expect("a file"));
    assert_eq!(it.done(&["--ctl", http, "--token-file", token, "-s", "one", "close"])["state"], "closed");
    it.done(&["session", "end", "one", "-y"]);
    assert_eq!(it.run(&["-s", "one", "list"]).failed("no-session").code, 7);

    // Wherever the state folder is, and without one.
    let elsewhere = site.folder().join("elsewhere");
    let other = it.done(&["--state", elsewhere.to_str().expect("text"), "up"]);
    let mut memory =
        it.command(&["run", "--ephemeral"]).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let ready = BufReader::new(memory.stdout.take().expect("a pipe")).lines().next().expect("a line").expect("text");
    let ready: Value = serde_json::from_str(&ready).expect("JSON");
    let running = it.done(&["ps"])["running"].clone();
    let found: Vec<_> =
        running.as_array().expect("a list").iter().map(|it| (&it["instance"], &it["state"], &it["found"])).collect();
    let (test, state) = (json!("test"), json!(elsewhere));
    assert!(
        found.contains(&(&Value::Null, &state, &other)) && found.contains(&(&Value::Null, &Value::Null, &ready)),
        "{running}"
    );
    assert_eq!((found.len(), found[0].0, found[0].2), (3, &test, &again), "{running}");
    let socket = format!("unix:{}", ready["socket"].as_str().expect("a socket"));
    it.done(&["--ctl", &socket, "enroll", &site.offer("jane").link]);
    it.done(&["--ctl", &socket, "down"]);
    assert_eq!(memory.wait().expect("it ends").code(), Some(0));
    // Several at once start one.
    let another = site.folder().join("another");
    let ups: Vec<_> = (0..3)
        .map(|_| {
            let mut up = it.command(&["--state", another.to_str().expect("text"), "up"]);
            up.stdout(std::process::Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    let said: std::collections::BTreeSet<String> = ups
        .into_iter()
        .map(|up| {
            let up = up.wait_with_output().expect("it ends");
            assert!(up.status.success(), "{up:?}");
            serde_json::from_slice::<Value>(&up.stdout).expect("JSON")["data"]["pid"].to_string()
        })
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    it.done(&["--state", another.to_str().expect("text"), "down"]);
    it.done(&["--state", elsewhere.to_str().expect("text"), "down"]);

    it.done(&["down"]);
    assert_eq!(it.run(&["down"]).failed("not-running").code, 9);
    assert_eq!(it.done(&["ps"])["running"], json!([]));
}

#[test]
fn a_device_of_a_newer_version_is_told_and_the_others_go_on() {
    fn token_of(device: &str, folder: &std::path::Path) -> Option<std::path::PathBuf> {
        std::fs::read_dir(folder).expect("it can be read").find_map(|entry| {
            let path = entry.expect("it can be read").path();
            let is_it = path.extension().is_some_and(|end| end == "token")
                && path.parent().is_some_and(|parent| parent.ends_with(device));
            if is_it { Some(path) } else { path.is_dir().then(|| token_of(device, &path)).flatten() }
        })
    }

    let (site, it) = (Site::dev(), Instance::up(&[]));
    for (device, user) in [("newer", "ann"), ("phone", "joe")] {
        it.done(&["device", "new", device, "--enroll", &site.offer(user).link]);
    }
    it.done(&["down"]);
    let file = token_of("newer", &it.path("")).expect("a token");
    let mut bytes = std::fs::read(&file).expect("it can be read");
    bytes[8] += 1;
    std::fs::write(&file, &bytes).expect("it can be written");
    it.done(&["up"]);
    assert_eq!(it.done(&["-d", "phone", "open"])["state"], "open");
    let refused = it.run(&["-d", "newer", "open"]).failed("store");
    assert!(refused.out.contains("update"), "{refused:?}");
    assert_eq!((refused.code, std::fs::read(&file).expect("it is there")), (8, bytes));
    assert_eq!((site.status("joe"), site.status("ann")), (1, 2));
}

#[test]
fn what_happens_is_printed_as_it_happens() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    it.done(&["enroll", &site.offer("joe").link]);
    let mut child = it.command(&["watch"]).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    until("it is watched", || (it.done(&["device", "show"])["watched"] == true).then_some(()));
    it.done(&["open"]);
    let opened = lines.map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"));
    let mut told = Vec::new();
    for event in opened {
        let is_last = event["kind"] == "opened";
        told.push(event);
        if is_last {
            break;
        }
    }
    assert!(told.iter().all(|event| event["device"] == "main"), "{told:?}");
    // What was before is in the journal.
    assert!(told.iter().all(|event| event["kind"] != "enrolled" && event["kind"] != "made"), "{told:?}");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn frames_are_printed_as_they_are_recorded_and_versions_and_limits_are_told() {
    let (site, it) = (Site::dev(), Instance::up(&["--allow-faults"]));
    let ours = env!("CARGO_PKG_VERSION");
    assert_eq!(it.done(&["version"]), json!({ "version": ours, "running": ours }));
    let can = it.done(&["capabilities"]);
    assert_eq!((&can["faultsAllowed"], &can["replays"]), (&json!(true), &json!(["verbatim", "resign"])));
    assert!(can["faults"].as_array().expect("a list").contains(&json!("bit-flip")), "{can}");
    assert!(can["limits"]["devices"].as_u64() > Some(10_000), "{can}");

    it.done(&["trace", "start"]);
    let mut child = it.command(&["trace", "tail"]).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().expect("a line").expect("text")).expect("JSON");
    it.done(&["enroll", &site.offer("joe").link]);
    let first = next();
    assert_eq!((&first["number"], &first["device"], &first["direction"]), (&json!(1), &json!("main"), &json!("out")));
    assert!(!first.to_string().contains("keys"), "{first}");
    // What comes later comes, too, and once.
    it.done(&["open"]);
    let opened = (2..100).find(|number| {
        let frame = next();
        assert_eq!(frame["number"], json!(number));
        frame["op"] == "OPEN"
    });
    // Another recording counts on.
    it.done(&["trace", "start"]);
    it.done(&["close"]);
    let mut newest = opened.expect("opened");
    let is_closed = (0..100).any(|_| {
        let frame = next();
        let number = frame["number"].as_u64().expect("a number");
        assert!(number > newest, "{frame}");
        newest = number;
        frame["op"] == "CLOSE"
    });
    assert!(is_closed);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    it.done(&["down"]);
    assert_eq!(it.done(&["version"]), json!({ "version": ours, "running": null }));
}

#[test]
fn a_wait_has_its_limits_and_a_dash_is_standard_output() {
    let it = Instance::up(&[]);
    for time in ["0s", "0ms", "601s"] {
        let refused = it.run(&["wait", "!enrolled", "--timeout", time]).failed("usage");
        assert!(refused.code == 2 && refused.out.contains("from 1ms to 10m"), "{time}: {refused:?}");
    }
    it.done(&["wait", "!enrolled", "--timeout", "10m"]);
    let recorded = it.done(&["scenario", "record", "-"]);
    assert!(recorded["scenario"].as_str().is_some_and(|text| text.starts_with("cardea-scenario: 1")), "{recorded}");
    assert!(!std::path::Path::new("-").exists());
}

#[test]
fn a_picture_of_a_code_enrolls() {
    let site = Site::dev();
    let it = Instance::up(&[]);
    let png = site.folder().join("code.png");
    let offer = site.offer("joe");
    std::fs::write(&png, super::approvals::drawn(offer.answer["qrSvg"].as_str().expect("drawn"))).expect("written");
    it.done(&["enroll", "--qr", png.to_str().expect("text")]);
    assert_eq!(site.status("joe"), 2);
    // Nothing is enrolled by what is no picture, has no code, or has two.
    let (first, second) = (site.offer("jane").answer, site.offer("jim").answer);
    let both = [first["qrSvg"].as_str().expect("drawn"), second["qrSvg"].as_str().expect("drawn")];
    for (picture, said) in [
        (b"no picture".to_vec(), "PNG"),
        (super::approvals::drawn_beside(&[]), "no readable QR code"),
        (super::approvals::drawn_beside(&both), "several"),
    ] {
        std::fs::write(&png, picture).expect("written");
        let refused = it.run(&["enroll", "--qr", png.to_str().expect("text")]).failed("no-invitation");
        assert!(refused.code == 2 && refused.out.contains(said), "{refused:?}");
    }
    assert_eq!(it.done(&["list"])["tokens"].as_array().map(Vec::len), Some(1));
}

const PAGE: &str = include_str!("../../../../docs/emulator/control.md");

#[test]
fn the_calls_of_the_page_are_right_word_for_word() {
    let (site, it) = (Site::dev(), Instance::up(&["--http"]));
    let found = it.done(&["up"]);
    let block = super::page::blocks(PAGE).find(|(language, _)| *language == "sh").expect("calls").1;
    let (link, mut answers) = (site.offer("joe").link, Vec::new());
    for line in block.lines() {
        let line = line.replace("LINK", &link);
        let mut command = Command::new("bash");
        command.args(["-c", &line]);
        command.env("HTTP", found["http"].as_str().expect("an address"));
        let ran = output(command.env("TOKEN_FILE", found["tokenFile"].as_str().expect("a file")));
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        answers.push(serde_json::from_str::<Value>(&ran.out).expect("JSON"));
    }
    assert_eq!(answers[0]["seed"], 7, "{answers:?}");
    assert_eq!((&answers[1]["enrolled"], &answers[2]["state"]), (&json!(true), &json!("open")));
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn things_go_wrong_only_where_that_was_allowed_and_what_was_said_is_written_down() {
    let (site, it) = (Site::dev(), Instance::up(&["--allow-faults"]));
    it.done(&["enroll", &site.offer("joe").link]);
    let known = it.done(&["fault", "catalog"]);
    let names: Vec<&str> =
        known["faults"].as_array().into_iter().flatten().filter_map(|it| it["name"].as_str()).collect();
    assert!(names.len() > 30 && names.contains(&"ack-lost"), "{names:?}");

    it.done(&["trace", "start"]);
    let armed = it.done(&["fault", "add", "ack-lost", "--id", "lost", "--times", "1", "--on", "op=open"]);
    assert_eq!((&armed["rule"]["id"], &armed["hits"]), (&json!("lost"), &json!(0)));
    let opened = it.run(&["open"]);
    assert!(["", "not-confirmed"].contains(&&*opened.word()), "{opened:?}");
    let rules = it.done(&["fault", "list"]);
    assert_eq!((&rules["rules"][0]["hits"], &rules["rules"][0]["spent"]), (&json!(1), &json!(true)));
    it.done(&["close"]);
    assert_eq!(site.status("joe"), 2);
    for (wrong, word) in [
        (&["fault", "add", "ack-lots"][..], "bad-rule"),
        (&["fault", "add", "ack-lost", "--id", "lost"], "bad-rule"),
        (&["fault", "add", "ack-lost", "--prob", "2"], "usage"),
        (&["fault", "add", "ack-lost", "--times", "0"], "bad-rule"),
        (&["fault", "add", "ack-lost", "--on", "dvice=main"], "bad-call"),
        (&["trace", "export", "trace.txt"], "usage"),
    ] {
        assert_eq!(it.run(wrong).failed(word).code, 2, "{wrong:?}");
    }
    assert_eq!(it.run(&["fault", "rm", "found"]).failed("no-rule").code, 7);
    // It would never happen, and nobody would know.
    let mistaken = it.run(&["fault", "add", "ack-lost", "--on", "device=mian"]).failed("no-device");
    assert_eq!(mistaken.code, 7);
    assert!(mistaken.out.contains("main"), "{mistaken:?}");
    it.done(&["fault", "rm", "lost"]);
    it.done(&["fault", "clear"]);

    let file = |ending: &str| it.path(&format!("trace.{ending}"));
    for ending in ["jsonl", "pcapng", "keylog"] {
        it.done(&["trace", "export", file(ending).to_str().expect("text")]);
    }
    // Nobody's file is replaced who does not say so.
    let again = file("jsonl").display().to_string();
    assert_eq!(it.run(&["--no-input", "trace", "export", &again]).failed("not-sure").code, 2);
    it.done(&["--yes", "trace", "export", &again]);
    assert!(it.done(&["trace", "stop"])["frames"].as_u64() > Some(3));
    let lines = std::fs::read_to_string(file("jsonl")).expect("written");
    assert!(lines.lines().count() > 4 && lines.contains("\"device\":\"main\""), "{lines}");
    assert_eq!(std::fs::read(file("pcapng")).expect("written")[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    assert!(std::fs::read_to_string(file("keylog")).expect("written").lines().any(|line| !line.starts_with('#')));

    let without = Instance::up(&[]);
    assert_eq!(without.run(&["fault", "add", "ack-lost"]).failed("faults-not-allowed").code, 2);
}

#[test]
fn a_door_is_told_by_the_exit_code_and_only_0_is_open() {
    let (site, it) = (Site::dev(), Instance::up(&[]));
    let key = it.path("key");
    std::fs::write(&key, format!("{}\n", site.status_key)).expect("written");
    let check = |user: &str, server: &str, key: &std::path::Path| {
        let mut command = it.command(&["rp", "check", user, "--server", server, "--service", &site.service]);
        let ran: Ran = output(command.arg("--authkey-file").arg(key)).into();
        ran
    };
    let server = format!("http://{}", site.http());
    it.done(&["enroll", &site.offer("joe").link]);
    let closed = check("joe", &server, &key);
    assert!(closed.code == 10 && closed.out.contains("\"state\":\"closed\""), "{closed:?}");
    it.done(&["open"]);
    assert_eq!(check("joe", &server, &key).ended(0).json()["status"], 1);
    it.done(&["prompt", "next", "duress"]);
    it.done(&["open"]);
    assert_eq!(check("joe", &server, &key).code, 10);
    it.done(&["unenroll", "--yes"]);
    assert_eq!(check("joe", &server, &key).code, 10);
    assert_eq!(check("nobody", &server, &key).code, 7);
    let nowhere = check("joe", "http://127.0.0.1:1", &key);
    assert_eq!((nowhere.code, &nowhere.json()["retryable"]), (5, &json!(true)), "{nowhere:?}");
    assert_eq!(check("joe", "ftp://x", &key).code, 2);
    assert_eq!(check("joe", &server, &it.path("nowhere")).code, 2);
    std::fs::write(&key, "not a key").expect("written");
    assert_eq!(check("joe", &server, &key).code, 2);
}

#[test]
fn a_recording_is_replayed_and_laid_beside_another_one() {
    let (site, it) = (Site::dev(), Instance::up(&["--allow-faults"]));
    let file = |name: &str| site.folder().join(name).to_str().expect("text").to_owned();
    let (first, second) = (file("first.jsonl"), file("second.jsonl"));
    it.done(&["trace", "start"]);
    it.done(&["device", "new", "phone", "--enroll", &site.offer("joe").link]);
    it.done(&["-d", "phone", "open"]);
    it.done(&["trace", "export", &first]);
    assert_eq!(site.call("close", "joe", &json!({})).code, 200);

    // As somebody who listened.
    let sent = it.done(&["replay", &first, "--mode", "verbatim"]);
    assert_eq!((&sent["mode"], &sent["asExpected"]), (&json!("verbatim"), &json!(true)));
    let last = sent["frames"].as_array().and_then(|frames| frames.last()).expect("frames");
    assert_eq!((&last["op"], &last["reaction"], &last["expected"]), (&json!("OPEN"), &json!("recorded"), &json!(true)));
    assert_eq!(site.status("joe"), 2);

    // By another device.
    it.done(&["trace", "start"]);
    let done = it.done(&["replay", &first, "--enroll", &site.offer("ann").link]);
    let step = json!({ "op": "OPEN", "recorded": "open", "now": "open", "same": true, "number": done["operations"][0]["number"] });
    assert_eq!(done["operations"], json!([step]));
    assert_eq!(site.status("ann"), 1);
    it.done(&["trace", "export", &second]);
    assert_eq!(it.done(&["trace", "diff", &first, &second]), json!({ "same": true, "differences": [] }));
    let names = it.done(&["device", "list"]).to_string();
    assert!(names.contains("\"replay\""), "{names}");

    // Without its last frame it is another one.
    let text = std::fs::read_to_string(&second).expect("written");
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&second, lines[..lines.len() - 1].join("\n")).expect("written");
    let differs = it.run(&["trace", "diff", &first, &second]);
    assert!(differs.code == 3 && differs.out.contains(r#""kind":"only-first""#), "{differs:?}");

    // What cannot be done is told, and changes nothing.
    let garbage = file("garbage.jsonl");
    std::fs::write(&garbage, "{}").expect("written");
    let link = site.offer("eve").link;
    for wrong in [
        &["replay", &first][..],
        &["replay", &first, "--mode", "verbatim", "--enroll", &link],
        &["replay", &garbage, "--mode", "verbatim"],
        &["trace", "diff", &first, &garbage],
        &["replay", &file("nowhere.jsonl"), "--mode", "verbatim"],
    ] {
        assert_eq!(it.run(wrong).code, 2, "{wrong:?}");
    }
    for (wrong, word, code) in [
        (&["replay", &first, "--mode", "verbatim", "--to", "id.example:8421"][..], "bad-rule", 2),
        (&["replay", &first, "--mode", "verbatim", "--to", "nowhere"], "bad-call", 2),
        (&["replay", &first, "--mode", "verbatim", "--to", "127.0.0.1:1"], "offline", 5),
        (&["replay", &first, "--mode", "verbatim", "--of", "tablet"], "bad-call", 2),
        (&["replay", &first, "--enroll", &link], "device-exists", 8),
        (&["replay", &first, "--enroll", &link, "--name", "other", "--of", "tablet"], "bad-call", 2),
    ] {
        assert_eq!(it.run(wrong).failed(word).code, code, "{wrong:?}");
    }
    assert!(!it.done(&["device", "list"]).to_string().contains("\"other\""));
    assert_eq!(site.status("eve"), 0);
    let without = Instance::up(&[]);
    assert_eq!(without.run(&["replay", &first, "--mode", "verbatim"]).failed("faults-not-allowed").code, 2);
}

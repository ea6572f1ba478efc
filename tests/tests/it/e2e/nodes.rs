//! Two servers over one PostgreSQL database, and servers that are killed under load.

use std::sync::{Arc, Barrier};
use std::thread;

use cardea_tests::harness::{Answer, Cluster, Site, get, pause, post};
use cardea_tests::soak::{Over, Soak};
use serde_json::{Value, json};

const PIN: &str = Site::PIN;

/// Two nodes with a service for single use, and a device.
fn two_nodes() -> (Site, Site) {
    let environment = vec![
        ("CARDEA_DATABASE_URL".to_owned(), Cluster::shared().database()),
        ("CARDEA_LIMITS_CHECKS_PER_TOKEN".to_owned(), "0".to_owned()),
    ];
    let mut first = Site::run_with(environment);
    let create = |arguments: &[&str]| {
        let output = first.tool(arguments);
        assert_eq!(output.code, Some(0), "{output:?}");
        output.out
    };
    create(&["service", "create", "default_once", "--window", "0", "--lifetime", "3600"]);
    let key = ["authkey", "create", "--service", "default_once", "--name", "n", "--permissions", "admin", "--json"];
    let key: Value = serde_json::from_str(&create(&key)).expect("JSON");
    let key = ["value", "key", "authkey"].iter().find_map(|name| key[name].as_str()).expect("a value").to_owned();
    first.hide(std::slice::from_ref(&key));
    first.service = "default_once".to_owned();
    (first.status_key, first.admin_key) = (key.clone(), key);
    let second = first.beside();
    (first, second)
}

/// Asks a thousand times at once, at both; what was answered.
fn ask_together(nodes: [&Site; 2], user: &str, meanwhile: impl FnOnce()) -> Vec<String> {
    let threads = 40;
    let barrier = Arc::new(Barrier::new(threads + 1));
    let asking: Vec<_> = (0..threads)
        .map(|number| {
            let (barrier, address) = (Arc::clone(&barrier), nodes[number % 2].http());
            let target = nodes[number % 2].status_target(user);
            thread::spawn(move || {
                barrier.wait();
                (0..25).map(|_| get(address, target.as_bytes()).text()).collect::<Vec<_>>()
            })
        })
        .collect();
    barrier.wait();
    meanwhile();
    asking.into_iter().flat_map(|asking| asking.join().expect("it asks")).collect()
}

fn ones(told: &[String]) -> usize {
    // As the field's scripts do: any body with this byte is taken for open.
    told.iter().filter(|text| text.contains('1')).count()
}

#[test]
fn of_a_thousand_checks_over_two_nodes_one_is_told_that_a_token_is_open() {
    let (first, second) = two_nodes();
    let device = first.enrolled("joe");
    for _ in 0..2 {
        device.open(PIN).ended(0);
        let told = ask_together([&first, &second], "joe", || {});
        assert_eq!(told.len(), 1_000);
        assert_eq!(ones(&told), 1, "{told:?}");
        assert_eq!(told.iter().filter(|text| *text == "{\"status\":2}").count(), 999, "{told:?}");
    }
}

#[test]
fn at_most_one_is_told_so_when_a_node_dies_meanwhile() {
    let (mut first, second) = two_nodes();
    let device = first.enrolled("joe");
    for milliseconds in [0, 5, 20, 60] {
        device.open(PIN).ended(0);
        let killer = first.killer();
        let told = ask_together([&first, &second], "joe", || {
            pause(std::time::Duration::from_millis(milliseconds));
            killer.kill();
        });
        first.power_failure();
        let after: Vec<String> = [&first, &second].map(|node| node.ask("joe").text()).to_vec();
        assert!(ones(&told) + ones(&after) <= 1, "{told:?} {after:?}");
    }
}

#[test]
fn what_one_node_acknowledges_the_other_knows() {
    let (first, second) = two_nodes();
    let device = first.enrolled("joe");
    for (node, other) in [(&first, &second), (&second, &first)] {
        assert_eq!(node.call("block", "joe", &Value::Null).code, 200);
        assert_eq!(other.status("joe"), 4);
        assert_eq!(other.call("unblock", "joe", &Value::Null).code, 200);
        assert_eq!(node.status("joe"), 2);
    }
    device.open(PIN).ended(0);
    assert_eq!(second.status("joe"), 1);
    assert_eq!(first.status("joe"), 2);
    // One question to the database, and the same refusals as always.
    assert_eq!(first.ask("ann").code, 404);
    let target = first.status_target("joe").replace(&first.status_key, "wrong-authkey-for-nothing");
    let refused = get(second.http(), target.as_bytes());
    assert!(refused.code == 403 && !refused.text().contains('1'), "{refused:?}");
    let target = first.status_target("joe").replace("default_once", "default_other");
    assert_eq!(get(second.http(), target.as_bytes()).code, 403, "the authkey is for another service");
}

/// Posts each of the bodies several times, to both nodes, all at once.
fn post_together(nodes: [&Site; 2], path: &'static str, bodies: &[Value]) -> Vec<(Value, Answer)> {
    let calls: Vec<_> = (0..12).flat_map(|_| bodies).enumerate().collect();
    let barrier = Arc::new(Barrier::new(calls.len()));
    let calls: Vec<_> = calls
        .into_iter()
        .map(|(number, body)| {
            // Half of each kind for each node.
            let address = nodes[number / bodies.len() % 2].http();
            let (barrier, body) = (Arc::clone(&barrier), body.clone());
            thread::spawn(move || {
                barrier.wait();
                let answer = post(address, path, &body);
                (body, answer)
            })
        })
        .collect();
    calls.into_iter().map(|call| call.join().expect("it asks")).collect()
}

#[test]
fn of_equal_calls_to_two_nodes_at_once_one_happens_and_all_get_its_bytes() {
    let (mut first, second) = two_nodes();
    let (service, key) = (first.service.clone(), first.admin_key.clone());
    let offers = |site: &Site, user: &str| {
        let target = format!("/token/history?id={user}&service={service}&authKey={key}");
        let history = get(site.http(), target.as_bytes()).json();
        let items = history["items"].as_array().expect("a list");
        items.iter().filter(|item| item["type"] == "enrollment.offered").count()
    };
    for round in 0..5 {
        let user = format!("u{round}");
        let enroll = json!({ "id": user, "service": service, "authKey": key, "idempotencyKey": user });
        let told = post_together([&first, &second], "/token/enroll", std::slice::from_ref(&enroll));
        let answer = &told[0].1;
        assert_eq!(answer.code, 200, "{answer:?}");
        assert!(told.iter().all(|(_, told)| (told.code, &told.body) == (200, &answer.body)), "{told:?}");
        assert_eq!((offers(&first, &user), offers(&second, &user)), (1, 1));
        first.hide(&["link", "code"].map(|name| answer.json()[name].as_str().expect("text").to_owned()));
        // Also by a node that was not there, after the one that answered has died.
        first.power_failure();
        assert_eq!(post(first.http(), "/token/enroll", &enroll).body, answer.body);
    }

    // Two calls under one key: one of them happens, once, and the other is refused wherever it comes.
    let call = |name: &str| json!({ "service": service, "authKey": key, "name": name, "permissions": "basic", "idempotencyKey": "k" });
    let told = post_together([&first, &second], "/token/authkey/create", &[call("a"), call("b")]);
    let (done, refused): (Vec<_>, Vec<_>) = told.into_iter().partition(|(_, answer)| answer.code == 200);
    assert_eq!((done.len(), refused.len()), (12, 12), "{done:?} {refused:?}");
    assert!(done.iter().all(|(body, answer)| (body, &answer.body) == (&done[0].0, &done[0].1.body)), "{done:?}");
    for (body, answer) in refused {
        assert!(body != done[0].0 && answer.code == 400 && answer.text().contains("idempotencyKey"), "{answer:?}");
    }
    let target = format!("/token/authkey/list?service={service}&authKey={key}");
    let listed = get(second.http(), target.as_bytes()).json();
    let names = listed["items"].as_array().expect("a list").iter().map(|key| key["name"].clone());
    assert_eq!(names.filter(|name| name == "a" || name == "b").collect::<Vec<_>>(), [done[0].0["name"].clone()]);
}

#[test]
fn what_was_restored_from_a_backup_is_closed_and_goes_on() {
    let cluster = Cluster::shared();
    let (mut first, second) = two_nodes();
    let url = first.start.environment[0].1.clone();
    let name = url.trim_start_matches("postgresql:///").split('?').next().expect("a name").to_owned();
    let device = first.enrolled("joe");
    device.open(PIN).ended(0);
    let dump = first.folder().join("cardea.dump");
    let dumped = cluster.client("pg_dump").args(["--format=custom", "--file"]).arg(&dump).arg(&name).status();
    assert!(dumped.expect("it runs").success());
    assert_eq!(second.status("joe"), 1);
    device.open(PIN).ended(0);
    device.close().ended(0);
    let marker = first.tool(&["restore-marker"]);
    assert!(marker.code == Some(1) && marker.err.contains("another server is running"), "{marker:?}");
    drop(second);
    assert_eq!(first.stop(), Some(0));
    let restored = cluster.database();
    let into = restored.trim_start_matches("postgresql:///").split('?').next().expect("a name").to_owned();
    let mut restore = cluster.client("pg_restore");
    restore.args(["--no-owner", "--role=cardea", "--dbname"]).arg(&into).arg(&dump);
    assert!(restore.status().expect("it runs").success());
    first.start.environment[0].1 = restored;
    let marker = first.tool(&["restore-marker"]);
    assert_eq!((marker.code, marker.out.contains("will resynchronize")), (Some(0), true), "{marker:?}");
    first.up();
    assert_eq!(first.status("joe"), 2, "the opening of the backup is over");
    // It resynchronizes, and says that it does not know what became of this.
    device.open(PIN).failed("not-confirmed");
    assert_eq!(first.status("joe"), 2);
    device.open(PIN).ended(0);
    assert_eq!(first.status("joe"), 1);
    assert_eq!(first.status("joe"), 2);
}

#[test]
fn a_backup_of_sqlite_is_made_while_the_server_runs_and_has_no_key() {
    // The marker is set at this machine's time.
    let mut site = Site::run();
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    let file = site.folder().join("backup.db");
    let path = file.display().to_string();
    let made = site.tool(&["backup", &path]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let again = site.tool(&["backup", &path]);
    assert_eq!(again.code, Some(1), "a file that is there is not overwritten: {again:?}");
    let key = std::fs::read(site.data().join("vault.key")).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(key.len()).any(|part| part == key));
    device.close().ended(0);
    assert_eq!(site.stop(), Some(0));
    for rest in ["cardea.db-wal", "cardea.db-shm"] {
        let _ = std::fs::remove_file(site.data().join(rest));
    }
    std::fs::copy(&file, site.data().join("cardea.db")).unwrap();
    let marker = site.tool(&["restore-marker"]);
    assert_eq!(marker.code, Some(0), "{marker:?}");
    site.up();
    assert_eq!(site.status("joe"), 2, "the opening of the backup is over");
    device.open(PIN).failed("not-confirmed");
    assert_eq!(site.status("joe"), 2);
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn servers_over_postgresql_that_are_killed_under_load_keep_what_they_acknowledged() {
    let mut soak = Soak::start(Over::Postgres);
    (0..4).for_each(|number| soak.cycle(number));
    soak.interrupt_database("INT");
    soak.cycle(5);
    soak.interrupt_database("QUIT");
    assert!(soak.totals.acknowledged > 0, "{:?}", soak.totals);
}

#[test]
fn a_server_over_sqlite_that_is_killed_under_load_keeps_what_it_acknowledged() {
    let mut soak = Soak::start(Over::Sqlite);
    (0..4).for_each(|number| soak.cycle(number));
    assert!(soak.totals.acknowledged > 0, "{:?}", soak.totals);
}

//! Servers over PostgreSQL that start at once, and a server that is older than the tables.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use cardea_tests::harness::{Cluster, Output, Site, get};
use serde_json::json;

use super::pair::{over, pair};
use super::partition::failed;

/// A server that has nothing yet but an empty folder.
fn empty(url: &str) -> Site {
    let mut site = Site::empty();
    site.start.run = true;
    site.start.environment = over(url);
    fs::create_dir(site.data()).expect("a folder can be made");
    fs::set_permissions(site.data(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    site
}

/// Starts them at the same time.
fn start_together(sites: &mut [Site]) -> Vec<Result<(), Output>> {
    thread::scope(|scope| {
        let starting: Vec<_> = sites.iter_mut().map(|site| scope.spawn(|| site.try_up())).collect();
        starting.into_iter().map(|starting| starting.join().expect("it starts or not")).collect()
    })
}

#[test]
fn of_several_first_starts_at_once_one_makes_the_key_and_with_it_all_start() {
    let url = Cluster::shared().database();
    let mut sites: Vec<Site> = (0..4).map(|_| empty(&url)).collect();
    let started = start_together(&mut sites);
    let up: Vec<usize> = (0..4).filter(|number| started[*number].is_ok()).collect();
    assert_eq!(up.len(), 1, "{started:?}");
    for ended in started.iter().filter_map(|started| started.as_ref().err()) {
        let last = ended.err.lines().last().unwrap_or_default();
        assert!(ended.code == Some(1) && last.contains("vault.key"), "{ended:?}");
    }
    let first = sites.remove(up[0]);
    for site in &sites {
        assert_eq!(fs::read_dir(site.data()).expect("a folder").count(), 0, "no other key is made");
        fs::copy(first.data().join("vault.key"), site.data().join("vault.key")).expect("the key can be copied");
    }
    let started = start_together(&mut sites);
    assert!(started.iter().all(Result::is_ok), "{started:?}");
    let identity = |site: &Site| get(site.http(), b"/.well-known/cardea").json()["identity"].clone();
    assert!(identity(&first).is_string() && sites.iter().all(|site| identity(site) == identity(&first)));
}

#[test]
fn a_server_that_is_older_than_the_tables_is_not_ready_and_does_not_start() {
    let cluster = Cluster::shared();
    let [mut first, second] = pair();
    let url = first.start.environment[0].1.clone();
    let known = cluster.sql(&url, "SELECT format FROM cardea");
    assert_eq!(second.call("enroll", "joe", &json!({})).code, 200);
    cluster.sql(&url, "UPDATE cardea SET format = 99");
    for node in [&first, &second] {
        failed(&get(node.http(), b"/readyz"));
        failed(&node.call("block", "joe", &json!({})));
        node.logged(&["format 99", "newer server"]);
    }
    first.kill();
    let ended = first.try_up().expect_err("it must not start");
    let last = ended.err.lines().last().unwrap_or_default();
    assert!(ended.code == Some(1) && last.contains("format 99") && last.contains("newer server"), "{ended:?}");
    let doctor = first.tool(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("format 99"), "{doctor:?}");
    cluster.sql(&url, &format!("UPDATE cardea SET format = {known}"));
    first.up();
    for node in [&first, &second] {
        assert_eq!((get(node.http(), b"/readyz").code, node.status("joe")), (200, 0));
    }
}

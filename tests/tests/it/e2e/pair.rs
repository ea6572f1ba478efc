//! Two servers over one PostgreSQL database.

use cardea_tests::harness::{Cluster, Device, Offer, Proxy, Site};
use serde_json::Value;

/// A service whose openings are for one check.
pub(super) const ONCE: &str = "default_once";
/// A service whose openings last an hour.
pub(super) const DOOR: &str = "default_door";

/// The environment of a server over the database at `url`.
pub(super) fn over(url: &str) -> Vec<(String, String)> {
    [("CARDEA_DATABASE_URL", url), ("CARDEA_LIMITS_CHECKS_PER_TOKEN", "0")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// Two servers over an empty database.
pub(super) fn pair() -> [Site; 2] {
    let url = Cluster::shared().database();
    pair_with(over(&url), over(&url))
}

/// Two servers with an environment each. Both services are there, and one authkey does everything in them; the calls go to
/// [`DOOR`] until a test says otherwise.
pub(super) fn pair_with(first: Vec<(String, String)>, second: Vec<(String, String)>) -> [Site; 2] {
    let mut first = Site::run_with(first);
    done(&first, &["service", "create", ONCE, "--window", "0", "--lifetime", "3600"]);
    done(&first, &["service", "create", DOOR, "--window", "3600"]);
    let (key, _) = authkey(&first, "admin");
    DOOR.clone_into(&mut first.service);
    (first.status_key, first.admin_key) = (key.clone(), key);
    let second = first.beside_with(second);
    [first, second]
}

/// What a command that must succeed prints.
pub(super) fn done(site: &Site, arguments: &[&str]) -> String {
    let output = site.tool(arguments);
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    output.out
}

/// A new authkey for all services: its value, and its number.
pub(super) fn authkey(site: &Site, permissions: &str) -> (String, String) {
    let made = done(
        site,
        &["authkey", "create", "--subscription", "default", "--name", "k", "--permissions", permissions, "--json"],
    );
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let value = made["value"].as_str().expect("a value").to_owned();
    site.hide(std::slice::from_ref(&value));
    let number = made["id"].as_str().map_or_else(|| made["id"].to_string(), str::to_owned);
    (value, number)
}

/// A device of `user`, and what leads it to one server or the other; at first to the one that it enrolls with.
pub(super) fn wandering(site: &Site, user: &str) -> (Device, Proxy) {
    let proxy = Proxy::to(site.channel());
    let device = site.device(user);
    let offer: Offer = site.offer(user);
    device.run(&["enroll", &offer.through(proxy.port())], &[Site::PIN]).ended(0);
    (device, proxy)
}

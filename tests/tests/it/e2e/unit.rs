//! The unit for systemd, held against what the server really does.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use cardea_tests::harness::{Site, output, until};

const UNIT: &str = include_str!("../../../../integrations/systemd/cardea-server.service");

/// The system calls in `set`, which is a call or the name of a set.
fn expanded(set: &str) -> BTreeSet<String> {
    if !set.starts_with('@') {
        return BTreeSet::from([set.to_owned()]);
    }
    let listed = output(Command::new("systemd-analyze").args(["--no-pager", "syscall-filter", set]));
    assert_eq!(listed.code, Some(0), "this test needs systemd-analyze: install systemd");
    let members = listed.out.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    members.flat_map(expanded).collect()
}

/// What the unit allows, as systemd reads it: line by line, `~` takes away. What every process needs is always allowed.
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut allowed = expanded("@default");
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (sets, takes) = line.strip_prefix('~').map_or((line, false), |sets| (sets, true));
        for call in sets.split_whitespace().flat_map(expanded) {
            if takes {
                allowed.remove(&call)
            } else {
                allowed.insert(call)
            };
        }
    }
    allowed
}

/// The system calls of a server that lives through all that is everyday.
fn used() -> BTreeSet<String> {
    let mut site = Site::run();
    assert_eq!(site.stop(), Some(0));
    let calls = site.folder().join("calls");
    // The tracer is a grandchild, so that the process that we stop is the server.
    site.start.prepare = Some(format!("exec strace -D -f -c -U name -o {} \"$0\" \"$@\"", calls.display()));
    site.start.environment.push(("CARDEA_METRICS_LISTEN".to_owned(), "127.0.0.1:0".to_owned()));
    site.up();
    let device = site.enrolled("joe");
    assert_eq!(site.status("joe"), 2);
    device.open(Site::PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    device.close().ended(0);
    assert_eq!(site.status("joe"), 2);
    let blocked = site.tool(&["token", "block", &site.service, "joe"]);
    assert_eq!(blocked.code, Some(0), "{blocked:?}");
    assert_eq!(site.status("joe"), 4);
    assert_eq!(site.tool(&["backup", &site.folder().join("copy").display().to_string()]).code, Some(0));
    assert_eq!(site.stop(), Some(0));
    let table = until("the tracer says what it saw", || {
        fs::read_to_string(&calls).ok().filter(|table| table.trim_end().ends_with("total"))
    });
    let names = table.lines().map(str::trim).filter(|line| !line.starts_with('-'));
    names.filter(|name| !["syscall", "total"].contains(name)).map(str::to_owned).collect()
}

#[test]
fn the_server_makes_no_system_call_that_its_unit_forbids() {
    let (used, allowed) = (used(), allowed(UNIT));
    for call in ["setpriority", "accept4", "fdatasync"] {
        assert!(used.contains(call), "{call} was not seen: {used:?}");
    }
    let forbidden: Vec<_> = used.difference(&allowed).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
    // What would be found.
    assert!(!allowed.contains("mount") && !allowed.contains("setuid") && !allowed.contains("setrlimit"));
    assert!(UNIT.lines().any(|line| line == "SystemCallErrorNumber=EPERM"));
}

#[test]
fn the_unit_is_one_that_systemd_understands() {
    let site = Site::empty();
    let unit = UNIT.replace("/usr/local/bin/cardea-server", "/bin/true");
    // The lines that an operator may want are held to the same.
    let unit: String =
        unit.lines().map(|line| line.strip_prefix('#').unwrap_or(line)).fold(String::new(), |unit, line| {
            let is_setting = line.starts_with('[') || line.split_once('=').is_some_and(|(key, _)| !key.contains(' '));
            if is_setting { unit + line + "\n" } else { unit }
        });
    assert!(unit.contains("\nLoadCredential=tls.key:") && unit.contains("\nExecReload=/bin/kill -HUP $MAINPID\n"));
    let path = site.folder().join("cardea-server.service");
    fs::write(&path, unit).expect("a file can be written");
    let verified =
        output(Command::new("systemd-analyze").args(["verify", "--man=no", "--recursive-errors=no"]).arg(&path));
    let about: Vec<&str> = verified.err.lines().filter(|line| line.contains("cardea-server.service")).collect();
    assert!(verified.code == Some(0) && about.is_empty(), "{verified:?}");
}

//! The unit for systemd, held against what the server really does.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use cardea_tests::harness::{Site, output, until};
use serde_json::Value;

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
    let (mut used, allowed) = (used(), allowed(UNIT));
    // SQLite gives new files to the owner of the database, but only as root, which a service with this unit is not.
    assert!(UNIT.lines().any(|line| line == "DynamicUser=yes"));
    used.remove("fchown");
    for call in ["setpriority", "accept4", "fsync"] {
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

#[test]
fn an_installation_with_the_unit_begins_while_the_server_runs() {
    let page = include_str!("../../../../docs/integrations.md");
    let block = page.split("```console\n").find(|block| block.contains("systemctl enable")).expect("the page says how");
    let steps: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let place = |piece: &str| steps.iter().position(|step| step.contains(piece)).expect(piece);
    assert!(
        place("cardea-server config >") < place("enable --now") && place("enable --now") < place("cardea-server init")
    );

    let mut site = Site::empty();
    // The unit's StateDirectory.
    fs::create_dir(site.data()).expect("a folder can be made");
    fs::set_permissions(site.data(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    site.start.run = true;
    site.up();
    let typed: Vec<&str> =
        steps[place("cardea-server init")].split("  ").next().expect("a command").split(' ').collect();
    assert_eq!(typed[..4], ["cardea-server", "init", "--config", "/etc/cardea.toml"]);
    let made = site.tool(&[&["init", "--json"], &typed[4..]].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let keys: Value = serde_json::from_str(&made.out).expect("JSON");
    let text = |name: &str| keys[name].as_str().expect("a text").to_owned();
    (site.service, site.status_key, site.admin_key) = (text("service"), text("statusKey"), text("adminKey"));
    site.hide(&[text("statusKey"), text("adminKey"), text("instanceKey")]);
    assert_eq!(site.ask("joe").code, 404, "the running server knows the authkey");
    let device = site.enrolled("joe");
    device.open(Site::PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn the_container_runs_what_the_program_understands() {
    let file = include_str!("../../../../integrations/container/Containerfile");
    // Lines that go on are one.
    let joined = file.replace("\\\n#", "");
    let commands: Vec<Vec<&str>> = joined
        .lines()
        .filter_map(|line| line.strip_prefix("#   podman "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let command = |piece: &str| commands.iter().find(|words| words.contains(&piece)).expect(piece);
    let after = |words: &[&str], flag: &str| -> Vec<String> {
        let pairs = words.windows(2).filter(|pair| pair[0] == flag);
        pairs.map(|pair| pair[1].to_owned()).collect()
    };
    let serve = command("--detach");
    let exposed: BTreeSet<&str> =
        file.lines().filter_map(|line| line.strip_prefix("EXPOSE ")).flat_map(str::split_whitespace).collect();
    let published = after(serve, "-p");
    let published: BTreeSet<&str> = published.iter().filter_map(|port| port.rsplit(':').next()).collect();
    assert_eq!(published, exposed);
    for words in [serve, command("init")] {
        assert_eq!(after(words, "-v"), ["cardea:/var/lib/cardea"]);
        assert!(file.contains("\nVOLUME /var/lib/cardea\n"));
    }

    let mut site = Site::empty();
    let image = file.lines().filter_map(|line| line.strip_prefix("ENV ")).flat_map(str::split_whitespace);
    let environment = image.map(str::to_owned).chain(after(serve, "-e"));
    site.start.environment = environment
        .filter_map(|setting| setting.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .filter(|(name, _)| name != "CARDEA_DATA_DIR")
        .collect();
    assert!(site.start.environment.iter().any(|(name, _)| name == "CARDEA_PUBLIC_URL"));
    let init = command("init");
    let typed = &init[init.iter().position(|word| *word == "init").expect("it is there")..];
    let made = site.tool(&[typed, &["--json"]].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let keys: Value = serde_json::from_str(&made.out).expect("JSON");
    let text = |name: &str| keys[name].as_str().expect("a text").to_owned();
    (site.service, site.admin_key) = (text("service"), text("adminKey"));
    site.hide(&[text("statusKey"), text("adminKey"), text("instanceKey")]);
    assert!(file.contains("\nCMD [\"run\"]\n"));
    site.start.run = true;
    site.up();
    assert!(site.offer("joe").link.starts_with("https://cardea.example/e#"));
    let exec = command("exec");
    let typed = &exec[exec.iter().rposition(|word| *word == "cardea-server").expect("it is there") + 1..];
    let listed = site.tool(typed);
    assert!(listed.code == Some(0) && listed.out.contains("default_main"), "{listed:?}");
}

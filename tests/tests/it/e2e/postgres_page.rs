//! What `docs/server/postgresql.md` says, done word for word, with a real PostgreSQL server and two nodes.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cardea_protocol::wire::Link;
use cardea_tests::harness::{Device, Killer, Output, Proxy, Site, get, output_with, post, server, until};
use serde_json::{Value, json};

use super::guarded::{Guarded, NAME};
use super::page::blocks;

const PAGE: &str = include_str!("../../../../docs/server/postgresql.md");

/// The commands of the page, block by block.
fn commands() -> Vec<Vec<&'static str>> {
    blocks(PAGE).map(|(_, text)| text.lines().filter_map(|line| line.strip_prefix("$ ")).collect()).collect()
}

/// Who follows the page: a machine with a folder in place of `/`.
struct Reader {
    site: Site,
    guarded: Guarded,
    /// What was exported so far.
    exports: String,
    nodes: Vec<Child>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Reader {
    fn new() -> Self {
        let guarded = Guarded::start();
        // On the page `cardea` is not the administrator.
        guarded.cluster.sql("postgres", "CREATE ROLE postgres SUPERUSER LOGIN");
        let mut rename = guarded.cluster.client("psql");
        rename.env("PGUSER", "postgres").args(["-q", "-d", "postgres", "-c", "ALTER ROLE cardea RENAME TO founder"]);
        assert!(rename.status().expect("psql runs").success());
        let mut site = Site::empty();
        site.start.run = true;
        let root = site.folder();
        for folder in ["etc/cardea", "var/lib", "backup", "bin"] {
            fs::create_dir_all(root.join(folder)).expect("a folder can be made");
        }
        fs::copy(guarded.folder.path().join("ca.pem"), root.join("etc/cardea/ca.pem")).expect("copied");
        // Servers listen where there is room, and say where.
        let program = format!(
            "#!/bin/sh\nif [ \"$1\" = run ]; then for last; do :; done\n\
             set -- \"$@\" --http 127.0.0.1:0 --channel 127.0.0.1:0 --ready-file \"$last.ready\"; fi\nexec {} \"$@\"\n",
            server().display()
        );
        fs::write(root.join("bin/cardea-server"), program).expect("written");
        fs::set_permissions(root.join("bin/cardea-server"), fs::Permissions::from_mode(0o700)).expect("it is ours");
        Self { site, guarded, exports: String::new(), nodes: Vec::new() }
    }

    fn root(&self) -> &Path {
        self.site.folder()
    }

    /// A line as it is for this machine.
    fn here(&self, line: &str) -> String {
        let root = self.root().display();
        ["/etc/cardea/", "/var/lib/", "/backup/"]
            .iter()
            .fold(line.to_owned(), |line, place| line.replace(place, &format!("{root}{place}")))
            .replace("db.example.org", &format!("{NAME}:{}", self.guarded.port))
    }

    /// A shell that has no terminal, for the administrator of the database as well.
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("setsid");
        command.args(["-w", "bash", "-c", script]).current_dir(self.root()).env("PGUSER", "postgres");
        command.env("PGHOST", self.guarded.cluster.folder()).env("PGPORT", self.guarded.port.to_string());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.root().join("bin").display()));
        command
    }

    /// Does what a line says, which must succeed, and types the password where it is asked for.
    fn does(&mut self, line: &str) -> Output {
        let line = self.here(line);
        if line.starts_with("export ") {
            self.exports += &format!("{line}\n");
            return Output { code: Some(0), out: String::new(), err: String::new() };
        }
        if line.starts_with("cardea-server run ") {
            self.starts(&line);
            return Output { code: Some(0), out: String::new(), err: String::new() };
        }
        let password = fs::read_to_string(self.root().join("etc/cardea/db-password")).unwrap_or_default();
        let typed = if line.contains("--pwprompt") { password.repeat(2) } else { String::new() };
        let output = output_with(&mut self.shell(&format!("{}{line}", self.exports)), &typed);
        assert_eq!(output.code, Some(0), "{line}: {output:?}");
        let password = password.trim_end();
        assert!(password.is_empty() || !format!("{}{}", output.out, output.err).contains(password), "{output:?}");
        output
    }

    fn all(&mut self, lines: &[&str]) -> Vec<Output> {
        lines.iter().map(|line| self.does(line)).collect()
    }

    /// Starts a server and waits until it is ready.
    fn starts(&mut self, line: &str) {
        let ready = format!("{}.ready", line.rsplit(' ').next().expect("the folder"));
        let _ = fs::remove_file(&ready);
        let log = File::options().create(true).append(true).open(self.root().join("server.log")).expect("a log");
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{}exec {line}", self.exports)]).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.root().join("bin").display())).stderr(log);
        let mut child = command.spawn().expect("a shell");
        until("the server comes up", || {
            assert!(child.try_wait().expect("a child").is_none(), "it ended: {}", self.site.log());
            Path::new(&ready).exists().then_some(())
        });
        self.nodes.push(child);
    }

    /// Stops all servers.
    fn stop(&mut self) {
        for mut child in self.nodes.drain(..) {
            Killer::of_child(&child).terminate();
            let _ = child.wait();
        }
    }

    /// What the server of a data folder says about where it listens: the API, and the token channel.
    fn node(&self, name: &str) -> [SocketAddr; 2] {
        let text = fs::read_to_string(self.root().join(format!("var/lib/{name}.ready"))).expect("it is ready");
        let ready: Value = serde_json::from_str(&text).expect("JSON");
        let address = |name: &str| {
            let text = ready[name].as_str().expect("an address");
            text.trim_start_matches("http://").parse().expect("an address")
        };
        [address("http"), address("channel")]
    }
}

/// The authkeys that `init` printed: for the status, and for everything in the service.
fn authkeys(printed: &str) -> [String; 2] {
    let key = |what: &str| {
        let line = printed.lines().find(|line| line.ends_with(what)).unwrap_or_else(|| panic!("{what}: {printed}"));
        line.trim_end_matches(what).split_whitespace().last().expect("a key").to_owned()
    };
    [key("reads the status"), key("does everything in it")]
}

fn status(http: SocketAddr, key: &str) -> String {
    get(http, format!("/token/status?id=joe&service=default_main&authKey={key}").as_bytes()).text()
}

/// A device of joe's that reaches the servers by a load balancer.
fn enrolled(reader: &Reader, [http, channel]: [SocketAddr; 2], key: &str) -> (Device, Proxy) {
    let body = json!({ "id": "joe", "service": "default_main", "authKey": key });
    let offer = post(http, "/token/enroll", &body);
    assert_eq!(offer.code, 200, "{offer:?}");
    let balancer = Proxy::to(channel);
    let offer = offer.json();
    let mut link = Link::parse(offer["link"].as_str().expect("a link")).expect("the server makes links");
    link.port = balancer.port();
    let mut uri = String::new();
    link.write_uri(&mut uri).expect("a text takes it");
    let device = reader.site.device("joe");
    device.run(&["enroll", &uri], &[Site::PIN]).ended(0);
    (device, balancer)
}

#[test]
fn the_page_about_postgresql_is_right_word_for_word() {
    const OPEN: &str = "{\"status\":1}";
    const CLOSED: &str = "{\"status\":2}";
    let blocks = commands();
    let [password, role, first, second, sqlite_backup, dump, sqlite_restore, restore] = &blocks[..] else {
        panic!("{blocks:?}")
    };
    let mut reader = Reader::new();
    reader.all(password);
    reader.all(role);
    let outputs = reader.all(first);
    let printed = outputs.iter().find(|output| output.out.contains("does everything in it")).expect("init prints");
    let [status_key, admin_key] = authkeys(&printed.out);
    reader.site.hide(&[status_key.clone(), admin_key.clone()]);
    reader.all(second);
    let nodes = [reader.node("cardea-a"), reader.node("cardea-b")];
    assert_ne!(nodes[0], nodes[1]);
    let (device, balancer) = enrolled(&reader, nodes[0], &admin_key);
    balancer.spread_over(&[nodes[0][1], nodes[1][1]]);
    let statuses = |nodes: &[[SocketAddr; 2]; 2]| nodes.map(|node| status(node[0], &status_key));
    for _ in 0..2 {
        device.open(Site::PIN).ended(0);
        assert_eq!(statuses(&nodes), [OPEN, OPEN]);
        device.close().ended(0);
        assert_eq!(statuses(&nodes), [CLOSED, CLOSED]);
    }
    device.open(Site::PIN).ended(0);

    reader.all(dump);
    device.close().ended(0);
    reader.stop();
    reader.all(restore);
    for line in first.iter().chain(second).filter(|line| line.starts_with("cardea-server run ")) {
        reader.does(line);
    }
    let nodes = [reader.node("cardea-a"), reader.node("cardea-b")];
    balancer.spread_over(&[nodes[1][1], nodes[0][1]]);
    assert_eq!(statuses(&nodes), [CLOSED, CLOSED], "the opening of the backup is over");
    device.open(Site::PIN).failed("not-confirmed");
    device.open(Site::PIN).ended(0);
    assert_eq!(statuses(&nodes), [OPEN, OPEN]);
    reader.stop();

    // The same for one server over SQLite.
    reader.exports.clear();
    let printed = reader.does("cardea-server init --data-dir /var/lib/cardea");
    let [status_key, admin_key] = authkeys(&printed.out);
    reader.does("cardea-server run --data-dir /var/lib/cardea");
    let node = reader.node("cardea");
    let offered =
        post(node[0], "/token/enroll", &json!({ "id": "joe", "service": "default_main", "authKey": admin_key }));
    assert_eq!(offered.code, 200);
    reader.all(sqlite_backup);
    let deleted =
        post(node[0], "/token/delete", &json!({ "id": "joe", "service": "default_main", "authKey": admin_key }));
    assert_eq!(deleted.code, 200);
    reader.stop();
    reader.all(sqlite_restore);
    reader.does("cardea-server run --data-dir /var/lib/cardea");
    assert_eq!(status(reader.node("cardea")[0], &status_key), "{\"status\":0}", "the token is there again");
}

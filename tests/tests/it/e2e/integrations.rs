//! What `docs/integrations.md` says, done word for word: with the real nginx, the real PAM, and real shells.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cardea_tests::harness::{Device, Nginx, Site, output, pam_module, ports, request};
use serde_json::json;

use super::page::{self, block, with};

const PAGE: &str = include_str!("../../../../docs/integrations.md");

fn secret_file(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
}

fn url(site: &Site) -> String {
    format!("http://{}", site.http())
}

/// A site with an enrolled device for each of these users.
fn site(users: &[&str]) -> (Site, Vec<Device>) {
    let site = Site::dev();
    let devices = users.iter().map(|user| site.enrolled(user)).collect();
    (site, devices)
}

#[test]
fn the_shell_script_says_yes_only_to_an_open_token() {
    let (mut site, devices) = site(&["joe smith"]);
    let header = site.folder().join("authkey");
    secret_file(&header, &block(PAGE, "Authorization: apikey KEY").replace("KEY", &site.status_key));
    let script = with(
        block(PAGE, "curl -s -m 10"),
        &[
            ("/etc/cardea-authkey", &header.display().to_string()),
            ("default_main", &site.service),
            ("https://cardea.example", &url(&site)),
        ],
    );
    let run = |user: &str| output(Command::new("sh").args(["-c", &script]).env("USER_ID", user)).code;
    assert_eq!(run("joe smith"), Some(1), "closed");
    devices[0].open(Site::PIN).ended(0);
    assert_eq!(run("joe smith"), Some(0), "open");
    assert_eq!(run("joe"), Some(1), "unknown");
    assert_eq!(run("joe smith&x=1"), Some(1), "odd");
    site.kill();
    assert_eq!(run("joe smith"), Some(1), "no server");
}

#[test]
fn a_pipeline_goes_on_only_for_an_open_token() {
    let (mut site, devices) = site(&["release manager é"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../integrations/ci/check-token.sh");
    let command = |site: &Site, wait: &str| {
        let mut command = Command::new("sh");
        command.arg(&script).env("CARDEA_URL", url(site)).env("CARDEA_SERVICE", &site.service);
        command.env("CARDEA_ID", "release manager é").env("CARDEA_AUTHKEY", &site.status_key).env("CARDEA_WAIT", wait);
        command
    };
    let closed = output(&mut command(&site, "0"));
    assert_eq!((closed.code, closed.err.as_str()), (Some(1), "The token of release manager é is closed.\n"));
    let wrong = output(command(&site, "0").env("CARDEA_AUTHKEY", "wrong-wrong-wrong-wrong"));
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.err.contains("refused"), "{wrong:?}");
    assert_ne!(output(command(&site, "0").env_remove("CARDEA_AUTHKEY")).code, Some(0));

    // It waits, sees nothing, and then the holder opens.
    let mut waiting = command(&site, "60").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell");
    devices[0].open(Site::PIN).ended(0);
    assert!(waiting.wait().expect("a child can be waited for").success());
    assert_eq!(output(&mut command(&site, "0")).code, Some(0));
    site.kill();
    let gone = output(&mut command(&site, "0"));
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.contains("no answer"), "{gone:?}");
}

#[test]
fn both_kinds_of_pipeline_run_the_same_script() {
    let script = page::text("integrations/ci/check-token.sh");
    let gitlab = page::text("integrations/ci/gitlab/cardea.yml");
    let (_, inside) = gitlab.split_once("    - |\n").expect("a script");
    let inside: Vec<&str> = inside.lines().map(|line| line.strip_prefix("      ").unwrap_or(line)).collect();
    assert_eq!(inside, script.lines().collect::<Vec<_>>());
    let github = page::text("integrations/ci/github/action.yml");
    assert!(github.contains("$GITHUB_ACTION_PATH/../check-token.sh"));
    for name in ["CARDEA_URL", "CARDEA_SERVICE", "CARDEA_ID", "CARDEA_AUTHKEY", "CARDEA_WAIT"] {
        assert!(script.contains(name) && github.contains(name), "{name}");
    }
}

/// nginx with the project's configuration, in front of members' pages.
fn members(site: &Site) -> Nginx {
    let folder = site.folder().join("nginx");
    let pages = folder.join("pages");
    fs::create_dir_all(&pages).expect("a folder can be made");
    // nginx reads them as another user.
    fs::set_permissions(&pages, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::write(pages.join("index.html"), "the members' page").expect("a file can be written");
    // Plain passwords: what is tested is not the first factor.
    fs::write(folder.join("members"), "joe:{PLAIN}word\neve&x=1:{PLAIN}word\n").expect("a file can be written");
    let key = block(PAGE, "proxy_set_header Authorization");
    secret_file(&folder.join("authkey.conf"), &with(key, &[("KEY", &site.status_key)]));
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
    let at = |name: &str| folder.join(name).display().to_string();
    let server = with(
        &page::text("integrations/nginx/cardea.conf"),
        &[
            ("127.0.0.1:8080", &listen.to_string()),
            ("127.0.0.1:8420", &site.http().to_string()),
            ("default_main", &site.service),
            ("/etc/nginx/members.htpasswd", &at("members")),
            ("/etc/nginx/cardea-authkey.conf", &at("authkey.conf")),
            ("/srv/members", &at("pages")),
        ],
    );
    Nginx::start(&folder, listen, &server)
}

/// The code and the page that the user with this name and the password gets.
fn members_page(nginx: &Nginx, credentials: &str) -> (u16, String) {
    let authorization = format!("Authorization: Basic {credentials}\r\n");
    let answer = request(nginx.address, b"GET", b"/index.html", &authorization, b"");
    (answer.code, answer.text())
}

#[test]
fn nginx_lets_through_who_has_an_open_token() {
    const JOE: &str = "am9lOndvcmQ=";
    const EVE: &str = "ZXZlJng9MTp3b3Jk";
    let (mut site, devices) = site(&["joe"]);
    let nginx = members(&site);
    assert_eq!(request(nginx.address, b"GET", b"/", "", b"").code, 401, "no password");
    assert_eq!(members_page(&nginx, JOE).0, 403, "closed");
    devices[0].open(Site::PIN).ended(0);
    for _ in 0..3 {
        assert_eq!(members_page(&nginx, JOE), (200, "the members' page".to_owned()), "open");
    }
    assert_eq!(members_page(&nginx, EVE).0, 500, "a name that would change the question");
    assert_eq!(
        request(nginx.address, b"GET", b"/cardea-gate", "", b"").code,
        404,
        "the question is not for the outside"
    );
    devices[0].close().ended(0);
    assert_eq!(members_page(&nginx, JOE).0, 403, "closed again");
    devices[0].open(Site::PIN).ended(0);
    site.kill();
    assert_eq!(members_page(&nginx, JOE).0, 500, "no server");
}

#[test]
fn what_visitors_say_about_where_they_come_from_does_not_reach_the_gate() {
    let mut site = Site::dev_with(&["--window", "60", "--set", "http.trusted_proxies=127.0.0.1"]);
    let only_here = json!({ "name": "nginx", "permissions": "basic", "networks": ["127.0.0.0/8"] });
    let made = site.manage("authkey/create", &only_here).json();
    made["value"].as_str().expect("a value").clone_into(&mut site.status_key);
    site.hide(std::slice::from_ref(&site.status_key));
    let device = site.enrolled("joe");
    let nginx = members(&site);
    device.open(Site::PIN).ended(0);
    for claim in ["", "X-Forwarded-For: 203.0.113.9\r\n", "Forwarded: for=203.0.113.9\r\n"] {
        let headers = format!("Authorization: Basic am9lOndvcmQ=\r\n{claim}");
        assert_eq!(request(nginx.address, b"GET", b"/index.html", &headers, b"").code, 200, "{claim}");
    }
    // What would have come of it.
    let direct = |claim: &str| {
        let headers = format!("Authorization: apikey {}\r\n{claim}", site.status_key);
        let target = format!("/token/gate?id=joe&service={}", site.service);
        request(site.http(), b"GET", target.as_bytes(), &headers, b"").code
    };
    assert_eq!((direct(""), direct("X-Forwarded-For: 203.0.113.9\r\n")), (204, 403));
}

/// A service file for PAM in a folder that only the asking process sees in place of `/etc/pam.d`.
struct Pam {
    folder: PathBuf,
    config: PathBuf,
}

impl Pam {
    fn new(site: &Site) -> Self {
        let folder = site.folder().join("pam.d");
        fs::create_dir_all(&folder).expect("a folder can be made");
        let config = site.folder().join("pam.conf");
        let line = with(
            block(PAGE, "auth required pam_cardea.so"),
            &[
                ("pam_cardea.so", &pam_module().display().to_string()),
                ("/etc/security/cardea.conf", &config.display().to_string()),
            ],
        );
        fs::write(folder.join("cardea-test"), line).expect("a file can be written");
        let pam = Self { folder, config };
        pam.configure(site, "");
        pam
    }

    fn configure(&self, site: &Site, more: &str) {
        let changes = [
            ("https://cardea.example", url(site)),
            ("default_main", site.service.clone()),
            ("KEY", site.status_key.clone()),
        ];
        let changes = changes.each_ref().map(|(from, to)| (*from, to.as_str()));
        secret_file(&self.config, &(with(block(PAGE, "url = https://cardea.example"), &changes) + more));
    }

    /// Whether `pam_authenticate` succeeds for `user`.
    fn lets_in(&self, user: &str) -> bool {
        self.asks(user, "authenticate", "successfully authenticated")
    }

    /// Whether `pam_acct_mgmt` succeeds for `user`, who has been authenticated elsewhere, as by a key.
    fn lets_in_with_a_key(&self, user: &str) -> bool {
        self.asks(user, "acct_mgmt", "account management done")
    }

    fn asks(&self, user: &str, question: &str, yes: &str) -> bool {
        let is_root = output(Command::new("id").arg("-u")).out.trim() == "0";
        let mut command = Command::new("unshare");
        // Others than root become the root of a namespace of their own, which is as good here.
        command.arg(if is_root { "--mount" } else { "--map-root-user" }).arg("--mount").args(["sh", "-ec"]);
        command.arg("mount --bind \"$0\" /etc/pam.d; exec pamtester cardea-test \"$1\" \"$2\"");
        let done = output(command.arg(&self.folder).arg(user).arg(question));
        assert!(done.out.contains(yes) == (done.code == Some(0)), "{done:?}");
        assert!(done.code == Some(0) || done.err.contains("pamtester: "), "{done:?}");
        done.code == Some(0)
    }
}

#[test]
fn pam_lets_in_who_has_an_open_token_and_nobody_for_any_other_reason() {
    let (mut site, devices) = site(&["joe", "José 1"]);
    let pam = Pam::new(&site);
    assert!(!pam.lets_in("joe"), "closed");
    devices[0].open(Site::PIN).ended(0);
    assert!(pam.lets_in("joe"), "open");
    for user in ["José 1", "joe1", "joe&service=x", "joe#", "nobody"] {
        assert!(!pam.lets_in(user), "{user}");
    }
    devices[1].open(Site::PIN).ended(0);
    assert!(pam.lets_in("José 1"));

    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(&pam.config, fs::Permissions::from_mode(mode)).expect("it is ours");
        assert!(!pam.lets_in("joe"), "{mode:o}");
    }
    for (more, what) in
        [("nonsense\n", "a line"), ("timeout = 99\n", "a value"), ("ca = /nonexistent\n", "certificates")]
    {
        pam.configure(&site, more);
        assert!(!pam.lets_in("joe"), "{what}");
    }
    // Who is exempt is left to the other modules, of which there is none.
    pam.configure(&site, "exempt = nobody\n");
    assert!(!pam.lets_in("nobody"));
    let file = pam.folder.join("cardea-test");
    let alone = fs::read_to_string(&file).expect("it is ours");
    fs::write(&file, format!("auth required pam_permit.so\n{alone}")).expect("it is ours");
    assert!(pam.lets_in("nobody") && pam.lets_in("joe"));
    assert!(!pam.lets_in("joe1"), "another module's yes is not enough");

    pam.configure(&site, "");
    assert!(pam.lets_in("joe"));
    site.kill();
    assert!(!pam.lets_in("joe"), "no server");
    fs::remove_file(&pam.config).expect("it is ours");
    assert!(!pam.lets_in("joe"), "no configuration");
}

#[test]
fn pam_asks_for_the_token_of_who_logs_in_with_a_key_too() {
    let (mut site, devices) = site(&["joe"]);
    let pam = Pam::new(&site);
    let file = pam.folder.join("cardea-test");
    let auth = fs::read_to_string(&file).expect("it is ours");
    // With the line for passwords alone nobody asks; this is what the page warns of.
    fs::write(&file, format!("{auth}account required pam_permit.so\n")).expect("it is ours");
    assert!(pam.lets_in_with_a_key("joe") && !pam.lets_in("joe"), "closed");

    let (_, arguments) = auth.split_once(" required ").expect("a line of PAM");
    let line = block(PAGE, "account required pam_cardea.so");
    assert_eq!(line.split_once(' ').map(|(kind, _)| kind), Some("account"));
    // Whatever comes after it.
    let stack = format!("auth required pam_permit.so\naccount required {arguments}account sufficient pam_permit.so\n");
    fs::write(&file, stack).expect("it is ours");
    assert!(!pam.lets_in_with_a_key("joe"), "closed");
    devices[0].open(Site::PIN).ended(0);
    assert!(pam.lets_in_with_a_key("joe"), "open");
    for user in ["joe1", "joe&service=x", "nobody"] {
        assert!(!pam.lets_in_with_a_key(user), "{user}");
    }
    pam.configure(&site, "exempt = nobody\n");
    assert!(pam.lets_in_with_a_key("nobody"), "left to the other line");
    pam.configure(&site, "nonsense\n");
    assert!(!pam.lets_in_with_a_key("joe"), "a line that cannot be read");
    pam.configure(&site, "");
    devices[0].close().ended(0);
    assert!(!pam.lets_in_with_a_key("joe"), "closed again");
    devices[0].open(Site::PIN).ended(0);
    fs::set_permissions(&pam.config, fs::Permissions::from_mode(0o644)).expect("it is ours");
    assert!(!pam.lets_in_with_a_key("joe"), "others can read the authkey");
    pam.configure(&site, "");
    assert!(pam.lets_in_with_a_key("joe"));
    site.kill();
    assert!(!pam.lets_in_with_a_key("joe"), "no server");
}

#[test]
fn the_server_runs_with_few_rights() {
    let unit = page::text("integrations/systemd/cardea-server.service");
    for line in
        ["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "LimitCORE=0"]
    {
        assert!(unit.lines().any(|have| have == line), "{line}");
    }
    let container = page::text("integrations/container/Containerfile");
    let user = container.lines().position(|line| line == "USER cardea").expect("a user");
    let entry = container.lines().position(|line| line.starts_with("ENTRYPOINT")).expect("an entry point");
    assert!(user < entry);
    for line in container.lines().filter(|line| line.starts_with("ENV")) {
        for setting in line.split_whitespace().skip(1) {
            let (name, _) = setting.split_once('=').expect("a setting");
            let key = name.strip_prefix("CARDEA_").expect("ours").to_lowercase();
            let (section, key) = key.split_once('_').expect("a section");
            assert!(["data", "http", "channel", "log"].contains(&section) && !key.is_empty(), "{setting}");
        }
    }
}

//! HTTPS and secure WebSockets: by the server itself, and by nginx in front of it as the page shows it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use cardea_tests::harness::{Authority, Device, Nginx, Site, output, ports};
use serde_json::json;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use super::page::{block, with};

const PIN: &str = Site::PIN;
const NEW: &str = "61840275";
const PAGE: &str = include_str!("../../../../docs/server/proxy.md");

/// An authority, and the folder with its certificate and those that it gave out.
struct Trust {
    authority: Authority,
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Trust {
    fn new() -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a folder"));
        let file = authority.file(folder.path());
        Self { authority, folder, file }
    }

    fn pair(&self, names: &[&str]) -> (String, String) {
        let (certificate, key) = self.authority.certify(names).files(self.folder.path());
        (certificate.display().to_string(), key.display().to_string())
    }

    /// What is told who asks at `address` by TLS.
    fn ask(&self, address: SocketAddr, request: &str) -> String {
        let name = "localhost".try_into().expect("a name");
        let tls = ClientConnection::new(self.authority.client(), name).expect("a client");
        let mut stream = StreamOwned::new(tls, TcpStream::connect(address).expect("there is a server"));
        stream.write_all(request.as_bytes()).expect("sent");
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told);
        String::from_utf8_lossy(&told).into_owned()
    }

    fn get(&self, address: SocketAddr, target: &str) -> String {
        self.ask(address, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }
}

/// Everything that a device does, by WebSocket alone; `status` asks as a relying party.
fn lives(site: &Site, port: u16, trusted: &Path, status: impl Fn() -> String) {
    let (port, trusted) = (port.to_string(), trusted.display().to_string());
    let way = ["--transport", "websocket", "--web-port", &port, "--web-ca", &trusted];
    let device = site.device("joe");
    let run = |arguments: &[&str], pins: &[&str]| device.run(&[&way[..], arguments].concat(), pins);
    let link = offer(site, trusted.as_ref());
    run(&["enroll", &link], &[PIN]).ended(0);
    run(&["open"], &["83640275"]).failed("pin-rejected");
    run(&["open"], &[PIN]).ended(0);
    assert!(status().ends_with("{\"status\":1}"), "{}", status());
    run(&["change-pin"], &[PIN, NEW]).ended(0);
    run(&["close"], &[]).ended(0);
    assert!(status().ends_with("{\"status\":2}"), "{}", status());
    run(&["open"], &[NEW]).ended(0);
    assert_eq!(run(&["status"], &[]).ended(0).json()["state"], "open");
    no_way(&device, &port, site);
}

/// A link to enroll joe, asked with curl at the server's own address.
fn offer(site: &Site, trusted: &Path) -> String {
    let body = json!({ "id": "joe", "service": site.service, "authKey": site.admin_key, "qr": false }).to_string();
    let url = site.ready["http"].as_str().expect("a URL");
    let mut curl = Command::new("curl");
    curl.arg("-s").arg("--cacert").arg(trusted).args(["-d", &body]).arg(format!("{url}/token/enroll"));
    let told = output(&mut curl);
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    let link = told["link"].as_str().expect("a link").to_owned();
    site.hide(std::slice::from_ref(&link));
    link
}

/// Whoever does not trust the authority, or speaks no TLS, gets nowhere.
fn no_way(device: &Device, port: &str, site: &Site) {
    let stranger = Authority::new().file(site.folder()).display().to_string();
    let way = ["--transport", "websocket", "--web-port", port];
    device.run(&[&way[..], &["status"]].concat(), &[]).failed("offline");
    device.run(&[&way[..], &["--web-ca", &stranger, "status"]].concat(), &[]).failed("offline");
    let none = site.folder().join("none.pem").display().to_string();
    let ran = device.run(&[&way[..], &["--web-ca", &none, "status"]].concat(), &[]).ended(2);
    assert!(ran.err.contains("none.pem") || ran.out.contains("none.pem"), "{ran:?}");
}

fn variable(name: &str, value: &str) -> (String, String) {
    (format!("CARDEA_{name}"), value.to_owned())
}

#[test]
fn devices_come_by_secure_websocket_to_the_server_itself() {
    let trust = Trust::new();
    let (certificate, key) = trust.pair(&["localhost", "127.0.0.1"]);
    let mut site = Site::run_with(vec![variable("TLS_CERTIFICATE", &certificate), variable("TLS_KEY", &key)]);
    let target = site.status_target("joe");
    let http = site.http();
    lives(&site, http.port(), &trust.file, || trust.get(http, &target));
    // A name that the certificate does not have.
    let (_certificate, _key) = trust.pair(&["other.example"]);
    assert_eq!(site.stop(), Some(0));
    site.up();
    let (port, file) = (site.http().port().to_string(), trust.file.display().to_string());
    let way = ["--transport", "websocket", "--web-port", &port, "--web-ca", &file, "status"];
    site.device("joe").run(&way, &[]).failed("offline");
}

/// nginx as the page shows it, in front of `site`.
fn proxy(trust: &Trust, site: &Site) -> Nginx {
    let (certificate, key) = trust.pair(&["localhost", "127.0.0.1"]);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
    let server = with(
        block(PAGE, "proxy_pass"),
        &[
            ("listen 443 ssl", &format!("listen {listen} ssl")),
            ("token.example", "localhost"),
            ("/etc/cardea/certificate.pem", &certificate),
            ("/etc/cardea/key.pem", &key),
            ("127.0.0.1:8420", &site.http().to_string()),
        ],
    );
    Nginx::start(&site.folder().join("nginx"), listen, &server)
}

#[test]
fn nginx_passes_on_calls_devices_and_events_and_its_own_errors_open_nothing() {
    let trust = Trust::new();
    let config = trust.folder.path().join("cardea.toml");
    let text = with(block(PAGE, "[http]"), &[("https://token.example", "https://127.0.0.1")]);
    std::fs::write(&config, text).expect("a file can be written");
    let mut site = Site::run_with(vec![variable("CONFIG", &config.display().to_string())]);
    let nginx = proxy(&trust, &site);
    let (address, target) = (nginx.address, site.status_target("joe"));
    lives(&site, address.port(), &trust.file, || trust.get(address, &target));

    let events = format!("/token/events?service={}&authKey={}&after=0", site.service, site.admin_key);
    let told = {
        let name = "localhost".try_into().expect("a name");
        let tls = ClientConnection::new(trust.authority.client(), name).expect("a client");
        let mut stream = StreamOwned::new(tls, TcpStream::connect(address).expect("there is nginx"));
        stream.write_all(format!("GET {events} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).expect("sent");
        let mut told = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&told).contains("event: token.enrolled\n") {
            let read = stream.read(&mut piece).expect("it streams");
            assert!(read > 0, "{}", String::from_utf8_lossy(&told));
            told.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&told).into_owned()
    };
    assert!(told.contains("text/event-stream"), "{told}");

    let long = "1".repeat(40_000);
    let shut = |told: &str| {
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or((told, ""));
        assert!(!body.contains('1') && !head.starts_with("HTTP/1.1 2"), "{told}");
    };
    for request in [
        format!("GET {target}1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        format!("GET /token/status?id={long} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
        format!("G1T {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\n\r\n"),
        format!("GET {target} HTTP/9.1\r\n\r\n"),
        "GET /cardea-error HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(),
        "POST /token/block HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n".to_owned(),
        "1\r\n\r\n".to_owned(),
    ] {
        shut(&trust.ask(address, &request));
    }
    let plain = cardea_tests::harness::get(address, target.as_bytes());
    assert!(!plain.text().contains('1'), "{plain:?}");
    assert!(trust.get(address, &target).ends_with("{\"status\":1}"));
    site.kill();
    let told = trust.get(address, &target);
    assert!(told.starts_with("HTTP/1.1 502 "), "{told}");
    shut(&told);
}

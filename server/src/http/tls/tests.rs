use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use rcgen::{CertifiedKey as Generated, KeyPair, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::*;
use crate::config::{HttpConfig, Sources};
use crate::http::HttpServer;

/// Certificate and key in a folder of their own.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> (Self, CertificateDer<'static>) {
        let this = Self { folder: tempfile::tempdir().expect("a folder") };
        let certificate = this.renew();
        (this, certificate)
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn load(&self) -> Result<Certificates, TlsError> {
        Certificates::load(&self.certificate(), &self.key())
    }

    /// Puts a new pair into place.
    fn renew(&self) -> CertificateDer<'static> {
        let (certificate, der) = pair(&self.key());
        std::fs::write(self.certificate(), certificate).expect("written");
        der
    }
}

/// A new certificate for localhost, its key written to `path`.
fn pair(path: &Path) -> (String, CertificateDer<'static>) {
    let made: Generated<KeyPair> = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).expect("a file");
    std::io::Write::write_all(&mut file, made.signing_key.serialize_pem().as_bytes()).expect("written");
    (made.cert.pem(), made.cert.der().clone())
}

fn config() -> HttpConfig {
    let mut config = Sources::default().load().expect("the defaults").http;
    config.listen = "127.0.0.1:0".parse().expect("an address");
    config
}

/// A server that answers "open" on `/token/status`.
async fn start(certificates: &Arc<Certificates>, config: HttpConfig, patience: Duration) -> (SocketAddr, Shutdown) {
    let router = Router::new().route("/token/status", get(async || r#"{"status":1}"#));
    let listener = TcpListener::bind(config.listen).await.expect("a free port");
    let (address, shutdown) = (listener.local_addr().expect("an address"), Shutdown::new());
    let server = HttpServer::new(listener, router, config, Duration::from_secs(30), shutdown.clone());
    tokio::spawn(server.with_tls(Arc::clone(certificates), patience).run());
    (address, shutdown)
}

type Version = &'static SupportedProtocolVersion;

/// A client that trusts `certificate` alone.
fn client(certificate: &CertificateDer<'static>, version: Version, protocol: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[version]).expect("known versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// Asks over TLS; the version and the answer.
async fn ask(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
    version: Version,
    protocol: &[u8],
) -> std::io::Result<(rustls::ProtocolVersion, String)> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = client(certificate, version, protocol).connect(name, stream).await?;
    stream.write_all(b"GET /token/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok((stream.get_ref().1.protocol_version().expect("after the handshake"), answer))
}

async fn is_served(address: SocketAddr, certificate: &CertificateDer<'static>) -> bool {
    ask(address, certificate, &TLS13, b"http/1.1").await.is_ok_and(|(_, answer)| answer.ends_with(r#"{"status":1}"#))
}

/// Everything that the server writes to who sends `bytes` without knowing that it speaks TLS.
async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn calls_are_answered_over_both_versions_of_tls() {
    let (folder, certificate) = Folder::new();
    let (address, _shutdown) = start(&Arc::new(folder.load().expect("a pair")), config(), PATIENCE).await;
    for (version, expected) in
        [(&TLS12 as Version, rustls::ProtocolVersion::TLSv1_2), (&TLS13, rustls::ProtocolVersion::TLSv1_3)]
    {
        let (spoken, answer) = ask(address, &certificate, version, b"http/1.1").await.expect("an answer");
        assert_eq!(spoken, expected);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"status":1}"#), "{answer}");
    }
    assert!(ask(address, &certificate, &TLS13, b"h2").await.is_err(), "only HTTP/1.1 is spoken");
    let (_other, stranger) = Folder::new();
    assert!(ask(address, &stranger, &TLS13, b"http/1.1").await.is_err(), "another certificate is not trusted");
}

#[tokio::test]
async fn whoever_speaks_plain_http_to_it_gets_nothing_that_looks_like_open() {
    let (folder, _) = Folder::new();
    let (address, _shutdown) = start(&Arc::new(folder.load().expect("a pair")), config(), PATIENCE).await;
    for request in [
        &b"GET /token/status?id=1 HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"GET /token/status\r\n",
        b"1",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        // A handshake record with rubbish in it, one that is too large, and an alert.
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x16\x03\x01\xff\xff\x01\x00\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x31",
    ] {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let _ = stream.write_all(request).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.contains(&b'1'), "{request:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_off() {
    let (folder, _) = Folder::new();
    let certificates = Arc::new(folder.load().expect("a pair"));
    let (address, _shutdown) = start(&certificates, config(), Duration::from_millis(5)).await;
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        assert_eq!(raw(address, begun).await, b"", "{begun:?}");
    }
}

#[tokio::test]
async fn a_handshake_does_not_hold_up_the_end() {
    let (folder, _) = Folder::new();
    let (address, shutdown) = start(&Arc::new(folder.load().expect("a pair")), config(), PATIENCE).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"\x16").await.expect("sent");
    shutdown.begin();
    shutdown.drained().await;
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn over_the_limit_a_connection_is_closed_without_a_word() {
    let (folder, _) = Folder::new();
    let certificates = Arc::new(folder.load().expect("a pair"));
    let (address, _shutdown) = start(&certificates, HttpConfig { max_connections: 1, ..config() }, PATIENCE).await;
    let _first = TcpStream::connect(address).await.expect("a connection");
    assert_eq!(raw(address, b"").await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_new_pair_is_taken_up_and_one_that_cannot_be_used_is_not() {
    let (folder, first) = Folder::new();
    let certificates = Arc::new(folder.load().expect("a pair"));
    let (address, shutdown) = start(&certificates, config(), Duration::from_secs(86_400)).await;
    tokio::spawn(Arc::clone(&certificates).watch(shutdown));
    assert!(is_served(address, &first).await);

    let second = folder.renew();
    is_taken_up(address, &second).await;
    assert!(!is_served(address, &first).await);

    std::fs::write(folder.certificate(), "soon").expect("written");
    assert!(certificates.reload().is_err());
    assert!(is_served(address, &second).await);
    std::fs::remove_file(folder.key()).expect("removed");
    assert!(certificates.reload().is_err());
    assert!(is_served(address, &second).await);

    let third = folder.renew();
    is_taken_up(address, &third).await;
}

/// Lets time pass until the server shows `certificate`.
async fn is_taken_up(address: SocketAddr, certificate: &CertificateDer<'static>) {
    while !is_served(address, certificate).await {
        tokio::time::advance(PACE).await;
    }
}

#[test]
fn a_half_replaced_pair_is_refused_once_and_the_whole_one_is_taken() {
    let (folder, _) = Folder::new();
    let certificates = folder.load().expect("a pair");
    assert!(!certificates.reload().expect("unchanged"));
    let (certificate, _) = pair(&folder.key());
    assert!(matches!(certificates.reload(), Err(TlsError::Unusable(_))));
    assert!(!certificates.reload().expect("known to be unusable"));
    std::fs::write(folder.certificate(), certificate).expect("written");
    assert!(certificates.reload().expect("a pair"));
    assert!(!certificates.reload().expect("unchanged"));
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (folder, _) = Folder::new();
    let (other, _) = Folder::new();
    let key = std::fs::read(folder.key()).expect("there");
    let load = |certificate: &Path, key: &Path| Certificates::load(certificate, key).expect_err("unusable").to_string();
    let (certificate, missing) = (folder.certificate(), folder.folder.path().join("missing"));
    assert!(load(&missing, &folder.key()).contains("missing"));
    assert!(load(&certificate, &missing).contains("missing"));
    assert!(load(&certificate, &other.key()).contains("together"));
    assert!(load(&folder.key(), &folder.key()).contains("no certificate"));
    std::fs::write(folder.key(), "").expect("written");
    assert!(load(&certificate, &folder.key()).contains("no private key"));
    std::fs::write(folder.key(), key).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for mode in [0o640, 0o604, 0o610] {
            std::fs::set_permissions(folder.key(), std::fs::Permissions::from_mode(mode)).expect("changed");
            assert!(load(&certificate, &folder.key()).contains("chmod 600"), "{mode:o}");
        }
    }
}

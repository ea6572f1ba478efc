//! HTTPS, by the program itself.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::process::Running;

/// Writes a new pair and gives back the certificate.
fn renew(folder: &Path) -> CertificateDer<'static> {
    let made = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    std::fs::set_permissions(folder.join("key.pem"), std::fs::Permissions::from_mode(0o600)).expect("changed");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
    made.cert.der().clone()
}

/// Whether the server at `address` shows `certificate`.
async fn shows(address: &str, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let stream = TcpStream::connect(address).await.expect("a connection");
    connector.connect(ServerName::try_from("localhost").expect("a name"), stream).await.is_ok()
}

#[tokio::test]
async fn a_hangup_makes_the_server_take_up_the_new_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let first = renew(folder.path());
    let (certificate, key) = (format!("tls.certificate={}", path("cert.pem")), format!("tls.key={}", path("key.pem")));
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("created");
    let data = data.display().to_string();
    let server = Running::start(&["run", "--data-dir", &data, "--set", &certificate, "--set", &key]);
    let address = server.ready["http"].as_str().and_then(|url| url.strip_prefix("https://")).expect("HTTPS").to_owned();
    assert!(shows(&address, &first).await);

    let second = renew(folder.path());
    server.signal("-HUP");
    while !shows(&address, &second).await {
        tokio::task::yield_now().await;
    }
    assert!(!shows(&address, &first).await);
    let (status, log) = server.stop();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("the certificate was replaced"), "{log}");
}

#[tokio::test]
async fn a_key_that_its_group_may_read_is_used_only_as_a_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let certificate = renew(folder.path());
    // As a service manager shows a credential that one user may read by an access list.
    std::fs::set_permissions(path("key.pem"), std::fs::Permissions::from_mode(0o440)).expect("changed");
    let (data, chain, key) = (path("data"), path("cert.pem"), path("key.pem"));
    let arguments = ["run", "--data-dir", &data];
    std::fs::create_dir(&data).expect("created");
    let environment = [("CARDEA_TLS_CERTIFICATE", chain.as_str()), ("CARDEA_TLS_KEY", key.as_str())];
    let refused = crate::process::run_in(&arguments, &environment);
    assert_eq!(refused.status.code(), Some(1));
    assert!(crate::process::text(&refused.stderr).contains("key.pem"), "{refused:?}");

    let credentials = folder.path().display().to_string();
    let environment = [&environment[..], &[("CREDENTIALS_DIRECTORY", credentials.as_str())]].concat();
    let server = Running::start_in(&arguments, &environment);
    let address = server.ready["http"].as_str().and_then(|url| url.strip_prefix("https://")).expect("HTTPS").to_owned();
    assert!(shows(&address, &certificate).await);
    assert_eq!(server.stop().0, Some(0));
}

//! Receivers whose certificates come from an authority of one's own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;

/// An authority: its certificate in PEM, and a receiver on loopback that it vouches for.
async fn receiver() -> (String, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("valid");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("valid");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("https://127.0.0.1:{}/hook", listener.local_addr().expect("bound").port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust us goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = [0; 4096];
            let _ = stream.read(&mut bytes).await;
            let _ = stream.write_all(b"HTTP/1.1 204 x\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (authority.pem(), url)
}

async fn call(caller: &Caller, url: &str) -> Result<(), CallError> {
    let (body, secret) = (serde_json::json!({}), Secret::new([7; 32]));
    let call = Call { url, id: "0", body: &body, secrets: &[&secret], now: UnixSeconds::new(5) };
    caller.call(&call).await
}

#[tokio::test]
async fn receivers_of_a_private_authority_are_called_when_it_is_configured() {
    let (authority, url) = receiver().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority).expect("written");
    assert_eq!(call(&Caller::new(true), &url).await, Err(CallError::Tls));
    let caller = Caller::with_authorities(true, &file).expect("an authority");
    assert_eq!(call(&caller, &url).await, Ok(()));

    let (other, elsewhere) = receiver().await;
    assert_eq!(call(&caller, &elsewhere).await, Err(CallError::Tls), "another authority");
    std::fs::write(&file, authority + &other).expect("written");
    assert_eq!(call(&caller, &elsewhere).await, Err(CallError::Tls), "it is read at the start");
    let caller = Caller::with_authorities(true, &file).expect("two authorities");
    assert_eq!((call(&caller, &url).await, call(&caller, &elsewhere).await), (Ok(()), Ok(())));
    assert_eq!(call(&Caller::with_authorities(false, &file).expect("two"), &url).await, Err(CallError::Private));
}

#[test]
fn a_file_without_good_certificates_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    let refused = || Caller::with_authorities(true, &file).map(drop).expect_err("refused").to_string();
    assert!(refused().contains("ca.pem"), "it is not there");
    let half = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    let none = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "no certificate", half, none] {
        std::fs::write(&file, text).expect("written");
        let said = refused();
        assert!(said.contains("webhook.ca_file") && said.contains("PEM"), "{said}");
    }
}

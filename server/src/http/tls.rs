//! HTTPS: certificate and key from files, which are read again when they change.
//!
//! Whoever renews certificates replaces two files, one after the other. So a pair that does not fit together is not an
//! error of the running server: it goes on with the one it has, says so, and looks again.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::shutdown::Shutdown;

/// Longest file that is looked at, in bytes.
const FILE_MAX: u64 = 256 * 1024;
/// How often the files are looked at.
const PACE: Duration = Duration::from_secs(10);

/// A certificate or key that cannot be used. The operator has to change a file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others than the owner can read the key.
    #[error("the TLS key {} can be read by others than its owner: chmod 600 it", .0.display())]
    KeyExposed(PathBuf),
    /// The file has no certificate in PEM form.
    #[error("{} has no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
    /// The file has no private key in PEM form.
    #[error("{} has no private key in PEM form", .0.display())]
    NoKey(PathBuf),
    /// Certificate and key cannot be used together.
    #[error("the certificate and the TLS key cannot be used together: {0}")]
    Unusable(rustls::Error),
}

/// The certificate in use and where it comes from.
pub struct Certificates {
    files: [PathBuf; 2],
    resolver: Arc<Resolver>,
    acceptor: TlsAcceptor,
    /// Digest of what was read last, whether or not it could be used.
    seen: Mutex<[u8; 32]>,
}

/// Hands out the certificate in use. Existing connections keep theirs.
#[derive(Debug)]
struct Resolver(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificates {
    /// Reads the chain in `certificate` (leaf first) and its `key`, both PEM. The key must be for its owner alone.
    ///
    /// # Errors
    /// A file cannot be read, or the two are no pair.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = [certificate.to_owned(), key.to_owned()];
        let provider = Arc::new(ring::default_provider());
        let read = read(&files)?;
        let certified = read.certified(&files, &provider)?;
        let resolver = Arc::new(Resolver(RwLock::new(Arc::new(certified))));
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12]);
        let builder = builder.map_err(TlsError::Unusable)?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::<Resolver>::clone(&resolver));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { files, resolver, acceptor, seen: Mutex::new(read.digest()) })
    }

    /// Reads the files again. A new pair is used for every connection from now on; returns whether there was one.
    ///
    /// # Errors
    /// The files have changed since they were read last and cannot be used; the old pair stays in use.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read(&self.files).inspect_err(|_| *seen = [0; 32])?;
        let digest = read.digest();
        if *seen == digest {
            return Ok(false);
        }
        *seen = digest;
        let certified = read.certified(&self.files, &ring::default_provider())?;
        *self.resolver.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
        Ok(true)
    }

    /// Looks at the files at a fixed pace, and at once on SIGHUP, until the server stops.
    pub async fn watch(self: Arc<Self>, shutdown: Shutdown) {
        let _guard = shutdown.guard();
        let mut hangups = Hangups::new();
        let mut missing = false;
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return,
                () = hangups.next() => tracing::info!("looking at certificate and key"),
                () = tokio::time::sleep(PACE) => {}
            }
            let this = Arc::clone(&self);
            let Ok(reloaded) = tokio::task::spawn_blocking(move || this.reload()).await else { continue };
            let unreadable = matches!(reloaded, Err(TlsError::Read { .. } | TlsError::KeyExposed(_)));
            match reloaded {
                Ok(true) => tracing::info!("the certificate was replaced"),
                Ok(false) => {}
                // Every look finds the same; one line is enough.
                Err(_) if unreadable && missing => {}
                Err(error) => tracing::error!(%error, "the certificate in use stays: the new one cannot be used"),
            }
            missing = unreadable;
        }
    }

    /// The handshake on a new connection.
    ///
    /// Not cancel safe: who stops waiting has to close the connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

/// The contents of both files.
struct Pair {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

fn read([certificate, key]: &[PathBuf; 2]) -> Result<Pair, TlsError> {
    let chain = read_file(certificate, |_| Ok(()))?.to_vec();
    let key = read_file(key, |file| private(key, file))?;
    Ok(Pair { chain, key })
}

fn read_file(path: &Path, check: impl Fn(&File) -> Result<(), TlsError>) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    check(&file)?;
    // Never grows, so that no copy of a key stays behind.
    let length = file.metadata().map_err(failed)?.len().min(FILE_MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 64));
    file.take(length + 32).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(unix)]
fn private(path: &Path, file: &File) -> Result<(), TlsError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    let is_private = crate::private_file::is_private(path, metadata.permissions().mode());
    if is_private { Ok(()) } else { Err(TlsError::KeyExposed(path.to_owned())) }
}

#[cfg(not(unix))]
fn private(_: &Path, _: &File) -> Result<(), TlsError> {
    Ok(())
}

impl Pair {
    fn digest(&self) -> [u8; 32] {
        let chain = Sha256::digest(&self.chain);
        Sha256::new().chain_update(chain).chain_update(&*self.key).finalize().into()
    }

    fn certified(
        &self,
        [certificate, key]: &[PathBuf; 2],
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.chain).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate(certificate.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey(key.clone()))?;
        CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Unusable)
    }
}

#[cfg(unix)]
struct Hangups(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangups {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup());
        Self(signal.inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be watched")).ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    const fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;

//! A PostgreSQL server that wants TLS, by an authority of the operator's own, and passwords.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cardea_tests::harness::{Cluster, ports};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The one name in the server's certificate.
pub(super) const NAME: &str = "localhost";
/// From elsewhere than this machine's socket, TLS and a password are demanded.
const RULES: &str = "local all all trust\nhostssl all all all scram-sha-256\n";

/// The server, and what its clients need to know.
pub(super) struct Guarded {
    pub(super) cluster: Cluster,
    pub(super) port: u16,
    /// Has `ca.pem`, the authority of the server's certificate; `other.pem`, another one; and `empty.pem`, none.
    pub(super) folder: tempfile::TempDir,
}

impl Guarded {
    pub(super) fn start() -> Self {
        let port = ports::free();
        let cluster = Cluster::start_on(port, "listen_addresses = '127.0.0.1'");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = authority("an authority of the operator's own");
        fs::write(folder.path().join("ca.pem"), authority.pem()).expect("written");
        fs::write(folder.path().join("other.pem"), self::authority("another one").pem()).expect("written");
        fs::write(folder.path().join("empty.pem"), "nothing\n").expect("written");
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new([NAME.to_owned()]).expect("a name").signed_by(&key, &authority);
        let guarded = Self { cluster, port, folder };
        guarded.cluster.down("INT");
        guarded.put("server.pem", &certificate.expect("a certificate").pem());
        guarded.put("server.key", &key.serialize_pem());
        guarded.put("pg_hba.conf", RULES);
        guarded.put("postgresql.auto.conf", "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n");
        guarded.cluster.up();
        guarded
    }

    /// Writes a file of the server's, for its eyes only.
    pub(super) fn put(&self, name: &str, text: &str) {
        let mut command = self.cluster.command(Path::new("sh"));
        let path = self.cluster.folder().join("data").join(name);
        command.args(["-c", "umask 077; printf '%s' \"$1\" >\"$2\"", "sh", text]).arg(path);
        assert!(command.status().expect("a shell").success());
    }

    /// A new database of joe's: its name.
    pub(super) fn database(&self) -> String {
        let url = self.cluster.database();
        let name = url.trim_start_matches("postgresql:///").split('?').next().expect("a name").to_owned();
        self.cluster.sql("postgres", &format!("ALTER DATABASE {name} OWNER TO joe"));
        name
    }

    /// The url of a database for joe, by this authority.
    pub(super) fn url(&self, database: &str, authority: &str) -> String {
        let roots = self.folder.path().join(authority);
        format!(
            "postgresql://joe@{NAME}:{}/{database}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={}",
            self.port,
            roots.display()
        )
    }

    pub(super) fn password_file(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join(format!("password-{}", text.len()));
        fs::write(&path, format!("{text}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        path
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

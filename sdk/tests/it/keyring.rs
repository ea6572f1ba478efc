//! The key of a wallet's folder in a real keyring: GNOME's, on a D-Bus of its own.

use std::fs::DirBuilder;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cardea_sdk::store::keyring::OsKeyring;
use cardea_sdk::store::secrets::SecretStore as _;
use cardea_sdk::{Wallet, WalletError};

/// Where the second process finds its folder. A process cannot change its own environment safely.
const FOLDER: &str = "CARDEA_TEST_KEYRING_FOLDER";
const ITSELF: &str = "keyring::a_wallet_keeps_its_key_in_the_keyring_and_notices_when_it_is_gone";

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(command: &mut Command, package: &str) -> Ended {
    let started = command.stderr(Stdio::null()).spawn();
    Ended(started.unwrap_or_else(|error| panic!("{error}; on Debian: apt-get install {package}")))
}

/// A bus, and a keyring on it that is unlocked and keeps its files below `home`.
fn keyring(home: &Path) -> (String, [Ended; 2]) {
    let (control, data) = (home.join("control"), home.join("data"));
    DirBuilder::new().mode(0o700).create(&control).unwrap();
    // The bus has the same folders: it may start a keyring by itself if it is asked for one too early.
    let own = [("HOME", home), ("XDG_DATA_HOME", &data), ("XDG_RUNTIME_DIR", home)];
    let mut bus = started(
        Command::new("dbus-daemon").args(["--session", "--nofork", "--print-address"]).envs(own).stdout(Stdio::piped()),
        "dbus-daemon",
    );
    let mut address = String::new();
    BufReader::new(bus.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let address = address.trim().to_owned();
    let mut daemon = started(
        Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .arg("--control-directory")
            .arg(control)
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .envs(own)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
        "gnome-keyring",
    );
    daemon.0.stdin.take().unwrap().write_all(b"password of the keyring").unwrap();
    // It says where it is once it is there.
    let mut line = String::new();
    BufReader::new(daemon.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("GNOME_KEYRING_CONTROL"), "{line}");
    (address, [daemon, bus])
}

#[test]
fn a_wallet_keeps_its_key_in_the_keyring_and_notices_when_it_is_gone() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return with_keyring(Path::new(&folder));
    }
    let home = tempfile::tempdir().unwrap();
    let (address, _running) = keyring(home.path());
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(["--exact", ITSELF, "--nocapture"]).env(FOLDER, home.path().join("wallet"));
    let done = itself.env("DBUS_SESSION_BUS_ADDRESS", address).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && text.contains("1 passed"), "{text}");
}

fn with_keyring(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let keyring = OsKeyring::new("dev.cardea.test");
    let open = || runtime.block_on(Wallet::builder().folder_with_secrets(folder, Arc::new(keyring.clone())).open());
    // A name that nobody has used.
    assert_eq!(keyring.load("nothing"), Ok(None));
    assert_eq!(keyring.remove("nothing"), Ok(()));
    let bytes: Vec<u8> = (0..=255).collect();
    keyring.save("bytes", &bytes).unwrap();
    keyring.save("bytes", &bytes[1..]).unwrap();
    assert_eq!(keyring.load("bytes").unwrap().unwrap().as_slice(), &bytes[1..]);
    keyring.remove("bytes").unwrap();
    assert_eq!(keyring.load("bytes"), Ok(None));

    drop(open().unwrap());
    assert!(!folder.join("store.key").exists());
    let name = format!("cardea-{}", std::fs::read_to_string(folder.join("store.id")).unwrap());
    assert_eq!(keyring.load(&name).unwrap().unwrap().len(), 32);
    drop(open().unwrap());

    // With something in the folder, a key that is gone is an error. What is in the file does not matter here.
    let token = folder.join(format!("{}-{}.token", "0".repeat(32), "0".repeat(8)));
    std::fs::write(&token, "anything").unwrap();
    keyring.remove(&name).unwrap();
    let refused = open().unwrap_err();
    assert_eq!(refused.code(), 135, "{refused}");
}

#[test]
fn without_a_bus_a_wallet_does_not_open() {
    const NOWHERE: &str = "unix:path=/nonexistent";
    if std::env::var("DBUS_SESSION_BUS_ADDRESS").as_deref() != Ok(NOWHERE) {
        let itself = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "keyring::without_a_bus_a_wallet_does_not_open", "--nocapture"])
            .env("DBUS_SESSION_BUS_ADDRESS", NOWHERE)
            .output()
            .unwrap();
        return assert!(itself.status.success(), "{}", String::from_utf8_lossy(&itself.stdout));
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keyring = Arc::new(OsKeyring::new("dev.cardea.test"));
    let refused = runtime.block_on(Wallet::builder().folder_with_secrets(folder.path(), keyring).open());
    assert!(matches!(refused, Err(WalletError::Secrets(_))), "{refused:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

//! Servers of another version of the protocol are told from broken ones, and nothing is lost to them.

use std::fs;
use std::sync::Arc;

use cardea_protocol::Code;
use cardea_sdk::store::TokenKey;
use cardea_sdk::store::file::FileStore;
use cardea_sdk::{DeviceStatus, Token, TokenId, WalletError, Window};

use crate::server::Fault;
use crate::world::{PIN, World, env, pin};

/// "The server speaks another version."
const ANOTHER_VERSION: u32 = 7;

fn says_so(error: &WalletError) {
    assert_eq!(error.code(), ANOTHER_VERSION, "{error}");
    assert!(error.to_string().contains("update"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_gone_on_to_later_versions_is_not_enrolled_with() {
    let world = World::new(160).await;
    for (lowest, highest) in [(2, 2), (2, 15)] {
        {
            let policy = &mut world.server.state().policy;
            (policy.version_min, policy.version_max) = (lowest, highest);
        }
        says_so(&world.try_enroll().await.unwrap_err());
    }
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    assert!(!world.server.state().code_used);
    // One that knows both versions is fine.
    world.server.state().policy.version_min = 1;
    world.try_enroll().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_know_the_version_says_so_to_whoever_enrolls() {
    let world = World::new(161).await;
    world.server.fault([Fault::Forge(Code::VersionUnsupported)]);
    says_so(&world.try_enroll().await.unwrap_err());
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    world.try_enroll().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gave_the_version_up_is_told_from_one_that_is_gone_and_the_token_is_kept() {
    let world = World::enrolled(162).await;
    let token = world.token().await;
    world.server.fault(std::iter::repeat_n(Fault::Forge(Code::VersionUnsupported), 50));
    says_so(&token.open(pin(PIN), Window::Service).await.unwrap_err());
    world.server.state().faults.clear();
    // Put back, it serves the token again.
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed);
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
}

/// Later versions of the SDK may store tokens in another format. The program that does not know it, after an app was put
/// back, leaves them alone.
#[tokio::test(start_paused = true)]
async fn a_token_that_a_later_version_stored_is_left_as_it_is_and_the_others_work() {
    let folder = tempfile::tempdir().unwrap();
    let (env, clock) = env(163);
    let store = Arc::new(FileStore::open(folder.path(), &env).unwrap());
    let mut world = World::with(163, env, clock, store).await;
    let ours = world.try_enroll().await.unwrap().token;
    let path = |key: &TokenKey| folder.path().join(format!("{key}.token"));
    let later = TokenKey { token: TokenId::new([0; 16]), device: ours.key().device };
    let mut file = fs::read(path(&ours.key())).unwrap();
    file[8] = 2;
    file.extend_from_slice(b"something more");
    fs::write(path(&later), &file).unwrap();

    world.restart_in_background().await;
    let tokens = world.wallet.tokens().await.unwrap();
    assert_eq!(tokens.iter().map(Token::key).collect::<Vec<_>>(), [later, ours.key()]);
    let theirs = &tokens[0];
    let live = world.wallet.go_live();
    for error in [
        theirs.summary().await.unwrap_err(),
        theirs.status().await.unwrap_err(),
        theirs.open(pin(PIN), Window::Service).await.unwrap_err(),
        theirs.close().await.unwrap_err(),
        theirs.set_label("mine").await.unwrap_err(),
    ] {
        assert_eq!(error.code(), 133);
        assert!(error.to_string().contains("update"), "{error}");
    }
    assert_eq!(tokens[1].open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
    let closed = world.wallet.close_all().await.unwrap();
    let codes: Vec<_> = closed.iter().map(|(_, done)| done.as_ref().map_err(WalletError::code)).collect();
    assert!(matches!(codes[..], [Err(133), Ok(status)] if status.state == DeviceStatus::Closed), "{codes:?}");
    live.stop().await;
    assert_eq!(fs::read(path(&later)).unwrap(), file);
}

/// The same where it is the only one: the folder is not taken for an empty one.
#[test]
fn a_folder_of_a_later_version_gets_no_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let (env, _) = env(164);
    let name = format!("{}-{}.token", "0".repeat(32), "0".repeat(8));
    fs::write(folder.path().join(&name), b"cardeatk\x02 and something more").unwrap();
    assert_eq!(FileStore::open(folder.path(), &env).unwrap_err().code(), 135);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!files.iter().any(|file| file == "store.key"), "{files:?}");
}

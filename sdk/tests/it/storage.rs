//! What is stored and sent tells nothing of the PIN that was typed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use cardea_sdk::store::file::FileStore;
use cardea_sdk::{NewPins, Window};

use crate::server::Fault;
use crate::world::{DURESS, PIN, WRONG, World, env, pin};

/// Every file of a folder with its content.
fn image(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// The folder and the sizes of the traffic after the PIN `typed` was used, `pending` with its answers lost.
async fn after(typed: &[u8], pending: bool) -> (BTreeMap<String, Vec<u8>>, Vec<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let (env, clock) = env(400);
    let store = Arc::new(FileStore::open(folder.path(), &env).unwrap());
    let world = World::with(400, env, clock, store).await;
    world.try_enroll().await.unwrap();
    if pending {
        world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
    }
    let _ = world.token().await.open(pin(typed), Window::Service).await;
    let traffic = world.server.state().traffic.clone();
    (image(folder.path()), traffic)
}

#[tokio::test(start_paused = true)]
async fn the_folder_is_the_same_whatever_pin_was_typed() {
    for pending in [false, true] {
        let (normal, traffic) = after(PIN, pending).await;
        assert!(normal.len() == 4, "{:?}", normal.keys());
        for other in [DURESS, WRONG] {
            let (image, other_traffic) = after(other, pending).await;
            assert_eq!(image, normal);
            assert_eq!(other_traffic, traffic);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_folder_is_the_same_whatever_pins_were_chosen() {
    let mut images = Vec::new();
    for duress in [vec![], vec![DURESS], vec![DURESS, WRONG]] {
        let folder = tempfile::tempdir().unwrap();
        let (env, clock) = env(401);
        let store = Arc::new(FileStore::open(folder.path(), &env).unwrap());
        let world = World::with(401, env, clock, store).await;
        let invitation = cardea_sdk::Invitation::from_link(&world.server.link()).unwrap();
        let choose = async |_| {
            Ok(NewPins { duress: duress.iter().map(|digits| pin(digits)).collect(), ..NewPins::normal(pin(PIN)) })
        };
        world.wallet.enroll(&invitation, choose).await.unwrap();
        images.push(image(folder.path()));
    }
    assert_eq!(images[0], images[1]);
    assert_eq!(images[0], images[2]);
}

#[tokio::test(start_paused = true)]
async fn a_label_is_the_holders_own_and_has_its_limit() {
    let mut world = World::enrolled(402).await;
    world.token().await.set_label("work").await.unwrap();
    let too_long = world.token().await.set_label(&"x".repeat(65)).await;
    assert!(matches!(too_long, Err(cardea_sdk::WalletError::Store(_))));
    world.restart().await;
    assert_eq!(world.token().await.summary().await.unwrap().details.label, "work");
    world.token().await.open(pin(PIN), Window::Service).await.unwrap();
}

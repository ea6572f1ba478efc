//! A clock that is set while the server runs.

use std::sync::atomic::AtomicU64;

use super::authkeys::{Wall, open};
use super::*;
use crate::storage::testing::TestStore;
use crate::vault::testing::{TestDevice, TestVault};

/// A server at a clock that can be set to any time, and a device of it.
struct Scene {
    instance: Instance,
    admin: Admin,
    wall: Arc<Wall>,
    service: Service,
    vault: TestVault,
    device: TestDevice,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new(rules: ServiceRules) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wall = Arc::new(Wall(AtomicU64::new(START)));
        let clock: Arc<dyn crate::clock::Clock> = Arc::<Wall>::clone(&wall);
        let instance = Instance::open(folder.path(), clock, Arc::new(SeededEntropy::new(2))).await.expect("opens");
        let admin = Admin::new(&instance, settings()).expect("valid");
        let new = NewService { rules, ..NewService::new("default_demo") };
        let service = admin.create_service(new, Actor::Operator).await.expect("created").service;
        let offer = admin.enroll(&service, &joe(), EnrollOptions::default(), Actor::Operator).await.expect("offered");
        let link = Link::parse(&offer.link).expect("a link");
        let vault = TestVault {
            test: TestStore { store: instance.store().clone(), folder: None },
            vault: Arc::clone(instance.vault()),
            clock: Arc::new(TestClock::new(UnixSeconds::new(START))),
            service: service.clone(),
            user: joe(),
        };
        let (device, _) = vault.finish(1, &link.id, test_info()).await.expect("enrolled");
        Self { instance, admin, wall, service, vault, device, folder }
    }

    async fn open_at(&self, time: u64) {
        self.wall.set(time);
        self.vault.open(&self.device, Pin::Normal).await.expect("opened");
    }

    async fn marks(&self) -> Option<crate::storage::Sealed> {
        self.admin.read(|_, tx| Ok(tx.meta("marks")?)).await.expect("read")
    }

    async fn status(&self) -> u8 {
        status(&self.admin, &self.service).await
    }

    /// The status after the server was killed, started again when it was `time`, and asked.
    async fn killed_and_asked_at(&self, time: u64) -> u8 {
        self.wall.set(time);
        status(&open(&self.folder, &self.wall).await, &self.service).await
    }
}

async fn status(admin: &Admin, service: &Service) -> u8 {
    admin.status(service, &joe(), Actor::Operator).await.expect("answered").number()
}

#[test]
fn what_a_check_saw_to_be_void_is_void_after_a_crash() {
    block_on(async {
        let scene = Scene::new(window(60)).await;
        scene.open_at(START + 10).await;
        assert_eq!(scene.status().await, 1);
        scene.wall.set(START - 3_590);
        assert_eq!(scene.status().await, 2);
        let marked = scene.marks().await;
        assert_eq!(scene.status().await, 2);
        assert_eq!(scene.marks().await, marked, "once is enough");
        scene.wall.set(START + 20);
        assert_eq!(scene.status().await, 2, "caught up");
        assert_eq!(scene.killed_and_asked_at(START + 21).await, 2);
        scene.open_at(START + 22).await;
        assert_eq!(scene.status().await, 1, "opened anew");
    });
}

#[test]
fn a_clock_that_is_set_back_is_noticed_although_nobody_asks() {
    block_on(async {
        let scene = Scene::new(window(0)).await;
        scene.open_at(START + 10).await;
        let mut done = housekeeping::Done::default();
        scene.admin.do_what_is_due(&mut done).await;
        scene.wall.set(START - 3_590);
        scene.admin.do_what_is_due(&mut done).await;
        assert_eq!(scene.killed_and_asked_at(START + 20).await, 2);
    });
}

#[test]
fn copies_know_of_a_clock_that_was_set_back_and_leave_it_to_be_recorded() {
    block_on(async {
        let scene = Scene::new(window(60)).await;
        let new = NewKey::new(KeyScope::Service("default_demo".to_owned()), "a key", Permissions::BASIC);
        let key = scene.admin.create_authkey(new, Actor::Operator).await.expect("created").value;
        let copies = scene.admin.keep_copies(10).await.expect("kept").expect("kept");
        copies.switch(true);
        scene.open_at(START + 10).await;
        scene.admin.begin_check("default_demo", &key, &joe(), None).await.expect("allowed");
        let told = || {
            let known = scene.admin.find("default_demo", joe().as_str(), &key, None)?;
            scene.admin.tell(&known).map(|told| told.status.number())
        };
        assert_eq!(told(), Some(1));
        scene.wall.set(START - 3_590);
        assert_eq!(told(), None, "somebody has to write");
        assert_eq!(scene.status().await, 2);
        assert_eq!(told(), Some(2));
        scene.wall.set(START + 20);
        assert_eq!(told(), Some(2), "caught up");
    });
}

#[test]
fn a_moment_in_the_future_that_nobody_recorded_does_not_outlive_a_restart() {
    block_on(async {
        let scene = Scene::new(window(60)).await;
        scene.open_at(START + 10).await;
        scene.wall.set(START + 1_000_000);
        assert!(scene.admin.time().trusted().is_some());
        scene.wall.set(START + 20);
        assert_eq!(scene.status().await, 2);
        assert!(scene.admin.time().trusted().is_none(), "this process cannot know better");
        scene.wall.set(START + 21);
        let again = open(&scene.folder, &scene.wall).await;
        assert_eq!(status(&again, &scene.service).await, 2, "what was open is closed");
        assert!(again.time().trusted().is_some());
        drop(scene.instance);
    });
}

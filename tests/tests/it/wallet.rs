//! The SDK's wallet against a real server, both in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::token::Argon2Class;
use cardea_sdk::{Deed, DenyReason, Invitation, NewPins, Pin, Token, Wallet, WalletError};
use cardea_server::admin::{
    Actor, Admin, AdminSettings, Ask, Confirmation, ConfirmationState, EnrollOptions, Instance, NewService, Service,
};
use cardea_server::channel::{self, Channel, ChannelServer, Desk, LiveSessions};
use cardea_server::clock::SystemClock;
use cardea_server::config::ChannelConfig;
use cardea_server::domain::name::UserId;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::entropy::OsEntropy;
use cardea_server::shutdown::Shutdown;
use cardea_server::storage::Location;
use cardea_server::vault::KeyLocation;

const NORMAL: &[u8] = b"493817";
const DURESS: &[u8] = b"718263";
const WRONG: &[u8] = b"650392";

struct World {
    admin: Arc<Admin>,
    service: Service,
    user: UserId,
    shutdown: Shutdown,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

impl World {
    async fn start() -> Self {
        let key = KeyLocation::Given(Secret::new([7; 32]));
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
        let instance = Instance::assemble(Location::Memory, key, clock, entropy).await.expect("opens");
        let config = ChannelConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            udp: false,
            websocket: false,
            trusted_proxies: Vec::new(),
            max_connections: 1_000,
            max_datagrams: 64,
            max_connections_per_address: 1_000,
            max_handshakes_per_minute: 1_000_000,
            max_failures_per_minute: 60,
            handshake_timeout: Duration::from_secs(3_600),
            idle_timeout: Duration::from_secs(3_600),
            reply_grid: Duration::ZERO,
        };
        let listeners = channel::bind(config.listen, false).await.expect("a free port");
        let port = listeners.0.local_addr().expect("an address").port();
        let (web, channel) = ("http://localhost".to_owned(), format!("localhost:{port}"));
        let settings = AdminSettings { web, channel, development: true };
        let admin = Arc::new(Admin::new(&instance, settings).expect("settings that fit"));
        let (live, shutdown) = (Arc::<LiveSessions>::default(), Shutdown::new());
        let (store, vault) = (instance.store().clone(), Arc::clone(instance.vault()));
        let desk = Desk::open(store, vault, Arc::clone(instance.clock()), live, 1_000_000).await.expect("keys");
        let desk = Arc::new(desk.with_checks(admin.checks()));
        let channel = Channel::new(desk, &config, shutdown.clone());
        tokio::spawn(ChannelServer::new(channel, listeners, Duration::from_secs(60)).run());
        let rules = ServiceRules { argon2: Argon2Class::Test, devices: 8, ..ServiceRules::default() };
        let service = NewService { rules, label: Some("Vault door".to_owned()), ..NewService::new("default_door") };
        let service = admin.create_service(service, Actor::Operator).await.expect("created").service;
        Self { admin, service, user: UserId::parse("joe").expect("valid"), shutdown }
    }

    async fn enroll(&self) -> Token {
        let options = EnrollOptions { replace_device: false, add_device: true };
        let offer = self.admin.enroll(&self.service, &self.user, options, Actor::Operator).await.expect("offered");
        let wallet =
            Wallet::builder().allow_test_argon2(true).recover_in_background(false).open().await.expect("opens");
        let invitation = Invitation::from_link(&offer.link).expect("a link");
        let pins = NewPins { normal: pin(NORMAL), duress: vec![pin(DURESS)], biometric: None };
        wallet.enroll(&invitation, |_| async move { Ok(pins) }).await.expect("enrolled").token
    }

    async fn ask(&self, text: &str) -> Confirmation {
        let ask = Ask::new(text, None, None).expect("valid");
        self.admin.ask_confirmation(&self.service, &self.user, ask, Actor::Operator).await.expect("asked")
    }

    async fn state(&self, asked: &Confirmation) -> ConfirmationState {
        self.admin.confirmation(&self.service, asked.id, true).await.expect("there").state
    }
}

fn pin(digits: &[u8]) -> Pin {
    Pin::new(digits).expect("a PIN")
}

#[tokio::test]
async fn a_holder_reads_texts_and_approves_or_denies_them() {
    let world = World::start().await;
    let token = world.enroll().await;
    assert_eq!(token.confirmations().await.expect("answered"), []);
    let asked = [world.ask("one").await, world.ask("two").await, world.ask("three").await];
    assert_eq!(token.status().await.expect("answered").confirmations, 3);
    let waiting = token.confirmations().await.expect("answered");
    assert_eq!(waiting.iter().map(|it| it.text()).collect::<Vec<_>>(), ["one", "two", "three"]);
    assert!(matches!(token.approve(&waiting[0], pin(WRONG)).await, Err(WalletError::PinRejected { tries_left: 9 })));
    let status = token.approve(&waiting[0], pin(NORMAL)).await.expect("approved");
    assert_eq!((status.confirmations, status.tries_left), (2, 10));
    token.deny(&waiting[1], DenyReason::NotMe).await.expect("denied");
    world.admin.cancel_confirmation(&world.service, asked[2].id, (Actor::Operator, false)).await.expect("there");
    assert!(matches!(token.approve(&waiting[2], pin(NORMAL)).await, Err(WalletError::ConfirmationGone)));
    assert!(matches!(token.deny(&waiting[0], DenyReason::Unsaid).await, Err(WalletError::ConfirmationGone)));
    let states = [world.state(&asked[0]).await, world.state(&asked[1]).await, world.state(&asked[2]).await];
    let denied = ConfirmationState::Denied { reason: 2 };
    assert_eq!(states, [ConfirmationState::Approved, denied, ConfirmationState::Cancelled]);
}

#[tokio::test]
async fn a_forced_approval_looks_like_one() {
    let world = World::start().await;
    let token = world.enroll().await;
    let asked = world.ask("Pay").await;
    let waiting = token.confirmations().await.expect("answered");
    let status = token.approve(&waiting[0], pin(DURESS)).await.expect("approved, as it seems");
    assert_eq!((status.confirmations, status.tries_left), (0, 10));
    assert_eq!(world.state(&asked).await, ConfirmationState::Duress);
}

#[tokio::test]
async fn a_holder_reads_about_the_token_and_revokes_a_device() {
    let world = World::start().await;
    let (token, other) = (world.enroll().await, world.enroll().await);
    let info = token.info().await.expect("answered");
    assert_eq!((info.service.as_str(), info.user.as_str()), ("Vault door", "joe"));
    assert_eq!(token.summary().await.expect("there").details.service, "Vault door");
    let devices = token.devices().await.expect("answered");
    assert_eq!(devices.iter().filter(|device| device.is_this).count(), 1);
    let [their] = devices.iter().filter(|device| !device.is_this).collect::<Vec<_>>()[..] else {
        panic!("{devices:?}")
    };
    assert!(matches!(token.revoke_device(their.device, pin(WRONG)).await, Err(WalletError::PinRejected { .. })));
    token.revoke_device(their.device, pin(NORMAL)).await.expect("revoked");
    assert!(matches!(other.close().await, Err(WalletError::NotEnrolled)));
    assert_eq!(token.devices().await.expect("answered").len(), 1);
    token.open(pin(NORMAL), cardea_sdk::Window::Service).await.expect("open");
    let history = token.history(0).await.expect("answered");
    assert_eq!(history.iter().map(|item| item.deed).collect::<Vec<_>>(), [Deed::Opened, Deed::DeviceRevoked]);
    assert!(history.iter().all(|item| item.device.is_some()));
    assert_eq!(token.history(200).await.expect("answered"), []);
}

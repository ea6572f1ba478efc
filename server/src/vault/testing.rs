//! A device without a network: it signs statements and hands them to the vault as the token channel would.

use std::sync::Arc;

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::limits::SLOTS;
use cardea_protocol::ratchet::{Accepted, AttemptKind, Row};
use cardea_protocol::statement::{Context, Extension, Statement};
use cardea_protocol::token::DeviceInfo;
use cardea_protocol::wire::{Host, Op, PinEntry};
use cardea_protocol::{Code, Secret};

use super::*;
use crate::clock::TestClock;
use crate::domain::actor::Actor;
use crate::domain::confirmation::Ask;
use crate::domain::enrollment::EnrollOptions;
use crate::domain::name::{ServiceName, UserId};
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::Gate;
use crate::entropy::SeededEntropy;
use crate::storage::rows::{DeviceKey, JournalFilter};
use crate::storage::testing::TestStore;
use crate::storage::{StorageError, Transaction};

/// Which PIN a test device signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pin {
    Normal,
    Duress,
    Wrong,
    /// The `n`-th wrong one, so that every guess is another one.
    Guess(u8),
    /// Entry `n` of the set that [`TestDevice::other_pins`] sets.
    Other(u8),
}

impl Pin {
    fn seed(self) -> Secret<32> {
        Secret::new(match self {
            Self::Normal => [1; 32],
            Self::Duress => [2; 32],
            Self::Wrong => [0xee; 32],
            Self::Guess(number) => [0x80 | number; 32],
            Self::Other(number) => [0x40 | number; 32],
        })
    }
}

/// An instance with one service, one user and a clock.
pub(crate) struct TestVault {
    pub(crate) test: TestStore,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) service: Service,
    pub(crate) user: UserId,
}

pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const KEY: [u8; 32] = [7; 32];

impl TestVault {
    pub(crate) async fn new(test: TestStore, rules: ServiceRules) -> Self {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(START)));
        let vault = open(&test, &clock).await.expect("opens");
        let this = Arc::clone(&vault);
        let service = test
            .store
            .write(move |tx| {
                let clock = this.reading();
                this.maintain_keys(tx, clock)?;
                let name = ServiceName::parse("default_demo").expect("valid");
                // Several devices, unless a test says how many.
                let rules = ServiceRules { devices: 8, ..rules };
                this.create_service(tx, &name, (None, rules), Actor::Operator, clock)
            })
            .await
            .expect("created");
        Self { test, vault, clock, service, user: UserId::parse("joe").expect("valid") }
    }

    pub(crate) fn clock_now(&self) -> UnixSeconds {
        self.clock.now()
    }

    /// The same database once more.
    pub(crate) fn again(&self) -> Self {
        let test = TestStore { store: self.test.store.clone(), folder: None };
        let (vault, clock) = (Arc::clone(&self.vault), Arc::clone(&self.clock));
        Self { test, vault, clock, service: self.service.clone(), user: self.user.clone() }
    }

    /// The same database after a restart.
    pub(crate) async fn restarted(self) -> Self {
        let vault = open(&self.test, &self.clock).await.expect("opens");
        Self { vault, ..self }
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Vault, &mut dyn Transaction) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let vault = Arc::clone(&self.vault);
        self.test.store.write(move |tx| job(&vault, tx)).await
    }

    pub(crate) async fn offer(&self, options: EnrollOptions) -> Result<Offer, VaultError> {
        let (service, user) = (self.service.clone(), self.user.clone());
        let endpoint = Endpoint { host: Host::new("localhost").expect("valid"), port: 8421 };
        self.write(move |vault, tx| {
            vault.offer(tx, &service, &user, (options, Actor::Operator), endpoint, vault.reading())
        })
        .await
    }

    /// Enrolls a device of which `number` makes the keys.
    pub(crate) async fn enroll(&self, number: u8, options: EnrollOptions) -> TestDevice {
        let offer = self.offer(options).await.expect("offered");
        self.finish(number, &offer.link.id, test_info()).await.expect("enrolled").0
    }

    /// Finishes an enrollment as a device with these keys would.
    pub(crate) async fn finish(
        &self,
        number: u8,
        id: &[u8; 8],
        info: DeviceInfo,
    ) -> Result<(TestDevice, Enrolled), VaultError> {
        let id = *id;
        let pending = self.write(move |vault, tx| vault.pending_offer(tx, &id, vault.reading())).await?;
        self.write(move |vault, tx| vault.count_enrollment_try(tx, &pending, vault.reading())).await?;
        let new = new_device(number, &pending, info);
        let enrolled =
            self.write(move |vault, tx| vault.complete_enrollment(tx, &pending, new, vault.reading())).await?;
        Ok((TestDevice { key: enrolled.device, number }, enrolled))
    }

    pub(crate) async fn status(&self) -> Result<u8, VaultError> {
        let (service, user) = (self.service.clone(), self.user.clone());
        let status =
            self.write(move |vault, tx| vault.check(tx, &service, &user, Actor::Authkey(7), vault.reading())).await?;
        Ok(status.number())
    }

    pub(crate) async fn view(&self, device: &TestDevice) -> Result<DeviceView, VaultError> {
        let key = device.key;
        self.write(move |vault, tx| vault.view_by_key(tx, &key, vault.reading())).await
    }

    /// The whole way of an operation that a PIN signs.
    pub(crate) async fn pin(&self, device: &TestDevice, pin: Pin, action: PinAction) -> Result<DeviceAnswer, Refused> {
        let view = self.view(device).await?;
        let slots = view.slots.as_ref().ok_or(Refused::Gone)?;
        let time = self.clock.now().wire();
        let text = self.text_of(&action).await?;
        let extension = match &action {
            PinAction::Confirm { id } => Extension::Confirmation { id, text: &text },
            PinAction::RevokeDevice(other) => Extension::Device(other),
            _ => Extension::None,
        };
        let (statement, signature) = device.sign_with(&view.device.row, pin, op_of(&action), time, extension);
        let attempt = statement.attempt_key::<Dalek>(&signature);
        if view.is_refused(Some(&attempt)) {
            return Err(Refused::Blocked);
        }
        let freshness = if matches!(action, PinAction::Open { .. }) { view.open_freshness } else { view.freshness };
        let key = device.key;
        let action = if freshness.is_stale(UnixSeconds::from(time)) {
            Action::Skip { code: Code::Stale, until: UnixSeconds::EPOCH }
        } else {
            match self.write(move |vault, tx| vault.count_attempt(tx, &key, attempt, vault.reading())).await? {
                Gate::Blocked => return Err(Refused::Blocked),
                Gate::Wait { until } => Action::Skip { code: Code::Wait, until },
                Gate::Counted => {
                    let judgement = Arc::new(self.vault.judge(slots, &statement, &signature));
                    Action::Pin { action, time, judgement }
                }
            }
        };
        self.apply(&view, action).await.map_err(Refused::from)
    }

    async fn text_of(&self, action: &PinAction) -> Result<String, VaultError> {
        let PinAction::Confirm { id } = *action else { return Ok(String::new()) };
        Ok(self.confirmation(id).await?.text)
    }

    pub(crate) async fn ask_text(&self, text: &str, seconds: u32) -> Result<Confirmation, VaultError> {
        let (service, user) = (self.service.clone(), self.user.clone());
        let ask = Ask::new(text, None, Some(seconds)).expect("valid");
        self.write(move |vault, tx| {
            vault.ask_confirmation(tx, &service, &user, &ask, (Actor::Authkey(7), vault.reading()))
        })
        .await
    }

    pub(crate) async fn confirmation(&self, id: [u8; 8]) -> Result<Confirmation, VaultError> {
        let service = self.service.clone();
        self.write(move |vault, tx| vault.confirmation(tx, &service, &id, vault.reading())).await
    }

    pub(crate) async fn cancel(&self, id: [u8; 8]) -> Result<Confirmation, VaultError> {
        let service = self.service.clone();
        self.write(move |vault, tx| vault.cancel_confirmation(tx, &service, &id, (Actor::Authkey(7), vault.reading())))
            .await
    }

    pub(crate) async fn approve(&self, device: &TestDevice, pin: Pin, id: [u8; 8]) -> Result<DeviceAnswer, Refused> {
        self.pin(device, pin, PinAction::Confirm { id }).await
    }

    pub(crate) async fn deny(&self, device: &TestDevice, id: [u8; 8], reason: u8) -> Result<DeviceAnswer, VaultError> {
        let view = self.view(device).await?;
        let text = self.confirmation(id).await?.text;
        let extension = Extension::Confirmation { id: &id, text: &text };
        let statement = device.statement(&view.device.row, Op::Deny, self.clock.now().wire(), extension);
        let signature = Dalek::ed25519_sign(&device.device_seed(), statement.bytes());
        let signed = view.device.verify(&statement, &signature).expect("signed");
        self.apply(&view, Action::Deny { signed, id, reason }).await
    }

    pub(crate) async fn apply(&self, view: &DeviceView, action: Action) -> Result<DeviceAnswer, VaultError> {
        let operation = Operation { device: view.device.key, version: view.device.version(), action };
        let applied = self
            .write(move |vault, tx| vault.apply(tx, operation, vault.reading(), |row, _| Some((advanced(row), ()))))
            .await?;
        Ok(applied.answer)
    }

    pub(crate) async fn open(&self, device: &TestDevice, pin: Pin) -> Result<DeviceAnswer, Refused> {
        self.pin(device, pin, PinAction::Open { win: 0 }).await
    }

    pub(crate) async fn close(&self, device: &TestDevice) -> Result<DeviceAnswer, VaultError> {
        let view = self.view(device).await?;
        let statement = device.statement(&view.device.row, Op::Close, self.clock.now().wire(), Extension::None);
        let signature = Dalek::ed25519_sign(&device.device_seed(), statement.bytes());
        let signed = view.device.verify(&statement, &signature).expect("signed");
        self.apply(&view, Action::Close(signed)).await
    }

    /// What the device is told when it only asks.
    pub(crate) async fn ask(&self, device: &TestDevice) -> Result<DeviceAnswer, VaultError> {
        let view = self.view(device).await?;
        self.apply(&view, Action::Observe).await
    }

    /// Everything that the journal says, oldest first.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let entries = self.write(|vault, tx| vault.journal(tx, &JournalFilter::All, 0, 10_000)).await.expect("read");
        let events = entries.into_iter().filter_map(|entry| entry.content).map(|content| content.event);
        events.filter(|event| event.token().is_some()).collect()
    }

    /// One call of an administrator.
    pub(crate) async fn administer(&self, what: Administration) -> Result<(), VaultError> {
        let (service, user) = (self.service.clone(), self.user.clone());
        self.write(move |vault, tx| what(vault, tx, &service, &user, Actor::Operator, vault.reading())).await.map(drop)
    }
}

pub(crate) async fn open(test: &TestStore, clock: &Arc<TestClock>) -> Result<Arc<Vault>, VaultError> {
    let (clock, entropy) = (Arc::<TestClock>::clone(clock), Arc::new(SeededEntropy::new(1)));
    Vault::open(&test.store, KeyLocation::Given(Secret::new(KEY)), entropy, clock).await
}

type Administration =
    fn(&Vault, &mut dyn Transaction, &Service, &UserId, Actor, ClockReading) -> Result<Token, VaultError>;

/// Why a device got no answer to an operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Blocked,
    Gone,
    Failed(VaultError),
}

impl From<VaultError> for Refused {
    fn from(error: VaultError) -> Self {
        Self::Failed(error)
    }
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

/// The keys of a device are made of its number, so that tests can sign for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TestDevice {
    pub(crate) key: DeviceKey,
    pub(crate) number: u8,
}

impl TestDevice {
    fn device_seed(&self) -> Secret<32> {
        Secret::new([0xd0 ^ self.number; 32])
    }

    pub(crate) fn statement(&self, row: &Row, op: Op, time: u32, extension: Extension<'_>) -> Statement {
        let context = Context {
            generation: row.generation,
            sequence: 0,
            token: row.token,
            device: row.device,
            bind: [self.number; 32],
        };
        Statement::new::<Dalek>(op, 0, time, &context, extension)
    }

    pub(crate) fn sign(&self, row: &Row, pin: Pin, op: Op, time: u32) -> (Statement, [u8; 64]) {
        self.sign_with(row, pin, op, time, Extension::None)
    }

    fn sign_with(&self, row: &Row, pin: Pin, op: Op, time: u32, extension: Extension<'_>) -> (Statement, [u8; 64]) {
        let statement = self.statement(row, op, time, extension);
        (statement, Dalek::ed25519_sign(&pin.seed(), statement.bytes()))
    }

    /// A set of PINs of which entry `n` is [`Pin::Other`]`(n)`.
    pub(crate) fn other_pins() -> PinAction {
        PinAction::SetPins(std::array::from_fn(|index| PinEntry {
            biometric: false,
            key: Dalek::ed25519_public(&Pin::Other(index as u8).seed()),
        }))
    }
}

const fn op_of(action: &PinAction) -> Op {
    match action {
        PinAction::Open { .. } => Op::Open,
        PinAction::SetPins(_) => Op::SetPins,
        PinAction::Rotate => Op::Rotate,
        PinAction::Unenroll => Op::Unenroll,
        PinAction::Confirm { .. } => Op::Confirm,
        PinAction::RevokeDevice(_) => Op::RevokeDevice,
    }
}

/// The row after an accepted message, as far as storage is concerned.
pub(crate) fn advanced(row: &Row) -> Row {
    let mut next = row.duplicate();
    next.current = Dalek::derive(&[], &[row.current.expose()], &[b"test"]);
    next.previous = Some(row.current.duplicate());
    next.accepted = Some(Accepted {
        hash: [1; 32],
        ephemeral: [2; 32],
        kind: AttemptKind::Operation,
        declared: [0; 32],
        epoch: 1,
        outcome: Some(Code::Ok),
    });
    next.generation += 1;
    next
}

pub(crate) const fn test_info() -> DeviceInfo {
    DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false }
}

pub(crate) fn new_device(number: u8, pending: &PendingOffer, info: DeviceInfo) -> NewDevice {
    let random = |label: u8| Secret::new([label ^ number; 32]);
    let public = |seed: Secret<32>| Dalek::ed25519_public(&seed);
    let device_key = public(random(0xd0));
    let mut keys = [[0; 32]; SLOTS];
    for (key, seed) in keys.iter_mut().zip([Pin::Normal.seed(), Pin::Duress.seed(), random(0xa0), random(0xb0)]) {
        *key = public(seed);
    }
    let row = Row::new(pending.token, pending.device, [number; 32], device_key, random(0xc0));
    NewDevice { row, keys, info, short_string: 42 }
}

//! Devices: their rows, and everything that looking at a message of theirs needs.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::ratchet::{ROW_LEN, Row};
use cardea_protocol::statement::Statement;
use cardea_protocol::token::{DeviceId, DeviceInfo, DeviceStatus, Hint};
use cardea_protocol::wire::{Op, Reply};
use cardea_protocol::{Code, Secret};

use super::attempts::Attempts;
use super::seal::Table;
use super::{Decoder, DeviceAnswer, Encoder, Slots, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::freshness::Freshness;
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::AttemptKey;
use crate::domain::token::DeviceFacts;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{DeviceKey, DeviceRow, DeviceRows, HintColumns};

/// A device's row, opened.
#[derive(Debug)]
pub struct Device {
    /// Which one.
    pub key: DeviceKey,
    /// Where its ratchet stands.
    pub row: Row,
    /// What it said of itself.
    pub info: DeviceInfo,
    /// When it enrolled.
    pub enrolled_at: UnixSeconds,
    /// Whether its enrollment counts: not before the short authentication string was compared, where that is required.
    pub confirmed: bool,
    /// When an operation of it was committed last.
    pub seen_at: UnixSeconds,
    /// It gave itself up, or was revoked by another device, under duress: gone for whoever holds a device of the token,
    /// there in truth.
    pub(super) given_up_under_duress: bool,
    pub(super) ver: u64,
}

impl Device {
    /// The version that a change must name.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.ver
    }

    /// Whether relying parties may be told of it.
    pub(super) const fn is_enrolled_in_truth(&self) -> bool {
        self.confirmed && (!self.row.revoked || self.given_up_under_duress)
    }

    /// Whether it has finished enrolling and its short authentication string is not compared yet.
    pub(super) const fn waits(&self) -> bool {
        !self.confirmed && !self.row.revoked
    }

    /// Checks the signature of an operation that the device key signs.
    #[must_use]
    pub fn verify(&self, statement: &Statement, signature: &[u8; 64]) -> Option<DeviceSigned> {
        let good = Dalek::ed25519_verify(&self.row.device_key, statement.bytes(), signature);
        good.then_some(DeviceSigned { statement: *statement, signature: *signature })
    }
}

/// A statement that the device key has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSigned {
    pub(super) statement: Statement,
    pub(super) signature: [u8; 64],
}

/// All that deciding about a message of a device needs, from one consistent state.
#[derive(Debug)]
pub struct DeviceView {
    /// The device.
    pub device: Device,
    /// The slots in force; none once it was revoked or deleted.
    pub slots: Option<Slots>,
    /// What the time of an OPEN is compared with.
    pub open_freshness: Freshness,
    /// What the time of any other operation that a PIN signs is compared with.
    pub freshness: Freshness,
    token_blocked: bool,
    attempts: Attempts,
    tries_blocked: bool,
    answer: DeviceAnswer,
}

impl DeviceView {
    /// Whether the device is to be refused with [`Code::Blocked`] although its row says nothing of a block: its token
    /// is blocked, or its tries are used up and `attempt` is not the very one whose outcome is still open.
    #[must_use]
    pub fn is_refused(&self, attempt: Option<&AttemptKey>) -> bool {
        let pending = attempt.is_some_and(|attempt| self.attempts.state.is_pending(attempt));
        self.token_blocked || (self.tries_blocked && !pending)
    }

    /// The row as the protocol has to see it to refuse the device.
    #[must_use]
    pub fn refusing_row(&self) -> Row {
        let mut row = self.device.row.duplicate();
        row.suspended = true;
        row
    }

    /// An answer of what is known now, for operations that change nothing.
    #[must_use]
    pub fn reply(&self, op: Op, code: Code) -> Reply {
        DeviceAnswer { code, ..self.answer }.reply(op)
    }

    /// Whether the service tells its devices that somebody has checked the closed token.
    #[must_use]
    pub const fn tells_checks(&self) -> bool {
        self.answer.tells_checks
    }
}

impl Vault {
    /// Finds the devices that may have sent a first message with `hint`: one, but for a collision.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn view_by_hint(
        &self,
        tx: &mut dyn Transaction,
        hint: Hint,
        clock: ClockReading,
    ) -> Result<Vec<DeviceView>, VaultError> {
        let rows = tx.devices_by_hint(hint.bytes())?;
        rows.into_iter().map(|row| self.open_device(row).and_then(|device| self.view(tx, device, clock))).collect()
    }

    /// Finds the devices that may have sent a resync with this static key.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn view_by_static(
        &self,
        tx: &mut dyn Transaction,
        static_key: &[u8; 32],
        clock: ClockReading,
    ) -> Result<Vec<DeviceView>, VaultError> {
        let rows = tx.devices_by_static(static_key)?;
        rows.into_iter().map(|row| self.open_device(row).and_then(|device| self.view(tx, device, clock))).collect()
    }

    /// The device with this key.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn view_by_key(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        clock: ClockReading,
    ) -> Result<DeviceView, VaultError> {
        let device = self.device(tx, key)?;
        self.view(tx, device, clock)
    }

    fn view(&self, tx: &mut dyn Transaction, device: Device, clock: ClockReading) -> Result<DeviceView, VaultError> {
        let restored_at = self.marks(tx)?.restored_at;
        let freshness = Freshness { now: clock.now(), restored_at, closed_at: UnixSeconds::EPOCH };
        let gone = DeviceAnswer {
            code: Code::NotEnrolled,
            status: DeviceStatus::NotEnrolled,
            tries: 0,
            until: UnixSeconds::EPOCH,
            now: clock.now(),
            waiting: 0,
            tells_checks: false,
        };
        let token = self.token_by_id(tx, &device.key.token)?;
        let Some(token) = token.filter(|_| !device.row.revoked) else {
            let attempts = Attempts::default();
            let (open_freshness, token_blocked, tries_blocked) = (freshness, false, false);
            let (slots, answer) = (None, gone);
            return Ok(DeviceView {
                device,
                slots,
                open_freshness,
                freshness,
                token_blocked,
                attempts,
                tries_blocked,
                answer,
            });
        };
        let rules = self.service_by_id(tx, token.service)?.rules;
        let attempts = self.throttle(tx, &device.key)?;
        let slots = Some(self.slots_in_force(tx, &device.key, token.state.openness().is_under_duress())?);
        let open_freshness = open_freshness(freshness, &token, &device.row.device);
        let answer = answer(Code::Ok, &token, &device, &attempts, &rules, clock);
        Ok(DeviceView {
            slots,
            open_freshness,
            freshness,
            token_blocked: token.state.openness().is_blocked(),
            tries_blocked: attempts.state.is_blocked(clock.now(), rules.limits),
            attempts,
            answer,
            device,
        })
    }

    pub(super) fn device(&self, tx: &mut dyn Transaction, key: &DeviceKey) -> Result<Device, VaultError> {
        self.open_device(tx.device(key)?.ok_or(VaultError::Unknown("device"))?)
    }

    /// All devices of a token, revoked ones included.
    pub(super) fn devices_of(&self, tx: &mut dyn Transaction, token: &[u8; 16]) -> Result<Vec<Device>, VaultError> {
        tx.devices_of(token)?.into_iter().map(|row| self.open_device(row)).collect()
    }

    pub(super) fn open_device(&self, stored: DeviceRow) -> Result<Device, VaultError> {
        let content = self.sealer.open(Table::Device, &binding(&stored), &stored.sealed)?;
        let mut decoder = Decoder::new(Table::Device, &content);
        let damaged = |_| VaultError::Damaged(Table::Device.name());
        let row: Secret<ROW_LEN> = decoder.secret()?;
        let device = Device {
            key: stored.key,
            row: Row::decode(row.expose()).map_err(damaged)?,
            info: DeviceInfo::decode(&decoder.array()?).map_err(damaged)?,
            enrolled_at: decoder.time()?,
            confirmed: decoder.flag()?,
            seen_at: decoder.time()?,
            given_up_under_duress: decoder.flag()?,
            ver: stored.sealed.ver,
        };
        decoder.end()?;
        Ok(device)
    }

    fn seal_device(&self, device: &Device, ver: u64) -> DeviceRow {
        let [cur, prev, alt] = device.row.hints::<Dalek>();
        let bytes = |hint: Option<Hint>| hint.map(|hint| *hint.bytes());
        let mut stored = DeviceRow {
            key: device.key,
            hints: HintColumns { cur: bytes(cur).unwrap_or_default(), prev: bytes(prev), alt: bytes(alt) },
            static_key: device.row.device_static,
            sealed: crate::storage::Sealed { ver, bytes: Vec::new() },
        };
        let mut content = Encoder::new();
        content
            .put(device.row.encode().expose())
            .put(&device.info.encode())
            .time(device.enrolled_at)
            .flag(device.confirmed)
            .time(device.seen_at)
            .flag(device.given_up_under_duress);
        stored.sealed = self.seal(Table::Device, &binding(&stored), ver, &content);
        stored
    }

    pub(super) fn insert_device(&self, tx: &mut dyn Transaction, device: &mut Device) -> Result<(), VaultError> {
        tx.insert_device(&self.seal_device(device, 1))?;
        device.ver = 1;
        Ok(())
    }

    /// Stores the device as the next version of the one that was read: the compare-and-swap of the ratchet.
    pub(super) fn put_device(&self, tx: &mut dyn Transaction, device: &mut Device) -> Result<(), VaultError> {
        tx.update_device(&self.seal_device(device, device.ver + 1))?;
        device.ver += 1;
        Ok(())
    }
}

fn open_freshness(freshness: Freshness, token: &Token, device: &DeviceId) -> Freshness {
    Freshness { closed_at: token.state.closed_by_other_than(*device), ..freshness }
}

/// What a device may be told now.
pub(super) fn answer(
    code: Code,
    token: &Token,
    device: &Device,
    attempts: &Attempts,
    rules: &ServiceRules,
    clock: ClockReading,
) -> DeviceAnswer {
    let now = clock.now();
    let facts = DeviceFacts {
        enrolled: device.confirmed && !device.row.revoked,
        blocked: device.row.suspended || device.row.clone_blocked || attempts.state.is_blocked(now, rules.limits),
    };
    let (status, open_until) = token.state.device_status(facts, rules, clock);
    let blocked_until = attempts.state.blocked_until(now, rules.limits).unwrap_or_default();
    let until = if status == DeviceStatus::Blocked { blocked_until } else { open_until };
    let tries = if !device.row.revoked { attempts.state.tries_left(now, rules.limits) } else { 0 };
    let may_answer = facts.enrolled && status != DeviceStatus::Blocked;
    let waiting = if may_answer { token.state.waiting.mask(now) } else { 0 };
    DeviceAnswer { code, status, tries, until, now, waiting, tells_checks: rules.tell_checks }
}

/// What stands beside the content in clear.
fn binding(row: &DeviceRow) -> [&[u8]; 6] {
    // A missing hint has no length, so it reads unlike any that is there.
    [
        &row.key.token,
        &row.key.number,
        &row.hints.cur,
        row.hints.prev.as_ref().map_or(&[], <[u8; 8]>::as_slice),
        row.hints.alt.as_ref().map_or(&[], <[u8; 8]>::as_slice),
        &row.static_key,
    ]
}

//! Offers to enroll, and the devices that come of them.

use cardea_protocol::Secret;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::limits::SLOTS;
use cardea_protocol::ratchet::Row;
use cardea_protocol::token::{DeviceId, DeviceInfo, Policy, ShortString, TokenId};
use cardea_protocol::wire::{Host, Link, PinEntry, TypedCode};

use super::administration::Before;
use super::attempts::Attempts;
use super::seal::Table;
use super::slots::SlotSets;
use super::{Decoder, Device, Encoder, Event, EventKind, Service, Vault, VaultError, random_id, random_secret};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::enrollment::{EnrollOptions, OfferDead, OfferError, OfferState, Purpose, purpose};
use crate::domain::name::UserId;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{DeviceKey, EnrollmentRow, EnrollmentRows};

/// Where devices reach the token channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The host, as it stands in the link.
    pub host: Host,
    /// The port of the token channel.
    pub port: u16,
}

/// An offer as it is handed to the person who will enroll. Shown once and stored nowhere.
#[derive(Debug)]
pub struct Offer {
    /// The link.
    pub link: Link,
    /// The code to type.
    pub code: TypedCode,
    /// The first second in which neither works.
    pub expires_at: UnixSeconds,
}

/// A live offer that a device has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingOffer {
    id: [u8; 8],
    typed: bool,
    /// The token.
    pub token: TokenId,
    /// The id that the device will have.
    pub device: DeviceId,
    /// What the service asks of devices.
    pub policy: Policy,
}

/// A device that has proved its keys.
#[derive(Debug)]
pub struct NewDevice {
    /// Where its ratchet starts.
    pub row: Row,
    /// Its verification keys in the order sent: entry 0 opens, the others are duress, biometric or random.
    pub keys: [[u8; 32]; SLOTS],
    /// What it says of itself.
    pub info: DeviceInfo,
    /// The short authentication string, below a million: what its holder may compare.
    pub short_string: u32,
}

/// What an enrollment came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The new device.
    pub device: DeviceKey,
    /// Whether the token is usable at once, without the short authentication string being confirmed.
    pub confirmed: bool,
    /// The devices that it took the place of.
    pub replaced: Vec<DeviceKey>,
}

/// What has become of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No device has finished.
    Open,
    /// A device has; its short authentication string may be compared.
    Comparing(u32),
}

/// An offer's row, opened.
pub(super) struct Stored {
    id: [u8; 8],
    lookup: String,
    token: [u8; 16],
    ver: u64,
    pub(super) state: OfferState,
    pub(super) stage: Stage,
    purpose: Purpose,
    pub(super) device: [u8; 4],
    link_psk: Secret<32>,
    code_psk: Secret<32>,
}

impl Vault {
    /// Makes an offer to enroll for `user`, and the token if there is none. An offer that is open dies.
    ///
    /// # Errors
    /// [`VaultError::Offer`]: the options do not fit the devices that the token has. The server has no key yet; a row
    /// is damaged; storage failed.
    pub fn offer(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        (options, by): (EnrollOptions, Actor),
        endpoint: Endpoint,
        clock: ClockReading,
    ) -> Result<Offer, VaultError> {
        let token = match self.token_of(tx, service, user)? {
            Some(token) => token,
            None => self.insert_token(tx, service, user, clock.now())?,
        };
        let mut devices = self.devices_of(tx, token.id.bytes())?;
        let enrolled = devices.iter().filter(|device| device.is_enrolled_in_truth()).count();
        let purpose = purpose(enrolled, service.rules.devices, options)?;
        // A device that waits for its short string to be compared dies with the offer that it came of.
        for device in devices.iter_mut().filter(|device| !device.confirmed) {
            self.retire(tx, (service, &token), device, by, clock)?;
        }
        tx.sweep_enrollments(clock.now())?;
        tx.delete_enrollment_of(token.id.bytes())?;

        let keys = self.server_keys(tx)?;
        let server = keys.current(clock.now()).ok_or(VaultError::Misuse("the server has no key yet"))?;
        let link = Link {
            epoch: server.record.epoch,
            id: Link::generate_id(&mut self.random()),
            code: random_secret(&*self.entropy),
            server_key: server.record.key,
            port: endpoint.port,
            host: endpoint.host,
        };
        let code = self.unused_code(tx)?;
        let expires_at = clock.now().plus(u64::from(service.rules.enrollment_seconds));
        let stored = Stored {
            id: link.id,
            lookup: lookup_of(&code.id()).ok_or(VaultError::Misuse("a code without a lookup part"))?,
            token: *token.id.bytes(),
            ver: 1,
            state: OfferState::new(expires_at),
            stage: Stage::Open,
            purpose,
            device: self.unused_device_id(&devices),
            link_psk: link.psk::<Dalek>(),
            code_psk: code.psk::<Dalek>(),
        };
        tx.insert_enrollment(&self.seal_offer(&stored))?;
        self.record(tx, &Event::on_token(EventKind::Offered, &token, service, by, clock.now())?)?;
        self.mark_time(tx, clock)?;
        Ok(Offer { link, code, expires_at })
    }

    /// A code whose lookup part no other open offer has. There are a million of them.
    fn unused_code(&self, tx: &mut dyn Transaction) -> Result<TypedCode, VaultError> {
        for _ in 0..32 {
            let code = TypedCode::generate(&mut self.random());
            let lookup = lookup_of(&code.id()).ok_or(VaultError::Misuse("a code without a lookup part"))?;
            if tx.enrollment_by_lookup(&lookup)?.is_none() {
                return Ok(code);
            }
        }
        Err(VaultError::Misuse("too many enrollments are open at once"))
    }

    fn unused_device_id(&self, devices: &[Device]) -> [u8; 4] {
        loop {
            let id = random_id(&*self.entropy);
            if devices.iter().all(|device| device.key.number != id) {
                return id;
            }
        }
    }

    /// Finds the live offer that the first message of an enrollment names.
    ///
    /// # Errors
    /// [`VaultError::OfferDead`]: there is none (any more). A row is damaged; storage failed.
    pub fn pending_offer(
        &self,
        tx: &mut dyn Transaction,
        id: &[u8; 8],
        clock: ClockReading,
    ) -> Result<PendingOffer, VaultError> {
        let (row, typed) = match lookup_of(id) {
            Some(lookup) => (tx.enrollment_by_lookup(&lookup)?, true),
            None => (tx.enrollment(id)?, false),
        };
        let stored = self.open_offer(row.ok_or(OfferDead)?)?;
        // A clock that went back would revive what has expired.
        if stored.stage != Stage::Open || !stored.state.is_live(clock.trusted().ok_or(OfferDead)?) {
            return Err(OfferDead.into());
        }
        let token = self.token_by_id(tx, &stored.token)?.ok_or(OfferDead)?;
        let policy = self.service_by_id(tx, token.service)?.rules.policy();
        let device = DeviceId::new(stored.device);
        Ok(PendingOffer { id: stored.id, typed, token: token.id, device, policy })
    }

    /// Counts a try at an offer and returns the key that the device must know. Commit this before the key is used.
    ///
    /// # Errors
    /// [`VaultError::OfferDead`]: it expired, was used, or tried too often. A row is damaged; storage failed.
    pub fn count_enrollment_try(
        &self,
        tx: &mut dyn Transaction,
        offer: &PendingOffer,
        clock: ClockReading,
    ) -> Result<Secret<32>, VaultError> {
        let mut stored = self.open_offer(tx.enrollment(&offer.id)?.ok_or(OfferDead)?)?;
        if stored.stage != Stage::Open {
            return Err(OfferDead.into());
        }
        stored.state.count_try(clock.trusted().ok_or(OfferDead)?)?;
        stored.ver += 1;
        tx.update_enrollment(&stored.id, &self.seal_offer(&stored).sealed)?;
        self.mark_time(tx, clock)?;
        Ok(if offer.typed { stored.code_psk } else { stored.link_psk })
    }

    /// Adds the device that has proved its keys under a counted try, and uses the offer up.
    ///
    /// # Errors
    /// [`VaultError::OfferDead`]: it expired, or another device was faster. [`VaultError::Emulated`],
    /// [`VaultError::Biometric`]: the service does not take such devices. A row is damaged; storage failed.
    pub fn complete_enrollment(
        &self,
        tx: &mut dyn Transaction,
        offer: &PendingOffer,
        new: NewDevice,
        clock: ClockReading,
    ) -> Result<Enrolled, VaultError> {
        let stored = self.open_offer(tx.enrollment(&offer.id)?.ok_or(OfferDead)?)?;
        let mut token = self.token_by_id(tx, &stored.token)?.ok_or(OfferDead)?;
        let service = self.service_by_id(tx, token.service)?;
        let rules = &service.rules;
        if stored.stage != Stage::Open || !stored.state.may_finish(clock.trusted().ok_or(OfferDead)?) {
            return Err(OfferDead.into());
        }
        let NewDevice { row, keys, info, short_string } = new;
        if (row.token, row.device) != (token.id, DeviceId::new(stored.device)) {
            return Err(VaultError::Misuse("the device was enrolled for another offer"));
        }
        if info.emulated && !rules.emulated {
            return Err(VaultError::Emulated);
        }
        if info.biometric && !rules.biometric {
            return Err(VaultError::Biometric);
        }
        let key = DeviceKey { token: stored.token, number: stored.device };
        let others = self.devices_of(tx, &stored.token)?;
        let mut replaced = Vec::new();
        if stored.purpose == Purpose::Add {
            if others.iter().filter(|device| device.is_enrolled_in_truth()).count() >= usize::from(rules.devices) {
                return Err(OfferError::TooManyDevices.into());
            }
        } else {
            let by = Actor::Device(DeviceId::new(key.number));
            for mut device in others {
                if self.retire(tx, (&service, &token), &mut device, by, clock)? == Before::InUse {
                    replaced.push(device.key);
                }
            }
            token.state.replace_devices(clock.now());
        }

        let confirmed = rules.short_string != ShortString::Required;
        let (enrolled_at, given_up_under_duress) = (clock.now(), false);
        let seen_at = enrolled_at;
        let mut device = Device { key, row, info, enrolled_at, confirmed, seen_at, given_up_under_duress, ver: 0 };
        self.insert_device(tx, &mut device)?;
        self.put_throttle(tx, &key, &Attempts::default())?;
        let entries =
            std::array::from_fn(|index| PinEntry { biometric: info.biometric && index == 1, key: keys[index] });
        self.put_slot_sets(tx, &key, &SlotSets::new(&entries, &*self.entropy))?;
        self.put_token(tx, &mut token)?;
        tx.delete_enrollment_of(&stored.token)?;
        if rules.short_string != ShortString::Off {
            self.keep_short_string(tx, stored, short_string, clock.now().plus(u64::from(rules.enrollment_seconds)))?;
        }
        self.record(tx, &Event::by_device(EventKind::Enrolled, &token, &service, &key, clock.now())?)?;
        self.mark_time(tx, clock)?;
        Ok(Enrolled { device: key, confirmed, replaced })
    }

    /// Keeps the short authentication string until it is compared, and nothing else that is secret.
    fn keep_short_string(
        &self,
        tx: &mut dyn Transaction,
        stored: Stored,
        short_string: u32,
        until: UnixSeconds,
    ) -> Result<(), VaultError> {
        let (link_psk, code_psk) = (Secret::new([0; 32]), Secret::new([0; 32]));
        let (state, stage) = (OfferState::new(until), Stage::Comparing(short_string));
        let comparing = Stored { ver: stored.ver + 1, state, stage, link_psk, code_psk, ..stored };
        Ok(tx.insert_enrollment(&self.seal_offer(&comparing))?)
    }

    /// The offer for a token, or what has become of it.
    pub(super) fn offer_of(&self, tx: &mut dyn Transaction, token: &[u8; 16]) -> Result<Option<Stored>, VaultError> {
        tx.enrollment_of(token)?.map(|row| self.open_offer(row)).transpose()
    }

    fn seal_offer(&self, stored: &Stored) -> EnrollmentRow {
        let mut content = Encoder::new();
        content
            .u8(match stored.purpose {
                Purpose::First => 0,
                Purpose::Replace => 1,
                Purpose::Add => 2,
            })
            .u8(stored.state.tries)
            .put(&stored.device)
            .optional(
                match stored.stage {
                    Stage::Open => None,
                    Stage::Comparing(short_string) => Some(short_string.to_le_bytes()),
                }
                .as_ref(),
            )
            .put(stored.link_psk.expose())
            .put(stored.code_psk.expose());
        let mut row = EnrollmentRow {
            id: stored.id,
            lookup: stored.lookup.clone(),
            token: stored.token,
            expires_at: stored.state.expires_at,
            sealed: crate::storage::Sealed { ver: stored.ver, bytes: Vec::new() },
        };
        row.sealed =
            self.seal(Table::Enrollment, &binding(&row, &row.expires_at.get().to_le_bytes()), stored.ver, &content);
        row
    }

    fn open_offer(&self, row: EnrollmentRow) -> Result<Stored, VaultError> {
        let expires_at = row.expires_at.get().to_le_bytes();
        let content = self.sealer.open(Table::Enrollment, &binding(&row, &expires_at), &row.sealed)?;
        let mut decoder = Decoder::new(Table::Enrollment, &content);
        let purpose = match decoder.u8()? {
            0 => Purpose::First,
            1 => Purpose::Replace,
            2 => Purpose::Add,
            _ => return Err(decoder.damaged()),
        };
        let stored = Stored {
            state: OfferState { expires_at: row.expires_at, tries: decoder.u8()? },
            purpose,
            device: decoder.array()?,
            stage: decoder.optional()?.map_or(Stage::Open, |digits| Stage::Comparing(u32::from_le_bytes(digits))),
            link_psk: decoder.secret()?,
            code_psk: decoder.secret()?,
            id: row.id,
            lookup: row.lookup,
            token: row.token,
            ver: row.sealed.ver,
        };
        decoder.end()?;
        Ok(stored)
    }
}

fn binding<'a>(row: &'a EnrollmentRow, expires_at: &'a [u8; 8]) -> [&'a [u8]; 4] {
    [&row.id, row.lookup.as_bytes(), &row.token, expires_at]
}

/// The lookup part of an enrollment id that came from a typed code; `None` for the id of a link.
fn lookup_of(id: &[u8; 8]) -> Option<String> {
    let [a, b, c, d, rest @ ..] = *id;
    let lookup = String::from_utf8(vec![a, b, c, d]).ok()?;
    (rest == [0; 4] && lookup.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(lookup)
}

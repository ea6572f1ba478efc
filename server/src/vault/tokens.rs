//! Tokens: their rows, and what a relying party is told.

use cardea_protocol::limits::CONFIRMATIONS_PENDING;
use cardea_protocol::token::{DeviceId, TokenId};

use super::access::Service;
use super::seal::Table;
use super::{Decoder, Device, Encoder, Event, EventKind, Vault, VaultError, random_id};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::confirmation::{Waiting, WaitingList};
use crate::domain::name::UserId;
use crate::domain::openness::{Blocks, Openness, Standing};
use crate::domain::rules::ServiceRules;
use crate::domain::status::TokenStatus;
use crate::domain::throttle::Throttle;
use crate::domain::token::{Close, Closer, TokenState};
use crate::domain::world::{ClockReading, World};
use crate::storage::rows::{DeviceRows as _, TokenRow, TokenRows};
use crate::storage::{Sealed, Transaction};

/// A token's row, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id on the wire.
    pub id: TokenId,
    /// The number of its service.
    pub service: u64,
    /// The user id, as bytes.
    pub(crate) user: Vec<u8>,
    /// When it was made.
    pub created_at: UnixSeconds,
    pub(super) ver: u64,
    pub(super) state: TokenState,
}

impl Token {
    fn binding<'a>(id: &'a [u8; 16], service: &'a [u8; 8], user: &'a [u8]) -> [&'a [u8]; 3] {
        [id, service, user]
    }
}

impl Vault {
    /// The token of `user` in `service`.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn token_of(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
    ) -> Result<Option<Token>, VaultError> {
        tx.token_of(service.id, user.as_str())?.map(|row| self.open_token(row)).transpose()
    }

    /// The token of `user` in `service`, which is there.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: it is not. The row is damaged; storage failed.
    pub fn existing_token(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
    ) -> Result<Token, VaultError> {
        self.token_of(tx, service, user)?.ok_or(VaultError::Unknown("token"))
    }

    pub(crate) fn token_by_id(&self, tx: &mut dyn Transaction, id: &[u8; 16]) -> Result<Option<Token>, VaultError> {
        tx.token_by_id(id)?.map(|row| self.open_token(row)).transpose()
    }

    pub(crate) fn open_token(&self, row: TokenRow) -> Result<Token, VaultError> {
        let TokenRow { id, service, user, sealed } = row;
        let content = self.sealer.open(Table::Token, &Token::binding(&id, &service.to_le_bytes(), &user), &sealed)?;
        let mut decoder = Decoder::new(Table::Token, &content);
        let (created_at, state) = (decoder.time()?, decode_state(&mut decoder)?);
        decoder.end()?;
        Ok(Token { id: TokenId::new(id), service, user, created_at, ver: sealed.ver, state })
    }

    /// Adds a token without devices.
    pub(super) fn insert_token(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        created_at: UnixSeconds,
    ) -> Result<Token, VaultError> {
        let id: [u8; 16] = random_id(&*self.entropy);
        let (state, user) = (TokenState::default(), user.as_str().as_bytes().to_vec());
        let binding = service.id.to_le_bytes();
        let sealed = self.seal(Table::Token, &Token::binding(&id, &binding, &user), 1, &encode(created_at, &state));
        let row = TokenRow { id, service: service.id, user, sealed };
        tx.insert_token(&row)?;
        Ok(Token { id: TokenId::new(id), service: service.id, user: row.user, created_at, ver: 1, state })
    }

    /// Stores the state as the next version, changed or not.
    pub(super) fn put_token(&self, tx: &mut dyn Transaction, token: &mut Token) -> Result<(), VaultError> {
        let (id, service) = (token.id.bytes(), token.service.to_le_bytes());
        let binding = Token::binding(id, &service, &token.user);
        let sealed = self.seal(Table::Token, &binding, token.ver + 1, &encode(token.created_at, &token.state));
        tx.update_token(id, &sealed)?;
        token.ver += 1;
        Ok(())
    }

    /// What the status of a token depends on.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn facts(&self, tx: &mut dyn Transaction, token: &Token) -> Result<Facts, VaultError> {
        let mut facts = Facts::of(token);
        for device in self.devices_of(tx, token.id.bytes())? {
            let attempts = if device.is_enrolled_in_truth() { tx.attempt(&device.key)? } else { None };
            self.add_device(&mut facts, &device, attempts)?;
        }
        Ok(facts)
    }

    /// Adds one of the token's devices, whose counted attempts are `attempts`.
    pub(super) fn add_device(
        &self,
        facts: &mut Facts,
        device: &Device,
        attempts: Option<Sealed>,
    ) -> Result<(), VaultError> {
        if device.is_enrolled_in_truth() {
            let mut throttle = self.open_throttle(&device.key, attempts)?.state;
            // What is counted and not yet judged is in the number already.
            throttle.pending = Vec::new();
            facts.devices.push((device.row.suspended, throttle));
        }
        Ok(())
    }

    /// The status of a token, without ending anything: a single-use opening that this finds must not be told to
    /// anybody before [`Vault::check`] has ended it.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn peek(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        token: &Token,
        clock: ClockReading,
    ) -> Result<Peeked, VaultError> {
        Ok(self.facts(tx, token)?.peek(&service.rules, clock))
    }

    /// The status of a token as a relying party is told: ends a single-use opening. The answer may leave once the
    /// transaction is committed.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is no such token. A row is damaged; storage failed.
    pub fn check(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<TokenStatus, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        let peeked = self.peek(tx, service, &token, clock)?;
        if peeked.consumes {
            token.state.consume();
            self.put_token(tx, &mut token)?;
            self.record(tx, &Event::on_token(EventKind::Consumed, &token, service, by, clock.now())?)?;
        }
        self.mark_time(tx, clock)?;
        Ok(peeked.status)
    }
}

/// What the status of one token depends on, apart from its service and the time: a copy, as of one moment.
#[derive(Debug, Clone)]
pub struct Facts {
    openness: Openness,
    /// The enrolled devices: whether each is suspended, and its count of wrong PINs.
    devices: Vec<(bool, Throttle)>,
}

/// More devices than this take a little longer.
const FEW: usize = 8;

impl Facts {
    /// Of a token without devices.
    pub(super) const fn of(token: &Token) -> Self {
        Self { openness: *token.state.openness(), devices: Vec::new() }
    }

    /// The status, without ending anything, as [`Vault::peek`].
    #[must_use]
    pub fn peek(&self, rules: &ServiceRules, clock: ClockReading) -> Peeked {
        let standing = |(suspended, throttle): &(bool, Throttle)| match throttle {
            throttle if *suspended || throttle.is_blocked(clock.now(), rules.limits) => Standing::Blocked,
            _ => Standing::Usable,
        };
        let mut few = [Standing::Blocked; FEW];
        match few.get_mut(..self.devices.len()) {
            Some(few) => {
                few.iter_mut().zip(&self.devices).for_each(|(place, device)| *place = standing(device));
                Peeked::of(&self.openness, few, rules, clock)
            }
            None => {
                let many: Vec<Standing> = self.devices.iter().map(standing).collect();
                Peeked::of(&self.openness, &many, rules, clock)
            }
        }
    }
}

/// What [`Vault::peek`] found.
#[derive(Debug)]
pub struct Peeked {
    /// The status.
    pub status: TokenStatus,
    /// Whether telling it ends an opening, so that it takes a [`Vault::check`].
    pub consumes: bool,
    /// The end of an opening that has passed: the clock's high-water mark must not stay before it.
    pub ended_at: Option<UnixSeconds>,
    /// Whether the check is one of which the service wants the token's devices told.
    pub is_told: bool,
}

impl Peeked {
    fn of(openness: &Openness, standings: &[Standing], rules: &ServiceRules, clock: ClockReading) -> Self {
        let status = openness.status(standings, rules, clock);
        let told = matches!(status, TokenStatus::Open(_) | TokenStatus::Duress);
        let consumes = told && openness.is_consumed_by_check(rules, clock);
        let ended_at = match status {
            TokenStatus::Open(_) => None,
            _ => openness.facing().ends_at(rules.window).filter(|end| *end <= clock.now()),
        };
        let is_told = rules.tell_checks && openness.is_shown_closed(rules, clock);
        Self { status, consumes, ended_at, is_told }
    }
}

fn encode_world(content: &mut Encoder, world: &World) {
    match *world {
        World::Closed => content.u8(0).time(UnixSeconds::EPOCH).u32(0).flag(false),
        World::Opened { at, limit, single_use } => content.u8(1).time(at).u32(limit).flag(single_use),
    };
}

fn decode_world(decoder: &mut Decoder<'_>) -> Result<World, VaultError> {
    let tag = decoder.u8()?;
    let (at, limit, single_use) = (decoder.time()?, decoder.u32()?, decoder.flag()?);
    match tag {
        0 => Ok(World::Closed),
        1 => Ok(World::Opened { at, limit, single_use }),
        _ => Err(decoder.damaged()),
    }
}

fn encode(created_at: UnixSeconds, state: &TokenState) -> Encoder {
    let mut content = Encoder::new();
    content.time(created_at).u8(1);
    let Openness { real, shadow, duress, blocks } = state.openness();
    encode_world(&mut content, real);
    encode_world(&mut content, shadow);
    content.flag(duress.is_some()).time(duress.unwrap_or_default());
    content.flag(blocks.administrator).flag(blocks.clone);
    for close in &state.closes {
        let (tag, device, at) = match close {
            None => (0, [0; 4], UnixSeconds::EPOCH),
            Some(Close { by: Closer::Administrator, at }) => (1, [0; 4], *at),
            Some(Close { by: Closer::Device(device), at }) => (2, *device.bytes(), *at),
        };
        content.u8(tag).put(&device).time(at);
    }
    for place in &state.waiting.places {
        content.optional(place.as_ref().map(|waiting| &waiting.id));
        content.time(place.map(|waiting| waiting.expires_at).unwrap_or_default());
    }
    content.u8(state.waiting.next);
    content
}

fn decode_state(decoder: &mut Decoder<'_>) -> Result<TokenState, VaultError> {
    if decoder.u8()? != 1 {
        return Err(decoder.damaged());
    }
    let (real, shadow) = (decode_world(decoder)?, decode_world(decoder)?);
    let (duress, since) = (decoder.flag()?, decoder.time()?);
    let blocks = Blocks { administrator: decoder.flag()?, clone: decoder.flag()? };
    let mut closes = [None; 2];
    for close in &mut closes {
        let (tag, device, at) = (decoder.u8()?, DeviceId::new(decoder.array()?), decoder.time()?);
        *close = match tag {
            0 => None,
            1 => Some(Close { by: Closer::Administrator, at }),
            2 => Some(Close { by: Closer::Device(device), at }),
            _ => return Err(decoder.damaged()),
        };
    }
    let mut waiting = WaitingList::default();
    for place in &mut waiting.places {
        let (id, expires_at) = (decoder.optional()?, decoder.time()?);
        *place = id.map(|id| Waiting { id, expires_at });
    }
    waiting.next = decoder.u8()?;
    if waiting.next >= CONFIRMATIONS_PENDING {
        return Err(decoder.damaged());
    }
    let openness = Openness { real, shadow, duress: duress.then_some(since), blocks };
    Ok(TokenState { openness, closes, waiting })
}

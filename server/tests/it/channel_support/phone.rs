//! A device: the protocol core's own, over a socket, with its record in memory.

use std::net::SocketAddr;

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::device::{
    Answer, Attempt, Credential, Delivered, EnrollError, Enrollment, Intent, Received, Record, Session,
};
use cardea_protocol::pin::{Pin, PinKey};
use cardea_protocol::token::DeviceInfo;
use cardea_protocol::wire::{KeyRecord, LargeReply, Link, Push, Reply, TypedCode};
use cardea_server::admin::Offer;
use cardea_server::entropy::{Entropy, OsEntropy, SeededEntropy};

use super::{Wire, World};

/// The protocol's view of a source of randomness.
pub(crate) struct Seeded(Box<dyn Entropy>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Box::new(SeededEntropy::new(seed)))
    }

    pub(crate) fn os() -> Self {
        Self(Box::new(OsEntropy))
    }
}

impl Random for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

pub(crate) const INFO: DeviceInfo =
    DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };

pub(crate) struct Phone {
    pub(crate) record: Record,
    pub(crate) random: Seeded,
    pub(crate) address: SocketAddr,
    /// What the device believes the time to be, in seconds more than the server.
    pub(crate) drift: i64,
}

/// A warm session with its connection.
pub(crate) struct Warm {
    pub(crate) wire: Wire,
    pub(crate) session: Session<Dalek>,
}

/// What came of a cold request.
pub(crate) enum Got {
    Reply(Reply, Option<Warm>),
    Recovered(Option<Code>),
    Refused(Reply),
    Plain(Code, Option<Box<KeyRecord>>),
    Closed,
    NotAuthentic,
}

impl std::fmt::Debug for Got {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reply(reply, warm) => write!(f, "Reply({reply:?}, warm: {})", warm.is_some()),
            Self::Recovered(outcome) => write!(f, "Recovered({outcome:?})"),
            Self::Refused(reply) => write!(f, "Refused({reply:?})"),
            Self::Plain(code, record) => write!(f, "Plain({code:?}, record: {})", record.is_some()),
            Self::Closed => f.write_str("Closed"),
            Self::NotAuthentic => f.write_str("NotAuthentic"),
        }
    }
}

/// How far an enrollment went, and what was on the wire.
pub(crate) type Enrolling = (Result<Phone, EnrollError>, Vec<i32>);

impl Phone {
    pub(crate) async fn enroll(world: &World, offer: &Offer, pins: &[&str]) -> Self {
        let link = Link::parse(&offer.link).expect("a link");
        let (phone, _) = Self::enroll_with(world, &link_way(&link), pins, INFO, Seeded::os()).await;
        phone.expect("enrolled")
    }

    /// The way of a typed code: the server's key comes from its page.
    pub(crate) async fn code_way(world: &World, code: &str) -> Way {
        let code = TypedCode::parse(code).expect("a code");
        let identity = world.admin().server_identity().await.expect("an identity");
        let record = KeyRecord::decode(&identity.key_record).expect("a record");
        assert!(record.verify::<Dalek>(&identity.public_key));
        Way { credential: Credential::from_code::<Dalek>(&code), key: record.key, epoch: record.epoch }
    }

    pub(crate) async fn enroll_with(
        world: &World,
        way: &Way,
        pins: &[&str],
        info: DeviceInfo,
        mut random: Seeded,
    ) -> Enrolling {
        let mut wire = Wire::connect(world.address()).await;
        let start = Enrollment::<Dalek>::start(&way.credential, &way.key, way.epoch, &mut random).expect("starts");
        wire.send(start.frame().bytes()).await;
        let frame = wire.receive().await.expect("an answer to E1");
        let offered = match start.receive(&frame, &mut random) {
            Ok(offered) => offered,
            Err(error) => return (Err(error), wire.traffic),
        };
        let derivation = offered.pin_derivation();
        let mut keys: Vec<PinKey> = pins.iter().map(|pin| derive(&derivation, pin)).collect();
        while keys.len() < 4 {
            keys.push(PinKey::random(&mut random));
        }
        let keys = keys.try_into().unwrap_or_else(|_| panic!("four keys"));
        let (record, receipt) = offered.accept(&keys, &info).expect("accepted").stored();
        wire.send(receipt.frame().bytes()).await;
        let frame = wire.receive().await.expect("an answer to E3");
        match receipt.receive(&record, &frame) {
            Ok(enrolled) => {
                let record = enrolled.stored().0;
                (Ok(Self { record, random, address: world.address(), drift: 0 }), wire.traffic)
            }
            Err(error) => (Err(error), wire.traffic),
        }
    }

    /// A copy of everything that is stored: what a thief takes along.
    pub(crate) fn copy(&self) -> Self {
        let (record, random) = (self.record.duplicate(), Seeded::os());
        Self { record, random, address: self.address, drift: self.drift }
    }

    pub(crate) fn key(&self, pin: &str) -> PinKey {
        derive(&self.record.pin_derivation(), pin)
    }

    pub(crate) fn time(&self, world: &World) -> u32 {
        u32::try_from(i64::from(world.now()) + self.drift).expect("a time")
    }

    /// Stores the pending mark and makes the request, without sending it.
    pub(crate) fn start(&mut self, world: &World, intent: &Intent<'_>) -> Attempt<Dalek> {
        let time = self.time(world);
        let (record, attempt) = self.record.start(intent, time, &mut self.random).expect("starts").stored();
        self.record = record;
        attempt
    }

    pub(crate) fn start_open(&mut self, world: &World, pin: &str) -> Attempt<Dalek> {
        let key = self.key(pin);
        self.start(world, &Intent::Open { window: 0, key: &key })
    }

    pub(crate) fn start_recover(&mut self) -> Attempt<Dalek> {
        let (record, attempt) = self.record.recover(&mut self.random).expect("pending").stored();
        self.record = record;
        attempt
    }

    /// Sends a request on a new connection and takes the answer in.
    pub(crate) async fn deliver(&mut self, attempt: &mut Attempt<Dalek>) -> Got {
        let mut wire = Wire::connect(self.address).await;
        wire.send(attempt.frame().bytes()).await;
        let Some(frame) = wire.receive().await else { return Got::Closed };
        self.take(attempt, &frame, wire).await
    }

    pub(crate) async fn take(&mut self, attempt: &mut Attempt<Dalek>, frame: &[u8], mut wire: Wire) -> Got {
        match attempt.receive(&self.record, frame) {
            Received::NotAuthentic => Got::NotAuthentic,
            Received::Plain(Code::StaleKey) => {
                let record = wire.receive().await.and_then(|frame| KeyRecord::decode(&frame).ok());
                Got::Plain(Code::StaleKey, record.map(Box::new))
            }
            Received::Plain(code) => Got::Plain(code, None),
            Received::Refused(reply) => Got::Refused(reply),
            Received::Answered(step) => {
                let (record, answer) = step.stored();
                self.record = record;
                match answer {
                    Answer::Operation { reply, session } => {
                        Got::Reply(reply, session.map(|session| Warm { wire, session }))
                    }
                    Answer::Recovered { outcome } => Got::Recovered(outcome),
                }
            }
        }
    }

    pub(crate) async fn cold(&mut self, world: &World, intent: &Intent<'_>) -> Got {
        let mut attempt = self.start(world, intent);
        self.deliver(&mut attempt).await
    }

    /// An operation that is answered; its connection is closed at once.
    pub(crate) async fn ask(&mut self, world: &World, intent: &Intent<'_>) -> Reply {
        match self.cold(world, intent).await {
            Got::Reply(reply, _) | Got::Refused(reply) => reply,
            other => panic!("not answered: {other:?}"),
        }
    }

    pub(crate) async fn open(&mut self, world: &World, pin: &str) -> Reply {
        let key = self.key(pin);
        self.ask(world, &Intent::Open { window: 0, key: &key }).await
    }

    pub(crate) async fn status(&mut self, world: &World) -> Reply {
        self.ask(world, &Intent::Status).await
    }

    pub(crate) async fn recover(&mut self) -> Got {
        let mut attempt = self.start_recover();
        self.deliver(&mut attempt).await
    }

    /// A warm session, begun with a PING.
    pub(crate) async fn warm(&mut self, world: &World) -> Warm {
        match self.cold(world, &Intent::Ping).await {
            Got::Reply(_, Some(warm)) => warm,
            other => panic!("no session: {other:?}"),
        }
    }
}

impl Warm {
    /// A small operation; `None` if the server has closed the connection.
    pub(crate) async fn ask(&mut self, phone: &Phone, world: &World, intent: &Intent<'_>) -> Option<Reply> {
        let request = self.session.request(&phone.record, intent, phone.time(world)).expect("a request");
        self.wire.send(request.frame().bytes()).await;
        match self.hear().await? {
            Delivered::Reply(reply) => Some(reply),
            other => panic!("no reply: {other:?}"),
        }
    }

    pub(crate) async fn open(&mut self, phone: &Phone, world: &World, pin: &str) -> Option<Reply> {
        let key = phone.key(pin);
        self.ask(phone, world, &Intent::Open { window: 0, key: &key }).await
    }

    /// Replaces the PINs: `new[0]` takes the place of the one that signs.
    pub(crate) async fn set_pins(&mut self, phone: &mut Phone, world: &World, pin: &str, new: &[&str]) -> Reply {
        let mut keys: Vec<PinKey> = new.iter().map(|pin| phone.key(pin)).collect();
        while keys.len() < 4 {
            keys.push(PinKey::random(&mut phone.random));
        }
        let keys = keys.try_into().unwrap_or_else(|_| panic!("four keys"));
        let (signer, time) = (phone.key(pin), phone.time(world));
        let request = self.session.set_pins(&phone.record, &signer, &keys, false, time).expect("a request");
        self.wire.send(request.frame().bytes()).await;
        self.plain().await
    }

    /// The reply to a large request that has no content of its own.
    pub(crate) async fn plain(&mut self) -> Reply {
        match self.hear().await {
            Some(Delivered::Large(LargeReply::Plain(reply))) => reply,
            other => panic!("no reply: {other:?}"),
        }
    }

    pub(crate) async fn hear(&mut self) -> Option<Delivered> {
        let frame = self.wire.receive().await?;
        Some(self.session.receive(&frame).expect("authentic"))
    }

    /// Waits until the server says that this session is over and closes it.
    pub(crate) async fn ends_revoked(mut self) -> bool {
        let revoked = matches!(self.hear().await, Some(Delivered::Push(Push::Revoked(_))));
        revoked && self.wire.receive().await.is_none()
    }
}

/// How a device gets in.
pub(crate) struct Way {
    pub(crate) credential: Credential,
    pub(crate) key: [u8; 32],
    pub(crate) epoch: u8,
}

pub(crate) fn link_way(link: &Link) -> Way {
    Way { credential: Credential::from_link::<Dalek>(link), key: link.server_key, epoch: link.epoch }
}

pub(crate) fn derive(derivation: &cardea_protocol::pin::PinDerivation, pin: &str) -> PinKey {
    let mut memory = vec![<Dalek as Provider>::PinBlock::default(); derivation.blocks()];
    derivation.derive::<Dalek>(&Pin::new(pin.as_bytes()).expect("a PIN"), &mut memory).expect("memory fits")
}

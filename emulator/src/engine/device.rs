//! A device: a wallet of the SDK over the parts that its session gives it.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::transport::Connector;
use cardea_sdk::{
    Approval, Clock as _, Confirmation, DenyReason, DeviceId, Enrollment, Entropy, Env, Event, Events, Invitation,
    Live, NewPins, Policy, Status, Token, Wallet, WalletError, Window,
};
use tokio::task::{AbortHandle, unconstrained};

use super::human::{Human, Reaction};
use super::journal::{Journal, Kind};
use super::net::Network;
use super::time::{DeviceClock, Time};
use super::{EngineError, TokenInfo, Tokens};

/// What a device is made of.
pub(super) struct Parts {
    pub(super) name: Arc<str>,
    pub(super) place: Place,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) network: Network,
    pub(super) allow_test_argon2: bool,
    pub(super) clock: DeviceClock,
    /// For keys.
    pub(super) entropy: Arc<dyn Entropy>,
    /// For what its holder leaves to chance.
    pub(super) chance: Arc<dyn Entropy>,
    pub(super) usual: Reaction,
    pub(super) time: Time,
    pub(super) journal: Journal,
}

/// Where its tokens are.
#[derive(Debug)]
pub(super) enum Place {
    Memory(MemoryStore),
    Folder(PathBuf),
}

/// A device. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Device(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: Arc<str>,
    place: Place,
    connector: Arc<dyn Connector>,
    network: Network,
    allow_test_argon2: bool,
    clock: Arc<DeviceClock>,
    entropy: Arc<dyn Entropy>,
    human: Arc<Human>,
    journal: Journal,
    watched: Mutex<Option<Watched>>,
    is_removed: AtomicBool,
}

/// A wallet that hears what its servers say unasked.
#[derive(Debug)]
struct Watched {
    wallet: Wallet,
    told: Arc<Told>,
    _live: Live,
    hearing: AbortHandle,
}

impl Watched {
    /// One whose runtime has ended does not.
    fn hears(&self) -> bool {
        !self.hearing.is_finished()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.hearing.abort();
        self.told.note();
    }
}

/// What happens to the tokens of a wallet, on its way into the journal.
#[derive(Debug)]
struct Told {
    name: Arc<str>,
    journal: Journal,
    events: Mutex<Events>,
}

impl Told {
    fn of(wallet: &Wallet, device: &Device) -> Arc<Self> {
        let events = Mutex::new(wallet.events());
        Arc::new(Self { name: Arc::clone(&device.0.name), journal: device.0.journal.clone(), events })
    }

    /// Notes what has happened by now, in order, whoever calls.
    fn note(&self) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut context = Context::from_waker(Waker::noop());
        // However much this task has done already.
        while let Poll::Ready(Some(event)) = pin!(unconstrained(events.next())).poll(&mut context) {
            let kind = match event {
                Event::Token { token, kind } => Kind::Token { token, event: kind },
                Event::Missed(count) => Kind::Missed(count),
                _ => continue,
            };
            self.journal.note(&self.name, kind);
        }
    }
}

/// A wallet that is open for an operation.
struct Attended {
    wallet: Wallet,
    told: Arc<Told>,
}

/// An operation, until it is over or given up.
struct Doing<'a> {
    device: &'a Device,
    what: &'static str,
    attended: Option<Attended>,
    /// How it ended; nothing if it was given up.
    ended: Option<Option<(u32, String)>>,
}

impl Drop for Doing<'_> {
    /// What happened is told, however it ended.
    fn drop(&mut self) {
        if let Some(attended) = &self.attended {
            attended.told.note();
        }
        let kind = match self.ended.take() {
            Some(failure) => Kind::Done { what: self.what, failure },
            None => Kind::GivenUp { what: self.what },
        };
        self.device.0.journal.note(&self.device.0.name, kind);
    }
}

impl Device {
    /// A device of these parts. One in a folder is opened, so that what is wrong with the folder is known.
    pub(super) async fn new(parts: Parts) -> Result<Self, EngineError> {
        let Parts { name, place, connector, network, allow_test_argon2, clock, entropy, chance, usual, time, journal } =
            parts;
        let human = Arc::new(Human::new(Arc::clone(&name), chance, time, journal.clone(), usual));
        let is_in_folder = matches!(place, Place::Folder(_));
        let device = Self(Arc::new(Shared {
            name,
            place,
            connector: network.over(connector),
            network,
            allow_test_argon2,
            clock: Arc::new(clock),
            entropy,
            human,
            journal,
            watched: Mutex::default(),
            is_removed: AtomicBool::new(false),
        }));
        if is_in_folder {
            device.wallet().await?;
        }
        Ok(device)
    }

    /// What its session calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn shared_name(&self) -> &Arc<str> {
        &self.0.name
    }

    #[cfg(test)]
    pub(super) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// Who holds it.
    #[must_use]
    pub fn human(&self) -> &Human {
        &self.0.human
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &DeviceClock {
        &self.0.clock
    }

    /// Its network, to be made worse.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// Its tokens, as an app has them. What is done with them directly is not in the journal.
    ///
    /// # Errors
    /// [`EngineError::Removed`], [`EngineError::Wallet`] with what is wrong with the folder.
    pub async fn wallet(&self) -> Result<Wallet, EngineError> {
        Ok(self.attend().await?.wallet)
    }

    /// A wallet, and who tells what happens to its tokens.
    async fn attend(&self) -> Result<Attended, EngineError> {
        if let Some(watched) = &*self.in_use()?
            && watched.hears()
        {
            return Ok(Attended { wallet: watched.wallet.clone(), told: Arc::clone(&watched.told) });
        }
        let builder = match &self.0.place {
            Place::Memory(store) => Wallet::builder().store(Arc::new(store.clone())),
            Place::Folder(folder) => Wallet::builder().folder(folder),
        };
        let wallet = builder
            .emulated(true)
            .connector(Arc::clone(&self.0.connector))
            .env(Env { clock: Arc::clone(&self.0.clock) as _, entropy: Arc::clone(&self.0.entropy) })
            .presence(Arc::clone(&self.0.human) as _)
            .allow_test_argon2(self.0.allow_test_argon2)
            // It is opened for an operation; the next one finds out what this one could not.
            .recover_in_background(false)
            .open()
            .await?;
        let told = Told::of(&wallet, self);
        Ok(Attended { wallet, told })
    }

    /// Hears what servers say unasked, until [`Device::rest`]: the journal has it.
    ///
    /// # Errors
    /// [`EngineError::Removed`], [`EngineError::Wallet`].
    pub async fn watch(&self) -> Result<(), EngineError> {
        let Attended { wallet, told } = self.attend().await?;
        let mut watched = self.in_use()?;
        if !watched.as_ref().is_some_and(Watched::hears) {
            let (mut bell, noting) = (wallet.events(), Arc::clone(&told));
            let hearing = tokio::spawn(async move {
                while bell.next().await.is_some() {
                    noting.note();
                }
            });
            let new = Watched { _live: wallet.go_live(), wallet, told, hearing: hearing.abort_handle() };
            let old = watched.replace(new);
            drop(watched);
            drop(old);
        }
        Ok(())
    }

    /// Does not hear any more what servers say unasked: keeps no connection.
    pub fn rest(&self) {
        let watched = self.watched().take();
        drop(watched);
    }

    /// Nobody uses it any more.
    pub(super) fn leave(&self) {
        {
            // Looked at under the same lock by who would use it.
            let _watched = self.watched();
            self.0.is_removed.store(true, Ordering::Relaxed);
        }
        self.rest();
        self.0.human.leave();
    }

    /// Reads an enrollment link, or a typed code with the host of its server. Uses nothing up.
    ///
    /// # Errors
    /// [`EngineError::HostMissing`] for a code without a host, else [`EngineError::Wallet`].
    pub async fn invitation(&self, text: &str, host: Option<&str>) -> Result<Invitation, EngineError> {
        let text = text.trim();
        if ["https://", "http://", "cardea:"].iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Invitation::from_link(text)?);
        }
        let host = host.ok_or(EngineError::HostMissing)?;
        Ok(Invitation::from_code(text, host).await?)
    }

    /// Enrolls. `choose` is asked for PINs once the service's rules are known; its holder is to be given the same ones
    /// ([`Human::set_persona`]), or types others later.
    ///
    /// # Errors
    /// [`EngineError::Wallet`].
    pub async fn enroll_with<F: Future<Output = Result<NewPins, WalletError>>>(
        &self,
        invitation: &Invitation,
        choose: impl FnOnce(Policy) -> F,
    ) -> Result<Enrollment, EngineError> {
        self.doing("enroll", async |wallet| Ok(wallet.enroll(invitation, choose).await?)).await
    }

    /// Enrolls with the PINs of its holder, who is not asked: whatever was to be done next is done later.
    ///
    /// # Errors
    /// [`EngineError::Wallet`]; [`WalletError::Pin`] if the service does not allow the holder's own PINs.
    pub async fn enroll(&self, invitation: &Invitation) -> Result<Enrollment, EngineError> {
        let persona = self.human().persona();
        let unfit = || WalletError::Presence("the holder has no PINs of the length that the service wants".into());
        self.enroll_with(invitation, async |policy| persona.new_pins(&policy).ok_or_else(unfit)).await
    }

    /// All tokens of the device.
    ///
    /// # Errors
    /// [`EngineError::Wallet`].
    pub async fn list(&self) -> Result<Vec<TokenInfo>, EngineError> {
        infos(&self.wallet().await?).await
    }

    /// The token that `name` means: the beginning of its id, or its whole label or service name. Without a name, the
    /// only one.
    ///
    /// # Errors
    /// [`EngineError::NoToken`], [`EngineError::NoSuchToken`], [`EngineError::Ambiguous`], [`EngineError::Wallet`].
    pub async fn select(&self, name: Option<&str>) -> Result<Token, EngineError> {
        select(&self.wallet().await?, name).await
    }

    /// Opens a token, for at most `time` if given; its holder is asked for the PIN.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn open(&self, token: Option<&str>, time: Option<Duration>) -> Result<Status, EngineError> {
        let window = time.map_or(Window::Service, Window::AtMost);
        self.doing("open", async |wallet| Ok(select(wallet, token).await?.open(Approval::Ask, window).await?)).await
    }

    /// Closes a token.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn close(&self, token: Option<&str>) -> Result<Status, EngineError> {
        self.doing("close", async |wallet| Ok(select(wallet, token).await?.close().await?)).await
    }

    /// Asks the server how a token stands.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn status(&self, token: Option<&str>) -> Result<Status, EngineError> {
        self.doing("status", async |wallet| Ok(select(wallet, token).await?.status().await?)).await
    }

    /// The texts that wait to be approved or denied.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn confirmations(&self, token: Option<&str>) -> Result<Vec<Confirmation>, EngineError> {
        self.doing("confirmations", async |wallet| Ok(select(wallet, token).await?.confirmations().await?)).await
    }

    /// Approves a text that waits, by the beginning of its id; its holder is asked for the PIN.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn approve(&self, token: Option<&str>, id: Option<&str>) -> Result<Status, EngineError> {
        self.doing("approve", async |wallet| {
            let token = select(wallet, token).await?;
            let chosen = waiting(&token, id).await?;
            Ok(token.approve(&chosen, Approval::Ask).await?)
        })
        .await
    }

    /// Denies a text that waits, by the beginning of its id.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn deny(&self, token: Option<&str>, id: Option<&str>, reason: DenyReason) -> Result<Status, EngineError> {
        self.doing("deny", async |wallet| {
            let token = select(wallet, token).await?;
            let chosen = waiting(&token, id).await?;
            Ok(token.deny(&chosen, reason).await?)
        })
        .await
    }

    /// Gives a token up; its holder is asked for the PIN.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn unenroll(&self, token: Option<&str>) -> Result<(), EngineError> {
        self.doing("unenroll", async |wallet| Ok(select(wallet, token).await?.unenroll(Approval::Ask).await?)).await
    }

    /// Does something with the device's wallet, and writes it into the journal.
    async fn doing<T>(
        &self,
        what: &'static str,
        act: impl AsyncFnOnce(&Wallet) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut doing = Doing { device: self, what, attended: None, ended: None };
        let result = match self.attend().await {
            Ok(attended) => act(&doing.attended.insert(attended).wallet).await,
            Err(error) => Err(error),
        };
        doing.ended = Some(result.as_ref().err().map(|error| (error.code(), error.to_string())));
        result
    }

    /// What the device's clock shows, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.clock.now()
    }

    /// The same, of a device that is still in its session.
    fn in_use(&self) -> Result<MutexGuard<'_, Option<Watched>>, EngineError> {
        let watched = self.watched();
        if self.0.is_removed.load(Ordering::Relaxed) {
            return Err(EngineError::Removed(self.name().to_owned()));
        }
        Ok(watched)
    }

    fn watched(&self) -> MutexGuard<'_, Option<Watched>> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn infos(wallet: &Wallet) -> Result<Vec<TokenInfo>, EngineError> {
    let mut infos = Vec::new();
    for token in wallet.tokens().await? {
        infos.push(TokenInfo::of(&token.summary().await?));
    }
    Ok(infos)
}

async fn select(wallet: &Wallet, name: Option<&str>) -> Result<Token, EngineError> {
    let infos = infos(wallet).await?;
    let chosen = Tokens(&infos).select(name)?.key;
    Ok(wallet.token(chosen).await?)
}

/// The text that waits whose id begins with `id`; without an id, the only one.
///
/// # Errors
/// [`EngineError::NoSuchConfirmation`], [`EngineError::ManyConfirmations`], [`EngineError::Wallet`].
pub async fn waiting(token: &Token, id: Option<&str>) -> Result<Confirmation, EngineError> {
    let wanted = id.map(str::to_ascii_lowercase);
    let mut waiting = token.confirmations().await?;
    waiting.retain(|it| wanted.as_ref().is_none_or(|wanted| !wanted.is_empty() && it.id().starts_with(wanted)));
    match waiting.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(EngineError::NoSuchConfirmation),
        several => Err(EngineError::ManyConfirmations(several.iter().map(Confirmation::id).collect())),
    }
}

/// Reads a device's id.
///
/// # Errors
/// [`EngineError::DeviceId`].
pub fn device_id(text: &str) -> Result<DeviceId, EngineError> {
    let digits = |at: usize| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let is_plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (is_plain, digits(0), digits(2), digits(4), digits(6)) {
        (true, Some(a), Some(b), Some(c), Some(d)) => Ok(DeviceId::new([a, b, c, d])),
        _ => Err(EngineError::DeviceId),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_eight_digits() {
        assert_eq!(device_id("00a1ff7F").unwrap(), DeviceId::new([0, 0xa1, 0xff, 0x7f]));
        for text in ["", "00a1ff7", "00a1ff7f0", "00a1ffxx", "+0a1ff7f", "äöü1"] {
            assert!(matches!(device_id(text), Err(EngineError::DeviceId)), "{text}");
        }
    }
}

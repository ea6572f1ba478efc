//! What a device does when it is told to. Whatever it is, the journal has it, and how it ended.

use std::time::Duration;

use cardea_sdk::{
    Approval, Confirmation, DenyReason, DeviceId, DeviceInfo, Enrollment, HistoryItem, Invitation, NewPins, Policy,
    ServiceInfo, Status, Token, Wallet, WalletError, Window, is_showable,
};

use zeroize::Zeroizing;

use super::Device;
use crate::engine::human::UNTOLD;
use crate::engine::{EngineError, Persona, TokenInfo, Tokens};

/// Longest label of a token, in bytes: what stores have room for.
const LABEL_MAX: usize = 64;

impl Device {
    /// Reads an enrollment link, or a typed code with the host of its server. Uses nothing up.
    ///
    /// # Errors
    /// [`EngineError::NoInvitation`] for what is neither, [`EngineError::HostMissing`] for a code without a host, else [`EngineError::Wallet`].
    pub async fn invitation(&self, text: &str, host: Option<&str>) -> Result<Invitation, EngineError> {
        let text = text.trim();
        if ["https://", "http://", "cardea:"].iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Invitation::from_link(text)?);
        }
        match (Invitation::from_code(text, host.unwrap_or_default()).await, host) {
            // What is no code asks for no server.
            (Err(WalletError::Code(_)), None) => Err(EngineError::NoInvitation),
            (_, None) => Err(EngineError::HostMissing),
            (invitation, Some(_)) => Ok(invitation?),
        }
    }

    /// Reads the enrollment link in a picture of its QR code, a PNG or JPEG file. Uses nothing up.
    ///
    /// # Errors
    /// [`EngineError::Wallet`] with [`WalletError::Image`].
    pub async fn invitation_in(&self, picture: Zeroizing<Vec<u8>>) -> Result<Invitation, EngineError> {
        // A hard one takes seconds.
        let read = tokio::task::spawn_blocking(move || Invitation::from_qr_image(&picture)).await;
        Ok(read.map_err(|_| WalletError::ShuttingDown)??)
    }

    /// Enrolls. `choose` is asked for PINs once the service's rules are known; its holder is to be given the same ones
    /// ([`Human::set_persona`](crate::engine::Human::set_persona)), or types others later.
    ///
    /// # Errors
    /// [`EngineError::Wallet`].
    pub async fn enroll_with<F: Future<Output = Result<NewPins, WalletError>>>(
        &self,
        invitation: &Invitation,
        choose: impl FnOnce(Policy) -> F,
    ) -> Result<Enrollment, EngineError> {
        self.pins_are_chosen()?;
        self.enrolled(invitation, choose).await
    }

    async fn enrolled<F: Future<Output = Result<NewPins, WalletError>>>(
        &self,
        invitation: &Invitation,
        choose: impl FnOnce(Policy) -> F,
    ) -> Result<Enrollment, EngineError> {
        self.doing("enroll", async |wallet| {
            if let Some(luck) = &self.0.luck {
                // A server that has lived on has seen what the same seed gave before.
                luck.stir(&invitation.id());
            }
            let enrolled = wallet.enroll(invitation, choose).await?;
            if let Some(faults) = &self.0.faults {
                faults.enrolls_again(wallet, invitation).await;
            }
            Ok(enrolled)
        })
        .await
    }

    /// Enrolls with the PINs of its holder, who is not asked: whatever was to be done next is done later.
    ///
    /// # Errors
    /// [`EngineError::Wallet`]; [`WalletError::Pin`] if the service does not allow the holder's own PINs.
    pub async fn enroll(&self, invitation: &Invitation) -> Result<Enrollment, EngineError> {
        self.enroll_for(invitation, &self.human().persona()).await
    }

    async fn enroll_for(&self, invitation: &Invitation, persona: &Persona) -> Result<Enrollment, EngineError> {
        if persona.is_untold() {
            return Err(WalletError::Presence(UNTOLD.into()).into());
        }
        let choose = async |policy| persona.new_pins(&policy).ok_or_else(no_such_pins);
        if !persona.is_well_known() {
            return self.enroll_with(invitation, choose).await;
        }
        let enrolled = self.enrolled(invitation, choose).await?;
        self.pins_are_well_known();
        Ok(enrolled)
    }

    /// Enrolls with the PINs of `persona`, who holds the device from then on.
    ///
    /// # Errors
    /// As [`Device::enroll`]; whoever held it does so still.
    pub async fn enroll_as(&self, invitation: &Invitation, persona: Persona) -> Result<Enrollment, EngineError> {
        let enrolled = self.enroll_for(invitation, &persona).await?;
        self.human().set_persona(persona);
        Ok(enrolled)
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
        self.open_with(token, time, Approval::Ask).await
    }

    /// Opens a token, for at most `time` if given.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn open_with(
        &self,
        token: Option<&str>,
        time: Option<Duration>,
        approval: impl Into<Approval>,
    ) -> Result<Status, EngineError> {
        let window = time.map_or(Window::Service, Window::AtMost);
        self.changing("open", token, async |token| {
            if self.also("open") {
                // A tap that comes too late is refused by itself.
                let (first, second) = tokio::join!(token.open(approval, window), token.open(Approval::Ask, window));
                return first.or(second);
            }
            token.open(approval, window).await
        })
        .await
    }

    /// Closes a token.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn close(&self, token: Option<&str>) -> Result<Status, EngineError> {
        self.changing("close", token, async |token| token.close().await).await
    }

    /// Asks the server how a token stands.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn status(&self, token: Option<&str>) -> Result<Status, EngineError> {
        self.changing("status", token, async |token| token.status().await).await
    }

    /// The texts that wait to be approved or denied.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn confirmations(&self, token: Option<&str>) -> Result<Vec<Confirmation>, EngineError> {
        let texts = async |token: &Token| Ok((token.key(), token.confirmations().await?));
        let (key, waiting) = self.asking("confirmations", token, texts).await?;
        self.0.standings.waits(key, waiting.len());
        self.0.journal.changes().note();
        Ok(waiting)
    }

    /// The text that waits whose id begins so, or the only one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchConfirmation`], [`EngineError::ManyConfirmations`], else [`EngineError`].
    pub async fn confirmation(&self, token: Option<&str>, id: Option<&str>) -> Result<Confirmation, EngineError> {
        self.doing("confirmations", async |wallet| waiting(&select(wallet, token).await?, id).await).await
    }

    /// Approves a text that waits, by the beginning of its id, or the only one; and says which it was.
    ///
    /// # Errors
    /// [`EngineError::NoSuchConfirmation`], [`EngineError::ManyConfirmations`], else [`EngineError`].
    pub async fn approve(
        &self,
        token: Option<&str>,
        id: Option<&str>,
        approval: impl Into<Approval>,
    ) -> Result<(Confirmation, Status), EngineError> {
        self.answering("approve", token, id, async |token, text| {
            if self.also("approve") {
                return token.deny(text, DenyReason::NotMe).await;
            }
            token.approve(text, approval).await
        })
        .await
    }

    /// Denies a text that waits, by the beginning of its id, or the only one; and says which it was.
    ///
    /// # Errors
    /// [`EngineError::NoSuchConfirmation`], [`EngineError::ManyConfirmations`], else [`EngineError`].
    pub async fn deny(
        &self,
        token: Option<&str>,
        id: Option<&str>,
        reason: DenyReason,
    ) -> Result<(Confirmation, Status), EngineError> {
        self.answering("deny", token, id, async |token, text| token.deny(text, reason).await).await
    }

    /// Replaces the PINs of a token by those of `persona`, who holds the device from then on.
    ///
    /// # Errors
    /// [`EngineError::Wallet`]; the holder keeps the PINs then, unless it is not known whether the change was made.
    pub async fn change_pins(
        &self,
        token: Option<&str>,
        persona: Persona,
        approval: impl Into<Approval>,
    ) -> Result<Status, EngineError> {
        let new = persona.clone();
        if !persona.is_well_known() {
            self.pins_are_chosen()?;
        }
        let status = self
            .changing("change-pins", token, async |token| {
                let policy = token.summary().await?.policy;
                token.change_pin(approval, new.new_pins(&policy).ok_or_else(no_such_pins)?).await
            })
            .await?;
        if persona.is_well_known() {
            self.pins_are_well_known();
        }
        self.human().set_persona(persona);
        Ok(status)
    }

    /// Says what the service calls itself and the holder.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn about(&self, token: Option<&str>) -> Result<ServiceInfo, EngineError> {
        self.asking("info", token, async |token| token.info().await).await
    }

    /// The devices of a token.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn devices(&self, token: Option<&str>) -> Result<Vec<DeviceInfo>, EngineError> {
        self.asking("devices", token, async |token| token.devices().await).await
    }

    /// A page of sixteen lines of what was done with a token, newest first.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn history(&self, token: Option<&str>, page: u8) -> Result<Vec<HistoryItem>, EngineError> {
        self.asking("history", token, async |token| token.history(page).await).await
    }

    /// Revokes another device of a token.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn revoke_device(
        &self,
        token: Option<&str>,
        other: DeviceId,
        approval: impl Into<Approval>,
    ) -> Result<Status, EngineError> {
        self.changing("revoke-device", token, async |token| token.revoke_device(other, approval).await).await
    }

    /// Calls a token so, on this device.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn set_label(&self, token: Option<&str>, label: &str) -> Result<(), EngineError> {
        is_label(label)?;
        self.asking("label", token, async |token| token.set_label(label).await).await
    }

    /// Gives a token up.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn unenroll(&self, token: Option<&str>, approval: impl Into<Approval>) -> Result<(), EngineError> {
        self.asking("unenroll", token, async |token| token.unenroll(approval).await).await
    }

    /// Removes a token from this device, without telling its server.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn forget(&self, token: Option<&str>) -> Result<(), EngineError> {
        self.asking("forget", token, async |token| token.forget().await).await
    }

    /// Asks something of a token.
    async fn asking<T>(
        &self,
        what: &'static str,
        token: Option<&str>,
        act: impl AsyncFnOnce(&Token) -> Result<T, WalletError>,
    ) -> Result<T, EngineError> {
        let act = async |wallet: &Wallet| {
            let token = select(wallet, token).await?;
            Ok(self.asked(&token, act(&token).await)?)
        };
        self.doing(what, act).await
    }

    /// Does what tells how the token stands, which is remembered.
    async fn changing(
        &self,
        what: &'static str,
        token: Option<&str>,
        act: impl AsyncFnOnce(&Token) -> Result<Status, WalletError>,
    ) -> Result<Status, EngineError> {
        let act = async |wallet: &Wallet| {
            let token = select(wallet, token).await?;
            Ok((token.key(), self.asked(&token, act(&token).await)?))
        };
        let (_, status) = self.learning(what, act, |(key, status)| self.answered(*key, status)).await?;
        Ok(status)
    }

    async fn answering(
        &self,
        what: &'static str,
        token: Option<&str>,
        id: Option<&str>,
        act: impl AsyncFnOnce(&Token, &Confirmation) -> Result<Status, WalletError>,
    ) -> Result<(Confirmation, Status), EngineError> {
        let act = async |wallet: &Wallet| {
            let token = select(wallet, token).await?;
            let chosen = waiting(&token, id).await?;
            let status = self.asked(&token, act(&token, &chosen).await)?;
            Ok((token.key(), chosen, status))
        };
        let (_, chosen, status) = self.learning(what, act, |(key, _, status)| self.answered(*key, status)).await?;
        Ok((chosen, status))
    }
}

/// Whether a token may be called so: other people's programs show it, too.
///
/// # Errors
/// [`EngineError::Label`].
pub(crate) fn is_label(label: &str) -> Result<(), EngineError> {
    if label.len() <= LABEL_MAX && is_showable(label) { Ok(()) } else { Err(EngineError::Label) }
}

fn no_such_pins() -> WalletError {
    WalletError::Presence("the holder has no PINs of the length that the service wants".into())
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
async fn waiting(token: &Token, id: Option<&str>) -> Result<Confirmation, EngineError> {
    let wanted = id.map(str::to_ascii_lowercase);
    let mut waiting = token.confirmations().await?;
    waiting.retain(|it| wanted.as_ref().is_none_or(|wanted| !wanted.is_empty() && it.id().starts_with(wanted)));
    match waiting.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(EngineError::NoSuchConfirmation),
        several => Err(EngineError::ManyConfirmations(several.iter().map(Confirmation::id).collect())),
    }
}

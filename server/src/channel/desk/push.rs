//! What a device is told unasked, once it has subscribed.
//!
//! Sessions look at a fixed pace, and whenever the journal has a row about their token, whatever it says: neither the
//! time of a push nor whether there is one tells a duress PIN from the normal one, or a wrong PIN from a right one.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::responder::Session;
use cardea_protocol::wire::{Attempt, Op, Push, Reply};

use super::super::grid::now;
use super::{Desk, DeskError};
use crate::checks::Listening;
use crate::storage::rows::{DeviceKey, JournalRows};
use crate::vault::VaultError;

/// Pushes of changes of the state.
const STATE: u8 = 1;
/// Pushes of confirmations.
const CONFIRMATIONS: u8 = 2;
/// Pushes of checks of the closed token.
const CHECKS: u8 = 4;
/// Most rows of the journal that are looked at for one answer to "what has happened?".
const ROWS: u32 = 4_096;

/// What is granted of the mask of a SUBSCRIBE; `checks` if the service tells its devices of them.
pub(super) const fn granted(mask: u8, checks: bool) -> u8 {
    mask & (STATE | CONFIRMATIONS | if checks { CHECKS } else { 0 })
}

/// What a session has asked for, and what it has been told.
#[derive(Debug, Default)]
pub(in crate::channel) struct Subscription {
    mask: u8,
    told: Vec<[u8; 8]>,
    checks: Option<Listening>,
}

impl Desk {
    /// What a session has asked for with a mask that was granted; nothing told yet.
    pub(in crate::channel) fn subscription(&self, session: &Session<Dalek>, mask: u8) -> Subscription {
        let checks = (mask & CHECKS != 0).then(|| self.checks.listen(*session.token().bytes()));
        Subscription { mask, told: Vec::new(), checks }
    }

    /// What a subscribed session has to be told now: confirmations that it does not know in the order of their indexes,
    /// then the state, then how often the closed token was checked. `None` when it is not the device's session any more.
    ///
    /// # Errors
    /// Storage or the vault failed: the connection is to be closed.
    pub(in crate::channel) async fn pushes(
        &self,
        session: &mut Session<Dalek>,
        subscription: &mut Subscription,
    ) -> Result<Option<Vec<Vec<u8>>>, DeskError> {
        let key = DeviceKey { token: *session.token().bytes(), number: *session.device().bytes() };
        let (vault, mask) = (self.vault.clone(), subscription.mask);
        let looked = self
            .store
            .read(move |tx| {
                let clock = vault.reading();
                let view = vault.view_by_key(tx, &key, clock)?;
                let is_asked = mask & CONFIRMATIONS != 0 && view.device.confirmed && !view.is_refused(None);
                let waiting = if is_asked { vault.waiting_confirmations(tx, &key, clock)? } else { Vec::new() };
                Ok((view, waiting))
            })
            .await;
        let (view, waiting) = match looked {
            Ok(looked) => looked,
            Err(VaultError::Unknown(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !session.owns(&view.device.row) {
            return Ok(None);
        }
        let (mut frames, now) = (Vec::new(), self.clock.now().wire());
        for push in &waiting {
            if !subscription.told.contains(&push.id) {
                frames.extend(session.push_large(&Push::Confirmation(*push))?.map(|frame| frame.bytes().to_vec()));
            }
        }
        subscription.told = waiting.iter().map(|push| push.id).collect();
        if mask & STATE != 0 {
            let reply = view.reply(Op::PushState, Code::Ok);
            let reply = Reply { aux: Reply::with_waiting(0, reply.waiting()), ..reply };
            frames.extend(session.push(&Push::State(reply), now)?.map(|frame| frame.bytes().to_vec()));
        }
        if let Some((count, time)) = subscription.checks.as_mut().and_then(Listening::news) {
            frames.extend(
                session.push(&Push::Attempt(Attempt { time, count }), now)?.map(|frame| frame.bytes().to_vec()),
            );
        }
        Ok(Some(frames))
    }

    /// Lets the sessions look whose tokens have new rows in the journal, made by this node or another one, or were
    /// checked on this node. `after` is where this has come to; nothing before the first call.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::channel) async fn wake_subscribers(&self, after: &mut Option<u64>) -> Result<(), DeskError> {
        for token in self.checks.announce(now()) {
            self.live.notify(&token);
        }
        if !self.live.has_subscribers() {
            *after = None;
            return Ok(());
        }
        let Some(seq) = *after else {
            *after = Some(self.store.read(|tx| tx.newest_journal()).await?);
            self.live.notify_all();
            return Ok(());
        };
        let rows = self.store.read(move |tx| tx.journal_tokens(seq, ROWS)).await?;
        *after = rows.last().map_or(*after, |(seq, _)| Some(*seq));
        for token in rows.iter().filter_map(|(_, token)| token.as_ref()) {
            self.live.notify(token);
        }
        Ok(())
    }
}

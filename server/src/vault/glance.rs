//! What a device may see of its token beside its status: names, devices, history. All of it is the shadow's while the
//! token is under duress, and nothing of it tells so.

use cardea_protocol::limits::DEVICES_PER_TOKEN;
use cardea_protocol::token::DeviceId;
use cardea_protocol::wire::{DeviceEntry, Devices, History, HistoryEntry, Info, Op, Text, is_showable};

use super::{Entry, Event, EventKind, Vault, VaultError};
use crate::domain::actor::Actor;
use crate::storage::Transaction;
use crate::storage::rows::{DeviceKey, JournalFilter};

/// Lines of a page of history.
const PAGE: usize = 16;
/// Pages of history that are told. Older ones are empty.
const PAGES: usize = 16;
/// Most rows of the journal that are looked at for a page.
const LOOKED_AT: usize = 1_024;
/// Room for a name.
const NAME: usize = 64;
/// Black on white.
const COLORS: [[u8; 3]; 2] = [[0; 3], [0xff; 3]];

impl Vault {
    /// What the holder sees of the service.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: the token is gone. A row is damaged; storage failed.
    pub fn info_for(&self, tx: &mut dyn Transaction, key: &DeviceKey) -> Result<Info, VaultError> {
        let token = self.token_by_id(tx, &key.token)?.ok_or(VaultError::Unknown("token"))?;
        let service = self.service_by_id(tx, token.service)?;
        let label = String::from_utf8_lossy(&token.user);
        Ok(Info { service: shown(service.label()), label: shown(&label), colors: COLORS })
    }

    /// The devices of the token, as one of them knows it.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn devices_for(&self, tx: &mut dyn Transaction, key: &DeviceKey) -> Result<Devices, VaultError> {
        let mut entries = [None; DEVICES_PER_TOKEN];
        let known =
            self.devices_of(tx, &key.token)?.into_iter().filter(|device| device.confirmed && !device.row.revoked);
        for (entry, device) in entries.iter_mut().zip(known) {
            let asks = device.key == *key;
            *entry = Some(DeviceEntry {
                device: DeviceId::new(device.key.number),
                platform: device.info.platform,
                flags: u8::from(device.info.emulated) | u8::from(asks) << 1,
                enrolled_at: device.enrolled_at.wire(),
                last_seen: device.seen_at.wire(),
            });
        }
        Ok(Devices(entries))
    }

    /// A page of what happened to the token, newest first.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn history_for(&self, tx: &mut dyn Transaction, key: &DeviceKey, page: u8) -> Result<History, VaultError> {
        let mut entries = [None; PAGE];
        let page = usize::from(page);
        if page >= PAGES {
            return Ok(History(entries));
        }
        let (filter, mut before, mut skip) = (JournalFilter::Token(key.token), i64::MAX.unsigned_abs(), page * PAGE);
        let (mut filled, mut looked) = (0, 0);
        while filled < PAGE && looked < LOOKED_AT {
            let rows = self.journal_back(tx, &filter, before, 64)?;
            let Some(last) = rows.last() else { break };
            before = last.seq();
            looked += rows.len();
            for line in rows.iter().filter_map(Entry::event).filter_map(line_of) {
                if skip > 0 {
                    skip -= 1;
                } else if let Some(entry) = entries.get_mut(filled) {
                    *entry = Some(line);
                    filled += 1;
                }
            }
        }
        Ok(History(entries))
    }
}

/// What a device is told of an event; `None` for what is not the holder's business, or would betray duress.
fn line_of(event: &Event) -> Option<HistoryEntry> {
    let op = match event.kind {
        EventKind::Opened => Op::Open,
        // A line that is missing, or another one, would tell of duress.
        EventKind::Closed | EventKind::ForcedClose | EventKind::DuressCleared => Op::Close,
        EventKind::PinsChanged => Op::SetPins,
        EventKind::KeyRotated => Op::Rotate,
        EventKind::Unenrolled => Op::Unenroll,
        EventKind::DeviceRevoked => Op::RevokeDevice,
        EventKind::Resynced => Op::Resync,
        // The operation stands behind the label of the statement.
        EventKind::ConfirmationAnswered => {
            let statement = &event.signed.as_ref()?.statement;
            Op::from_number(*statement.get(12)?)?
        }
        _ => return None,
    };
    let device = match event.by {
        Actor::Device(device) => device,
        _ => DeviceId::new([0; 4]),
    };
    Some(HistoryEntry { time: event.at.wire(), op: op.number(), device })
}

/// As much of `text` as fits, without what a screen must not show.
fn shown(text: &str) -> Text<NAME> {
    let mut fitting = String::with_capacity(NAME);
    for character in text.chars() {
        let character = if is_showable(character.encode_utf8(&mut [0; 4])) { character } else { '\u{fffd}' };
        if fitting.len() + character.len_utf8() > NAME {
            break;
        }
        fitting.push(character);
    }
    Text::new(&fitting).unwrap_or(Text::EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters_and_hides_nothing() {
        assert_eq!(shown("joe").as_str(), "joe");
        assert_eq!(shown(&"é".repeat(40)).as_str(), "é".repeat(32));
        assert_eq!(shown(&"€".repeat(40)).as_str(), "€".repeat(21));
        assert_eq!(shown("a\u{202e}b\n").as_str(), "a\u{fffd}b\u{fffd}");
    }
}

//! The one store that the server's nodes share.

use cardea_protocol::crypto::Provider;
use cardea_protocol::limits::SLOTS;
use cardea_protocol::ratchet::Row;
use cardea_protocol::token::Hint;
use cardea_server::clock::UnixSeconds;
use cardea_server::domain::confirmation::WaitingList;
use cardea_server::domain::openness::Standing;
use cardea_server::domain::throttle::Limits;
use cardea_server::domain::throttle::Throttle;
use cardea_server::domain::token::TokenState;

use super::confirmations::Question;

/// Verification keys of a device: entry 0 opens, the others are duress keys or random.
pub(crate) type Slots = [[u8; 32]; SLOTS];

/// One device.
pub(crate) struct Entry {
    /// Changes with every write: what compare-and-swap compares.
    pub(crate) version: u64,
    pub(crate) row: Row,
    hints: [Option<Hint>; 3],
    pub(crate) slots: Slots,
    /// Slots that were changed under duress; they hold while it lasts.
    pub(crate) shadow_slots: Option<Slots>,
    pub(crate) throttle: Throttle,
    /// Gave the token up for good (under duress it only seems so).
    pub(crate) gone: bool,
}

/// Everything durable.
#[derive(Default)]
pub(crate) struct Database {
    pub(crate) devices: Vec<Entry>,
    pub(crate) token: TokenState,
    pub(crate) restored_at: u64,
    /// The highest time that was acted upon.
    pub(crate) high_water: u64,
    /// Written rows so far.
    pub(crate) writes: u64,
    /// The confirmations that were asked, in order.
    pub(crate) questions: Vec<Question>,
    /// The places of those that wait.
    pub(crate) waiting: WaitingList,
}

impl Entry {
    pub(crate) fn new<P: Provider>(row: Row, slots: Slots) -> Self {
        let hints = row.hints::<P>();
        Self { version: 0, row, hints, slots, shadow_slots: None, throttle: Throttle::default(), gone: false }
    }

    fn duplicate(&self) -> Self {
        Self { row: self.row.duplicate(), throttle: self.throttle.clone(), ..*self }
    }

    pub(crate) fn standing(&self, now: UnixSeconds, limits: Limits) -> Option<Standing> {
        let blocked = self.row.suspended || self.throttle.is_blocked(now, limits);
        (!self.gone).then_some(if blocked { Standing::Blocked } else { Standing::Usable })
    }
}

impl Database {
    /// Writes the row of device `index`, through its stored form.
    pub(crate) fn write<P: Provider>(&mut self, index: usize, row: &Row) {
        self.writes += 1;
        let entry = &mut self.devices[index];
        entry.version = self.writes;
        entry.row = Row::decode(row.encode().expose()).expect("a row reads back what it wrote");
        entry.hints = row.hints::<P>();
    }

    /// The device with this hint, and whether it is the hint of its current key.
    pub(crate) fn find(&self, hint: Hint) -> Option<usize> {
        self.devices.iter().position(|entry| entry.hints.contains(&Some(hint)))
    }

    /// Whether `hint` is that of the current key of device `index`.
    pub(crate) fn is_current(&self, index: usize, hint: Hint) -> bool {
        self.devices[index].hints[0] == Some(hint)
    }

    /// A copy, as a backup makes it.
    pub(crate) fn duplicate(&self) -> Self {
        let devices = self.devices.iter().map(Entry::duplicate).collect();
        Self { devices, token: self.token.clone(), questions: self.questions.clone(), ..*self }
    }
}

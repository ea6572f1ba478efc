//! Slots: the four verification keys of a device, and what each is for.
//!
//! This file is the only place where a role has a name. What leaves it is a [`Judgement`] that nobody outside the
//! vault can look into, and that took the same work whichever slot matched.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::limits::SLOTS;
use cardea_protocol::statement::Statement;
use cardea_protocol::wire::PinEntry;
use subtle::{Choice, ConditionallySelectable};

use super::seal::Table;
use super::{Decoder, Encoder, Vault, VaultError, random_id};
use crate::domain::throttle::AttemptKey;
use crate::entropy::Entropy;
use crate::storage::Transaction;
use crate::storage::rows::{DeviceKey, DeviceRows};

/// What a slot's key does. A slot that the device filled with a random key is a duress slot that nobody can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Normal,
    Duress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    key: [u8; 32],
    role: Role,
}

/// One set of slots, in an order that says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct SlotTable([Slot; SLOTS]);

impl SlotTable {
    /// Entry 0 is the holder's own PIN, a biometric entry has the same role, the others are duress or random.
    fn new(entries: &[PinEntry; SLOTS], entropy: &dyn Entropy) -> Self {
        let role = |index: usize, entry: &PinEntry| match (index, entry.biometric) {
            (0, _) | (_, true) => Role::Normal,
            _ => Role::Duress,
        };
        let mut slots: [Slot; SLOTS] =
            std::array::from_fn(|index| Slot { key: entries[index].key, role: role(index, &entries[index]) });
        // Fisher-Yates; 32 random bits leave a bias of one in a billion over at most four places.
        for last in (1..SLOTS).rev() {
            let random = u32::from_le_bytes(random_id(entropy));
            slots.swap(last, random as usize % (last + 1));
        }
        Self(slots)
    }

    fn encode(&self, content: &mut Encoder) {
        for slot in &self.0 {
            content.put(&slot.key).u8(match slot.role {
                Role::Normal => 0,
                Role::Duress => 1,
            });
        }
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, VaultError> {
        let mut slots = [Slot { key: [0; 32], role: Role::Duress }; SLOTS];
        for slot in &mut slots {
            slot.key = decoder.array()?;
            slot.role = match decoder.u8()? {
                0 => Role::Normal,
                1 => Role::Duress,
                _ => return Err(decoder.damaged()),
            };
        }
        Ok(Self(slots))
    }
}

/// The slots of a device: the real ones, and those that a device under duress believes in.
pub(super) struct SlotSets {
    pub(super) ver: u64,
    real: SlotTable,
    shadow: SlotTable,
}

impl SlotSets {
    /// The slots of a new device.
    pub(super) fn new(entries: &[PinEntry; SLOTS], entropy: &dyn Entropy) -> Self {
        let table = SlotTable::new(entries, entropy);
        Self { ver: 0, real: table, shadow: table }
    }

    /// Replaces the set that is in force: under duress the shadow's alone, so that the holder's own PINs still hold
    /// once duress is cleared.
    pub(super) fn replace(&mut self, entries: &[PinEntry; SLOTS], duress: bool, entropy: &dyn Entropy) {
        self.shadow = SlotTable::new(entries, entropy);
        if !duress {
            self.real = self.shadow;
        }
    }

    /// Duress was cleared: what was set under it is void.
    pub(super) const fn clear_duress(&mut self) {
        self.shadow = self.real;
    }
}

/// The slots that are in force for a device, and only that: which ones they are cannot be seen.
pub struct Slots {
    table: SlotTable,
    ver: u64,
    duress: bool,
}

impl std::fmt::Debug for Slots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slots([redacted])")
    }
}

/// What a signature was worth. Opaque: only the vault can ask.
#[must_use = "a judgement that is not applied or settled leaves the attempt counted"]
pub struct Judgement {
    pub(super) key: AttemptKey,
    pub(super) statement: Statement,
    pub(super) signature: [u8; 64],
    /// The key that it verified under, once [`Judgement::is_good`].
    signer: [u8; 32],
    pub(super) slots_ver: u64,
    pub(super) under_duress: bool,
    good: Choice,
    duress: Choice,
}

impl std::fmt::Debug for Judgement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Judgement([redacted])")
    }
}

impl Judgement {
    /// Whether any slot matched.
    pub(super) fn is_good(&self) -> bool {
        self.good.into()
    }

    /// The key that the signature verified under.
    pub(super) fn signer(&self) -> Option<[u8; 32]> {
        self.is_good().then_some(self.signer)
    }

    /// Whether the slot that matched raises duress.
    pub(super) fn raises_duress(&self) -> bool {
        (self.good & self.duress).into()
    }
}

impl Slots {
    /// Verifies against all keys, whatever the first ones say, and combines the results without a branch.
    pub(super) fn judge(&self, statement: &Statement, signature: &[u8; 64]) -> Judgement {
        let (mut good, mut duress, mut signer) = (0_u8, 0_u8, [0_u8; 32]);
        for slot in &self.table.0 {
            let matched = Choice::from(u8::from(Dalek::ed25519_verify(&slot.key, statement.bytes(), signature)));
            let role = Choice::from(slot.role as u8);
            good.conditional_assign(&1, matched);
            duress.conditional_assign(&1, matched & role);
            signer.conditional_assign(&slot.key, matched);
        }
        Judgement {
            key: statement.attempt_key::<Dalek>(signature),
            statement: *statement,
            signature: *signature,
            signer,
            slots_ver: self.ver,
            under_duress: self.duress,
            good: Choice::from(good),
            duress: Choice::from(duress),
        }
    }
}

impl Vault {
    pub(super) fn slot_sets(&self, tx: &mut dyn Transaction, key: &DeviceKey) -> Result<SlotSets, VaultError> {
        let sealed = tx.slots(key)?.ok_or(VaultError::Damaged(Table::Slots.name()))?;
        let content = self.sealer.open(Table::Slots, &[&key.token, &key.number], &sealed)?;
        let mut decoder = Decoder::new(Table::Slots, &content);
        let sets = SlotSets {
            ver: sealed.ver,
            real: SlotTable::decode(&mut decoder)?,
            shadow: SlotTable::decode(&mut decoder)?,
        };
        decoder.end()?;
        Ok(sets)
    }

    /// Stores `sets` as the next version, changed or not.
    pub(super) fn put_slot_sets(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        sets: &SlotSets,
    ) -> Result<(), VaultError> {
        let mut content = Encoder::new();
        sets.real.encode(&mut content);
        sets.shadow.encode(&mut content);
        let sealed = self.seal(Table::Slots, &[&key.token, &key.number], sets.ver + 1, &content);
        Ok(tx.put_slots(key, &sealed)?)
    }

    /// The slots in force.
    pub(super) fn slots_in_force(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        duress: bool,
    ) -> Result<Slots, VaultError> {
        let sets = self.slot_sets(tx, key)?;
        let table = if duress { sets.shadow } else { sets.real };
        Ok(Slots { table, ver: sets.ver, duress })
    }

    /// Verifies a signature against all slots in force; four strict verifications, whatever comes of them.
    ///
    /// Takes about a tenth of a millisecond; not for the storage thread. Count the attempt first.
    pub fn judge(&self, slots: &Slots, statement: &Statement, signature: &[u8; 64]) -> Judgement {
        slots.judge(statement, signature)
    }
}

#[cfg(test)]
mod tests {
    use cardea_protocol::Secret;
    use cardea_protocol::statement::{Context, Extension};
    use cardea_protocol::token::{DeviceId, TokenId};
    use cardea_protocol::wire::Op;

    use super::*;
    use crate::entropy::SeededEntropy;

    fn seed(number: u8) -> Secret<32> {
        Secret::new([number; 32])
    }

    fn entries(biometric: bool) -> [PinEntry; SLOTS] {
        std::array::from_fn(|index| PinEntry {
            biometric: biometric && index == 1,
            key: Dalek::ed25519_public(&seed(index as u8)),
        })
    }

    fn statement() -> Statement {
        let context = Context {
            generation: 1,
            sequence: 0,
            token: TokenId::new([1; 16]),
            device: DeviceId::new([2; 4]),
            bind: [3; 32],
        };
        Statement::new::<Dalek>(Op::Open, 0, 1_000, &context, Extension::None)
    }

    fn judged(sets: &SlotSets, duress: bool, signer: u8) -> (bool, bool) {
        let table = if duress { sets.shadow } else { sets.real };
        let slots = Slots { table, ver: 1, duress };
        let signature = Dalek::ed25519_sign(&seed(signer), statement().bytes());
        let judgement = slots.judge(&statement(), &signature);
        (judgement.is_good(), judgement.raises_duress())
    }

    #[test]
    fn each_entry_has_its_role_wherever_the_order_puts_it() {
        let mut orders = std::collections::HashSet::new();
        for number in 0..64 {
            let entropy = SeededEntropy::new(number);
            for biometric in [false, true] {
                let sets = SlotSets::new(&entries(biometric), &entropy);
                assert_eq!(judged(&sets, false, 0), (true, false));
                assert_eq!(judged(&sets, false, 1), (true, !biometric));
                assert_eq!(judged(&sets, false, 2), (true, true));
                assert_eq!(judged(&sets, false, 3), (true, true));
                assert_eq!(judged(&sets, false, 9), (false, false));
                orders.insert(sets.real.0.map(|slot| slot.key));
            }
        }
        assert_eq!(orders.len(), 24, "every order occurs");
    }

    #[test]
    fn a_key_in_two_slots_is_judged_as_duress() {
        // A device that repeats its own key must not be able to weaken anything but its own alarm.
        let mut twice = entries(false);
        twice[3].key = twice[0].key;
        assert_eq!(judged(&SlotSets::new(&twice, &SeededEntropy::new(1)), false, 0), (true, true));
    }

    #[test]
    fn pins_set_under_duress_hold_in_the_shadow_only_and_until_it_is_cleared() {
        let entropy = SeededEntropy::new(1);
        let mut sets = SlotSets::new(&entries(false), &entropy);
        let mut other = entries(false);
        for (index, entry) in other.iter_mut().enumerate() {
            entry.key = Dalek::ed25519_public(&seed(100 + index as u8));
        }
        sets.replace(&other, true, &entropy);
        assert_eq!((judged(&sets, true, 100), judged(&sets, true, 0)), ((true, false), (false, false)));
        assert_eq!((judged(&sets, false, 100), judged(&sets, false, 0)), ((false, false), (true, false)));
        sets.clear_duress();
        assert_eq!((judged(&sets, true, 100), judged(&sets, true, 0)), ((false, false), (true, false)));
        sets.replace(&other, false, &entropy);
        assert_eq!((judged(&sets, false, 100), judged(&sets, false, 0)), ((true, false), (false, false)));
    }

    #[test]
    fn another_statement_or_signature_matches_nothing() {
        let sets = SlotSets::new(&entries(false), &SeededEntropy::new(1));
        let slots = Slots { table: sets.real, ver: 1, duress: false };
        let signature = Dalek::ed25519_sign(&seed(0), statement().bytes());
        for byte in 0..64 {
            let mut changed = signature;
            changed[byte] ^= 1;
            assert!(!slots.judge(&statement(), &changed).is_good());
        }
        assert!(!slots.judge(&statement(), &[0; 64]).is_good());
    }

    #[test]
    fn nothing_about_slots_or_judgements_can_be_printed() {
        let sets = SlotSets::new(&entries(false), &SeededEntropy::new(1));
        let slots = Slots { table: sets.real, ver: 1, duress: false };
        let judgement = slots.judge(&statement(), &[0; 64]);
        assert_eq!(format!("{slots:?} {judgement:?}"), "Slots([redacted]) Judgement([redacted])");
    }
}

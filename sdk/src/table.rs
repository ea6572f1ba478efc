//! What is known of each token, by its name.
//!
//! A sorted list: a wallet has a few tokens, and the code of a tree is there once more for everything that is kept in one.

use crate::store::TokenKey;

/// Values by token.
#[derive(Debug, Clone)]
pub(crate) struct Table<V>(Vec<(TokenKey, V)>);

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Table<V> {
    fn place(&self, key: &TokenKey) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }

    pub(crate) fn contains(&self, key: &TokenKey) -> bool {
        self.place(key).is_ok()
    }

    pub(crate) fn get(&self, key: &TokenKey) -> Option<&V> {
        self.place(key).ok().map(|place| &self.0[place].1)
    }

    pub(crate) fn get_mut(&mut self, key: &TokenKey) -> Option<&mut V> {
        self.place(key).ok().map(|place| &mut self.0[place].1)
    }

    /// The value of `key`, which is made if there is none.
    pub(crate) fn or_default(&mut self, key: TokenKey) -> &mut V
    where
        V: Default,
    {
        let place = self.place(&key).unwrap_or_else(|place| {
            self.put(place, key, V::default());
            place
        });
        &mut self.0[place].1
    }

    /// Sets a value, in the place of an older one. Returns whether there was none.
    pub(crate) fn insert(&mut self, key: TokenKey, value: V) -> bool {
        match self.place(&key) {
            Ok(place) => {
                self.0[place].1 = value;
                false
            }
            Err(place) => {
                self.put(place, key, value);
                true
            }
        }
    }

    /// Without room for more: most wallets have one token, and there may be thousands of wallets in a process.
    fn put(&mut self, place: usize, key: TokenKey, value: V) {
        self.0.reserve_exact(1);
        self.0.insert(place, (key, value));
    }

    pub(crate) fn remove(&mut self, key: &TokenKey) {
        if let Ok(place) = self.place(key) {
            self.0.remove(place);
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&TokenKey, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// All keys, in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = TokenKey> {
        self.0.iter().map(|(key, _)| *key)
    }

    pub(crate) fn into_values(self) -> Vec<V> {
        self.0.into_iter().map(|(_, value)| value).collect()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (TokenKey, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (*key, value))
    }
}

#[cfg(test)]
mod tests {
    use cardea_protocol::token::{DeviceId, TokenId};

    use super::*;

    fn key(byte: u8) -> TokenKey {
        TokenKey { token: TokenId::new([byte; 16]), device: DeviceId::new([1; 4]) }
    }

    #[test]
    fn values_are_found_by_their_key_and_kept_in_its_order() {
        let mut table = Table::default();
        for byte in [3, 1, 2] {
            assert!(table.insert(key(byte), u32::from(byte)));
        }
        assert!(!table.insert(key(2), 20));
        *table.or_default(key(0)) += 7;
        *table.or_default(key(1)) += 7;
        assert!(table.keys().eq([0, 1, 2, 3].map(key)));
        assert!(table.iter_mut().map(|(_, value)| *value).eq([7, 8, 20, 3]));
        assert_eq!((table.get(&key(2)), table.get(&key(9)), table.contains(&key(3))), (Some(&20), None, true));
        *table.get_mut(&key(3)).unwrap() = 30;
        table.remove(&key(0));
        table.remove(&key(9));
        table.retain(|_, value| *value > 8);
        assert!(table.iter_mut().map(|(key, value)| (key, *value)).eq([(key(2), 20), (key(3), 30)]));
        table.clear();
        assert_eq!(table.keys().count(), 0);
    }
}

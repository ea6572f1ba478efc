//! Which of several answers to the same question is the newest: what was asked for first may be answered last.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::facts::{Device, Facts};

/// The number of a question, taken before it is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

/// The newest questions whose answers are shown. An answer to an older one is dropped: what it says was so before.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Turn,
    conditions: Turn,
    snapshots: Turn,
    /// All devices were asked for.
    all: Turn,
    /// One was, after that.
    devices: BTreeMap<String, Turn>,
    habits: BTreeMap<String, Turn>,
}

impl Order {
    /// The number of the question that is asked now.
    pub(super) const fn turn(&mut self) -> Turn {
        self.last.0 += 1;
        self.last
    }

    /// Whether what was answered about time, faults and recording is news.
    pub(super) fn conditions(&mut self, turn: Turn) -> bool {
        newer(&mut self.conditions, turn)
    }

    /// Whether what was answered about what was kept is news.
    pub(super) fn snapshots(&mut self, turn: Turn) -> bool {
        newer(&mut self.snapshots, turn)
    }

    /// Whether what was answered about the holder of a device is news.
    pub(super) fn habit(&mut self, turn: Turn, name: &str) -> bool {
        newer(self.habits.entry(name.to_owned()).or_default(), turn)
    }

    /// Takes what was answered about a device, which may be gone; whether anything has changed.
    pub(super) fn device(&mut self, turn: Turn, facts: &mut Facts, name: &str, device: Option<Device>) -> bool {
        let is_news = turn > self.all && newer(self.devices.entry(name.to_owned()).or_default(), turn);
        if !is_news || facts.device(name) == device.as_ref() {
            return false;
        }
        let devices = Arc::make_mut(&mut facts.devices);
        match device {
            Some(device) => drop(devices.insert(name.to_owned(), Arc::new(device))),
            None => drop(devices.remove(name)),
        }
        true
    }

    /// Takes what was answered about all devices, but for those that more is known of; whether anything has changed.
    pub(super) fn devices(
        &mut self,
        turn: Turn,
        facts: &mut Facts,
        mut devices: BTreeMap<String, Arc<Device>>,
    ) -> bool {
        if !newer(&mut self.all, turn) {
            return false;
        }
        self.devices.retain(|_, asked| *asked > turn);
        for name in self.devices.keys() {
            match facts.devices.get(name) {
                Some(device) => drop(devices.insert(name.clone(), Arc::clone(device))),
                None => drop(devices.remove(name)),
            }
        }
        let has_changed = *facts.devices != devices;
        if has_changed {
            facts.devices = Arc::new(devices);
        }
        has_changed
    }
}

fn newer(newest: &mut Turn, turn: Turn) -> bool {
    let is_newer = turn > *newest;
    if is_newer {
        *newest = turn;
    }
    is_newer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(name: &str, network: &str) -> Device {
        Device { name: name.into(), network: network.into(), ..Device::default() }
    }

    fn list(devices: &[Device]) -> BTreeMap<String, Arc<Device>> {
        devices.iter().map(|device| (device.name.clone(), Arc::new(device.clone()))).collect()
    }

    #[test]
    fn an_answer_that_was_overtaken_changes_nothing() {
        let (mut order, mut facts) = (Order::default(), Facts::default());
        let (first, second) = (order.turn(), order.turn());
        assert!(order.device(second, &mut facts, "main", Some(network("main", "offline"))));
        assert!(!order.device(first, &mut facts, "main", Some(network("main", "ideal"))));
        assert_eq!(facts.device("main").unwrap().network, "offline");
        // Of another device it is the newest.
        assert!(order.device(first, &mut facts, "phone", Some(network("phone", "ideal"))));
    }

    #[test]
    fn an_older_list_neither_overwrites_nor_removes_nor_brings_back() {
        let (mut order, mut facts) = (Order::default(), Facts::default());
        let begin = order.turn();
        order.devices(begin, &mut facts, list(&[network("main", "ideal"), network("gone", "ideal")]));
        let (listed, later) = (order.turn(), order.turn());
        order.device(later, &mut facts, "main", Some(network("main", "offline")));
        order.device(later, &mut facts, "made", Some(network("made", "ideal")));
        order.device(later, &mut facts, "gone", None);
        let old = list(&[network("main", "ideal"), network("gone", "ideal"), network("phone", "2g")]);
        assert!(order.devices(listed, &mut facts, old));
        let expected = [network("main", "offline"), network("made", "ideal"), network("phone", "2g")];
        assert_eq!(*facts.devices, list(&expected));
    }

    #[test]
    fn one_device_does_not_go_back_to_before_a_list() {
        let (mut order, mut facts) = (Order::default(), Facts::default());
        let (one, all) = (order.turn(), order.turn());
        order.devices(all, &mut facts, list(&[network("main", "offline")]));
        assert!(!order.device(one, &mut facts, "main", Some(network("main", "ideal"))));
        assert!(!order.device(one, &mut facts, "main", None));
        assert_eq!(*facts.devices, list(&[network("main", "offline")]));
        // Nor does an older list.
        assert!(!order.devices(one, &mut facts, BTreeMap::new()));
        let next = order.turn();
        assert!(order.device(next, &mut facts, "main", None));
    }

    #[test]
    fn conditions_and_habits_are_the_newest_too() {
        let mut order = Order::default();
        let (first, second) = (order.turn(), order.turn());
        assert!(order.conditions(second) && !order.conditions(first));
        assert!(order.habit(second, "main") && !order.habit(first, "main") && order.habit(first, "phone"));
    }
}

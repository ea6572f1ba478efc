//! Limits that are not per address. Per device: authenticated first-time handshakes per minute; frames that do not
//! authenticate never count, so that nobody can use up a device's share by replaying its hint. For the whole server:
//! how often per second strangers may make it do expensive work.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::UnixSeconds;
use crate::storage::rows::DeviceKey;

/// Most devices that are remembered; when full, those of past minutes are forgotten, or else all.
const REMEMBERED: usize = 65_536;
const MINUTE: u64 = 60;

/// Counts per device and minute.
#[derive(Debug)]
pub(super) struct DeviceRate {
    table: Mutex<HashMap<DeviceKey, (UnixSeconds, u32)>>,
    most: u32,
}

impl DeviceRate {
    pub(super) fn new(most: u32) -> Self {
        Self { table: Mutex::default(), most }
    }

    /// Counts one, unless the device has used up its minute.
    pub(super) fn allow(&self, device: &DeviceKey, now: UnixSeconds) -> bool {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |since: UnixSeconds| now.since(since).is_none_or(|age| age >= MINUTE);
        if table.len() >= REMEMBERED && !table.contains_key(device) {
            table.retain(|_, (since, _)| !is_over(*since));
            // So many devices at once are a busy server and no attack by one of them.
            if table.len() >= REMEMBERED {
                table.clear();
            }
        }
        let (since, count) = table.entry(*device).or_insert((now, 0));
        if is_over(*since) {
            (*since, *count) = (now, 0);
        }
        if *count >= self.most {
            return false;
        }
        *count += 1;
        true
    }
}

/// A budget per second for the whole server.
#[derive(Debug)]
pub(super) struct Budget {
    used: Mutex<(UnixSeconds, u32)>,
    most: u32,
}

impl Budget {
    pub(super) fn new(most: u32) -> Self {
        Self { used: Mutex::default(), most }
    }

    /// Takes one, unless this second's are used up.
    pub(super) fn allow(&self, now: UnixSeconds) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.0 != now {
            *used = (now, 0);
        }
        if used.1 >= self.most {
            return false;
        }
        used.1 += 1;
        true
    }

    /// Whether this second's are used up, without taking one.
    pub(super) fn is_used_up(&self, now: UnixSeconds) -> bool {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.0 == now && used.1 >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_so_many_handshakes_a_minute_and_others_are_not_affected() {
        let rate = DeviceRate::new(3);
        let device = DeviceKey { token: [1; 16], number: [1; 4] };
        let other = DeviceKey { token: [1; 16], number: [2; 4] };
        let now = UnixSeconds::new(1_000);
        assert!((0..3).all(|_| rate.allow(&device, now)));
        assert!(!rate.allow(&device, now));
        assert!(!rate.allow(&device, now.plus(59)));
        assert!(rate.allow(&other, now));
        assert!(rate.allow(&device, now.plus(60)));
    }

    #[test]
    fn more_devices_than_can_be_remembered_are_all_let_in() {
        let rate = DeviceRate::new(1);
        let device = |number: u32| DeviceKey { token: [1; 16], number: number.to_be_bytes() };
        let now = UnixSeconds::new(1_000);
        assert!((0..=u32::try_from(REMEMBERED).expect("small")).all(|number| rate.allow(&device(number), now)));
    }

    #[test]
    fn a_budget_begins_anew_every_second() {
        let budget = Budget::new(2);
        let now = UnixSeconds::new(1_000);
        assert!(budget.allow(now) && !budget.is_used_up(now));
        assert!(budget.allow(now) && budget.is_used_up(now) && !budget.allow(now));
        assert!(!budget.is_used_up(now.plus(1)));
        assert!(budget.allow(now.plus(1)));
        assert!(budget.allow(now), "a clock that went back locks nobody out");
    }

    #[test]
    fn a_clock_that_went_back_starts_a_new_minute() {
        let rate = DeviceRate::new(1);
        let device = DeviceKey { token: [1; 16], number: [1; 4] };
        assert!(rate.allow(&device, UnixSeconds::new(1_000)));
        assert!(rate.allow(&device, UnixSeconds::new(500)));
    }
}

//! Policies and device information.
#![no_main]

use cardea_protocol::token::{DeviceInfo, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(bytes) = data.try_into()
        && let Ok(policy) = Policy::decode(bytes)
    {
        assert_eq!(&policy.encode(), bytes);
        assert!((6..=12).contains(&policy.pin_min) && policy.pin_min <= policy.pin_max && policy.pin_max <= 12);
    }
    if let Ok(bytes) = data.try_into()
        && let Ok(info) = DeviceInfo::decode(bytes)
    {
        assert_eq!(&info.encode(), bytes);
    }
});

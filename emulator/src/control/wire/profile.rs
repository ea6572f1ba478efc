//! Profiles: what devices are like from the beginning.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::PartialSchema as _;

use super::presence::{DelayWord, OutcomeWord};
use crate::engine::{Device, Outcome, Profile, Reaction};

/// What a device is like from the beginning that is made with it: its network, and what its holder does.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceProfile {
    net: Profile,
    presence: OutcomeWord,
    delay: DelayWord,
}

impl DeviceProfile {
    /// Reads one: `{"net": "2g", "presence": "approve", "delay": {"ms": 900}}`. What is left out is ideal.
    ///
    /// # Errors
    /// What is not as it must be, and what was meant.
    pub fn parse(value: Value) -> Result<Self, String> {
        if !value.is_object() {
            return Err("it is a table, such as { net = \"2g\" }".to_owned());
        }
        crate::json::from_value(value)
    }

    /// Makes a device so.
    pub(in super::super) fn apply(&self, device: &Device) -> Result<(), crate::engine::ProfileError> {
        device.network().set(self.net)?;
        let outcome: Outcome = self.presence.into();
        device.human().set_usual(Reaction { outcome, delay: self.delay.into() });
        Ok(())
    }

    /// Its JSON Schema, with times as people write them.
    pub(in super::super) fn schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "net": Profile::schema(),
                "presence": OutcomeWord::schema(),
                "delay": { "description": "800ms, 200ms..900ms or lognormal(800ms,0.4)", "type": "string" },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_ideal_and_what_is_unknown_is_told() {
        assert_eq!(DeviceProfile::parse(json!({})).unwrap(), DeviceProfile::default());
        let read = DeviceProfile::parse(json!({ "net": "2g", "presence": "cancel", "delay": { "ms": 5 } })).unwrap();
        assert_eq!(json!(read), json!({ "net": "2g", "presence": "cancel", "delay": { "ms": 5 } }));
        for (value, said) in [
            (json!({ "nett": "2g" }), "did you mean `net`?"),
            (json!({ "presence": "aprove" }), "did you mean `approve`?"),
            (json!({ "net": "lossy-wify" }), "did you mean \"lossy-wifi\"?"),
            (json!(["2g"]), "it is a table"),
        ] {
            let problem = DeviceProfile::parse(value).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
    }
}

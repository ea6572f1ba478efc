//! What can be made to go wrong, and what is.

use serde::Deserialize;
use serde_json::Value;

/// Something that can be made to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// net, frame, crypto, clock, storage or device.
    pub layer: String,
    /// What it does.
    pub what: String,
    /// Its parameters.
    #[serde(default)]
    pub params: Vec<Param>,
    /// What the device is to make of it.
    pub device: String,
    /// What the server is to make of it.
    pub server: String,
}

/// A parameter of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it is, with its unit.
    pub what: String,
    /// What it is if nobody says.
    pub usual: i64,
    /// The least that it can be.
    pub least: i64,
    /// The most that it can be.
    pub most: i64,
}

/// Something that is made to go wrong, and how often it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultRule {
    /// The id of the rule.
    pub id: String,
    /// The name of the fault.
    pub fault: String,
    /// How often it happens at most.
    pub times: Option<u64>,
    /// How many occasions there were.
    pub seen: u64,
    /// At how many it happened.
    pub hits: u64,
    /// It has happened as often as it may.
    pub spent: bool,
}

impl FaultRule {
    /// As the control API says it.
    #[must_use]
    pub fn of(armed: &Value) -> Self {
        let text = |name: &str| armed["rule"][name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            fault: text("fault"),
            times: armed["rule"]["times"].as_u64(),
            seen: armed["seen"].as_u64().unwrap_or_default(),
            hits: armed["hits"].as_u64().unwrap_or_default(),
            spent: armed["spent"] == true,
        }
    }

    /// Its fault, and how often it will still happen.
    #[must_use]
    pub fn armed(&self) -> String {
        match self.times {
            Some(times) => format!("{} ×{}", self.fault, times.saturating_sub(self.hits)),
            None => format!("{} always", self.fault),
        }
    }
}

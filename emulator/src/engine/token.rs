//! What a device says of its tokens, and which one is meant.

use cardea_sdk::store::TokenKey;
use cardea_sdk::{DeviceStatus, Status, Summary};
use serde::Serialize;

use super::EngineError;

/// A token of a device. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenInfo {
    /// Its name in the wallet.
    #[serde(skip)]
    pub key: TokenKey,
    /// The same as text: token and device id in hexadecimal.
    pub token: String,
    /// Server's host.
    pub host: String,
    /// Server's port.
    pub port: u16,
    /// Name of the service, or empty.
    pub service: String,
    /// What the holder calls it, or empty.
    pub label: String,
    /// When it was enrolled, in Unix seconds.
    #[serde(rename = "addedAt")]
    pub added_at: u64,
    /// Whether the server has confirmed the enrollment.
    pub confirmed: bool,
    /// Whether something was sent that was never answered.
    pub pending: bool,
}

impl TokenInfo {
    /// Id, and label if there is one, for a person who has to choose.
    fn named(&self) -> String {
        if self.label.is_empty() { self.token.clone() } else { format!("{} ({})", self.token, self.label) }
    }

    /// Of a token in a wallet.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let details = summary.details.clone();
        Self {
            key: summary.key,
            token: summary.key.to_string(),
            host: details.host,
            port: details.port,
            service: details.service,
            label: details.label,
            added_at: details.added_at,
            confirmed: summary.confirmed,
            pending: summary.pending,
        }
    }
}

/// How a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct State {
    /// The number that relying parties read, as far as a device may know it: 0, 1, 2 or 4.
    pub status: u8,
    /// The same in a word.
    pub state: &'static str,
    /// Seconds until it ends by itself.
    pub remaining: Option<u64>,
    /// Wrong PINs left before the token is blocked.
    #[serde(rename = "triesLeft")]
    pub tries_left: u8,
    /// How many texts wait to be approved or denied.
    pub confirmations: u8,
}

impl From<Status> for State {
    fn from(status: Status) -> Self {
        let state = match status.state {
            DeviceStatus::NotEnrolled => "not enrolled",
            DeviceStatus::Open => "open",
            DeviceStatus::Closed => "closed",
            DeviceStatus::Blocked => "blocked",
        };
        Self {
            status: status.state.number(),
            state,
            remaining: status.remaining.map(|time| time.as_secs()),
            tries_left: status.tries_left,
            confirmations: status.confirmations,
        }
    }
}

/// The tokens of a device, to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a>(pub &'a [TokenInfo]);

impl<'a> Tokens<'a> {
    /// The one that `name` means, see [`Device::select`](super::Device::select).
    ///
    /// # Errors
    /// [`EngineError::NoToken`], [`EngineError::NoSuchToken`], [`EngineError::Ambiguous`].
    pub fn select(self, name: Option<&str>) -> Result<&'a TokenInfo, EngineError> {
        let fits = |info: &&TokenInfo| match name {
            None => true,
            Some(name) => {
                let text = name.to_ascii_lowercase();
                (!text.is_empty() && info.token.starts_with(&text)) || info.label == name || info.service == name
            }
        };
        let mut fitting: Vec<_> = self.0.iter().filter(fits).collect();
        // What is left of an enrollment that came to nothing is meant only by who says so.
        if fitting.len() > 1 && fitting.iter().any(|info| info.confirmed) {
            fitting.retain(|info| info.confirmed);
        }
        match (fitting.as_slice(), name) {
            ([one], _) => Ok(one),
            ([], None) => Err(EngineError::NoToken),
            ([], Some(name)) => {
                let names = self.0.iter().flat_map(|info| [info.label.as_str(), info.service.as_str()]);
                Err(EngineError::no_token(name, names))
            }
            (several, _) => Err(EngineError::Ambiguous(several.iter().map(|info| info.named()).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use cardea_sdk::{DeviceId, TokenId};

    use super::*;

    fn info(id: u8, label: &str, confirmed: bool) -> TokenInfo {
        let key = TokenKey { token: TokenId::new([id; 16]), device: DeviceId::new([id; 4]) };
        TokenInfo {
            key,
            token: key.to_string(),
            host: "id.example".into(),
            port: 8421,
            service: "s".into(),
            label: label.into(),
            added_at: 0,
            confirmed,
            pending: false,
        }
    }

    #[test]
    fn a_token_is_meant_by_the_beginning_of_its_id_its_label_or_by_being_the_only_one() {
        let infos = [info(0x11, "work", true), info(0x22, "home", true)];
        let select = |name| Tokens(&infos).select(name).map(|info| info.label.clone());
        assert_eq!(select(Some("11")).unwrap(), "work");
        assert_eq!(select(Some("home")).unwrap(), "home");
        assert!(
            matches!(select(None), Err(EngineError::Ambiguous(names)) if names[0] == format!("{} (work)", infos[0].token))
        );
        assert!(matches!(select(Some("s")), Err(EngineError::Ambiguous(_))));
        assert!(matches!(select(Some("33")), Err(EngineError::NoSuchToken { name, meant: None }) if name == "33"));
        let pin = select(Some("583104")).unwrap_err();
        assert!(matches!(pin, EngineError::PinAsName) && !pin.to_string().contains("583104"), "{pin}");
        assert!(select(Some("hmoe")).unwrap_err().to_string().ends_with("did you mean \"home\"?"));
        assert!(matches!(select(Some("")), Err(EngineError::NoSuchToken { .. })));
        assert_eq!(Tokens(&infos[..1]).select(None).unwrap().label, "work");
        assert!(matches!(Tokens(&[]).select(None), Err(EngineError::NoToken)));
    }

    #[test]
    fn a_leftover_is_meant_only_when_named_or_alone() {
        let infos = [info(0x11, "old", false), info(0x22, "new", true)];
        assert_eq!(Tokens(&infos).select(None).unwrap().label, "new");
        assert_eq!(Tokens(&infos).select(Some("11")).unwrap().label, "old");
        assert_eq!(Tokens(&infos[..1]).select(None).unwrap().label, "old");
    }
}

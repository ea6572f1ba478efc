//! Programs that bring something: what behaves as a scenario says, what misbehaves, and a clock that is wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use cardea_ffi::{
    ApprovalAnswer, CardeaError, Clock, Entropy, Host, HostError, Presence, PresenceRequest, SecretBytes, SecretStore,
    WalletOptions, open_wallet,
};
use tokio::runtime::Handle;

use super::snake;

fn thrown<T>() -> Result<T, HostError> {
    Err(HostError::Failed { reason: "on purpose".to_owned() })
}

/// Calls back, and throws what that throws.
fn reenter<T>(runtime: &Handle) -> Result<T, HostError> {
    match runtime.block_on(open_wallet(WalletOptions::default(), Host::default(), None)) {
        Ok(_) => panic!("a call from a callback is refused"),
        Err(error) => Err(HostError::Failed { reason: error.explanation() }),
    }
}

/// A clock that is off.
struct Off(i64);

impl Clock for Off {
    #[expect(clippy::disallowed_methods, reason = "a host of the tests, whose clock is the system's and wrong")]
    fn now(&self) -> Result<u64, HostError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        Ok(now.saturating_add_signed(self.0))
    }
}

/// A clock that is off by so many seconds.
pub(super) fn off_by(seconds: i64) -> Arc<dyn Clock> {
    Arc::new(Off(seconds))
}

enum Misbehavior {
    Throws,
    Reenters(Handle),
    Short,
}

impl Misbehavior {
    fn misbehave(&self) -> Result<(), HostError> {
        match self {
            Self::Throws => thrown(),
            Self::Reenters(runtime) => reenter(runtime),
            Self::Short => Ok(()),
        }
    }
}

impl Clock for Misbehavior {
    fn now(&self) -> Result<u64, HostError> {
        self.misbehave().map(|()| 0)
    }
}

impl Entropy for Misbehavior {
    fn bytes(&self, _: u32) -> Result<Vec<u8>, HostError> {
        self.misbehave().map(|()| vec![1, 2, 3])
    }
}

/// Opens a wallet with a host that misbehaves.
pub(super) async fn misbehaving(part: &str, behavior: &str) -> Result<(), CardeaError> {
    let behavior = match behavior {
        "throws" => Misbehavior::Throws,
        "reenters" => Misbehavior::Reenters(Handle::current()),
        "short" => Misbehavior::Short,
        other => panic!("no behavior: {other}"),
    };
    let host = match part {
        "clock" => Host { clock: Some(Arc::new(behavior)), ..Host::default() },
        "entropy" => Host { entropy: Some(Arc::new(behavior)), ..Host::default() },
        other => panic!("no part of a host: {other}"),
    };
    open_wallet(WalletOptions::default(), host, None).await.map(drop)
}

/// How the programs of a scenario behave, and what they were asked.
pub(super) struct Behavior {
    presence: Mutex<String>,
    secrets: Mutex<String>,
    /// How often somebody was asked since it was last told, and for what last.
    asked: Mutex<(usize, String)>,
    runtime: Handle,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("no one panics with it")
}

impl Behavior {
    pub(super) fn new() -> Arc<Self> {
        let (presence, secrets) = (Mutex::new("274951".to_owned()), Mutex::new("keeps".to_owned()));
        Arc::new(Self { presence, secrets, asked: Mutex::default(), runtime: Handle::current() })
    }

    /// From now on.
    pub(super) fn behave(&self, part: &str, how: &str) {
        let part = match part {
            "presence" => &self.presence,
            "secrets" => &self.secrets,
            other => panic!("no part of a host: {other}"),
        };
        how.clone_into(&mut locked(part));
    }

    /// How often somebody was asked since this was last called.
    pub(super) fn asked(&self) -> usize {
        std::mem::take(&mut locked(&self.asked).0)
    }

    /// What somebody was asked for last.
    pub(super) fn asked_for(&self) -> String {
        locked(&self.asked).1.clone()
    }
}

/// The parts that a wallet's program brings.
pub(super) fn hosted(parts: &[&str], behavior: &Arc<Behavior>) -> Host {
    let mut host = Host::default();
    for part in parts {
        match *part {
            "presence" => host.presence = Some(Arc::new(Person(Arc::clone(behavior)))),
            "secrets" => host.secrets = Some(Arc::new(Secrets::new(behavior))),
            other => panic!("no part of a host: {other}"),
        }
    }
    host
}

struct Person(Arc<Behavior>);

impl Presence for Person {
    fn approve(&self, request: PresenceRequest) -> Result<ApprovalAnswer, HostError> {
        {
            let mut asked = locked(&self.0.asked);
            asked.0 += 1;
            asked.1 = snake(&format!("{:?}", request.purpose));
        }
        let how = locked(&self.0.presence).clone();
        let pin = |digits: &str| ApprovalAnswer::Pin { digits: digits.as_bytes().into() };
        Ok(match &*how {
            "cancels" => ApprovalAnswer::Cancelled,
            "throws" => return thrown(),
            "reenters" => return reenter(&self.0.runtime),
            "lies" => pin("abcdef"),
            word => key(word).map_or_else(|| pin(word), |key| ApprovalAnswer::Biometric { key: SecretBytes::new(key) }),
        })
    }
}

/// The biometric key of a word.
pub(super) fn key(word: &str) -> Option<Vec<u8>> {
    match word {
        "key" => Some((1..=32).collect()),
        "other_key" => Some(vec![9; 32]),
        "short_key" => Some(vec![1; 31]),
        _ => None,
    }
}

struct Secrets {
    kept: Mutex<HashMap<String, Vec<u8>>>,
    behavior: Arc<Behavior>,
}

impl Secrets {
    fn new(behavior: &Arc<Behavior>) -> Self {
        Self { kept: Mutex::default(), behavior: Arc::clone(behavior) }
    }

    /// What every call does first.
    fn called(&self) -> Result<String, HostError> {
        let how = locked(&self.behavior.secrets).clone();
        match &*how {
            "throws" => thrown(),
            "denied" => Err(HostError::Denied),
            "reenters" => reenter(&self.behavior.runtime),
            "keeps" | "full" | "forgets" | "lies" | "short" => Ok(how),
            other => panic!("no behavior: {other}"),
        }
    }
}

impl SecretStore for Secrets {
    fn load(&self, name: String) -> Result<Option<SecretBytes>, HostError> {
        let how = self.called()?;
        let kept = locked(&self.kept).get(&name).cloned();
        let given = kept.map(|secret| match &*how {
            "lies" => secret.iter().map(|byte| !byte).collect(),
            "short" => secret[..1].to_vec(),
            _ => secret,
        });
        Ok(given.filter(|_| how != "forgets").map(SecretBytes::new))
    }

    fn save(&self, name: String, secret: SecretBytes) -> Result<(), HostError> {
        if self.called()? == "full" {
            return Err(HostError::Full);
        }
        locked(&self.kept).insert(name, secret.expose().to_vec());
        Ok(())
    }

    fn remove(&self, name: String) -> Result<(), HostError> {
        self.called()?;
        locked(&self.kept).remove(&name);
        Ok(())
    }
}

//! What a developer wants to know of what the SDK does by itself: which way it took, what it tries again, when.

use std::fmt;
use std::sync::Arc;

use crate::store::TokenKey;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// Something changed: connected, disconnected, recovered.
    Info,
    /// Something is not as it should be, and somebody has to look at it.
    Warn,
}

/// Where lines go. They never contain secrets, PINs, names of holders, or texts to confirm.
///
/// Called on the threads of the runtime, with no lock held: it must not block for long, and may use the wallet.
pub trait LogSink: fmt::Debug + Send + Sync + 'static {
    /// Takes one line, without a line break.
    fn log(&self, level: LogLevel, text: &str);
}

/// A sink, or none. Lines are not even made where nobody reads them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Option<Arc<dyn LogSink>>);

impl Log {
    pub(crate) const fn to(sink: Option<Arc<dyn LogSink>>) -> Self {
        Self(sink)
    }

    pub(crate) const fn sink(&self) -> Option<&Arc<dyn LogSink>> {
        self.0.as_ref()
    }

    pub(crate) fn debug(&self, text: impl FnOnce() -> String) {
        self.line(LogLevel::Debug, text);
    }

    pub(crate) fn info(&self, text: impl FnOnce() -> String) {
        self.line(LogLevel::Info, text);
    }

    pub(crate) fn warn(&self, text: impl FnOnce() -> String) {
        self.line(LogLevel::Warn, text);
    }

    fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some(sink) = &self.0 {
            sink.log(level, &text());
        }
    }
}

/// A token as lines name it: enough to tell two tokens of a wallet apart.
pub(crate) struct Named(pub(crate) TokenKey);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0.token.bytes();
        write!(f, "token {a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use cardea_protocol::token::{DeviceId, TokenId};

    use super::*;

    #[derive(Debug, Default)]
    struct Lines(Mutex<Vec<(LogLevel, String)>>);

    impl LogSink for Lines {
        fn log(&self, level: LogLevel, text: &str) {
            self.0.lock().unwrap().push((level, text.to_owned()));
        }
    }

    #[test]
    fn lines_arrive_with_their_level_and_are_not_made_for_nobody() {
        let lines = Arc::new(Lines::default());
        let log = Log::to(Some(Arc::clone(&lines) as Arc<dyn LogSink>));
        let key = TokenKey { token: TokenId::new([0xab; 16]), device: DeviceId::new([1; 4]) };
        log.warn(|| format!("{}: away", Named(key)));
        log.debug(|| "looking".to_owned());
        let expected = [(LogLevel::Warn, "token abababab: away".to_owned()), (LogLevel::Debug, "looking".to_owned())];
        assert_eq!(*lines.0.lock().unwrap(), expected);
        Log::default().info(|| unreachable!("nobody reads it"));
    }
}

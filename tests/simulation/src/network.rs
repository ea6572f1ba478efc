//! The network: it keeps everything that was ever sent, and anybody may send any of it again.

/// A frame from a device.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    /// Which device sent it.
    pub(crate) from: usize,
    /// A thief sent it, and it is not what the original would have sent.
    pub(crate) stolen: bool,
    /// The intent that it carries, if it carries one.
    pub(crate) intent: Option<usize>,
    /// The attempt that it declares, if it is a RECOVER.
    pub(crate) declared: Option<[u8; 32]>,
    /// The connection that it continues.
    pub(crate) link: Option<usize>,
    /// How often a server has accepted it.
    pub(crate) accepted: u32,
}

/// A frame from a server.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    /// What it answers.
    pub(crate) to: usize,
    /// The connection that goes on after it.
    pub(crate) link: Option<usize>,
    /// A key record that follows it.
    pub(crate) key: Option<cardea_protocol::wire::KeyRecord>,
}

/// All frames ever sent.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) requests: Vec<Request>,
    pub(crate) replies: Vec<Reply>,
}

impl Network {
    /// A frame leaves a device. Returns its number.
    pub(crate) fn send(&mut self, from: usize, bytes: &[u8]) -> usize {
        self.requests.push(Request {
            bytes: bytes.to_vec(),
            from,
            stolen: false,
            intent: None,
            declared: None,
            link: None,
            accepted: 0,
        });
        self.requests.len() - 1
    }

    /// The number of a frame that was sent lately; mostly the newest.
    pub(crate) fn recent(&self, pick: u32) -> Option<usize> {
        let sent = self.requests.len();
        let back = [0, 0, 0, 0, 1, 1, 2, 3][usize::try_from(pick % 8).unwrap_or(0)];
        sent.checked_sub(1).map(|newest| newest.saturating_sub(back))
    }

    /// The number of any frame.
    pub(crate) fn any(&self, pick: u32) -> Option<usize> {
        index(pick, self.requests.len())
    }
}

/// `pick` as an index into `length` things.
pub(crate) fn index(pick: u32, length: usize) -> Option<usize> {
    usize::try_from(pick).ok()?.checked_rem(length)
}

//! Handshake patterns as constant tables (Noise specification, sections 7 and 9).

/// Which side of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends the first message.
    Initiator,
    /// Answers it.
    Responder,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }

    /// The role that sends message `index`, counted from 0.
    pub(super) const fn sender(index: usize) -> Self {
        if index.is_multiple_of(2) { Self::Initiator } else { Self::Responder }
    }
}

/// One step of a handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// The sender's ephemeral public key, in clear.
    E,
    /// The sender's static public key, encrypted as soon as there is a key.
    S,
    /// DH of both ephemeral keys.
    Ee,
    /// DH of the initiator's ephemeral and the responder's static key.
    Es,
    /// DH of the initiator's static and the responder's ephemeral key.
    Se,
    /// DH of both static keys.
    Ss,
    /// The pre-shared key.
    Psk,
}

/// A handshake: its name, what each side knows of the other beforehand, and its messages.
///
/// The first message is the initiator's; they alternate from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The full protocol name, hashed into the handshake.
    pub name: &'static str,
    /// The responder knows the initiator's static key beforehand.
    pub initiator_pre: bool,
    /// The initiator knows the responder's static key beforehand.
    pub responder_pre: bool,
    /// The tokens of each message.
    pub messages: &'static [&'static [Token]],
}

impl Pattern {
    /// Whether a pre-shared key takes part. Then ephemeral public keys are mixed into the key as well.
    #[must_use]
    pub fn has_psk(&self) -> bool {
        self.messages.iter().any(|tokens| tokens.contains(&Token::Psk))
    }

    /// Whether only the initiator ever sends, in the handshake and after it.
    #[must_use]
    pub const fn is_one_way(&self) -> bool {
        self.messages.len() == 1
    }

    /// Whether the peer of `role` knows the static key of `role` beforehand.
    pub(super) const fn is_pre(&self, role: Role) -> bool {
        match role {
            Role::Initiator => self.initiator_pre,
            Role::Responder => self.responder_pre,
        }
    }

    /// Whether `role` sends `token`.
    pub(super) fn sends(&self, role: Role, token: Token) -> bool {
        self.messages.iter().enumerate().any(|(index, tokens)| Role::sender(index) == role && tokens.contains(&token))
    }
}

/// Operations: both sides know each other, and the ratchet's key protects the first message.
pub static KK_PSK0: Pattern = Pattern {
    name: "Noise_KKpsk0_25519_ChaChaPoly_SHA256",
    initiator_pre: true,
    responder_pre: true,
    messages: &[&[Token::Psk, Token::E, Token::Es, Token::Ss], &[Token::E, Token::Ee, Token::Se]],
};

/// Enrollment: the device knows the server, and both know the code of the link.
pub static XK_PSK3: Pattern = Pattern {
    name: "Noise_XKpsk3_25519_ChaChaPoly_SHA256",
    initiator_pre: false,
    responder_pre: true,
    messages: &[&[Token::E, Token::Es], &[Token::E, Token::Ee], &[Token::S, Token::Se, Token::Psk]],
};

/// Resynchronization: no shared key is left, so the device names itself.
pub static IK: Pattern = Pattern {
    name: "Noise_IK_25519_ChaChaPoly_SHA256",
    initiator_pre: false,
    responder_pre: true,
    messages: &[&[Token::E, Token::Es, Token::S, Token::Ss], &[Token::E, Token::Ee, Token::Se]],
};

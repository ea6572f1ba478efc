//! The enrollment link (specification, chapter 4): one payload, written as an `https` link whose fragment never
//! reaches a web server, as a `cardea:` URI, or drawn as a QR code of either.

use base64ct::{Base64UrlUnpadded, Encoding};
use core::fmt;
use zeroize::Zeroize;

use super::codec::{Reader, Writer};
use crate::crypto::{Provider, Random};
use crate::secret::Secret;

const HOST_MAX: usize = 253;
const FIXED: usize = 77;
const PAYLOAD_MAX: usize = FIXED + HOST_MAX;
const BASE64_MAX: usize = PAYLOAD_MAX.div_ceil(3) * 4;
const VERSION: u8 = 1;
const SCHEME: &str = "cardea:";

/// Longest text that is looked at as a link, in bytes.
pub const LINK_TEXT_MAX: usize = 1024;

/// Why a text is no enrollment link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// Neither `https://<host>/e#…` nor `cardea:…`.
    Form,
    /// `http` with a host that is not this machine.
    Insecure,
    /// The part after `#` is not base64url, or cut short.
    Encoding,
    /// Made for another version of the protocol.
    Version,
    /// A field is out of range.
    Field,
    /// The link points to another host than it enrolls with.
    HostMismatch,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "this is no enrollment link: it starts with https://<host>/e# or cardea:",
            Self::Insecure => "an http link is accepted for this machine only: ask for an https link",
            Self::Encoding => "the enrollment link is damaged or cut short: copy it again",
            Self::Version => "the enrollment link was made for another version: update the app",
            Self::Field => "the enrollment link is damaged: ask for a new one",
            Self::HostMismatch => "the enrollment link names two different hosts: do not use it",
        })
    }
}

impl core::error::Error for LinkError {}

/// A host name or address literal in 1 to 253 characters: labels of `a-z 0-9 -` (1 to 63 characters each, no hyphen at
/// either end) with dots between them, or an IPv6 address in brackets. Never a port: that has a field of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Host {
    bytes: [u8; HOST_MAX],
    length: u8,
}

impl Host {
    /// Checks and copies `text`.
    ///
    /// # Errors
    /// [`LinkError::Field`]: empty, too long, or no host (upper case included: hosts are compared byte by byte).
    pub fn new(text: &str) -> Result<Self, LinkError> {
        let length = u8::try_from(text.len()).map_err(|_| LinkError::Field)?;
        let mut bytes = [0; HOST_MAX];
        bytes.get_mut(..text.len()).ok_or(LinkError::Field)?.copy_from_slice(text.as_bytes());
        let valid = match text.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(is_ipv6),
            None => text.split('.').all(is_label),
        };
        if !valid {
            return Err(LinkError::Field);
        }
        Ok(Self { bytes, length })
    }

    /// The host as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    /// Whether it is a name or address of this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.as_str())
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_ipv6(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9' | b':' | b'.'))
        && text.parse::<core::net::Ipv6Addr>().is_ok()
}

fn is_loopback(host: &str) -> bool {
    let octets = host
        .strip_prefix("127.")
        .is_some_and(|rest| rest.split('.').count() == 3 && rest.split('.').all(|octet| octet.parse::<u8>().is_ok()));
    octets || host == "localhost" || host == "[::1]"
}

/// `version 1, epoch 1, id 8, code 32, server key 32, port 2, host length 1, host`.
pub struct Link {
    /// Epoch of the server's static key.
    pub epoch: u8,
    /// Enrollment id; the top bit of its first byte is set.
    pub id: [u8; 8],
    /// The one-time code.
    pub code: Secret<32>,
    /// The server's X25519 static key.
    pub server_key: [u8; 32],
    /// Port of the token channel.
    pub port: u16,
    /// Host of the server.
    pub host: Host,
}

impl Link {
    /// A fresh enrollment id as links have them.
    pub fn generate_id(random: &mut impl Random) -> [u8; 8] {
        let mut id = [0; 8];
        random.fill(&mut id);
        id[0] |= 0x80;
        id
    }

    /// The pre-shared key of the handshake.
    #[must_use]
    pub fn psk<P: Provider>(&self) -> Secret<32> {
        P::derive(&[], &[self.code.expose()], &[b"cardea1 enroll"])
    }

    /// Writes `<web>/e#<payload>`, where `web` is the origin of the landing page, for example `https://id.example`.
    ///
    /// # Errors
    /// `out` refused the text.
    pub fn write_https(&self, web: &str, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(web)?;
        out.write_str("/e#")?;
        self.write_payload(out)
    }

    /// Writes `cardea:<payload>`.
    ///
    /// # Errors
    /// `out` refused the text.
    pub fn write_uri(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(SCHEME)?;
        self.write_payload(out)
    }

    fn write_payload(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut payload = [0; PAYLOAD_MAX];
        let host = self.host.as_str();
        Writer::new(&mut payload)
            .u8(VERSION)
            .u8(self.epoch)
            .put(&self.id)
            .put(self.code.expose())
            .put(&self.server_key)
            .u16(self.port)
            .u8(self.host.length)
            .put(host.as_bytes());
        let mut text = [0; BASE64_MAX];
        let payload_used = payload.get(..FIXED + host.len()).unwrap_or_default();
        let result = Base64UrlUnpadded::encode(payload_used, &mut text).map_err(|_| fmt::Error);
        let written = result.and_then(|text| out.write_str(text));
        payload.zeroize();
        text.zeroize();
        written
    }

    /// Reads a link or URI, as typed, scanned or handed over by the system. White space around it is left out.
    ///
    /// # Errors
    /// What is wrong with it, in words for the person who has it.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > LINK_TEXT_MAX {
            return Err(LinkError::Form);
        }
        if let Some(payload) = text.strip_prefix(SCHEME) {
            return Self::parse_payload(payload);
        }
        let (rest, secure) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (_, Some(rest)) => (rest, false),
            _ => return Err(LinkError::Form),
        };
        let (authority, payload) = rest.split_once("/e#").ok_or(LinkError::Form)?;
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        if !secure && !is_loopback(host) {
            return Err(LinkError::Insecure);
        }
        let link = Self::parse_payload(payload)?;
        if link.host.as_str() != host { Err(LinkError::HostMismatch) } else { Ok(link) }
    }

    fn parse_payload(payload: &str) -> Result<Self, LinkError> {
        let mut buffer = [0; PAYLOAD_MAX + 3];
        let link =
            Base64UrlUnpadded::decode(payload, &mut buffer).map_err(|_| LinkError::Encoding).and_then(Self::decode);
        buffer.zeroize();
        link
    }

    fn decode(bytes: &[u8]) -> Result<Self, LinkError> {
        let short = |_| LinkError::Encoding;
        let mut reader = Reader::new(bytes);
        if reader.u8().map_err(short)? != VERSION {
            return Err(LinkError::Version);
        }
        let epoch = reader.u8().map_err(short)?;
        let id = *reader.array::<8>().map_err(short)?;
        let code = Secret::new(*reader.array().map_err(short)?);
        let server_key = *reader.array().map_err(short)?;
        let port = reader.u16().map_err(short)?;
        let length = reader.u8().map_err(short)?;
        let host = reader.slice(usize::from(length)).map_err(short)?;
        let host = Host::new(core::str::from_utf8(host).map_err(|_| LinkError::Field)?)?;
        reader.end().map_err(|_| LinkError::Field)?;
        if port == 0 || id[0] & 0x80 == 0 {
            return Err(LinkError::Field);
        }
        Ok(Self { epoch, id, code, server_key, port, host })
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

//! Every bound of the protocol in one place (specification, chapter 12).

/// Protocol version that this crate speaks.
pub const VERSION: u8 = 1;
/// Verification keys per device: one normal PIN, the others duress, biometric or random.
pub const SLOTS: usize = 4;
/// Longest PIN in digits.
pub const PIN_MAX: usize = 12;
/// Shortest PIN in digits that any policy may allow.
pub const PIN_MIN: usize = 6;
/// Smallest edit distance between any two PINs of one device.
pub const PIN_DISTANCE: usize = 2;
/// Largest payload of one frame on the wire, length prefix excluded; anything longer closes the connection unread.
pub const FRAME_MAX: usize = 560;
/// Seconds between the time in a signed operation and the server's time, in either direction, before it is stale.
pub const FRESHNESS_SECONDS: u32 = 120;
/// Messages per direction of one warm session; then reconnect.
pub const SESSION_MESSAGES: u64 = 1 << 16;
/// Longest life of a session in seconds.
pub const SESSION_SECONDS: u32 = 3600;
/// Seconds without a frame after which a session is closed.
pub const IDLE_SECONDS: u32 = 900;
/// Seconds within which a connection must have completed its handshake.
pub const HANDSHAKE_SECONDS: u32 = 5;
/// Devices that one token may have.
pub const DEVICES_PER_TOKEN: usize = 8;
/// Bytes per second that one connection may send, averaged over one second.
pub const CONNECTION_BYTES_PER_SECOND: usize = 16 * 1024;
/// Failed handshakes per minute and address.
pub const HANDSHAKES_PER_MINUTE_ADDRESS: u32 = 60;
/// First-time authenticated handshakes per minute and device.
pub const HANDSHAKES_PER_MINUTE_DEVICE: u32 = 30;
/// Default life of an enrollment in seconds.
pub const ENROLLMENT_SECONDS: u32 = 600;
/// Wrong tries after which an enrollment dies.
pub const ENROLLMENT_FAILURES: u8 = 3;
/// Longest text of a confirmation in bytes of UTF-8.
pub const CONFIRMATION_TEXT: usize = 200;
/// Greatest exponent of the window that an OPEN may ask for: `2^31` seconds.
pub const WINDOW_MAX: u8 = 31;
/// Bits of a SUBSCRIBE mask that mean something: state, confirmations, attempts.
pub const SUBSCRIPTION_MASK: u8 = 7;
/// Most confirmations that may wait for one token.
pub const CONFIRMATIONS_PENDING: u8 = 3;
/// Seconds at which a device sends the identical datagram again; then the same bytes over TCP.
pub const RETRY_SECONDS: [u32; 3] = [1, 2, 4];
/// Seconds after which a device stops and says "not confirmed".
pub const GIVE_UP_SECONDS: u32 = 60;
/// Clock difference in seconds above which a device warns its holder.
pub const CLOCK_WARNING_SECONDS: u32 = 300;

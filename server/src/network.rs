//! Networks in CIDR notation: who is trusted to name somebody else's address, and from where a key may be used.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// All addresses with the same first bits, as in `10.0.0.0/8`, `2001:db8::/32` or `127.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// Its first address.
    address: IpAddr,
    /// How many bits all of its addresses share: at most 32 or 128.
    prefix: u8,
}

/// A text that is no network. Whoever wrote it has to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Before the slash stands no address.
    #[error("the part before the slash must be an IPv4 or IPv6 address")]
    Address,
    /// After the slash stands no number of bits.
    #[error("the part after the slash must be a number of bits, at most 32 for IPv4 and at most 128 for IPv6")]
    Prefix,
    /// Bits after the prefix are set: a slip in one of the two parts.
    #[error("the address has bits set behind the prefix; name the first address of the network")]
    HostBits,
}

impl Network {
    /// Whether `address` is one of the network's. An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) counts as the
    /// IPv4 address that it is.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = mask(32, self.prefix);
                u128::from(network.to_bits()) & mask == u128::from(address.to_bits()) & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = mask(128, self.prefix);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }

    /// A list of networks, separated by commas, white space or both. An empty text is an empty list.
    ///
    /// # Errors
    /// One of them is no network; the error comes with its text.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, (String, NetworkError)> {
        text.split(|it: char| it == ',' || it.is_whitespace())
            .filter(|it| !it.is_empty())
            .map(|it| it.parse().map_err(|error| (it.to_owned(), error)))
            .collect()
    }
}

/// What limits count as one address: whoever has an IPv6 address has a network of 64 bits to choose from. An IPv4 address
/// in IPv6 clothes is an IPv4 address.
#[must_use]
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The first `prefix` of `width` bits.
fn mask(width: u8, prefix: u8) -> u128 {
    let rest = u32::from(width - prefix);
    let all = u128::MAX >> (128 - u32::from(width));
    u128::MAX.checked_shl(rest).unwrap_or(0) & all
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let width = if written.is_ipv4() { 32 } else { 128 };
        let mut bits: u8 = match prefix {
            // `u8` would take a plus sign.
            Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => {
                digits.parse().ok().filter(|bits| *bits <= width).ok_or(NetworkError::Prefix)?
            }
            Some(_) => return Err(NetworkError::Prefix),
            None => width,
        };
        let address = written.to_canonical();
        if address.is_ipv4() && written.is_ipv6() {
            bits = bits.checked_sub(96).ok_or(NetworkError::Prefix)?;
        }
        let has_host_bits = match address {
            IpAddr::V4(it) => u128::from(it.to_bits()) & !mask(32, bits) != 0,
            IpAddr::V6(it) => it.to_bits() & !mask(128, bits) != 0,
        };
        if has_host_bits { Err(NetworkError::HostBits) } else { Ok(Self { address, prefix: bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn holds(network_text: &str, address: &str) -> bool {
        network(network_text).contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7/32", "::ffff:192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "ffff::", "127.0.0.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::1", "::1", "::2"),
        ] {
            assert!(holds(text, inside), "{text} holds {inside}");
            assert!(!holds(text, outside), "{text} does not hold {outside}");
        }
    }

    #[test]
    fn slips_are_refused() {
        for text in ["", "/8", "10.0.0/8", "localhost", "10.0.0.256/32", "1", "fe80::1%eth0/64"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Address), "{text}");
        }
        for text in ["10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "::/999"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Prefix), "{text}");
        }
        assert_eq!("::ffff:0.0.0.0/95".parse::<Network>(), Err(NetworkError::Prefix));
        for text in ["10.0.0.1/8", "2001:db8::1/64", "128.0.0.0/0"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::HostBits), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::/0"] {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("::ffff:10.0.0.0/104").to_string(), "10.0.0.0/8");
    }

    #[test]
    fn lists_take_commas_and_spaces_and_name_what_is_wrong() {
        assert_eq!(Network::parse_list(" \t "), Ok(Vec::new()));
        let both = vec![network("10.0.0.0/8"), network("::1")];
        for text in ["10.0.0.0/8,::1", "10.0.0.0/8 ::1", " 10.0.0.0/8 ,\n::1, "] {
            assert_eq!(Network::parse_list(text).as_ref(), Ok(&both), "{text}");
        }
        assert_eq!(Network::parse_list("::1,x"), Err(("x".to_owned(), NetworkError::Address)));
    }
}

//! Where the server is, and how what is asked is spelled.

use cardea_protocol::wire::Host;

use super::RelyingPartyError;

/// Longest prefix before `/token`, in bytes.
const PREFIX_MAX: usize = 200;

/// Scheme, host and port of the server, and a path before `/token` where a proxy wants one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    prefix: String,
}

impl Base {
    /// Reads `https://host[:port][/prefix]`, or the same with `http` for this machine, or for any with `allow_http`.
    pub(super) fn parse(text: &str, allow_http: bool) -> Result<Self, RelyingPartyError> {
        let wrong = RelyingPartyError::Setup;
        let (scheme, rest) = text
            .split_once("://")
            .ok_or(wrong("the address of the server begins with https://, for example https://id.example"))?;
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong("the address of the server begins with https://")),
        };
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of a bracketed address is not a port's.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let host = host.to_ascii_lowercase();
        let checked = Host::new(&host).map_err(|_| wrong("the address of the server has no host that could be one"))?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port {
            None => Some(if is_tls { 443 } else { 80 }),
            Some(port) => port.parse().ok().filter(|_| is_number(port)),
        };
        let port = port.filter(|port| *port != 0).ok_or(wrong("the port of the server is not one"))?;
        if !is_tls && !allow_http && !checked.is_loopback() {
            return Err(wrong("http would show the authkey to the network: use https"));
        }
        let prefix = prefix.trim_end_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let is_segment =
            |segment: &str| !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_plain);
        if prefix.len() > PREFIX_MAX || !prefix.split('/').skip(1).all(is_segment) {
            return Err(wrong("the path in the address of the server is not plain: leave it out"));
        }
        Ok(Self { is_tls, host, port, prefix: prefix.to_owned() })
    }

    /// The value of the header `Host`.
    pub(super) fn authority(&self) -> String {
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The host without the brackets of an IPv6 address.
    pub(super) fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// The target of a GET: each value percent-encoded, so that none can become something else.
    pub(super) fn target(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut target = format!("{}{path}", self.prefix);
        for (at, (name, value)) in query.iter().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            encode(value, &mut target);
        }
        target
    }
}

fn encode(value: &str, target: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            target.push(byte.into());
        } else {
            target.push('%');
            target.push(DIGITS[usize::from(byte >> 4)].into());
            target.push(DIGITS[usize::from(byte & 15)].into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Option<(bool, String, u16, String)> {
        let base = Base::parse(text, false).ok()?;
        Some((base.is_tls, base.host.clone(), base.port, base.target("/token/gate", &[])))
    }

    #[test]
    fn https_is_the_rule_and_http_is_for_this_machine_or_by_permission() {
        let gate = || "/token/gate".to_owned();
        assert_eq!(base("https://id.example"), Some((true, "id.example".to_owned(), 443, gate())));
        assert_eq!(base("https://ID.example:444/"), Some((true, "id.example".to_owned(), 444, gate())));
        assert_eq!(base("http://127.0.0.1:8420"), Some((false, "127.0.0.1".to_owned(), 8420, gate())));
        assert_eq!(base("http://[::1]:8420"), Some((false, "[::1]".to_owned(), 8420, gate())));
        assert_eq!(base("https://id.example/a/b-c/").unwrap().3, "/a/b-c/token/gate");
        assert_eq!(base("http://id.example"), None);
        assert_eq!(base("http://127.0.0.1.id.example"), None);
        assert!(Base::parse("http://id.example", true).is_ok());
        for text in [
            "",
            "id.example",
            "ftp://id.example",
            "HTTPS://id.example",
            "https://",
            "https:///",
            "https://user@id.example",
            "https://id.example@evil.example",
            "https://id.example:0",
            "https://id.example:",
            "https://id.example:+443",
            "https://id.example:65536",
            "https://id.example?x",
            "https://id.example#x",
            "https://id.example/a/../b",
            "https://id.example//evil.example",
            "https://id.example/a b",
            "https://id.example/%2e",
            "https://id.example\r\nx",
            "https://id example",
        ] {
            assert!(Base::parse(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn no_value_becomes_another_parameter() {
        let base = Base::parse("https://id.example", false).unwrap();
        let target = base.target("/token/status", &[("id", "joe&service=x +%é\r\n#?/"), ("service", "a~b-c_d.e")]);
        assert_eq!(target, "/token/status?id=joe%26service%3Dx%20%2B%25%C3%A9%0D%0A%23%3F%2F&service=a~b-c_d.e");
    }

    #[test]
    fn the_port_is_named_where_it_is_not_the_usual_one() {
        let authority = |text: &str| Base::parse(text, true).unwrap().authority();
        assert_eq!(authority("https://id.example:443"), "id.example");
        assert_eq!(authority("http://id.example:80"), "id.example");
        assert_eq!(authority("http://id.example:443"), "id.example:443");
        assert_eq!(authority("https://[::1]:80"), "[::1]:80");
    }
}

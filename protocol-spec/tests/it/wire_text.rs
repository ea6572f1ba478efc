//! What people type, scan and paste: links, QR texts, typed codes, hosts. All of it may be hostile.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::wire::{CodeError, Host, LINK_TEXT_MAX, Link, LinkError, TypedCode};

use crate::pair::Seeded;
use crate::wire_oracle::{link, link_text};

const PAYLOAD_HOST: usize = 76;

/// The payload as the specification lays it out, for a link that says it enrolls with `host`.
fn payload(host: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 9];
    bytes.extend([0x81, 2, 3, 4, 5, 6, 7, 8]);
    bytes.extend([0xab; 32]);
    bytes.extend([0xcd; 32]);
    bytes.extend(8421_u16.to_le_bytes());
    bytes.push(u8::try_from(host.len()).unwrap());
    bytes.extend(host);
    bytes
}

/// Base64url without padding, written here a second time.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[usize::try_from(word >> (18 - 6 * place) & 63).unwrap()]));
        }
    }
    text
}

fn uri(payload: &[u8]) -> String {
    format!("cardea:{}", base64url(payload))
}

fn refused(text: &str) -> LinkError {
    Link::parse(text).expect_err(text)
}

fn same(one: &Link, other: &Link) -> bool {
    (one.epoch, one.id, one.server_key, one.port, one.host)
        == (other.epoch, other.id, other.server_key, other.port, other.host)
        && one.code == other.code
}

#[test]
fn link_layout() {
    assert_eq!(link_text(), uri(&payload(b"id.example")));
    let mut https = String::new();
    link().write_https("https://id.example", &mut https).unwrap();
    assert_eq!(https, format!("https://id.example/e#{}", base64url(&payload(b"id.example"))));
    assert_eq!(payload(b"").len(), PAYLOAD_HOST + 1);
}

#[test]
fn every_form_of_a_link_is_the_same_link() {
    let text = base64url(&payload(b"id.example"));
    let forms = [
        format!("https://id.example/e#{text}"),
        format!("https://id.example:8420/e#{text}"),
        format!("cardea:{text}"),
        format!("  \n\tcardea:{text}\r\n"),
    ];
    for form in forms {
        assert!(same(&Link::parse(&form).unwrap(), &link()), "{form}");
    }
}

#[test]
fn a_plain_http_link_is_for_this_machine_only() {
    for host in ["localhost", "127.0.0.1", "127.9.8.7", "[::1]"] {
        let text = base64url(&payload(host.as_bytes()));
        for port in ["", ":8420"] {
            let parsed = Link::parse(&format!("http://{host}{port}/e#{text}")).unwrap();
            assert!(parsed.host.is_loopback() && parsed.host.as_str() == host);
        }
    }
    for host in
        ["id.example", "localhost.example", "127.0.0.1.example", "128.0.0.1", "127.0.0.256", "[::2]", "127.1", "1"]
    {
        let text = base64url(&payload(host.as_bytes()));
        assert_eq!(refused(&format!("http://{host}/e#{text}")), LinkError::Insecure, "{host}");
    }
}

#[test]
fn a_link_that_leads_elsewhere_than_it_enrolls_is_refused() {
    let text = base64url(&payload(b"id.example"));
    for authority in [
        "evil.example",
        "id.example.evil",
        "id.example@evil.example",
        "evil.example@id.example",
        "id.example:x",
        "id.example:",
        "id.example:1:2",
        "ID.EXAMPLE",
        "id.example.",
        "id.example/x",
        "",
    ] {
        assert_eq!(refused(&format!("https://{authority}/e#{text}")), LinkError::HostMismatch, "{authority}");
    }
}

#[test]
fn what_is_no_link_is_refused() {
    let text = base64url(&payload(b"id.example"));
    for bad in [
        String::new(),
        " ".to_owned(),
        text.clone(),
        format!("https://id.example/#{text}"),
        format!("https://id.example/e?{text}"),
        format!("https://id.example/E#{text}"),
        format!("HTTPS://id.example/e#{text}"),
        format!("ftp://id.example/e#{text}"),
        format!("Cardea:{text}"),
        format!("javascript:{text}"),
        "https://".to_owned(),
        "http://".to_owned(),
        "x".repeat(LINK_TEXT_MAX + 1),
        format!("cardea:{}", "A".repeat(LINK_TEXT_MAX)),
    ] {
        assert_eq!(refused(&bad), LinkError::Form, "{bad}");
    }
    for bad in [
        "cardea:".to_owned(),
        format!("cardea:{text}="),
        format!("cardea:{text}A"),
        format!("cardea:{}+", &text[..text.len() - 1]),
        format!("cardea:{}/", &text[..text.len() - 1]),
        format!("cardea:{} {}", &text[..9], &text[9..]),
        format!("cardea:{}é", &text[..text.len() - 2]),
        format!("cardea:{text}#x"),
        format!("cardea://{text}"),
        format!("cardea:{}", "A".repeat(600)),
    ] {
        assert!(matches!(refused(&bad), LinkError::Encoding | LinkError::Version), "{bad}");
    }
}

#[test]
fn base64_has_one_form() {
    // 87 bytes end on a whole group; these end with bits to spare, which must be zero.
    for host in [&b"a.example"[..], b"ab.example.a"] {
        let text = base64url(&payload(host));
        let good = format!("cardea:{text}");
        Link::parse(&good).unwrap();
        let last = good.len() - 1;
        let mut accepted = 0;
        for byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
            let mut other = good.clone().into_bytes();
            other[last] = *byte;
            let other = String::from_utf8(other).unwrap();
            if let Ok(link) = Link::parse(&other) {
                let mut again = String::new();
                link.write_uri(&mut again).unwrap();
                assert_eq!(again, other, "one text for one link");
                accepted += 1;
            }
        }
        assert!(accepted < 64);
    }
}

#[test]
fn link_fields_out_of_range_are_refused() {
    let with = |at: usize, value: u8| {
        let mut bytes = payload(b"id.example");
        bytes[at] = value;
        refused(&uri(&bytes))
    };
    assert_eq!(with(0, 0), LinkError::Version);
    assert_eq!(with(0, 2), LinkError::Version);
    assert_eq!(with(2, 0x01), LinkError::Field);
    let mut no_port = payload(b"id.example");
    no_port[74..76].fill(0);
    assert_eq!(refused(&uri(&no_port)), LinkError::Field);
    // Longer and shorter than it says.
    assert_eq!(with(PAYLOAD_HOST, 11), LinkError::Encoding);
    assert_eq!(with(PAYLOAD_HOST, 9), LinkError::Field);
    assert_eq!(with(PAYLOAD_HOST, 0), LinkError::Field);
    for host in [&b""[..], b"\xff\xfe", "ü.example".as_bytes(), b"a b", b"a/b", b"a@b", b"a#b", b"a\0b"] {
        assert_eq!(refused(&uri(&payload(host))), LinkError::Field);
    }
}

#[test]
fn links_of_every_length_of_host_come_back() {
    for length in 1..=253 {
        let mut host = "a".repeat(length);
        for at in (10..length).step_by(20) {
            if at + 1 < length {
                host.replace_range(at..=at, ".");
            }
        }
        let text = uri(&payload(host.as_bytes()));
        assert!(text.len() <= LINK_TEXT_MAX);
        let parsed = Link::parse(&text).unwrap();
        assert_eq!(parsed.host.as_str(), host);
        let mut again = String::new();
        parsed.write_uri(&mut again).unwrap();
        assert_eq!(again, text);
    }
}

#[test]
fn hosts() {
    for good in
        ["a", "id.example", "xn--bcher-kva.example", "1.2.3.4", "[::1]", "[2001:db8::7]", "[::ffff:1.2.3.4]", "a-b.c"]
    {
        assert_eq!(Host::new(good).map(|host| host.as_str() == good), Ok(true), "{good}");
    }
    let long = "a".repeat(254);
    let label = format!("{}.example", "a".repeat(64));
    for bad in [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-a",
        "a-",
        "a.-b",
        "A",
        "a_b",
        "a:1",
        "id.example:8421",
        "::1",
        "[]",
        "[::1",
        "::1]",
        "[::1]:1",
        "[::g]",
        "[1.2.3.4]",
        "[::1%eth0]",
        "[::FFFF:0:0]",
        "a[",
        "user@a",
        "a/b",
        "a?b",
        "ü",
        " a",
        "a\n",
        &long,
        &label,
    ] {
        assert_eq!(Host::new(bad).err(), Some(LinkError::Field), "{bad}");
    }
}

#[test]
fn link_ids_and_code_ids_never_meet() {
    let mut random = Seeded::new(1);
    for _ in 0..200 {
        assert!(Link::generate_id(&mut random)[0] >= 0x80);
        let id = TypedCode::generate(&mut random).id();
        assert!(id[0] < 0x80 && id[4..] == [0; 4]);
    }
}

#[test]
fn secrets_of_links_and_codes_make_different_keys() {
    let link = link();
    assert!(link.psk::<Dalek>() == Dalek::derive(&[], &[&[0xab; 32]], &[b"cardea1 enroll"]));
    let code = TypedCode::parse("4F7K-2MQ8ZT").unwrap();
    assert_eq!(&code.id(), b"4F7K\0\0\0\0");
    assert!(code.psk::<Dalek>() == Dalek::derive(&[], &[b"2MQ8ZT"], &[b"cardea1 code"]));
}

#[test]
fn typed_codes_as_people_type_them() {
    for text in ["4F7K-2MQ8ZT", "4f7k2mq8zt", " 4F7K 2MQ8ZT ", "4-F-7-K-2-M-Q-8-Z-T", "4f7K--2mQ8zT"] {
        assert_eq!(TypedCode::parse(text).unwrap().text().expose(), b"4F7K-2MQ8ZT", "{text}");
    }
    assert_eq!(TypedCode::parse("OoIiL-lOOOOO").err(), Some(CodeError::Length));
    assert_eq!(TypedCode::parse("OoIi-LlOOOO").unwrap().text().expose(), b"0011-110000");
}

#[test]
fn what_is_no_code_is_refused() {
    for text in ["", "-", "          ", "4F7K2MQ8Z", "4F7K2MQ8ZTT", "123456", &"4".repeat(10_000)] {
        assert_eq!(TypedCode::parse(text).err(), Some(CodeError::Length), "{text}");
    }
    for text in
        ["4F7K-2MQ8ZU", "4F7K-2MQ8Z!", "4F7K_2MQ8ZT", "4F7K\t2MQ8ZT", "4F7K-2MQ8Z٣", "４F7K-2MQ8ZT", "4F7K-2MQ8Z\0"]
    {
        assert_eq!(TypedCode::parse(text).err(), Some(CodeError::Character), "{text}");
    }
    for byte in 0..=255_u8 {
        let text = format!("4F7K2MQ8Z{}", char::from(byte));
        let good = byte.is_ascii_alphanumeric() && !matches!(byte, b'u' | b'U');
        assert_eq!(TypedCode::parse(&text).is_ok(), good, "{byte:#04x}");
    }
}

#[test]
fn generated_codes_come_back_and_use_the_whole_alphabet() {
    let mut random = Seeded::new(2);
    let mut seen = [false; 256];
    for _ in 0..200 {
        let code = TypedCode::generate(&mut random);
        let text = code.text();
        let text = core::str::from_utf8(text.expose()).unwrap();
        let again = TypedCode::parse(text).unwrap();
        assert_eq!(again.id(), code.id());
        assert!(again.psk::<Dalek>() == code.psk::<Dalek>());
        for byte in text.bytes() {
            seen[usize::from(byte)] = true;
        }
    }
    assert_eq!(seen.iter().filter(|seen| **seen).count(), 33);
}

#[test]
fn secrets_are_not_printed() {
    let code = TypedCode::parse("4F7K-2MQ8ZT").unwrap();
    assert_eq!(format!("{code:?}"), "TypedCode([redacted])");
    let printed = format!("{:?}", link());
    assert!(!printed.contains("171") && !printed.contains("ab, ") && printed.contains("id.example"), "{printed}");
}

use tokio::io::AsyncWriteExt as _;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)), 4711);

fn trusted() -> Vec<Network> {
    vec!["10.0.0.0/8".parse().expect("a network")]
}

/// What comes of `bytes`, sent by a trusted proxy that then closes; and what is left for whoever reads next.
async fn header(bytes: &[u8]) -> (Result<SocketAddr, ProxyError>, Vec<u8>) {
    let mut stream = bytes;
    let client = client(&mut stream, PEER, &trusted(), PATIENCE).await;
    (client, stream.to_vec())
}

async fn named(bytes: &[u8]) -> String {
    let mut with_more = bytes.to_vec();
    with_more.extend(b"more");
    let (client, rest) = header(&with_more).await;
    assert_eq!(rest, b"more", "nothing but the header is read");
    client.unwrap_or_else(|error| panic!("{bytes:?}: {error}")).to_string()
}

/// A header of version 2.
fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(body.len()).expect("short").to_be_bytes());
    bytes.extend(body);
    bytes
}

fn ipv4() -> Vec<u8> {
    vec![192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x34, 0x20, 0xe5]
}

fn ipv6() -> Vec<u8> {
    let mut body = "2001:db8::7".parse::<Ipv6Addr>().expect("an address").octets().to_vec();
    body.extend([0; 16]);
    body.extend([0x12, 0x34, 0x20, 0xe5]);
    body
}

#[tokio::test]
async fn lines_name_the_client() {
    assert_eq!(named(b"PROXY TCP4 192.0.2.1 198.51.100.1 4660 8421\r\n").await, "192.0.2.1:4660");
    assert_eq!(named(b"PROXY TCP6 2001:db8::7 ::1 4660 8421\r\n").await, "[2001:db8::7]:4660");
    let longest =
        b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    assert!(longest.len() <= LINE_MAX);
    assert_eq!(named(longest).await, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

#[tokio::test]
async fn binary_headers_name_the_client() {
    assert_eq!(named(&binary(0x21, 0x11, &ipv4())).await, "192.0.2.1:4660");
    assert_eq!(named(&binary(0x21, 0x21, &ipv6())).await, "[2001:db8::7]:4660");
    let mut extended = ipv4();
    extended.extend([0x04, 0, 3, 1, 2, 3]);
    assert_eq!(named(&binary(0x21, 0x11, &extended)).await, "192.0.2.1:4660");
    extended.resize(BODY_MAX, 0);
    assert_eq!(named(&binary(0x21, 0x11, &extended)).await, "192.0.2.1:4660");
}

#[tokio::test]
async fn a_proxy_that_speaks_for_itself_or_for_nobody_is_the_client() {
    let own = PEER.to_string();
    assert_eq!(named(b"PROXY UNKNOWN\r\n").await, own);
    assert_eq!(named(b"PROXY UNKNOWN ffff::1 what ever\r\n").await, own);
    assert_eq!(named(&binary(0x20, 0x11, &ipv4())).await, own);
    assert_eq!(named(&binary(0x20, 0x00, &[])).await, own);
    assert_eq!(named(&binary(0x21, 0x00, &[1, 2, 3])).await, own);
    assert_eq!(named(&binary(0x21, 0x31, &[0; 216])).await, own);
}

#[tokio::test]
async fn malformed_headers_are_refused() {
    let mut long = b"PROXY UNKNOWN ".to_vec();
    long.resize(LINE_MAX + 1, b'x');
    let mut too_long = ipv4();
    too_long.resize(BODY_MAX + 1, 0);
    let mut damaged = binary(0x21, 0x11, &ipv4());
    damaged[11] = 0;
    for bytes in [
        &b"GET /token/status HTTP/1.1\r\n\r\n"[..],
        &[0; 64],
        b"PROXY UNKNOWNX and more\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 4660\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 4660 8421 1\r\n",
        b"PROXY TCP4 192.0.2.1  198.51.100.1 4660 8421\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 04660 8421\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 +4660 8421\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 65536 8421\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 4660 8421\r\n",
        b"PROXY TCP6 192.0.2.1 198.51.100.1 4660 8421\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.1 4660 8421\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 4660 8421\n",
        b"proxy TCP4 192.0.2.1 198.51.100.1 4660 8421\r\n",
        b"PROXY TCP4 \xff92.0.2.1 198.51.100.1 4660 8421\r\n",
        &long,
        &damaged,
        &binary(0x11, 0x11, &ipv4()),
        &binary(0x22, 0x11, &ipv4()),
        &binary(0x21, 0x13, &ipv4()),
        &binary(0x21, 0x41, &ipv4()),
        &binary(0x21, 0x11, &ipv4()[..11]),
        &binary(0x21, 0x21, &ipv6()[..35]),
        &binary(0x21, 0x11, &too_long),
    ] {
        let (client, _) = header(bytes).await;
        assert!(matches!(client, Err(ProxyError::Malformed)), "{:?}: {client:?}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_header_that_is_cut_off_or_late_is_refused() {
    let whole = binary(0x21, 0x11, &ipv4());
    for end in 0..whole.len() {
        assert!(matches!(header(&whole[..end]).await.0, Err(ProxyError::Io(_))), "{end}");
    }
    tokio::time::pause();
    let (mut proxy, mut stream) = tokio::io::duplex(64);
    proxy.write_all(b"PROXY UNKN").await.expect("room");
    assert!(matches!(client(&mut stream, PEER, &trusted(), PATIENCE).await, Err(ProxyError::TimedOut)));
}

#[tokio::test]
async fn who_is_not_trusted_names_nobody_and_is_not_read() {
    let stranger: SocketAddr = "192.0.2.200:99".parse().expect("an address");
    let line = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n";
    let mut stream = &line[..];
    assert_eq!(client(&mut stream, stranger, &trusted(), PATIENCE).await.expect("no header needed"), stranger);
    assert_eq!(stream, line);
    assert_eq!(client(&mut stream, PEER, &[], PATIENCE).await.expect("nobody is trusted"), PEER);
    let dressed: SocketAddr = "[::ffff:10.0.0.9]:99".parse().expect("an address");
    assert_eq!(client(&mut stream, dressed, &trusted(), PATIENCE).await.expect("trusted").to_string(), "127.0.0.1:1");
}

//! All the patterns of the published vectors, read from the notation of the Noise specification.

use cardea_protocol::noise::{IK, KK_PSK0, Pattern, Token, XK_PSK3};

/// Name, static keys known beforehand (`i`, `r`), messages. Sections 7.4, 7.5 and 18.1 of the Noise specification.
const TABLE: &str = "
    N    | r  | e es
    K    | ir | e es ss
    X    | r  | e es s ss
    NN   |    | e      / e ee
    KN   | i  | e      / e ee se
    NK   | r  | e es   / e ee
    KK   | ir | e es ss / e ee se
    NX   |    | e      / e ee s es
    KX   | i  | e      / e ee se s es
    XN   |    | e      / e ee          / s se
    IN   |    | e s    / e ee se
    XK   | r  | e es   / e ee          / s se
    IK   | r  | e es s ss / e ee se
    XX   |    | e      / e ee s es     / s se
    IX   |    | e s    / e ee se s es
    NK1  | r  | e      / e ee es
    NX1  |    | e      / e ee s        / es
    X1N  |    | e      / e ee          / s       / se
    X1K  | r  | e es   / e ee          / s       / se
    XK1  | r  | e      / e ee es       / s se
    X1K1 | r  | e      / e ee es       / s       / se
    X1X  |    | e      / e ee s es     / s       / se
    XX1  |    | e      / e ee s        / es s se
    X1X1 |    | e      / e ee s        / es s    / se
    K1N  | i  | e      / e ee          / se
    K1K  | ir | e es   / e ee          / se
    KK1  | ir | e      / e ee se es
    K1K1 | ir | e      / e ee es       / se
    K1X  | i  | e      / e ee s es     / se
    KX1  | i  | e      / e ee se s     / es
    K1X1 | i  | e      / e ee s        / se es
    I1N  |    | e s    / e ee          / se
    I1K  | r  | e es s / e ee          / se
    IK1  | r  | e s    / e ee se es
    I1K1 | r  | e s    / e ee es       / se
    I1X  |    | e s    / e ee s es     / se
    IX1  |    | e s    / e ee se s     / es
    I1X1 |    | e s    / e ee s        / se es
";

/// The pattern of a full protocol name such as `Noise_XKpsk3_25519_ChaChaPoly_SHA256`.
pub(crate) fn pattern(protocol: &str) -> &'static Pattern {
    let name = protocol.split('_').nth(1).expect("a pattern name");
    let (base, modifier) = match name.split_once("psk") {
        Some((base, place)) => (base, Some(place.parse::<usize>().expect("a message number"))),
        None => (name, None),
    };
    let row = TABLE
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .find(|row| row[0] == base)
        .unwrap_or_else(|| panic!("no pattern {base}"));
    let mut messages: Vec<Vec<Token>> =
        row[2].split('/').map(|message| message.split_whitespace().map(token).collect()).collect();
    match modifier {
        Some(0) => messages[0].insert(0, Token::Psk),
        Some(place) => messages[place - 1].push(Token::Psk),
        None => {}
    }
    let messages: Vec<&'static [Token]> = messages.into_iter().map(|message| &*message.leak()).collect();
    Box::leak(Box::new(Pattern {
        name: protocol.to_owned().leak(),
        initiator_pre: row[1].contains('i'),
        responder_pre: row[1].contains('r'),
        messages: messages.leak(),
    }))
}

fn token(text: &str) -> Token {
    match text {
        "e" => Token::E,
        "s" => Token::S,
        "ee" => Token::Ee,
        "es" => Token::Es,
        "se" => Token::Se,
        "ss" => Token::Ss,
        other => panic!("no token {other}"),
    }
}

#[test]
fn patterns_of_the_product_are_those_of_the_specification() {
    for product in [&KK_PSK0, &XK_PSK3, &IK] {
        assert_eq!(product, pattern(product.name));
    }
}

#[test]
fn a_pattern_knows_its_kind() {
    let kind = |name: &str| {
        let pattern = pattern(&format!("Noise_{name}_25519_ChaChaPoly_SHA256"));
        (pattern.is_one_way(), pattern.has_psk())
    };
    assert_eq!(kind("N"), (true, false));
    assert_eq!(kind("Xpsk1"), (true, true));
    assert_eq!(kind("XX"), (false, false));
    assert_eq!(kind("XXpsk3"), (false, true));
}

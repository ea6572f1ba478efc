//! The form of events in their rows.

use super::*;

fn token() -> About {
    About::Token {
        service: 3,
        name: ServiceName::parse("default_demo").expect("valid"),
        token: TokenId::new([5; 16]),
        user: UserId::parse("jo\u{eb} 1").expect("valid"),
    }
}

fn at() -> UnixSeconds {
    UnixSeconds::new(1_800_000_000)
}

fn device() -> Actor {
    Actor::Device(DeviceId::new([0xff, 2, 3, 4]))
}

fn full() -> Event {
    Event {
        duress: true,
        duress_raised: true,
        tries_used_up: true,
        code: Some(Code::PinRejected),
        signed: Some(Signed { statement: vec![7; 122], signature: [8; 64], key: Some([9; 32]) }),
        confirmation: Some([1; 8]),
        ..Event::new(EventKind::ConfirmationAnswered, token(), device(), at())
    }
}

#[test]
fn an_event_is_read_as_it_was_written() {
    let service = About::Service { id: 1, name: ServiceName::parse("default_demo").expect("valid") };
    for event in [
        full(),
        Event::new(EventKind::Opened, token(), device(), at()),
        Event::new(EventKind::Blocked, token(), Actor::Authkey(u64::MAX), at()).with("reason", "lost phone"),
        Event::new(EventKind::ServiceCreated, service, Actor::Operator, at()).with("window", 60).with("x", Value::Null),
        Event::new(EventKind::SubscriptionCreated, About::Subscription("default".to_owned()), Actor::System, at()),
        Event::new(EventKind::InstanceRestored, About::Instance, Actor::Operator, at()),
        Event {
            device: Some(DeviceId::new([1; 4])),
            ..Event::new(EventKind::DeviceRevoked, token(), Actor::System, at())
        },
    ] {
        let content = event.encode().expect("fits");
        assert_eq!(Event::decode(content.bytes(), at()), Ok(event));
    }
}

#[test]
fn whatever_a_device_did_takes_as_many_bytes() {
    let length = |event: &Event| event.encode().expect("fits").bytes().len();
    let plain = Event::new(EventKind::Closed, token(), device(), at());
    assert_eq!(length(&plain), length(&full()));
    let signed = Some(Signed { statement: vec![7; 82], signature: [8; 64], key: None });
    assert_eq!(length(&plain), length(&Event { signed, ..plain.clone() }));
    assert!(plain.with("more", 1).encode().is_err(), "there is no room for what would show");
}

#[test]
fn what_does_not_fit_is_refused_and_not_cut() {
    let long = "x".repeat(DETAIL_MAX);
    assert!(Event::new(EventKind::Blocked, token(), Actor::Operator, at()).with("reason", long).encode().is_err());
    let signed = Some(Signed { statement: vec![0; 123], signature: [0; 64], key: None });
    assert!(Event { signed, ..full() }.encode().is_err());
}

#[test]
fn bytes_that_are_no_event_are_damaged() {
    let content = full().encode().expect("fits");
    for length in 0..content.bytes().len() {
        assert!(Event::decode(&content.bytes()[..length], at()).is_err(), "{length}");
    }
    let mut longer = content.bytes().to_vec();
    longer.push(b'x');
    assert!(Event::decode(&longer, at()).is_err());
    for byte in 0..content.bytes().len() {
        let mut changed = content.bytes().to_vec();
        changed[byte] ^= 0x81;
        // Nothing panics, and nothing else reads as the same event.
        assert_ne!(Event::decode(&changed, at()).ok(), Some(full()), "{byte}");
    }
}

#[test]
fn alerts_are_what_somebody_should_look_at() {
    let plain = Event::new(EventKind::Opened, token(), device(), at());
    assert!(!plain.is_alert());
    assert!(Event { duress_raised: true, ..plain.clone() }.is_alert());
    assert!(Event { tries_used_up: true, ..plain.clone() }.is_alert());
    assert!(Event { kind: EventKind::CloneProved, ..plain.clone() }.is_alert());
    assert!(!Event { duress: true, ..plain }.is_alert(), "known already");
}

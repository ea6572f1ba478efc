//! Codes as the server draws them, and pictures of them as people take them.

mod committed;
mod drawn;

use cardea_protocol::Secret;
use cardea_protocol::wire::{Host, Link};

use self::drawn::{Canvas, Shot};
use super::picture::FILE_MAX;
use super::*;
use crate::Invitation;

/// A link as servers make them; another `number` makes another one.
fn link(number: u8) -> String {
    let link = Link {
        epoch: 7,
        id: [0x80 | number; 8],
        code: Secret::new(std::array::from_fn(|at| u8::try_from(at * 37 % 256).unwrap() ^ number)),
        server_key: std::array::from_fn(|at| u8::try_from(at * 91 % 256).unwrap()),
        port: 8421,
        host: Host::new("id.example").unwrap(),
    };
    let mut text = String::new();
    link.write_https("https://id.example", &mut text).unwrap();
    text
}

/// What is read of a picture of one link, taken so.
fn reads(shot: &Shot) -> bool {
    let canvas = Canvas::of(&link(1), shot);
    let (png, jpeg) = (texts(&canvas.png()), texts(&canvas.jpeg(80)));
    let is_link = |found: Result<Vec<Zeroizing<String>>, ImageError>| {
        found.is_ok_and(|texts| texts.len() == 1 && *texts[0] == link(1))
    };
    is_link(png) && is_link(jpeg)
}

fn error(bytes: &[u8]) -> ImageError {
    match Invitation::from_qr_image(bytes) {
        Err(crate::WalletError::Image(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_picture_of_a_link_is_an_invitation() {
    let picture = Canvas::of(&link(1), &Shot::default()).png();
    let invitation = Invitation::from_qr_image(&picture).unwrap();
    assert_eq!(invitation.preview().host, "id.example");
}

#[test]
fn codes_are_read_at_every_size() {
    for module in [1.6, 2.0, 2.5, 3.0, 4.0, 5.0, 8.0, 15.0] {
        assert!(reads(&Shot { module, ..Shot::default() }), "{module}");
    }
}

#[test]
fn codes_are_read_at_every_turn() {
    for degrees in (0..360).step_by(30) {
        let turn = f64::from(degrees).to_radians();
        assert!(reads(&Shot { turn, module: 4.0, ..Shot::default() }), "{degrees}");
    }
}

#[test]
fn codes_are_read_from_an_angle() {
    for tilt in [0.1, 0.2, 0.3] {
        for turn in [0.0, 0.5, 2.0, 4.0] {
            let shot = Shot { tilt, turn, module: 5.0, ..Shot::default() };
            assert!(reads(&shot), "{tilt} {turn}");
        }
    }
}

#[test]
fn codes_are_read_in_bad_light_with_noise_and_blur() {
    for (noise, shadow, blur) in [(60, 0.0, 0), (0, 0.6, 0), (0, 0.0, 1), (30, 0.4, 1)] {
        let shot = Shot { noise, shadow, blur, module: 5.0, turn: 0.2, tilt: 0.1, ..Shot::default() };
        assert!(reads(&shot), "{noise} {shadow} {blur}");
    }
}

#[test]
fn a_photograph_is_read_with_everything_at_once() {
    let shot =
        Shot { module: 6.0, turn: 0.3, tilt: 0.2, noise: 24, shadow: 0.4, blur: 1, clutter: true, ..Shot::default() };
    assert!(reads(&shot));
}

#[test]
fn light_codes_on_dark_are_read() {
    assert!(reads(&Shot { inverse: true, ..Shot::default() }));
}

#[test]
fn the_smallest_and_the_largest_codes_are_read() {
    for text in ["cardea:".to_owned(), "x".repeat(300), "y".repeat(1000)] {
        let shot = Shot { module: 3.0, ..Shot::default() };
        let found = texts(&Canvas::of(&text, &shot).png()).unwrap();
        assert_eq!(found.iter().map(|found| found.as_str()).collect::<Vec<_>>(), [text.as_str()]);
    }
}

#[test]
fn every_form_of_a_file_is_read() {
    let canvas = Canvas::of(&link(1), &Shot { module: 3.0, ..Shot::default() });
    for png in canvas.pngs() {
        assert_eq!(*texts(&png).unwrap()[0], link(1));
    }
    for quality in [30, 60, 95] {
        assert_eq!(*texts(&canvas.jpeg(quality)).unwrap()[0], link(1), "{quality}");
    }
    assert_eq!(*texts(&canvas.progressive_jpeg()).unwrap()[0], link(1));
}

#[test]
fn of_several_codes_the_one_invitation_counts_and_two_do_not() {
    let shot = Shot { module: 3.0, ..Shot::default() };
    let picture = |texts: &[&str]| Canvas::beside(texts.iter().map(|text| Canvas::of(text, &shot))).png();
    let (one, two) = (link(1), link(2));
    let invitation = Invitation::from_qr_image(&picture(&["https://shop.example/menu", &one])).unwrap();
    assert_eq!(invitation.preview().host, "id.example");
    assert!(Invitation::from_qr_image(&picture(&[&one, &one])).is_ok(), "the same one twice is one");
    assert_eq!(error(&picture(&[&one, &two])), ImageError::Several);
    assert_eq!(error(&picture(&["https://shop.example/menu", "WIFI:S:x;;"])), ImageError::NoInvitation);
}

#[test]
fn what_is_no_picture_of_a_code_says_what_it_is() {
    assert_eq!(error(b""), ImageError::Format);
    assert_eq!(error(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), ImageError::Format);
    assert_eq!(error(b"GIF89a\x01\x00\x01\x00"), ImageError::Format);
    assert_eq!(error(&Canvas::blank(300, 300).png()), ImageError::NoCode);
    assert_eq!(error(&Canvas::blank(1, 1).png()), ImageError::NoCode);
    assert_eq!(error(&Canvas::blank(3, 900).jpeg(80)), ImageError::NoCode);
    assert_eq!(error(&vec![0; FILE_MAX + 1]), ImageError::TooLarge);
}

#[test]
fn a_file_that_was_cut_short_is_damaged_wherever_it_was_cut() {
    let canvas = Canvas::of(&link(1), &Shot { module: 2.0, ..Shot::default() });
    for file in [canvas.png(), canvas.jpeg(80)] {
        for length in (8..file.len() - 16).step_by(211) {
            let error = error(&file[..length]);
            assert!(matches!(error, ImageError::Damaged | ImageError::NoCode), "{length}: {error:?}");
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let canvas = Canvas::of(&link(1), &Shot { module: 2.0, ..Shot::default() });
    let mut random = drawn::Random(7);
    for file in [canvas.png(), canvas.jpeg(80)] {
        for _ in 0..15 {
            let mut changed = file.clone();
            for _ in 0..4 {
                let at = usize::try_from(random.next()).unwrap() % changed.len();
                changed[at] = u8::try_from(random.next() & 0xff).unwrap();
            }
            let _ = Invitation::from_qr_image(&changed);
        }
    }
}

#[test]
fn pictures_that_claim_to_be_huge_are_refused_by_their_claim() {
    // A header alone: nothing that follows would be read.
    for (width, height) in [(100_000, 100_000), (u32::MAX >> 1, 1), (4_097, 4_096), (1, 20_000)] {
        assert_eq!(error(&drawn::png_header(width, height)), ImageError::TooLarge, "{width} {height}");
    }
    for (width, height) in [(65_535, 65_535), (16_000, 16_000)] {
        let error = error(&drawn::jpeg_header(width, height));
        assert!(matches!(error, ImageError::TooLarge | ImageError::Damaged), "{width} {height}: {error:?}");
    }
}

#[test]
fn a_bomb_is_one_picture_and_no_more() {
    // Much in a few bytes, within what is allowed: searched, and nothing found.
    let canvas = Canvas::blank(1_200, 1_000);
    let bomb = canvas.png();
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    assert_eq!(error(&bomb), ImageError::NoCode);
    // The same with a text that unpacks to more than any picture: not unpacked.
    let canvas = Canvas::of(&link(1), &Shot::default());
    assert!(texts(&canvas.png_with_bomb()).is_ok_and(|texts| *texts[0] == link(1)));
}

#[test]
fn pictures_full_of_squares_take_bounded_work() {
    let (mut readings, mut budget) = (0, Budget::new(WAYS.len()));
    let canvas = Canvas::squares(330, 330, 14);
    let picture = Picture::read(&canvas.png()).unwrap();
    for way in WAYS {
        budget.begin_way();
        locate::codes(&Bits::new(&picture, way), &mut budget, |side, sample| {
            readings += 1;
            assert!((21..=177).contains(&side));
            sample(side - 1, side - 1);
            false
        });
    }
    assert!(readings <= 160);
    assert_eq!(error(&canvas.png()), ImageError::NoCode);
}

#[test]
fn noise_is_no_code() {
    for seed in 0..2 {
        assert_eq!(error(&Canvas::noise(200, 150, seed).png()), ImageError::NoCode);
    }
}

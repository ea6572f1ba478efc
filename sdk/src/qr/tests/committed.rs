//! The pictures of `ffi/conformance`, which every language reads: drawn here, and compared with those that are committed.

use std::fs;
use std::path::Path;

use super::drawn::{Canvas, Shot, jpeg_header, png_header};
use super::link;

fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let shot = Shot { module: 2.0, ..Shot::default() };
    let drawn = |text: &str| Canvas::of(text, &shot);
    let (one, two, address) = (drawn(&link(1)), drawn(&link(2)), drawn("https://shop.example/menu"));
    let beside = |canvases: &[&Canvas]| Canvas::beside(canvases.iter().map(|canvas| (*canvas).clone()));
    let (png, jpeg) = (one.png(), one.jpeg(80));
    let half = |file: &[u8]| file[..file.len() / 2].to_vec();
    vec![
        ("address.png", address.png()),
        ("beside.png", beside(&[&address, &one]).png()),
        ("blank.png", Canvas::blank(60, 60).png()),
        ("cut.jpg", half(&jpeg)),
        ("cut.png", half(&png)),
        ("empty.png", Vec::new()),
        ("huge.jpg", jpeg_header(60_000, 60_000)),
        ("huge.png", png_header(60_000, 60_000)),
        ("link.jpg", jpeg),
        ("link.png", png),
        ("text.png", b"no picture\n".to_vec()),
        ("two.png", beside(&[&one, &two]).png()),
    ]
}

#[test]
fn the_pictures_that_every_language_reads_are_those_drawn_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (folder, drawn) = (root.join("ffi/conformance/pictures"), root.join("target/pictures"));
    let pictures = pictures();
    let mut committed: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    committed.sort();
    let differs = |(name, bytes): &&(&str, Vec<u8>)| fs::read(folder.join(name)).ok().as_ref() != Some(bytes);
    let different: Vec<&str> = pictures.iter().filter(differs).map(|(name, _)| *name).collect();
    if !different.is_empty() {
        fs::create_dir_all(&drawn).unwrap();
        for (name, bytes) in &pictures {
            fs::write(drawn.join(name), bytes).unwrap();
        }
    }
    assert!(different.is_empty(), "{different:?} are others; those drawn here are in target/pictures");
    assert_eq!(committed, pictures.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

//! QR codes with any modules between the squares that make them codes: what is read of one must be no text that panics.
#![no_main]

use cardea_sdk::{Invitation, WalletError};
use libfuzzer_sys::fuzz_target;

const MODULE: usize = 3;
const QUIET: usize = 4;

/// Whether the module belongs to what every code has: black or white; `None` where the content is.
fn fixed(side: usize, column: usize, row: usize) -> Option<bool> {
    let corners = [(3, 3), (side - 4, 3), (3, side - 4)];
    for (x, y) in corners {
        let ring = column.abs_diff(x).max(row.abs_diff(y));
        if ring <= 4 {
            return Some(ring != 2 && ring != 4);
        }
    }
    let ring = column.abs_diff(side - 7).max(row.abs_diff(side - 7));
    if side > 21 && ring <= 2 {
        return Some(ring != 1);
    }
    if column == 6 || row == 6 { Some((column + row) % 2 == 0) } else { None }
}

fuzz_target!(|data: &[u8]| {
    let Some((size, content)) = data.split_first() else { return };
    // Up to somewhat larger than the codes of links.
    let side = 21 + 4 * usize::from(size % 8);
    let bit = |at: usize| content.get(at / 8 % content.len().max(1)).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let pixels = (side + 2 * QUIET) * MODULE;
    let mut gray = vec![255; pixels * pixels];
    for row in 0..side {
        for column in 0..side {
            if fixed(side, column, row).unwrap_or_else(|| bit(row * side + column)) {
                for y in 0..MODULE {
                    let start = ((row + QUIET) * MODULE + y) * pixels + (column + QUIET) * MODULE;
                    gray[start..start + MODULE].fill(0);
                }
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixels as u32, pixels as u32);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().expect("a header that fits");
    writer.write_image_data(&gray).expect("as many pixels as were said");
    writer.finish().expect("a vector takes everything");
    match Invitation::from_qr_image(&file) {
        Ok(_) | Err(WalletError::Image(_)) => {}
        Err(other) => panic!("{other}"),
    }
});

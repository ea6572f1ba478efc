//! Texts of QR codes in pictures. Pictures come from strangers: everything here takes bounded memory and time.
//!
//! Finding the code is our own work, because the libraries that do it spend time without bounds on pictures that were made
//! for that. Error correction and the text are `rqrr`'s.

mod binary;
mod finders;
mod geometry;
mod locate;
mod picture;

use rqrr::{Grid, SimpleGrid};
use zeroize::Zeroizing;

use self::binary::{Bits, Way};
use self::locate::Budget;
use self::picture::Picture;
use crate::invitation::ImageError;

/// More codes than anybody puts into one picture.
const CODES_MAX: usize = 8;

/// Ways to tell black from white, tried until one finds a code.
const WAYS: [Way; 5] = [Way::Local(8), Way::Global, Way::Local(3), Way::Inverse, Way::Local(24)];

/// The texts of all codes in a PNG or JPEG picture, at least one.
pub(crate) fn texts(bytes: &[u8]) -> Result<Vec<Zeroizing<String>>, ImageError> {
    let picture = Picture::read(bytes)?;
    let mut budget = Budget::new(WAYS.len());
    let mut seen: Vec<Bits> = Vec::new();
    for way in WAYS {
        budget.begin_way();
        let bits = Bits::new(&picture, way);
        // Drawings look the same in most ways.
        if seen.contains(&bits) {
            continue;
        }
        let texts = texts_in(&bits, &mut budget);
        if !texts.is_empty() {
            return Ok(texts);
        }
        seen.push(bits);
    }
    Err(ImageError::NoCode)
}

fn texts_in(bits: &Bits, budget: &mut Budget) -> Vec<Zeroizing<String>> {
    let mut texts: Vec<Zeroizing<String>> = Vec::new();
    locate::codes(bits, budget, |side, sample| {
        let grid = SimpleGrid::from_func(side, sample);
        let Ok((_, text)) = Grid::new(grid).decode() else { return false };
        let text = Zeroizing::new(text);
        if texts.len() < CODES_MAX && !texts.contains(&text) {
            texts.push(text);
        }
        true
    });
    texts
}

#[cfg(test)]
mod tests;

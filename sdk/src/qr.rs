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
use self::picture::Picture;
use crate::invitation::ImageError;

/// More codes than anybody puts into one picture.
const CODES_MAX: usize = 8;

/// Ways to tell black from white, tried until one finds a code.
const WAYS: [Way; 5] = [Way::Local(8), Way::Global, Way::Local(3), Way::Inverse, Way::Local(24)];

/// The texts of all codes in a PNG or JPEG picture, at least one.
pub(crate) fn texts(bytes: &[u8]) -> Result<Vec<Zeroizing<String>>, ImageError> {
    let picture = Picture::read(bytes)?;
    let found = WAYS.iter().map(|way| texts_in(&Bits::new(&picture, *way))).find(|texts| !texts.is_empty());
    found.ok_or(ImageError::NoCode)
}

fn texts_in(bits: &Bits) -> Vec<Zeroizing<String>> {
    let mut texts: Vec<Zeroizing<String>> = Vec::new();
    locate::codes(bits, |side, sample| {
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

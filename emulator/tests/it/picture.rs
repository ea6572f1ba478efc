//! Pictures of what is seen.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A channel that is off by more than this is seen to be.
const SEEN: u8 = 48;

/// Three bytes for each point, from the top left.
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    pub(crate) fn read(path: &Path) -> Self {
        let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        pixels.truncate(info.buffer_size());
        Self { width: info.width, height: info.height, pixels }
    }

    pub(crate) fn write(&self, path: &Path) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        encoder.write_header().unwrap().write_image_data(&self.pixels).unwrap();
    }

    /// How many colors there are.
    pub(crate) fn colors(&self) -> usize {
        self.pixels.chunks_exact(3).collect::<HashSet<_>>().len()
    }

    /// How much of it is seen to be otherwise, from 0 to 1: all of it, where the other one has another size.
    pub(crate) fn differs(&self, other: &Self) -> f64 {
        if (self.width, self.height) != (other.width, other.height) {
            return 1.0;
        }
        let points = self.pixels.chunks_exact(3).zip(other.pixels.chunks_exact(3));
        let is_otherwise = |(one, other): &(&[u8], &[u8])| {
            one.iter().zip(other.iter()).any(|(one, other)| one.abs_diff(*other) > SEEN)
        };
        let otherwise = points.filter(is_otherwise).count();
        otherwise as f64 / f64::from(self.width * self.height)
    }
}

//! PNG and JPEG files as shades of gray.

use std::io::Cursor;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::invitation::ImageError;

/// Longest file in bytes.
pub(super) const FILE_MAX: usize = 16 << 20;
/// Most pixels of a picture.
pub(super) const PIXELS_MAX: usize = 16 << 20;
/// Longest side in pixels.
const SIDE_MAX: usize = 16_384;
/// Pixels that are searched; larger pictures are shrunk first.
const SEARCHED_MAX: usize = 4 << 20;
/// What a PNG may take beside its pixels, in bytes.
const CHUNKS_MAX: usize = 8 << 20;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Shades of gray, row by row; 0 is black.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) gray: Vec<u8>,
}

impl Picture {
    /// Reads a file. Its own claims about its size are checked before anything is allocated for it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImageError> {
        if bytes.len() > FILE_MAX {
            return Err(ImageError::TooLarge);
        }
        let picture = if bytes.starts_with(PNG) {
            png(bytes)?
        } else if bytes.starts_with(JPEG) {
            jpeg(bytes)?
        } else {
            return Err(ImageError::Format);
        };
        Ok(picture.shrunk())
    }

    fn new(width: usize, height: usize, gray: Vec<u8>) -> Result<Self, ImageError> {
        if width.checked_mul(height) != Some(gray.len()) || gray.is_empty() {
            return Err(ImageError::Damaged);
        }
        Ok(Self { width, height, gray })
    }

    /// Averages squares of pixels until few enough are left.
    fn shrunk(self) -> Self {
        let factor = (1..).find(|by| self.gray.len() / (by * by) <= SEARCHED_MAX).unwrap_or(1);
        if factor == 1 {
            return self;
        }
        let (width, height) = (self.width / factor, self.height / factor);
        let mut gray = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let rows = (y * factor..(y + 1) * factor).map(|row| row * self.width + x * factor);
                let sum: usize =
                    rows.flat_map(|start| &self.gray[start..start + factor]).map(|shade| usize::from(*shade)).sum();
                gray.push(u8::try_from(sum / (factor * factor)).unwrap_or(u8::MAX));
            }
        }
        Self { width, height, gray }
    }
}

fn fits(width: usize, height: usize) -> Result<(), ImageError> {
    let pixels = width.checked_mul(height).filter(|pixels| *pixels <= PIXELS_MAX);
    if pixels.is_some() && width.max(height) <= SIDE_MAX { Ok(()) } else { Err(ImageError::TooLarge) }
}

fn png(bytes: &[u8]) -> Result<Picture, ImageError> {
    let damaged = |error: png::DecodingError| match error {
        png::DecodingError::LimitsExceeded => ImageError::TooLarge,
        _ => ImageError::Damaged,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: CHUNKS_MAX });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let info = decoder.read_header_info().map_err(damaged)?;
    let size = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    let (width, height) = (size(info.width), size(info.height));
    fits(width, height)?;
    // What the pixels take was just found small enough.
    decoder.set_limits(png::Limits { bytes: CHUNKS_MAX + 4 * PIXELS_MAX });
    let mut reader = decoder.read_info().map_err(damaged)?;
    let length = reader.output_buffer_size().filter(|length| *length <= 4 * PIXELS_MAX).ok_or(ImageError::TooLarge)?;
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
    pixels.truncate(frame.buffer_size());
    let gray = match frame.color_type {
        png::ColorType::Grayscale => pixels,
        png::ColorType::GrayscaleAlpha => each(&pixels, |[shade, alpha]| on_white(shade, alpha)),
        png::ColorType::Rgb => each(&pixels, luma),
        png::ColorType::Rgba => each(&pixels, |[red, green, blue, alpha]| on_white(luma([red, green, blue]), alpha)),
        png::ColorType::Indexed => return Err(ImageError::Damaged),
    };
    Picture::new(width, height, gray)
}

fn each<const N: usize>(pixels: &[u8], shade: impl Fn([u8; N]) -> u8) -> Vec<u8> {
    pixels.as_chunks::<N>().0.iter().map(|pixel| shade(*pixel)).collect()
}

fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    u8::try_from(sum / 1_000).unwrap_or(u8::MAX)
}

/// As on a white page: codes with transparent gaps are drawn for one.
fn on_white(shade: u8, alpha: u8) -> u8 {
    let (shade, alpha) = (u32::from(shade), u32::from(alpha));
    u8::try_from((shade * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

fn jpeg(bytes: &[u8]) -> Result<Picture, ImageError> {
    let options = DecoderOptions::default()
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| ImageError::Damaged)?;
    let (width, height) = decoder.dimensions().ok_or(ImageError::Damaged)?;
    fits(width, height)?;
    let gray = decoder.decode().map_err(|_| ImageError::Damaged)?;
    Picture::new(width, height, gray)
}

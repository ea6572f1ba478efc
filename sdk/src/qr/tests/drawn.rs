//! Pictures to be read: codes drawn as the server draws them, then turned, tilted, shaded and blurred.

use qrcode::{Color, EcLevel, QrCode};

/// Numbers that depend on a seed alone.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// How a picture of a code is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shot {
    /// Pixels to a module.
    pub(super) module: f64,
    /// Radians that the code is turned by.
    pub(super) turn: f64,
    /// How much nearer the lower edge is than the upper one.
    pub(super) tilt: f64,
    /// Shades that a pixel may be off by, either way.
    pub(super) noise: u64,
    /// How much darker the right edge is than the left one.
    pub(super) shadow: f64,
    /// Pixels on either side that a pixel runs into.
    pub(super) blur: usize,
    /// Other dark things around it.
    pub(super) clutter: bool,
    /// Light on dark.
    pub(super) inverse: bool,
}

impl Default for Shot {
    fn default() -> Self {
        Self { module: 5.0, turn: 0.0, tilt: 0.0, noise: 0, shadow: 0.0, blur: 0, clutter: false, inverse: false }
    }
}

/// Shades of gray.
#[derive(Debug, Clone)]
pub(super) struct Canvas {
    width: usize,
    height: usize,
    gray: Vec<u8>,
}

impl Canvas {
    pub(super) fn blank(width: usize, height: usize) -> Self {
        Self { width, height, gray: vec![255; width * height] }
    }

    pub(super) fn noise(width: usize, height: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let gray = (0..width * height).map(|_| u8::try_from(random.next() & 0xff).unwrap()).collect();
        Self { width, height, gray }
    }

    /// As many corner squares as fit.
    pub(super) fn squares(width: usize, height: usize, side: usize) -> Self {
        let mut canvas = Self::blank(width, height);
        for y in 0..height {
            for x in 0..width {
                let (column, row) = (x % (side + 2) * 7 / side, y % (side + 2) * 7 / side);
                let ring = column.abs_diff(3).max(row.abs_diff(3));
                if ring < 4 && ring != 2 {
                    canvas.gray[y * width + x] = 0;
                }
            }
        }
        canvas
    }

    /// A picture of the code of `text`, with the error correction that the server takes.
    pub(super) fn of(text: &str, shot: &Shot) -> Self {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let modules = code.width();
        let dark = code.to_colors();
        let is_dark = |column: f64, row: f64| {
            let (column, row) = (column.floor(), row.floor());
            let inside = 0.0..f64::from(u16::try_from(modules).unwrap());
            inside.contains(&column)
                && inside.contains(&row)
                && dark[row as usize * modules + column as usize] == Color::Dark
        };
        // The quiet zone, and room for what turns and tilts.
        let room = modules as f64 * if shot.turn == 0.0 && shot.tilt == 0.0 { 1.0 } else { 1.7 } + 8.0;
        let side = (room * shot.module).ceil() as usize;
        let mut canvas = Self::blank(side, side);
        let (sine, cosine) = shot.turn.sin_cos();
        let half = side as f64 / 2.0;
        for y in 0..side {
            for x in 0..side {
                // Nine samples to a pixel.
                let mut shade = 0;
                for sample in 0..9_u8 {
                    let (dx, dy) = (f64::from(sample % 3) / 3.0 + 1.0 / 6.0, f64::from(sample / 3) / 3.0 + 1.0 / 6.0);
                    let (px, py) = (x as f64 + dx - half, y as f64 + dy - half);
                    let depth = 1.0 - shot.tilt * py / half;
                    let (px, py) = (px / depth, py / depth);
                    let (u, v) = (px * cosine + py * sine, py * cosine - px * sine);
                    let middle = modules as f64 / 2.0;
                    let (column, row) = (u / shot.module + middle, v / shot.module + middle);
                    let edge = middle + 5.0;
                    let outside = (column - middle).abs().max((row - middle).abs()) > edge;
                    let clutter = shot.clutter && outside && (x / 23 + y / 31) % 3 == 0;
                    shade += if (is_dark(column, row) || clutter) == shot.inverse { 235 } else { 20 };
                }
                canvas.gray[y * side + x] = u8::try_from(shade / 9).unwrap();
            }
        }
        canvas.developed(shot)
    }

    /// Shadow, blur and noise.
    fn developed(mut self, shot: &Shot) -> Self {
        let sharp = self.gray.clone();
        let mut random = Random(42);
        for y in 0..self.height {
            for x in 0..self.width {
                let (mut sum, mut count) = (0.0, 0.0);
                for row in y.saturating_sub(shot.blur)..=(y + shot.blur).min(self.height - 1) {
                    for column in x.saturating_sub(shot.blur)..=(x + shot.blur).min(self.width - 1) {
                        sum += f64::from(sharp[row * self.width + column]);
                        count += 1.0;
                    }
                }
                let light = 1.0 - shot.shadow * x as f64 / self.width as f64;
                let off = (random.next() % (2 * shot.noise + 1)) as f64 - shot.noise as f64;
                self.gray[y * self.width + x] = (sum / count * light + off).clamp(0.0, 255.0) as u8;
            }
        }
        self
    }

    /// Several pictures in one.
    pub(super) fn beside(canvases: impl Iterator<Item = Self>) -> Self {
        let canvases: Vec<Self> = canvases.collect();
        let height = canvases.iter().map(|canvas| canvas.height).max().unwrap();
        let mut all = Self::blank(canvases.iter().map(|canvas| canvas.width).sum(), height);
        let mut left = 0;
        for canvas in canvases {
            for y in 0..canvas.height {
                let from = &canvas.gray[y * canvas.width..(y + 1) * canvas.width];
                all.gray[y * all.width + left..][..canvas.width].copy_from_slice(from);
            }
            left += canvas.width;
        }
        all
    }

    pub(super) fn png(&self) -> Vec<u8> {
        self.encoded(png::ColorType::Grayscale, png::BitDepth::Eight, &self.gray, |_| ())
    }

    /// In every form that PNG has.
    pub(super) fn pngs(&self) -> Vec<Vec<u8>> {
        let each =
            |pixel: &dyn Fn(u8) -> Vec<u8>| self.gray.iter().flat_map(|shade| pixel(*shade)).collect::<Vec<u8>>();
        let (rgb, eight) = (each(&|shade| vec![shade; 3]), png::BitDepth::Eight);
        let clear = each(&|shade| vec![0, 0, 0, 255 - shade]);
        let bits: Vec<u8> = (0..self.height)
            .flat_map(|y| {
                let row = self.gray[y * self.width..(y + 1) * self.width].chunks(8);
                row.map(|eight| eight.iter().zip(0..).fold(0, |byte, (shade, at)| byte | (shade >> 7) << (7 - at)))
            })
            .collect();
        let palette = |encoder: &mut png::Encoder<'_, &mut Vec<u8>>| encoder.set_palette(vec![0, 0, 0, 255, 255, 255]);
        vec![
            self.encoded(png::ColorType::Rgb, eight, &rgb, |_| ()),
            self.encoded(png::ColorType::Rgba, eight, &clear, |_| ()),
            self.encoded(png::ColorType::GrayscaleAlpha, eight, &each(&|shade| vec![shade, 255]), |_| ()),
            self.encoded(png::ColorType::Grayscale, png::BitDepth::Sixteen, &each(&|shade| vec![shade, 7]), |_| ()),
            self.encoded(png::ColorType::Grayscale, png::BitDepth::One, &bits, |_| ()),
            self.encoded(png::ColorType::Indexed, png::BitDepth::One, &bits, palette),
        ]
    }

    /// With a compressed comment of 64 MiB.
    pub(super) fn png_with_bomb(&self) -> Vec<u8> {
        let text = "a".repeat(64 << 20);
        self.encoded(png::ColorType::Grayscale, png::BitDepth::Eight, &self.gray, |encoder| {
            encoder.add_ztxt_chunk("Comment".to_owned(), text.clone()).unwrap();
        })
    }

    fn encoded(
        &self,
        color: png::ColorType,
        depth: png::BitDepth,
        pixels: &[u8],
        set: impl Fn(&mut png::Encoder<'_, &mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut file = Vec::new();
        let (width, height) = (u32::try_from(self.width).unwrap(), u32::try_from(self.height).unwrap());
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        set(&mut encoder);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(pixels).unwrap();
        writer.finish().unwrap();
        file
    }

    pub(super) fn jpeg(&self, quality: u8) -> Vec<u8> {
        self.photographed(quality, false)
    }

    pub(super) fn progressive_jpeg(&self) -> Vec<u8> {
        self.photographed(80, true)
    }

    fn photographed(&self, quality: u8, progressive: bool) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality);
        encoder.set_progressive(progressive);
        let (width, height) = (u16::try_from(self.width).unwrap(), u16::try_from(self.height).unwrap());
        // As cameras do: in color.
        let rgb: Vec<u8> = self.gray.iter().flat_map(|shade| [*shade; 3]).collect();
        encoder.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
        file
    }
}

/// The beginning of a PNG file that says how large it is.
pub(super) fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d".to_vec();
    file.extend(&header);
    file.extend(crc(&header).to_be_bytes());
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

/// The beginning of a JPEG file that says how large it is.
pub(super) fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8];
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    file
}

//! Black and white.

use super::picture::Picture;

/// How to tell black from white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Darker than its surroundings, of which so many fit along the longer side: for shadows and bad light.
    Local(usize),
    /// Darker than one shade for the whole picture: for drawings.
    Global,
    /// The same with black and white exchanged.
    Inverse,
}

/// A picture in black and white. What is outside is white.
#[derive(PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) width: usize,
    pub(super) height: usize,
    black: Vec<bool>,
}

impl Bits {
    pub(super) fn new(picture: &Picture, way: Way) -> Self {
        let black = match way {
            Way::Local(parts) => local(picture, parts),
            Way::Global => {
                let least = split(picture);
                picture.gray.iter().map(|shade| *shade < least).collect()
            }
            Way::Inverse => {
                let least = split(picture);
                picture.gray.iter().map(|shade| *shade >= least).collect()
            }
        };
        Self { width: picture.width, height: picture.height, black }
    }

    /// Row `y` as black (`true`) and white.
    pub(super) fn row(&self, y: usize) -> &[bool] {
        self.black.get(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }

    pub(super) fn is_black(&self, x: isize, y: isize) -> bool {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width && y < self.height => self.black[y * self.width + x],
            _ => false,
        }
    }

    /// Whether the pixel that holds a point is black.
    pub(super) fn at(&self, x: f64, y: f64) -> bool {
        // What is far away is saturated, and outside.
        self.is_black(x.floor() as isize, y.floor() as isize)
    }
}

/// Compares each pixel with the mean of a square around it, which four sums give.
fn local(picture: &Picture, parts: usize) -> Vec<bool> {
    let (width, height) = (picture.width, picture.height);
    let stride = width + 1;
    let mut sums = vec![0_u32; stride * (height + 1)];
    for y in 0..height {
        let mut row = 0;
        for x in 0..width {
            row += u32::from(picture.gray[y * width + x]);
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    let half = (width.max(height) / parts / 2).max(4);
    let mut black = Vec::with_capacity(width * height);
    for y in 0..height {
        let (top, bottom) = (y.saturating_sub(half), (y + half + 1).min(height));
        for x in 0..width {
            let (left, right) = (x.saturating_sub(half), (x + half + 1).min(width));
            let sum = u64::from(sums[bottom * stride + right]) + u64::from(sums[top * stride + left])
                - u64::from(sums[top * stride + right])
                - u64::from(sums[bottom * stride + left]);
            let count = (bottom - top) * (right - left);
            // Eight percent darker: paper is not even.
            black.push(u64::from(picture.gray[y * width + x]) * count as u64 * 100 < sum * 92);
        }
    }
    black
}

/// The shade that parts the picture into two groups that differ most (Otsu's criterion).
fn split(picture: &Picture) -> u8 {
    let mut counts = [0_u64; 256];
    for shade in &picture.gray {
        counts[usize::from(*shade)] += 1;
    }
    let weigh = |(shade, count): (usize, &u64)| shade as u64 * count;
    let (all, total) = (picture.gray.len() as u64, counts.iter().enumerate().map(weigh).sum::<u64>());
    let (mut below, mut sum) = (0, 0);
    let mut best = (0.0, 0);
    for (shade, count) in (0_u8..=255).zip(&counts) {
        below += count;
        sum += u64::from(shade) * count;
        if below == 0 || below == all {
            continue;
        }
        let (dark, light) = (sum as f64 / below as f64, (total - sum) as f64 / (all - below) as f64);
        let apart = below as f64 * (all - below) as f64 * (light - dark).powi(2);
        if apart > best.0 {
            best = (apart, shade.saturating_add(1));
        }
    }
    best.1
}

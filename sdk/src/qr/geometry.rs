//! Points, and flat things seen from an angle.

/// A point in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Point {
    pub(super) fn minus(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }

    /// `self` and so much of `u` and `v`.
    pub(super) fn plus(self, by: (f64, f64), u: Self, v: Self) -> Self {
        Self { x: self.x + by.0 * u.x + by.1 * v.x, y: self.y + by.0 * u.y + by.1 * v.y }
    }

    pub(super) fn length(self) -> f64 {
        self.x.hypot(self.y)
    }

    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// Positive if `other` is clockwise of `self` where y points down.
    pub(super) fn cross(self, other: Self) -> f64 {
        self.x * other.y - self.y * other.x
    }
}

/// Where the modules of a code are in a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct View([f64; 8]);

impl View {
    /// The view in which each first point is seen at the second. `None` if three of them are on a line.
    pub(super) fn through(pairs: [((f64, f64), Point); 4]) -> Option<Self> {
        // Two equations for each pair: x = (au + bv + c) / (gu + hv + 1), and y alike with d, e, f.
        let mut rows = [[0.0; 9]; 8];
        for (index, ((u, v), Point { x, y })) in pairs.into_iter().enumerate() {
            rows[2 * index] = [u, v, 1.0, 0.0, 0.0, 0.0, -u * x, -v * x, x];
            rows[2 * index + 1] = [0.0, 0.0, 0.0, u, v, 1.0, -u * y, -v * y, y];
        }
        for pivot in 0..8 {
            let largest = (pivot..8).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs()))?;
            rows.swap(pivot, largest);
            let head = rows[pivot];
            if head[pivot].abs() < 1e-9 {
                return None;
            }
            for (_, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != pivot) {
                let factor = row[pivot] / head[pivot];
                row.iter_mut().zip(&head).for_each(|(cell, above)| *cell -= factor * above);
            }
        }
        let solved: [f64; 8] = std::array::from_fn(|index| rows[index][8] / rows[index][index]);
        solved.iter().all(|value| value.is_finite()).then_some(Self(solved))
    }

    /// Where a point of the code, in modules, is seen.
    pub(super) fn of(&self, u: f64, v: f64) -> Point {
        let [a, b, c, d, e, f, g, h] = self.0;
        let depth = g * u + h * v + 1.0;
        Point { x: (a * u + b * v + c) / depth, y: (d * u + e * v + f) / depth }
    }
}

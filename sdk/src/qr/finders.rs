//! The three squares in a code's corners: black, white, black, white, black in widths of 1, 1, 3, 1, 1 along any line
//! through the middle.

use super::binary::Bits;
use super::geometry::Point;

/// Places that are kept apart. Pictures with more than that are no pictures of codes.
const PLACES_MAX: usize = 512;
/// Squares that are looked at further.
const FINDERS_MAX: usize = 32;
/// Widest square in pixels.
const RUN_MAX: usize = 4_096;

/// A square.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finder {
    /// Its middle.
    pub(super) center: Point,
    /// Width of a module in pixels.
    pub(super) module: f64,
    /// How many lines have met it.
    pub(super) seen: u32,
}

/// The squares, those that most lines met first.
pub(super) fn finders(bits: &Bits) -> Vec<Finder> {
    let mut found = Vec::new();
    for y in 0..bits.height {
        let mut runs = [0_usize; 5];
        let mut black = false;
        let row = bits.row(y);
        // White behind the last pixel ends a square that touches the edge.
        for (x, now) in row.iter().copied().chain([false]).enumerate() {
            if now == black {
                runs[4] += 1;
                continue;
            }
            if black && let Some(module) = module_of(&runs) {
                let middle = x as f64 - (runs[4] + runs[3]) as f64 - runs[2] as f64 / 2.0;
                confirm(bits, Point { x: middle, y: y as f64 + 0.5 }, module, &mut found);
            }
            runs.rotate_left(1);
            runs[4] = 1;
            black = now;
        }
    }
    found.retain(|finder| finder.seen > 1);
    found.sort_by_key(|finder| std::cmp::Reverse(finder.seen));
    found.truncate(FINDERS_MAX);
    found
}

/// Width of a module if the runs have the proportions of a square.
fn module_of(runs: &[usize; 5]) -> Option<f64> {
    let total: usize = runs.iter().sum();
    if runs.contains(&0) || !(7..=RUN_MAX).contains(&total) {
        return None;
    }
    let module = total as f64 / 7.0;
    // Half a module, and half a pixel for the smallest.
    let slack = module / 2.0 + 0.5;
    let narrow = [runs[0], runs[1], runs[3], runs[4]].iter().all(|run| (*run as f64 - module).abs() < slack);
    (narrow && (runs[2] as f64 - 3.0 * module).abs() < 1.5 * slack).then_some(module)
}

/// Looks along the other lines through the middle, and adds the square to those that are known.
fn confirm(bits: &Bits, middle: Point, module: f64, found: &mut Vec<Finder>) {
    let limit = (module * 6.0) as usize + 2;
    let Some((shift, down)) = cross(bits, middle, (0, 1), limit) else { return };
    let middle = Point { y: middle.y + shift, ..middle };
    let Some((shift, across)) = cross(bits, middle, (1, 0), limit) else { return };
    let middle = Point { x: middle.x + shift, ..middle };
    if cross(bits, middle, (1, 1), limit).is_none() && cross(bits, middle, (1, -1), limit).is_none() {
        return;
    }
    let module = f64::midpoint(down, across);
    let known = found.iter().position(|known| {
        let near = (known.center.x - middle.x).abs().max((known.center.y - middle.y).abs());
        near < 2.0 * known.module && module < 1.6 * known.module && known.module < 1.6 * module
    });
    match known {
        Some(at) => {
            let known = &mut found[at];
            let weight = f64::from(known.seen);
            let mean = |old: f64, new: f64| (old * weight + new) / (weight + 1.0);
            known.center = Point { x: mean(known.center.x, middle.x), y: mean(known.center.y, middle.y) };
            known.module = mean(known.module, module);
            known.seen += 1;
        }
        None if found.len() < PLACES_MAX => found.push(Finder { center: middle, module, seen: 1 }),
        None => {}
    }
}

/// Runs in both directions from a black pixel: how far the middle is off in steps, and the width of a module in steps.
fn cross(bits: &Bits, middle: Point, (dx, dy): (isize, isize), limit: usize) -> Option<(f64, f64)> {
    let (x, y) = (middle.x.floor() as isize, middle.y.floor() as isize);
    if !bits.is_black(x, y) {
        return None;
    }
    // The middle pixel is counted once, with what follows it.
    let (mut after, mut before) = ([0_usize; 3], [0_usize; 3]);
    for (runs, sign, first) in [(&mut after, 1, 0), (&mut before, -1, 1)] {
        let mut step: isize = first;
        for (run, black) in runs.iter_mut().zip([true, false, true]) {
            while bits.is_black(x + sign * dx * step, y + sign * dy * step) == black {
                *run += 1;
                step += 1;
                if *run > limit {
                    return None;
                }
            }
        }
    }
    let runs = [before[2], before[1], before[0] + after[0], after[1], after[2]];
    let module = module_of(&runs)?;
    Some(((after[0] as f64 - before[0] as f64) / 2.0 - middle_offset(middle, dx), module))
}

/// Where in its pixel the middle was, along the line.
fn middle_offset(middle: Point, dx: isize) -> f64 {
    if dx == 0 { middle.y.fract() } else { middle.x.fract() }
}

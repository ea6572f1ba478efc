//! From squares to codes: which three belong together, how many modules lie between them, and from where they are seen.

use super::binary::Bits;
use super::finders::{Finder, finders};
use super::geometry::{Point, View};

/// Triples of squares that are looked at closely, in all.
const TRIPLES_MAX: usize = 64;
/// Of them, those that are kept for each later way to tell black from white.
const TRIPLES_KEPT: usize = 8;
/// Views of each that are read.
const VIEWS_MAX: usize = 6;
/// Views that are read in all.
const READINGS_MAX: usize = 160;
/// Of them, those that are kept for each later way.
const READINGS_KEPT: usize = 20;
/// Places where the small square of a code may be, for each number of modules.
const SMALL_MAX: usize = 4;
/// Modules of a small square that may be wrong.
const SMALL_WRONG_MAX: u32 = 3;
/// Modules along a side.
const SIDES: std::ops::RangeInclusive<usize> = 21..=177;

/// Three squares that may be those of a code: in its corners at the top left, top right and bottom left.
struct Triple {
    indices: [usize; 3],
    corners: [Finder; 3],
    /// How far it is from a code that is seen from straight above.
    odd: f64,
}

/// What may be spent on one picture, by all ways to tell black from white together.
#[derive(Debug)]
pub(super) struct Budget {
    triples: usize,
    readings: usize,
    /// Ways that come after the present one.
    later: usize,
}

impl Budget {
    /// For so many ways, each of which is begun once.
    pub(super) const fn new(ways: usize) -> Self {
        Self { triples: TRIPLES_MAX, readings: READINGS_MAX, later: ways }
    }

    /// Begins the next way.
    pub(super) const fn begin_way(&mut self) {
        self.later = self.later.saturating_sub(1);
    }

    const fn take_triple(&mut self) -> bool {
        take(&mut self.triples, self.later * TRIPLES_KEPT)
    }

    const fn take_reading(&mut self) -> bool {
        take(&mut self.readings, self.later * READINGS_KEPT)
    }
}

const fn take(left: &mut usize, kept: usize) -> bool {
    let is_there = *left > kept;
    if is_there {
        *left -= 1;
    }
    is_there
}

/// Calls `read` with the number of modules along a side and whether each (column, row) is black, for every place where
/// there may be a code. What it reads (`true`) is not looked at again. Ends with what `budget` has for this way.
pub(super) fn codes(
    bits: &Bits,
    budget: &mut Budget,
    mut read: impl FnMut(usize, &dyn Fn(usize, usize) -> bool) -> bool,
) {
    let finders = finders(bits);
    let mut used = vec![false; finders.len()];
    for triple in triples(&finders) {
        if triple.indices.iter().any(|index| used[*index]) {
            continue;
        }
        if !budget.take_triple() {
            return;
        }
        for (side, view) in views(bits, &triple) {
            if !budget.take_reading() {
                return;
            }
            let sample = |column: usize, row: usize| is_black(bits, &view, column, row);
            if read(side, &sample) {
                triple.indices.iter().for_each(|index| used[*index] = true);
                break;
            }
        }
    }
}

fn triples(finders: &[Finder]) -> Vec<Triple> {
    let mut triples = Vec::new();
    for a in 0..finders.len() {
        for b in a + 1..finders.len() {
            for c in b + 1..finders.len() {
                triples.extend(triple(finders, [a, b, c]));
            }
        }
    }
    triples.sort_by(|one, other| one.odd.total_cmp(&other.odd));
    triples.truncate(TRIPLES_MAX);
    triples
}

fn triple(finders: &[Finder], indices: [usize; 3]) -> Option<Triple> {
    let [a, b, c] = indices;
    let apart = |one: usize, other: usize| finders[one].center.minus(finders[other].center).length();
    // The longest side lies across the corner at the top left.
    let turns = [(apart(b, c), [a, b, c]), (apart(a, c), [b, a, c]), (apart(a, b), [c, a, b])];
    let [corner, mut right, mut down] = turns.into_iter().max_by(|one, other| one.0.total_cmp(&other.0))?.1;
    let from = |other: usize| finders[other].center.minus(finders[corner].center);
    if from(right).cross(from(down)) < 0.0 {
        std::mem::swap(&mut right, &mut down);
    }
    let (across, along) = (from(right), from(down));
    let (width, height) = (across.length(), along.length());
    let slant = across.dot(along).abs() / (width * height);
    let stretch = (width / height).max(height / width);
    let modules = [corner, right, down].map(|index| finders[index].module);
    let (least, most) = (modules.into_iter().fold(f64::MAX, f64::min), modules.into_iter().fold(0.0, f64::max));
    // Fourteen modules lie between the middles of the smallest code, 170 of the largest.
    let between = (width + height) / 2.0 / ((least + most) / 2.0);
    let may_be = slant < 0.6 && stretch < 2.2 && most < 2.5 * least && (9.0..260.0).contains(&between);
    let corners = [corner, right, down].map(|index| finders[index]);
    let odd = slant + (stretch - 1.0) + (most / least - 1.0);
    (may_be && odd.is_finite()).then_some(Triple { indices: [corner, right, down], corners, odd })
}

/// How a code with these squares may be seen, the most likely view first.
fn views(bits: &Bits, triple: &Triple) -> Vec<(usize, View)> {
    let [corner, right, down] = triple.corners;
    let span =
        |one: Finder, other: Finder| other.center.minus(one.center).length() / f64::midpoint(one.module, other.module);
    let guess = f64::midpoint(span(corner, right), span(corner, down)) + 7.0;
    // Sides are 21, 25, 29 and so on; seen from an angle, the guess may be off by some.
    let nearest = ((guess - 17.0) / 4.0).round() * 4.0 + 17.0;
    let mut views = Vec::new();
    for off in [0.0, 4.0, -4.0, 8.0, -8.0] {
        let side = (nearest + off).max(0.0) as usize;
        if SIDES.contains(&side) {
            views.extend(views_of_side(bits, &triple.corners, side));
        }
    }
    views.sort_by(|one, other| other.0.total_cmp(&one.0));
    views.into_iter().take(VIEWS_MAX).map(|(_, side, view)| (side, view)).collect()
}

/// Views of a code with so many modules, each with the share of its timing pattern that is as it must be.
fn views_of_side(bits: &Bits, corners: &[Finder; 3], side: usize) -> Vec<(f64, usize, View)> {
    let modules = side as f64;
    let far = modules - 3.5;
    let [corner, right, down] = corners.map(|finder| finder.center);
    let known = [((3.5, 3.5), corner), ((far, 3.5), right), ((3.5, far), down)];
    let through = |fourth| View::through([known[0], known[1], known[2], fourth]);
    let straight = opposite(corners, |_| 1.0);
    // Lengths shrink with the distance, areas with its third power; a module is measured along two lines.
    let slanted = opposite(corners, |finder| finder.module.powf(-2.0 / 3.0));
    let near = slanted.minus(straight).length() < right.minus(corner).length() / (modules - 7.0);
    let mut views = Vec::new();
    for guess in [Some(slanted), Some(straight).filter(|_| !near)].into_iter().flatten() {
        let Some(view) = through(((far, far), guess)) else { continue };
        views.push(view);
        if side > 21 {
            let at = modules - 6.5;
            let reach = (modules * 0.2).clamp(4.0, 12.0);
            views.extend(
                small_squares(bits, &view, at, reach).into_iter().filter_map(|place| through(((at, at), place))),
            );
        }
    }
    let rated = views.into_iter().map(|view| (timing(bits, &view, side), side, view));
    rated.filter(|(rating, ..)| *rating > 0.7).collect()
}

/// Where the fourth corner is, given how far away each of the three is.
fn opposite(corners: &[Finder; 3], distance: impl Fn(&Finder) -> f64) -> Point {
    let [corner, right, down] = corners;
    let (at, across, along) = (distance(corner), distance(right), distance(down));
    let depth = (across + along - at).max(at.min(across).min(along) / 2.0);
    let seen = |part: fn(Point) -> f64| {
        (across * part(right.center) + along * part(down.center) - at * part(corner.center)) / depth
    };
    Point { x: seen(|point| point.x), y: seen(|point| point.y) }
}

/// Where a small square (a ring of five modules around one) may be, near where it would be in `view`; the likeliest first.
fn small_squares(bits: &Bits, view: &View, at: f64, reach: f64) -> Vec<Point> {
    let guess = view.of(at, at);
    let (u, v) = (view.of(at + 1.0, at).minus(guess), view.of(at, at + 1.0).minus(guess));
    let steps = (reach * 2.0) as i32;
    let mut places: Vec<(u32, f64, Point)> = Vec::new();
    for down in -steps..=steps {
        for across in -steps..=steps {
            let by = (f64::from(across) / 2.0, f64::from(down) / 2.0);
            let place = guess.plus(by, u, v);
            if let Some(rating) = small_square(bits, place, u, v) {
                places.push((rating, by.0.hypot(by.1), place));
            }
        }
    }
    places.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.total_cmp(&other.1)));
    let mut apart: Vec<Point> = Vec::new();
    let module = u.length().max(v.length());
    for (_, _, place) in places {
        // The middle of those that are next to each other is the best place that there is.
        if apart.len() < SMALL_MAX && apart.iter().all(|other| other.minus(place).length() > module) {
            apart.push(centered(bits, place, u, v));
        }
    }
    apart
}

/// The middle of the black module that `place` is in.
fn centered(bits: &Bits, place: Point, u: Point, v: Point) -> Point {
    let extent = |by: &dyn Fn(f64) -> Point| {
        let reach = |sign: f64| {
            let steps = (1..=10).take_while(|step| {
                let point = by(sign * f64::from(*step) / 10.0);
                bits.at(point.x, point.y)
            });
            f64::from(u8::try_from(steps.count()).unwrap_or(u8::MAX)) / 10.0
        };
        (reach(1.0) - reach(-1.0)) / 2.0
    };
    let across = extent(&|step| place.plus((step, 0.0), u, v));
    let down = extent(&|step| place.plus((0.0, step), u, v));
    place.plus((across, down), u, v)
}

/// How many of 25 modules around `place` are as in a small square, if enough of them are.
fn small_square(bits: &Bits, place: Point, u: Point, v: Point) -> Option<u32> {
    let mut wrong = 0;
    // From the middle outwards: most places are none, and are left after a few modules.
    for ring in 0_i32..=2 {
        for row in -ring..=ring {
            for column in -ring..=ring {
                if row.abs().max(column.abs()) != ring {
                    continue;
                }
                let point = place.plus((f64::from(column), f64::from(row)), u, v);
                wrong += u32::from(bits.at(point.x, point.y) == (ring == 1));
                if wrong > SMALL_WRONG_MAX {
                    return None;
                }
            }
        }
    }
    Some(25 - wrong)
}

/// The share of the modules between the squares that alternate as they must.
fn timing(bits: &Bits, view: &View, side: usize) -> f64 {
    let modules = 7..side - 7;
    let count = 2 * modules.len();
    let right = modules.map(|at| {
        let black = at % 2 == 0;
        usize::from(is_black(bits, view, at, 6) == black) + usize::from(is_black(bits, view, 6, at) == black)
    });
    right.sum::<usize>() as f64 / count as f64
}

/// Whether most of the middle of a module is black.
fn is_black(bits: &Bits, view: &View, column: usize, row: usize) -> bool {
    let (u, v) = (column as f64 + 0.5, row as f64 + 0.5);
    let points = [(0.0, 0.0), (0.2, 0.0), (-0.2, 0.0), (0.0, 0.2), (0.0, -0.2)];
    let black = points.into_iter().filter(|(across, down)| {
        let Point { x, y } = view.of(u + across, v + down);
        bits.at(x, y)
    });
    black.count() > 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_way_spends_all_together_spend_one_budget_and_each_has_its_part() {
        let mut budget = Budget::new(5);
        let mut spent = Vec::new();
        for _ in 0..5 {
            budget.begin_way();
            let triples = (0..1_000).take_while(|_| budget.take_triple()).count();
            let readings = (0..1_000).take_while(|_| budget.take_reading()).count();
            spent.push((triples, readings));
        }
        assert_eq!(spent, [(32, 80), (8, 20), (8, 20), (8, 20), (8, 20)]);
        // What one leaves is there for the next.
        let mut budget = Budget::new(2);
        budget.begin_way();
        assert!(budget.take_triple());
        budget.begin_way();
        assert_eq!((0..1_000).take_while(|_| budget.take_triple()).count(), TRIPLES_MAX - 1);
    }
}

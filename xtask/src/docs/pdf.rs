//! Text flowing over A4 pages, with an outline and links between places.

mod fonts;
mod write;

use std::collections::BTreeMap;

use pdf_writer::{Content, Name, Str};

pub(super) use fonts::Font;

/// A4 in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
/// Left and right edge of the text.
pub(super) const LEFT: f32 = 62.0;
const RIGHT: f32 = PAGE.0 - 62.0;
const TOP: f32 = PAGE.1 - 62.0;
const BOTTOM: f32 = 64.0;
/// How wide the text is.
pub(super) const WIDTH: f32 = RIGHT - LEFT;

/// A color as red, green, blue.
pub(super) type Color = [f32; 3];
pub(super) const BLACK: Color = [0.11, 0.12, 0.14];
pub(super) const GRAY: Color = [0.40, 0.43, 0.47];
pub(super) const BLUE: Color = [0.06, 0.32, 0.62];
pub(super) const WHITE: Color = [1.0, 1.0, 1.0];
const PALE: Color = [0.955, 0.96, 0.97];
const LINE: Color = [0.82, 0.84, 0.87];

/// Text in one style.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) font: Font,
    pub(super) color: Color,
    /// The place that it leads to.
    pub(super) link: Option<String>,
}

impl Run {
    /// Text in `font`.
    pub(super) fn new(text: impl Into<String>, font: Font) -> Self {
        Self { text: text.into(), font, color: BLACK, link: None }
    }

    /// The same in another color.
    pub(super) fn colored(self, color: Color) -> Self {
        Self { color, ..self }
    }

    /// The same leading to `place`.
    pub(super) fn to(self, place: &str) -> Self {
        Self { color: BLUE, link: Some(place.to_owned()), ..self }
    }
}

struct Page {
    content: Content,
    /// Rectangles and where they lead.
    links: Vec<([f32; 4], String)>,
}

struct Bookmark {
    depth: usize,
    title: String,
    page: usize,
    y: f32,
}

/// A document in the making.
pub(super) struct Flow {
    pages: Vec<Page>,
    y: f32,
    places: BTreeMap<String, (usize, f32)>,
    bookmarks: Vec<Bookmark>,
    footer: String,
}

impl Flow {
    /// An empty document with `footer` at the bottom of each page.
    pub(super) fn new(footer: &str) -> Self {
        let mut flow = Self {
            pages: Vec::new(),
            y: 0.0,
            places: BTreeMap::new(),
            bookmarks: Vec::new(),
            footer: footer.to_owned(),
        };
        flow.page();
        flow
    }

    /// Begins a page.
    pub(super) fn page(&mut self) {
        self.pages.push(Page { content: Content::new(), links: Vec::new() });
        self.y = TOP;
        let number = self.pages.len().to_string();
        if self.pages.len() > 1 {
            let footer = self.footer.clone();
            self.show(LEFT, BOTTOM - 28.0, &footer, Font::Plain, 8.0, GRAY);
            let x = RIGHT - Font::Plain.width(&number, 8.0);
            self.show(x, BOTTOM - 28.0, &number, Font::Plain, 8.0, GRAY);
        }
    }

    /// Begins a page unless this one has room for `height` points more.
    pub(super) fn need(&mut self, height: f32) {
        if self.y - height < BOTTOM {
            self.page();
        }
    }

    /// Leaves `height` points free, except at the top of a page.
    pub(super) fn space(&mut self, height: f32) {
        if self.y < TOP {
            self.y -= height;
        }
    }

    /// The pages on which the places are, counted from 1.
    pub(super) fn page_numbers(&self) -> BTreeMap<String, usize> {
        self.places.iter().map(|(place, (page, _))| (place.clone(), page + 1)).collect()
    }

    /// Marks here as `place`, and as a bookmark of `depth`.
    pub(super) fn mark(&mut self, place: &str, depth: usize, title: &str) {
        let at = (self.pages.len() - 1, self.y + 16.0);
        self.places.insert(place.to_owned(), at);
        self.bookmarks.push(Bookmark { depth, title: title.to_owned(), page: at.0, y: at.1 });
    }

    /// A line of large text.
    pub(super) fn title(&mut self, text: &str, size: f32, color: Color) {
        self.need(size * 1.3);
        self.y -= size;
        self.show(LEFT, self.y, text, Font::Bold, size, color);
        self.y -= size * 0.45;
    }

    /// A colored box with a word in it, and text right of it, as one line.
    pub(super) fn badge(&mut self, word: &str, color: Color, text: &str) {
        self.need(22.0);
        self.y -= 15.0;
        let width = Font::Bold.width(word, 9.0) + 12.0;
        self.fill([LEFT, self.y - 4.5, width, 16.0], color);
        self.show(LEFT + 6.0, self.y, word, Font::Bold, 9.0, WHITE);
        self.show(LEFT + width + 8.0, self.y, text, Font::CodeBold, 11.5, BLACK);
        self.y -= 9.0;
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, runs: &[Run], size: f32) {
        self.block(runs, LEFT, WIDTH, size);
        self.space(size * 0.55);
    }

    /// A paragraph with a dot before it.
    pub(super) fn bullet(&mut self, runs: &[Run], size: f32) {
        self.need(size * 1.42);
        self.show(LEFT + 4.0, self.y - size, "\u{2022}", Font::Plain, size, GRAY);
        self.block(runs, LEFT + 15.0, WIDTH - 15.0, size);
        self.space(size * 0.3);
    }

    /// One line with `left` at the left and `right` at the right end, for contents.
    pub(super) fn entry(&mut self, left: Run, right: &str, size: f32, indent: f32) {
        self.need(size * 1.55);
        self.y -= size * 1.2;
        let place = left.link.clone();
        self.show(LEFT + indent, self.y, &left.text, left.font, size, left.color);
        self.show(RIGHT - Font::Plain.width(right, size), self.y, right, Font::Plain, size, GRAY);
        if let Some(place) = place {
            let area = [LEFT + indent, self.y - 2.0, RIGHT, self.y + size];
            self.last().links.push((area, place));
        }
        self.y -= size * 0.35;
    }

    /// Code on a pale ground; long lines are continued.
    pub(super) fn code(&mut self, text: &str) {
        const SIZE: f32 = 8.2;
        const STEP: f32 = 10.8;
        let per_line = fitting(WIDTH - 16.0, SIZE);
        let lines: Vec<String> = text.trim_end().lines().flat_map(|line| cut(line, per_line)).collect();
        for (number, line) in lines.iter().enumerate() {
            let first = number == 0;
            if first {
                // A box that begins with one line at the foot of a page looks lost.
                self.need(STEP * 3.0_f32.min(f32::from(u8::try_from(lines.len()).unwrap_or(3))) + 8.0);
            } else {
                self.need(STEP);
            }
            let pad = if first { 4.0 } else { 0.0 };
            self.fill([LEFT, self.y - STEP - pad, WIDTH, STEP + pad + 0.4], PALE);
            self.y -= STEP + pad;
            self.show(LEFT + 8.0, self.y + 3.0, line, Font::Code, SIZE, BLACK);
        }
        self.fill([LEFT, self.y - 4.0, WIDTH, 4.4], PALE);
        self.y -= 4.0;
        self.space(8.0);
    }

    /// A table: `widths` are shares of the text's width. A row is not broken over pages.
    pub(super) fn table(&mut self, widths: &[f32], head: &[&str], rows: &[Vec<Vec<Run>>]) {
        const SIZE: f32 = 8.6;
        let all: f32 = widths.iter().sum();
        let widths: Vec<f32> = widths.iter().map(|width| width / all * WIDTH).collect();
        let height = |row: &[Vec<Run>]| {
            let lines = row.iter().zip(&widths).map(|(cell, width)| wrap(cell, width - 8.0, SIZE).len());
            f32::from(u8::try_from(lines.max().unwrap_or(1)).unwrap_or(u8::MAX)) * SIZE * 1.36 + 6.0
        };
        let bold = |text: &&str| vec![Run::new(*text, Font::Bold).colored(GRAY)];
        let header: Vec<Vec<Run>> = head.iter().map(bold).collect();
        self.need(height(&header) + rows.first().map_or(0.0, |row| height(row)));
        let mut page = 0;
        for row in std::iter::once(&header).chain(rows) {
            let tall = height(row);
            self.need(tall);
            if page != self.pages.len() && !std::ptr::eq(row, &raw const header) && page != 0 {
                self.row(&header, &widths, height(&header), SIZE);
            }
            page = self.pages.len();
            self.row(row, &widths, tall, SIZE);
        }
        self.space(9.0);
    }

    fn row(&mut self, row: &[Vec<Run>], widths: &[f32], tall: f32, size: f32) {
        let (top, mut x) = (self.y, LEFT);
        for (cell, width) in row.iter().zip(widths) {
            self.y = top - 2.0;
            self.block(cell, x + if x > LEFT { 4.0 } else { 0.0 }, width - 8.0, size);
            x += width;
        }
        self.y = top - tall;
        let y = self.y + 1.0;
        let content = &mut self.last().content;
        content.set_stroke_rgb(LINE[0], LINE[1], LINE[2]).set_line_width(0.5);
        content.move_to(LEFT, y).line_to(RIGHT, y).stroke();
    }

    fn block(&mut self, runs: &[Run], left: f32, width: f32, size: f32) {
        for line in wrap(runs, width, size) {
            self.need(size * 1.36);
            self.y -= size * 1.36;
            let mut x = left;
            for run in line {
                let wide = run.font.width(&run.text, scaled(run.font, size));
                let y = self.y + size * 0.3;
                self.show(x, y, &run.text, run.font, scaled(run.font, size), run.color);
                if let Some(place) = run.link {
                    self.last().links.push(([x, y - 2.0, x + wide, y + size], place));
                }
                x += wide;
            }
        }
    }

    fn last(&mut self) -> &mut Page {
        self.pages.last_mut().expect("there is one from the beginning")
    }

    fn fill(&mut self, [x, y, width, height]: [f32; 4], color: Color) {
        let content = &mut self.last().content;
        content.set_fill_rgb(color[0], color[1], color[2]).rect(x, y, width, height).fill_nonzero();
    }

    fn show(&mut self, x: f32, y: f32, text: &str, font: Font, size: f32, color: Color) {
        let content = &mut self.last().content;
        content.begin_text().set_fill_rgb(color[0], color[1], color[2]);
        content.set_font(Name(font.label().as_bytes()), size).next_line(x, y);
        content.show(Str(&fonts::encode(text))).end_text();
    }
}

/// Code looks larger than text of the same size.
fn scaled(font: Font, size: f32) -> f32 {
    if matches!(font, Font::Code | Font::CodeBold) { size * 0.92 } else { size }
}

/// How many characters of code fit into `width`.
fn fitting(width: f32, size: f32) -> usize {
    let mut count = 0;
    let mut used = 0.0;
    while used + size * 0.6 <= width {
        used += size * 0.6;
        count += 1;
    }
    count
}

/// A line in pieces of at most `length` characters, preferably cut after a space, a comma or an ampersand.
fn cut(line: &str, length: usize) -> Vec<String> {
    let mut rest: Vec<char> = line.chars().collect();
    let mut pieces = Vec::new();
    while rest.len() > length {
        let good = rest[length / 2..length].iter().rposition(|c| matches!(c, ' ' | ',' | '&'));
        let at = good.map_or(length, |at| length / 2 + at + 1);
        let tail = rest.split_off(at);
        pieces.push(rest.iter().collect());
        rest = "  ".chars().chain(tail).collect();
    }
    pieces.push(rest.iter().collect());
    pieces
}

/// `runs` in lines of at most `width` points. Words that are longer are cut.
fn wrap(runs: &[Run], width: f32, size: f32) -> Vec<Vec<Run>> {
    let mut lines: Vec<Vec<Run>> = vec![Vec::new()];
    let mut used = 0.0;
    for run in runs {
        let size = scaled(run.font, size);
        for word in words(&run.text) {
            let mut word = word.to_owned();
            let mut wide = run.font.width(&word, size);
            if used + run.font.width(word.trim_end(), size) > width && used > 0.0 {
                lines.push(Vec::new());
                used = 0.0;
                word = word.trim_start().to_owned();
                wide = run.font.width(&word, size);
            }
            while run.font.width(word.trim_end(), size) > width && word.chars().count() > 1 {
                let mut tail = String::new();
                while run.font.width(&word, size) > width {
                    let Some(last) = word.pop() else { break };
                    tail.insert(0, last);
                }
                push(&mut lines, run, &word);
                lines.push(Vec::new());
                used = 0.0;
                word = tail;
                wide = run.font.width(&word, size);
            }
            push(&mut lines, run, &word);
            used += wide;
        }
    }
    lines
}

fn push(lines: &mut [Vec<Run>], run: &Run, word: &str) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some(last) if last.font == run.font && last.color == run.color && last.link == run.link => last.text += word,
        _ => line.push(Run { text: word.to_owned(), ..run.clone() }),
    }
}

/// The words of `text`, each with the spaces after it; long names may also be cut after a slash or a bracket.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '/', '|', '_', ']']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &[Run]) -> String {
        line.iter().map(|run| run.text.as_str()).collect()
    }

    #[test]
    fn words_go_to_the_next_line_and_nothing_is_lost() {
        let runs =
            [Run::new("some words and ", Font::Plain), Run::new("code", Font::Code), Run::new(" too", Font::Plain)];
        for width in [20.0, 45.0, 80.0, 400.0] {
            let lines = wrap(&runs, width, 10.0);
            let all: String = lines.iter().map(|line| text(line)).collect();
            assert_eq!(all.split_whitespace().collect::<String>(), "somewordsandcodetoo", "{width}");
            for line in &lines {
                let wide: f32 =
                    line.iter().map(|run| run.font.width(run.text.trim_end(), scaled(run.font, 10.0))).sum();
                assert!(wide <= width + 3.0, "{width}: {}", text(line));
            }
        }
    }

    #[test]
    fn long_lines_of_code_are_continued() {
        assert_eq!(cut("abc def ghi", 8), ["abc def ", "  ghi"]);
        assert_eq!(cut("abcdefghijkl", 8), ["abcdefgh", "  ijkl"]);
        assert_eq!(cut("short", 8), ["short"]);
    }

    #[test]
    fn pages_are_begun_when_they_are_full() {
        let mut flow = Flow::new("x");
        for _ in 0..200 {
            flow.paragraph(&[Run::new("a line", Font::Plain)], 10.0);
        }
        assert!((4..9).contains(&flow.pages.len()), "{}", flow.pages.len());
    }
}

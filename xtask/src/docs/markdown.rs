//! The little Markdown that descriptions have: paragraphs, headings, lists, tables, code, `code` and **strong** words.

use super::pdf::{BLACK, Flow, Font, Run};

const SIZE: f32 = 10.0;

/// The inline marks of `text` as runs.
pub(super) fn inline(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for (number, piece) in text.split('`').enumerate() {
        if number % 2 == 1 {
            runs.push(Run::new(piece, Font::Code));
            continue;
        }
        for (number, piece) in piece.split("**").enumerate() {
            if !piece.is_empty() {
                runs.push(Run::new(piece, if number % 2 == 1 { Font::Bold } else { Font::Plain }));
            }
        }
    }
    runs
}

/// Writes `text` into `flow`.
pub(super) fn write(flow: &mut Flow, text: &str) {
    let mut lines = text.lines().peekable();
    let mut paragraph = String::new();
    while let Some(line) = lines.next() {
        let starts_item = line.starts_with("- ");
        let special = line.is_empty() || line.starts_with("## ") || line.starts_with("```") || line.starts_with('|');
        if special || starts_item {
            end(flow, &mut paragraph);
        }
        if let Some(title) = line.strip_prefix("## ") {
            flow.space(6.0);
            flow.need(60.0);
            flow.title(title, 12.5, BLACK);
            flow.space(2.0);
        } else if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            flow.code(&code.join("\n"));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            let head = rows.remove(0);
            rows.retain(|row| !row.iter().all(|cell| cell.chars().all(|c| c == '-')));
            let widths: Vec<f32> = (0..head.len()).map(|column| if column == 0 { 1.0 } else { 6.0 }).collect();
            let rows: Vec<Vec<Vec<Run>>> =
                rows.iter().map(|row| row.iter().map(|cell| inline(cell)).collect()).collect();
            flow.table(&widths, &head, &rows);
        } else if !special {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph += line.trim();
        }
    }
    end(flow, &mut paragraph);
}

fn end(flow: &mut Flow, paragraph: &mut String) {
    let text = std::mem::take(paragraph);
    if let Some(item) = text.strip_prefix("- ") {
        flow.bullet(&inline(item), SIZE);
    } else if !text.is_empty() {
        flow.paragraph(&inline(&text), SIZE);
    }
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_fonts() {
        let runs: Vec<(String, Font)> = inline("a `b` **c** d").into_iter().map(|run| (run.text, run.font)).collect();
        let expected =
            [("a ", Font::Plain), ("b", Font::Code), (" ", Font::Plain), ("c", Font::Bold), (" d", Font::Plain)];
        assert_eq!(runs, expected.map(|(text, font)| (text.to_owned(), font)));
    }
}

//! Standard output.

use std::io::{self, Write};

use serde::Serialize;

use super::CliError;

/// Prints `text` as it is.
pub(super) fn text(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let result = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    result.map_err(CliError::io("cannot write to standard output"))
}

/// Prints `value` as one line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let line = serde_json::to_string(value).map_err(io::Error::from);
    let line = line.map_err(CliError::io("cannot write to standard output"))?;
    text(&format!("{line}\n"))
}

/// Prints rows of equally many cells as aligned columns.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Result<(), CliError> {
    text(&layout(header, rows))
}

fn layout<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{}{}", clean(cell), " ".repeat(width - cell.chars().count())))
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let head = line(header);
    let rest: String = rows.iter().map(|row| line(row.each_ref().map(String::as_str))).collect();
    head + &rest
}

/// Names can hold anything; a terminal must not obey them.
fn clean(cell: &str) -> String {
    cell.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_are_defused() {
        let rows = [["a".to_owned(), "bé".to_owned()], ["long".to_owned(), "\u{1b}[2J".to_owned()]];
        assert_eq!(layout(["ID", "NAME"], &rows), "ID    NAME\na     bé\nlong  \u{fffd}[2J\n");
    }
}

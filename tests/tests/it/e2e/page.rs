//! The pages of the documentation, and other files of the project, as those tests read them that follow them.

use std::path::{Path, PathBuf};

/// Where a file of the project is.
pub(super) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project's folder").join(path)
}

/// The text of a file of the project.
pub(super) fn text(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of a page: their language and text.
pub(super) fn blocks(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let fences = page.split("```").skip(1).step_by(2);
    fences.map(|block| block.split_once('\n').expect("the first line is the language"))
}

/// The one block of a page that contains `piece`.
pub(super) fn block<'a>(page: &'a str, piece: &str) -> &'a str {
    let blocks: Vec<&str> = blocks(page).map(|(_, text)| text).filter(|text| text.contains(piece)).collect();
    let [block] = blocks[..] else { panic!("{piece}: {blocks:?}") };
    block
}

/// `text` with each of these replaced, which must be there.
pub(super) fn with(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "no {from} in {text}");
        text.replace(from, to)
    })
}

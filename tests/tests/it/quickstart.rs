//! The quickstart in Rust, exactly as it is printed.

use std::process::Command;

use cardea_tests::harness::{Site, output};

const PAGE: &str = include_str!("../../../docs/sdk.md");
const PROGRAM: &str = include_str!("../../src/bin/quickstart.rs");

/// Most lines of a quickstart.
const LINES: usize = 15;

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("\n```{language}\n");
    PAGE.split(begin.as_str()).skip(1).map(|rest| rest.split("```").next().expect("a block ends")).collect()
}

#[test]
fn the_quickstart_in_rust_works_as_printed() {
    let [printed] = blocks("rust")[..] else { panic!("one block") };
    assert!(PROGRAM.contains(printed), "the program of the tests is not what the page prints");
    let site = Site::run();
    let mut program = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    let ran = output(program.arg(site.offer("joe").link).current_dir(site.folder()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("enrolling at ") && ran.out.contains("open for Some("), "{ran:?}");
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn quickstarts_are_short() {
    for language in ["rust", "python", "kotlin", "swift"] {
        for block in blocks(language) {
            assert!(block.lines().count() <= LINES, "{language}:\n{block}");
        }
    }
}

//! `docs/sdk/errors.md` has every number that the SDK gives, once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cardea_protocol::Code;

const TABLE: &str = include_str!("../../../docs/sdk/errors.md");
/// Given by the bindings alone.
const BINDINGS: [u32; 2] = [117, 151];

/// Numbers above 100 that the code gives: those that stand alone on the right side of an arm.
fn given(folder: &Path, numbers: &mut BTreeSet<u32>) {
    for entry in fs::read_dir(folder).expect("the sources are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            given(&path, numbers);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("sources are text");
            let Some(code) = text.split_once("pub const fn code(&self) -> u32 {") else { continue };
            let body = code.1.split("\n    }\n").next().expect("a split has a first part");
            let arms = body.lines().filter_map(|line| line.split_once("=> ")?.1.trim_end_matches(',').parse().ok());
            numbers.extend(arms.filter(|&number: &u32| number > 100));
        }
    }
}

#[test]
fn the_table_of_errors_has_every_number_once() {
    let rows: Vec<u32> =
        TABLE.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    let listed: BTreeSet<u32> = rows.iter().copied().collect();
    assert_eq!(listed.len(), rows.len(), "a number is there twice");
    let mut expected: BTreeSet<u32> = Code::ALL.iter().map(|code| code.number().into()).filter(|&it| it != 0).collect();
    expected.extend(BINDINGS);
    given(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/src"), &mut expected);
    assert!(expected.contains(&101) && expected.contains(&141), "the numbers of the SDK are found: {expected:?}");
    assert_eq!(listed, expected);
}

//! `/metrics`: what operators are told to expect is there, nothing else is, and it is as Prometheus wants it.

use std::collections::BTreeSet;

use crate::process::{Running, exchange};

const PAGE: &str = include_str!("../../../docs/server/metrics.md");

/// The names in the first column of the page's table.
fn documented() -> BTreeSet<&'static str> {
    let cells = PAGE.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[tokio::test]
async fn everything_that_is_counted_is_documented_and_the_other_way_round() {
    let server = Running::start(&["dev", "--set", "metrics.public=true"]);
    let answer = exchange(&server.address(), "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let text = answer.split_once("\r\n\r\n").expect("a body").1;
    let mut families = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                assert!(families.insert(name), "{name} is there twice");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
            }
            (Some("#"), Some("HELP"), ..) => {}
            (Some(series), Some(value), None, None) => {
                let name = series.split('{').next().unwrap_or_default();
                let of = |family: &&&str| {
                    name == **family
                        || name.strip_prefix(**family).is_some_and(|end| ["_bucket", "_sum", "_count"].contains(&end))
                };
                assert!(families.iter().any(|family| of(&family)), "{line} has no type before it");
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
            _ => panic!("not the format of Prometheus: {line}"),
        }
    }
    assert_eq!(families, documented().into_iter().collect::<BTreeSet<_>>());
}

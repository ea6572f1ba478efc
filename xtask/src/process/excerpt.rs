//! What is shown of the output of a command that failed: where it says what failed, wherever that stands, and its end.

/// How many of the last lines are shown.
const END: usize = 60;
/// How many lines are shown after one that tells of a failure: a message, an expected value, the first of a trace.
const AFTER: usize = 14;
/// How many such places are shown at most, the last ones: runners say at their end what failed.
const MOST: usize = 16;
/// Stands for lines that are left out.
const GAP: &str = "[…]";

/// The telling lines of `text`, each with the few after it, then its last lines, with marks where lines are left out.
pub(super) fn of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.len().saturating_sub(END);
    let places: Vec<usize> = (0..end).filter(|at| tells_of_failure(lines[*at])).collect();
    let mut shown: Vec<&str> = Vec::new();
    let mut next = 0;
    for at in places.iter().copied().skip(places.len().saturating_sub(MOST)) {
        let until = (at + 1 + AFTER).min(end);
        if at > next {
            shown.push(GAP);
        }
        shown.extend(&lines[next.max(at)..until.max(next)]);
        next = until.max(next);
    }
    if next < end {
        shown.push(GAP);
    }
    shown.extend(&lines[end..]);
    shown.join("\n")
}

/// Whether `line` is where a compiler or one of the test runners in use says that something failed.
fn tells_of_failure(line: &str) -> bool {
    let starts = ["error", "FAILED ", "---- ", "E   ", "✘ "].iter().any(|start| line.starts_with(start));
    let contains = [" panicked at ", ": error: ", ": fatal error: "].iter().any(|part| line.contains(part));
    starts || contains || (line.starts_with("test ") && line.ends_with("FAILED"))
}

#[cfg(test)]
mod tests {
    use super::{AFTER, END, GAP, MOST, of};

    fn dull(count: usize) -> String {
        (0..count).map(|at| format!("ok {at}\n")).collect()
    }

    #[test]
    fn short_output_is_shown_whole() {
        let text = format!("FAILED first\n{}", dull(END - 1));
        assert_eq!(of(&text), text.trim_end());
        assert_eq!(of(""), "");
    }

    #[test]
    fn what_failed_long_before_the_end_is_shown_with_what_follows_it() {
        for telling in [
            "test e2e::one ... FAILED",
            "---- e2e::one stdout ----",
            "thread 'e2e::one' (7) panicked at tests/it/one.rs:1:5:",
            "FAILED one(dev.cardea.test.OneTest)",
            "E   AssertionError: one",
            "✘ Test one() failed after 0.1 seconds",
            "/One.swift:3: error: One.one : XCTAssertTrue failed",
            "error[E0425]: cannot find value",
            "error: could not compile",
        ] {
            let text = format!("{}{telling}\nits message\n{}", dull(50), dull(200));
            let shown = of(&text);
            let lines: Vec<&str> = shown.lines().collect();
            assert_eq!(lines[..3], [GAP, telling, "its message"]);
            assert_eq!(lines[3], "ok 0");
            assert_eq!(lines[1 + AFTER], format!("ok {}", AFTER - 2), "{telling}");
            assert_eq!(lines[2 + AFTER], GAP);
            assert_eq!(lines.len(), 3 + AFTER + END);
            assert_eq!(lines.last(), Some(&"ok 199"));
        }
    }

    #[test]
    fn no_line_is_shown_twice_and_none_says_more_than_it_was() {
        let text = format!("{}FAILED one\nok a\nFAILED two\n{}", dull(5), dull(100));
        let shown = of(&text);
        assert_eq!(shown.matches("FAILED two").count(), 1);
        assert_eq!(shown.matches("ok a").count(), 1);
        assert_eq!(shown.lines().filter(|line| *line == GAP).count(), 2);
        let passed = format!("test one ... ok\ntest result: ok. 1 passed; 0 failed\n{}", dull(100));
        assert_eq!(of(&passed).lines().count(), 1 + END, "nothing there tells of a failure");
    }

    #[test]
    fn output_that_tells_of_nothing_but_failures_is_cut() {
        let text = format!("{}error: last\n{}", "error: one\nits place\n".repeat(10_000), dull(100));
        let shown = of(&text);
        let count = shown.lines().count();
        assert!(count <= MOST * (AFTER + 2) + 1 + END, "{count} lines");
        assert!(shown.contains("error: last\nok 0\n"), "what comes last counts");
    }
}

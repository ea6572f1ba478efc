//! One line per part, and the closing line.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use anyhow::Result;

use crate::clock::Stopwatch;

/// How a part ended when it did not fail.
pub(crate) enum Outcome {
    /// It held; the text says what was looked at ("132 tests").
    Passed(String),
    /// It could not run; the text says why and what to do about it.
    Skipped(String),
}

impl Outcome {
    /// A pass with a few words on what was covered.
    pub(crate) fn passed(what: impl Into<String>) -> Result<Self> {
        Ok(Self::Passed(what.into()))
    }
}

/// A part that runs beside others: its name, and what it does.
pub(crate) type Named<'a> = (&'static str, Box<dyn FnOnce() -> Result<Outcome> + Send + 'a>);

/// Counts parts and prints a line for each.
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    skipped: usize,
    skips_fail: bool,
    total: Stopwatch,
}

impl Report {
    /// Starts a report. Where `CI=true` is set, a skip is a failure: a check that never runs protects nobody.
    pub(crate) fn new() -> Self {
        Self::with_skips_failing(std::env::var_os("CI").is_some_and(|value| value == "true"))
    }

    fn with_skips_failing(skips_fail: bool) -> Self {
        Self { passed: 0, failed: 0, skipped: 0, skips_fail, total: Stopwatch::start() }
    }

    /// Runs one part and prints its line: name, verdict, time, and what it covered or why it did not hold. Returns
    /// whether it passed, for reports whose parts build on each other.
    pub(crate) fn part(&mut self, name: &str, run: impl FnOnce() -> Result<Outcome>) -> bool {
        print!("{name:<18} ");
        // A lost progress line must not end the run.
        let _ = io::stdout().flush();
        let (passed, line) = self.judge(run);
        println!("{line}");
        passed
    }

    /// As [`Self::part`], for parts that print themselves: the line comes after what they print.
    pub(crate) fn printing_part(&mut self, name: &str, run: impl FnOnce() -> Result<Outcome>) -> bool {
        let (passed, line) = self.judge(run);
        println!("{name:<18} {line}");
        passed
    }

    /// Runs several rows of parts at one time, and prints the line of each part when it has ended.
    pub(crate) fn beside(&mut self, rows: Vec<Vec<Named<'_>>>) {
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for row in rows {
                let tell = tell.clone();
                scope.spawn(move || {
                    for (name, run) in row {
                        let watch = Stopwatch::start();
                        let outcome = run();
                        // Who does not listen any more has panicked, and says so.
                        let _ = tell.send((name, outcome, watch.elapsed().as_secs_f64()));
                    }
                });
            }
            drop(tell);
            for (name, outcome, seconds) in told {
                println!("{name:<18} {}", self.count(outcome, seconds));
            }
        });
    }

    fn judge(&mut self, run: impl FnOnce() -> Result<Outcome>) -> (bool, String) {
        let watch = Stopwatch::start();
        let outcome = run();
        let passed = matches!(outcome, Ok(Outcome::Passed(_)));
        (passed, self.count(outcome, watch.elapsed().as_secs_f64()))
    }

    fn count(&mut self, outcome: Result<Outcome>, seconds: f64) -> String {
        match outcome {
            Ok(Outcome::Passed(what)) => {
                self.passed += 1;
                format!("ok      {seconds:>7.1} s  {what}").trim_end().to_owned()
            }
            Ok(Outcome::Skipped(why)) if self.skips_fail => {
                self.failed += 1;
                format!("FAILED  {seconds:>7.1} s  skipped, which CI=true forbids: {why}")
            }
            Ok(Outcome::Skipped(why)) => {
                self.skipped += 1;
                format!("skipped {seconds:>7.1} s  {why}")
            }
            Err(error) => {
                self.failed += 1;
                let mut text = format!("FAILED  {seconds:>7.1} s");
                for line in format!("{error:#}").lines() {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\n    {line}");
                }
                text
            }
        }
    }

    /// Prints the closing line and turns the counts into the exit code.
    pub(crate) fn finish(self) -> ExitCode {
        println!("in {:.0} s", self.total.elapsed().as_secs_f64());
        println!("{}", self.closing_line());
        if self.succeeded() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn closing_line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }

    /// A run in which nothing was looked at has shown nothing.
    fn succeeded(&self) -> bool {
        self.failed == 0 && self.passed + self.skipped > 0
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn counts_parts_by_verdict() {
        let mut report = Report::with_skips_failing(false);
        assert!(report.count(Outcome::passed("3 files"), 0.1).starts_with("ok"));
        assert!(report.count(Ok(Outcome::Skipped("no python3".into())), 0.1).ends_with("no python3"));
        assert!(report.succeeded());
        assert!(report.count(Err(anyhow!("two\nlines")), 0.1).ends_with("\n    two\n    lines"));
        assert!(!report.succeeded());
        assert_eq!(report.closing_line(), "1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_skip_fails_under_ci() {
        let mut report = Report::with_skips_failing(true);
        report.count(Ok(Outcome::Skipped("no python3".into())), 0.1);
        assert_eq!(report.closing_line(), "0 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn parts_beside_each_other_all_count() {
        let mut report = Report::with_skips_failing(false);
        let (first, second) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        let (first, second) = (&first, &second);
        let part = |name, meets: &'static str| -> Named<'_> {
            (
                name,
                Box::new(move || {
                    // Each row waits for the other one: they run at one time.
                    first.wait();
                    second.wait();
                    if meets.is_empty() { Err(anyhow!("failed")) } else { Outcome::passed(meets) }
                }),
            )
        };
        report.beside(vec![vec![part("a", "b"), part("c", "")], vec![part("b", "a"), part("d", "c")]]);
        assert_eq!(report.closing_line(), "3 passed, 1 failed, 0 skipped");
        assert!(!report.succeeded());
    }

    #[test]
    fn a_run_without_parts_is_no_success() {
        assert!(!Report::with_skips_failing(false).succeeded());
    }
}

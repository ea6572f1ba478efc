//! What came of runs: for people, as JUnit's XML, as TAP, or as lines of JSON.

use std::fmt::Write as _;

use serde_json::json;

use super::run::Run;

/// How it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// For people.
    #[default]
    Human,
    /// XML as JUnit writes it.
    JUnit,
    /// The Test Anything Protocol, version 14.
    Tap,
    /// A line of JSON for each run, and one for all.
    JsonLines,
}

/// Tells what came of runs of scenarios from these files.
#[must_use]
pub fn write(form: Form, runs: &[Run], files: &[String]) -> String {
    let told: Vec<Told<'_>> =
        runs.iter().map(|run| Told { run, file: files.get(run.scenario).map_or("", |file| file) }).collect();
    match form {
        Form::Human => human(&told),
        Form::JUnit => junit(&told),
        Form::Tap => tap(&told),
        Form::JsonLines => lines(&told),
    }
}

struct Told<'a> {
    run: &'a Run,
    file: &'a str,
}

impl Told<'_> {
    /// Its name, with its variant.
    fn name(&self) -> String {
        let variant = self.run.variant.to_string();
        if variant.is_empty() { self.run.name.clone() } else { format!("{} [{variant}]", self.run.name) }
    }

    /// Why it failed, in lines.
    fn why(&self) -> Option<Vec<String>> {
        let failure = self.run.failure.as_ref()?;
        let mut lines = vec![
            format!("{}: {failure}", self.file),
            format!("the seed was {}: --seed {} runs the same again", self.run.seed, self.run.seed),
        ];
        lines.extend(failure.last.iter().map(|line| format!("  {line}")));
        Some(lines)
    }
}

fn failed(runs: &[Told<'_>]) -> usize {
    runs.iter().filter(|told| told.run.failure.is_some()).count()
}

fn skipped(runs: &[Told<'_>]) -> usize {
    runs.iter().filter(|told| told.run.skipped.is_some()).count()
}

fn human(runs: &[Told<'_>]) -> String {
    let mut text = String::new();
    for told in runs {
        if let Some(why) = &told.run.skipped {
            let _ = writeln!(text, "skipped {} ({why})", told.name());
            continue;
        }
        let (word, steps, time) =
            (if told.run.failure.is_some() { "FAILED" } else { "ok" }, told.run.steps, told.run.time.as_millis());
        let _ = match told.why() {
            None => writeln!(text, "{word:<7} {} ({steps} steps, {time} ms)", told.name()),
            Some(why) => writeln!(text, "{word:<7} {}\n        {}", told.name(), why.join("\n        ")),
        };
    }
    let (all, failed, skipped) = (runs.len(), failed(runs), skipped(runs));
    let _ = write!(text, "{} passed, {failed} failed", all - failed - skipped);
    if skipped > 0 {
        let _ = write!(text, ", {skipped} skipped");
    }
    text
}

fn junit(runs: &[Told<'_>]) -> String {
    let all: f64 = runs.iter().map(|told| told.run.time.as_secs_f64()).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"cardea-emulator scenario\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{all:.3}\">\n",
        runs.len(),
        failed(runs),
        skipped(runs)
    );
    for told in runs {
        let (name, file, time) = (escaped(&told.name()), escaped(told.file), told.run.time.as_secs_f64());
        let _ = write!(text, "    <testcase name=\"{name}\" classname=\"{file}\" time=\"{time:.3}\"");
        if let Some(why) = &told.run.skipped {
            let _ = writeln!(text, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escaped(why));
            continue;
        }
        let _ = match told.why() {
            None => text.write_str("/>\n"),
            Some(why) => {
                let message = why.first().map_or("", String::as_str);
                writeln!(
                    text,
                    ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                    escaped(message),
                    escaped(&why.join("\n"))
                )
            }
        };
    }
    text.push_str("  </testsuite>\n</testsuites>");
    text
}

/// For attributes and texts of XML. What it cannot have at all becomes a question mark.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            letter if letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn tap(runs: &[Told<'_>]) -> String {
    let mut text = format!("TAP version 14\n1..{}", runs.len());
    for (at, told) in runs.iter().enumerate() {
        let is = if told.run.failure.is_some() { "not ok" } else { "ok" };
        // A `#` would begin a directive.
        let name = told.name().replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ");
        let _ = write!(text, "\n{is} {} - {name}", at + 1);
        if let Some(why) = &told.run.skipped {
            let _ = write!(text, " # SKIP {why}");
        }
        for line in told.why().iter().flatten() {
            let _ = write!(text, "\n# {}", line.replace('\n', " "));
        }
    }
    text
}

fn lines(runs: &[Told<'_>]) -> String {
    let mut lines: Vec<String> = runs
        .iter()
        .map(|Told { run, file }| {
            let failure = run.failure.as_ref().map(|it| {
                json!({ "line": it.place.line, "column": it.place.column, "step": it.step, "message": it.message, "journal": it.last })
            });
            json!({
                "scenario": run.name, "file": file, "variant": run.variant.to_string(), "seed": run.seed, "ok": failure.is_none(),
                "skipped": run.skipped,
                "steps": run.steps, "ms": u64::try_from(run.time.as_millis()).unwrap_or(u64::MAX), "failure": failure,
            })
            .to_string()
        })
        .collect();
    let (failed, skipped) = (failed(runs), skipped(runs));
    let passed = runs.len() - failed - skipped;
    lines.push(json!({ "ok": failed == 0, "passed": passed, "failed": failed, "skipped": skipped }).to_string());
    lines.join("\n")
}

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

/// Tells what came of runs of scenarios from these files: all of it.
#[must_use]
pub fn write(form: Form, runs: &[Run], files: &[String]) -> String {
    let each = runs.iter().enumerate().map(|(at, run)| one(form, at + 1, run, files));
    let all = head(form).into_iter().map(str::to_owned).chain(each.flatten()).chain([end(form, runs, files)]);
    all.collect::<Vec<_>>().join("\n")
}

/// What comes before the first run, in lines.
#[must_use]
pub const fn head(form: Form) -> Option<&'static str> {
    match form {
        Form::Tap => Some("TAP version 14"),
        Form::Human | Form::JUnit | Form::JsonLines => None,
    }
}

/// What came of one run, counted from 1, in lines. In JUnit's XML all of them are told at the end.
#[must_use]
pub fn one(form: Form, number: usize, run: &Run, files: &[String]) -> Option<String> {
    let told = Told::of(run, files);
    match form {
        Form::Human => Some(human(&told)),
        Form::JUnit => None,
        Form::Tap => Some(tap(number, &told)),
        Form::JsonLines => Some(json_line(&told)),
    }
}

/// What comes after the last run, in lines.
#[must_use]
pub fn end(form: Form, runs: &[Run], files: &[String]) -> String {
    let failed = runs.iter().filter(|run| run.failure.is_some()).count();
    let skipped = runs.iter().filter(|run| run.skipped.is_some()).count();
    let passed = runs.len() - failed - skipped;
    match form {
        Form::Human if skipped > 0 => format!("{passed} passed, {failed} failed, {skipped} skipped"),
        Form::Human => format!("{passed} passed, {failed} failed"),
        Form::JUnit => junit(runs, files, (failed, skipped)),
        Form::Tap => format!("1..{}", runs.len()),
        Form::JsonLines => {
            json!({ "ok": failed == 0, "passed": passed, "failed": failed, "skipped": skipped }).to_string()
        }
    }
}

struct Told<'a> {
    run: &'a Run,
    file: &'a str,
}

impl<'a> Told<'a> {
    fn of(run: &'a Run, files: &'a [String]) -> Self {
        Self { run, file: files.get(run.scenario).map_or("", |file| file) }
    }

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

fn human(told: &Told<'_>) -> String {
    if let Some(why) = &told.run.skipped {
        return format!("skipped {} ({why})", told.name());
    }
    match told.why() {
        None => format!("ok      {} ({} steps, {} ms)", told.name(), told.run.steps, told.run.time.as_millis()),
        Some(why) => format!("FAILED  {}\n        {}", told.name(), why.join("\n        ")),
    }
}

fn junit(runs: &[Run], files: &[String], (failed, skipped): (usize, usize)) -> String {
    let all: f64 = runs.iter().map(|run| run.time.as_secs_f64()).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"cardea-emulator scenario\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{all:.3}\">\n",
        runs.len(),
    );
    for told in runs.iter().map(|run| Told::of(run, files)) {
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

fn tap(number: usize, told: &Told<'_>) -> String {
    let is = if told.run.failure.is_some() { "not ok" } else { "ok" };
    // A `#` would begin a directive.
    let name = told.name().replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ");
    let mut text = format!("{is} {number} - {name}");
    if let Some(why) = &told.run.skipped {
        let _ = write!(text, " # SKIP {why}");
    }
    for line in told.why().iter().flatten() {
        let _ = write!(text, "\n# {}", line.replace('\n', " "));
    }
    text
}

fn json_line(Told { run, file }: &Told<'_>) -> String {
    let failure = run.failure.as_ref().map(|it| {
        json!({ "line": it.place.line, "column": it.place.column, "step": it.step, "message": it.message, "journal": it.last })
    });
    json!({
        "scenario": run.name, "file": file, "variant": run.variant.to_string(), "seed": run.seed, "ok": failure.is_none(),
        "skipped": run.skipped,
        "steps": run.steps, "ms": u64::try_from(run.time.as_millis()).unwrap_or(u64::MAX), "failure": failure,
    })
    .to_string()
}

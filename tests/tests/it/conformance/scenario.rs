//! The lines of the scenario file.

/// A scenario.
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

/// A step of it.
pub(super) struct Step {
    pub(super) line: usize,
    /// The verb and its arguments.
    pub(super) words: Vec<String>,
    pub(super) expected: String,
}

/// Reads the file. The grammar is in `ffi/conformance/README.md`.
pub(super) fn parse(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if let Some(name) = content.strip_prefix("scenario ") {
            assert!(scenarios.iter().all(|other| other.name != name), "line {line}: {name} is there twice");
            scenarios.push(Scenario { name: name.to_owned(), steps: Vec::new() });
            continue;
        }
        let (step, expected) = content.split_once(" -> ").unwrap_or((content, "ok"));
        let steps = &mut scenarios.last_mut().expect("a scenario comes first").steps;
        steps.push(Step { line, words: words(step), expected: expected.to_owned() });
    }
    scenarios
}

fn words(step: &str) -> Vec<String> {
    let Some((before, rest)) = step.split_once('"') else {
        return step.split(' ').map(str::to_owned).collect();
    };
    let (quoted, after) = rest.rsplit_once('"').expect("a quote ends");
    let mut words: Vec<String> = before.split_terminator(' ').map(str::to_owned).collect();
    words.push(quoted.to_owned());
    words.extend(after.split(' ').skip(1).map(str::to_owned));
    words
}

#[test]
fn steps_are_read() {
    let text = "# no\n\nscenario one and two\ncheck joe -> 2\nask joe \"Pay \"a\" b\" 30\nreopen\n";
    let [scenario] = &parse(text)[..] else { panic!("one scenario") };
    assert_eq!(scenario.name, "one and two");
    let steps: Vec<_> = scenario.steps.iter().map(|step| (step.line, step.words.clone(), &*step.expected)).collect();
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    assert_eq!(steps[0], (4, owned(&["check", "joe"]), "2"));
    assert_eq!(steps[1], (5, owned(&["ask", "joe", "Pay \"a\" b", "30"]), "ok"));
    assert_eq!(steps[2], (6, owned(&["reopen"]), "ok"));
}

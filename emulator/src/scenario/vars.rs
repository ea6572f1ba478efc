//! Names for what stands in a scenario several times, or is another one each time: `${user}`.

use std::collections::BTreeMap;

use crate::document::{DocumentError, Node, Value, did_you_mean};

/// What names stand for.
pub type Vars = BTreeMap<String, String>;

/// Where the environment says what a name stands for.
pub(super) const FROM: &[&str] = &["env", "else"];
/// Nothing that a name stands for is longer.
const LONGEST: usize = 1_024;

/// Puts what names stand for in their place: what is given, else what the file says in `vars`.
pub(super) fn fill(document: &mut Node, given: &Vars) -> Result<(), DocumentError> {
    let place = document.place;
    let Value::Map(fields) = &mut document.value else { return Ok(()) };
    let declared = fields.iter().find(|(name, _)| name.text == "vars");
    let mut vars = declared.map(|(_, node)| read(node, given)).transpose()?.unwrap_or_default();
    let known: Vec<String> = vars.keys().cloned().collect();
    for (name, value) in given {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if !known.contains(&name.as_str()) {
            let hint = if known.is_empty() { String::new() } else { did_you_mean(name, &known) };
            return Err(place.error(format!("the file has no `{name}` in its `vars`{hint}")));
        }
        vars.insert(name.clone(), value.chars().take(LONGEST).collect());
    }
    for (name, node) in fields.iter_mut() {
        if name.text != "vars" {
            filled(node, &vars)?;
        }
    }
    Ok(())
}

/// What names are given to stand for.
pub(super) fn given(node: &Node) -> Result<Vars, DocumentError> {
    read(node, &Vars::new())
}

/// What names stand for. Of those that are given, nobody asks the environment.
fn read(node: &Node, given: &Vars) -> Result<Vars, DocumentError> {
    let mut vars = Vars::new();
    for (name, value) in node.map()? {
        if name.text.is_empty() || !name.text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)) {
            return Err(name.place.error("a name has letters, digits, '-' and '_'"));
        }
        let text = match &value.value {
            Value::Map(_) if given.contains_key(&name.text) => String::new(),
            Value::Map(_) => from_environment(&name.text, value)?,
            _ => value.text()?.to_owned(),
        };
        if text.len() > LONGEST {
            return Err(value.error(format!("what a name stands for has at most {LONGEST} bytes")));
        }
        vars.insert(name.text.clone(), text);
    }
    Ok(vars)
}

/// `{env: NAME}`, or with what it is where there is none, `{env: NAME, else: TEXT}`.
fn from_environment(name: &str, node: &Node) -> Result<String, DocumentError> {
    let fields = node.fields(FROM)?;
    let variable = fields.need("env")?.text()?;
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty());
    let text = text.map_or_else(|| fields.read("else", |it| it.text().map(str::to_owned)), |text| Ok(Some(text)))?;
    let missing = || format!("the environment has no {variable}: set it, or say `--var {name}=...`");
    text.ok_or_else(|| node.error(missing()))
}

fn filled(node: &mut Node, vars: &Vars) -> Result<(), DocumentError> {
    let place = node.place;
    match &mut node.value {
        Value::Scalar { text, .. } => *text = with(text, vars).map_err(|problem| place.error(problem))?,
        Value::List(items) => items.iter_mut().try_for_each(|item| filled(item, vars))?,
        Value::Map(fields) => {
            for (name, node) in fields {
                name.text = with(&name.text, vars).map_err(|problem| name.place.error(problem))?;
                filled(node, vars)?;
            }
        }
    }
    Ok(())
}

/// A text with what its names stand for. A name inside of that is no name.
fn with(text: &str, vars: &Vars) -> Result<String, String> {
    let (mut all, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("${") {
        all += before;
        let (name, after) = behind.split_once('}').ok_or("a name begins with ${ and ends with }")?;
        match vars.get(name) {
            Some(value) => all += value,
            None => {
                let known: Vec<&str> = vars.keys().map(String::as_str).collect();
                let hint = if known.is_empty() { ": say it in `vars`".to_owned() } else { did_you_mean(name, &known) };
                return Err(format!("nothing says what `{name}` is{hint}"));
            }
        }
        rest = after;
    }
    Ok(all + rest)
}

#[cfg(test)]
mod tests {
    use super::super::{Scenario, Verb};
    use super::*;

    const TEXT: &str = "cardea-scenario: 1\nname: of ${who}\nvars: {who: alice, time: 60s}\ndevices: [\"${who}\"]\n\
                        steps:\n  - enroll: ${who}\n  - clock: {advance: \"${time}\"}\n    expect:\n      server:\n        ${who}: closed\n";

    #[test]
    fn names_stand_for_what_is_said_and_what_is_given_wins() {
        let scenario = Scenario::parse(TEXT).unwrap();
        assert_eq!((scenario.name.as_str(), scenario.devices[0].name.as_str()), ("of alice", "alice"));
        assert_eq!(scenario.steps[1].verb, Verb::Advance(60));
        assert_eq!(scenario.steps[1].expect.as_ref().unwrap().server, [("alice".to_owned(), 2)]);
        let given = Vars::from([("who".to_owned(), "${time}".to_owned())]);
        assert_eq!(Scenario::parse_with(TEXT, &given).unwrap().name, "of ${time}");
    }

    #[test]
    fn a_name_that_nobody_knows_is_told_with_its_place() {
        let problem = |text: &str, given: &Vars| Scenario::parse_with(text, given).unwrap_err().to_string();
        let wrong = TEXT.replace("enroll: ${who}", "enroll: ${woh}");
        assert_eq!(problem(&wrong, &Vars::new()), "line 6, column 13: nothing says what `woh` is: did you mean `who`?");
        let given = Vars::from([("tiem".to_owned(), "1s".to_owned())]);
        assert!(problem(TEXT, &given).contains("did you mean `time`?"));
        assert!(problem(&TEXT.replace("of ${who}", "of ${who"), &Vars::new()).contains("ends with }"));
        assert!(problem("cardea-scenario: 1\nname: ${x}\n", &Vars::new()).contains("say it in `vars`"));
    }
}

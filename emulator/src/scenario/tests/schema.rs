//! The schema that editors use says the same as the program.

use serde_json::Value;

use super::shipped;
use crate::document;
use crate::engine::Kind;
use crate::fits::wrong;
use crate::scenario::{SCHEMA, parse, vars, words};

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn sorted<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut words: Vec<&str> = words.into_iter().collect();
    words.sort_unstable();
    words
}

fn listed(list: &Value) -> Vec<&str> {
    sorted(list["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()))
}

fn first<'a, T>(table: &'a [(&'static str, T)]) -> Vec<&'a str> {
    sorted(table.iter().map(|(word, _)| *word))
}

#[test]
fn it_knows_the_fields_and_words_that_the_program_knows() {
    let schema = schema();
    assert_eq!(names(&schema), sorted(parse::SCENARIO.iter().copied()));
    assert_eq!(names(&schema["properties"]["service"]), sorted(parse::SERVICE.iter().copied()));
    assert_eq!(names(&schema["properties"]["matrix"]), sorted(parse::MATRIX.iter().copied()));
    assert_eq!(names(&schema["properties"]["server"]), sorted(parse::server::SERVER.iter().copied()));
    let defs = &schema["$defs"];
    let include = &defs["step"]["properties"]["include"]["oneOf"][1];
    assert_eq!(names(include), sorted(parse::include::INCLUDE.iter().copied()));
    assert_eq!(names(&defs["given"]["oneOf"][2]), sorted(vars::FROM.iter().copied()));
    assert_eq!(names(&defs["step"]), sorted(parse::VERBS.iter().copied().chain(["expect"])));
    assert_eq!(names(&defs["expect"]), sorted(parse::EXPECT.iter().copied()));
    let device = &schema["properties"]["devices"]["oneOf"][2]["additionalProperties"]["oneOf"][1];
    assert_eq!(names(device), sorted(parse::DEVICE.iter().copied()));
    let faults = &defs["step"]["properties"]["fault"]["properties"]["fault"];
    assert_eq!(listed(faults), sorted(crate::faults::catalogue().map(|entry| entry.name)));
    assert_eq!(listed(&defs["outcome"]), first(words::OUTCOMES));
    assert_eq!(listed(&defs["net"]), sorted(crate::engine::Named::ALL.iter().map(|net| net.name())));
    assert_eq!(listed(&defs["status"]), first(words::STATUSES));
    assert_eq!(listed(&defs["expect"]["properties"]["error"]["oneOf"][0]), first(words::ERRORS));
    assert_eq!(listed(&defs["expect"]["properties"]["device"]["additionalProperties"]), first(words::KNOWN));
    let journal = &defs["expect"]["properties"]["journal"]["oneOf"][0]["properties"]["has"];
    assert_eq!(listed(journal), first(&Kind::WORDS));
    assert_eq!(
        listed(&schema["properties"]["matrix"]["properties"]["transport"]["oneOf"][0]),
        first(words::TRANSPORTS)
    );
}

#[test]
fn what_is_shipped_fits_it_and_a_slip_does_not() {
    let schema = schema();
    for (name, text) in shipped() {
        let value = document::read(&text).unwrap().json();
        assert_eq!(wrong(&schema, &schema, &value), None, "{name}");
    }
    let base = "cardea-scenario: 1\nname: x\ndevices: [a]\n";
    for slip in [
        "stpes: []",
        "steps: [{opne: a}]",
        "steps: [{open: {fro: 3}}]",
        "steps: [{check: a, expect: {answer: opened}}]",
    ] {
        let value = document::read(&format!("{base}{slip}")).unwrap().json();
        assert!(wrong(&schema, &schema, &value).is_some(), "{slip}");
    }
}
